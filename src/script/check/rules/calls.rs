//! Names of functions and methods, and how many arguments they take.

use std::collections::BTreeSet;

use super::names::unknown_module;
use crate::base::error::nearest;
use crate::script::arguments::with_article;
use crate::script::check::codes::{UNKNOWN_FUNCTION, UNKNOWN_METHOD, WRONG_ARITY};
use crate::script::check::{Desk, Finding};
use crate::script::primitive::{On, Primitive};
use crate::script::survey::Call;
use crate::script::survey::kinds::Kind;

/// Calls that nothing answers.
pub(super) fn calls(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for call in &layer.facts.calls {
            if !desk.survey.targets(id, call).is_empty() {
                continue;
            }
            let finding = match (&call.receiver, call.path.as_slice()) {
                (_, []) if desk.survey.known.is_keyword(&call.name) => None,
                (Some(receiver), _) => method(desk, (id, call), desk.survey.kind(id, &receiver.shape)),
                (None, []) => Some(function(desk, (id, call))),
                (None, _) => qualified(desk, (id, call)),
            };
            if let Some(finding) = finding {
                desk.add(finding);
            }
        }
    }
}

/// What else a name could be called with.
#[derive(Default)]
struct Forms {
    signatures: Vec<String>,
    arities: BTreeSet<usize>,
}

impl Forms {
    fn primitives<'p>(&mut self, all: impl Iterator<Item = &'p Primitive>) {
        for primitive in all {
            self.signatures.push(primitive.signature());
            self.arities.extend(primitive.arity());
        }
    }

    fn function(&mut self, path: &str, function: &crate::script::survey::Function) {
        self.signatures.push(format!("{path}{}", function.signature()));
        self.arities.insert(function.params.len());
    }

    fn arity(&mut self, arity: usize) {
        self.arities.insert(arity);
    }

    /// `2 or 3 arguments`.
    fn count(&self) -> String {
        let numbers: Vec<String> = self.arities.iter().map(ToString::to_string).collect();
        let word = if numbers == ["1"] { "argument" } else { "arguments" };
        let text = match numbers.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} or {last}", most.join(", ")),
        };
        if text == "0" { "no arguments".into() } else { format!("{text} {word}") }
    }
}

fn wrong_arity(desk: &Desk<'_>, (id, call): (usize, &Call), forms: &Forms) -> Finding {
    let message = format!("`{}` takes {}, not {}", call.written(), forms.count(), call.args.len());
    let finding = desk.finding(&WRONG_ARITY, (id, call.at), message);
    match forms.signatures.as_slice() {
        [] => finding,
        signatures => finding.help(format!("it is called as `{}`", signatures.join("`, `"))),
    }
}

fn function(desk: &Desk<'_>, (id, call): (usize, &Call)) -> Finding {
    let (survey, name) = (desk.survey, call.name.as_str());
    let source = survey.layers[id].source;
    let functions = survey.functions_of(source);
    let mut forms = Forms::default();
    functions.iter().filter(|(_, f)| f.name == name).for_each(|(_, f)| forms.function("", f));
    forms.primitives(survey.known.globals(name));
    if forms.arities.is_empty() {
        survey.known.native(name).for_each(|n| forms.arity(n));
    }
    if !forms.arities.is_empty() {
        return wrong_arity(desk, (id, call), &forms);
    }
    let finding = desk.finding(&UNKNOWN_FUNCTION, (id, call.at), format!("there is no function `{name}`"));
    if call.shadow.is_some() {
        return finding
            .help(format!("`{name}` is a variable: if it holds a closure, call it as `{name}.call(...)`"));
    }
    if let Some(method) = survey.known.methods(name).next() {
        return finding.help(format!("it is called on a value: `{}`", method.signature()));
    }
    // a function of an imported module, without the module's name
    let imports = survey.layers[id].facts.imports.iter();
    let elsewhere = imports.filter(|i| !i.alias.is_empty()).find(|import| {
        let module = import.name.as_ref().and_then(|n| survey.source(n));
        module.is_some_and(|(module, _)| survey.functions_of(module).iter().any(|(_, f)| f.name == name))
    });
    let near = match elsewhere {
        Some(import) => Some(format!("{}::{name}", import.alias)),
        None => {
            let names = functions.iter().map(|(_, f)| f.name.as_str()).chain(survey.known.functions());
            nearest(name, names).map(str::to_string)
        }
    };
    finding.meant(near, None)
}

