//! What a primitive is: one value that help, completion, the reference, editor definitions, the
//! checker and the adapter all read. No primitive registers itself.

use rhai::Dynamic;

use super::adapter::Call;
use super::thrown::Thrown;

/// What a primitive does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it computes.
    None,
    /// Shapes the run: steps, branches, remarks.
    Flow,
    /// Belongs to a step: gates, waits, clean-ups; only inside one.
    Step,
    /// Asks a system; only inside a step.
    Read,
    /// Changes a system; only inside a `change` step, approved and journaled.
    Change,
    /// Reads with GET and HEAD as its first argument, and changes with anything else.
    Method,
}

impl Effect {
    /// Whether it is refused outside of steps: top-level code runs again on resume, a step's does not.
    pub fn needs_step(self) -> bool {
        matches!(self, Effect::Step | Effect::Read | Effect::Change | Effect::Method)
    }

    /// The words in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Effect::None => "computes",
            Effect::Flow => "flow",
            Effect::Step => "flow, in a step",
            Effect::Read => "reads",
            Effect::Change => "changes",
            Effect::Method => "reads with GET and HEAD, else changes",
        }
    }
}

/// What a primitive is called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum On {
    /// Nothing: `gate(...)`.
    Global,
    /// A module: `probe::tcp(...)`.
    Module(&'static str),
    /// A value of a type: `servers.list(...)`.
    Type(&'static str),
}

/// A parameter's type, checked before the primitive runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A string or a secret.
    Secretive,
    /// `true` or `false`.
    Bool,
    /// An integer.
    Integer,
    /// A duration or a string such as `"30s"`.
    Duration,
    /// A list.
    List,
    /// A list of strings.
    Texts,
    /// A map with any keys.
    Map,
    /// A function or closure.
    Function,
    /// A map with these keys and no others.
    Options(&'static [Param]),
    /// A handle or value of a type of ours.
    Value(&'static str),
}

impl Ty {
    /// The word in messages and in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Ty::Any => "any",
            Ty::Text | Ty::Choice(_) => "string",
            Ty::Secretive => "string or secret",
            Ty::Bool => "bool",
            Ty::Integer => "integer",
            Ty::Duration => "duration",
            Ty::List => "list",
            Ty::Texts => "list of strings",
            Ty::Map | Ty::Options(_) => "map",
            Ty::Function => "closure",
            Ty::Value(name) => name,
        }
    }
}

/// A parameter, or a key of an options map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// Whether it must be there. Optional parameters come last.
    pub required: bool,
    /// What it means, with units.
    pub doc: &'static str,
}

impl Param {
    /// A parameter that must be there.
    pub const fn new(name: &'static str, ty: Ty, doc: &'static str) -> Self {
        Param { name, ty, required: true, doc }
    }

    /// A parameter that may be left out.
    pub const fn optional(name: &'static str, ty: Ty, doc: &'static str) -> Self {
        Param { name, ty, required: false, doc }
    }
}

/// What carries a primitive out.
pub type Body = fn(&mut Call<'_>) -> Result<Dynamic, Thrown>;

/// A primitive.
#[derive(Clone, Copy, Debug)]
pub struct Primitive {
    /// Its name.
    pub name: &'static str,
    /// What it is called on.
    pub on: On,
    /// Its parameters, without what it is called on.
    pub params: &'static [Param],
    /// What it returns.
    pub returns: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// What it is for, in sentences.
    pub doc: &'static str,
    /// A script that shows it; the tests run it on the lab.
    pub example: &'static str,
    /// What carries it out.
    pub body: Body,
}

impl Primitive {
    /// How many arguments it takes, without what it is called on.
    pub fn arity(&self) -> std::ops::RangeInclusive<usize> {
        self.params.iter().filter(|p| p.required).count()..=self.params.len()
    }

    /// Whether its arguments go into the record of the run and nowhere else, where a printed secret is `***`.
    pub fn only_shows(&self) -> bool {
        match self.effect {
            Effect::Flow | Effect::Step => true,
            Effect::None => self.on == On::Global && self.name != "secret",
            Effect::Read | Effect::Method | Effect::Change => false,
        }
    }

    /// Its full name: `gate`, `probe::tcp`, `Collection.list`.
    pub fn path(&self) -> String {
        match self.on {
            On::Global => self.name.to_string(),
            On::Module(module) => format!("{module}::{}", self.name),
            On::Type(ty) => format!("{ty}.{}", self.name),
        }
    }

    /// Its signature: `gate(claim, ok, [evidence])`.
    pub fn signature(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|p| if p.required { p.name.to_string() } else { format!("[{}]", p.name) })
            .collect();
        format!("{}({})", self.path(), params.join(", "))
    }
}
