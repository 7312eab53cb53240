//! The checker: what is wrong with a runbook, found without running it and without reading anything
//! but its texts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::modules::Shelf;
use super::primitive::Primitive;
use super::primitives;
use super::survey::{At, Outline, Survey};
use crate::base::{Drawn, Result};

pub mod codes;
mod finding;
mod rules;

pub use codes::{Code, Severity};
pub use finding::{Finding, Related};

/// What a check found.
pub struct Checked {
    /// The findings, in the order of sources and texts.
    pub findings: Vec<Finding>,
    survey: Survey,
}

/// Checks these runbooks and modules, and all modules that they import.
///
/// # Errors
/// There is no such name, or the shelf cannot be read. What is wrong in a text is a finding.
pub fn check(shelf: &dyn Shelf, names: &[String]) -> Result<Checked> {
    check_with(shelf, names, primitives::all())
}

/// The same, with primitives of the caller's.
///
/// # Errors
/// As for [`check`].
pub fn check_with(shelf: &dyn Shelf, names: &[String], all: Vec<&'static Primitive>) -> Result<Checked> {
    let survey = Survey::with(shelf, names, all)?;
    let outlines = (0..survey.sources.len()).map(|source| survey.outline(source)).collect();
    let mut desk = Desk { survey: &survey, outlines, findings: Vec::new() };
    for rule in rules::ALL {
        rule(&mut desk);
    }
    let mut findings = desk.findings;
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut seen = BTreeSet::new();
    findings.retain(|f| seen.insert((f.place.to_string(), f.code.name, f.message.clone())));
    Ok(Checked { findings, survey })
}

impl Checked {
    /// How many findings stop a run.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Error).count()
    }

    /// How many do not.
    pub fn warnings(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// The findings for people, each with its line. `width` in columns.
    pub fn draw(&self, width: usize, colours: bool) -> Drawn {
        Drawn::join(self.findings.iter().map(|f| f.report(&self.survey).draw(width, colours)), "\n")
    }

    /// What was checked and found, in a line: `restart, std/nova: 1 error, 2 warnings`.
    pub fn summary(&self) -> String {
        let count = |n: usize, word: &str| match n {
            1 => format!("1 {word}"),
            n => format!("{n} {word}s"),
        };
        let found = match (self.errors(), self.warnings()) {
            (0, 0) => "nothing to find fault with".to_string(),
            (e, 0) => count(e, "error"),
            (0, w) => count(w, "warning"),
            (e, w) => format!("{}, {}", count(e, "error"), count(w, "warning")),
        };
        let names: Vec<&str> = self.survey.sources.iter().map(|s| s.name.as_str()).collect();
        format!("{}: {found}", names.join(", "))
    }

    /// The findings for programs.
    pub fn json(&self) -> Value {
        let checked: Vec<&str> = self.survey.sources.iter().map(|s| s.name.as_str()).collect();
        json!({
            "checked": checked,
            "errors": self.errors(),
            "warnings": self.warnings(),
            "findings": self.findings,
        })
    }
}

/// Where rules put what they find.
struct Desk<'s> {
    survey: &'s Survey,
    /// The steps of each source.
    outlines: Vec<Outline>,
    findings: Vec<Finding>,
}

impl<'s> Desk<'s> {
    /// A finding, to be added.
    fn finding(&self, code: &'static Code, place: (usize, At), message: impl Into<String>) -> Finding {
        Finding::new(self.survey, code, place, message)
    }

    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}
