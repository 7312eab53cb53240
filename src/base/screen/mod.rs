//! The one way to the operator's terminal.
//!
//! Names, comments, answers and errors are written by others. What goes to standard output and standard error goes
//! through [`print()`], [`complain`], [`document`] and the other functions here, and they take a [`Drawn`]: there is no way to make one
//! in which a control character, an escape sequence or a line break of somebody else still works. Clippy refuses the
//! ordinary ways to write (`clippy.toml`).

use std::borrow::Cow;

use super::secret::mask;

pub(crate) mod commands;
mod drawn;
mod visible;
mod write;

pub(crate) use drawn::drawn;
pub use drawn::{Drawn, Piece, Shown};
pub use visible::{is_hidden, json};
pub use write::{Stream, complain, document, moving, picture, print};

/// A text of others on one line, as people see it: known secrets are masked, what is hidden is written out.
pub fn line(text: &str) -> Cow<'_, str> {
    masked(text, visible::line)
}

/// The same on the lines that it has.
pub fn lines(text: &str) -> Cow<'_, str> {
    masked(text, visible::lines)
}

/// Masks first: written out or cut, a secret would not be known again.
fn masked<'t>(text: &'t str, visible: fn(&str) -> Cow<'_, str>) -> Cow<'t, str> {
    match mask(text) {
        Cow::Borrowed(same) => visible(same),
        Cow::Owned(masked) => Cow::Owned(visible(&masked).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Drawn, drawn, line};
    use crate::base::Secret;

    #[test]
    fn a_secret_is_masked_before_it_is_written_out() {
        let secret = Secret::new("s3cret\twith\u{1b}controls");
        let text = format!("token {} of admin", secret.expose());
        assert_eq!(line(&text), "token *** of admin");
        assert_eq!(&*drawn!("{}: {}", text, Drawn::lines(&text)), "token *** of admin: token *** of admin");
    }
}
