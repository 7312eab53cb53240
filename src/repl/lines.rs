//! Reading a single answer, while the line editor rests.

use rustyline::DefaultEditor;

use crate::base::Drawn;

/// Asks for a line below a prompt that may have colours. Nothing on Ctrl-C, Ctrl-D and errors.
pub fn ask(prompt: &Drawn) -> Option<String> {
    let plain = prompt.plain().into_owned();
    let mut editor = DefaultEditor::new().ok()?;
    editor.readline(&(plain, prompt.to_string())).ok().map(|line| line.trim().to_string())
}
