//! A site's overrides: each matches something that is shipped, and what is shipped is what it was written
//! against.

use super::finding::{Area, Finding, Grade};
use crate::base::{Place, again};
use crate::script::overlay::{FILE, Review, State, Surface, Target, calls};
use crate::script::survey::Survey;

/// Looks at all overrides.
pub(super) fn look(survey: &Survey, review: &Review, surface: &Surface) -> Vec<Finding> {
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
                .help(format!(
                    "look at it with `{}`, then: {}",
                    again::command(&["site", "diff"]),
                    again::words(&["site", "accept"], &target.to_string())
                )),
            ),
            State::Changed => found.push(
                finding(
                    Grade::Drift,
                    format!("the shipped {} has changed since the site's override was written", said(target)),
                )
                .help(format!(
                    "`{}` shows how; after review: {}",
                    again::words(&["site", "diff"], &target.to_string()),
                    again::words(&["site", "accept"], &target.to_string())
                )),
            ),
            State::Gone { likely } => {
                let finding =
                    finding(Grade::Error, format!("there is no shipped {} to override", said(target)));
                let deprecation = surface.deprecated.get(target);
                let likely = deprecation.and_then(|d| d.instead.as_ref()).or(likely.as_ref());
                found.push(match likely {
                    Some(near) => finding.help(format!(
                        "it is probably `{}` now: change the override to it, then `{}`",
                        near.name(),
                        again::command(&["site", "accept"])
                    )),
                    None => finding
                        .help(format!("`{}` lists what is there", again::command(&["show", &target.script]))),
                });
            }
        }
    }
    for base in &review.unused {
        let what =
            format!("{FILE} has an entry for {}, which the site does not override", said(&base.target));
        found.push(
            Finding::new(Grade::Warning, Area::Overrides, what)
                .help(format!("`{}` drops it", again::command(&["site", "accept"]))),
        );
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

/// What the site overrides and calls, beside what it may rely on.
pub(super) fn relied_on(survey: &Survey, review: &Review, surface: &Surface) -> Vec<Finding> {
    let overridden = review.overrides.iter().filter_map(|d| {
        let place = d.site.first()?.place.clone();
        d.shipped.is_some().then(|| (d.target.clone(), place, "overrides"))
    });
    let called = calls(survey).into_iter().filter_map(|(target, place)| {
        let shipped = review.shipped.iter().any(|s| s.target == target);
        let own = review.overrides.iter().any(|d| d.target == target);
        (shipped && !own).then_some((target, place, "calls"))
    });
    let told = |(target, place, how): (Target, Place, &str)| {
        let finding = |what: String| Finding::new(Grade::Warning, Area::Overrides, what).at(place.clone());
        if let Some(deprecation) = surface.deprecated.get(&target) {
            let since = &deprecation.since;
            let what = format!("the site {how} the {}, which is deprecated since {since}", said(&target));
            let instead =
                deprecation.instead.as_ref().map(|t| format!("use `{t}` instead: ")).unwrap_or_default();
            return Some(finding(what).help(format!("{instead}{}", deprecation.reason)));
        }
        if surface.stable.contains(&target) {
            return None;
        }
        let what = format!("the site {how} the {}, which may change without notice", said(&target));
        Some(finding(what).help("stdlib/stable.toml lists what holds from one release to the next"))
    };
    overridden.chain(called).filter_map(told).collect()
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
