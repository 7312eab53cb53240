//! A text as lexemes, comments among them: Rhai drops these, and the prose is made of them.

use std::borrow::Cow;

use super::values::At;

/// What a lexeme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexemeKind {
    /// `// ...` or `/* ... */`.
    Comment,
    /// `"..."`, `#"..."#`, `` `...` `` with all that is in it, or `'c'`.
    Text,
    /// A number.
    Number,
    /// A name or a word of the language.
    Word,
    /// One character of anything else.
    Symbol,
}

/// A piece of a text; blanks belong to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub kind: LexemeKind,
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
    /// Where it starts.
    pub at: At,
}

/// A text and its lexemes.
#[derive(Debug)]
pub struct Page<'t> {
    /// The text.
    pub text: &'t str,
    /// Its lexemes, in order.
    pub lexemes: Cow<'t, [Lexeme]>,
}

impl<'t> Page<'t> {
    /// Reads a text; one that Rhai would not take is read as far as it makes sense.
    pub fn of(text: &'t str) -> Self {
        let mut lexemes = Vec::new();
        let mut cursor = Cursor { text, byte: 0, at: At { line: 1, column: 1 } };
        while let Some(c) = cursor.peek() {
            let (start, at) = (cursor.byte, cursor.at);
            let kind = match c {
                c if c.is_whitespace() => {
                    cursor.step();
                    continue;
                }
                '/' if cursor.sees("//") => cursor.until_line_end(),
                '/' if cursor.sees("/*") => cursor.block_comment(),
                '"' => cursor.string(),
                '`' => cursor.template(),
                '\'' => cursor.character(),
                '#' if cursor.raw_marks() > 0 => cursor.raw_string(),
                c if c.is_ascii_digit() => cursor.number(),
                c if c.is_alphabetic() || c == '_' => cursor.word(),
                _ => {
                    cursor.step();
                    LexemeKind::Symbol
                }
            };
            lexemes.push(Lexeme { kind, start, end: cursor.byte, at });
        }
        Page { text, lexemes: lexemes.into() }
    }

