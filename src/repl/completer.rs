//! TAB.

use rustyline::completion::Completer;

use super::helper::Assistant;

impl Completer for Assistant {
    type Candidate = String;
}
