//! What is found in a runbook, for people and for programs.

use serde::Serialize;

use super::codes::Code;

/// A place of a runbook that can pass though it should fail.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The file as the operator knows it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters it covers on its line.
    pub width: usize,
    /// What sort of thing it is: name, title, what can pass, and what replaces it.
    #[serde(flatten)]
    pub code: &'static Code,
    /// What is particular here, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The line that it stands on.
    pub text: String,
}

impl Finding {
    /// Adds what is particular here.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}
