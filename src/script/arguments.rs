//! Arguments of primitives: checked against the descriptor, then read by type.

use std::time::Duration;

use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map};

use super::adapter::Call;
use super::primitive::{Param, Primitive, Ty};
use super::span;
use crate::base::error::nearest;
use crate::base::secret::{MASK, STAND_IN, was_printed};
use crate::base::{Error, ErrorKind, Result, Secret};

/// Puts arguments at their parameters' places: of the optional parameters the last ones are those
/// left out, wherever they stand (`verify(id, title, [opts], body)`).
pub fn spread<T>(primitive: &Primitive, args: impl ExactSizeIterator<Item = T>) -> Vec<Option<T>> {
    let optional = primitive.params.iter().filter(|p| !p.required).count();
    let mut given = (args.len() + optional).saturating_sub(primitive.params.len());
    let mut args = args.into_iter();
    let place = |p: &Param| match p.required {
        true => args.next(),
        false if given > 0 => {
            given -= 1;
            args.next()
        }
        false => None,
    };
    primitive.params.iter().map(place).collect()
}

/// Checks arguments against a primitive's parameters.
pub fn check(primitive: &Primitive, args: &[Dynamic]) -> Result<()> {
    for (param, arg) in primitive.params.iter().zip(args) {
        check_one(param, arg, &|| format!("`{}` in {}", param.name, primitive.signature()))?;
    }
    Ok(())
}

/// Refuses what was made of a printed secret: `***` must not be sent, run or written in a secret's place.
pub fn refuse_printed(primitive: &Primitive, arg: &Dynamic) -> Result<()> {
    if let Some(map) = arg.read_lock::<Map>() {
        let keys = map.keys().any(|key| was_printed(key));
        return if keys {
            Err(printed(primitive))
        } else {
            map.values().try_for_each(|v| refuse_printed(primitive, v))
        };
    }
    if let Some(list) = arg.read_lock::<Array>() {
        return list.iter().try_for_each(|item| refuse_printed(primitive, item));
    }
    let printed_text = arg.read_lock::<ImmutableString>().is_some_and(|text| was_printed(&text))
        || arg.as_char().is_ok_and(|c| c == STAND_IN)
        || arg.read_lock::<Secret>().is_some_and(|secret| was_printed(secret.expose()));
    if printed_text { Err(printed(primitive)) } else { Ok(()) }
}

fn printed(primitive: &Primitive) -> Error {
    let what = format!("`{}` was given a text in which a secret was printed as {MASK}", primitive.path());
    Error::new(ErrorKind::Argument, what).help(
        "`${...}`, to_string() and text functions print a secret, and after a resume a recorded one is gone; join texts \
         with `+`: what is joined to a secret is one",
    )
}

fn check_one(param: &Param, arg: &Dynamic, what: &dyn Fn() -> String) -> Result<()> {
    if arg.is_unit() && !param.required {
        return Ok(());
    }
    let fits = match param.ty {
        Ty::Any => true,
        Ty::Text => arg.is_string(),
        Ty::Choice(words) => match arg.clone().try_cast::<ImmutableString>() {
            Some(word) if !words.contains(&word.as_str()) => return Err(no_choice(words, &word, &what())),
            word => word.is_some(),
        },
        Ty::Secretive => arg.is_string() || arg.type_name().ends_with("Secret"),
        Ty::Bool => arg.is_bool(),
        Ty::Integer => arg.is_int(),
        Ty::Duration => match span::read(arg) {
            Some(Ok(_)) => true,
            Some(Err(e)) => return Err(e.context(format!("{} is not right", what()))),
            None => false,
        },
        Ty::List => arg.is_array(),
        Ty::Texts => arg.read_lock::<Array>().is_some_and(|a| a.iter().all(Dynamic::is_string)),
        Ty::Map => arg.is_map(),
        Ty::Function => arg.is_fnptr(),
        Ty::Options(keys) => {
            let Some(map) = arg.read_lock::<Map>() else { return Err(mismatch(param, arg, what)) };
            return check_options(keys, &map, what);
        }
        Ty::Value(name) => super::engine::type_name(arg) == name,
    };
    if fits { Ok(()) } else { Err(mismatch(param, arg, what)) }
}

