//! The engine: Rhai with its limits set explicitly, the words of the clouds freed, and no way to
//! sleep or to read the clock past the run.

use std::sync::Arc;

use rhai::packages::{
    BasicArrayPackage, BasicBlobPackage, BasicMapPackage, BitFieldPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, EvalAltResult, Position, Token};

use super::adapter;
use super::bounds;
use super::handles::KubeHandle;
use super::host::Host;
use super::lists;
use super::primitives;
use super::span;
use super::thrown::Thrown;
use super::unmade;
use crate::base::{Error, ErrorKind};
use crate::run::frame;

/// Stack of a thread that runs scripts. The limit of call levels must be reached before it is used up, and the deepest
/// value must be let go: a stack overflow ends the process without a word. What is not used takes no memory.
pub const STACK: usize = 256 << 20;

/// How many things lists, and how many maps, may have in a value, those inside of others included.
const SIZE: usize = 100_000;

/// How deep script functions may call each other.
const CALL_LEVELS: usize = 128;

/// How many operations a script may take: a runbook needs thousands, a loop without an end takes this many in
/// well under a minute.
const OPERATIONS: u64 = 200_000_000;

/// Rhai reserves these for itself and lets nobody have them, clouds or not.
const OWN_WORDS: &[&str] = &[
    "eval",
    "Fn",
    "call",
    "curry",
    "is_shared",
    "type_of",
    "print",
    "debug",
    "this",
    "is_def_var",
    "is_def_fn",
];

/// An engine for scripts of one host.
pub fn build(host: &Arc<Host>) -> Engine {
    let mut engine = bare();
    let memory = bounds::Memory::default();
    engine.on_progress(move |_| {
        if let Err(e) = memory.ask() {
            frame::meet_error(&e);
        }
        frame::is_over().then_some(Dynamic::UNIT)
    });
    let (printer, debugger) = (host.clone(), host.clone());
    engine.on_print(move |text| {
        let _ = printer.run.note(text);
    });
    engine.on_debug(move |text, source, position| {
        let _ = debugger.run.note(&format!("{}:{position:?}: {text}", source.unwrap_or("runbook")));
    });
    lend_clusters(&mut engine);
    engine.set_module_resolver(super::modules::Resolver::new(host));
    primitives::register_types(&mut engine);
    adapter::bind(&mut engine, host, &primitives::all(), &primitives::type_ids());
    engine.register_global_module(primitives::site_module(host).into());
    if let Some(trial) = host.trial() {
        trial.bind(&mut engine);
    }
    engine
}

/// Gives a cluster's handle out by value where closures have captured it. Rhai locks a captured variable while a
/// method of it runs, and the closures that `kube.wait(...)` is given naturally ask the same cluster.
fn lend_clusters(engine: &mut Engine) {
    #[allow(deprecated, reason = "Rhai marks it as volatile; nothing else comes before the lock")]
    engine.on_var(|name, _, context| {
        let captured = context.scope().get(name).filter(|value| value.is_shared());
        let kube = captured.and_then(|value| value.read_lock::<KubeHandle>().map(|kube| kube.clone()));
        Ok(kube.map(Dynamic::from))
    });
}

/// The language alone, as the checker needs it too: limits, freed words, durations.
pub fn bare() -> Engine {
    let mut engine = Engine::new_raw();
    // the standard packages without the one that reads the clock
    CorePackage::new().register_into_engine(&mut engine);
    BitFieldPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    rhai::packages::BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicBlobPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);

    engine
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(128, 128)
        .set_max_operations(OPERATIONS)
        .set_max_string_size(16 << 20)
        .set_max_array_size(SIZE)
        .set_max_map_size(SIZE)
        .set_max_variables(10_000)
        .set_max_functions(5_000)
        .set_max_modules(500)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval");
    // `net.shared`, `image.protected`, `#{default: 1}`: field names that the clouds use
    #[allow(deprecated, reason = "Rhai marks it as volatile; there is no other way to free a reserved word")]
    engine.on_parse_token(|token, _, _| freed(token));
    bounds::register(&mut engine);
    lists::register(&mut engine);
    close_exit(&mut engine);
    span::register(&mut engine);
    unmade::register(&mut engine);
    engine
}

/// Rhai's `exit` ends a script from anywhere, as if its last line had come: the steps behind it would be neither run nor missed.
fn close_exit(engine: &mut Engine) {
    let refused = || -> Result<Dynamic, Box<EvalAltResult>> {
        let error =
            Error::new(ErrorKind::Script, "`exit` would leave out the steps behind it, and say nothing");
        Err(Thrown::from(error.help("`skip(reason)` leaves a step, `stop(reason)` ends the run")).into())
    };
    engine.register_fn("exit", refused).register_fn("exit", move |_: Dynamic| refused());
}

/// A word that Rhai reserves and the clouds use is a name.
pub fn freed(token: Token) -> Token {
    match token {
        Token::Reserved(word)
            if word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !OWN_WORDS.contains(&word.as_str()) =>
        {
            Token::Identifier(word)
        }
        other => other,
    }
}

/// A value's type as scripts and messages name it.
pub fn type_name(value: &Dynamic) -> &'static str {
    match value.type_name() {
        "i64" => "integer",
        "f64" => "number",
        "array" => "list",
        "Fn" => "closure",
        other => primitives::TYPE_NAMES
            .iter()
            .find(|(rust, _)| other.ends_with(rust))
            .map_or(other, |(_, name)| name),
    }
}

/// An error at a place of the script.
pub fn at(error: Error, position: Position) -> Box<EvalAltResult> {
    let mut thrown: Box<EvalAltResult> = Thrown::from(error).into();
    thrown.set_position(position);
    thrown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The language counts lists and maps, and goes down into each: so deep can they be nested.
    #[test]
    fn the_stack_has_room_for_the_deepest_value() {
        let work = || {
            let deepest = (0..SIZE * 2).fold(Dynamic::UNIT, |inner, n| match n % 2 {
                0 => Dynamic::from_array(vec![inner]),
                _ => Dynamic::from_map([("x".into(), inner)].into()),
            });
            assert!(bare().ensure_data_size_within_limits(&deepest).is_ok());
            drop(deepest.clone());
        };
        std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
    }
}
