//! What has changed in the texts and values of a run since it was cut off. A step is known by its place in them, so
//! a run goes on with other texts only from where they part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;
use similar::TextDiff;

use super::modules::{Shelf, Text};
use super::prose::Prose;
use super::survey::Survey;
use crate::base::Result;
use crate::run::record::SourceMark;
use crate::run::{Entry, Record, sources};

/// A text that is not what it was.
#[derive(Debug)]
struct Changed {
    name: String,
    layer: String,
    /// `None`: the layer had no such text.
    before: Option<String>,
    /// `None`: it has none now.
    now: Option<String>,
}

/// A value that is not what it was.
#[derive(Debug)]
struct Value {
    /// In a sentence.
    how: String,
    /// The steps that read it, by their places.
    read_by: Readers,
}

/// Who reads a value.
#[derive(Debug)]
enum Readers {
    /// These steps.
    Steps(Vec<usize>),
    /// The text outside of steps: it may touch each of them.
    All,
    /// No text that can be seen.
    Unseen,
}

/// What has changed, and from which step on it matters.
#[derive(Debug)]
pub struct Drift {
    texts: Vec<Changed>,
    values: Vec<Value>,
    /// The ids of the runbook's steps as it is now.
    steps: Vec<String>,
    /// Index of the first step that is not what it was.
    first: usize,
}

/// The texts of one runbook as a run had them.
struct Before<'a>(&'a str, Vec<Text>);

impl Shelf for Before<'_> {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        Ok(if name == self.0 { self.1.clone() } else { Vec::new() })
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(vec![self.0.to_string()])
    }
}

/// The steps that ended, and have not begun again.
fn ended(entries: &[Entry]) -> BTreeSet<&str> {
    let mut ended = BTreeSet::new();
    for entry in entries {
        match &entry.record {
            Record::StepBegin { step, .. } => drop(ended.remove(step.as_str())),
            Record::StepEnd { step, .. } => drop(ended.insert(step.as_str())),
            _ => {}
        }
    }
    ended
}

impl Drift {
    /// Compares what a run's journal and directory hold with what there is now.
    ///
    /// # Errors
    /// A text of now cannot be read.
    pub fn of(entries: &[Entry], run: &Path, shelf: &dyn Shelf, values: &Json) -> Result<Drift> {
        let mut marks: BTreeMap<&str, BTreeMap<&str, &SourceMark>> = BTreeMap::new();
        let (mut runbook, mut then) = ("", &Json::Null);
        for entry in entries {
            match &entry.record {
                Record::RunBegin { runbook: name, values, .. } => (runbook, then) = (name, values),
                Record::Selection(selection) => then = selection.values().unwrap_or(then),
                Record::Source(mark) => {
                    marks.entry(&mark.name).or_default().insert(&mark.layer, mark);
                }
                _ => {}
            }
        }
        let mut texts = Vec::new();
        for (name, mut layers) in marks {
            for text in shelf.texts(name)? {
                let mark = layers.remove(text.layer.as_str());
                if mark.is_none_or(|mark| *mark != text.mark(name)) {
                    texts.push(Changed {
                        name: name.into(),
                        layer: text.layer,
                        before: mark.map(|mark| sources::kept(run, mark).unwrap_or_default()),
                        now: Some(text.text),
                    });
                }
            }
            texts.extend(layers.into_values().map(|gone| Changed {
                name: name.into(),
                layer: gone.layer.clone(),
                before: Some(sources::kept(run, gone).unwrap_or_default()),
                now: None,
            }));
        }
        let differences = differences(then, values);
        if texts.is_empty() && differences.is_empty() {
            return Ok(Drift { texts, values: Vec::new(), steps: Vec::new(), first: 0 });
        }
        let now = steps_of(shelf, runbook);
        let values = readers(differences, shelf, runbook);
        let of_texts = match texts.as_slice() {
            [] => None,
            // a module may matter to any step
            texts if texts.iter().any(|t| t.name != runbook) => Some(0),
            texts => Some(first_changed(texts, shelf, runbook, &now)),
        };
        let of_values = values.iter().map(|value| match &value.read_by {
            Readers::Steps(steps) => steps.iter().copied().min().unwrap_or(0),
            Readers::All | Readers::Unseen => 0,
        });
        // a step that was cut off, or not come to, must not be left out by going on behind it
        let ended = ended(entries);
        let unended = now.iter().position(|(id, _)| !ended.contains(id.as_str())).unwrap_or(usize::MAX);
        let first = of_texts.into_iter().chain(of_values).min().unwrap_or(0).min(unended);
        Ok(Drift { texts, values, steps: now.into_iter().map(|(id, _)| id).collect(), first })
    }

    /// Whether all is as it was.
    pub fn is_none(&self) -> bool {
        self.texts.is_empty() && self.values.is_empty()
    }

    /// Whether values have changed.
    pub fn of_values(&self) -> bool {
        !self.values.is_empty()
    }

