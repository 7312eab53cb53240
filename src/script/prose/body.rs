//! What the bodies of a step say that they ask for, wait for and change: read from the text, through the functions and
//! modules that they call.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::words::{self, Given, Known, Lookup};
use crate::base::duration;
use crate::script::arguments;
use crate::script::primitive::{Effect, On, Primitive};
use crate::script::survey::asks::is_site;
use crate::script::survey::effects::{Closures, closures_of};
use crate::script::survey::facts::{BodyKind, Call};
use crate::script::survey::values::{Shape, Value};
use crate::script::survey::{Node, Survey};
use crate::systems::openstack::resource::Resource;

/// What a step asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A gate, or an `expect`: where it does not hold the step fails.
    Gate,
    /// A wait: where it does not come true in time the step fails.
    Wait,
    /// A person's signature.
    Signature,
    /// What is put back at the end of the step, however it ends.
    CleanUp,
}

/// One thing that a step asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// What kind.
    pub kind: Kind,
    /// The claim in words.
    pub text: String,
    /// Of a wait, how long it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The function of a module that says so; `None` where the runbook itself does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What bodies say.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) claims: Vec<Claim>,
    pub(super) changes: Vec<String>,
}

/// Reads bodies, in the order in which they run.
pub(super) fn read(survey: &Survey, bodies: &[Node], values: Lookup<'_>) -> Said {
    let mut reader = Reader { survey, values, seen: BTreeSet::new(), said: Said::default() };
    for body in bodies {
        reader.enter(*body, &handles(survey, body.0), None);
    }
    reader.said
}

/// The handles that a text takes from the site at its top level, as errors and gates call them: `scope admin`.
fn handles(survey: &Survey, layer: usize) -> Known {
    let facts = &survey.layers[layer].facts;
    let handle = |name: &str, value: &Shape| {
        let Shape::Result(call) = value else { return None };
        let call = facts.calls.get(*call).filter(|call| call.receiver.as_ref().is_some_and(is_site))?;
        let text = format!("{} {}", call.name, call.args.first()?.text()?);
        Some((name.to_string(), Given { text, row: None, fields: BTreeMap::new() }))
    };
    facts.bindings.iter().filter(|b| b.body == 0).filter_map(|b| handle(&b.name, &b.value)).collect()
}

/// More ways through functions than any step has: such as of functions that call each other.
const MOST: usize = 2_000;

struct Reader<'s> {
    survey: &'s Survey,
    values: Lookup<'s>,
    /// Bodies, with what they were called with.
    seen: BTreeSet<(Node, Vec<String>)>,
    said: Said,
}

