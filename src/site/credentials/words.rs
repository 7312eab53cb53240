//! Words and commands of the shell's language, with their quotes removed. Whatever would put
//! something else in a word's place is refused.

use std::collections::BTreeMap;

use super::ansi_c;
use super::shell::Variable;
use crate::base::{Error, Result, Secret};
use crate::site::document::Spot;

/// Words that begin something a file of variables has no use for, and what they do.
const DOES_MORE: &[(&str, &str)] = &[
    ("if", "decides"),
    ("case", "decides"),
    ("[", "decides"),
    ("[[", "decides"),
    ("test", "decides"),
    ("for", "repeats"),
    ("while", "repeats"),
    ("until", "repeats"),
    ("read", "asks for input"),
    ("function", "defines a function"),
    ("source", "reads another file"),
    (".", "reads another file"),
    ("eval", "runs a text"),
    ("exec", "runs a program"),
    ("echo", "prints"),
    ("printf", "prints"),
    ("declare", "sets attributes of variables"),
    ("typeset", "sets attributes of variables"),
    ("readonly", "sets attributes of variables"),
    ("set", "changes the shell"),
    ("alias", "changes the shell"),
];

/// A word with its quotes removed.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) spot: Spot,
    /// How much of the text, from its start, was neither quoted nor escaped.
    bare: usize,
    /// Where the `=` of `NAME=` is.
    pub(super) name_end: Option<usize>,
    /// An unquoted `{`, and whether a `,` or `..` makes it expand.
    brace: Option<(Spot, bool)>,
}

impl Word {
    pub(super) fn bare(&self) -> Option<&str> {
        (self.bare == self.text.len()).then_some(&*self.text)
    }

    pub(super) fn assign(self, variables: &mut BTreeMap<String, Variable>) {
        if let Some(end) = self.name_end {
            let value = Secret::unlisted(&self.text[end + 1..]);
            variables.insert(self.text[..end].to_string(), Variable { value, spot: self.spot });
        }
    }

    /// Takes a character that is neither quoted nor escaped.
    fn plain(&mut self, c: char) {
        let all_bare = self.bare == self.text.len();
        if c == '=' && self.name_end.is_none() && all_bare && is_name(&self.text) {
            self.name_end = Some(self.text.len());
        }
        if let Some((_, expands)) = &mut self.brace {
            *expands |= c == ',' || (c == '.' && self.text.ends_with('.'));
        }
        self.text.push(c);
        if all_bare {
            self.bare = self.text.len();
        }
    }

    /// Whether a `~` that comes now begins a value, or a part of one.
    fn tilde_expands(&self) -> bool {
        let all_bare = self.bare == self.text.len();
        match self.name_end {
            Some(end) => end + 1 == self.text.len() || self.text.ends_with(':'),
            None => all_bare && self.text.is_empty(),
        }
    }
}

