//! The reference of every primitive, made from the descriptors: what the binary does is what the page says.

mod collections;
pub mod definitions;

use std::fmt::Write as _;

use super::primitive::{On, Param, Primitive, Ty};
use super::primitives;

/// What each type is, in the order of the page.
const TYPES: &[(&str, &str)] = &[
    (
        "Site",
        "The site that a run works with; scripts see it as `site`. Its values are its fields: `site.cluster`.",
    ),
    ("Scope", "An OpenStack scope that the site file declares. Its fields are the collections below."),
    ("Collection", "The things of one kind in a scope, such as `scope.servers`."),
    ("Resource", "A thing of a cloud. Its fields are what the service answered."),
    ("Kube", "A Kubernetes cluster, in a namespace."),
    ("Object", "An object of a cluster. Its fields are what the API server answered."),
    ("Host", "A host that the site file declares, reached by SSH."),
    ("Tool", "A local program that the site file declares."),
];

/// The whole page, in Markdown.
pub fn markdown() -> String {
    let all = primitives::all();
    let mut page = String::from(
        "# Reference\n\n\
         Every word that the host gives to runbooks. This page is written by `rhumb reference` from the code that \
         binds the words, and a test compares the two; edit neither by hand.\n\n\
         *reads* asks a system, *changes* alters one (in a `change` step, approved and journaled), *flow* shapes the \
         run. What belongs into a step is refused outside of one. Optional arguments stand in brackets. Where a \
         `duration` is taken, `30.s` and `\"30s\"` are the same; sizes are integers: `1024.MiB`.\n",
    );
    index(&mut page, &all);
    let _ = writeln!(page, "\n## Words\n");
    for primitive in all.iter().filter(|p| p.on == On::Global) {
        page.push_str(&entry(primitive));
    }
    for module in modules(&all) {
        let _ = writeln!(page, "\n## Module `{module}`\n");
        for primitive in all.iter().filter(|p| p.on == On::Module(module)) {
            page.push_str(&entry(primitive));
        }
    }
    for (ty, what) in TYPES {
        let _ = writeln!(page, "\n## {ty}\n\n{what}\n");
        if *ty == "Scope" {
            collections::table(&mut page);
        }
        for primitive in all.iter().filter(|p| p.on == On::Type(ty)) {
            page.push_str(&entry(primitive));
        }
    }
    page
}

/// The primitives of a name: `poll`, `Collection.list`, `probe::tcp`, or `list` for those of all types.
pub fn find(name: &str) -> Vec<&'static Primitive> {
    let all = primitives::all();
    let exact: Vec<_> = all.iter().copied().filter(|p| p.path() == name).collect();
    match exact.is_empty() {
        true => all.into_iter().filter(|p| p.name == name).collect(),
        false => exact,
    }
}

/// One primitive, in Markdown.
pub fn entry(primitive: &Primitive) -> String {
    let mut out = format!("### `{}`\n\n", primitive.signature());
    let _ = writeln!(out, "{}\n", primitive.doc);
    let _ = writeln!(out, "*{}*; gives {}\n", primitive.effect.name(), cell(primitive.returns));
    if !primitive.params.is_empty() {
        out.push_str("| argument | type | |\n|---|---|---|\n");
        for param in primitive.params {
            row(&mut out, param, "");
            if let Ty::Options(keys) = param.ty {
                keys.iter().for_each(|key| row(&mut out, key, &format!("{}.", param.name)));
            }
        }
        out.push('\n');
    }
    let _ = writeln!(out, "```rhai\n{}\n```\n", primitive.example.trim());
    out
}

fn row(out: &mut String, param: &Param, before: &str) {
    let ty = match param.ty {
        Ty::Choice(words) => words.iter().map(|w| format!("`\"{w}\"`")).collect::<Vec<_>>().join(" or "),
        ty => ty.name().to_string(),
    };
    let optional = if param.required { "" } else { ", optional" };
    let _ = writeln!(out, "| `{before}{}` | {ty}{optional} | {} |", param.name, cell(param.doc));
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn modules(all: &[&'static Primitive]) -> Vec<&'static str> {
    let mut names: Vec<&str> = all
        .iter()
        .filter_map(|p| match p.on {
            On::Module(name) => Some(name),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn index(page: &mut String, all: &[&'static Primitive]) {
    let of = |on: On| {
        let names = all.iter().filter(|p| p.on == on).map(|p| format!("`{}`", p.name));
        names.collect::<Vec<_>>().join(" ")
    };
    page.push_str("\n| of | words |\n|---|---|\n");
    let _ = writeln!(page, "| everywhere | {} |", of(On::Global));
    for module in modules(all) {
        let _ = writeln!(page, "| `{module}::` | {} |", of(On::Module(module)));
    }
    for (ty, _) in TYPES {
        let _ = writeln!(page, "| {ty} | {} |", of(On::Type(ty)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_primitive_is_on_the_page_once() {
        let page = markdown();
        for primitive in primitives::all() {
            let heading = format!("### `{}`\n", primitive.signature());
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
    }

    #[test]
    fn a_name_is_found_by_its_path_or_on_all_types() {
        assert_eq!(find("Collection.get").len(), 1);
        assert!(find("get").len() > 2);
        assert!(find("nothing").is_empty());
    }
}
