//! A session's lines as a runbook: reads become `verify` steps with gates on what was seen, effects become
//! `change` steps, literal ids become parameters.

pub mod gates;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::session::{LAST, Line, Session};
use super::source::Words;
use crate::script::survey::lexer::Page;
use parameters::Parameters;

/// The longest title of a step that is made of a line.
const TITLE: usize = 60;

static IMPORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\s*import\s+"[^"]*"\s+as\s+\w+\s*;?\s*"#).ok());

/// Calls that belong into a step, whatever they reach.
static STEP_ONLY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[^.\w:])(gate|expect|poll|attest|defer)\s*\(").ok());

/// What one line becomes.
enum Part {
    /// Stays at the top level as it is: declarations that ask nothing of a system.
    Plain(String),
    /// A step.
    Step { change: bool, title: String, variable: String, body: String, gates: Vec<String> },
}

impl Part {
    /// Whether its text has a variable.
    fn mentions(&self, variable: &str) -> bool {
        let (Part::Plain(text) | Part::Step { body: text, .. }) = self;
        Words::of(text).names.contains(variable)
    }
}

/// A runbook of a session's lines. `changes` says what a line changed, by its step in the journal.
pub fn runbook(
    name: &str,
    session: &Session,
    from: &str,
    changes: &BTreeMap<String, Vec<String>>,
) -> Option<String> {
    let lines = session.lines();
    let mut parameters = Parameters::new(name);
    let mut imports: BTreeMap<String, String> = BTreeMap::new();
    let mut handles = BTreeSet::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut last = None;
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| line.seen.is_some()) {
        let words = Words::of(&line.text);
        imports.extend(words.imports.clone());
        imports.extend(words.paths.iter().filter_map(|alias| Some((alias.clone(), session.module(alias)?))));
        handles.extend(words.names.iter().filter(|word| session.handles().get(word).is_some()).cloned());
        let text = IMPORT
            .as_ref()
            .map_or(line.text.clone().into(), |r| r.replace_all(&line.text, ""))
            .trim()
            .to_string();
        if text.is_empty() {
            continue;
        }
        let text = parameters.lift(&named(&text, last.as_deref()));
        let part = part(n, line, &text, &words, changes.get(&line.step));
        match &part {
            Part::Step { variable, .. } => last = Some(variable.clone()),
            Part::Plain(text) => {
                let declares = text.starts_with("let ") || text.starts_with("const ");
                // the session declares a handle by itself; a runbook says it once, at its top
                if let Some(variable) = declared(text).filter(|_| declares) {
                    handles.remove(variable);
                }
            }
        }
        // an expression that neither asks nor declares was only looking around
        let keeps = |text: &str| {
            ["let ", "const ", "fn "].iter().any(|word| text.starts_with(word)) || text.contains(" = ")
        };
        if !matches!(&part, Part::Plain(text) if !words.steps && !keeps(text)) {
            parts.push(part);
        }
    }
    parts.iter().any(|p| matches!(p, Part::Step { .. })).then(|| {
        let declared = handles.iter().filter_map(|word| session.handles().declaration(word));
        assemble(name, from, &imports, declared.collect(), &parameters, &only_last_functions(parts))
    })
}

/// A text whose `_` is a variable by its name.
fn named(text: &str, last: Option<&str>) -> String {
    let words = Words::of(text);
    let (Some(last), false) = (last, words.last.is_empty()) else { return text.to_string() };
    let page = Page::of(text);
    let mut named = String::new();
    let mut end = 0;
    for lexeme in page.lexemes.iter().filter(|l| page.str(l) == LAST && words.last.contains(&l.at)) {
        named.push_str(&text[end..lexeme.start]);
        named.push_str(last);
        end = lexeme.end;
    }
    named + &text[end..]
}

/// The variable that a statement declares.
pub fn declared(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("let ").or_else(|| text.strip_prefix("const "))?;
    let (name, _) = rest.split_once('=')?;
    Some(name.trim()).filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

fn part(n: usize, line: &Line, text: &str, words: &Words, changes: Option<&Vec<String>>) -> Part {
    let in_step = STEP_ONLY.as_ref().is_some_and(|calls| calls.is_match(text));
    let touches = changes.is_some() || line.reads || in_step;
    if !touches || words.steps {
        return Part::Plain(text.to_string());
    }
    let (variable, body) = match declared(text) {
        Some(name) => {
            (name.to_string(), text.split_once('=').map_or(text, |(_, rest)| rest).trim().to_string())
        }
        None => (format!("value_{}", n + 1), text.to_string()),
    };
    let body = body.trim_end_matches(';').to_string();
    match changes {
        Some(done) => {
            Part::Step { change: true, title: short(&done.join("; ")), variable, body, gates: Vec::new() }
        }
        None => {
            let title = short(&body.replace('\n', " "));
            // a line that makes its claims itself needs no others
            let seen = line.seen.as_ref().filter(|_| !in_step);
            let gates = seen.map(|seen| seen.gates(&title)).unwrap_or_default();
            Part::Step { change: false, title, variable, body, gates }
        }
    }
}

fn short(text: &str) -> String {
    super::display::table::cut(text, TITLE)
}

/// A function that was written again counts as it was written last; a script may not say it twice.
fn only_last_functions(parts: Vec<Part>) -> Vec<Part> {
    let name = |part: &Part| match part {
        Part::Plain(text) => text.strip_prefix("fn ").and_then(|t| t.split('(').next()).map(str::to_string),
        Part::Step { .. } => None,
    };
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Part> =
        parts.into_iter().rev().filter(|part| name(part).is_none_or(|name| seen.insert(name))).collect();
    kept.reverse();
    kept
}

fn assemble(
    name: &str,
    from: &str,
    imports: &BTreeMap<String, String>,
    handles: Vec<String>,
    parameters: &Parameters,
    parts: &[Part],
) -> String {
    let mut text = format!(
        "//! Promoted from the session {from}.\n//!\n//! Say here why and when it is run, give the steps titles, and take out what was only looking around.\n\n"
    );
    for (alias, module) in imports {
        text.push_str(&format!("import \"{module}\" as {alias};\n"));
    }
    text.push_str(&format!("\nrunbook({name:?}, \"Promoted from a session\");\n\n"));
    handles.iter().for_each(|declaration| text.push_str(&format!("{declaration}\n")));
    text.push_str(&parameters.declarations());
    let mut id = 0;
    for (n, part) in parts.iter().enumerate() {
        match part {
            Part::Plain(plain) => {
                let end = if plain.ends_with([';', '}']) { "" } else { ";" };
                text.push_str(&format!("\n{plain}{end}\n"));
            }
            Part::Step { change, title, variable, body, gates } => {
                id += 1;
                let word = if *change { "change" } else { "verify" };
                let body = body.replace('\n', "\n    ");
                let kept = parts[n + 1..].iter().any(|later| later.mentions(variable));
                let kept = if kept { format!("let {variable} = ") } else { String::new() };
                text.push_str(&format!("\n{kept}{word}(\"{id}\", {title:?}, || {{\n"));
                match gates.is_empty() {
                    true => text.push_str(&format!("    {body}\n")),
                    false => {
                        text.push_str(&format!("    let it = {body};\n"));
                        gates.iter().for_each(|gate| text.push_str(&format!("    {gate}\n")));
                        text.push_str("    it\n");
                    }
                }
                text.push_str("});\n");
            }
        }
    }
    text
}