    /// A lexeme's text.
    pub fn str(&self, lexeme: &Lexeme) -> &'t str {
        self.text.get(lexeme.start..lexeme.end).unwrap_or_default()
    }

    /// The lexeme that starts at a place, or the first one behind it.
    pub fn find(&self, at: At) -> usize {
        self.lexemes.partition_point(|l| l.at < at)
    }

    /// The lexeme that closes the bracket at a lexeme.
    pub fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (n, lexeme) in self.lexemes.iter().enumerate().skip(open) {
            match (lexeme.kind, self.str(lexeme)) {
                (LexemeKind::Symbol, "(" | "[" | "{") => depth += 1,
                (LexemeKind::Symbol, ")" | "]" | "}") => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(n);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The innermost bracket that is never closed.
    pub fn unclosed(&self) -> Option<&Lexeme> {
        let mut open = Vec::new();
        for lexeme in self.lexemes.iter().filter(|l| l.kind == LexemeKind::Symbol) {
            match self.str(lexeme) {
                "(" | "[" | "{" => open.push(lexeme),
                ")" | "]" | "}" => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }

    /// The text of the argument or element that starts at a place: up to the next comma or closing
    /// bracket of its own depth.
    pub fn argument(&self, at: At) -> &'t str {
        let first = self.find(at);
        let mut n = first;
        while let Some(lexeme) = self.lexemes.get(n) {
            match (lexeme.kind, self.str(lexeme)) {
                (LexemeKind::Symbol, "(" | "[" | "{") => n = self.closing(n).unwrap_or(n),
                (LexemeKind::Symbol, ")" | "]" | "}" | "," | ";") => break,
                _ => {}
            }
            n += 1;
        }
        match (self.lexemes.get(first), n.checked_sub(1).and_then(|last| self.lexemes.get(last))) {
            (Some(a), Some(z)) => self.text.get(a.start..z.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// The bytes of a call whose name stands at a place: from the name to the closing bracket.
    pub fn call(&self, at: At) -> Option<std::ops::Range<usize>> {
        let name = self.find(at);
        let start = self.lexemes.get(name)?.start;
        let last = self.closing(name + 1)?;
        Some(start..self.lexemes[last].end)
    }
}

struct Cursor<'t> {
    text: &'t str,
    byte: usize,
    at: At,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.byte..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn sees(&self, what: &str) -> bool {
        self.rest().starts_with(what)
    }

    fn step(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.byte += c.len_utf8();
        match c {
            '\n' => self.at = At { line: self.at.line + 1, column: 1 },
            _ => self.at.column += 1,
        }
        Some(c)
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn while_(&mut self, goes_on: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&goes_on) {
            self.step();
        }
    }

    fn until_line_end(&mut self) -> LexemeKind {
        self.while_(|c| c != '\n');
        LexemeKind::Comment
    }

    fn block_comment(&mut self) -> LexemeKind {
        let mut depth = 0usize;
        while self.peek().is_some() {
            if self.sees("/*") {
                depth += 1;
                self.steps(2);
            } else if self.sees("*/") {
                depth -= 1;
                self.steps(2);
                if depth == 0 {
                    break;
                }
            } else {
                self.step();
            }
        }
        LexemeKind::Comment
    }

    fn string(&mut self) -> LexemeKind {
        self.step();
        while let Some(c) = self.step() {
            match c {
                '\\' => drop(self.step()),
                '"' | '\n' => break, // a line's end ends a string that lacks its quote
                _ => {}
            }
        }
        LexemeKind::Text
    }

    fn template(&mut self) -> LexemeKind {
        self.step();
        while let Some(c) = self.step() {
            match c {
                '`' if self.sees("`") => drop(self.step()), // two stand for one
                '`' => break,
                '$' if self.sees("{") => self.template_code(),
                _ => {}
            }
        }
        LexemeKind::Text
    }

    /// `{ ... }` in a template: code, with strings and templates of its own.
    fn template_code(&mut self) {
        let mut depth = 0usize;
        while let Some(c) = self.peek() {
            match c {
                '"' => drop(self.string()),
                '`' => drop(self.template()),
                '{' => {
                    depth += 1;
                    self.step();
                }
                '}' => {
                    depth -= 1;
                    self.step();
                    if depth == 0 {
                        break;
                    }
                }
                _ => drop(self.step()),
            }
        }
    }

    fn character(&mut self) -> LexemeKind {
        self.step();
        while let Some(c) = self.peek() {
            match c {
                '\n' => break,
                '\\' => self.steps(2),
                '\'' => {
                    self.step();
                    break;
                }
                _ => drop(self.step()),
            }
        }
        LexemeKind::Text
    }

    /// How many `#` stand here in front of a quote.
    fn raw_marks(&self) -> usize {
        let marks = self.rest().chars().take_while(|c| *c == '#').count();
        if self.rest()[marks..].starts_with('"') { marks } else { 0 }
    }

    fn raw_string(&mut self) -> LexemeKind {
        let marks = self.raw_marks();
        let end = format!("\"{}", "#".repeat(marks));
        self.steps(marks + 1);
        while self.peek().is_some() && !self.sees(&end) {
            self.step();
        }
        self.steps(marks + 1);
        LexemeKind::Text
    }

    fn number(&mut self) -> LexemeKind {
        let digit = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.while_(digit);
        // `1.5` goes on, `30.s` and `0..9` do not
        let mut behind = self.rest().chars();
        if behind.next() == Some('.') && behind.next().is_some_and(|c| c.is_ascii_digit()) {
            self.step();
            self.while_(digit);
        }
        LexemeKind::Number
    }

    fn word(&mut self) -> LexemeKind {
        self.while_(|c| c.is_alphanumeric() || c == '_');
        LexemeKind::Word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let page = Page::of(text);
        page.lexemes.iter().map(|l| page.str(l)).collect()
    }

    #[test]
    fn strings_hide_what_is_in_them() {
        assert_eq!(
            words("f(\"a // b\", 'c', #\"x\"y\"#)"),
            ["f", "(", "\"a // b\"", ",", "'c'", ",", "#\"x\"y\"#", ")"]
        );
        assert_eq!(words("`a ${ b(`c`, \"}\") } d` e"), ["`a ${ b(`c`, \"}\") } d`", "e"]);
        assert_eq!(words("/* a /* b */ c */ d // e"), ["/* a /* b */ c */", "d", "// e"]);
        assert_eq!(
            words("30.s 1.5 0..9 #{a: 1}"),
            ["30", ".", "s", "1.5", "0", ".", ".", "9", "#", "{", "a", ":", "1", "}"]
        );
    }

    #[test]
    fn calls_and_arguments_end_at_their_own_bracket() {
        let text = "verify(\"1\", `a${b(1, 2)}`, || { f(x) });";
        let page = Page::of(text);
        let range = page.call(At { line: 1, column: 1 }).unwrap();
        assert_eq!(&text[range], &text[..text.len() - 1]);
        assert_eq!(page.argument(At { line: 1, column: 13 }), "`a${b(1, 2)}`");
        assert_eq!(page.argument(At { line: 1, column: 28 }), "|| { f(x) }");
    }

    #[test]
    fn columns_count_characters() {
        let page = Page::of("ä \"ö\" x\n  y");
        let at = |n: usize| (page.lexemes[n].at.line, page.lexemes[n].at.column);
        assert_eq!((at(2), at(3)), ((1, 7), (2, 3)));
    }

    #[test]
    fn broken_texts_end_too() {
        for text in ["\"", "`${", "'", "#\"", "/*", "(((", "`${{", "))}", "#", "\\"] {
            let page = Page::of(text);
            page.argument(At { line: 1, column: 1 });
            page.call(At { line: 1, column: 1 });
        }
    }
}
