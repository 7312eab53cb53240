//! What the texts that a run has kept say of it, held against its journal. Who can write the chain anew can leave lines out of it;
//! the texts, which the journal names by their fingerprints, still say which steps the verdict needs and what is signed.

use std::collections::BTreeMap;
use std::path::Path;

use super::modules::{Shelf, Text};
use super::survey::Survey;
use super::survey::lexer::Page;
use super::survey::outline::{Outline, Step};
use super::survey::values::{Shape, Value};
use crate::base::Result;
use crate::run::audit::Contradiction;
use crate::run::{Entry, Record, SESSION, Verdict, journal, sources};

/// The texts that a run has kept, by their logical names.
pub struct Kept(BTreeMap<String, Vec<Text>>);

impl Shelf for Kept {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        Ok(self.0.get(name).cloned().unwrap_or_default())
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

/// The texts of a run that are kept beside its journal, as a shelf. Nothing where one is lost or is not the one that the journal names, and
/// where a resume went on with another text in the place of one: then no one set of texts is the run's.
pub fn kept(entries: &[Entry], dir: &Path) -> Option<Kept> {
    let mut kept: BTreeMap<String, Vec<Text>> = BTreeMap::new();
    for entry in entries {
        let Record::Source(mark) = &entry.record else { continue };
        let text = Text {
            layer: mark.layer.clone(),
            file: mark.name.clone(),
            text: sources::kept(dir, mark).filter(|text| !text.is_empty())?,
        };
        let layers = kept.entry(mark.name.clone()).or_default();
        if text.mark(&mark.name) != *mark || layers.iter().any(|t| t.layer == text.layer && *t != text) {
            return None;
        }
        if !layers.contains(&text) {
            layers.push(text);
        }
    }
    (!kept.is_empty()).then_some(Kept(kept))
}

/// The same of the run in a directory. Nothing where its journal cannot be read, which its reader says.
pub fn kept_in(dir: &Path) -> Option<Kept> {
    kept(&journal::sound(dir).ok()?.entries, dir)
}

/// Holds each part of a run, from where it began or went on, against the texts that it had then. What a text says only as it runs
/// (a computed id, a signature in a branch) is held against nothing, and so is a run that has lost its texts.
///
/// # Errors
/// The first line that they contradict.
pub fn hold(entries: &[Entry], dir: &Path) -> Result<(), Contradiction> {
    let runbook = entries.iter().find_map(|entry| match &entry.record {
        Record::RunBegin { runbook, .. } if runbook != SESSION => Some(runbook.as_str()),
        _ => None,
    });
    let Some(runbook) = runbook else { return Ok(()) };
    let goes_on = |entry: &Entry| matches!(entry.record, Record::RunResume { .. });
    let mut begins = 0;
    for n in (1..=entries.len()).filter(|n| entries.get(*n).is_none_or(goes_on)) {
        part(&entries[begins..n], &entries[..begins], runbook, dir)?;
        begins = n;
    }
    Ok(())
}

fn part(entries: &[Entry], before: &[Entry], runbook: &str, dir: &Path) -> Result<(), Contradiction> {
    let mut kept: BTreeMap<String, Vec<Text>> = BTreeMap::new();
    for entry in entries {
        let Record::Source(mark) = &entry.record else { continue };
        let Some(text) = sources::kept(dir, mark) else { return Ok(()) };
        let text = Text { layer: mark.layer.clone(), file: mark.name.clone(), text };
        if text.mark(&mark.name) != *mark {
            let what =
                format!("it names a text of `{}` that is not the one kept beside the journal", mark.name);
            return Err(Contradiction { line: entry.n, what });
        }
        let layers = kept.entry(mark.name.clone()).or_default();
        if !layers.contains(&text) {
            layers.push(text);
        }
    }
    let Ok(survey) = Survey::of(&Kept(kept), &[runbook.to_string()]) else { return Ok(()) };
    let outline = survey.outline(0);
    needs(&survey, &outline, entries)?;
    signatures(&survey, &outline, entries, before)
}

/// The verdict needs the steps that the texts name.
fn needs(survey: &Survey, outline: &Outline, entries: &[Entry]) -> Result<(), Contradiction> {
    let Some(due) = needed(survey, outline) else { return Ok(()) };
    for entry in entries {
        let Record::Runbook { needs: Some(needs), .. } = &entry.record else { continue };
        if *needs != due {
            let named =
                |ids: &[String]| if ids.is_empty() { "no step by name".into() } else { ids.join(", ") };
            let what = format!("the run's verdict needs {}, and by its texts {}", named(needs), named(&due));
            return Err(Contradiction { line: entry.n, what });
        }
    }
    Ok(())
}

/// The steps that a runbook's verdict needs, where its texts write that out.
fn needed(survey: &Survey, outline: &Outline) -> Option<Vec<String>> {
    let calls = survey.layers.iter().flat_map(|layer| &layer.facts.calls);
    let overridden = calls.clone().any(|call| call.name == "override_needs");
    let mut named = calls.filter(|call| call.name == "runbook" && call.receiver.is_none());
    let (call, None) = (named.next()?, named.next()) else { return None };
    if outline.needs.is_empty() {
        return (call.args.len() == 2 && !overridden).then(Vec::new);
    }
    let literal = outline.needs.iter().all(|(_, id)| id.literal);
    literal.then(|| outline.needs.iter().map(|(_, id)| id.text.clone()).collect())
}

/// A step that passed was signed where its text has it signed in any case.
fn signatures(
    survey: &Survey,
    outline: &Outline,
    entries: &[Entry],
    before: &[Entry],
) -> Result<(), Contradiction> {
    // which step it changes, only a run knows
    if outline.overrides.iter().chain(&outline.misplaced).any(|o| !o.step.literal) {
        return Ok(());
    }
    let asks: BTreeMap<&str, Vec<Option<&str>>> = outline
        .steps
        .iter()
        .filter(|step| step.id.literal && step.within.is_empty() && step.overrides.is_empty())
        .map(|step| (step.id.text.as_str(), asked(survey, step)))
        .collect();
    let (mut signed, mut of_before): (Vec<&str>, bool) = (Vec::new(), false);
    for entry in entries {
        match &entry.record {
            Record::StepBegin { step, .. } => {
                signed.clear();
                // one that finds its own work from before the cut may have nothing left to do
                let sent =
                    |entry: &Entry| matches!(&entry.record, Record::Intent { step: of, .. } if of == step);
                of_before = before.iter().any(sent);
            }
            Record::Attest { claim, by: Some(_), .. } => signed.push(claim),
            Record::StepEnd { step, verdict, recalled: false, .. } if verdict.carries() && !of_before => {
                let Some(asks) = asks.get(step.as_str()) else { continue };
                let lacks = asks.iter().flatten().find(|claim| !signed.contains(claim));
                let what = match lacks {
                    Some(claim) => format!("nobody signed \"{claim}\", which its text asks for"),
                    None if asks.len() > signed.len() => "its text asks for a signature more".to_string(),
                    None => continue,
                };
                let what = format!("step {step} ends as {}, and {what}", Verdict::word(verdict));
                return Err(Contradiction { line: entry.n, what });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a step asks to be signed on each way through its body, with the claims that are written out.
fn asked<'s>(survey: &'s Survey, step: &Step) -> Vec<Option<&'s str>> {
    let Some(node) = step.body else { return Vec::new() };
    let layer = &survey.layers[node.0];
    let body = survey.body(node);
    // there may be ways around it
    let page = Page::of(&layer.text.text);
    let has = |from: usize, to: usize, any: &[&str]| {
        let lexemes = page.lexemes.get(from..to).unwrap_or_default();
        lexemes.iter().any(|lexeme| any.contains(&page.str(lexeme)))
    };
    let begins = page.find(body.at);
    if body.end.is_some_and(|end| has(begins, page.find(end), &["return", "try", "throw"])) {
        return Vec::new();
    }
    let calls = body.calls.iter().map(|id| &layer.facts.calls[*id]);
    let always = calls.filter(|call| {
        let plain = call.name == "attest" && call.receiver.is_none() && call.path.is_empty();
        // a closure of one expression stands within the statement of its step: behind its `||`
        let from = if call.statement < body.at { begins + 2 } else { page.find(call.statement) };
        let in_any_case = call.loops == 0 && !has(from, page.find(call.start), &["&", "|", "?"]);
        plain && in_any_case && call.branches.is_empty() && call.shadow.is_none()
    });
    let claim = |value: &'s Value| match layer.facts.settled(&value.shape) {
        // a longer one is cut where it is recorded
        Shape::Text(text) if text.len() < 1_000 => Some(text.as_str()),
        _ => None,
    };
    always.map(|call| call.args.first().and_then(claim)).collect()
}
