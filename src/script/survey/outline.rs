//! The steps of a runbook, as its text shows them.

use std::collections::BTreeSet;

use super::effects::{Closures, closures_of};
use super::facts::{BodyKind, Call};
use super::lexer::Page;
use super::values::{At, Entry, Shape, Value};
use super::{Node, Survey};
use crate::script::arguments;
use crate::script::primitive::Primitive;

/// What kind of step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It only reads.
    Verify,
    /// It may change things.
    Change,
    /// A decision has put it off.
    Deferred,
}

impl Kind {
    /// The word in scripts.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Verify => "verify",
            Kind::Change => "change",
            Kind::Deferred => "deferred",
        }
    }
}

/// A string argument: its text, or where it is computed, its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text, or the source.
    pub text: String,
    /// Whether it is a literal.
    pub literal: bool,
    /// Where it stands.
    pub at: At,
}

/// What a step stands in besides the top level.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "in", content = "name")]
pub enum Within {
    /// A function, by its name.
    Function(String),
    /// A function that nothing calls.
    Uncalled(String),
    /// A closure.
    Closure,
    /// A loop.
    Loop,
    /// An arm of an `if` or `switch`.
    Branch,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id.
    pub id: Label,
    /// Its title.
    pub title: Label,
    /// What kind of step it is.
    pub kind: Kind,
    /// `on_fail`, where it is a literal.
    pub on_fail: Option<String>,
    /// Whether it has a condition.
    pub when: Option<Node>,
    /// The ids that it needs, where they are literals.
    pub needs: Vec<Label>,
    /// What it stands in, outermost first.
    pub within: Vec<Within>,
    /// The arms that it stands in: number of the function's call, of the `if`, and of the arm.
    pub arms: Vec<(usize, usize, usize)>,
    /// The layer whose text it stands in.
    pub layer: usize,
    /// Where its call stands.
    pub at: At,
    /// Where the statement starts that it stands in.
    pub statement: At,
    /// What it does.
    pub body: Option<Node>,
}

/// What a runbook consists of.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Id and title of `runbook(...)`.
    pub runbook: Option<(Label, Label)>,
    /// Where each `runbook(...)` stands.
    pub named_at: Vec<(usize, At)>,
    /// Its steps, in the order in which they run.
    pub steps: Vec<Step>,
}

/// More steps than any runbook has: functions with steps that call each other end here.
const MOST: usize = 2_000;

impl Survey {
    /// The steps of a source.
    pub fn outline(&self, source: usize) -> Outline {
        let mut writer = Writer {
            survey: self,
            outline: Outline::default(),
            within: Vec::new(),
            arms: Vec::new(),
            entered: BTreeSet::new(),
            open: Vec::new(),
            entries: 0,
        };
        for (layer, _) in self.layers_of(source) {
            writer.enter((layer, 0));
        }
        for (node, function) in self.functions_of(source) {
            if !writer.entered.contains(&node) {
                writer.inside(Within::Uncalled(function.name.clone()), node);
            }
        }
        writer.outline
    }
}

struct Writer<'s> {
    survey: &'s Survey,
    outline: Outline,
    within: Vec<Within>,
    arms: Vec<(usize, usize, usize)>,
    entered: BTreeSet<Node>,
    /// Bodies on the way here, for functions that call themselves.
    open: Vec<Node>,
    entries: usize,
}

impl Writer<'_> {
    fn enter(&mut self, node: Node) {
        if self.open.contains(&node) || self.outline.steps.len() >= MOST || self.entries >= 10 * MOST {
            return;
        }
        self.entered.insert(node);
        self.open.push(node);
        self.entries += 1;
        let entry = self.entries;
        let layer = node.0;
        for id in &self.survey.body(node).calls {
            let call = &self.survey.layers[layer].facts.calls[*id];
            let targets = self.survey.targets(layer, call);
            let (outer_within, outer_arms) = (self.within.len(), self.arms.len());
            self.within.extend(std::iter::repeat_n(Within::Loop, call.loops.min(1)));
            self.within.extend(std::iter::repeat_n(Within::Branch, call.branches.len().min(1)));
            self.arms.extend(call.branches.iter().map(|(branch, arm)| (entry, *branch, *arm)));
            match targets.primitives.as_slice() {
                [primitive] if targets.functions.is_empty() => self.flow(layer, call, primitive),
                _ => {}
            }
            for function in &targets.functions {
                if let BodyKind::Function(f) = &self.survey.body(*function).kind {
                    self.inside(Within::Function(f.name.clone()), *function);
                }
            }
            if closures_of(&targets) == Closures::Here {
                for handed in self.survey.handed_over(layer, call) {
                    self.inside(Within::Closure, handed);
                }
            }
            self.within.truncate(outer_within);
            self.arms.truncate(outer_arms);
        }
        self.open.pop();
    }

    fn inside(&mut self, within: Within, node: Node) {
        self.within.push(within);
        self.enter(node);
        self.within.pop();
    }

    fn flow(&mut self, layer: usize, call: &Call, primitive: &'static Primitive) {
        let args = arguments::spread(primitive, call.args.iter());
        let label = |n: usize| self.label(layer, args.get(n).copied().flatten());
        let kind = match primitive.name {
            "verify" => Kind::Verify,
            "change" => Kind::Change,
            "deferred" => Kind::Deferred,
            "runbook" => {
                let names = (label(0), label(1));
                self.outline.runbook.get_or_insert(names);
                self.outline.named_at.push((layer, call.at));
                return;
            }
            _ => return,
        };
        let options = match args.get(2).copied().flatten() {
            Some(value) if kind != Kind::Deferred => self.entries_of(layer, value),
            _ => &[],
        };
        let option = |key: &str| options.iter().find(|e| e.key == key).map(|e| &e.value);
        let needs = match option("needs").map(|v| &v.shape) {
            Some(Shape::List(items)) => items.iter().map(|i| self.label(layer, Some(i))).collect(),
            _ => Vec::new(),
        };
        let body = |value: Option<&Value>| self.survey.bodies(layer, value?).first().copied();
        let step = Step {
            id: label(0),
            title: label(1),
            kind,
            on_fail: option("on_fail").and_then(|v| v.text()).map(str::to_string),
            when: body(option("when")),
            needs,
            within: self.within.clone(),
            arms: self.arms.clone(),
            layer,
            at: call.at,
            statement: call.statement,
            body: if kind == Kind::Deferred { None } else { body(args.get(3).copied().flatten()) },
        };
        self.outline.steps.push(step);
    }

    fn entries_of<'v>(&'v self, layer: usize, value: &'v Value) -> &'v [Entry] {
        match self.survey.layers[layer].facts.settled(&value.shape) {
            Shape::Map(entries) => entries,
            _ => &[],
        }
    }

    fn label(&self, layer: usize, value: Option<&Value>) -> Label {
        let Some(value) = value else {
            return Label { text: String::new(), literal: false, at: At::default() };
        };
        let layer = &self.survey.layers[layer];
        match layer.facts.settled(&value.shape) {
            Shape::Text(text) => Label { text: text.clone(), literal: true, at: value.at },
            _ => {
                let text = Page::of(&layer.text.text).argument(value.at).to_string();
                Label { text, literal: false, at: value.at }
            }
        }
    }
}
