//! Waivers and known issues: none that has run out, and none that could cover nothing.

use jiff::civil::Date;

use super::claims;
use super::finding::{Area, Finding, Grade};
use crate::base::Place;
use crate::base::error::nearest;
use crate::script::survey::Survey;
use crate::site::Site;
use crate::site::document::Spot;

/// Looks at all that a site excuses.
pub(super) fn look(site: &Site, survey: &Survey, today: Date) -> Vec<Finding> {
    let mut found = Vec::new();
    for waiver in &site.excuses.waivers {
        if waiver.expires < today {
            let what = format!("the waiver of \"{}\" has run out on {}", waiver.gate, waiver.expires);
            let help = format!("its gate fails again: mend it, or {} decides anew", waiver.owner);
            found.push(Finding::new(Grade::Warning, Area::Excuses, what).help(help).at(place(&waiver.spot)));
        }
        let uncovered = uncovered(survey, waiver.runbook.as_deref(), waiver.step.as_deref(), &waiver.spot);
        if uncovered.is_none() && !claims::some_gate(survey, waiver.runbook.as_deref(), &waiver.gate) {
            let what = format!("this waiver is for a gate \"{}\", which no runbook has", waiver.gate);
            let help = "a gate that was renamed fails again: look up its claim with `rhumb show`, or take the waiver away";
            found.push(Finding::new(Grade::Error, Area::Excuses, what).help(help).at(place(&waiver.spot)));
        }
        found.extend(uncovered);
    }
    for issue in &site.excuses.known_issues {
        if let Some(day) = issue.expires.filter(|day| *day < today) {
            let what = format!("the known issue {} has run out on {day}", issue.id);
            let help = "what shows it fails its gate again: look whether it is mended, and give it another day if not";
            found.push(Finding::new(Grade::Warning, Area::Excuses, what).help(help).at(place(&issue.spot)));
        }
    }
    found
}

/// A waiver of a step or runbook that is not there: it would never cover anything.
fn uncovered(survey: &Survey, runbook: Option<&str>, step: Option<&str>, spot: &Spot) -> Option<Finding> {
    let finding = |what: String, near: Option<&str>| {
        let finding = Finding::new(Grade::Error, Area::Excuses, what).at(place(spot));
        match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("a waiver that covers nothing hides that its gate was renamed"),
        }
    };
    let name = runbook?;
    let runbooks = survey.sources.iter().filter(|s| s.runbook).map(|s| s.name.as_str());
    let Some((source, _)) = survey.source(name) else {
        let near = nearest(name, runbooks);
        return Some(finding(format!("this waiver is for a runbook `{name}`, which is not there"), near));
    };
    let step = step?;
    let outline = survey.outline(source);
    if outline.steps.iter().any(|s| !s.id.literal || s.id.text == step) {
        return None;
    }
    let near = nearest(step, outline.steps.iter().map(|s| s.id.text.as_str()));
    Some(finding(format!("this waiver is for a step {step}, which {name} does not have"), near))
}

fn place(spot: &Spot) -> Place {
    Place { file: spot.file().to_string(), line: spot.line, column: spot.column }
}
