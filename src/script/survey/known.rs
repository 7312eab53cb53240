//! What every script may call: Rhai's own functions, and the primitives by their descriptors.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{Engine, FuncInfo, Module, OptimizationLevel};

use crate::script::engine;
use crate::script::primitive::{On, Primitive};
use crate::script::primitives;
use crate::systems::openstack::resource;

/// Words that Rhai itself handles like functions.
const KEYWORDS: &[&str] =
    &["Fn", "call", "curry", "is_shared", "is_def_var", "is_def_fn", "type_of", "print", "debug"];

/// Types of Rhai's that a runbook hardly ever has in a variable.
const RARE: &[&str] = &["ExclusiveRange", "InclusiveRange", "CharsStream", "BitRange", "Blob"];

/// Everything that stands behind a name without a script's doing.
pub struct Known {
    /// Rhai's functions, with the numbers of arguments that they take, and whether what they are
    /// called on may be anything that runbooks deal with. A method counts what it is called on as one.
    natives: BTreeMap<String, BTreeMap<usize, bool>>,
    /// Fields of types.
    fields: BTreeMap<String, BTreeSet<String>>,
    /// Types that may have any field.
    open: BTreeSet<String>,
    primitives: Vec<&'static Primitive>,
}

impl Known {
    /// Reads them from an engine and from these descriptors.
    pub fn new(engine: &Engine, primitives: Vec<&'static Primitive>) -> Self {
        let mut known = Known {
            natives: BTreeMap::new(),
            fields: BTreeMap::new(),
            open: BTreeSet::from(["map".to_string(), "()".to_string()]),
            primitives,
        };
        engine
            .collect_fn_metadata(
                None,
                |info| Some((info.metadata.name.to_string(), info.metadata.num_params, first_type(&info))),
                true,
            )
            .into_iter()
            .for_each(|(name, arity, on)| known.learn(name, arity, on));
        // a scope has the collections of the table, and answers for nothing else
        known.open.remove("Scope");
        known
            .fields
            .entry("Scope".into())
            .or_default()
            .extend(resource::all().map(|row| row.name.to_string()));
        known
    }

    fn learn(&mut self, name: String, arity: usize, on: String) {
        if let Some(field) = name.strip_prefix("get$") {
            self.fields.entry(on).or_default().insert(field.to_string());
        } else if name == "index$get$" {
            self.open.insert(on);
        } else {
            let common = !RARE.contains(&on.as_str());
            *self.natives.entry(name).or_default().entry(arity).or_default() |= common;
        }
    }

    /// Whether Rhai handles a name itself, whatever its arguments.
    pub fn is_keyword(&self, name: &str) -> bool {
        KEYWORDS.contains(&name)
    }

    /// The numbers of arguments that Rhai's functions of a name take.
    pub fn native(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        self.natives.get(name).into_iter().flatten().map(|(arity, _)| *arity)
    }

    /// What calls would no longer reach if a text had a function of this name and number of parameters. A script's function
    /// with n parameters is taken for `name(...)` with n arguments and for `value.name(...)` with n, whatever the value is.
    /// A method of ours is called on its value, never as `name(value)`.
    pub fn hidden_by(&self, name: &str, params: usize) -> Option<String> {
        let hidden = |p: &&'static Primitive| match p.on {
            On::Global => p.arity().any(|n| n == params || n == params + 1),
            On::Type(_) => p.arity().contains(&params),
            On::Module(_) => false,
        };
        if let Some(primitive) = self.primitives().filter(|p| p.name == name).find(hidden) {
            return Some(format!("the primitive `{}`", primitive.signature()));
        }
        let native = self.native(name).any(|n| n == params || n == params + 1);
        (native || self.is_keyword(name)).then(|| format!("the function `{name}` that is always there"))
    }

    /// Whether Rhai has a method of a name on values that runbooks deal with.
    pub fn common_method(&self, name: &str, arity: usize) -> bool {
        self.natives.get(name).and_then(|all| all.get(&(arity + 1))).is_some_and(|common| *common)
    }

    /// The fields of a type; `None` where it may have any.
    pub fn fields(&self, ty: &str) -> Option<impl Iterator<Item = &str>> {
        let any = self.fields.get("Dynamic").into_iter().flatten();
        let own = self.fields.get(ty).into_iter().flatten();
        (!self.open.contains(ty)).then(|| own.chain(any).map(String::as_str))
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

/// The type of a function's first parameter, by the word that messages use.
fn first_type(info: &FuncInfo<'_>) -> String {
    let first = info.metadata.params_info.first().map(|p| p.rsplit([':', ' ']).next().unwrap_or(p));
    match first.unwrap_or_default().trim_start_matches('&') {
        "i64" | "INT" => "integer",
        "f64" | "FLOAT" => "number",
        "str" | "string" | "ImmutableString" => "string",
        "Array" => "list",
        "Map" => "map",
        "FnPtr" => "closure",
        other => other,
    }
    .to_string()
}

/// Whether a name is one that scripts write, and not an operator or accessor of Rhai's.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// An engine that compiles as a run's does, and changes nothing of what is written.
pub fn compiler(strict: bool, all: &[&'static Primitive]) -> Engine {
    let mut engine = engine::bare();
    primitives::register_types(&mut engine);
    engine.set_optimization_level(OptimizationLevel::None).set_strict_variables(strict);
    let modules = all.iter().filter_map(|p| if let On::Module(m) = p.on { Some(m) } else { None });
    for module in modules.collect::<BTreeSet<_>>() {
        engine.register_static_module(module, Module::new().into());
    }
    engine
}
