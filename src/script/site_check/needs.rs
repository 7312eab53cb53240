//! What the scripts ask of a site: its values, and its handles by their names. All of it must be there.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Area, Finding, Grade};
use crate::script::survey::asks::is_site;
use crate::script::survey::{Shape, Survey};
use crate::site::Site;

/// Looks at everything that these runbooks, and the modules that they import, ask of a site.
pub(super) fn look(site: &Site, survey: &Survey, runbooks: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut reported = BTreeSet::new();
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for runbook in runbooks {
        for layer in layers_of(survey, runbook) {
            let found_here = read(site, survey, layer)
                .chain(handles(site, survey, layer))
                .chain(projects(site, survey, layer));
            for finding in found_here.chain(slots(site, survey, layer)) {
                // what is missing is told once, at its first use
                if reported.insert(finding.message.clone()) {
                    found.push(finding);
                }
            }
        }
        // what the schema says that a runbook reads, also where the text does not show it
        for decl in site.values().missing(runbook) {
            missing.entry(&decl.name).or_default().push(runbook);
        }
    }
    for (name, runbooks) in missing {
        let Some(decl) = site.values().schema().get(name) else { continue };
        let shown = found.iter().any(|f| f.message.contains(&format!("`{name}`")));
        if shown {
            continue;
        }
        let what =
            format!("the site does not set `{name}`, which {} needs: {}", runbooks.join(", "), decl.doc);
        let help = format!("add it to [values] in site.toml, such as: {name} = {}", decl.example);
        found.push(Finding::new(Grade::Error, Area::Values, what).help(help));
    }
    found
}

/// The layers of a runbook and of all that it imports.
fn layers_of(survey: &Survey, runbook: &str) -> Vec<usize> {
    let (mut open, mut seen, mut layers) = (vec![runbook.to_string()], BTreeSet::new(), Vec::new());
    while let Some(name) = open.pop() {
        let Some((_, source)) = survey.source(&name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        for id in &source.layers {
            layers.push(*id);
            open.extend(survey.layers[*id].facts.imports.iter().filter_map(|i| i.name.clone()));
        }
    }
    layers
}

/// Values that are read: `site.image`, `site.extra.rack`.
fn read<'s>(site: &'s Site, survey: &'s Survey, layer: usize) -> impl Iterator<Item = Finding> + 's {
    let facts = &survey.layers[layer].facts;
    let values = facts.values_read().filter_map(move |field| {
        let error = site.values().get(&field.name).err()?;
        Some(Finding { place: Some(survey.place(layer, field.at)), ..Finding::of(Area::Values, &error) })
    });
    let extra = facts.fields.iter().filter_map(move |field| {
        let Shape::Field(of, name) = &field.of.shape else { return None };
        if name != "extra" || !is_site(of) || site.extra.contains_key(&field.name) {
            return None;
        }
        let what = format!("[extra] of the site file has no `{}`", field.name);
        let near = crate::base::error::nearest(&field.name, site.extra.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add it to site.toml: [extra] {} = ...", field.name),
        };
        let place = survey.place(layer, field.at);
        Some(Finding::new(Grade::Error, Area::Values, what).help(help).at(place))
    });
    values.chain(extra)
}

/// Handles that are asked for by their name: `site.scope("admin")`.
fn handles<'s>(site: &'s Site, survey: &'s Survey, layer: usize) -> impl Iterator<Item = Finding> + 's {
    survey.layers[layer].facts.handles_asked().filter_map(move |(method, name, call)| {
        let error = match method {
            "scope" => site.scope(name).map(drop),
            "kube" => site.kube(name).map(drop),
            "host" => site.host(name).map(drop),
            "tool" => site.tool(name).map(drop),
            _ => site.endpoint(name).map(drop),
        };
        let place = survey.place(layer, call.args.first().map_or(call.at, |a| a.at));
        Some(Finding { place: Some(place), ..Finding::of(Area::Handles, &error.err()?) })
    })
}

/// Projects that a scope is narrowed to: some scope must declare each.
fn projects<'s>(site: &'s Site, survey: &'s Survey, layer: usize) -> impl Iterator<Item = Finding> + 's {
    survey.layers[layer].facts.projects_asked().filter_map(move |(name, domain, call)| {
        if site.scopes().any(|scope| scope.project(name, domain).is_ok()) {
            return None;
        }
        let what = format!("no scope of the site may be narrowed to project `{name}` of domain `{domain}`");
        let help = format!(
            "declare it in site.toml: [scopes.NAME] projects = [{{ project = \"{name}\", domain = \"{domain}\", roles = [\"member\"] }}]"
        );
        let place = survey.place(layer, call.args.first().map_or(call.at, |a| a.at));
        Some(Finding::new(Grade::Error, Area::Handles, what).help(help).at(place))
    })
}

/// Slots that are asked for by their name: `slot("amphora", || ...)`.
fn slots<'s>(site: &'s Site, survey: &'s Survey, layer: usize) -> impl Iterator<Item = Finding> + 's {
    let missing = |(name, _): &(&str, _)| !site.run.slots.contains_key(*name);
    survey.layers[layer].facts.slots_asked().filter(missing).map(move |(name, call)| {
        let near = crate::base::error::nearest(name, site.run.slots.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it in site.toml: [run] slots = {{ {name} = 1 }}"),
        };
        let place = survey.place(layer, call.args.first().map_or(call.at, |a| a.at));
        Finding::new(Grade::Error, Area::Handles, format!("the site has no slot `{name}`"))
            .help(help)
            .at(place)
    })
}
