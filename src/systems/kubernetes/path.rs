//! Paths and queries of the Kubernetes API.

use std::fmt::Write as _;

use crate::base::{Error, ErrorKind, Result};

/// A query string that is built parameter by parameter.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds a parameter.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        encode(value, &mut self.0);
        self
    }

    /// Adds a parameter that has a value.
    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The query with its question mark, or nothing.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as one segment of a path.
///
/// # Errors
/// [`ErrorKind::Argument`] for a name that would lead elsewhere.
pub(super) fn segment(what: &str, name: &str) -> Result<String> {
    let elsewhere = |c: char| matches!(c, '/' | '%' | '\\') || c.is_control() || c.is_whitespace();
    if name.is_empty() || name == "." || name == ".." || name.contains(elsewhere) {
        let what = format!("`{}` is not the name of a {what}", name.escape_debug());
        return Err(Error::new(ErrorKind::Argument, what));
    }
    let mut text = String::with_capacity(name.len());
    encode(name, &mut text);
    Ok(text)
}

/// Percent-encodes all but the characters that mean nothing in a path or a query (RFC 3986,
/// 2.3), and `:`, which names of roles carry.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        let query = Query::default()
            .with("fieldSelector", "status.phase!=Running,metadata.name=a b")
            .with_some("continue", None)
            .with_some("limit", Some("500"));
        assert_eq!(
            query.as_str(),
            "?fieldSelector=status.phase%21%3DRunning%2Cmetadata.name%3Da%20b&limit=500"
        );
        assert_eq!(Query::default().as_str(), "");
    }

    #[test]
    fn a_name_cannot_leave_its_place() {
        assert_eq!(segment("role", "system:node").unwrap(), "system:node");
        assert_eq!(segment("pod", "a?b#c").unwrap(), "a%3Fb%23c");
        for name in ["", ".", "..", "a/b", "../x", "a%2fb", "a\\b", "a\nb", "a b", "%2e%2e"] {
            assert_eq!(segment("pod", name).unwrap_err().kind(), ErrorKind::Argument, "{name}");
        }
    }
}
