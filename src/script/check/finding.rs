//! What the checker finds, for people and for programs.

use serde::{Serialize, Serializer};

use super::codes::{Code, Severity};
use crate::base::Place;
use crate::script::diagnostic::{self, Report};
use crate::script::survey::{At, Survey};

/// Something that the checker found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Whether it stops a run.
    pub severity: Severity,
    /// What sort of thing it is.
    #[serde(serialize_with = "name")]
    pub code: &'static Code,
    /// What it is, in a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Logical name of the runbook or module.
    pub source: String,
    /// Where it starts.
    pub place: Place,
    /// How many characters it covers.
    pub width: usize,
    /// Other places that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    #[serde(skip)]
    order: (usize, At),
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// Where it is.
    pub place: Place,
    #[serde(skip)]
    layer: usize,
}

fn name<S: Serializer>(code: &&'static Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.name)
}

impl Finding {
    /// A finding at a place of a layer.
    pub(super) fn new(
        survey: &Survey,
        code: &'static Code,
        (layer, at): (usize, At),
        message: impl Into<String>,
    ) -> Self {
        let text = &survey.layers[layer].text.text;
        let (start, length) = diagnostic::span(text, at.line, at.column);
        Finding {
            severity: code.severity,
            code,
            message: message.into(),
            help: None,
            source: survey.sources[survey.layers[layer].source].name.clone(),
            place: survey.place(layer, at),
            width: text.get(start..start + length).unwrap_or_default().chars().count(),
            related: Vec::new(),
            order: (layer, at),
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what was probably meant, or else what to do about it.
    #[must_use]
    pub(super) fn meant(self, near: Option<String>, otherwise: Option<String>) -> Self {
        match (near.map(|n| format!("did you mean `{n}`?")), otherwise) {
            (Some(help), _) | (None, Some(help)) => self.help(help),
            (None, None) => self,
        }
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub(super) fn related(
        mut self,
        survey: &Survey,
        (layer, at): (usize, At),
        message: impl Into<String>,
    ) -> Self {
        self.related.push(Related { message: message.into(), place: survey.place(layer, at), layer });
        self
    }

    /// What findings are sorted by: the order of sources and texts.
    pub(super) fn order(&self) -> (usize, At, &'static str, &str) {
        (self.order.0, self.order.1, self.code.name, &self.message)
    }

    /// It as a report that points into its texts.
    pub(super) fn report(&self, survey: &Survey) -> Report {
        let severity = match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        };
        let pointing = |report: Report, layer: usize, place: &Place, label: &str| {
            let text = &survey.layers[layer].text;
            report.pointing(&text.file, &text.text, place.line, place.column, label)
        };
        let report = Report::new(severity, self.code.name, &self.message, self.help.clone());
        let report = pointing(report, self.order.0, &self.place, "here");
        self.related.iter().fold(report, |report, other| {
            let note = Report::new(miette::Severity::Advice, "", &other.message, None);
            report.related(pointing(note, other.layer, &other.place, "here"))
        })
    }
}
