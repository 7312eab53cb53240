//! A secret appears nowhere.
