//! Earlier lines, in the site's state, without those that hold a secret.

use std::path::{Path, PathBuf};

use rustyline::history::FileHistory;
use rustyline::{Editor, Helper};

use super::privacy;

/// How many lines are kept.
pub const MOST: usize = 5_000;

/// The file of earlier lines.
pub struct History(PathBuf);

impl History {
    /// In the directory of a site's state.
    pub fn at(home: &Path) -> Self {
        History(home.join("repl-history"))
    }

    /// Reads it; the first session has none.
    pub fn load<H: Helper>(&self, editor: &mut Editor<H, FileHistory>) {
        let _ = editor.load_history(&self.0);
    }

    /// Keeps a line, unless it has a `secret` in it. Written at once: a session may end in any way.
    pub fn keep<H: Helper>(&self, editor: &mut Editor<H, FileHistory>, line: &str, secret: bool) {
        if secret || !privacy::may_be_kept(line) {
            return;
        }
        if editor.add_history_entry(line).unwrap_or(false) {
            // without a history the session goes on all the same
            let _ = editor.append_history(&self.0);
        }
    }
}