impl Reader<'_> {
    fn enter(&mut self, node: Node, known: &Known, by: Option<&str>) {
        let with = known
            .iter()
            .map(|(name, given)| format!("{name}={} {}", given.text, given.row.map_or("", |row| row.name)));
        if self.seen.len() >= MOST || !self.seen.insert((node, with.collect())) {
            return;
        }
        let (layer, _) = node;
        let survey = self.survey;
        for id in &survey.body(node).calls {
            let call = &survey.layers[layer].facts.calls[*id];
            let targets = survey.targets(layer, call);
            let certain = !targets.native && targets.functions.is_empty();
            let mut waits = false;
            if certain && let [primitive] = targets.primitives.as_slice() {
                waits = self.claim(layer, call, primitive, known, by);
            }
            let changes = |p: &&'static Primitive| match p.effect {
                Effect::Change => true,
                Effect::Method => !self.method(layer, call, known).is_some_and(|m| m == "GET" || m == "HEAD"),
                _ => false,
            };
            if certain && !targets.primitives.is_empty() && targets.primitives.iter().all(changes) {
                let phrase = self.change(layer, call, &targets.primitives, known, by);
                if !self.said.changes.contains(&phrase) {
                    self.said.changes.push(phrase);
                }
            }
            for function in &targets.functions {
                let BodyKind::Function(f) = &survey.body(*function).kind else { continue };
                let given = f.params.iter().zip(&call.args);
                let inner: Known =
                    given.map(|(name, value)| (name.clone(), self.given(layer, value, known))).collect();
                let written = call.written();
                let by = if call.path.is_empty() { by } else { Some(written.as_str()) };
                self.enter(*function, &inner, by);
            }
            // what a wait looks at it asks again and again: nothing of that is a claim of the step's
            if !waits && closures_of(&targets) == Closures::Here {
                for handed in survey.handed_over(layer, call) {
                    self.enter(handed, known, by);
                }
            }
        }
    }

    /// Notes what a call of one of the words for claims says. Whether it is a wait.
    fn claim(
        &mut self,
        layer: usize,
        call: &Call,
        primitive: &Primitive,
        known: &Known,
        by: Option<&str>,
    ) -> bool {
        let args = arguments::spread(primitive, call.args.iter());
        let arg = |n: usize| args.get(n).copied().flatten();
        let words = |value: Option<&Value>| value.map(|v| self.words(layer, v, known)).unwrap_or_default();
        let (kind, text, within) = match (primitive.on, primitive.name) {
            (On::Global, "gate") => (Kind::Gate, words(arg(0)), None),
            (On::Global, "expect") => (Kind::Gate, format!("{}: {}", words(arg(0)), words(arg(2))), None),
            (On::Global, "attest") => (Kind::Signature, words(arg(0)), None),
            (On::Global, "defer") => (Kind::CleanUp, words(arg(0)), None),
            (On::Global, "poll") | (On::Type("Kube"), "wait") => {
                let facts = &self.survey.layers[layer].facts;
                let Some(Shape::Map(entries)) = arg(0).map(|v| facts.settled(&v.shape)) else { return true };
                let of = |key: &str| entries.iter().find(|e| e.key == key).map(|e| &e.value);
                let title = match of("title") {
                    Some(title) => words(Some(title)),
                    None => [words(of("kind")), words(of("name"))].join(" ").trim().to_string(),
                };
                (Kind::Wait, title, of("within").map(|v| words(Some(v))).filter(|w| !w.starts_with('<')))
            }
            _ => return false,
        };
        let claim = Claim { kind, text, within, by: by.map(str::to_string) };
        if !self.said.claims.contains(&claim) {
            self.said.claims.push(claim);
        }
        kind == Kind::Wait
    }

    /// The method that a request goes by, where the text has it.
    fn method(&self, layer: usize, call: &Call, known: &Known) -> Option<String> {
        Some(self.words(layer, call.args.first()?, known).to_ascii_uppercase())
    }

    fn words(&self, layer: usize, value: &Value, known: &Known) -> String {
        if let Some(text) = self.survey.layers[layer].facts.literal(value) {
            return text.to_string();
        }
        let source = self.survey.layers[layer].page().argument(value.at);
        words::expression(source, known, self.values)
    }

    fn given(&self, layer: usize, value: &Value, known: &Known) -> Given {
        let text = self.words(layer, value, known);
        let fields = match self.survey.layers[layer].facts.settled(&value.shape) {
            Shape::Map(entries) => {
                entries.iter().map(|e| (e.key.clone(), self.words(layer, &e.value, known))).collect()
            }
            _ => BTreeMap::new(),
        };
        Given { text, row: self.survey.row(layer, &value.shape, known), fields }
    }

    /// A change in words: `deletes a load balancer (Octavia)`.
    fn change(
        &self,
        layer: usize,
        call: &Call,
        primitives: &[&Primitive],
        known: &Known,
        by: Option<&str>,
    ) -> String {
        let of = |n: usize| call.args.get(n).map(|v| self.words(layer, v, known));
        let receiver = call.receiver.as_ref();
        let row = receiver.and_then(|r| self.survey.row(layer, &r.shape, known));
        let row = row.or_else(|| only_with(call.name.as_str(), primitives));
        let types: BTreeSet<&On> = primitives.iter().map(|p| &p.on).collect();
        let is = |ty: &'static str| types.contains(&On::Type(ty));
        if is("Scope") {
            let (service, path) = (of(1).unwrap_or_default(), of(2).unwrap_or_default());
            let method = of(0).unwrap_or_default();
            let method = if method.starts_with('<') { method } else { method.to_ascii_uppercase() };
            return format!("sends {method} {path} ({service})");
        }
        if ["write_kubeconfig", "write_secret"].contains(&call.name.as_str()) {
            return format!("writes {} (this machine)", of(0).unwrap_or_default());
        }
        if let Some(row) = row.filter(|_| is("Collection") || is("Resource")) {
            let name = match is("Collection") {
                true => self.name_given(layer, call, known),
                false => {
                    receiver.and_then(|r| self.survey.called(layer, r)).map(|v| self.words(layer, v, known))
                }
            };
            return format!("{} ({})", of_row(row, &call.name, name.as_deref()), row.service.project);
        }
        if is("Kube") {
            let thing = match call.name.as_str() {
                "apply" | "create" => "an object".to_string(),
                _ => [of(0).unwrap_or_default(), of(1).unwrap_or_default()].join(" "),
            };
            return format!("{} {thing} (Kubernetes)", of_object(&call.name));
        }
        // what a module of Kubernetes finds is an object
        let of_kubernetes = by.is_some_and(|by| by.starts_with("kubernetes::") || by.starts_with("capi::"));
        if is("Object") && (types.len() == 1 || of_kubernetes) {
            return format!("{} an object (Kubernetes)", of_object(&call.name));
        }
        match (types.iter().next(), call.name.as_str()) {
            (_, "run") if is("Host") => "runs a command (SSH)".to_string(),
            (_, "run") if is("Tool") => "runs a command (this machine)".to_string(),
            (_, "pin") if is("Host") => "writes a host key (this machine)".to_string(),
            (_, "download") => format!("downloads {} (this machine)", of(0).unwrap_or_default()),
            (_, name) => format!("{} what is found", third(name)),
        }
    }

    /// The name that something is made by.
    fn name_given(&self, layer: usize, call: &Call, known: &Known) -> Option<String> {
        let first = call.args.first()?;
        if call.name != "create" {
            return Some(self.words(layer, first, known));
        }
        let Shape::Map(entries) = self.survey.layers[layer].facts.settled(&first.shape) else { return None };
        entries.iter().find(|e| e.key == "name").map(|e| self.words(layer, &e.value, known))
    }
}

