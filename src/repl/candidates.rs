//! What the word at the cursor could become.

use super::commands;
use super::cursor::{Cursor, Typing};
use super::live::Live;
use super::names::Names;
use super::session::Session;
use super::thing::Thing;
use crate::script::handles::Resource;
use crate::script::modules;
use crate::script::primitive::{On, Primitive};
use crate::script::primitives;
use crate::script::quote;
use crate::systems::openstack::resource;

/// Words of the language worth completing.
const WORDS: &[&str] = &[
    "let", "const", "fn", "if", "else", "for", "in", "while", "loop", "switch", "return", "import", "true",
    "false", "help",
];

/// Rhai's methods that operators reach for, by the type they are called on.
const BUILTIN: &[(&str, &[&str])] = &[
    (
        "list",
        &[
            "len", "is_empty", "filter", "map", "find", "all", "some", "sort", "reverse", "reduce",
            "contains", "extract", "push",
        ],
    ),
    ("map", &["keys", "values", "len", "contains", "get", "remove"]),
    (
        "string",
        &[
            "len",
            "contains",
            "starts_with",
            "ends_with",
            "split",
            "trim",
            "replace",
            "sub_string",
            "to_upper",
            "to_lower",
        ],
    ),
];

/// Methods of resources that only one kind of them has, and that no row's action stands for.
const OF_CLUSTERS: &[&str] = &["kubeconfig", "write_kubeconfig"];

/// Everything that the word at the cursor could become, in order.
pub fn at(session: &Session, names: &Names, cursor: &Cursor) -> Vec<String> {
    let word = cursor.word.as_str();
    let mut all = match &cursor.typing {
        typing @ (Typing::Name | Typing::Member(_) | Typing::Function(_)) => there(session, typing),
        typing @ (Typing::Argument(..) | Typing::Second(..)) => {
            return of_argument(session, names, typing, word);
        }
        Typing::Import => session
            .host
            .library
            .shelf()
            .names()
            .unwrap_or_default()
            .into_iter()
            .filter(|n| !modules::is_runbook(n))
            .collect(),
        Typing::Command => commands::ALL.iter().map(|c| format!("{} ", c.name)).collect(),
        Typing::CommandArgument(command, between) => {
            // in the order of the runbook, or of time
            let mut all = commands::arguments(session, command, between);
            all.retain(|candidate| candidate.starts_with(word));
            return all;
        }
        Typing::Nothing => Vec::new(),
    };
    all.retain(|candidate| candidate.starts_with(word));
    all.sort();
    all.dedup();
    all
}

/// The names that there are where a name is typed.
pub fn there(session: &Session, typing: &Typing) -> Vec<String> {
    match typing {
        Typing::Name => of_names(session),
        Typing::Member(receiver) => {
            Thing::of(session, receiver).map(|thing| of_thing(&thing)).unwrap_or_default()
        }
        Typing::Function(module) => of_module(session, module),
        _ => Vec::new(),
    }
}

fn of_names(session: &Session) -> Vec<String> {
    let mut all: Vec<String> = WORDS.iter().map(|w| (*w).to_string()).collect();
    all.extend(session.variables());
    all.extend(session.handles().iter().map(|(word, _)| word.to_string()));
    all.extend(session.functions().iter().map(|(name, params)| call(name, params.is_empty())));
    all.extend(session.modules().iter().map(|alias| format!("{alias}::")));
    for primitive in primitives::all() {
        match primitive.on {
            On::Global => all.push(of_primitive(primitive)),
            On::Module(module) => all.push(format!("{module}::")),
            On::Type(_) => {}
        }
    }
    all
}

fn of_module(session: &Session, module: &str) -> Vec<String> {
    let fixed = primitives::all().into_iter().filter(|p| p.on == On::Module(known(module)));
    let mut all: Vec<String> = fixed.map(of_primitive).collect();
    let functions = session.documented(module);
    all.extend(functions.iter().map(|f| call(&f.name, f.params.is_empty())));
    all
}

/// A module's name as descriptors have it, for comparing.
fn known(module: &str) -> &'static str {
    let all = primitives::all();
    let names = all.into_iter().filter_map(|p| if let On::Module(name) = p.on { Some(name) } else { None });
    names.into_iter().find(|name| *name == module).unwrap_or("")
}

