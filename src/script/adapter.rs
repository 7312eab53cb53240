//! The one adapter between a descriptor and Rhai: it checks where the primitive may be called and
//! its arguments' types, runs it, and gives what it throws to Rhai.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{
    Dynamic, Engine, EvalAltResult, FLOAT, FuncRegistration, INT, ImmutableString, Module, NativeCallContext,
    RhaiFunc, Shared,
};

use super::arguments;
use super::bounds;
use super::host::Host;
use super::later;
use super::primitive::{On, Primitive};
use super::thrown::Thrown;
use crate::base::{Error, ErrorKind, Place, caught};
use crate::run::frame;

/// A call of a primitive, its arguments checked.
pub struct Call<'a> {
    /// What the primitive reaches.
    pub host: &'a Arc<Host>,
    /// Rhai's own context, to call closures in.
    pub context: NativeCallContext<'a>,
    /// The primitive called.
    pub primitive: &'static Primitive,
    receiver: Option<Dynamic>,
    args: Vec<Dynamic>,
}

impl<'a> Call<'a> {
    /// What it was called on; the adapter has checked the type.
    pub fn receiver<T: Clone + 'static>(&self) -> Result<T, Error> {
        self.receiver.clone().and_then(Dynamic::try_cast::<T>).ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("`{}` was called on another type", self.primitive.path()))
        })
    }

    /// The argument at a place, `None` where it was left out.
    pub fn arg(&self, n: usize) -> Option<&Dynamic> {
        self.args.get(n).filter(|a| !a.is_unit())
    }

    /// Where it stands, in the compiled text.
    pub fn place(&self) -> Place {
        let position = self.context.call_position();
        let source = self.context.fn_source().or(self.context.global_runtime_state().source());
        Place {
            file: source.unwrap_or_default().to_string(),
            line: position.line().unwrap_or(0),
            column: position.position().unwrap_or(0),
        }
    }

    /// Calls a closure of the script.
    pub fn call(&self, function: &rhai::FnPtr, args: impl rhai::FuncArgs) -> Result<Dynamic, Thrown> {
        later::call(&self.context, function, args)
    }
}

/// The types that primitives are called on, by their names in scripts.
pub type TypeIds = BTreeMap<&'static str, TypeId>;

/// Binds primitives to an engine.
pub fn bind(engine: &mut Engine, host: &Arc<Host>, all: &[&'static Primitive], types: &TypeIds) {
    let mut modules: BTreeMap<&'static str, Module> = BTreeMap::new();
    for &primitive in all {
        for arity in primitive.arity() {
            let host = host.clone();
            let mut ids = vec![TypeId::of::<Dynamic>(); arity];
            let body = move |context: NativeCallContext<'_>,
                             args: &mut [&mut Dynamic]|
                  -> Result<Dynamic, Box<EvalAltResult>> {
                invoke(&host, primitive, context, args).map_err(Into::into)
            };
            match primitive.on {
                On::Global => {
                    // a function of the very types comes before one of any: Rhai's own `parse_json` and `sleep`
                    if arity == 1 {
                        for id in
                            [TypeId::of::<ImmutableString>(), TypeId::of::<INT>(), TypeId::of::<FLOAT>()]
                        {
                            engine.register_raw_fn(primitive.name, [id], body.clone());
                        }
                    }
                    engine.register_raw_fn(primitive.name, ids, body);
                }
                On::Module(name) => {
                    let func = RhaiFunc::Method {
                        func: Shared::new(
                            move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
                                match context {
                                    Some(context) => body(context, args),
                                    None => Err(Thrown::from(Error::new(
                                        ErrorKind::Internal,
                                        "a call without a context",
                                    ))
                                    .into()),
                                }
                            },
                        ),
                        has_context: true,
                        is_pure: true,
                        is_volatile: true,
                    };
                    FuncRegistration::new(primitive.name).set_into_module_raw(
                        modules.entry(name).or_default(),
                        ids,
                        func,
                    );
                }
                On::Type(name) => {
                    let Some(id) = types.get(name) else { continue };
                    ids.insert(0, *id);
                    engine.register_raw_fn(primitive.name, ids, body);
                }
            }
        }
    }
    for (name, module) in modules {
        engine.register_static_module(name, module.into());
    }
}

fn invoke(
    host: &Arc<Host>,
    primitive: &'static Primitive,
    context: NativeCallContext<'_>,
    args: &mut [&mut Dynamic],
) -> Result<Dynamic, Thrown> {
    let mut args: Vec<Dynamic> = args.iter().map(|a| a.flatten_clone()).collect();
    let receiver = matches!(primitive.on, On::Type(_)).then(|| args.remove(0));
    let args = arguments::spread(primitive, args.into_iter());
    let args: Vec<Dynamic> = args.into_iter().map(|a| a.unwrap_or(Dynamic::UNIT)).collect();
    arguments::check(primitive, &args)?;
    for (param, arg) in primitive.params.iter().zip(&args) {
        bounds::check(arg, || format!("`{}` in {}", param.name, primitive.signature()))?;
    }
    if !primitive.only_shows() {
        args.iter().try_for_each(|arg| arguments::refuse_printed(primitive, arg))?;
    }
    if primitive.effect.needs_step() {
        host.run.require_step(&format!("`{}`", primitive.path()))?;
    }
    let mut call = Call { host, context, primitive, receiver, args };
    caught(|| (primitive.body)(&mut call)).inspect_err(|thrown| {
        // a script that swallows it loses the way that led to it: its frame learns where it was
        if let Some(error) = thrown.fault() {
            let Place { file, line, column } = call.place();
            frame::meet_error(&error.place(file, line, column));
        }
    })
}