/// The only kind of thing with an action of a name.
fn only_with(name: &str, primitives: &[&Primitive]) -> Option<&'static Resource> {
    if !primitives.iter().all(|p| p.on == On::Type("Resource")) {
        return None;
    }
    let mut rows = crate::systems::openstack::resource::all().filter(|row| row.action(name).is_ok());
    rows.next().filter(|_| rows.next().is_none())
}

/// `deletes load balancer lb-1`, `fails over a load balancer`.
fn of_row(row: &Resource, verb: &str, name: Option<&str>) -> String {
    let thing = match name {
        Some(name) if !name.contains(['…', '.']) && name != "<id>" || !name.starts_with('<') => {
            format!("{} {name}", row.title)
        }
        _ => format!("{} {}", article(row.title), row.title),
    };
    match verb {
        "create" => format!("makes {thing}"),
        "ensure" => format!("makes {thing}, unless it is there"),
        "upload" => format!("uploads {thing}"),
        "update" => format!("changes fields of {thing}"),
        verb => {
            let phrase = row.action(verb).map_or(verb, |action| action.phrase);
            format!("{} {thing}", third(phrase))
        }
    }
}

fn of_object(verb: &str) -> String {
    match verb {
        "apply" => "applies".into(),
        "create" => "makes".into(),
        "patch" => "patches".into(),
        "remove_finalizer" => "takes a finalizer off".into(),
        "exec" => "runs a command in".into(),
        verb => third(verb),
    }
}

/// `fail over` as `fails over`.
fn third(phrase: &str) -> String {
    let (verb, rest) =
        phrase.split_once([' ', '_']).map_or((phrase, String::new()), |(v, r)| (v, format!(" {r}")));
    match verb {
        v if v.ends_with(['s', 'x']) || v.ends_with("ch") || v.ends_with("sh") => format!("{v}es{rest}"),
        v => format!("{v}s{rest}"),
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// How long the waits of a step may take in all, as far as the text tells: the sum of those that are known, and whether
/// that is all of them.
pub(super) fn limits(claims: &[Claim]) -> Option<(std::time::Duration, bool)> {
    let waits: Vec<&Claim> = claims.iter().filter(|c| c.kind == Kind::Wait).collect();
    let known: Vec<_> = waits.iter().filter_map(|c| duration::parse(c.within.as_deref()?).ok()).collect();
    (!known.is_empty()).then(|| (known.iter().sum(), known.len() == waits.len()))
}

/// A condition as it is written, with what the values in it are.
pub(super) fn condition(source: &str, values: Lookup<'_>) -> String {
    let names = source.split("site.").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    });
    let mut said: Vec<String> = names
        .map(|name| {
            format!(
                "{name} is {}",
                values(name).map_or("not set".into(), |v| if v.is_empty() { "empty".into() } else { v })
            )
        })
        .collect();
    said.dedup();
    match said.is_empty() {
        true => source.to_string(),
        false => format!("{source}  ({})", said.join(", ")),
    }
}