/// A word that is none of those a parameter takes.
pub fn no_choice(words: &[&str], word: &str, what: &str) -> Error {
    let e = Error::new(ErrorKind::Argument, format!("{what} is not \"{word}\""));
    match nearest(word, words.iter().copied()) {
        Some(near) => e.help(format!("did you mean \"{near}\"?")),
        None => e.help(format!("it is one of \"{}\"", words.join("\", \""))),
    }
}

fn mismatch(param: &Param, arg: &Dynamic, what: &dyn Fn() -> String) -> Error {
    Error::new(
        ErrorKind::Argument,
        format!("{} must be {}, not {}", what(), with_article(param.ty.name()), describe(arg)),
    )
    .help(param.doc)
}

fn describe(arg: &Dynamic) -> String {
    match super::engine::type_name(arg) {
        "()" => "()".into(),
        name => with_article(name),
    }
}

/// `a string`, `an integer`.
pub fn with_article(name: &str) -> String {
    let vowel = name.starts_with(|c: char| "aeiouAEIOU".contains(c));
    format!("{} {name}", if vowel { "an" } else { "a" })
}

fn check_options(keys: &'static [Param], map: &Map, what: &dyn Fn() -> String) -> Result<()> {
    for (key, value) in map {
        let Some(param) = keys.iter().find(|p| p.name == key.as_str()) else {
            let e = Error::new(ErrorKind::Argument, format!("{} has no key `{key}`", what()));
            let names: Vec<&str> = keys.iter().map(|p| p.name).collect();
            return Err(match nearest(key, names.iter().copied()) {
                Some(name) => e.help(format!("did you mean `{name}`?")),
                None => e.help(format!("its keys are {}", names.join(", "))),
            });
        };
        check_one(param, value, &|| format!("key `{key}` of {}", what()))?;
    }
    match keys.iter().find(|p| p.required && !map.contains_key(p.name)) {
        Some(p) => {
            Err(Error::new(ErrorKind::Argument, format!("{} needs the key `{}`", what(), p.name)).help(p.doc))
        }
        None => Ok(()),
    }
}

/// Options of a call, checked.
#[derive(Clone, Debug, Default)]
pub struct Options(Map);

impl Options {
    /// A key's value, `None` where it was left out.
    pub fn get(&self, key: &str) -> Option<&Dynamic> {
        self.0.get(key).filter(|v| !v.is_unit())
    }

    /// A string.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|v| v.to_string())
    }

    /// A flag, `false` where it was left out.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|v| v.as_bool().ok()).unwrap_or(false)
    }

    /// An integer.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(|v| v.as_int().ok())
    }

    /// A duration.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.get(key).and_then(span::read).and_then(Result::ok)
    }

    /// A closure.
    pub fn function(&self, key: &str) -> Option<FnPtr> {
        self.get(key).and_then(|v| v.clone().try_cast())
    }

    /// A list of strings, empty where it was left out.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).map(texts).unwrap_or_default()
    }
}

fn texts(value: &Dynamic) -> Vec<String> {
    value.read_lock::<Array>().map(|a| a.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

impl Call<'_> {
    /// A string argument, empty where it was left out.
    pub fn text(&self, n: usize) -> String {
        self.arg(n).and_then(|a| a.clone().try_cast::<ImmutableString>()).unwrap_or_default().to_string()
    }

    /// An integer argument.
    pub fn integer(&self, n: usize) -> Option<i64> {
        self.arg(n).and_then(|a| a.as_int().ok())
    }

    /// A truth value, `false` where it was left out.
    pub fn flag(&self, n: usize) -> bool {
        self.arg(n).and_then(|a| a.as_bool().ok()).unwrap_or(false)
    }

    /// A duration argument.
    pub fn duration(&self, n: usize) -> Option<Duration> {
        self.arg(n).and_then(span::read).and_then(Result::ok)
    }

    /// A closure argument.
    pub fn function(&self, n: usize) -> Result<FnPtr> {
        self.arg(n).and_then(|a| a.clone().try_cast()).ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("{} needs a closure", self.primitive.signature()))
        })
    }

    /// A list of strings, empty where it was left out.
    pub fn texts(&self, n: usize) -> Vec<String> {
        self.arg(n).map(texts).unwrap_or_default()
    }

    /// A map argument, empty where it was left out.
    pub fn map(&self, n: usize) -> Map {
        self.arg(n).and_then(|a| a.clone().try_cast()).unwrap_or_default()
    }

    /// An options argument, empty where it was left out.
    pub fn options(&self, n: usize) -> Options {
        Options(self.map(n))
    }
}
