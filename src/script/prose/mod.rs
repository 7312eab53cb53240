//! A runbook as prose: its comments are the why, its steps the what, and what each step reaches is known
//! without running it.

use super::modules::Shelf;
use super::paragraphs::paragraphs;
use super::primitive::Effect;
use super::survey::outline::Kind;
use super::survey::{Step, Survey};
use crate::base::error::nearest;
use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, ErrorKind, Result};

/// A runbook as prose.
pub struct Prose {
    /// Its id and title.
    pub title: String,
    /// Its `//!` header.
    pub header: String,
    /// Its steps.
    pub steps: Vec<StepProse>,
}

/// A step as prose.
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
    /// The comments before it and at the start of its body.
    pub why: String,
    /// Its text.
    pub source: String,
    /// What it may change, by the primitives' names.
    pub changes: Vec<String>,
    /// What it reads.
    pub reads: Vec<String>,
    /// File and line.
    pub place: String,
}

impl Prose {
    /// The prose of a runbook.
    ///
    /// # Errors
    /// There is no such runbook, or its shelf cannot be read.
    pub fn of(shelf: &dyn Shelf, name: &str) -> Result<Prose> {
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
        let steps = outline.steps.iter().map(|s| step_prose(&survey, s)).collect();
        Ok(Prose { title, header, steps })
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

    /// The whole, for a terminal of some columns.
    pub fn draw(&self, width: usize) -> Drawn {
        let header = Drawn::lines(&paragraphs(&self.header).join("\n\n")).wrapped(width);
        let mut page = drawn!("{}\n\n{}\n", self.title, header);
        for step in &self.steps {
            page.push(drawn!("\n{}\n", step.head()));
            if !step.why.is_empty() {
                page.push(drawn!("{}\n", indented(&step.why, width)));
            }
            if !step.changes.is_empty() {
                page.push(drawn!("         changes by {}\n", step.changes.join(", ")));
            }
        }
        page
    }
}

impl StepProse {
    /// `5.2      Fail over what is broken  [change, needs 4]`
    fn head(&self) -> Drawn {
        let needs =
            if self.needs.is_empty() { String::new() } else { format!(", needs {}", self.needs.join(", ")) };
        drawn!("{:<8} {}  [{}{}]", self.id, self.title, self.kind, needs)
    }

    /// The step with its text, for a terminal of some columns. Each line of the text stands behind a mark.
    pub fn draw(&self, width: usize) -> Drawn {
        let mut page = drawn!("{}\n", self.head());
        if !self.why.is_empty() {
            page.push(drawn!("\n{}\n", indented(&self.why, width)));
        }
        for (what, list) in [("changes by", &self.changes), ("reads by", &self.reads)] {
            if !list.is_empty() {
                page.push(drawn!("\n         {} {}", what, list.join(", ")));
            }
        }
        page.push(drawn!("\n\n{}\n\n{}", self.place, Drawn::lines(&self.source).behind("│ ")));
        page
    }
}

fn indented(text: &str, width: usize) -> Drawn {
    const BLANKS: &str = "         ";
    Drawn::lines(text).filled(Some(width), BLANKS, BLANKS)
}

fn step_prose(survey: &Survey, step: &Step) -> StepProse {
    let layer = &survey.layers[step.layer];
    let lines: Vec<&str> = layer.text.text.lines().collect();
    let first = step.statement.line.max(1);
    let body = step.body.and_then(|(layer, id)| survey.layers[layer].facts.bodies.get(id));
    let last = body.and_then(|b| b.end).map_or(step.at.line, |end| end.line).max(first).min(lines.len());
    let source = lines.get(first - 1..last).unwrap_or_default().join("\n");
    let named = |effect: Effect| {
        let touches = step.body.map(|b| survey.touches(b)).unwrap_or_default();
        // a call whose method only the run knows is named wherever it may belong
        let is = |e: Effect| e == effect || e == Effect::Method;
        let mut names: Vec<String> = touches.iter().filter(|t| t.surely(is)).map(|t| t.name()).collect();
        names.sort();
        names.dedup();
        names
    };
    let before = comments(lines[..first - 1].iter().rev().copied(), true);
    let inside = body.map(|b| comments(lines.iter().skip(b.at.line).copied(), false)).unwrap_or_default();
    StepProse {
        id: step.id.text.clone(),
        computed: !step.id.literal,
        title: step.title.text.clone(),
        kind: step.kind.word(),
        needs: step.needs.iter().map(|n| n.text.clone()).collect(),
        why: [before, inside].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" "),
        source,
        changes: if step.kind == Kind::Change { named(Effect::Change) } else { Vec::new() },
        reads: named(Effect::Read),
        place: format!("{}:{first}", layer.text.file),
    }
}

/// The comment block that lines start with, as one paragraph. A ruler (`// ---- 1. the VM`) is none.
fn comments<'l>(lines: impl Iterator<Item = &'l str>, backwards: bool) -> String {
    let block = lines.map_while(|l| l.trim().strip_prefix("//"));
    let mut block: Vec<&str> =
        block.map(|l| l.trim_start_matches('/').trim()).filter(|l| !l.starts_with("---")).collect();
    if backwards {
        block.reverse();
    }
    block.join(" ")
}
