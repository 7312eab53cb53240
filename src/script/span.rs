//! Durations in scripts: `30.s`, `20.min`, `"1h 5m"`; sizes are integers: `1024.MiB`.

use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};

use super::thrown::Thrown;
use crate::base::{Error, ErrorKind, duration};

/// A duration as scripts have it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Span(pub Duration);

type Fallible<T> = Result<T, Box<EvalAltResult>>;

const UNITS: &[(&str, f64)] = &[("ms", 0.001), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("days", 86_400.0)];
const SIZES: &[(&str, i64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Whether integers have a field of this name that makes a duration of them: `30.s`.
pub fn is_unit_of_time(name: &str) -> bool {
    UNITS.iter().any(|(unit, _)| *unit == name)
}

/// Whether integers have a field of this name that makes bytes of them: `1024.MiB`.
pub fn is_unit_of_size(name: &str) -> bool {
    SIZES.iter().any(|(unit, _)| *unit == name)
}

fn of(seconds: f64) -> Fallible<Span> {
    Duration::try_from_secs_f64(seconds).map(Span).map_err(|_| {
        let e = Error::new(ErrorKind::Argument, format!("{seconds} s is not a duration"));
        Thrown::from(e.help("durations are not negative")).into()
    })
}

/// A script's value as a duration: a [`Span`], or a string such as `"30s"`.
pub fn read(value: &Dynamic) -> Option<Result<Duration, Error>> {
    if let Some(Span(d)) = value.clone().try_cast::<Span>() {
        return Some(Ok(d));
    }
    value.clone().try_cast::<ImmutableString>().map(|text| duration::parse(&text))
}

/// Registers durations, their operators, and sizes.
pub fn register(engine: &mut Engine) {
    for (unit, seconds) in UNITS {
        let seconds = *seconds;
        engine.register_get(*unit, move |n: &mut i64| of(*n as f64 * seconds));
        engine.register_get(*unit, move |n: &mut f64| of(*n * seconds));
    }
    for (unit, bytes) in SIZES {
        let bytes = *bytes;
        engine.register_get(*unit, move |n: &mut i64| -> Fallible<i64> {
            n.checked_mul(bytes).ok_or_else(|| {
                Thrown::from(Error::new(ErrorKind::Argument, format!("{n} is too large a size"))).into()
            })
        });
    }
    engine
        .register_type_with_name::<Span>("Duration")
        .register_fn("to_string", |s: &mut Span| duration::show(s.0))
        .register_fn("to_debug", |s: &mut Span| duration::show(s.0))
        .register_get("seconds", |s: &mut Span| s.0.as_secs_f64())
        .register_fn("==", |a: Span, b: Span| a == b)
        .register_fn("!=", |a: Span, b: Span| a != b)
        .register_fn("<", |a: Span, b: Span| a < b)
        .register_fn("<=", |a: Span, b: Span| a <= b)
        .register_fn(">", |a: Span, b: Span| a > b)
        .register_fn(">=", |a: Span, b: Span| a >= b)
        .register_fn("+", |a: Span, b: Span| of(a.0.as_secs_f64() + b.0.as_secs_f64()))
        .register_fn("-", |a: Span, b: Span| of(a.0.as_secs_f64() - b.0.as_secs_f64()))
        .register_fn("*", |a: Span, n: i64| of(a.0.as_secs_f64() * n as f64))
        .register_fn("*", |n: i64, a: Span| of(a.0.as_secs_f64() * n as f64));
}
