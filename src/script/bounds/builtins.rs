//! Built-ins of the language that go through a whole value in one operation: nothing can end them in their middle, so
//! they look first at how much there is to do. What they answer is what Rhai's own answer.
//!
//! One that makes a text of a value does not throw: Rhai would make the text itself then, and it would if the value
//! stayed too large. It ends the script and lets the value go.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FuncRegistration, INT, ImmutableString, Map, NativeCallContext,
    Position,
};

use super::weight::{Excess, Room, weigh};
use crate::base::{Error, ErrorKind, Secret};
use crate::run::readable::CUT;
use crate::run::{Unwind as _, frame};
use crate::script::thrown::Thrown;
use crate::script::value;

/// Most bytes that one operation goes through, and that it makes.
const LARGEST: usize = 16 << 20;
/// Most parts that one operation makes of a string.
const PARTS: usize = 100_000;
/// How deep a value may be that one operation goes through; each level takes some of the stack.
const DEEPEST: usize = 256;

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// Puts them in the place of Rhai's own.
pub fn register(engine: &mut Engine) {
    texts(engine);
    comparisons(engine);
    orders(engine);
    splits(engine);
    replacements(engine);
    paddings(engine);
}

fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.into(), Position::NONE).into()
}

fn refused(excess: Excess) -> Box<EvalAltResult> {
    too_large(match excess {
        Excess::Deep => "Depth of nesting",
        Excess::Large => "Size of the whole value",
    })
}

/// Holds that an operation may go through all of these.
fn fit<'v>(values: impl IntoIterator<Item = &'v Dynamic>) -> Outcome<()> {
    let mut room = Room::new(LARGEST, DEEPEST).without_answers();
    values.into_iter().try_for_each(|value| weigh(value, &mut room)).map_err(refused)
}

fn texts(engine: &mut Engine) {
    for name in ["print", "debug", "to_string", "to_debug"] {
        engine.register_fn(name, |c: NativeCallContext, list: &mut Array| {
            text(fit(&*list), |into| show_list(&c, into, list)).unwrap_or_else(|| {
                list.clear();
                CUT.into()
            })
        });
        engine.register_fn(name, |c: NativeCallContext, map: &mut Map| {
            text(fit(map.values()), |into| show_map(&c, into, map)).unwrap_or_else(|| {
                map.clear();
                CUT.into()
            })
        });
    }
    engine.register_fn("to_json", |map: &mut Map| -> Outcome<Dynamic> {
        fit(map.values())?;
        // what a closure has captured may be this very map
        if map.values().any(holds_closure) {
            let error = Error::new(ErrorKind::Argument, "a closure cannot be written as JSON");
            return Err(Thrown::from(error).into());
        }
        // of a map that holds a secret it is one
        if map.values().any(holds_secret) {
            let body = value::payload(&map.clone().into());
            return Ok(Dynamic::from(Secret::new(body.expose().to_string())));
        }
        let fields: BTreeMap<&str, &Dynamic> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
        Ok(serde_json::to_string(&fields).unwrap_or_else(|_| "ERROR".into()).into())
    });
}

/// Whether a secret is in a value.
fn holds_secret(value: &Dynamic) -> bool {
    if let Some(list) = value.read_lock::<Array>() {
        return list.iter().any(holds_secret);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return map.values().any(holds_secret);
    }
    value.read_lock::<Secret>().is_some()
}

/// Whether a closure is in a value.
fn holds_closure(value: &Dynamic) -> bool {
    if let Some(list) = value.read_lock::<Array>() {
        return list.iter().any(holds_closure);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return map.values().any(holds_closure);
    }
    value.is_fnptr()
}

/// A value as a text; nothing where it does not fit, and then the script ends.
fn text(fits: Outcome<()>, show: impl FnOnce(&mut String) -> Outcome<()>) -> Option<ImmutableString> {
    let mut text = String::new();
    match fits.and_then(|()| show(&mut text)) {
        Ok(()) => Some(text.into()),
        Err(e) => {
            frame::meet_error(&Thrown(e).error());
            None
        }
    }
}

fn show(c: &NativeCallContext<'_>, into: &mut String, value: &Dynamic) -> Outcome<()> {
    if into.len() > LARGEST {
        return Err(too_large("Length of string"));
    }
    if let Some(list) = value.read_lock::<Array>() {
        return show_list(c, into, &list);
    }
    if let Some(map) = value.read_lock::<Map>() {
        return show_map(c, into, &map);
    }
    match c.call_native_fn_raw("to_debug", true, &mut [&mut value.clone()]) {
        Ok(text) if text.is_string() => into.push_str(&text.into_immutable_string().unwrap_or_default()),
        Ok(other) => into.push_str(c.engine().map_type_name(other.type_name())),
        Err(_) => into.push_str(c.engine().map_type_name(&format!("{value:?}"))),
    }
    Ok(())
}

fn show_list(c: &NativeCallContext<'_>, into: &mut String, list: &Array) -> Outcome<()> {
    into.push('[');
    for (n, value) in list.iter().enumerate() {
        into.push_str(if n == 0 { "" } else { ", " });
        show(c, into, value)?;
    }
    into.push(']');
    Ok(())
}

