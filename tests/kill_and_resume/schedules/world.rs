//! What outlives the run: the lab, the proxy before it, the journal, and the schedule as far as it was played.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use rhumb::base::{CancellationToken, Clock as _};
use rhumb::lab::{Rehearsal, Scenario};
use rhumb::run::Record;
use rhumb::run::journal::{self, FILE};
use rhumb::site::Site;
use tokio::runtime::{Handle, Runtime};

use super::life::Life;
use super::plan::{At, Fault, Moments, What};
use super::runbooks::Book;
use crate::proxy::{Carried, Play, Proxy, Request, Told};

/// What strikes a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Struck {
    Before,
    After,
    Lost,
}

pub(super) struct World {
    pub(super) rehearsal: Rehearsal,
    pub(super) book: Book,
    pub(super) dir: tempfile::TempDir,
    proxy: OnceLock<Proxy>,
    played: Mutex<Played>,
}

#[derive(Default)]
struct Played {
    /// What is still to go wrong.
    faults: Vec<Fault>,
    moments: Moments,
    /// How many changes are held behind a queue yet, and until when.
    queue: Option<(u32, Duration)>,
    life: Option<Arc<Life>>,
    commands: Vec<String>,
    /// What the operator deleted by hand.
    removed: BTreeSet<String>,
    /// What happened, for whoever plays one seed.
    story: Vec<String>,
}

/// One runtime serves all labs of this process.
pub(super) fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let make = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    RUNTIME.get_or_init(make).handle()
}

impl World {
    pub(super) fn new(book: Book, faults: Vec<Fault>) -> Arc<World> {
        rhumb::systems::http::install_crypto();
        // in memory where there is room: a resumed run waits for the disk at each intent
        let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = memory.unwrap();
        let site = book.site(dir.path());
        let scenario = Scenario::shipped(book.scenario, &Scenario::values_of(&site)).unwrap();
        let rehearsal = Rehearsal::begin(&site, scenario, &[], runtime()).unwrap();
        let played = Mutex::new(Played { faults, ..Played::default() });
        let world = Arc::new(World { rehearsal, book, dir, proxy: OnceLock::new(), played });
        let (lab, clock) = (world.rehearsal.lab.address(), world.rehearsal.clock.clone());
        let weak = Arc::downgrade(&world);
        let rule = move |request: &Request| weak.upgrade().map_or(Play::Reset, |world| world.rule(request));
        let _ = world.proxy.set(Proxy::before(lab, clock, runtime(), Box::new(rule)));
        world
    }

    pub(super) fn site(&self) -> &Site {
        &self.rehearsal.site
    }

    pub(super) fn proxy(&self) -> &Proxy {
        self.proxy.get().unwrap()
    }

    pub(super) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("runs/r")
    }

    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap()
    }

    /// From now on this is the life that can die.
    pub(super) fn cast(&self, life: Option<Arc<Life>>) {
        self.played().life = life;
    }

    pub(super) fn tell(&self, what: String) {
        let now = self.rehearsal.clock.elapsed();
        self.played().story.push(format!("{:>8.1}s  {what}", now.as_secs_f64()));
    }

    pub(super) fn story(&self) -> Vec<String> {
        self.played().story.clone()
    }

    pub(super) fn moments(&self) -> Moments {
        self.played().moments
    }

    pub(super) fn was_asked(&self, what: String) {
        self.tell(format!("the operator is asked: {what}"));
    }

    /// Notes what the operator deletes by hand. Whether he had not yet.
    pub(super) fn removes(&self, id: &str) -> bool {
        self.played().removed.insert(id.into())
    }

    /// How much is still to go wrong.
    pub(super) fn to_come(&self) -> usize {
        self.played().faults.len()
    }

    pub(super) fn removals(&self) -> usize {
        self.played().removed.len()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.played().commands.clone()
    }

    pub(super) fn ran(&self, line: String) {
        self.played().commands.push(line);
    }

    /// Whether the journal has a command as a change; all others only look.
    pub(super) fn changed_by_command(&self, line: &str) -> bool {
        let entries = journal::read(&self.run_dir().join(FILE)).unwrap().entries;
        entries.iter().any(|e| match &e.record {
            Record::Intent { intent, .. } => intent.method == "run" && line.ends_with(&intent.target),
            _ => false,
        })
    }

    /// What was carried to the lab and accepted.
    pub(super) fn accepted(&self) -> Vec<Carried> {
        self.proxy().carried().into_iter().filter(|c| c.status < 400).collect()
    }

    /// Lets time pass without the run.
    pub(super) fn pause(&self, time: Duration) {
        if !time.is_zero() {
            let _ = self.rehearsal.clock.sleep(time, &CancellationToken::new());
        }
    }

    /// One more moment of a kind: what goes wrong at it.
    fn due(&self, at: At, what: &str) -> Option<What> {
        let mut played = self.played();
        let moments = &mut played.moments;
        let count = match at {
            At::Record => &mut moments.records,
            At::Read => &mut moments.reads,
            At::Change => &mut moments.changes,
            At::Command => &mut moments.commands,
        };
        *count += 1;
        let n = *count;
        let place = played.faults.iter().position(|fault| fault.at == at && fault.n == n)?;
        let fault = played.faults.remove(place);
        drop(played);
        self.tell(format!("{fault} at {what}"));
        Some(fault.what)
    }

    /// One more record. Whether the run dies of it.
    pub(super) fn recorded(&self, what: &str) -> bool {
        self.due(At::Record, what).is_some()
    }

    pub(super) fn strike(&self, at: At, what: &str) -> Option<Struck> {
        Some(match self.due(at, what)? {
            What::Kill => Struck::Before,
            What::KillAfter => Struck::After,
            _ => Struck::Lost,
        })
    }

    fn life(&self) -> Option<Arc<Life>> {
        self.played().life.clone()
    }

    /// What the proxy plays with a request.
    fn rule(&self, request: &Request) -> Play {
        let Some(life) = self.life().filter(|life| !life.is_dead()) else { return Play::Reset };
        let at = if alters(&request.method, &request.path) { At::Change } else { At::Read };
        let due = self.due(at, &format!("{} {}", request.method, request.path));
        let now = self.rehearsal.clock.elapsed();
        let mut played = self.played();
        if at == At::Change
            && due.is_none()
            && let Some((left, until)) = played.queue.filter(|(left, until)| *left > 0 && *until > now)
        {
            played.queue = Some((left - 1, until));
            return Play::Late { after: until - now, told: Told::Reset };
        }
        if let Some(What::Queue(seconds, many)) = due {
            let time = Duration::from_secs(seconds);
            played.queue = Some((many, now + time));
            return Play::Late { after: time, told: Told::Reset };
        }
        drop(played);
        match due {
            None => Play::Pass,
            Some(What::Play(play)) => play,
            Some(What::KillLate(seconds)) => {
                life.end();
                Play::Late { after: Duration::from_secs(seconds), told: Told::Nothing }
            }
            Some(What::KillMidway) => {
                life.end();
                Play::CutRequest
            }
            Some(What::KillAfter) => {
                // the service has acted before the run is told anything, and it never is
                life.end();
                Play::LostAnswer
            }
            Some(_) => {
                life.end();
                Play::Reset
            }
        }
    }
}

/// Whether a request asks for a change. A token, a signature for a kubeconfig and a question for rights change nothing.
pub(super) fn alters(method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let asks = path.ends_with("/auth/tokens") || path.ends_with("/certificates") || path.ends_with("reviews");
    ["POST", "PUT", "PATCH", "DELETE"].contains(&method) && !asks
}
