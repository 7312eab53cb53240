//! A strict reader of tags: what does not nest, or is not quoted, is a failure. HTML's void elements and
//! raw texts are known; entities in texts and attributes are resolved.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test's support fails as a test does")]

use std::collections::BTreeMap;

const VOID: &[&str] = &["meta", "link", "input", "br", "hr", "img"];
const RAW: &[&str] = &["script", "style"];

/// What a document holds.
#[derive(Default)]
pub struct Markup {
    /// How often each element occurs.
    elements: BTreeMap<String, usize>,
    /// Element, name, value.
    pub attributes: Vec<(String, String, String)>,
    /// Texts between tags.
    pub texts: Vec<String>,
    /// The texts of `script` and of `style`, one behind the other.
    pub raw: BTreeMap<String, String>,
}

impl Markup {
    pub fn parse(text: &str) -> Self {
        let mut markup = Markup::default();
        let mut open: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            markup.text(&rest[..at]);
            rest = &rest[at + 1..];
            if rest.starts_with(['!', '?']) {
                rest = &rest[rest.find('>').unwrap() + 1..];
            } else if let Some(end) = rest.strip_prefix('/') {
                let (name, behind) = end.split_once('>').unwrap();
                assert_eq!(open.pop().as_deref(), Some(name), "closed out of order near {}", near(end));
                rest = behind;
            } else {
                let (name, alone, behind) = markup.tag(rest);
                rest = behind;
                if RAW.contains(&name.as_str()) {
                    let (raw, behind) = rest.split_once(&format!("</{name}>")).unwrap();
                    markup.raw.entry(name).or_default().push_str(raw);
                    rest = behind;
                } else if !alone && !VOID.contains(&name.as_str()) {
                    open.push(name);
                }
            }
        }
        markup.text(rest);
        assert!(open.is_empty(), "never closed: {open:?}");
        markup
    }

    /// A start tag: its name, whether it closes itself, and what is behind it.
    fn tag<'a>(&mut self, text: &'a str) -> (String, bool, &'a str) {
        let name_ends = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap();
        let name = text[..name_ends].to_string();
        assert!(!name.is_empty(), "a bare < near {}", near(text));
        *self.elements.entry(name.clone()).or_default() += 1;
        let mut rest = text[name_ends..].trim_start();
        loop {
            if let Some(behind) = rest.strip_prefix("/>") {
                return (name, true, behind);
            }
            if let Some(behind) = rest.strip_prefix('>') {
                return (name, false, behind);
            }
            let ends = rest.find(|c: char| c == '=' || c == '>' || c.is_whitespace()).unwrap();
            let attribute = rest[..ends].to_string();
            assert!(
                attribute.chars().all(|c| c.is_ascii_alphanumeric() || "-:".contains(c))
                    && !attribute.is_empty(),
                "attribute `{attribute}` near {}",
                near(rest)
            );
            rest = &rest[ends..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let (inside, behind) = quoted.split_once('"').unwrap();
                value = resolve(inside);
                rest = behind;
            }
            rest = rest.trim_start();
            self.attributes.push((name.clone(), attribute, value));
        }
    }

    fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.texts.push(resolve(text.trim()));
        }
    }

    /// How often an element occurs.
    pub fn count(&self, element: &str) -> usize {
        self.elements.get(element).copied().unwrap_or_default()
    }

    /// The values of an attribute, wherever it stands.
    pub fn values(&self, attribute: &str) -> Vec<&str> {
        self.attributes
            .iter()
            .filter(|(_, name, _)| name == attribute)
            .map(|(.., value)| value.as_str())
            .collect()
    }
}

fn near(text: &str) -> String {
    text.chars().take(80).collect()
}

fn resolve(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let (name, behind) =
            entity.split_once(';').unwrap_or_else(|| panic!("a bare & near {}", near(entity)));
        let number =
            |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).unwrap();
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            _ if name.starts_with("#x") => number(&name[2..], 16),
            _ if name.starts_with('#') => number(&name[1..], 10),
            other => panic!("entity {other}"),
        });
        rest = behind;
    }
    out.push_str(rest);
    out
}