fn qualified(desk: &Desk<'_>, (id, call): (usize, &Call)) -> Option<Finding> {
    let (survey, name, path) = (desk.survey, call.name.as_str(), call.path.join("::"));
    let mut forms = Forms::default();
    let mut names: Vec<String> = Vec::new();
    let mut private = false;
    if let Some(source) = survey.module_at(id, &call.path) {
        if survey.layers_of(source).any(|(_, l)| l.broken.is_some()) {
            return None; // what it holds is not known
        }
        for (_, f) in survey.functions_of(source) {
            match (f.private, f.name == name) {
                (true, same) => private |= same,
                (false, true) => forms.function(&format!("{path}::"), f),
                (false, false) => names.push(f.name.clone()),
            }
        }
    } else if call.path.len() == 1 && survey.known.module(&path).next().is_some() {
        forms.primitives(survey.known.module(&path).filter(|p| p.name == name));
        names.extend(survey.known.module(&path).map(|p| p.name.to_string()));
    } else {
        return unknown_module(desk, (id, call.start), &call.path);
    }
    if !forms.arities.is_empty() {
        return Some(wrong_arity(desk, (id, call), &forms));
    }
    let finding =
        desk.finding(&UNKNOWN_FUNCTION, (id, call.at), format!("there is no function `{path}::{name}`"));
    if private {
        return Some(finding.help(format!("`{name}` is private to its module")));
    }
    let near = nearest(name, names.iter().map(String::as_str)).map(|near| format!("{path}::{near}"));
    Some(finding.meant(near, None))
}

fn method(desk: &Desk<'_>, (id, call): (usize, &Call), receiver: Kind) -> Option<Finding> {
    let (survey, name) = (desk.survey, call.name.as_str());
    if survey.layers.iter().any(|l| l.facts.keys.iter().any(|k| k == name)) {
        return None; // a map may hold a closure of this name
    }
    let of_type = |p: &&'static Primitive| match receiver {
        Kind::Ours(ours) => p.on == On::Type(ours),
        Kind::Builtin(_) => false,
        _ => true,
    };
    let functions = survey.functions_of(survey.layers[id].source);
    let mut forms = Forms::default();
    forms.primitives(survey.known.methods(name).filter(of_type));
    functions.iter().filter(|(_, f)| f.name == name).for_each(|(_, f)| forms.function("", f));
    survey.known.native(name).filter(|n| *n > 0).for_each(|n| forms.arity(n - 1));
    if !forms.arities.is_empty() {
        return Some(wrong_arity(desk, (id, call), &forms));
    }
    let message = match receiver {
        Kind::Ours(kind) | Kind::Builtin(kind) => format!("{} has no method `{name}`", with_article(kind)),
        _ => format!("nothing has a method `{name}`"),
    };
    let finding = desk.finding(&UNKNOWN_METHOD, (id, call.at), message);
    if survey.known.globals(name).next().is_some() {
        return Some(finding.help(format!("it is a function: `{name}(...)`")));
    }
    let own: Vec<&str> = match receiver {
        Kind::Ours(_) => survey.known.primitives().filter(of_type).map(|p| p.name).collect(),
        _ => survey.known.method_names().chain(functions.iter().map(|(_, f)| f.name.as_str())).collect(),
    };
    Some(finding.meant(nearest(name, own).map(str::to_string), None))
}
