//! Why a gate that fails may not fail the run: a waiver of the site, or an issue that is known.

mod known_issue;
mod pattern;
mod version;
mod waiver;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

pub use known_issue::{KnownIssue, Signature};
pub use version::Requirement;
pub use waiver::Waiver;

/// The waivers and known issues of a site.
#[derive(Clone, Debug, Default)]
pub struct Excuses {
    /// The site's waivers.
    pub waivers: Vec<Waiver>,
    /// Known issues, the site's before the shipped ones.
    pub known_issues: Vec<KnownIssue>,
}

/// A gate that failed.
pub struct Failure<'a> {
    /// The runbook's logical name.
    pub runbook: &'a str,
    /// The step's id.
    pub step: &'a str,
    /// What the gate claims.
    pub claim: &'a str,
    /// What was observed.
    pub evidence: &'a Value,
    /// The version of a name that known issues apply to: a field of the evidence, else a value of the site.
    pub version: &'a dyn Fn(&str) -> Option<String>,
    /// The time, which decides what has expired.
    pub now: Timestamp,
}

/// What a site says about a gate that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse<'a> {
    /// It is known.
    Known(&'a KnownIssue),
    /// It is waived.
    Waived(&'a Waiver),
    /// It was known until a day that is over.
    NoLongerKnown(&'a KnownIssue),
    /// It was waived until a day that is over.
    NoLongerWaived(&'a Waiver),
}

impl Excuse<'_> {
    /// Whether it still excuses the failure.
    pub fn holds(&self) -> bool {
        matches!(self, Excuse::Known(_) | Excuse::Waived(_))
    }
}

impl Excuses {
    /// What the site says about a gate that failed; an excuse that holds comes before one that has expired.
    pub fn find(&self, failure: &Failure<'_>) -> Option<Excuse<'_>> {
        let today = failure.now.to_zoned(TimeZone::UTC).date();
        let known =
            self.known_issues.iter().filter(|i| i.shows(failure.evidence, failure.version)).map(|i| {
                if i.expires.is_none_or(|day| today <= day) {
                    Excuse::Known(i)
                } else {
                    Excuse::NoLongerKnown(i)
                }
            });
        let waived = self.waivers.iter().filter(|w| w.covers(failure.runbook, failure.step, failure.claim));
        let waived =
            waived.map(|w| if today <= w.expires { Excuse::Waived(w) } else { Excuse::NoLongerWaived(w) });
        let all: Vec<Excuse<'_>> = known.chain(waived).collect();
        all.iter().find(|e| e.holds()).or(all.first()).copied()
    }
}

#[cfg(test)]
mod tests;
