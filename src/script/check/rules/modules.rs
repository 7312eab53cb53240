//! Imports, what a module's top level may hold, and names that belong to the host.

use crate::base::error::nearest;
use crate::script::check::Desk;
use crate::script::check::codes::{
    COMPUTED_IMPORT, HIDES_PRIMITIVE, IMPORT_CYCLE, MODULE_STATEMENT, UNKNOWN_MODULE,
};
use crate::script::survey::Survey;
use crate::site::LogicalName;

/// Imports of modules that are not there, and of modules that import this one.
pub(super) fn imports(desk: &mut Desk<'_>) {
    let survey = desk.survey;
    for (id, layer) in survey.layers.iter().enumerate() {
        for import in &layer.facts.imports {
            let place = (id, import.at);
            let Some(name) = &import.name else {
                let finding =
                    desk.finding(&COMPUTED_IMPORT, place, "which module this is nobody knows before it runs");
                desk.add(finding.help("write the module's name as a string"));
                continue;
            };
            match survey.source(name) {
                None => {
                    if let Err(e) = LogicalName::parse(name) {
                        let finding = desk.finding(&UNKNOWN_MODULE, place, e.detail().what.clone());
                        desk.add(finding.meant(None, e.detail().help.clone()));
                        continue;
                    }
                    let near = nearest(name, survey.modules.iter().map(String::as_str)).map(str::to_string);
                    let otherwise =
                        "modules go by logical name, such as \"std/octavia\", never by a file's path";
                    let finding =
                        desk.finding(&UNKNOWN_MODULE, place, format!("there is no module `{name}`"));
                    desk.add(finding.meant(near, Some(otherwise.into())));
                }
                Some((source, _)) if leads_to(survey, source, layer.source) => {
                    let own = &survey.sources[layer.source].name;
                    let message = match source == layer.source {
                        true => format!("`{own}` imports itself"),
                        false => format!("`{name}` imports `{own}` in its turn"),
                    };
                    let finding = desk.finding(&IMPORT_CYCLE, place, message);
                    desk.add(finding.help("move what both need into a module of its own"));
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether a source imports another one, itself or by way of others.
fn leads_to(survey: &Survey, from: usize, to: usize) -> bool {
    let (mut open, mut seen) = (vec![from], Vec::new());
    while let Some(source) = open.pop() {
        if source == to {
            return true;
        }
        if seen.contains(&source) {
            continue;
        }
        seen.push(source);
        let imports = survey.layers_of(source).flat_map(|(_, l)| &l.facts.imports);
        open.extend(imports.filter_map(|i| survey.source(i.name.as_ref()?)).map(|(id, _)| id));
    }
    false
}

/// Statements at the top level of modules.
pub(super) fn top_levels(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        if desk.survey.sources[layer.source].runbook {
            continue;
        }
        for at in &layer.facts.statements {
            let finding = desk
                .finding(&MODULE_STATEMENT, (id, *at), "a module's top level does nothing")
                .help("it holds `import`, `const`, `fn` and `export`; put the rest into a function");
            desk.add(finding);
        }
    }
}

/// Functions and imports that would be called in the place of what the host has.
pub(super) fn hidden_primitives(desk: &mut Desk<'_>) {
    for id in 0..desk.survey.layers.len() {
        for shadow in &desk.survey.layers[id].shadows {
            let finding = desk.finding(&HIDES_PRIMITIVE, (id, shadow.at), shadow.message.clone());
            desk.add(finding.help(shadow.help.clone()));
        }
    }
}
