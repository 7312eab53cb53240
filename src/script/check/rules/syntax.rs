//! Texts that do not compile.

use rhai::{ParseError, ParseErrorType};

use crate::script::check::codes::{RESERVED_WORD, SYNTAX, UNDEFINED_VARIABLE, UNKNOWN_MODULE};
use crate::script::check::{Desk, Finding};
use crate::script::survey::lexer::{LexemeKind, Page};
use crate::script::survey::{At, Layer};

/// Words that Rhai keeps for itself.
const WORDS: &[&str] = &[
    "if",
    "else",
    "switch",
    "do",
    "while",
    "until",
    "loop",
    "for",
    "in",
    "break",
    "continue",
    "return",
    "throw",
    "try",
    "catch",
    "let",
    "const",
    "fn",
    "private",
    "import",
    "export",
    "as",
    "this",
    "true",
    "false",
    "global",
    "Fn",
    "call",
    "curry",
    "type_of",
    "is_shared",
    "print",
    "debug",
    "is_def_var",
    "is_def_fn",
    "eval",
];

/// The first error of each text that does not compile.
pub(super) fn texts(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        if let Some(error) = &layer.broken {
            let finding = of(desk, (id, layer), error);
            desk.add(finding);
        }
    }
}

fn of(desk: &Desk<'_>, (id, layer): (usize, &Layer), error: &ParseError) -> Finding {
    let text = &layer.text.text;
    let page = Page::of(text);
    let mut at = At::from(error.position());
    let last = page.lexemes.last().map_or(At { line: 1, column: 1 }, |l| l.at);
    if at.line == 0 || at > last {
        // the text ends too early
        if let Some(open) = page.unclosed() {
            let finding = desk.finding(&SYNTAX, (id, open.at), said(error));
            return finding.help(format!("the `{}` that stands here is never closed", page.str(open)));
        }
        at = last;
    }
    if let ParseErrorType::VariableUndefined(name) = error.err_type() {
        let finding =
            desk.finding(&UNDEFINED_VARIABLE, (id, at), format!("there is no variable `{name}` here"));
        return match layer.facts.functions().any(|(_, f)| &f.name == name) {
            true => finding.help(format!("the function `{name}` is defined further down: move it up")),
            false => finding,
        };
    }
    if let ParseErrorType::ModuleUndefined(name) = error.err_type() {
        return desk
            .finding(&UNKNOWN_MODULE, (id, at), format!("no module goes by the name `{name}` here"))
            .help("imports stand at the top of the text, in front of the functions that use them");
    }
    let index = page.find(at);
    let lexeme = page.lexemes.get(index).filter(|l| l.at == at);
    let word = lexeme.filter(|l| l.kind == LexemeKind::Word).map(|l| page.str(l)).unwrap_or_default();
    let reserved = match error.err_type() {
        ParseErrorType::Reserved(word) => Some(word.as_str()),
        ParseErrorType::VariableExpected
        | ParseErrorType::PropertyExpected
        | ParseErrorType::FnMissingName
        | ParseErrorType::MissingToken(..)
            if WORDS.contains(&word) && names_something(&page, index) =>
        {
            Some(word)
        }
        _ => None,
    };
    if let Some(word) = reserved {
        return desk
            .finding(&RESERVED_WORD, (id, at), format!("`{word}` is a word of the language"))
            .help(format!("choose another name; a field that a cloud calls so is read as `[\"{word}\"]`"));
    }
    let before = page.lexemes[..index].iter().rfind(|l| l.kind != LexemeKind::Comment);
    if let (ParseErrorType::MissingToken(token, _), Some(before)) = (error.err_type(), before)
        && token == ";"
        && before.at.line < at.line
    {
        return desk
            .finding(&SYNTAX, (id, before.at), said(error))
            .help(format!("a `;` is missing behind `{}`", page.str(before)));
    }
    let finding = desk.finding(&SYNTAX, (id, at), said(error));
    match advice(&page, at, error.err_type()) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Whether a name is expected at a lexeme: behind `let`, a dot, a comma or an opening bracket.
fn names_something(page: &Page<'_>, index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|n| page.lexemes.get(n)).map(|l| page.str(l));
    matches!(before, Some("let" | "const" | "fn" | "for" | "as" | "catch" | "." | "," | "(" | "{" | "|"))
}

/// What Rhai says, as a sentence of ours.
fn said(error: &ParseError) -> String {
    let text = error.err_type().to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !text.starts_with("I/") => first.to_lowercase().chain(chars).collect(),
        _ => text,
    }
}

/// What is probably meant by a mistake that is made often.
fn advice(page: &Page<'_>, at: At, error: &ParseErrorType) -> Option<String> {
    match error {
        ParseErrorType::WrongDocComment => {
            return Some("`///` stands in front of functions alone: write `//` here".into());
        }
        ParseErrorType::UnexpectedEOF => return Some("a string is not closed".into()),
        _ => {}
    }
    // Rhai breaks `30s` in two, and points at the second half
    let number = page.lexemes[..page.find(at)].last().filter(|l| l.kind == LexemeKind::Number)?;
    let text = page.str(number);
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    let inside = at.line == number.at.line && at.column < number.at.column + text.chars().count();
    (inside && !unit.is_empty()).then(|| {
        let amount = &text[..text.len() - unit.len()];
        format!("a unit stands behind a dot: `{amount}.{unit}`")
    })
}
