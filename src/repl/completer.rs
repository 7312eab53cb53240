//! TAB: what the word at the cursor could become.

use rustyline::Context;
use rustyline::completion::Completer;

use super::candidates;
use super::cursor::Cursor;
use super::helper::Assistant;

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let cursor = Cursor::at(line, pos);
        let found = candidates::at(&self.session, &self.names, &cursor);
        Ok((cursor.start, found))
    }
}
