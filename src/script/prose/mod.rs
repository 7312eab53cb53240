//! A runbook as prose: its comments are the why, its steps the what, and what each step asks for, waits for and changes
//! is known without running it.

use serde::Serialize;

use super::modules::Shelf;
use super::primitive::Effect;
use super::survey::outline::{How, Kind};
use super::survey::{Node, Step, Survey};
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::run::report::Accepts;

mod body;
mod comments;
mod page;
mod things;
mod words;

pub use body::{Claim, Kind as ClaimKind};
pub use page::Look;
pub use words::Lookup;

use comments::Comments;

/// A runbook as prose.
#[derive(Serialize)]
pub struct Prose {
    /// Its logical name.
    pub name: String,
    /// Its id and title.
    pub title: String,
    /// Its `//!` header.
    pub header: String,
    /// The steps that its verdict needs, where it names them.
    pub needs: Vec<String>,
    /// The bar that it takes, where it takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepts: Option<Accepts>,
    /// Its steps.
    pub steps: Vec<StepProse>,
}

/// A step as prose.
#[derive(Serialize)]
pub struct StepProse {
    /// Its id.
    pub id: String,
    /// Whether the script computes its id: then a run alone knows it.
    pub computed: bool,
    /// Its title.
    pub title: String,
    /// `verify`, `change` or `deferred`.
    pub kind: &'static str,
    /// Ids of the steps it needs.
    pub needs: Vec<String>,
    /// Its condition, as it is written; without one it always runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whether the run goes on where it fails.
    pub goes_on: bool,
    /// Of a deferred step, the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The comments before it and at the start of its body.
    pub why: String,
    /// The comments further in.
    pub further: Vec<String>,
    /// The comments behind code, each with its line.
    pub remarks: Vec<String>,
    /// What it asks for and waits for, in the order of the text.
    pub claims: Vec<Claim>,
    /// What it changes, in the cloud's words.
    pub changes: Vec<String>,
    /// The longest that its waits take together, in seconds, where the text tells; and whether that is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<(f64, bool)>,
    /// What it usually takes; set where earlier runs are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usually: Option<String>,
    /// How the site changes it: `replaced by site/restart.rhai:12`.
    pub overrides: Vec<String>,
    /// Its text.
    pub source: String,
    /// What it reads.
    pub reads: Vec<String>,
    /// File and line.
    pub place: String,
}

impl Prose {
    /// The prose of a runbook, without any values.
    ///
    /// # Errors
    /// There is no such runbook, or its shelf cannot be read.
    pub fn of(shelf: &dyn Shelf, name: &str) -> Result<Prose> {
        Prose::with(shelf, name, &|_| None)
    }

    /// The prose of a runbook, with what a site or the shipped defaults say of each value by its name.
    ///
    /// # Errors
    /// There is no such runbook, or its shelf cannot be read.
    pub fn with(shelf: &dyn Shelf, name: &str, values: Lookup<'_>) -> Result<Prose> {
        let survey = Survey::of(shelf, &[name.to_string()])?;
        let outline = survey.outline(0);
        let layer = survey.sources.first().and_then(|s| s.layers.first()).map(|l| &survey.layers[*l]);
        let text = layer.map(|l| l.text.text.as_str()).unwrap_or_default();
        let title = match &outline.runbook {
            Some((id, title)) => format!("{}: {}", id.text, title.text),
            None => name.to_string(),
        };
        let header = text.lines().map_while(|l| l.strip_prefix("//!"));
        let header = header.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect::<Vec<_>>().join("\n");
        let needs = outline.needs.iter().map(|(_, label)| label.text.clone()).collect();
        let steps = outline.steps.iter().map(|s| step_prose(&survey, s, values)).collect();
        let accepts = outline.accepts.clone();
        Ok(Prose { name: name.to_string(), title, header, needs, accepts, steps })
    }

    /// The step of an id.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] with the likely id.
    pub fn step(&self, id: &str) -> Result<&StepProse> {
        self.steps.iter().find(|s| s.id == id).ok_or_else(|| {
            let e = Error::new(ErrorKind::Usage, format!("there is no step `{id}` in {}", self.title));
            let ids: Vec<&str> = self.steps.iter().map(|s| s.id.as_str()).collect();
            match nearest(id, ids.iter().copied()) {
                Some(near) => e.help(format!("did you mean `{near}`?")),
                None => e.help(format!("its steps are {}", ids.join(", "))),
            }
        })
    }
}

fn step_prose(survey: &Survey, step: &Step, values: Lookup<'_>) -> StepProse {
    let layer = &survey.layers[step.layer];
    let lines: Vec<&str> = layer.text.text.lines().collect();
    let first = step.statement.line.max(1);
    let body = step.body.and_then(|(layer, id)| survey.layers[layer].facts.bodies.get(id));
    // to the end of its statement: a body without braces (`|| look(...)`) says not where it ends
    let last = (first + survey.step_text(step).lines().count().saturating_sub(1)).min(lines.len());
    let source = lines.get(first - 1..last).unwrap_or_default().join("\n");
    let mut reads: Vec<String> = step
        .body
        .map(|b| survey.touches(b))
        .unwrap_or_default()
        .iter()
        // a call whose method only the run knows may read, too
        .filter(|t| t.surely(|e| e == Effect::Read || e == Effect::Method))
        .map(|t| t.name())
        .collect();
    reads.sort();
    reads.dedup();
    let comments = Comments::of(&layer.page(), first, body.map(|b| (b.at.line, last)));
    let runs: Vec<Node> = step.runs().into_iter().filter(|node| Some(*node) != step.when).collect();
    let said = body::read(survey, &runs, values);
    let limits = body::limits(&said.claims);
    let text = |layer: usize, at| survey.layers[layer].page().argument(at).to_string();
    let when = step.when.map(|(layer, id)| text(layer, survey.body((layer, id)).at));
    let over = step.overrides.iter().map(|o| format!("{} by {}", how(o.how), survey.place(o.layer, o.at)));
    StepProse {
        id: step.id.text.clone(),
        computed: !step.id.literal,
        title: step.title.text.clone(),
        kind: step.kind.word(),
        needs: step.needs.iter().map(|n| n.text.clone()).collect(),
        when: when.map(|w| body::condition(w.trim_start_matches('|').trim(), values)),
        goes_on: step.on_fail.as_deref() == Some("continue"),
        decision: step.decision.as_ref().map(|d| d.text.clone()),
        why: comments.why,
        further: comments.further,
        remarks: comments.remarks,
        claims: said.claims,
        changes: if step.kind == Kind::Change { said.changes } else { Vec::new() },
        at_most: limits.map(|(time, whole)| (time.as_secs_f64(), whole)),
        usually: None,
        overrides: over.collect(),
        source,
        reads,
        place: format!("{}:{first}", layer.text.file),
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Replaced => "its body is replaced",
        How::Preceded => "something runs before its body,",
        How::Followed => "something runs after its body,",
        How::Skipped => "it is skipped",
        How::Added => "it is added",
    }
}
