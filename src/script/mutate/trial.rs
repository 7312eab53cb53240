//! What a host bounds and takes note of where it plays a mutant, or looks what a test comes through.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::Engine;

use super::marks::MARK;

/// One run that is tried.
#[derive(Debug)]
pub struct Trial {
    operations: u64,
    reached: Mutex<BTreeSet<i64>>,
}

impl Trial {
    /// A trial whose scripts may take so many operations.
    pub fn new(operations: u64) -> Arc<Self> {
        Arc::new(Trial { operations, reached: Mutex::default() })
    }

    /// The marks that were come through.
    pub fn reached(&self) -> BTreeSet<i64> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives an engine the bound and the mark.
    pub fn bind(self: &Arc<Self>, engine: &mut Engine) {
        engine.set_max_operations(self.operations);
        let trial = self.clone();
        engine.register_fn(MARK, move |mark: i64| {
            trial.reached.lock().unwrap_or_else(PoisonError::into_inner).insert(mark);
        });
    }
}
