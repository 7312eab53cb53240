//! What a call's name stands for.

use std::collections::BTreeSet;

use super::facts::{Call, Function, Import};
use super::kinds::Kind;
use super::{Node, Survey};
use crate::script::primitive::{On, Primitive};

/// Everything that a call may end in. A method of a value that nobody knows may be any of that name.
#[derive(Default)]
pub struct Targets {
    /// Functions of scripts.
    pub functions: Vec<Node>,
    /// Primitives.
    pub primitives: Vec<&'static Primitive>,
    /// A function of Rhai's own.
    pub native: bool,
}

impl Targets {
    fn primitives(all: impl Iterator<Item = &'static Primitive>, arity: usize) -> Targets {
        Targets { primitives: all.filter(|p| p.arity().contains(&arity)).collect(), ..Targets::default() }
    }

    /// Whether nothing answers.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.primitives.is_empty() && !self.native
    }
}

impl Survey {
    /// What a call ends in.
    pub fn targets(&self, layer: usize, call: &Call) -> Targets {
        match (&call.receiver, call.path.as_slice()) {
            (Some(receiver), _) => self.method_targets(layer, call, self.kind(layer, &receiver.shape)),
            (None, []) => self.function_targets(layer, call),
            (None, path) => match self.module_at(layer, path) {
                Some(source) => {
                    let found = self.function_of(source, &call.name, call.args.len());
                    let open = |node: &Node| self.function(*node).is_some_and(|f| !f.private);
                    Targets { functions: found.filter(open).into_iter().collect(), ..Targets::default() }
                }
                None if path.len() == 1 => {
                    let all = self.known.module(&path[0]).filter(|p| p.name == call.name);
                    Targets::primitives(all, call.args.len())
                }
                None => Targets::default(),
            },
        }
    }

    fn function_targets(&self, layer: usize, call: &Call) -> Targets {
        let arity = call.args.len();
        if let Some(function) = self.function_of(self.layers[layer].source, &call.name, arity) {
            return Targets { functions: vec![function], ..Targets::default() };
        }
        let mut targets = Targets::primitives(self.known.globals(&call.name), arity);
        if targets.primitives.is_empty() && arity > 0 {
            // a method may be written as a function: `start(vm)`
            targets = Targets::primitives(self.known.methods(&call.name), arity - 1);
        }
        targets.native = self.known.native(&call.name).any(|n| n == arity);
        targets
    }

    fn method_targets(&self, layer: usize, call: &Call, receiver: Kind) -> Targets {
        let arity = call.args.len();
        let methods = self.known.methods(&call.name);
        let primitives: Vec<_> = match receiver {
            Kind::Builtin(_) => Vec::new(),
            Kind::Ours(name) => methods.filter(|p| p.on == On::Type(name)).collect(),
            Kind::Unknown => methods.collect(),
        };
        let mut targets = Targets::primitives(primitives.into_iter(), arity);
        targets.native = match receiver {
            Kind::Ours(_) if !targets.primitives.is_empty() => false,
            // a name of ours goes before one that only ranges and the like have
            Kind::Unknown if !targets.primitives.is_empty() => self.known.common_method(&call.name, arity),
            _ => self.known.native(&call.name).any(|n| n == arity + 1),
        };
        targets.functions.extend(self.function_of(self.layers[layer].source, &call.name, arity));
        targets
    }

    /// The source that a path of aliases leads to from a layer.
    pub fn module_at(&self, layer: usize, path: &[String]) -> Option<usize> {
        let (alias, rest) = path.split_first()?;
        let name = self.layers[layer].facts.import(alias)?.name.as_ref()?;
        let (source, _) = self.source(name)?;
        if rest.is_empty() {
            return Some(source);
        }
        self.layers_of(source).rev().find_map(|(layer, _)| self.module_at(layer, rest))
    }

    /// A function of a source: the one of its highest layer.
    pub fn function_of(&self, source: usize, name: &str, arity: usize) -> Option<Node> {
        self.layers_of(source).rev().find_map(|(layer, l)| Some((layer, l.facts.function(name, arity)?)))
    }

    /// Every function of a source that counts, in the order of layers and texts.
    pub fn functions_of(&self, source: usize) -> Vec<(Node, &Function)> {
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for (layer, l) in self.layers_of(source).rev() {
            let functions =
                l.facts.functions().filter(|(_, f)| seen.insert((f.name.clone(), f.params.len())));
            all.push(functions.map(|(id, f)| ((layer, id), f)).collect::<Vec<_>>());
        }
        all.into_iter().rev().flatten().collect()
    }

    /// A body as a function.
    pub fn function(&self, node: Node) -> Option<&Function> {
        match &self.body(node).kind {
            super::facts::BodyKind::Function(f) => Some(f),
            _ => None,
        }
    }
}

impl super::Facts {
    /// The import that goes by an alias.
    pub fn import(&self, alias: &str) -> Option<&Import> {
        self.imports.iter().find(|i| i.alias == alias)
    }
}