pub(super) struct Reader<'a> {
    file: &'a str,
    chars: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &str) -> Self {
        Reader { file, chars: text.chars().collect(), at: 0, line: 1, column: 1 }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_second(&self) -> Option<char> {
        self.chars.get(self.at + 1).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn spot(&self) -> Spot {
        Spot::new(self.file, self.line, self.column)
    }

    /// The words of the next command; `None` at the end of the text.
    pub(super) fn command(&mut self) -> Result<Option<Vec<Word>>> {
        let mut words: Vec<Word> = Vec::new();
        loop {
            match self.peek() {
                None if words.is_empty() => return Ok(None),
                None => break,
                Some(' ' | '\t') => {
                    self.next();
                }
                Some('\\') if self.peek_second() == Some('\n') => {
                    self.next();
                    self.next();
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                Some(';') if words.is_empty() => {
                    return Err(self.spot().error("there is nothing before this `;`"));
                }
                Some('\n' | ';') => {
                    self.next();
                    if !words.is_empty() {
                        break;
                    }
                }
                Some(_) => {
                    let word = self.word(&words)?;
                    words.push(word);
                }
            }
        }
        Ok(Some(words))
    }

    fn word(&mut self, before: &[Word]) -> Result<Word> {
        let mut word = Word { text: String::new(), spot: self.spot(), bare: 0, name_end: None, brace: None };
        while let Some(c) = self.peek() {
            let spot = self.spot();
            match c {
                ' ' | '\t' | '\n' | ';' => break,
                '\'' => {
                    self.next();
                    self.single_quoted(&mut word.text, &spot)?;
                    continue;
                }
                '"' => {
                    self.next();
                    self.double_quoted(&mut word.text, &spot)?;
                    continue;
                }
                '\\' => {
                    self.next();
                    match self.next() {
                        Some('\n') => {}
                        Some(c) => word.text.push(c),
                        None => word.text.push('\\'),
                    }
                    continue;
                }
                '$' if self.peek_second() == Some('\'') => {
                    self.next();
                    self.next();
                    self.ansi_c(&mut word.text, &spot)?;
                    continue;
                }
                '$' | '`' => self.expansion(&spot, false)?,
                '|' | '&' => return Err(refused(&spot, "this line joins commands")),
                '<' | '>' => return Err(refused(&spot, "this line redirects input or output")),
                '(' | ')' if word.name_end == Some(word.text.len().wrapping_sub(1)) => {
                    return Err(refused(&spot, "this line sets an array"));
                }
                '(' | ')' => {
                    return Err(refused(&spot, "this line defines a function or starts another shell"));
                }
                '~' if word.tilde_expands() => {
                    let error = refused(&spot, "an unquoted `~` stands for a home directory");
                    return Err(error.help("write the path in full"));
                }
                '{' if word.brace.is_none() => word.brace = Some((spot, false)),
                _ => {}
            }
            self.next();
            word.plain(c);
        }
        let plain_export = before.first().and_then(Word::bare) == Some("export");
        if let Some((spot, true)) = word.brace.as_ref().filter(|_| plain_export) {
            let error = refused(spot, "the shell would expand these braces into several words");
            return Err(error.help("put the value in quotes"));
        }
        if before.is_empty()
            && let Some(bare) = word.bare()
            && let Some((_, does)) = DOES_MORE.iter().find(|(name, _)| *name == bare)
        {
            return Err(refused(&word.spot, &format!("`{bare}` {does}")));
        }
        Ok(word)
    }

    fn single_quoted(&mut self, text: &mut String, open: &Spot) -> Result<()> {
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => text.push(c),
                None => return Err(unclosed(open)),
            }
        }
    }

    fn double_quoted(&mut self, text: &mut String, open: &Spot) -> Result<()> {
        loop {
            let spot = self.spot();
            match self.peek() {
                None => return Err(unclosed(open)),
                Some('$' | '`') => self.expansion(&spot, true)?,
                _ => {}
            }
            match self.next() {
                Some('"') | None => return Ok(()),
                Some('\\') => match self.peek() {
                    Some('\n') => {
                        self.next();
                    }
                    Some(c @ ('$' | '`' | '"' | '\\')) => {
                        self.next();
                        text.push(c);
                    }
                    _ => text.push('\\'),
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// What `$'` begins.
    fn ansi_c(&mut self, text: &mut String, open: &Spot) -> Result<()> {
        let mut raw = String::new();
        loop {
            match self.next() {
                Some('\'') => break,
                Some('\\') => {
                    raw.push('\\');
                    raw.extend(self.next());
                }
                Some(c) => raw.push(c),
                None => return Err(unclosed(open)),
            }
        }
        let value = ansi_c::decode(&raw).ok_or_else(|| {
            open.error("the escapes in this $'...' give no text").help("they must give UTF-8 without NUL")
        })?;
        text.push_str(&value);
        Ok(())
    }

    /// Refuses the `$` or back-tick ahead if the shell would put something in its place.
    fn expansion(&self, spot: &Spot, quoted: bool) -> Result<()> {
        let what = match (self.peek(), self.peek_second()) {
            (Some('`'), _) | (Some('$'), Some('(')) => "this line takes in the output of a command",
            (Some('$'), Some('[')) => "this line calculates",
            (Some('$'), Some('"')) if !quoted => "this line translates a text",
            (Some('$'), Some(c)) if c.is_ascii_alphanumeric() || "_{*@#?-$!".contains(c) => {
                "this line takes in another variable"
            }
            _ => return Ok(()),
        };
        Err(refused(spot, what)
            .help("write the value itself; a `$` that belongs to it goes into single quotes"))
    }
}

fn unclosed(open: &Spot) -> Error {
    open.error("this quote is never closed").help(r"close it; a `'` between single quotes is written '\''")
}

pub(super) fn refused(spot: &Spot, what: &str) -> Error {
    spot.error(format!("{what}, and this file is read, never run"))
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
