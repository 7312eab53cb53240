//! Names of variables, constants, fields and units.

use crate::base::error::nearest;
use crate::script::arguments::with_article;
use crate::script::check::codes::{
    UNDEFINED_VARIABLE, UNKNOWN_CONSTANT, UNKNOWN_FIELD, UNKNOWN_MODULE, UNKNOWN_UNIT,
};
use crate::script::check::{Desk, Finding};
use crate::script::survey::Survey;
use crate::script::survey::facts::{Constant, Field, Unbound};
use crate::script::survey::kinds::Kind;

/// What other languages call the absence of a value.
const NOTHING: &[&str] = &["null", "nil", "none", "None", "undefined", "void"];

/// Variables that do not exist.
pub(super) fn variables(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for unbound in &layer.facts.unbound {
            let finding = variable(desk, id, unbound);
            desk.add(finding);
        }
    }
}

fn variable(desk: &Desk<'_>, layer: usize, unbound: &Unbound) -> Finding {
    let name = unbound.name.as_str();
    let finding =
        desk.finding(&UNDEFINED_VARIABLE, (layer, unbound.at), format!("there is no variable `{name}` here"));
    if unbound.of_top_level {
        return finding.help(format!("functions do not see the variables around them: hand `{name}` over"));
    }
    if NOTHING.contains(&name) {
        return finding.help("nothing is written `()`");
    }
    if desk.survey.layers[layer].facts.import(name).is_some() {
        return finding.help(format!("it is a module: what is in it is reached by `{name}::...`"));
    }
    if desk.survey.known.globals(name).next().is_some() {
        return finding.help(format!("it is a function: hand it over in a closure, `|x| {name}(x)`"));
    }
    let near = nearest(name, unbound.visible.iter().map(String::as_str));
    finding.meant(near.map(str::to_string), None)
}

/// Constants that no module exports.
pub(super) fn constants(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for constant in &layer.facts.constants {
            let own = constant.path == ["global"];
            let source = if own { Some(layer.source) } else { desk.survey.module_at(id, &constant.path) };
            let finding = match source {
                Some(source) => constant_of(desk, (id, constant), source, own),
                None => unknown_module(desk, (id, constant.at), &constant.path),
            };
            if let Some(finding) = finding {
                desk.add(finding);
            }
        }
    }
}

fn constant_of(
    desk: &Desk<'_>,
    (id, constant): (usize, &Constant),
    source: usize,
    own: bool,
) -> Option<Finding> {
    let survey = desk.survey;
    if survey.layers_of(source).any(|(_, l)| l.broken.is_some()) {
        return None; // what it holds is not known
    }
    let all =
        || survey.layers_of(source).flat_map(|(_, l)| &l.facts.bindings).filter(|b| b.constant.is_some());
    if all().any(|b| b.name == constant.name && (own || b.constant == Some(true))) {
        return None;
    }
    let (path, name) = (constant.path.join("::"), &constant.name);
    let message = format!("there is no constant `{path}::{name}`");
    let finding = desk.finding(&UNKNOWN_CONSTANT, (id, constant.at), message);
    if all().any(|b| &b.name == name) {
        return Some(finding.help(format!("it is not exported: `export const {name} = ...;`")));
    }
    if survey.functions_of(source).iter().any(|(_, f)| &f.name == name) {
        let help = format!("it is a function: hand it over in a closure, `|x| {path}::{name}(x)`");
        return Some(finding.help(help));
    }
    let near = nearest(name, all().map(|b| b.name.as_str())).map(|near| format!("{path}::{near}"));
    Some(finding.meant(near, None))
}

/// A path of aliases that leads nowhere; nothing where its import is at fault already.
pub(super) fn unknown_module(
    desk: &Desk<'_>,
    place: (usize, crate::script::survey::At),
    path: &[String],
) -> Option<Finding> {
    let survey: &Survey = desk.survey;
    let facts = &survey.layers[place.0].facts;
    let alias = path.first()?;
    let modules = survey.known.modules();
    if modules.contains(alias.as_str()) {
        let message = format!("`{}` holds functions and nothing else", path.join("::"));
        return Some(desk.finding(&UNKNOWN_CONSTANT, place, message));
    }
    if facts.import(alias).is_some_and(|i| i.name.as_ref().is_none_or(|n| survey.source(n).is_none())) {
        return None;
    }
    let written = path.join("::");
    let finding =
        desk.finding(&UNKNOWN_MODULE, place, format!("no module goes by the name `{written}` here"));
    let to_import = survey.modules.iter().find(|m| m.rsplit('/').next() == Some(alias));
    let names = facts.imports.iter().map(|i| i.alias.as_str()).chain(modules.iter().copied());
    Some(match to_import {
        Some(module) if path.len() == 1 => {
            finding.help(format!("import it at the top: `import \"{module}\" as {alias};`"))
        }
        _ => finding.meant(nearest(alias, names).filter(|n| n != alias).map(str::to_string), None),
    })
}

/// Fields that the type of a value does not have.
pub(super) fn fields(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for field in &layer.facts.fields {
            let (Kind::Builtin(kind) | Kind::Ours(kind)) = desk.survey.kind(id, &field.of.shape) else {
                continue;
            };
            let Some(known) = desk.survey.known.fields(kind) else { continue };
            let known: Vec<&str> = known.collect();
            if known.contains(&field.name.as_str()) {
                continue;
            }
            let finding = match kind {
                "integer" | "number" => unit(desk, id, field, &known),
                kind => {
                    let message = format!("{} has no field `{}`", with_article(kind), field.name);
                    let finding = desk.finding(&UNKNOWN_FIELD, (id, field.at), message);
                    match is_method(desk, &field.name) {
                        true => finding.help(format!("it is a method: `.{}()`", field.name)),
                        false => finding.meant(nearest(&field.name, known).map(str::to_string), None),
                    }
                }
            };
            desk.add(finding);
        }
    }
}

fn is_method(desk: &Desk<'_>, name: &str) -> bool {
    desk.survey.known.method_names().any(|known| known == name)
}

fn unit(desk: &Desk<'_>, layer: usize, field: &Field, known: &[&str]) -> Finding {
    let meant = match field.name.as_str() {
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "mins" | "minute" | "minutes" => Some("min"),
        "hour" | "hours" => Some("h"),
        "d" | "day" => Some("days"),
        other => nearest(other, known.iter().copied()),
    };
    let otherwise = "durations have ms, s, min, h and days; sizes KiB, MiB, GiB and TiB";
    desk.finding(&UNKNOWN_UNIT, (layer, field.at), format!("there is no unit `{}`", field.name))
        .meant(meant.map(|u| format!(".{u}")), Some(otherwise.into()))
}
