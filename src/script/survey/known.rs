//! What every script may call: Rhai's own functions, and the primitives by their descriptors.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

use rhai::{Engine, Module, OptimizationLevel};

use crate::script::engine;
use crate::script::primitive::{On, Primitive};

/// Words that Rhai itself handles like functions.
const KEYWORDS: &[&str] =
    &["Fn", "call", "curry", "is_shared", "is_def_var", "is_def_fn", "type_of", "print", "debug"];

/// Everything that stands behind a name without a script's doing.
pub struct Known {
    /// Rhai's functions, with the numbers of arguments that they take. A method counts what it is
    /// called on as one.
    natives: BTreeMap<String, BTreeSet<usize>>,
    /// Fields of integers: units of time and size among them.
    integer_fields: BTreeSet<String>,
    primitives: Vec<&'static Primitive>,
}

impl Known {
    /// Reads them from an engine and from these descriptors.
    pub fn new(engine: &Engine, primitives: Vec<&'static Primitive>) -> Self {
        let mut known = Known { natives: BTreeMap::new(), integer_fields: BTreeSet::new(), primitives };
        let all = engine.collect_fn_metadata(
            None,
            |info| {
                let of_integer = info.metadata.param_types.first() == Some(&TypeId::of::<i64>());
                Some((info.metadata.name.to_string(), info.metadata.num_params, of_integer))
            },
            true,
        );
        for (name, arity, of_integer) in all {
            match name.strip_prefix("get$") {
                Some(field) if of_integer => drop(known.integer_fields.insert(field.to_string())),
                Some(_) => {}
                None => drop(known.natives.entry(name).or_default().insert(arity)),
            }
        }
        known
    }

    /// Whether Rhai handles a name itself, whatever its arguments.
    pub fn is_keyword(&self, name: &str) -> bool {
        KEYWORDS.contains(&name)
    }

    /// The numbers of arguments that Rhai's functions of a name take.
    pub fn native(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        self.natives.get(name).into_iter().flatten().copied()
    }

    /// Fields of integers.
    pub fn integer_fields(&self) -> impl Iterator<Item = &str> {
        self.integer_fields.iter().map(String::as_str)
    }

    /// Every primitive.
    pub fn primitives(&self) -> impl Iterator<Item = &'static Primitive> + '_ {
        self.primitives.iter().copied()
    }

    /// Primitives of a name that are called on nothing.
    pub fn globals<'k>(&'k self, name: &'k str) -> impl Iterator<Item = &'static Primitive> + 'k {
        self.primitives().filter(move |p| p.on == On::Global && p.name == name)
    }

    /// Primitives of a name that are called on a value.
    pub fn methods<'k>(&'k self, name: &'k str) -> impl Iterator<Item = &'static Primitive> + 'k {
        self.primitives().filter(move |p| matches!(p.on, On::Type(_)) && p.name == name)
    }

    /// Primitives of a module.
    pub fn module<'k>(&'k self, module: &'k str) -> impl Iterator<Item = &'static Primitive> + 'k {
        self.primitives().filter(move |p| matches!(p.on, On::Module(m) if m == module))
    }

    /// Modules that are there without an import.
    pub fn modules(&self) -> BTreeSet<&'static str> {
        self.primitives().filter_map(|p| if let On::Module(m) = p.on { Some(m) } else { None }).collect()
    }

    /// Names of all that can be called without a module in front.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let globals = self.primitives.iter().filter(|p| p.on == On::Global).map(|p| p.name);
        globals.chain(self.natives.keys().map(String::as_str)).filter(|n| is_name(n))
    }

    /// Names of all that can be called on a value.
    pub fn method_names(&self) -> impl Iterator<Item = &str> {
        let methods = self.primitives.iter().filter(|p| matches!(p.on, On::Type(_))).map(|p| p.name);
        methods.chain(self.natives.keys().map(String::as_str)).filter(|n| is_name(n))
    }
}

/// Whether a name is one that scripts write, and not an operator or accessor of Rhai's.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// An engine that compiles as a run's does, and changes nothing of what is written.
pub fn compiler(strict: bool, primitives: &[&'static Primitive]) -> Engine {
    let mut engine = engine::bare();
    engine.set_optimization_level(OptimizationLevel::None).set_strict_variables(strict);
    let modules = primitives.iter().filter_map(|p| if let On::Module(m) = p.on { Some(m) } else { None });
    for module in modules.collect::<BTreeSet<_>>() {
        engine.register_static_module(module, Module::new().into());
    }
    engine
}
