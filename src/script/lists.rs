//! `sort`, `order` and `dedup` with a closure, as Rhai has them but for one thing: an error of the closure is an error of the call.
//! Rhai's own ones go on with any order, as if nothing had happened.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Module, NativeCallContext};

use super::engine::type_name;
use super::later;
use super::thrown::Thrown;
use crate::base::{Error, ErrorKind};

/// Puts them in the place of Rhai's.
pub fn register(engine: &mut Engine) {
    let mut module = Module::new();
    let params = ["list: &mut Array", "compare: FnPtr"];
    for name in ["sort", "sort_by"] {
        FuncRegistration::new(name).with_params_info(params).set_into_module(&mut module, sort);
    }
    for name in ["order", "order_by"] {
        FuncRegistration::new(name).with_params_info(params).set_into_module(&mut module, ordered);
    }
    FuncRegistration::new("dedup")
        .with_params_info(["list: &mut Array", "same: FnPtr"])
        .set_into_module(&mut module, dedup);
    engine.register_global_module(module.into());
}

type Done<T> = Result<T, Box<EvalAltResult>>;

fn sort(context: NativeCallContext<'_>, list: &mut Array, compare: FnPtr) -> Done<()> {
    *list = ordered(context, list, compare)?;
    Ok(())
}

fn ordered(context: NativeCallContext<'_>, list: &mut Array, compare: FnPtr) -> Done<Array> {
    let mut order = |a: &Dynamic, b: &Dynamic| {
        let answer = later::call(&context, &compare, (a.clone(), b.clone()))?;
        match (answer.as_int(), answer.as_bool()) {
            (Ok(n), _) => Ok(n.cmp(&0)),
            (_, Ok(true)) => Ok(Ordering::Less),
            (_, Ok(false)) => Ok(Ordering::Greater),
            _ => Err(wrong("sort", "a number or true or false", &answer)),
        }
    };
    Ok(merged(list.clone(), &mut order)?)
}

/// A list in order; equals stay as they were.
fn merged(
    mut left: Array,
    order: &mut impl FnMut(&Dynamic, &Dynamic) -> Result<Ordering, Thrown>,
) -> Result<Array, Thrown> {
    if left.len() < 2 {
        return Ok(left);
    }
    let right = left.split_off(left.len() / 2);
    let (left, right) = (merged(left, order)?, merged(right, order)?);
    let mut sorted = Array::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if order(a, b)? == Ordering::Greater { right.next() } else { left.next() };
        sorted.extend(next);
    }
    sorted.extend(left.chain(right));
    Ok(sorted)
}

fn dedup(context: NativeCallContext<'_>, list: &mut Array, same: FnPtr) -> Done<()> {
    let mut kept = Array::with_capacity(list.len());
    for item in list.iter() {
        if let Some(before) = kept.last() {
            let answer = later::call(&context, &same, (before.clone(), item.clone()))?;
            if answer.as_bool().map_err(|_| wrong("dedup", "true or false", &answer))? {
                continue;
            }
        }
        kept.push(item.clone());
    }
    *list = kept;
    Ok(())
}

fn wrong(name: &str, wanted: &str, got: &Dynamic) -> Thrown {
    let what = format!("the closure of `{name}` must give {wanted}, not a {}", type_name(got));
    Error::new(ErrorKind::Argument, what).into()
}
