//! Logical names: `restart`, `std/octavia`, `shipped:std/octavia`. Never a file's path.

use crate::base::{Error, ErrorKind, Result};

/// A checked logical name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogicalName {
    /// The name without its prefix.
    pub name: String,
    /// `shipped:` stood before it: the site's own layer is left out.
    pub shipped: bool,
}

impl LogicalName {
    /// Checks a name as a script or the command line writes it.
    ///
    /// # Errors
    /// [`ErrorKind::Script`] for a path, and for anything that is no name.
    pub fn parse(text: &str) -> Result<LogicalName> {
        let (shipped, name) = match text.strip_prefix("shipped:") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let error = |what: &str, help: &str| {
            Err(Error::new(ErrorKind::Script, format!("`{}` {what}", text.escape_debug())).help(help))
        };
        if name.starts_with('/') || name.split('/').any(|part| part == ".." || part == ".") {
            let help = "name a module by its logical name, such as std/octavia; files of the site directory count from there";
            return error("is a path", help);
        }
        if name.ends_with(".rhai") {
            return error("names a file", "leave `.rhai` out");
        }
        if !name.split('/').all(is_part) {
            let help = "a name has lower-case letters, digits, `-` and `_`, with `/` between its parts";
            return error("cannot be a name", help);
        }
        Ok(LogicalName { name: name.to_string(), shipped })
    }
}

fn is_part(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::LogicalName;

    #[test]
    fn names_pass_and_paths_do_not() {
        for name in ["restart", "phase-08", "std/octavia", "lib/a_b/c-1", "7"] {
            assert!(!LogicalName::parse(name).unwrap().shipped);
            assert!(LogicalName::parse(&format!("shipped:{name}")).unwrap().shipped);
        }
        for (name, what) in [
            ("../x", "is a path"),
            ("std/../../x", "is a path"),
            ("/etc/passwd", "is a path"),
            ("./x", "is a path"),
            ("shipped:/x", "is a path"),
            ("std/octavia.rhai", "names a file"),
            ("", "cannot be a name"),
            ("std//x", "cannot be a name"),
            ("std/", "cannot be a name"),
            ("Std/x", "cannot be a name"),
            ("-x", "cannot be a name"),
            ("a b", "cannot be a name"),
            ("a\0b", "cannot be a name"),
            (".hidden", "cannot be a name"),
            ("shipped:shipped:x", "cannot be a name"),
        ] {
            let error = LogicalName::parse(name).unwrap_err().to_string();
            assert!(error.ends_with(what), "{name}: {error}");
        }
    }
}
