//! A site's overrides: each matches something that is shipped, and what is shipped is what it was written
//! against.

use super::finding::{Area, Finding, Grade};
use crate::script::overlay::{FILE, Review, State, Target};
use crate::script::survey::Survey;

/// Looks at all overrides.
pub(super) fn look(survey: &Survey, review: &Review) -> Vec<Finding> {
    let mut found = Vec::new();
    for drift in &review.overrides {
        let target = &drift.target;
        let finding = |grade, what: String| {
            let finding = Finding::new(grade, Area::Overrides, what);
            match drift.site.first() {
                Some(written) => finding.at(written.place.clone()),
                None => finding,
            }
        };
        match &drift.state {
            State::Unchanged => {}
            State::Unrecorded => found.push(
                finding(
                    Grade::Drift,
                    format!("nobody recorded what the override of {} was written against", said(target)),
                )
                .help(format!("look at it with `rhumb site diff`, then: rhumb site accept {target}")),
            ),
            State::Changed => found.push(
                finding(
                    Grade::Drift,
                    format!("the shipped {} has changed since the site's override was written", said(target)),
                )
                .help(format!(
                    "`rhumb site diff {target}` shows how; after review: rhumb site accept {target}"
                )),
            ),
            State::Gone { likely } => {
                let finding =
                    finding(Grade::Error, format!("there is no shipped {} to override", said(target)));
                found.push(match likely {
                    Some(near) => finding.help(format!(
                        "it is probably `{}` now: change the override to it, then `rhumb site accept`",
                        near.name()
                    )),
                    None => finding.help(format!("`rhumb show {}` lists what is there", target.script)),
                });
            }
        }
    }
    for base in &review.unused {
        let what =
            format!("{FILE} has an entry for {}, which the site does not override", said(&base.target));
        found.push(Finding::new(Grade::Warning, Area::Overrides, what).help("`rhumb site accept` drops it"));
    }
    for (target, place, meant) in crate::script::overlay::unmatched(survey, &review.shipped) {
        let known = review.overrides.iter().any(|d| d.target == target);
        if known {
            continue;
        }
        let what = format!("the function {} replaces no shipped one", target.name());
        found.push(match meant {
            Some(meant) => Finding::new(Grade::Error, Area::Overrides, what)
                .help(format!("did you mean `{}`? The number of parameters counts", tail(&meant)))
                .at(place),
            None => Finding::new(Grade::Warning, Area::Overrides, format!("{what}, and nothing calls it"))
                .at(place),
        });
    }
    found
}

/// `step 5.2 of restart`.
fn said(target: &Target) -> String {
    format!("{} {} of {}", target.kind(), target.name(), target.script)
}

/// `failover/2`.
fn tail(target: &Target) -> String {
    let text = target.to_string();
    text.split_once(' ').map_or(text.clone(), |(_, tail)| tail.to_string())
}