    /// The first step that is not what it was; `None` where the runbook has no steps.
    pub fn first(&self) -> Option<&str> {
        self.steps.get(self.first).map(String::as_str)
    }

    /// Whether a run from this step on does nothing by a text that it has not.
    pub fn allows(&self, from: &str) -> bool {
        self.steps.iter().position(|id| id == from).is_some_and(|at| at <= self.first)
    }

    /// What changed, in one line.
    pub fn summary(&self) -> String {
        let texts = self.texts.iter().map(|t| {
            let how = match (&t.before, &t.now) {
                (None, _) => "is new",
                (_, None) => "is gone",
                _ => "has changed",
            };
            format!("`{}` of the {} layer {how}", t.name, t.layer)
        });
        let values = self.values.iter().map(|value| {
            let id = |at: &usize| self.steps.get(*at).map_or("?", String::as_str);
            let read = match &value.read_by {
                Readers::Steps(steps) => match steps.iter().map(id).collect::<Vec<_>>().as_slice() {
                    [one] => format!("step {one} reads it"),
                    all => format!("steps {} read it", all.join(", ")),
                },
                Readers::All => "it is read outside of steps, which touches each of them".into(),
                Readers::Unseen => "no step is seen to read it, so it may touch each of them".into(),
            };
            format!("{} ({read})", value.how)
        });
        texts.chain(values).collect::<Vec<_>>().join("; ")
    }

    /// The changed texts, as a unified diff.
    pub fn draw(&self) -> String {
        let mut out = String::new();
        for text in &self.texts {
            let (before, now) =
                (text.before.as_deref().unwrap_or_default(), text.now.as_deref().unwrap_or_default());
            let title = format!("{}:{}.rhai", text.layer, text.name);
            let diff = TextDiff::from_lines(before, now);
            let header = (format!("{title} of the run"), format!("{title} now"));
            out += &diff.unified_diff().header(&header.0, &header.1).to_string();
        }
        out
    }
}

/// The steps of a runbook with their texts; none where it cannot be read.
fn steps_of(shelf: &dyn Shelf, runbook: &str) -> Vec<(String, String)> {
    Prose::of(shelf, runbook)
        .map(|prose| prose.steps.into_iter().map(|step| (step.id, step.source)).collect())
        .unwrap_or_default()
}

/// The first step whose text is another one. Where none is, something between them has changed, and that counts for all.
fn first_changed(texts: &[Changed], shelf: &dyn Shelf, runbook: &str, now: &[(String, String)]) -> usize {
    let as_it_was = |text: Text| {
        let changed = texts.iter().find(|t| t.layer == text.layer);
        let text_then = changed.map_or(Some(text.text), |t| t.before.clone())?;
        Some(Text { layer: text.layer, file: text.file, text: text_then })
    };
    let texts_then = shelf.texts(runbook).unwrap_or_default().into_iter().filter_map(as_it_was).collect();
    let then = steps_of(&Before(runbook, texts_then), runbook);
    let part = now.iter().zip(&then).position(|(now, then)| now != then);
    part.unwrap_or(if now.len() == then.len() { 0 } else { now.len().min(then.len()) })
}

/// Who reads these values.
fn readers(changed: Vec<(String, String)>, shelf: &dyn Shelf, runbook: &str) -> Vec<Value> {
    let survey = Survey::of(shelf, &[runbook.to_string()]).ok().filter(|_| !changed.is_empty());
    let whole = |s: &Survey| s.layers.iter().all(|layer| layer.broken.is_none());
    let read = survey.as_ref().filter(|survey| whole(survey)).map(|survey| {
        let steps = survey.outline(0).steps;
        let by_step: Vec<BTreeSet<&str>> = steps.iter().map(|step| survey.values_of(step)).collect();
        (survey.values_at_top(), by_step)
    });
    let read_by = |name: &str| {
        let Some((top, steps)) = &read else { return Readers::All };
        if top.contains(name) {
            return Readers::All;
        }
        let reading = steps.iter().enumerate().filter(|(_, names)| names.contains(name)).map(|(at, _)| at);
        match reading.collect::<Vec<_>>() {
            none if none.is_empty() => Readers::Unseen,
            steps => Readers::Steps(steps),
        }
    };
    changed.into_iter().map(|(name, how)| Value { read_by: read_by(&name), how }).collect()
}

/// The values that differ, by their names, with a sentence.
fn differences(then: &Json, now: &Json) -> Vec<(String, String)> {
    let none = serde_json::Map::new();
    let (then, now) = (then.as_object().unwrap_or(&none), now.as_object().unwrap_or(&none));
    let names = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name)));
    names
        .filter(|name| then.get(*name) != now.get(*name))
        .map(|name| {
            let shown = |value: Option<&Json>| value.map_or("unset".to_string(), Json::to_string);
            let how =
                format!("the value `{name}` was {} and is {}", shown(then.get(name)), shown(now.get(name)));
            (name.clone(), how)
        })
        .collect()
}
