//! Whether a run's reports say what its journal says. `report.json` beside the journal shows its head, and with it which
//! lines it was made of; the other reports are made of the same.

use std::path::Path;

use serde_json::Value;

use super::json::{self, WRITER};
use super::prose::explain;
use super::write::Paths;
use super::{html, junit, markdown};
use crate::base::{Error, ErrorKind, Result, again};
use crate::run::journal::{self, ROOT, Read};
use crate::run::record::{Entry, Record};
use crate::run::report::RunReport;
use crate::script::promised;

/// What a run's `report.json` was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// There is none.
    Nowhere,
    /// All lines of the journal.
    Whole,
    /// The lines of the journal up to this one: the run has gone on since.
    Before(u64),
}

/// The report of the run in a directory, whose journal, head and `report.json` agree.
///
/// # Errors
/// [`ErrorKind::Journal`], which says where they do not.
pub fn load(dir: &Path) -> Result<RunReport> {
    let read = journal::sound(dir)?;
    hold(dir, &read)?;
    Ok(RunReport { head: Some(read.last_hash), ..RunReport::of(&read.entries) })
}

/// Holds `report.json` against the journal.
///
/// # Errors
/// As [`load`].
pub(super) fn hold(dir: &Path, read: &Read) -> Result<Made> {
    let path = Paths::of(dir).json;
    let Some(stored) = stored(dir, &path)? else { return Ok(Made::Nowhere) };
    let place = |e: Error, line: u64| {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        e.place(dir.join(journal::FILE).display().to_string(), line, 0)
    };
    let last = read.entries.len() as u64;
    let Some(made_of) = line_of(read, stored["head"].as_str().unwrap_or_default()) else {
        let what = format!("{} is of another journal: no line of this one is its head", path.display());
        return Err(place(disagree(dir, what), last));
    };
    let (entries, rest) = read.entries.split_at(usize::try_from(made_of).unwrap_or(usize::MAX));
    let over = RunReport::of(&read.entries).end.is_some();
    if over && !rest.is_empty() {
        let what = format!("{} ends at line {made_of}, and the journal goes on", path.display());
        return Err(place(disagree(dir, what), made_of + 1));
    }
    let mut report =
        RunReport { head: stored["head"].as_str().map(str::to_string), ..RunReport::of(entries) };
    adopt_prose(&mut report, &stored, entries, dir);
    let due: Value = serde_json::from_str(&json::render(&report)?).unwrap_or_default();
    let forged = OF_THE_TEXTS.iter().find(|part| same_writer(&stored) && stored.get(part) != due.get(part));
    if let Some(part) = forged {
        let what = format!("{} says otherwise at `{part}` than the texts that the run kept", path.display());
        return Err(place(disagree(dir, what), made_of));
    }
    if let Some(found) = difference(&stored, &due, same_writer(&stored)) {
        let what = format!("{} and the journal disagree at `{}`", path.display(), found.at);
        let line = found
            .line
            .or_else(|| found.step.and_then(|n| line_of_step(entries, &due["steps"][n])))
            .unwrap_or(made_of);
        return Err(place(
            disagree(dir, what)
                .cause(format!("the report says {}", told(&found.stored)))
                .cause(format!("the journal says {}", told(&found.due))),
            line,
        ));
    }
    Ok(if rest.is_empty() { Made::Whole } else { Made::Before(made_of) })
}

/// Holds the reports for people against the journal: they are made again. What another version of Rhumb wrote is only held to
/// show the head.
///
/// # Errors
/// [`ErrorKind::Journal`], which names the first that is not as it was made.
pub(super) fn hold_pages(dir: &Path, read: &Read) -> Result<()> {
    let paths = Paths::of(dir);
    let Some(stored) = stored(dir, &paths.json)? else { return Ok(()) };
    let mut report = RunReport { head: Some(read.last_hash.clone()), ..RunReport::of(&read.entries) };
    adopt_prose(&mut report, &stored, &read.entries, dir);
    let same = same_writer(&stored);
    let pages = [
        (&paths.markdown, markdown::render(&report)),
        (&paths.html, html::render(&report)?),
        (&paths.junit, junit::render(&report)),
    ];
    for (path, due) in pages {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        if if same { text != due } else { !text.contains(&read.last_hash) && due.contains(&read.last_hash) } {
            let what = format!("{} is not as it was made of the journal", path.display());
            let line = text.lines().zip(due.lines()).take_while(|(a, b)| a == b).count() + 1;
            return Err(disagree(dir, what).place(path.display().to_string(), line, 0));
        }
    }
    Ok(())
}

fn disagree(dir: &Path, what: String) -> Error {
    let dir = again::in_full(dir);
    Error::new(ErrorKind::Journal, what).help(format!(
        "keep the run's directory as evidence; a head that was kept elsewhere tells whether it is the journal that was changed \
         (`{}` prints it). `{}` makes the reports anew from the journal",
        again::command(&["verify-run", &dir]),
        again::command(&["show-run", &dir, "--write"])
    ))
}

