//! What primitives reach: the run, the site, the runtime, and the engine that closures run on.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rhai::{Engine, Scope};
use tokio::runtime::Handle;

use crate::base::{Error, ErrorKind, Result};
use crate::run::{Mode, Run};

use super::handles::SiteHandle;
use super::modules::Library;
use super::mutate::trial::Trial;
use super::overrides::Overrides;
use super::primitives::doubt::Looker;

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
    /// What is bounded and noted of a run that is only tried.
    trial: OnceLock<Arc<Trial>>,
    /// Stands for this machine's files in a rehearsal.
    scratch: OnceLock<tempfile::TempDir>,
    /// The files that this run has written or found to be what it wanted to write.
    written: Mutex<BTreeSet<PathBuf>>,
}

impl Host {
    /// A host for a run.
    pub fn new(run: Run, site: SiteHandle, library: Arc<Library>, runtime: Handle) -> Arc<Self> {
        let (overrides, engine, scratch) = (Overrides::default(), OnceLock::new(), OnceLock::new());
        let overlaying = AtomicBool::new(false);
        let (written, trial) = (Mutex::default(), OnceLock::new());
        let host = Arc::new(Host {
            run,
            site,
            library,
            overrides,
            overlaying,
            runtime,
            engine,
            trial,
            scratch,
            written,
        });
        host.run.set_witness(Looker::of(&host));
        host
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

    /// Makes the run one that is only tried: before its scripts are compiled.
    pub fn set_trial(&self, trial: Arc<Trial>) {
        let _ = self.trial.set(trial);
    }

    /// What the run is tried for, where it is.
    pub(super) fn trial(&self) -> Option<&Arc<Trial>> {
        self.trial.get()
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

    /// Ends what a script's thread does by itself, where the run was interrupted: work that goes through much asks
    /// again and again.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`].
    pub fn not_interrupted(&self) -> Result<()> {
        match self.run.cancel().is_cancelled() {
            true => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
            false => Ok(()),
        }
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

    /// A file of this machine, by its path in full or below `~/`. A rehearsal has files of its own, which go
    /// with it: it reads and writes none of the operator's.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a relative path: the working directory decides nothing.
    pub fn file(&self, path: &str) -> Result<PathBuf> {
        let full = in_full(path).ok_or_else(|| {
            Error::new(ErrorKind::Argument, format!("`{path}` is no path in full"))
                .help("write it from the root, or from `~/`: the working directory decides nothing")
        })?;
        if self.run.mode() != Mode::Rehearse {
            return Ok(full);
        }
        let wrong = |e: std::io::Error| {
            Error::new(ErrorKind::Io, "there is no room for the files of a rehearsal").from_source(&e)
        };
        let scratch = match self.scratch.get() {
            Some(scratch) => scratch,
            None => {
                let made = tempfile::Builder::new().prefix("rhumb-rehearsal-").tempdir().map_err(wrong)?;
                self.scratch.get_or_init(|| made)
            }
        };
        // what an earlier call gave back is a path of the rehearsal's already
        if full.starts_with(scratch.path()) && !full.components().any(|part| part == Component::ParentDir) {
            return Ok(full);
        }
        let inside = full.components().filter(|part| matches!(part, Component::Normal(_)));
        // nothing is made in advance: a directory that is missing on the machine is missing here
        Ok(scratch.path().join(inside.collect::<PathBuf>()))
    }

    /// A file of this machine that a script may read: one that a value of the site names, one below a directory
    /// that the site file declares, or one that this run has written. In a rehearsal all are its own.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] for any other, whether it is there or not; those of [`Host::file`].
    pub fn readable(&self, path: &str) -> Result<PathBuf> {
        let full = self.file(path)?;
        let site = self.site.site();
        let is_named = || site.values().paths().filter_map(in_full).any(|named| named == full);
        let is_own = || self.written().contains(&full) || self.run.wrote_before(&full);
        if self.run.mode() == Mode::Rehearse || is_own() || is_named() {
            return Ok(full);
        }
        // no link leads out of a declared directory
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let plain = !full.components().any(|part| part == Component::ParentDir);
        if plain && site.run.read_below.iter().any(|below| real(&full).starts_with(real(below))) {
            return Ok(full);
        }
        let what = format!("{} is no file that runbooks of this site may read", full.display());
        Err(Error::new(ErrorKind::Refused, what).help(
            "declare its directory in site.toml: [run] read_below = [\"/srv/images\"]; a file that a value of type `path` names, or that the run wrote, needs no declaration",
        ))
    }

    /// Remembers a file that this run has written: it may read it.
    pub fn wrote(&self, path: &Path) {
        self.written().insert(path.to_path_buf());
    }

    fn written(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The variables that every script sees.
    pub fn globals(&self) -> Scope<'static> {
        let mut scope = Scope::new();
        scope.push_constant("site", self.site.clone());
        scope
    }
}

/// A path as scripts and values write it, in full; none where the working directory would decide.
fn in_full(path: &str) -> Option<PathBuf> {
    let full = match path.strip_prefix("~/") {
        Some(below) => std::env::home_dir()?.join(below),
        None => PathBuf::from(path),
    };
    full.is_absolute().then_some(full)
}
