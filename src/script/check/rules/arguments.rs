//! Arguments of primitives, where the text shows what they are.

use crate::base::error::nearest;
use crate::base::{Error, duration};
use crate::script::arguments;
use crate::script::check::codes::{Code, MISSING_OPTION, UNKNOWN_OPTION, WRONG_ARGUMENT};
use crate::script::check::{Desk, Finding};
use crate::script::primitive::{On, Param, Primitive, Ty};
use crate::script::survey::kinds::Kind;
use crate::script::survey::values::Entry;
use crate::script::survey::{At, Shape, Value};

/// Calls of one primitive for sure, argument by argument.
pub(super) fn primitives(desk: &mut Desk<'_>) {
    for (id, layer) in desk.survey.layers.iter().enumerate() {
        for call in &layer.facts.calls {
            let targets = desk.survey.targets(id, call);
            let [primitive] = targets.primitives.as_slice() else { continue };
            if targets.native || !targets.functions.is_empty() {
                continue;
            }
            // a method that is written as a function has what it is called on in front
            let as_function = call.receiver.is_none() && matches!(primitive.on, On::Type(_));
            let args = call.args.get(usize::from(as_function)..).unwrap_or_default();
            let mut judge = Judge { desk, layer: id, primitive, found: Vec::new() };
            for (param, value) in primitive.params.iter().zip(arguments::spread(primitive, args.iter())) {
                if let Some(value) = value {
                    judge.one(param, value, &format!("`{}` in {}", param.name, primitive.signature()));
                }
            }
            let found = judge.found;
            found.into_iter().for_each(|f| desk.add(f));
        }
    }
}

struct Judge<'d, 's> {
    desk: &'d Desk<'s>,
    layer: usize,
    primitive: &'static Primitive,
    found: Vec<Finding>,
}

impl Judge<'_, '_> {
    fn say(&mut self, code: &'static Code, at: At, message: String, help: Option<String>) {
        let finding = self.desk.finding(code, (self.layer, at), message);
        self.found.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// The same words as the adapter has when it refuses the argument.
    fn refuse(&mut self, at: At, error: Error) {
        let detail = error.detail();
        let mut message = detail.what.clone();
        detail.causes.iter().for_each(|cause| message.push_str(&format!(": {cause}")));
        self.say(&WRONG_ARGUMENT, at, message, detail.help.clone());
    }

    fn one(&mut self, param: &Param, value: &Value, what: &str) {
        let kind = self.desk.survey.kind(self.layer, &value.shape);
        if kind == Kind::Builtin("()") && !param.required {
            return;
        }
        match (param.ty, &value.shape) {
            (Ty::Choice(words), Shape::Text(word)) if !words.contains(&word.as_str()) => {
                self.refuse(value.at, arguments::no_choice(words, word, what));
            }
            (Ty::Duration, Shape::Text(text)) => {
                if let Err(e) = duration::parse(text) {
                    self.refuse(value.at, e.context(format!("{what} is not right")));
                }
            }
            (Ty::Texts, Shape::List(items)) => {
                let item = Param { ty: Ty::Text, ..*param };
                items.iter().for_each(|i| self.one(&item, i, &format!("each of {what}")));
            }
            (Ty::Options(keys), Shape::Map(entries)) => self.options(keys, entries, value.at, what),
            (ty, _) => {
                if let (Some(got), false) = (name(kind), fits(ty, kind)) {
                    let message = format!("{what} must be {}, not {got}", arguments::with_article(ty.name()));
                    let help = match (ty, kind) {
                        (Ty::Duration, Kind::Builtin("integer")) if matches!(value.shape, Shape::Integer) => {
                            "a bare number has no unit: write `30.s`"
                        }
                        _ => param.doc,
                    };
                    self.say(&WRONG_ARGUMENT, value.at, message, Some(help.to_string()));
                }
            }
        }
    }

    fn options(&mut self, keys: &'static [Param], entries: &[Entry], at: At, what: &str) {
        let names = || keys.iter().map(|k| k.name);
        for entry in entries {
            let Some(param) = keys.iter().find(|p| p.name == entry.key) else {
                let message = format!("{what} has no key `{}`", entry.key);
                let help = match nearest(&entry.key, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its keys are {}", names().collect::<Vec<_>>().join(", ")),
                };
                self.say(&UNKNOWN_OPTION, entry.at, message, Some(help));
                continue;
            };
            self.one(param, &entry.value, &format!("key `{}` of {what}", entry.key));
        }
        for param in keys.iter().filter(|p| p.required && !entries.iter().any(|e| e.key == p.name)) {
            let message = format!("`{}` needs the key `{}`", self.primitive.path(), param.name);
            self.say(&MISSING_OPTION, at, message, Some(param.doc.to_string()));
        }
    }
}

/// A kind that is known for sure, as messages name it.
fn name(kind: Kind) -> Option<String> {
    match kind {
        Kind::Builtin("()") => Some("()".into()),
        Kind::Builtin(name) | Kind::Ours(name) => Some(arguments::with_article(name)),
        Kind::Unknown => None,
    }
}

fn fits(ty: Ty, kind: Kind) -> bool {
    match (ty, kind) {
        (Ty::Any, _) | (_, Kind::Unknown) => true,
        (Ty::Secretive, Kind::Ours("Secret")) | (Ty::Duration, Kind::Ours("Duration")) => true,
        // a text may be a duration; one that is a literal was read before
        (Ty::Secretive | Ty::Duration, Kind::Builtin("string")) => true,
        (Ty::Value(wanted), Kind::Ours(got)) => wanted == got,
        (Ty::Texts, Kind::Builtin("list")) => true,
        (ty, Kind::Builtin(got)) => ty.name() == got,
        (_, Kind::Ours(_)) => false,
    }
}
