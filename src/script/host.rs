//! What primitives reach: the run, the site, the runtime, and the engine that closures run on.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use rhai::{Engine, Scope};
use tokio::runtime::Handle;

use crate::base::{Error, ErrorKind, Result};
use crate::run::Run;

use super::handles::SiteHandle;
use super::modules::Library;
use super::overrides::Overrides;

/// The host of one run.
pub struct Host {
    /// The run.
    pub run: Run,
    /// The site's handles and values, as scripts see them.
    pub site: SiteHandle,
    /// Where texts come from.
    pub library: Arc<Library>,
    /// What the site changes in the runbook's steps.
    pub overrides: Overrides,
    overlaying: AtomicBool,
    runtime: Handle,
    engine: OnceLock<Weak<Engine>>,
}

impl Host {
    /// A host for a run.
    pub fn new(run: Run, site: SiteHandle, library: Arc<Library>, runtime: Handle) -> Arc<Self> {
        let (overrides, engine) = (Overrides::default(), OnceLock::new());
        Arc::new(Host { run, site, library, overrides, overlaying: AtomicBool::new(false), runtime, engine })
    }

    /// Whether a site's overrides are being read: the only time they can be given.
    pub fn overlaying(&self) -> bool {
        self.overlaying.load(Ordering::Relaxed)
    }

    /// Does something during which overrides can be given.
    pub fn overlay<T>(&self, work: impl FnOnce() -> T) -> T {
        self.overlaying.store(true, Ordering::Relaxed);
        let value = work();
        self.overlaying.store(false, Ordering::Relaxed);
        value
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