fn show_map(c: &NativeCallContext<'_>, into: &mut String, map: &Map) -> Outcome<()> {
    into.push_str("#{");
    for (n, (key, value)) in map.iter().enumerate() {
        let _ = write!(into, "{}{key:?}: ", if n == 0 { "" } else { ", " });
        show(c, into, value)?;
    }
    into.push('}');
    Ok(())
}

fn comparisons(engine: &mut Engine) {
    for (name, wanted) in [("==", true), ("!=", false)] {
        engine.register_fn(name, move |c: NativeCallContext, a: &mut Array, b: Array| -> Outcome<bool> {
            fit(&*a)?;
            fit(&b)?;
            Ok(same_lists(&c, a, &b)? == wanted)
        });
        engine.register_fn(name, move |c: NativeCallContext, a: &mut Map, b: Map| -> Outcome<bool> {
            fit(a.values())?;
            fit(b.values())?;
            Ok(same_maps(&c, a, &b)? == wanted)
        });
    }
    engine.register_fn(
        "contains",
        |c: NativeCallContext, list: &mut Array, value: Dynamic| -> Outcome<bool> {
            Ok(position(&c, list, &value, 0)?.is_some())
        },
    );
    let index = |n: Option<usize>| n.and_then(|n| INT::try_from(n).ok()).unwrap_or(-1);
    engine.register_fn(
        "index_of",
        move |c: NativeCallContext, list: &mut Array, value: Dynamic| -> Outcome<INT> {
            Ok(index(position(&c, list, &value, 0)?))
        },
    );
    engine.register_fn(
        "index_of",
        move |c: NativeCallContext, list: &mut Array, value: Dynamic, start: INT| -> Outcome<INT> {
            // one below 0 counts from the end
            let from = usize::try_from(start)
                .ok()
                .or_else(|| Some(list.len().saturating_sub(usize::try_from(start.unsigned_abs()).ok()?)));
            Ok(index(position(&c, list, &value, from.unwrap_or(0))?))
        },
    );
    let dedup = |c: NativeCallContext, list: &mut Array| -> Outcome<()> {
        fit(&*list)?;
        list.dedup_by(|b, a| same(&c, a, b).unwrap_or(false));
        Ok(())
    };
    FuncRegistration::new("dedup").with_purity(false).register_into_engine(engine, dedup);
}

/// Whether `==` of the script says that two values are the same.
fn same(c: &NativeCallContext<'_>, a: &Dynamic, b: &Dynamic) -> Outcome<bool> {
    if let (Some(a), Some(b)) = (a.read_lock::<Array>(), b.read_lock::<Array>()) {
        return same_lists(c, &a, &b);
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Map>(), b.read_lock::<Map>()) {
        return same_maps(c, &a, &b);
    }
    match c.call_native_fn_raw("==", true, &mut [&mut a.clone(), &mut b.clone()]) {
        Ok(same) => Ok(same.as_bool().unwrap_or(false)),
        // values of two types that nobody compares differ
        Err(e) => match &*e {
            EvalAltResult::ErrorFunctionNotFound(name, _)
                if name.starts_with("==") && a.type_id() != b.type_id() =>
            {
                Ok(false)
            }
            _ => Err(e),
        },
    }
}

