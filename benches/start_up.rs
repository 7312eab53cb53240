//! What a run costs beside its requests, and what a rehearsal costs: `cargo bench --bench start_up`.
//!
//! Each line is the median of 21 whole processes; the smallest process there is stands first, as the floor. Of
//! rehearsals the most memory that one held is told as well.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says so by panicking")]

#[path = "../tests/rig/mod.rs"]
mod rig;
#[path = "../tests/stage/mod.rs"]
mod stage;
#[path = "../tests/stub_cloud/mod.rs"]
mod stub_cloud;

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb::repl::Assistant;
use rhumb::repl::names::Names;
use rig::Rig;
use rustyline::completion::Completer as _;
use rustyline::highlight::Highlighter as _;
use rustyline::hint::Hinter as _;
use serde_json::json;

const RUNS: usize = 21;

fn median(mut work: impl FnMut()) -> Duration {
    work(); // warm
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

fn line(name: &str, time: Duration) {
    println!("{name:<60} {:>8.2} ms", time.as_secs_f64() * 1e3);
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A key press in the session, where 10,000 names are known: the line is coloured and hinted at each key, and
/// completed at TAB.
fn key_presses() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (session, _directory) = stage::session(runtime.handle());
    let names = Arc::new(Names::new(runtime.handle().clone()));
    let row = rhumb::systems::openstack::resource::find("servers").unwrap();
    names.put("admin", row, (0..10_000).map(|n| format!("vm-{n:05}")).collect());
    session.set_runbook("phase-08");
    let assistant = Assistant::new(Arc::new(session), names, true);
    let history = rustyline::history::MemHistory::new();
    let context = rustyline::Context::new(&history);
    for text in
        ["admin.servers.get(\"vm-0", "admin.servers.get(\"", "admin.ser", "adm", "octavia::", ":step 8."]
    {
        let mut found = 0;
        let time = median(|| {
            found = assistant.complete(text, text.len(), &context).unwrap().1.len();
            drop(assistant.hint(text, text.len(), &context));
            drop(assistant.highlight(text, text.len()));
        });
        line(&format!("a key and TAB behind {text}: {found} candidates"), time);
    }
}

/// From the start of the process to the first prompt at a terminal, at a cloud that never answers.
fn first_prompt() {
    let rig = Rig::new("name = \"far\"\n[scopes.far]\ncloud = \"far\"\nproject = \"p\"\ndomain = \"d\"\n");
    rig.file(
        "clouds.yaml",
        "clouds:\n  far:\n    auth:\n      auth_url: http://192.0.2.1/identity\n      username: op\n      \
         password: secret\n      user_domain_name: Default\n",
    );
    let prompt = || {
        let program = rig.command(&["repl"]);
        let mut command = Command::new("script");
        command.args(["-qfc", &format!("{} repl", program.get_program().display()), "/dev/null"]);
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut seen, mut part) = (Vec::new(), [0; 4096]);
        let mut out = child.stdout.take().unwrap();
        while !String::from_utf8_lossy(&seen).contains("observe>") {
            let n = out.read(&mut part).unwrap();
            assert!(n > 0, "no prompt: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&part[..n]);
        }
        child
    };
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            let mut child = prompt();
            let took = start.elapsed();
            drop(child.stdin.take()); // the end of its input ends the session
            child.wait().unwrap();
            took
        })
        .collect();
    times.sort();
    line("rhumb repl: to the first prompt at a terminal", times[RUNS / 2]);
}

/// The most memory that a process held, in MiB, looked at until it ends.
fn peak(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let held =
            text.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
        most = most.max(held.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    most / 1024
}

/// A runbook in its own scenario, or in another.
fn rehearsal(rig: &Rig, name: &str, args: &[&str]) {
    let command = || {
        let mut command = rig.command(&[&["rehearse"], args].concat());
        command.env_remove("RHUMB_SITE");
        command
    };
    line(name, median(|| passes(&mut command())));
    println!("{:<60} {:>8} MiB", "  the most memory", peak(&mut command()));
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let cloud = runtime.block_on(stub_cloud::start(|seen, _| match seen.path.contains("/servers") {
        true => (200, json!({"servers": [], "servers_links": []})),
        false => (200, json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}})),
    }));
    let rig = Rig::new(
        "name = \"bench\"\n[scopes.capi]\ncloud = \"stub\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n",
    );
    rig.file(
        "clouds.yaml",
        &format!(
            "clouds:\n  stub:\n    auth:\n      auth_url: http://{}/identity\n      username: op\n      \
             password: secret\n      user_domain_name: Default\n",
            cloud.address
        ),
    );
    rig.file("empty.rhai", "runbook(\"empty\", \"Nothing\");\n");
    rig.file(
        "one.rhai",
        "runbook(\"one\", \"One call\");\nlet capi = site.scope(\"capi\");\nverify(\"1\", \"List\", || capi.servers.list().len());\n",
    );
    line("the smallest process (/bin/true)", median(|| passes(&mut Command::new("/bin/true"))));
    line("rhumb --version", median(|| passes(&mut rig.command(&["--version"]))));
    line("rhumb run: an empty script", median(|| passes(&mut rig.command(&["run", "empty"]))));
    line("rhumb run: a script with one call", median(|| passes(&mut rig.command(&["run", "one"]))));
    line("rhumb repl: a session of no line", median(|| passes(&mut rig.command(&["repl"]))));
    first_prompt();
    key_presses();
    let before = cloud.stage().seen.len();
    passes(&mut rig.command(&["run", "one"]));
    println!("{:<60} {:>8}", "requests of that script", cloud.stage().seen.len() - before);
    rehearsal(&rig, "rhumb rehearse park", &["park"]);
    rehearsal(&rig, "rhumb rehearse restart", &["restart"]);
    rehearsal(&rig, "rhumb rehearse phase-08", &["phase-08"]);
    rehearsal(
        &rig,
        "rhumb rehearse amphora-sweep, 10,000 servers",
        &["amphora-sweep", "--scenario", "large"],
    );
}
