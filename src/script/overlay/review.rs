//! Each override of a site, beside what it was written against and what is shipped now.

use serde::Serialize;

use super::base::{self, Base};
use super::shipped::{self, Shipped, likely, target_of};
use super::target::{Piece, Target};
use crate::base::{Place, Result, again};
use crate::script::modules::SITE;
use crate::script::survey::Survey;
use crate::site::{Layer, Layers, Listing};

/// How an override stands to what is shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// What is shipped is what it was written against.
    Unchanged,
    /// Nobody has recorded what it was written against.
    Unrecorded,
    /// What is shipped is another text now.
    Changed,
    /// What it changes is not shipped any more.
    Gone {
        /// What it is probably called now.
        likely: Option<Target>,
    },
}

impl State {
    /// The words for people.
    pub fn words(&self) -> &'static str {
        match self {
            State::Unchanged => "unchanged",
            State::Unrecorded => "not recorded",
            State::Changed => "shipped changed",
            State::Gone { .. } => "target gone",
        }
    }
}

/// One place where the site says so.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// `replaced`, `preceded`, `followed`, `skipped` or `added`, as reports say it.
    pub how: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Its text.
    pub text: String,
}

/// An override, beside what it was written against and what is shipped now.
#[derive(Clone, Debug, Serialize)]
pub struct Drift {
    /// What it changes.
    pub target: Target,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
    /// What the site says; in several places where it precedes and follows a step.
    pub site: Vec<Written>,
    /// What it was written against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// What is shipped now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipped: Option<Shipped>,
}

/// All overrides of a site.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// They, by what they change.
    pub overrides: Vec<Drift>,
    /// Bases of overrides that the site has no more.
    pub unused: Vec<Base>,
    /// Everything that is shipped.
    #[serde(skip)]
    pub shipped: Vec<Shipped>,
}

impl Review {
    /// Reviews a site's overrides of all shipped scripts.
    ///
    /// # Errors
    /// A file that may not be believed, or a lock file that is wrong.
    pub fn of(layers: &Layers) -> Result<Review> {
        let names: Vec<String> = layers.list()?.into_iter().map(|l| l.name).collect();
        Ok(Review::new(&Survey::of(layers, &names)?, base::read(layers)?))
    }

    /// The same of the scripts alone that the site lays over shipped ones, or once did: what a run asks, which shall not
    /// wait for a look at everything that is shipped.
    ///
    /// # Errors
    /// As [`Review::of`].
    pub fn of_overlaid(layers: &Layers) -> Result<Review> {
        let bases = base::read(layers)?;
        let over = |l: &Listing| {
            l.layers.contains(&Layer::Site)
                && (l.layers.len() > 1 || bases.iter().any(|base| base.target.script == l.name))
        };
        let names: Vec<String> = layers.list()?.into_iter().filter(over).map(|l| l.name).collect();
        if names.is_empty() {
            return Ok(Review { overrides: Vec::new(), unused: bases, shipped: Vec::new() });
        }
        Ok(Review::new(&Survey::of(layers, &names)?, bases))
    }

    /// The same from a survey of all scripts, and the bases of the site.
    pub fn new(survey: &Survey, bases: Vec<Base>) -> Review {
        let shipped = shipped::all(survey);
        let mut overrides: Vec<Drift> = Vec::new();
        for (target, written) in written(survey, &shipped, &bases) {
            match overrides.iter_mut().find(|drift| drift.target == target) {
                Some(drift) => drift.site.push(written),
                None => overrides.push(drift(target, written, &shipped, &bases)),
            }
        }
        overrides.sort_by(|a, b| a.target.cmp(&b.target));
        let used = |base: &Base| overrides.iter().any(|drift| drift.target == base.target);
        let unused = bases.into_iter().filter(|base| !used(base)).collect();
        Review { overrides, unused, shipped }
    }