fn same_lists(c: &NativeCallContext<'_>, a: &Array, b: &Array) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !same(c, a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_maps(c: &NativeCallContext<'_>, a: &Map, b: &Map) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (key, a) in a {
        match b.get(key) {
            Some(b) if same(c, a, b)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Where a value is in a list, from a place on.
fn position(c: &NativeCallContext<'_>, list: &Array, value: &Dynamic, from: usize) -> Outcome<Option<usize>> {
    fit(list)?;
    fit([value])?;
    for (n, item) in list.iter().enumerate().skip(from) {
        if same(c, item, value)? {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

fn orders(engine: &mut Engine) {
    for (name, in_place, falling) in [
        ("sort", true, false),
        ("sort_desc", true, true),
        ("order", false, false),
        ("order_desc", false, true),
    ] {
        let arrange = move |list: &mut Array| -> Outcome<()> {
            fit(&*list)?;
            sort(list, falling)
        };
        if in_place {
            FuncRegistration::new(name).with_purity(false).register_into_engine(engine, arrange);
        } else {
            engine.register_fn(name, move |list: &mut Array| -> Outcome<Array> {
                let mut list = list.clone();
                arrange(&mut list)?;
                Ok(list)
            });
        }
    }
}

/// Sorts values of one type; of another type than these nobody knows the order.
fn sort(list: &mut Array, falling: bool) -> Outcome<()> {
    fn by<T>(list: &mut Array, falling: bool, order: impl Fn(&T, &T) -> Ordering) -> bool
    where
        T: Clone + 'static,
    {
        let Some(mut keyed) = list
            .iter()
            .map(|value| value.clone().try_cast::<T>().map(|key| (key, value.clone())))
            .collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        keyed.sort_by(|(a, _), (b, _)| if falling { order(b, a) } else { order(a, b) });
        *list = keyed.into_iter().map(|(_, value)| value).collect();
        true
    }
    let [first, others @ ..] = &list[..] else { return Ok(()) };
    let unknown = |what: String| EvalAltResult::ErrorFunctionNotFound(what, Position::NONE).into();
    if others.iter().any(|other| other.type_id() != first.type_id()) {
        return Err(unknown("elements of different types cannot be sorted".into()));
    }
    if others.is_empty() || first.is_unit() {
        return Ok(());
    }
    let what = format!("elements of {} cannot be sorted", first.type_name());
    let sorted = by::<INT>(list, falling, INT::cmp)
        || by::<ImmutableString>(list, falling, |a, b| a.as_str().cmp(b.as_str()))
        || by::<f64>(list, falling, |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal))
        || by::<char>(list, falling, char::cmp)
        || by::<bool>(list, falling, bool::cmp);
    if sorted { Ok(()) } else { Err(unknown(what)) }
}

fn splits(engine: &mut Engine) {
    engine.register_fn("to_chars", |text: &mut ImmutableString| parts(text.chars()));
    engine.register_fn("split", |text: &mut ImmutableString| match text.is_empty() {
        true => Ok(vec![text.clone().into()]),
        false => parts(text.split_whitespace()),
    });
    // a character is a text of one character
    for (name, from_behind) in [("split", false), ("split_rev", true)] {
        let cut = move |text: &ImmutableString, at: &str, most: INT| -> Outcome<Array> {
            let most = usize::try_from(most).unwrap_or(0);
            match (most > 1 && !text.is_empty(), from_behind) {
                (false, _) => Ok(vec![text.clone().into()]),
                (true, false) => parts(text.splitn(most, at)),
                (true, true) => parts(text.rsplitn(most, at)),
            }
        };
        engine
            .register_fn(name, move |text: &mut ImmutableString, at: ImmutableString| {
                cut(text, &at, INT::MAX)
            })
            .register_fn(name, move |text: &mut ImmutableString, at: char| {
                cut(text, at.encode_utf8(&mut [0; 4]), INT::MAX)
            })
            .register_fn(name, move |text: &mut ImmutableString, at: ImmutableString, most: INT| {
                cut(text, &at, most)
            })
            .register_fn(name, move |text: &mut ImmutableString, at: char, most: INT| {
                cut(text, at.encode_utf8(&mut [0; 4]), most)
            });
    }
}

fn parts<T: Into<Dynamic>>(mut parts: impl Iterator<Item = T>) -> Outcome<Array> {
    let list: Array = parts.by_ref().take(PARTS).map(Into::into).collect();
    if parts.next().is_some() { Err(too_large("Size of array/BLOB")) } else { Ok(list) }
}

fn replacements(engine: &mut Engine) {
    fn replace(text: &mut ImmutableString, old: &str, new: &str) -> Outcome<()> {
        // counted no further than there is room for what they grow by
        let grows = new.len().saturating_sub(old.len());
        let room = LARGEST.saturating_sub(text.len()).checked_div(grows).unwrap_or(usize::MAX);
        if grows > 0 && text.matches(old).nth(room).is_some() {
            return Err(too_large("Length of string"));
        }
        // of an empty text Rhai replaces nothing, not even nothing
        if !text.is_empty() {
            *text = text.replace(old, new).into();
        }
        Ok(())
    }
    type Text = ImmutableString;
    let register = || FuncRegistration::new("replace").with_purity(false);
    register()
        .register_into_engine(engine, |text: &mut Text, old: Text, new: Text| replace(text, &old, &new));
    register().register_into_engine(engine, |text: &mut Text, old: Text, new: char| {
        replace(text, &old, new.encode_utf8(&mut [0; 4]))
    });
    register().register_into_engine(engine, |text: &mut Text, old: char, new: Text| {
        replace(text, old.encode_utf8(&mut [0; 4]), &new)
    });
    register().register_into_engine(engine, |text: &mut Text, old: char, new: char| {
        replace(text, old.encode_utf8(&mut [0; 4]), new.encode_utf8(&mut [0; 4]))
    });
}

fn paddings(engine: &mut Engine) {
    fn pad(text: &mut ImmutableString, to: INT, with: &str) -> Outcome<()> {
        let (to, has) = (usize::try_from(to).unwrap_or(0), text.chars().count());
        let Some(missing) = to.checked_sub(has).filter(|_| !with.is_empty()) else { return Ok(()) };
        let each = with.chars().count();
        let (times, rest) = (missing / each, with.chars().take(missing % each).collect::<String>());
        if times.saturating_mul(with.len()).saturating_add(text.len() + rest.len()) > LARGEST {
            return Err(too_large("Length of string"));
        }
        *text = format!("{text}{}{rest}", with.repeat(times)).into();
        Ok(())
    }
    let register = || FuncRegistration::new("pad").with_purity(false);
    register().register_into_engine(engine, |text: &mut ImmutableString, to: INT, with: ImmutableString| {
        pad(text, to, &with)
    });
    register().register_into_engine(engine, |text: &mut ImmutableString, to: INT, with: char| {
        pad(text, to, with.encode_utf8(&mut [0; 4]))
    });
}
