//! An approval covers what was shown, and nothing else.
