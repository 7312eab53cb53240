//! What primitives reach: the run, the site, the runtime, and the engine that closures run on.

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};

use rhai::{Engine, Scope};
use tokio::runtime::Handle;

use crate::base::{Error, ErrorKind, Result};
use crate::run::Run;

use super::primitives::SiteHandle;

/// The host of one run.
pub struct Host {
    /// The run.
    pub run: Run,
    /// The site's handles and values, as scripts see them.
    pub site: SiteHandle,
    runtime: Handle,
    engine: OnceLock<Weak<Engine>>,
}

impl Host {
    /// A host for a run.
    pub fn new(run: Run, site: SiteHandle, runtime: Handle) -> Arc<Self> {
        Arc::new(Host { run, site, runtime, engine: OnceLock::new() })
    }

    /// Gives the host its engine, for closures that are called later.
    pub fn set_engine(&self, engine: &Arc<Engine>) {
        let _ = self.engine.set(Arc::downgrade(engine));
    }

    /// The engine.
    pub fn engine(&self) -> Result<Arc<Engine>> {
        self.engine
            .get()
            .and_then(Weak::upgrade)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the script engine is gone"))
    }

    /// Waits for a request, from a script's thread. An interruption drops the request at once.
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let token = self.run.cancel().token();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = token.cancelled() => Err(Error::new(ErrorKind::Interrupted, "interrupted in the middle of a request")),
                result = work => result,
            }
        })
    }

    /// The variables that every script sees.
    pub fn globals(&self) -> Scope<'static> {
        let mut scope = Scope::new();
        scope.push_constant("site", self.site.clone());
        scope
    }
}
