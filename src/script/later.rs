//! Calling a closure after the primitive that took it has returned, or on another thread.

#![allow(deprecated, reason = "Rhai marks stored contexts as volatile; nothing else outlives a call")]

use rhai::{Dynamic, Engine, FnPtr, NativeCallContext, NativeCallContextStore};

use super::thrown::Thrown;
use crate::run::{Unwind, frame};

/// The context that a closure was handed over in.
pub struct Later(NativeCallContextStore);

impl Later {
    /// Keeps a call's context.
    pub fn keep(context: &NativeCallContext<'_>) -> Self {
        Later(context.store_data())
    }

    /// Calls a closure in it.
    pub fn call(&self, engine: &Engine, function: &FnPtr) -> Result<Dynamic, Thrown> {
        self.call_with(engine, function, ())
    }

    /// Calls a closure in it, with arguments.
    pub fn call_with(
        &self,
        engine: &Engine,
        function: &FnPtr,
        args: impl rhai::FuncArgs,
    ) -> Result<Dynamic, Thrown> {
        let context = self.0.create_context(engine);
        call(&context, function, args)
    }
}

/// Calls a closure. One that returns although its step has met its end has not returned.
pub fn call(
    context: &NativeCallContext<'_>,
    function: &FnPtr,
    args: impl rhai::FuncArgs,
) -> Result<Dynamic, Thrown> {
    let value = function.call_within_context::<Dynamic>(context, args).map_err(Thrown)?;
    match frame::is_over() {
        true => Err(Thrown::stopped()),
        false => Ok(value),
    }
}
