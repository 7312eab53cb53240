//! What a check of a site finds, for people and for programs.

use serde::Serialize;

use crate::base::{Error, Place};
use crate::script::check;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// A run would fail, or do what nobody meant.
    Error,
    /// What is there is not what was recorded: somebody has to look.
    Drift,
    /// It works, and somebody should know.
    Warning,
}

/// What part of a site it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Files: who owns them, who may write to them, where links lead.
    Files,
    /// Values that the runbooks read.
    Values,
    /// Scopes, clusters, hosts, programs and endpoints that they ask for, and their credentials.
    Handles,
    /// The scripts themselves.
    Scripts,
    /// What the site does otherwise than the shipped scripts.
    Overrides,
    /// Waivers and known issues.
    Excuses,
    /// What the cloud says.
    Cloud,
}

impl Area {
    /// All, in the order in which they are shown.
    pub const ALL: [Area; 7] = [
        Area::Files,
        Area::Values,
        Area::Handles,
        Area::Scripts,
        Area::Overrides,
        Area::Excuses,
        Area::Cloud,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Area::Files => "files",
            Area::Values => "values",
            Area::Handles => "handles",
            Area::Scripts => "scripts",
            Area::Overrides => "overrides",
            Area::Excuses => "excuses",
            Area::Cloud => "cloud",
        }
    }
}

/// Something that a check of a site found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// What part of the site it is about.
    pub area: Area,
    /// What it is, in a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Finding {
    /// A finding without a place.
    pub fn new(grade: Grade, area: Area, message: impl Into<String>) -> Self {
        Finding { grade, area, message: message.into(), help: None, place: None }
    }

    /// An error as a finding.
    pub fn of(area: Area, error: &Error) -> Self {
        let detail = error.detail();
        let (help, place) = (detail.help.clone(), detail.place.clone());
        Finding { grade: Grade::Error, area, message: error.to_string(), help, place }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl From<&check::Finding> for Finding {
    fn from(found: &check::Finding) -> Self {
        let grade = match found.severity {
            check::Severity::Error => Grade::Error,
            check::Severity::Warning => Grade::Warning,
        };
        Finding {
            grade,
            area: Area::Scripts,
            message: format!("{} [{}]", found.message, found.code.name),
            help: found.help.clone(),
            place: Some(found.place.clone()),
        }
    }
}
