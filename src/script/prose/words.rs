//! Expressions of a script in an operator's words: the site's values where they are known, and a name in angle
//! brackets where only a run knows.

use std::collections::BTreeMap;

use crate::base::duration;
use crate::script::survey::lexer::Page;
use crate::systems::openstack::resource::Resource;

/// What a site, or the shipped defaults, say of a value by its name.
pub type Lookup<'v> = &'v dyn Fn(&str) -> Option<String>;

/// What a function was called with.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The argument in words.
    pub(super) text: String,
    /// What kind of thing it is, where the text tells.
    pub(super) row: Option<&'static Resource>,
    /// Of a map that is written out, its values in words.
    pub(super) fields: BTreeMap<String, String>,
}

/// What is known at a place, by the names of parameters.
pub(super) type Known = BTreeMap<String, Given>;

/// Longest expression that is shown as it is written.
const LONGEST: usize = 40;

/// An expression in words.
pub(super) fn expression(source: &str, given: &Known, values: Lookup<'_>) -> String {
    let source = source.trim();
    if let Some(inner) = quoted(source, '"') {
        return inner.replace("\\\"", "\"");
    }
    if let Some(inner) = quoted(source, '`') {
        return template(inner, given, values);
    }
    if source == "[]" {
        return "none".into();
    }
    if source == "()" {
        return "nothing".into();
    }
    if let Some(name) = source.strip_prefix("site.").filter(|name| is_name(name)) {
        return values(name).unwrap_or_else(|| format!("<{name}>"));
    }
    if let Some(known) = given.get(source) {
        return known.text.clone();
    }
    if let Some((number, unit)) = source.split_once('.')
        && number.bytes().all(|b| b.is_ascii_digit())
        && !number.is_empty()
    {
        let written = format!("{number}{unit}");
        return duration::parse(&written).map_or(written, duration::show);
    }
    if source.bytes().all(|b| b.is_ascii_digit()) || ["true", "false"].contains(&source) {
        return source.into();
    }
    if let Some(items) = source.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
        let items: Vec<String> = elements(items).iter().map(|i| expression(i, given, values)).collect();
        return items.join(", ");
    }
    // a field of what is known: `<image>.name`
    if let Some((head, rest)) = source.split_once('.')
        && let Some(known) = given.get(head)
        && rest.split('.').all(is_name)
    {
        if let Some(field) = known.fields.get(rest) {
            return field.clone();
        }
        let known = known.text.trim_matches(['<', '>']);
        return if is_path(known) { format!("<{known}.{rest}>") } else { format!("<{head}.{rest}>") };
    }
    match is_path(source) && source.len() <= LONGEST {
        true => format!("<{source}>"),
        false => "<…>".into(),
    }
}

/// A text with something computed in it.
fn template(text: &str, given: &Known, values: Lookup<'_>) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        words.push_str(before);
        let Some(end) = closing(behind) else { break };
        words.push_str(&expression(&behind[..end], given, values));
        rest = &behind[end + 1..];
    }
    words.push_str(rest);
    words
}

/// The place of the brace that closes a text, where its opening brace is in front of it.
fn closing(text: &str) -> Option<usize> {
    let page = Page::of(text);
    let mut depth = 0usize;
    for lexeme in page.lexemes.iter() {
        match page.str(lexeme) {
            "{" => depth += 1,
            "}" if depth == 0 => return Some(lexeme.start),
            "}" => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The elements of a list.
fn elements(text: &str) -> Vec<&str> {
    let page = Page::of(text);
    let (mut found, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for lexeme in page.lexemes.iter() {
        match page.str(lexeme) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                found.push(&text[start..lexeme.start]);
                start = lexeme.end;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found.retain(|item| !item.trim().is_empty());
    found
}

/// What stands in quotes, where the whole text does.
fn quoted(text: &str, mark: char) -> Option<&str> {
    let page = Page::of(text);
    let whole = page.lexemes.len() == 1;
    text.strip_prefix(mark)?.strip_suffix(mark).filter(|_| whole)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// `server.name`, `keystone::lacking`, and nothing with a call or an operator in it.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split("::").flat_map(|part| part.split('.')).all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_and_what_is_not_is_named() {
        let text = |t: &str| Given { text: t.into(), row: None, fields: BTreeMap::new() };
        let given = Known::from([("name".into(), text("vm-1")), ("lb".into(), text("<found>"))]);
        let values = |name: &str| (name == "image").then(|| "jammy".to_string());
        for (source, words) in [
            ("\"as it is\"", "as it is"),
            ("`image ${site.image} of ${site.other}`", "image jammy of <other>"),
            ("`${name} is ${lb.name}: ${f(\"}\", x)}.`", "vm-1 is <found.name>: <…>."),
            ("[]", "none"),
            ("[\"ACTIVE\", site.image]", "ACTIVE, jammy"),
            ("10.min", "10m"),
            ("8.GiB", "8GiB"),
            ("seen.status", "<seen.status>"),
            ("a + b", "<…>"),
            ("`a` + `b`", "<…>"),
        ] {
            assert_eq!(expression(source, &given, &values), words, "{source}");
        }
    }
}
