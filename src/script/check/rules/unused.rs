//! What nobody reads.

use crate::script::check::Desk;
use crate::script::check::codes::{UNUSED_IMPORT, UNUSED_VARIABLE};

/// Variables and constants that are never read.
pub(super) fn variables(desk: &mut Desk<'_>) {
    let survey = desk.survey;
    for (id, layer) in survey.layers.iter().enumerate() {
        for binding in &layer.facts.bindings {
            let name = &binding.name;
            if binding.read || binding.given || name.starts_with('_') || binding.constant == Some(true) {
                continue;
            }
            if binding.constant.is_none()
                && layer.facts.unbound.iter().any(|u| u.of_top_level && &u.name == name)
            {
                continue; // a function wanted to
            }
            let as_global = survey
                .layers_of(layer.source)
                .flat_map(|(_, l)| &l.facts.constants)
                .any(|c| c.path == ["global"] && &c.name == name);
            if binding.constant.is_some() && as_global {
                continue;
            }
            let finding = match binding.assigned {
                true => desk.finding(
                    &UNUSED_VARIABLE,
                    (id, binding.at),
                    format!("`{name}` is assigned to and never read"),
                ),
                false => desk.finding(&UNUSED_VARIABLE, (id, binding.at), format!("`{name}` is never read")),
            };
            desk.add(finding.help(format!("judge it, drop it, or call it `_{name}`")));
        }
    }
}

/// Modules of which nothing is used.
pub(super) fn imports(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for import in layer.facts.imports.iter().filter(|i| !i.used) {
            let name = import.name.as_deref().unwrap_or("a module");
            let finding = match import.alias.as_str() {
                "" => desk
                    .finding(&UNUSED_IMPORT, (id, import.at), format!("`{name}` is imported without a name"))
                    .help("nothing can be called without one: `import ... as name;`"),
                alias => desk
                    .finding(&UNUSED_IMPORT, (id, import.alias_at), format!("nothing of `{alias}` is used"))
                    .help("drop the import"),
            };
            desk.add(finding);
        }
    }
}
