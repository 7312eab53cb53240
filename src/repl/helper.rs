//! What the line editor asks while a line is typed; one file for each of its questions.

use std::sync::Arc;

use super::names::Names;
use super::session::Session;

/// Answers the line editor.
pub struct Assistant {
    pub(super) session: Arc<Session>,
    pub(super) names: Arc<Names>,
    pub(super) colours: bool,
}

impl Assistant {
    /// For a session.
    pub fn new(session: Arc<Session>, names: Arc<Names>, colours: bool) -> Self {
        Assistant { session, names, colours }
    }
}

impl rustyline::Helper for Assistant {}
