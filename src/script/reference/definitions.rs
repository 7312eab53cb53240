//! Definitions for editors: Rhai's `.d.rhai` files, for the words of the host and the standard library.

use std::fmt::Write as _;

use super::modules;
use crate::script::engine;
use crate::script::primitive::{On, Param, Primitive, Ty};
use crate::script::primitives;

/// Every file: its name and what it holds.
pub fn files() -> Vec<(String, String)> {
    let all = primitives::all();
    let bare = engine::bare();
    let mut files: Vec<(String, String)> = bare.definitions().iter_files().collect();
    let mut words =
        String::from("module static;\n\n/// The site that the run works with.\nconst site: Site;\n");
    for primitive in all.iter().filter(|p| !matches!(p.on, On::Module(_))) {
        words.push_str(&definition(primitive));
    }
    files.push(("rhumb.d.rhai".to_string(), words));
    for module in modules(&all) {
        let mut text = format!("module {module};\n");
        for primitive in all.iter().filter(|p| p.on == On::Module(module)) {
            text.push_str(&definition(primitive));
        }
        files.push((format!("{module}.d.rhai"), text));
    }
    files
}

/// A primitive with each number of arguments that it takes.
fn definition(primitive: &Primitive) -> String {
    let mut out = String::new();
    for arity in primitive.arity() {
        let given = given(primitive, arity);
        out.push('\n');
        for line in primitive.doc.lines() {
            let _ = writeln!(out, "/// {line}");
        }
        let _ = writeln!(
            out,
            "///\n/// {}; gives {}",
            primitive.effect.name(),
            primitive.returns.replace('\n', " ")
        );
        for param in &given {
            let _ = writeln!(out, "/// - `{}`: {}", param.name, param.doc.replace('\n', " "));
        }
        let receiver = match primitive.on {
            On::Type(ty) => Some(format!("this_{}: {ty}", ty.to_lowercase())),
            _ => None,
        };
        let params = given.iter().map(|p| format!("{}: {}", p.name, ty(p.ty)));
        let params: Vec<String> = receiver.into_iter().chain(params).collect();
        let _ = writeln!(out, "fn {}({}) -> ?;", primitive.name, params.join(", "));
    }
    out
}

/// The parameters that stand for so many arguments: what must be there, and the first of the others.
fn given(primitive: &Primitive, arity: usize) -> Vec<&'static Param> {
    let mut optional = arity.saturating_sub(primitive.params.iter().filter(|p| p.required).count());
    let mut given = Vec::new();
    for param in primitive.params {
        if param.required {
            given.push(param);
        } else if optional > 0 {
            optional -= 1;
            given.push(param);
        }
    }
    given
}

/// A type as definition files name it.
fn ty(ty: Ty) -> &'static str {
    match ty {
        Ty::Any | Ty::Secretive | Ty::Duration => "?",
        Ty::Text | Ty::Choice(_) => "String",
        Ty::Bool => "bool",
        Ty::Integer => "int",
        Ty::List | Ty::Texts => "Array",
        Ty::Map | Ty::Options(_) => "Map",
        Ty::Function => "Fn",
        Ty::Value(name) => name,
    }
}
