//! The lab of one run, in the test's own process: it outlives the process that runs the runbook, as a cloud does.
//!
//! Whatever that process asks of the outside goes through here, over a socket and over a relay in front of the lab.
//! Both count what passes, so that the process can be killed at any of these moments: with half of a request on its
//! way, with all of it done and not a byte of the answer back.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::permit::hex;
use rhumb::base::{CancellationToken, Clock as _};
use rhumb::lab::{Rehearsal, Scenario};
use rhumb::run::journal::{self, FILE};
use rhumb::run::{Entry, RunReport, head};
use rhumb::systems::command::Command;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::player::{Call, Part, site_of};
use crate::schedules::runbooks::Book;

/// When the process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Never.
    None,
    /// As soon as this record is in the journal.
    Record(u64),
    /// At this moment of its dealings with the outside.
    Moment(u64),
}

/// What passes between the process and the outside at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// A request, or a part of one, that asks for a change; half of it goes on.
    Change,
    /// Any other request, or a part of one; half of it goes on.
    Request,
    /// An answer, or a part of one. What was asked for is done.
    Answer,
    /// A command that is not run yet.
    Command,
    /// What a command printed, now that it has been run.
    Output,
}

struct Backstage {
    rehearsal: Rehearsal,
    runtime: tokio::runtime::Handle,
    relay: SocketAddr,
    /// The process that runs now, and when it must die.
    cast: Mutex<Option<(Pid, Death)>>,
    dead: AtomicBool,
    /// The test is over: nobody is answered any more.
    over: AtomicBool,
    /// Ends the sleeps of a process that died.
    buried: Mutex<CancellationToken>,
    /// Threads that the process had in the lab's time, besides its first.
    threads: AtomicI64,
    moments: AtomicU64,
    seen: Mutex<Vec<Passing>>,
    commands: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
}

/// A lab, and the directory of the run in it.
pub(crate) struct Stage {
    back: Arc<Backstage>,
    _runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
    runbook: String,
}

impl Stage {
    pub(crate) fn new(runbook: &str) -> Stage {
        rhumb::systems::http::install_crypto();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let site = site_of(runbook, &dir.path().join("run"));
        let own = Book::own(runbook).map(|book| book.scenario);
        let name = own.or_else(|| Scenario::of_runbook(runbook)).unwrap_or("phase-08");
        let scenario = Scenario::shipped(name, &Scenario::values_of(&site)).unwrap();
        let rehearsal = Rehearsal::begin(&site, scenario, &[], runtime.handle()).unwrap();
        let door = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let back = Arc::new(Backstage {
            rehearsal,
            runtime: runtime.handle().clone(),
            relay: door.local_addr().unwrap(),
            cast: Mutex::default(),
            dead: AtomicBool::new(false),
            over: AtomicBool::new(false),
            buried: Mutex::default(),
            threads: AtomicI64::new(0),
            moments: AtomicU64::new(0),
            seen: Mutex::default(),
            commands: Mutex::default(),
            asked: Mutex::default(),
        });
        let calls = UnixListener::bind(dir.path().join("calls")).unwrap();
        let (to_answer, to_relay) = (back.clone(), back.clone());
        std::thread::spawn(move || each(calls.incoming(), &to_answer, Backstage::answer));
        std::thread::spawn(move || each(door.incoming(), &to_relay, Backstage::relay));
        Stage { back, _runtime: runtime, dir, runbook: runbook.into() }
    }

    /// Runs, or goes on, in a process of its own that is killed when its time has come. Whether it came to its end.
    pub(crate) fn play(&self, resumed: bool, death: Death) -> bool {
        let after = if let Death::Record(n) = death { n } else { u64::MAX };
        let part = Part {
            calls: self.calls(),
            run: self.run_dir(),
            runbook: self.runbook.clone(),
            auth_url: self.back.rehearsal.lab.auth_url(),
            resumed,
            after,
        };
        self.back.dead.store(false, Ordering::SeqCst);
        self.back.moments.store(0, Ordering::SeqCst);
        let mut cast = self.back.cast.lock().unwrap(); // nothing passes before it is known who
        let mut process = Process::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "player::a_run_in_a_process_of_its_own"])
            .env("RHUMB_TEST_PART", serde_json::to_string(&part).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        *cast = Some((Pid::from_child(&process), death));
        drop(cast);
        let status = process.wait().unwrap();
        self.back.bury();
        match status.signal() {
            Some(9) => false,
            None if status.success() => true,
            _ => panic!("the process ended with {status}"),
        }
    }

    fn calls(&self) -> PathBuf {
        self.dir.path().join("calls")
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.run_dir().join(FILE)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        journal::read(&self.journal()).unwrap().entries
    }

    pub(crate) fn report(&self) -> RunReport {
        RunReport::of(&self.entries())
    }

    /// Takes the last line away, as if the process had died before it was written: the head beside the journal names the
    /// line before it then.
    pub(crate) fn tear_last_line(&self) {
        let text = std::fs::read_to_string(self.journal()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (torn, whole) = lines.split_last().unwrap();
        let hash = |line: Option<&&str>| line.map_or(journal::ROOT.into(), |line| hex(&Sha256::digest(line)));
        let path = self.run_dir().join(head::FILE);
        let head = std::fs::read_to_string(&path).unwrap();
        let before = format!("{:-<64}", hash(whole.last()));
        std::fs::write(path, head.replace(&hash(Some(torn)), &before)).unwrap();
        std::fs::write(self.journal(), whole.iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
    }

    pub(crate) fn rehearsal(&self) -> &Rehearsal {
        &self.back.rehearsal
    }

    /// What passed between the process and the outside, in order.
    pub(crate) fn seen(&self) -> Vec<Passing> {
        self.back.seen.lock().unwrap().clone()
    }

    /// Every command that was run.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.back.commands.lock().unwrap().clone()
    }

    /// What the operator was asked because of a doubt.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.back.asked.lock().unwrap().clone()
    }
}

