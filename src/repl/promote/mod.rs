//! A session's lines as a runbook: reads become `verify` steps with gates on what was seen, effects become
//! `change` steps, literal ids become parameters.

pub mod gates;
mod parameters;
pub mod rehearsal;
mod titles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::session::{LAST, Line, Session};
use super::source::Words;
use crate::script::quote::quoted;
use crate::script::survey::lexer::Page;
use parameters::Parameters;

static IMPORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\s*import\s+"[^"]*"\s+as\s+\w+\s*;?\s*"#).ok());

/// Calls that belong into a step, whatever they reach.
static STEP_ONLY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[^.\w:])(gate|expect|poll|attest|defer)\s*\(").ok());

/// What stands in the place of a line that is kept nowhere.
const WITHHELD: &str =
    "// a line with a secret stood here: have the secret read where it is used, and never write it down";

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

/// What a session left for its runbook beside its lines.
pub struct Origin {
    /// The session's run.
    pub from: String,
    /// Who sat at it.
    pub by: String,
    /// The reasons that it was unlocked for.
    pub reasons: Vec<String>,
    /// What each line changed, by its step in the journal.
    pub changes: BTreeMap<String, Vec<String>>,
}

/// A runbook of a session's lines.
pub struct Promoted {
    /// Its text.
    pub text: String,
    /// The ids of its steps.
    pub steps: Vec<String>,
}

/// Makes a runbook of a session's lines; nothing where none of them asked anything of a system.
pub fn runbook(name: &str, session: &Session, origin: &Origin) -> Option<Promoted> {
    let lines = session.lines();
    let mut parameters = Parameters::new(name);
    let mut imports: BTreeMap<String, String> = BTreeMap::new();
    let mut handles = BTreeSet::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut last = None;
    let mut taken: BTreeSet<String> = session.variables().into_iter().chain(session.modules()).collect();
    taken.extend(session.handles().iter().map(|(word, _)| word.to_string()));
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| line.seen.is_some()) {
        if line.secret {
            parts.push(Part::Plain(WITHHELD.into()));
            continue;
        }
        let (text, comment) = titles::split(&line.text);
        let words = Words::of(text);
        imports.extend(words.imports.clone());
        imports.extend(words.paths.iter().filter_map(|alias| Some((alias.clone(), session.module(alias)?))));
        handles.extend(words.names.iter().filter(|word| session.handles().get(word).is_some()).cloned());
        let text = IMPORT.as_ref().map_or(text.into(), |r| r.replace_all(text, "")).trim().to_string();
        if text.is_empty() {
            continue;
        }
        let named = named(&text, last.as_deref());
        let lifted = parameters.lift(&named);
        let changed = origin.changes.get(&line.step);
        let title = match (comment, changed) {
            (Some(said), _) => said.to_string(),
            (None, Some(summaries)) => titles::of_changes(summaries),
            (None, None) => titles::of(session, assigned(&named).1),
        };
        let variable = match declared(&lifted) {
            Some(name) => name.to_string(),
            None => titles::variable(&lifted, &|name| taken.contains(name), n + 1),
        };
        let part = part(line, &lifted, &words, title, variable, changed.is_some());
        match &part {
            Part::Step { variable, .. } => {
                taken.insert(variable.clone());
                last = Some(variable.clone());
            }
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
    let parts = only_read(only_last_functions(parts));
    let steps = parts.iter().filter(|p| matches!(p, Part::Step { .. })).count();
    (steps > 0).then(|| {
        let declared = handles.iter().filter_map(|word| session.handles().declaration(word));
        let text = assemble(name, origin, &imports, declared.collect(), &parameters, &parts);
        Promoted { text, steps: (1..=steps).map(|n| n.to_string()).collect() }
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

/// A statement's variable, if it declares one, and what it is given.
fn assigned(text: &str) -> (Option<&str>, &str) {
    match declared(text) {
        Some(name) => (Some(name), text.split_once('=').map_or(text, |(_, rest)| rest).trim()),
        None => (None, text),
    }
}

fn part(line: &Line, text: &str, words: &Words, title: String, variable: String, change: bool) -> Part {
    let in_step = STEP_ONLY.as_ref().is_some_and(|calls| calls.is_match(text));
    let touches = change || line.reads || in_step;
    if !touches || words.steps {
        return Part::Plain(text.to_string());
    }
    let body = assigned(text).1.trim_end_matches(';').to_string();
    // a line that makes its claims itself needs no others, and what a change gives back is not what it came to
    let seen = line.seen.as_ref().filter(|_| !in_step && !change);
    let gates = seen.map(|seen| seen.gates(&title)).unwrap_or_default();
    Part::Step { change, title, variable, body, gates }
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

/// Without what is declared and then never read: that was for the eye.
fn only_read(mut parts: Vec<Part>) -> Vec<Part> {
    for n in (0..parts.len()).rev() {
        let unread = match &parts[n] {
            Part::Plain(text) => declared(text)
                .is_some_and(|name| !text.contains('\n') && !parts[n + 1..].iter().any(|p| p.mentions(name))),
            Part::Step { .. } => false,
        };
        if unread {
            parts.remove(n);
        }
    }
    parts
}

fn assemble(
    name: &str,
    origin: &Origin,
    imports: &BTreeMap<String, String>,
    handles: Vec<String>,
    parameters: &Parameters,
    parts: &[Part],
) -> String {
    let purpose = origin.reasons.first().map_or("Promoted from a session", String::as_str);
    let mut text = format!("//! {purpose}.\n//!\n//! From the session {} of {}.", origin.from, origin.by);
    if origin.reasons.len() > 1 {
        text.push_str(&format!(" It was unlocked for: {}.", origin.reasons.join("; ")));
    }
    text.push_str(" Say here why and when it is run,\n//! and take out what was only looking around.\n\n");
    for (alias, module) in imports {
        text.push_str(&format!("import \"{module}\" as {alias};\n"));
    }
    if !imports.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("runbook({name:?}, {});\n\n", quoted(&titles::short(purpose))));
    handles.iter().for_each(|declaration| text.push_str(&format!("{declaration}\n")));
    text.push_str(&parameters.declarations());
    let mut id = 0;
    for (n, part) in parts.iter().enumerate() {
        match part {
            Part::Plain(plain) => {
                let end = if plain.ends_with([';', '}']) || plain.starts_with("//") { "" } else { ";" };
                text.push_str(&format!("\n{plain}{end}\n"));
            }
            Part::Step { change, title, variable, body, gates } => {
                id += 1;
                let word = if *change { "change" } else { "verify" };
                let body = body.replace('\n', "\n    ");
                let kept = parts[n + 1..].iter().any(|later| later.mentions(variable));
                let kept = if kept { format!("let {variable} = ") } else { String::new() };
                text.push_str(&format!("\n{kept}{word}(\"{id}\", {}, || {{\n", quoted(title)));
                match gates.is_empty() {
                    true => text.push_str(&format!("    {body}{}\n", if kept.is_empty() { ";" } else { "" })),
                    false => {
                        text.push_str(&format!("    let it = {body};\n"));
                        gates.iter().for_each(|gate| text.push_str(&format!("    {gate}\n")));
                        if !kept.is_empty() {
                            text.push_str("    it\n");
                        }
                    }
                }
                text.push_str("});\n");
            }
        }
    }
    text
}
