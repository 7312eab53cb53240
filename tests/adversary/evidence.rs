//! A journal, its report and its verdict cannot be made to disagree.
