//! Enter on a text that is not whole goes on in the next line; on an empty line it ends the text whatever it lacks.

use rustyline::validate::{ValidationContext, ValidationResult, Validator};

use super::continuation;
use super::helper::Assistant;

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        Ok(match !text.ends_with('\n') && continuation::goes_on(text) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}