impl Drop for Stage {
    /// Wakes those who wait at the doors, for the last time.
    fn drop(&mut self) {
        self.back.over.store(true, Ordering::SeqCst);
        let _ = (UnixStream::connect(self.calls()), TcpStream::connect(self.back.relay));
    }
}

fn each<S: Send + 'static>(
    incoming: impl Iterator<Item = std::io::Result<S>>,
    back: &Arc<Backstage>,
    serve: fn(&Backstage, S),
) {
    for stream in incoming.flatten() {
        if back.over.load(Ordering::SeqCst) {
            return;
        }
        let back = back.clone();
        std::thread::spawn(move || serve(&back, stream));
    }
}

impl Backstage {
    /// One more moment. Whether it is the process's last: then it is dead when this returns.
    fn moment(&self, passing: Passing) -> bool {
        let n = self.moments.fetch_add(1, Ordering::SeqCst);
        self.seen.lock().unwrap().push(passing);
        let due = match *self.cast.lock().unwrap() {
            Some((pid, Death::Moment(at))) if at == n => pid,
            _ => return self.dead.load(Ordering::SeqCst),
        };
        kill_process(due, Signal::KILL).unwrap();
        while !self.dead.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Takes the process that has ended out of the lab's time.
    fn bury(&self) {
        *self.cast.lock().unwrap() = None;
        self.dead.store(true, Ordering::SeqCst);
        std::mem::take(&mut *self.buried.lock().unwrap()).cancel();
        for _ in 0..self.threads.swap(0, Ordering::SeqCst) {
            self.rehearsal.clock.leave();
        }
    }

    /// Answers the calls of one thread of the process.
    fn answer(&self, stream: UnixStream) {
        let mut out = stream.try_clone().unwrap();
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            let Some(answer) = self.call(serde_json::from_str(&line).unwrap()) else { return };
            if writeln!(out, "{answer}").is_err() {
                return;
            }
        }
    }

    /// Answers a call; none where the process died of it.
    fn call(&self, call: Call) -> Option<Value> {
        let Rehearsal { lab, clock, site } = &self.rehearsal;
        Some(match call {
            Call::Now => json!({"now": clock.now(), "elapsed": clock.elapsed()}),
            Call::Sleep { time } => {
                let token = self.buried.lock().unwrap().clone();
                clock.sleep(time, &token).ok()?;
                Value::Null
            }
            Call::Enter => {
                self.threads.fetch_add(1, Ordering::SeqCst);
                clock.enter();
                Value::Null
            }
            Call::Leave => {
                self.threads.fetch_sub(1, Ordering::SeqCst);
                clock.leave();
                Value::Null
            }
            Call::Dial { host, port } => json!(lab.dialer().dial(&host, port).map(|_| self.relay)),
            Call::Kubeconfig { name } => {
                let text = lab.kubeconfig_of(site.kube(&name).unwrap());
                json!(text.map(|t| t.expose().to_string()))
            }
            Call::Asked { target } => {
                self.asked.lock().unwrap().push(target);
                Value::Null
            }
            Call::Host { name, argv, time } => {
                self.command(&format!("{name}: {}", argv.join(" ")), || {
                    let host = site.ssh(&name).unwrap();
                    self.runtime.block_on(host.query(&Command::new(argv).deadline(time)))
                })?
            }
            Call::Tool { name, argv, time } => self.command(&format!("{name} {}", argv.join(" ")), || {
                let tool = site.program(&name).unwrap();
                self.runtime.block_on(tool.query(&Command::new(argv).deadline(time)))
            })?,
        })
    }

    fn command(
        &self,
        line: &str,
        run: impl FnOnce() -> rhumb::base::Result<rhumb::systems::command::Output>,
    ) -> Option<Value> {
        if self.moment(Passing::Command) {
            return None;
        }
        self.commands.lock().unwrap().push(line.into());
        let came = match run() {
            Ok(output) => json!({"code": output.code, "stdout": output.stdout, "stderr": output.stderr}),
            Err(e) => json!({"kind": e.kind().name(), "what": e.detail().what}),
        };
        (!self.moment(Passing::Output)).then_some(came)
    }

    /// Passes on what one connection carries.
    fn relay(&self, client: TcpStream) {
        let Ok(lab) = TcpStream::connect(self.rehearsal.lab.address()) else { return };
        client.set_nodelay(true).unwrap();
        lab.set_nodelay(true).unwrap();
        std::thread::scope(|both| {
            both.spawn(|| self.pass(&lab, &client, |_| Passing::Answer));
            self.pass(&client, &lab, |chunk| {
                let change = [&b"POST "[..], b"PUT ", b"PATCH ", b"DELETE "];
                if change.iter().any(|m| chunk.starts_with(m)) { Passing::Change } else { Passing::Request }
            });
        });
    }

    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, what: impl Fn(&[u8]) -> Passing) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            let passing = what(&buffer[..n]);
            let whole = !self.moment(passing);
            let passes = match passing {
                _ if whole => n,
                Passing::Answer => 0,
                _ => n / 2,
            };
            if to.write_all(&buffer[..passes]).is_err() || !whole {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}
