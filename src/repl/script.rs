//! A session without a terminal: standard input is a script. It ends at its first error.

use std::io::Read as _;

use super::continuation;
use super::shell::{Next, Shell};
use crate::base::{Error, ErrorKind, Result};

/// Evaluates standard input, text by text, as lines would be at a terminal.
pub fn run(mut shell: Shell) -> Result<u8> {
    let mut input = String::new();
    std::io::stdin()
        .read_to_string(&mut input)
        .map_err(|e| Error::new(ErrorKind::Io, "standard input cannot be read").from_source(&e))?;
    for text in texts(&input) {
        if shell.take(&text)? == Next::Leave {
            break;
        }
    }
    Ok(0)
}

/// The texts of a script: lines, joined where one goes on in the next, or the next in it (`.filter(...)`).
fn texts(input: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut text = String::new();
    let lines: Vec<&str> = input.lines().collect();
    for (n, line) in lines.iter().enumerate() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
        let next = lines.get(n + 1).map_or("", |next| next.trim_start());
        let joined = ['.', ')', ']', '}'].iter().any(|c| next.starts_with(*c)) || next.starts_with("else");
        if !joined && !continuation::goes_on(&text) {
            all.push(std::mem::take(&mut text));
        }
    }
    if !text.is_empty() {
        all.push(text);
    }
    all.retain(|text| !text.trim().is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn a_script_is_taken_text_by_text() {
        let script = "let a = 1;\nfn f(x) {\n    x + 1\n}\nf(a)\n  .max(2)\n\n:json\nlet s = `one\n\ntwo`;\n";
        assert_eq!(
            texts(script),
            ["let a = 1;", "fn f(x) {\n    x + 1\n}", "f(a)\n  .max(2)", ":json", "let s = `one\n\ntwo`;"]
        );
    }
}