/// Fields and methods of a thing.
pub fn of_thing(thing: &Thing) -> Vec<String> {
    let ty = thing.type_name();
    let row = thing.row();
    let mut all: Vec<String> = methods(thing).into_iter().map(of_primitive).collect();
    match thing {
        Thing::Scope(_) | Thing::Typed("Scope") => all.extend(collections()),
        Thing::Resource(row) => all.extend(row.columns.iter().map(|c| (*c).to_string())),
        Thing::Value(value) => {
            if ty == "Scope" {
                all.extend(collections());
            }
            if let Some(resource) = value.read_lock::<Resource>() {
                all.extend(resource.body.names());
            }
            if let Some(map) = value.read_lock::<rhai::Map>() {
                all.extend(map.keys().map(ToString::to_string));
            }
        }
        _ => {}
    }
    if let Some(row) = row.filter(|_| ty == "Collection") {
        let verbs: Vec<&str> = row.operations().iter().map(|o| o.verb).collect();
        // `find` and `ensure` are ours, of the API's `list` and `create`
        let has = |name: &str| match name {
            "find" => verbs.contains(&"list"),
            "ensure" => verbs.contains(&"create"),
            other => verbs.contains(&other),
        };
        all.retain(|method| has(method.trim_end_matches(['(', ')'])));
    }
    let builtin = BUILTIN.iter().find(|(name, _)| *name == ty);
    let without = ["len", "is_empty", "reverse", "keys", "values", "trim", "to_upper", "to_lower"];
    all.extend(
        builtin.into_iter().flat_map(|(_, names)| *names).map(|name| call(name, without.contains(name))),
    );
    // a field whose name is no identifier is read with `get`
    all.retain(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || "_()".contains(c)));
    all
}

/// The primitives that can be called on a thing.
pub fn methods(thing: &Thing) -> Vec<&'static Primitive> {
    let ty = thing.type_name();
    let row = thing.row();
    let action = |p: &Primitive| resource::all().any(|row| row.actions.iter().any(|a| a.name == p.name));
    let own = |p: &Primitive| row.is_some_and(|row| row.actions.iter().any(|a| a.name == p.name));
    let other = |p: &Primitive| OF_CLUSTERS.contains(&p.name) && row.is_none_or(|row| row.name != "clusters");
    let all = primitives::all().into_iter().filter(|p| p.on == On::Type(ty));
    all.filter(|p| ty != "Resource" || (!action(p) && !other(p)) || own(p)).collect()
}

fn collections() -> impl Iterator<Item = String> {
    resource::all().filter(|row| row.parents().next().is_none()).map(|row| row.name.to_string())
}

fn of_primitive(primitive: &Primitive) -> String {
    call(primitive.name, primitive.params.is_empty())
}

fn call(name: &str, complete: bool) -> String {
    format!("{name}({}", if complete { ")" } else { "" })
}

/// What stands in quotes, with the quote that closes it.
fn of_argument(session: &Session, names: &Names, typing: &Typing, word: &str) -> Vec<String> {
    if let Some(live) = Live::at(session, typing) {
        names.want(&session.host.site, &live);
        return names.starting_with(&live, word);
    }
    let Typing::Argument(receiver, function) = typing else { return Vec::new() };
    let site = session.host.site.site();
    let thing = Thing::of(session, receiver);
    let ty = thing.as_ref().map(Thing::type_name).unwrap_or_default();
    let mut found: Vec<String> = match (ty, function.as_str()) {
        ("Site", "scope") => site.scopes().map(|s| s.name.clone()).collect(),
        ("Site", "kube") => site.kubes().map(|k| k.name.clone()).collect(),
        ("Site", "host") => site.hosts().map(|h| h.name.clone()).collect(),
        ("Site", "tool") => site.tools().map(|t| t.name.clone()).collect(),
        ("Site", "endpoint") => site.endpoints().map(|e| e.name.clone()).collect(),
        ("Resource", "children") => {
            resource::all().filter(|r| r.parents().next().is_some()).map(|r| r.name.to_string()).collect()
        }
        _ => Vec::new(),
    };
    found.retain(|name| name.starts_with(word));
    found.into_iter().map(|name| format!("{}\"", quote::inside(&name))).collect()
}
