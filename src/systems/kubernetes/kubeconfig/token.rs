//! A file with a bearer token, as `tokenFile` names one. Others write it anew before the token ends.

use std::path::Path;

use crate::base::{Error, ErrorKind, Result, Secret, line, plain_file};

/// Most bytes of a token: a header of more is refused by servers.
const LONGEST: u64 = 64 << 10;

/// The token of a file, without the spaces and line ends around it, as kubectl takes it.
///
/// # Errors
/// [`ErrorKind::Site`], at the file.
pub(in crate::systems::kubernetes) fn token(path: &Path) -> Result<Secret> {
    let file = path.display().to_string();
    let wrong = |what: &str| {
        Error::new(ErrorKind::Site, format!("the token file {file} {what}"))
            .help("it holds one token and nothing else")
    };
    let text = plain_file::read_text(path, LONGEST).map_err(|e| wrong("cannot be read").from_source(&e))?;
    let token = text.trim();
    match line::flaw(token) {
        _ if token.is_empty() => Err(wrong("is empty")),
        Some(flaw) => {
            let before = token.find(|c: char| c.is_control()).unwrap_or_default();
            let line = text[..text.len() - text.trim_start().len() + before].matches('\n').count() + 1;
            Err(wrong(&format!("holds {flaw} in its token")).place(&file, line, 0))
        }
        None => Ok(Secret::new(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_without_what_stands_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            token(&path).map(|t| t.expose().to_string()).map_err(|e| e.to_string())
        };
        for text in ["t0ken", "t0ken\n", "t0ken\r\n", "\n  t0ken \n\n"] {
            assert_eq!(of(text).unwrap(), "t0ken");
        }
        for (text, why) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("one\ntwo\n", "holds a line end in its token"),
            ("a\0b", "holds a NUL byte in its token"),
        ] {
            assert!(of(text).unwrap_err().ends_with(why), "{text:?}");
        }
        let error = token(&dir.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Site);
    }
}
