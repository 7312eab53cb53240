//! The steps of a runbook, as its text shows them.

use std::collections::BTreeSet;

use super::effects::{Closures, closures_of};
use super::facts::{BodyKind, Call};
use super::lexer::Page;
use super::values::{At, Entry, Shape, Value};
use super::{Node, Survey};
use crate::run::report::Accepts;
use crate::script::arguments;
use crate::script::primitive::Primitive;

mod overlays;

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

/// How a site's file changes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Its body is another one.
    Replaced,
    /// Something runs in it before its body.
    Preceded,
    /// Something runs in it after its body.
    Followed,
    /// It is not run.
    Skipped,
    /// It is a new one.
    Added,
}

impl How {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            How::Replaced => "replaced",
            How::Preceded => "preceded",
            How::Followed => "followed",
            How::Skipped => "skipped",
            How::Added => "added",
        }
    }
}

/// A change of a step by a site's file.
#[derive(Clone, Debug)]
pub struct Override {
    /// The step that is meant.
    pub step: Label,
    /// How it is changed.
    pub how: How,
    /// The layer that says so.
    pub layer: usize,
    /// Where it says so.
    pub at: At,
    /// What runs.
    pub body: Option<Node>,
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
    /// Of a deferred step, the decision that put it off.
    pub decision: Option<Label>,
    /// How the site's file changes it.
    pub overrides: Vec<Override>,
}

impl Step {
    /// Everything that runs in it, in that order: its condition, what the site puts in front of its
    /// body, the body or what replaces it (which may call the shipped one), and what follows.
    pub fn runs(&self) -> Vec<Node> {
        let of = |how: How| self.overrides.iter().filter(move |o| o.how == how).filter_map(|o| o.body);
        if self.overrides.iter().any(|o| o.how == How::Skipped) {
            return Vec::new();
        }
        let main = of(How::Replaced).chain(self.body);
        self.when.into_iter().chain(of(How::Preceded)).chain(main).chain(of(How::Followed)).collect()
    }
}

/// What a runbook consists of.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Id and title of `runbook(...)`.
    pub runbook: Option<(Label, Label)>,
    /// The steps that its verdict needs, with the layer that says so.
    pub needs: Vec<(usize, Label)>,
    /// What it accepts, where it takes a bar.
    pub accepts: Option<Accepts>,
    /// Where each `runbook(...)` stands.
    pub named_at: Vec<(usize, At)>,
    /// Its steps, in the order in which they run.
    pub steps: Vec<Step>,
    /// What a site's file says about them, in its order.
    pub overrides: Vec<Override>,
    /// Overrides that stand where they count for nothing.
    pub misplaced: Vec<Override>,
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
        let overlay = self.overlay(source);
        for (layer, _) in self.layers_of(source).filter(|(layer, _)| Some(*layer) != overlay) {
            writer.enter((layer, 0));
        }
        for (node, function) in self.functions_of(source) {
            if !writer.entered.contains(&node) {
                writer.inside(Within::Uncalled(function.name.clone()), node);
            }
        }
        let mut outline = writer.outline;
        if let Some(layer) = overlay {
            overlays::apply(self, layer, &mut outline);
        }
        outline
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
        let label = |n: usize| self.survey.label(layer, args.get(n).copied().flatten());
        let kind = match primitive.name {
            "verify" => Kind::Verify,
            "change" => Kind::Change,
            "deferred" => Kind::Deferred,
            "runbook" => {
                let names = (label(0), label(1));
                self.outline.runbook.get_or_insert(names);
                let options = args.get(2).copied().flatten().map_or(&[][..], |v| self.entries_of(layer, v));
                let option = |key: &str| options.iter().find(|e| e.key == key).map(|e| &e.value);
                let accepts = option("accepts").and_then(|value| self.accepts(layer, value));
                let needs = option("needs");
                let needs = self.survey.labels(layer, needs);
                self.outline.needs.extend(needs.into_iter().map(|label| (layer, label)));
                self.outline.accepts = self.outline.accepts.take().or(accepts);
                self.outline.named_at.push((layer, call.at));
                return;
            }
            _ => {
                self.outline.misplaced.extend(overlays::read(self.survey, layer, call, primitive));
                return;
            }
        };
        let options = match args.get(2).copied().flatten() {
            Some(value) if kind != Kind::Deferred => self.entries_of(layer, value),
            _ => &[],
        };
        let option = |key: &str| options.iter().find(|e| e.key == key).map(|e| &e.value);
        let needs = self.survey.labels(layer, option("needs"));
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
            decision: (kind == Kind::Deferred).then(|| label(2)),
            overrides: Vec::new(),
        };
        self.outline.steps.push(step);
    }

    /// The bar that is written out; its items in the order of their numbers.
    fn accepts(&self, layer: usize, value: &Value) -> Option<Accepts> {
        let of = |key: &str| self.entries_of(layer, value).iter().find(|e| e.key == key).map(|e| &e.value);
        let text = |key: &str| Some(self.survey.layers[layer].facts.literal(of(key)?)?.to_string());
        let facts = &self.survey.layers[layer].facts;
        let items = self.entries_of(layer, of("items")?).iter();
        let mut items: Vec<(String, String)> = items
            .filter_map(|item| Some((item.key.clone(), facts.literal(&item.value)?.to_string())))
            .collect();
        items.sort_by_key(|(item, _)| {
            (item.trim_start_matches('.').parse::<u64>().unwrap_or(u64::MAX), item.clone())
        });
        Some(Accepts { what: text("what")?, bar: text("bar")?, items })
    }

    fn entries_of<'v>(&'v self, layer: usize, value: &'v Value) -> &'v [Entry] {
        match self.survey.layers[layer].facts.settled(&value.shape) {
            Shape::Map(entries) => entries,
            _ => &[],
        }
    }
}

impl Survey {
    /// The strings of a list that is written out.
    fn labels(&self, layer: usize, value: Option<&Value>) -> Vec<Label> {
        match value.map(|v| &v.shape) {
            Some(Shape::List(items)) => items.iter().map(|i| self.label(layer, Some(i))).collect(),
            _ => Vec::new(),
        }
    }

    /// A string argument.
    fn label(&self, layer: usize, value: Option<&Value>) -> Label {
        let Some(value) = value else {
            return Label { text: String::new(), literal: false, at: At::default() };
        };
        let layer = &self.layers[layer];
        match layer.facts.settled(&value.shape) {
            Shape::Text(text) => Label { text: text.clone(), literal: true, at: value.at },
            _ => {
                let text = Page::of(&layer.text.text).argument(value.at).to_string();
                Label { text, literal: false, at: value.at }
            }
        }
    }
}
