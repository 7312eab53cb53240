//! What a body reaches: the primitives that it calls itself, through functions, through closures
//! that it hands over, and in imported modules.

use std::collections::BTreeSet;

use super::facts::Call;
use super::resolve::Targets;
use super::values::{At, BodyId, Shape, Value};
use super::{Node, Survey};
use crate::script::primitive::{Effect, Primitive};

/// One call on the way to a primitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The call as it is written: `octavia::failover`.
    pub written: String,
    /// The layer it stands in.
    pub layer: usize,
    /// Where its name stands.
    pub at: At,
}

/// A primitive that a body reaches.
#[derive(Clone, Debug)]
pub struct Touch {
    /// What is called; several where only a run can tell which type it is called on.
    pub primitives: Vec<&'static Primitive>,
    /// The HTTP method that it is called with, where that is written out.
    pub method: Option<String>,
    /// Whether it is one of these for sure, and not a function of Rhai's or of a script.
    pub certain: bool,
    /// The calls that lead to it, outermost first; the last one is the primitive's own.
    pub way: Vec<Hop>,
}

impl Touch {
    /// Whether every primitive that it could be has an effect for which this holds.
    pub fn surely(&self, holds: impl Fn(Effect) -> bool) -> bool {
        self.certain && self.primitives.iter().all(|p| holds(self.effect(p)))
    }

    /// Whether one of the primitives that it could be has an effect for which this holds.
    pub fn possibly(&self, holds: impl Fn(Effect) -> bool) -> bool {
        self.primitives.iter().any(|p| holds(self.effect(p)))
    }

    /// The effect of one of them here. One that goes by a method that is not written out may do either.
    fn effect(&self, primitive: &Primitive) -> Effect {
        match (primitive.effect, self.method.as_deref()) {
            (Effect::Method, Some("GET" | "HEAD")) => Effect::Read,
            (Effect::Method, Some(_)) => Effect::Change,
            (effect, _) => effect,
        }
    }

    /// The primitive's name: `Server.start`, `Scope.request DELETE`, or `.delete` where it could be one of many.
    pub fn name(&self) -> String {
        match (self.primitives.as_slice(), &self.method) {
            ([one], Some(method)) => format!("{} {method}", one.path()),
            (primitives, _) => Self::path(primitives),
        }
    }

    fn path(primitives: &[&Primitive]) -> String {
        match primitives {
            [one] => one.path(),
            [first, ..] => format!(".{}", first.name),
            [] => String::new(),
        }
    }
}

/// What becomes of the closures that a primitive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closures {
    /// They run within the call, or at the end of its step.
    Here,
    /// They are a step of their own.
    InStep,
}

/// What becomes of the closures that are handed to these primitives.
pub fn closures_of(targets: &Targets) -> Closures {
    const STEPS: &[&str] =
        &["verify", "change", "override_step", "before_step", "after_step", "add_step_after"];
    let step = |p: &&'static Primitive| p.effect == Effect::Flow && STEPS.contains(&p.name);
    if targets.primitives.iter().any(step) { Closures::InStep } else { Closures::Here }
}

impl Survey {
    /// What a body reaches, in the order of its text. A step that stands in it is not entered.
    pub fn touches(&self, body: Node) -> Vec<Touch> {
        let mut search = Search { survey: self, seen: BTreeSet::from([body]), found: Vec::new() };
        search.enter(body, &mut Vec::new());
        search.found
    }

    /// The closures in a value, through variables, lists and maps.
    fn closures(&self, layer: usize, value: &Value) -> Vec<BodyId> {
        let mut found = Vec::new();
        self.collect_closures(layer, &value.shape, &mut found);
        found
    }

    fn collect_closures(&self, layer: usize, shape: &Shape, found: &mut Vec<BodyId>) {
        match self.layers[layer].facts.settled(shape) {
            Shape::Closure(body) => found.push(*body),
            Shape::List(items) => items.iter().for_each(|i| self.collect_closures(layer, &i.shape, found)),
            Shape::Map(entries) => {
                entries.iter().for_each(|e| self.collect_closures(layer, &e.value.shape, found));
            }
            _ => {}
        }
    }

    /// The functions that a value names, whatever their number of parameters.
    fn named_functions(&self, layer: usize, value: &Value) -> Vec<Node> {
        let Shape::Function(name) = self.layers[layer].facts.settled(&value.shape) else { return Vec::new() };
        let all = self.functions_of(self.layers[layer].source);
        all.into_iter().filter(|(_, f)| &f.name == name).map(|(node, _)| node).collect()
    }

    /// The bodies that a value stands for: closures, or functions by name.
    pub fn bodies(&self, layer: usize, value: &Value) -> Vec<Node> {
        let closures = self.closures(layer, value).into_iter().map(|body| (layer, body));
        closures.chain(self.named_functions(layer, value)).collect()
    }

    /// The bodies that a call runs besides the one that it names: what it is handed over.
    pub fn handed_over(&self, layer: usize, call: &Call) -> Vec<Node> {
        let values = call.receiver.iter().chain(&call.args);
        values.flat_map(|value| self.bodies(layer, value)).collect()
    }
}

struct Search<'s> {
    survey: &'s Survey,
    seen: BTreeSet<Node>,
    found: Vec<Touch>,
}

impl Search<'_> {
    fn enter(&mut self, (layer, body): Node, way: &mut Vec<Hop>) {
        for id in &self.survey.body((layer, body)).calls {
            let call = &self.survey.layers[layer].facts.calls[*id];
            let targets = self.survey.targets(layer, call);
            way.push(Hop { written: call.written(), layer, at: call.at });
            if !targets.primitives.is_empty() {
                let by_method = targets.primitives.iter().any(|p| p.effect == Effect::Method);
                let facts = &self.survey.layers[layer].facts;
                let method = call.args.first().filter(|_| by_method).and_then(|v| facts.literal(v));
                self.found.push(Touch {
                    primitives: targets.primitives.clone(),
                    method: method.map(str::to_ascii_uppercase),
                    certain: !targets.native && targets.functions.is_empty(),
                    way: way.clone(),
                });
            }
            for function in &targets.functions {
                self.once(*function, way);
            }
            way.pop();
            if closures_of(&targets) == Closures::Here {
                for handed in self.survey.handed_over(layer, call) {
                    self.once(handed, way);
                }
            }
        }
    }

    fn once(&mut self, body: Node, way: &mut Vec<Hop>) {
        if self.seen.insert(body) {
            self.enter(body, way);
        }
    }
}
