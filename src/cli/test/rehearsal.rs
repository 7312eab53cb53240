//! A rehearsal for a test, and its report as data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rhai::{Dynamic, Map};
use serde_json::{Value, json};

use super::file::lock;
use super::pages::Pages;
use super::stage::{self, Bounds, Part};
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::report::acceptance;
use crate::run::report::StepReport;
use crate::run::{RunReport, Verdict};
use crate::script::mutate::shelf::Instead;

/// What a rehearsal may be told.
const OPTIONS: &[&str] = &["scenario", "faults", "seed", "set", "only", "skip"];

/// The rehearsals of all tests. One that several tests make is played once.
#[derive(Default)]
pub(super) struct Rehearsals {
    site: Option<PathBuf>,
    instead: Arc<Instead>,
    pages: Pages,
    played: Mutex<BTreeMap<String, Value>>,
}

impl Rehearsals {
    /// Those over a site, or over the example in the program.
    pub(super) fn over(site: Option<PathBuf>) -> Self {
        Rehearsals { site, ..Rehearsals::default() }
    }

    /// Rehearses a runbook and tells what came of it. A scenario that is a file is looked for in `beside`, the test
    /// file's directory.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for an unknown option; whatever keeps the rehearsal from beginning.
    pub(super) fn play(&self, beside: &Path, runbook: &str, options: &Map) -> Result<Value> {
        let key = stage::key(beside, runbook, options);
        let before = lock(&self.played).get(&key).cloned();
        if let Some(told) = before {
            return Ok(told);
        }
        let (site, instead) = (self.site.as_deref(), self.instead.clone());
        let part = Part { site, beside, runbook, options, instead, pages: &self.pages };
        let played = stage::play(&part, Bounds::FAR, None)?;
        if played.over {
            let what = format!("the rehearsal of {runbook} does not end");
            return Err(Error::new(ErrorKind::Timeout, what)
                .help("`rhumb rehearse` shows what it waits for; a rehearsal ends after 10 minutes, or a year in the lab"));
        }
        lock(&self.played).insert(key, played.told.clone());
        Ok(played.told)
    }
}

/// The options as arguments of `rhumb rehearse`.
pub(super) fn arguments(options: &Map, beside: &Path) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    for (name, value) in options {
        match name.as_str() {
            "scenario" => {
                let wanted = value.to_string();
                let file = beside.join(&wanted);
                let is_file = wanted.ends_with(".toml") && file.is_file();
                add(name, if is_file { file.display().to_string() } else { wanted });
            }
            "seed" => add(name, value.to_string()),
            "faults" => texts(value).into_iter().for_each(|fault| add("fault", fault)),
            "only" | "skip" => texts(value).into_iter().for_each(|step| add(name, step)),
            "set" => {
                for (key, value) in value.clone().try_cast::<Map>().unwrap_or_default() {
                    add("set", format!("{key}={value}"));
                }
            }
            other => {
                let error = Error::new(ErrorKind::Argument, format!("a rehearsal has no option `{other}`"));
                return Err(match nearest(other, OPTIONS.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!("there are {}", OPTIONS.join(", "))),
                });
            }
        }
    }
    if options.contains_key("only") || options.contains_key("skip") {
        arguments.extend(["--because".into(), "a test asks for it".into()]);
    }
    Ok(arguments)
}

/// One text, or a list of them.
fn texts(value: &Dynamic) -> Vec<String> {
    match value.clone().try_cast::<rhai::Array>() {
        Some(items) => items.iter().map(Dynamic::to_string).collect(),
        None => vec![value.to_string()],
    }
}

/// A report as tests see it.
pub(super) fn told(report: &RunReport, exit: i32) -> Value {
    let steps: serde_json::Map<String, Value> =
        report.steps.iter().map(|s| (s.id.clone(), step(s))).collect();
    let sent: Vec<String> = report.steps.iter().flat_map(sent).collect();
    let gates: Vec<Value> = report
        .steps
        .iter()
        .flat_map(|s| s.gates.iter().map(|g| json!({"step": s.id, "claim": g.claim, "ok": g.ok})))
        .collect();
    let order: Vec<&str> = report.steps.iter().map(|s| s.id.as_str()).collect();
    let lacks =
        report.end.iter().flat_map(|end| &end.lacks).map(|l| (l.step.clone(), Value::from(l.why.clone())));
    let lacks: serde_json::Map<String, Value> = lacks.collect();
    json!({
        "passed": exit == 0, "exit": exit, "lacks": lacks, "steps": steps, "order": order, "sent": sent, "gates": gates,
        "not_reached": report.not_reached.iter().map(|step| &*step.id).collect::<Vec<_>>(),
        "acceptance": acceptance::render(report).unwrap_or_default(),
        "error": report.end.as_ref().map_or_else(String::new, |end| what(&end.error)),
        "seconds": report.steps.iter().map(|s| s.seconds).sum::<f64>(),
    })
}

fn what(error: &Value) -> String {
    error["what"].as_str().unwrap_or_default().to_string()
}

/// All that an error says, a line each: what, why, and what helps.
fn said(error: &Value) -> String {
    let causes = error["causes"].as_array().into_iter().flatten();
    let lines = [&error["what"]].into_iter().chain(causes).chain([&error["help"]]);
    lines.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

fn step(step: &StepReport) -> Value {
    let verdict = step.verdict.as_ref();
    let facts: serde_json::Map<String, Value> =
        step.facts.iter().map(|f| (f.name.clone(), f.value.clone())).collect();
    json!({
        "verdict": verdict.map_or("none", Verdict::word), "detail": verdict.map_or_else(String::new, Verdict::detail),
        "error": what(&step.error), "said": said(&step.error), "seconds": step.seconds, "notes": step.notes, "facts": facts,
        "signed": step.attests.iter().filter(|a| a.by.is_some()).map(|a| &*a.claim).collect::<Vec<_>>(),
        "gates": step.gates.iter().map(|g| json!({"claim": g.claim, "ok": g.ok})).collect::<Vec<_>>(),
        "sent": sent(step).collect::<Vec<_>>(),
    })
}

/// Method and target of the changes that were sent.
fn sent(step: &StepReport) -> impl Iterator<Item = String> + '_ {
    let effects = step.effects.iter().filter(|e| e.approved.is_some());
    effects.map(|e| format!("{} {}", e.intent.method, e.intent.target))
}
