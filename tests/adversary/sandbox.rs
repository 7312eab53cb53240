//! A script reaches what the site declares, within bounded memory and time.
