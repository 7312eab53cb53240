//! What stands behind the cursor, in grey: the signature of the call that is being typed.

use rustyline::Context;
use rustyline::hint::{Hint, Hinter};

use super::cursor::{self, Cursor};
use super::display::table;
use super::docs;
use super::helper::Assistant;
use super::live::Live;
use crate::base::screen::{self, Stream};

/// The longest hint, in columns.
const LONGEST: usize = 72;

/// One shorter than this says nothing.
const SHORTEST: usize = 16;
/// Columns that prompts take, about.
const PROMPT: usize = 36;

/// A hint, which is to be read and not to be taken over.
pub struct Signature(String);

impl Hint for Signature {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Signature;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<Signature> {
        if pos < line.len() || line.starts_with(':') {
            return None;
        }
        // by the time somebody presses TAB, the names are there
        if let Some(live) = Live::at(&self.session, &Cursor::at(line, pos).typing) {
            self.names.want(&self.session.host.site, &live);
        }
        let (of, name) = cursor::call_at(line)?;
        let signature = docs::signature(&self.session, &of, &name)?;
        // beside the line, not into the next one
        let taken = line.chars().count() + PROMPT;
        let room = Stream::Out.columns().unwrap_or(80).saturating_sub(taken).min(LONGEST);
        (room >= SHORTEST).then(|| Signature(format!("   {}", table::cut(&screen::line(&signature), room))))
    }
}