    /// What a run of this runbook meets of overrides that are due for review, in one line.
    pub fn warning(&self, runbook: &str) -> Option<String> {
        let met = |target: &Target| target.script == runbook || matches!(target.piece, Piece::Function(..));
        let due = self.overrides.iter().filter(|drift| drift.state != State::Unchanged && met(&drift.target));
        let all: Vec<String> =
            due.map(|drift| format!("{} ({})", drift.target, drift.state.words())).collect();
        let what = match all.len() {
            0 => return None,
            1 => "an override is due",
            _ => "overrides are due",
        };
        Some(format!(
            "{what} for review: {}; `{}` shows them",
            all.join(", "),
            again::command(&["site", "diff"])
        ))
    }

    /// Whether a review is due: something is not as it was when its override was written.
    pub fn has_drift(&self) -> bool {
        self.overrides.iter().any(|drift| drift.state != State::Unchanged)
    }
}

fn drift(target: Target, written: Written, shipped: &[Shipped], bases: &[Base]) -> Drift {
    let base = bases.iter().find(|b| b.target == target).cloned();
    let now = shipped.iter().find(|s| s.target == target).cloned();
    let state = match (&base, &now) {
        (_, None) => {
            let was = base.as_ref().map(|b| b.text.as_str());
            State::Gone { likely: likely(&target, was, shipped).map(|s| s.target.clone()) }
        }
        (None, Some(_)) => State::Unrecorded,
        (Some(base), Some(now)) if base.fingerprint == now.fingerprint => State::Unchanged,
        (Some(_), Some(_)) => State::Changed,
    };
    Drift { target, state, site: vec![written], base, shipped: now }
}

/// What the site's files say, by what it changes.
fn written(survey: &Survey, shipped: &[Shipped], bases: &[Base]) -> Vec<(Target, Written)> {
    let mut found = Vec::new();
    for (source, it) in survey.sources.iter().enumerate() {
        for change in survey.outline(source).overrides.iter().filter(|c| c.step.literal) {
            found.push((
                Target::step(&it.name, &change.step.text),
                Written {
                    how: change.how.word(),
                    place: survey.place(change.layer, change.at),
                    text: survey.override_text(change).to_string(),
                },
            ));
        }
        for (layer, l) in survey.layers_of(source).filter(|(_, l)| l.text.layer == SITE) {
            for (body, function) in l.facts.functions() {
                let target = target_of(&it.name, function);
                // any other function is the site's own
                let known =
                    shipped.iter().any(|s| s.target == target) || bases.iter().any(|b| b.target == target);
                if !known {
                    continue;
                }
                let written = Written {
                    how: "replaced",
                    place: survey.place(layer, survey.function_at((layer, body))),
                    text: survey.function_text((layer, body)).to_string(),
                };
                found.push((target, written));
            }
        }
    }
    found
}

/// Functions of a site that nothing calls and that replace nothing, with the shipped one that is probably
/// meant: an override that matches nothing must not go unseen.
pub(in crate::script) fn unmatched(
    survey: &Survey,
    shipped: &[Shipped],
) -> Vec<(Target, Place, Option<Target>)> {
    let mut found = Vec::new();
    for it in &survey.sources {
        let layers = it.layers.iter().map(|id| (*id, &survey.layers[*id]));
        let is_layered = it.layers.iter().any(|id| survey.layers[*id].text.layer != SITE);
        for (layer, l) in layers.filter(|(_, l)| is_layered && l.text.layer == SITE) {
            for (body, function) in l.facts.functions() {
                let target = target_of(&it.name, function);
                let called =
                    survey.layers.iter().flat_map(|l| &l.facts.calls).any(|c| c.name == function.name);
                let same_name = |s: &&Shipped| {
                    s.target.script == target.script
                        && matches!(&s.target.piece, Piece::Function(name, _) if *name == function.name)
                };
                let other_arity = shipped.iter().find(same_name);
                let is_shipped = shipped.iter().any(|s| s.target == target);
                if is_shipped || (called && other_arity.is_none()) {
                    continue;
                }
                let meant = other_arity.or_else(|| likely(&target, None, shipped)).map(|s| s.target.clone());
                found.push((target, survey.place(layer, survey.function_at((layer, body))), meant));
            }
        }
    }
    found
}