fn stored(dir: &Path, path: &Path) -> Result<Option<Value>> {
    let wrong = |e: &dyn std::error::Error| {
        disagree(dir, format!("{} cannot be read", path.display())).from_source(e)
    };
    match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(wrong(&e)),
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|e| wrong(&e)),
    }
}

/// Whether this version of Rhumb wrote it, in these words.
fn same_writer(stored: &Value) -> bool {
    stored["writer"] == WRITER
}

/// Number of the line whose hash this is.
fn line_of(read: &Read, head: &str) -> Option<u64> {
    let hashes = read.entries.iter().skip(1).map(|e| e.prev.as_str()).chain([read.last_hash.as_str()]);
    let n = hashes.into_iter().position(|hash| hash == head && head != ROOT)?;
    Some(n as u64 + 1)
}

/// The line with the end of a step.
fn line_of_step(entries: &[Entry], step: &Value) -> Option<u64> {
    let ends = |e: &&Entry| matches!(&e.record, Record::StepEnd { step: of, .. } if *of == step["id"]);
    entries.iter().rev().find(ends).map(|e| e.n)
}

/// The parts of a report that a runbook's texts say, and that are more than prose.
const OF_THE_TEXTS: [&str; 2] = ["accepts", "not_reached"];

/// What the runbook's source says (its comments, the steps that were not reached, the bar that it takes) is not in the journal, and
/// is read from the texts that the run has kept. Of a run that has lost its texts a report may say its comments, or nothing at
/// all, and no more.
fn adopt_prose(report: &mut RunReport, stored: &Value, entries: &[Entry], dir: &Path) {
    let text = |of: &Value| of["why"].as_str().unwrap_or_default().to_string();
    let steps = || stored["steps"].as_array().into_iter().flatten();
    if let Some(kept) = promised::kept(entries, dir) {
        explain(report, &kept);
    }
    // comments are prose, and another version of Rhumb may read them otherwise
    report.why = text(stored);
    for (step, stored) in report.steps.iter_mut().zip(steps()) {
        step.why = text(stored);
    }
}

/// Where two documents part.
struct Difference {
    at: String,
    stored: Value,
    due: Value,
    /// The line of the record that it is about, where the document knows it.
    line: Option<u64>,
    /// The place of the step that it is about.
    step: Option<usize>,
}

/// The first place where a stored report says something else than is due. Another version may word its summary otherwise,
/// and have other fields; what both have must be the same.
fn difference(stored: &Value, due: &Value, in_same_words: bool) -> Option<Difference> {
    let mut differences = Differences { in_same_words, at: Vec::new(), line: None, step: None };
    differences.of(stored, due)
}

struct Differences {
    in_same_words: bool,
    at: Vec<String>,
    line: Option<u64>,
    step: Option<usize>,
}

impl Differences {
    fn of(&mut self, stored: &Value, due: &Value) -> Option<Difference> {
        match (stored, due) {
            (Value::Object(stored), Value::Object(fields)) => {
                self.line = fields.get("entry").and_then(Value::as_u64).or(self.line);
                let top = self.at.is_empty();
                let always = |key: &str| matches!(key, "summary" | "tally" | "steps" | "end");
                fields.iter().find_map(|(key, due)| {
                    let worded = self.at.first().is_some_and(|first| first == "summary") && key != "standing";
                    if key == "why" || (!self.in_same_words && worded) || key == "writer" {
                        return None;
                    }
                    match stored.get(key) {
                        Some(stored) => self.below(key.clone(), stored, due),
                        None if self.in_same_words || (top && always(key)) => {
                            self.below(key.clone(), &Value::Null, due)
                        }
                        None => None,
                    }
                })
            }
            (Value::Array(stored), Value::Array(items)) if stored.len() == items.len() => {
                let in_steps = self.at.len() == 1 && self.at[0] == "steps";
                stored.iter().zip(items).enumerate().find_map(|(n, (stored, due))| {
                    if in_steps {
                        (self.step, self.line) = (Some(n), None);
                    }
                    self.below(n.to_string(), stored, due)
                })
            }
            (Value::Array(stored), Value::Array(items)) => Some(self.found(
                &format!("{} entries", stored.len()).into(),
                &format!("{} entries", items.len()).into(),
            )),
            _ if stored == due => None,
            _ => Some(self.found(stored, due)),
        }
    }

    fn below(&mut self, key: String, stored: &Value, due: &Value) -> Option<Difference> {
        self.at.push(key);
        let line = self.line;
        let found = self.of(stored, due);
        self.at.pop();
        self.line = line;
        found
    }

    fn found(&self, stored: &Value, due: &Value) -> Difference {
        Difference {
            at: self.at.join("."),
            stored: stored.clone(),
            due: due.clone(),
            line: self.line,
            step: self.step,
        }
    }
}

fn told(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        value => crate::run::gate::brief(value),
    }
}
