//! Commands on a real `sshd` of the testbed. It runs on this machine, so the processes behind
//! it can be looked at.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod testbed;
mod watching;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb::base::{ErrorKind, Intent, Ledger, Permit, Result, Secret};
use rhumb::systems::command::{Arg, Command, OnLine};
use rhumb::systems::ssh::{Host, HostKeyPin, HostSpec, OpenSsh, pin};
use tempfile::TempDir;

use testbed::var;
use watching::{eventually, lines, runs};

struct Yes;

impl Ledger for Yes {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

/// A site of its own: a directory with its `known_hosts`, and connections.
struct Site {
    dir: TempDir,
    ssh: Arc<OpenSsh>,
}

impl Site {
    fn new() -> Self {
        Site { dir: tempfile::tempdir().unwrap(), ssh: Arc::new(OpenSsh::new().unwrap()) }
    }

    fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known hosts")
    }

    /// The testbed's host, as it is declared; its key is known only where the test says so.
    fn spec(&self, name: &str) -> HostSpec {
        let mut spec = HostSpec::new(name, "127.0.0.1", var("SSH_USER"), self.known_hosts());
        spec.port = var("SSH_PORT").parse().unwrap();
        spec.identity_file = Some(var("SSH_KEY").into());
        spec
    }

    fn trust(&self) {
        std::fs::copy(var("SSH_KNOWN_HOSTS"), self.known_hosts()).unwrap();
    }

    fn host(&self, spec: HostSpec) -> Host {
        Host::new(spec, self.ssh.clone())
    }

    fn mgmt(&self) -> Host {
        self.trust();
        self.host(self.spec("mgmt"))
    }

    /// A `known_hosts` that knows the host by another key.
    fn distrust(&self) {
        let line = std::fs::read_to_string(var("SSH_KNOWN_HOSTS")).unwrap();
        let other = self.dir.path().join("other");
        testbed::stdout("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other.to_str().unwrap()]);
        let key = std::fs::read_to_string(other.with_extension("pub")).unwrap();
        std::fs::write(self.known_hosts(), format!("{} {key}", line.split(' ').next().unwrap())).unwrap();
    }
}

/// What `ssh-keygen` says is the testbed's fingerprint.
fn fingerprint(known_hosts: &Path) -> String {
    let shown = testbed::stdout("ssh-keygen", ["-l", "-f", known_hosts.to_str().unwrap()]);
    shown.split(' ').nth(1).unwrap().to_owned()
}

/// Prints the ids of two processes, and waits for longer than any test.
const TWO_PROCESSES: &str = "sleep 300 & echo $!; echo $$; wait";

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let site = Site::new();
    let nasty = ["$HOME", "a  b", "it's", "`id`", "*", "", "\"q\"", "\\", "two\nlines", "-n", "~", "ü", "!!"];
    let argv = ["printf", "%s|"].into_iter().chain(nasty);
    let output = site.mgmt().query(&Command::new(argv)).await.unwrap();
    assert_eq!(output.stdout, nasty.map(|a| format!("{a}|")).concat());
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[tokio::test]
async fn a_shell_and_an_input_are_there_when_asked_for() {
    let mgmt = Site::new();
    let mgmt = (mgmt.mgmt(), mgmt);
    let shell = Command::shell("echo $((6 * 7)); sudo k8s status | head -1");
    assert_eq!(mgmt.0.query(&shell).await.unwrap().stdout, "42\ncluster status:           ready\n");
    let secret = Command::new(["cat"]).stdin(Secret::new("hunter2"));
    assert_eq!(mgmt.0.query(&secret).await.unwrap().stdout, "hunter2");
    assert_eq!(mgmt.0.query(&Command::new(["cat"])).await.unwrap().stdout, "");
    let long = "0123456789abcdef\n".repeat(40_000);
    let count = Command::new(["wc", "-c"]).stdin(long);
    assert_eq!(mgmt.0.query(&count).await.unwrap().stdout, "680000\n");
}

#[tokio::test]
async fn a_change_runs_with_its_permit() {
    let site = Site::new();
    let mgmt = site.mgmt();
    let file = site.dir.path().join("made");
    let change = mgmt.change(Command::new(["touch", file.to_str().unwrap()]));
    mgmt.run(Permit::obtain(&Yes, change).unwrap()).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn lines_come_while_it_runs() {
    let site = Site::new();
    let first = Arc::new(Mutex::new(None));
    let seen = first.clone();
    let on_line: OnLine = Arc::new(move |_, line| {
        assert_eq!(line, "first");
        *seen.lock().unwrap() = Some(Instant::now());
    });
    site.mgmt().query(&Command::shell("echo first; sleep 1").on_line(on_line)).await.unwrap();
    assert!(first.lock().unwrap().unwrap().elapsed() > Duration::from_millis(500));
}

#[tokio::test]
async fn the_deadline_ends_the_remote_processes() {
    let site = Site::new();
    let (on_line, seen) = lines();
    let command = Command::shell(TWO_PROCESSES).deadline(Duration::from_secs(1)).on_line(on_line);
    let error = site.mgmt().query(&command).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("on mgmt did not end within 1s"), "{error}");
    let pids = seen.lock().unwrap().clone();
    assert_eq!(pids.len(), 2);
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

#[tokio::test]
async fn a_remote_process_that_ignores_being_asked_is_killed() {
    let site = Site::new();
    let (on_line, seen) = lines();
    let command = Command::shell(format!("trap '' TERM; {TWO_PROCESSES}; sleep 300"))
        .deadline(Duration::from_secs(1))
        .on_line(on_line);
    assert_eq!(site.mgmt().query(&command).await.unwrap_err().kind(), ErrorKind::Timeout);
    let pids = seen.lock().unwrap().clone();
    assert_eq!(pids.len(), 2);
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

/// Starts a command, gives it up when it has said two lines, and expects their processes to end.
async fn given_up(command: Command) {
    let site = Site::new();
    let (on_line, seen) = lines();
    let (mgmt, command) = (site.mgmt(), command.on_line(on_line));
    tokio::select! {
        output = mgmt.query(&command) => panic!("{output:?}"),
        both = eventually(|| seen.lock().unwrap().len() == 2) => assert!(both),
    }
    let pids = seen.lock().unwrap().clone();
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
    // and the connection is as good as before
    assert_eq!(mgmt.query(&Command::new(["true"])).await.unwrap().code, 0);
}

#[tokio::test]
async fn a_command_that_is_given_up_ends_there_too() {
    given_up(Command::shell(TWO_PROCESSES)).await;
}

#[tokio::test]
async fn a_command_with_an_input_that_is_given_up_ends_there_too() {
    given_up(Command::shell(TWO_PROCESSES).stdin("never read\n")).await;
}

/// Set for a copy of a test that runs as a process of its own.
const AGAIN: &str = "RHUMB_TEST_AGAIN";

/// This test once more, in a process whose environment can be chosen.
fn again(test: &str) -> Option<std::process::Command> {
    if std::env::var_os(AGAIN).is_some() {
        return None;
    }
    let mut copy = std::process::Command::new(std::env::current_exe().unwrap());
    copy.args(["--exact", test, "--nocapture"]).env(AGAIN, "1");
    Some(copy)
}

#[tokio::test]
async fn a_command_whose_rhumb_is_killed_ends_there_too() {
    let Some(mut copy) = again("a_command_whose_rhumb_is_killed_ends_there_too") else {
        let on_line: OnLine = Arc::new(|_, pid| println!("pid {pid}"));
        let site = Site::new();
        site.mgmt().query(&Command::shell(TWO_PROCESSES).on_line(on_line)).await.unwrap();
        return;
    };
    // what a killed process leaves lying about goes with this directory
    let dir = tempfile::tempdir().unwrap();
    let mut copy = copy.env("TMPDIR", dir.path()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(copy.stdout.take().unwrap());
    let pids: Vec<String> = std::io::BufRead::lines(said)
        .filter_map(|line| line.unwrap().strip_prefix("pid ").map(str::to_owned))
        .take(2)
        .collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| runs(pid)), "{pids:?}");
    copy.kill().unwrap();
    copy.wait().unwrap();
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

#[tokio::test]
async fn every_way_to_end_is_told_apart() {
    let site = Site::new();
    let mgmt = site.mgmt();
    let query = async |script: &str| mgmt.query(&Command::shell(script)).await;

    let own = query("echo said; exit 255").await.unwrap();
    assert_eq!((own.code, own.signal(), own.stdout.as_str()), (255, None, "said\n"));

    let killed = query("echo said; kill -9 $$").await.unwrap();
    assert_eq!((killed.code, killed.signal(), killed.stdout.as_str()), (137, Some(9), "said\n"));

    let absent = query("echo said; no-such-program").await.unwrap();
    assert_eq!((absent.code, absent.stdout.as_str()), (127, "said\n"));
    assert!(absent.stderr.contains("no-such-program"), "{}", absent.stderr);

    // $PPID is `timeout`, its parent the shell around it, and that one's parent the session
    let around = "p=$(cut -d' ' -f4 /proc/$PPID/stat)";
    let shell = query(&format!("echo said; {around}; kill -9 $p; sleep 1")).await.unwrap_err();
    assert_eq!(shell.kind(), ErrorKind::Command);
    assert!(shell.to_string().contains("with the shell around it"), "{shell}");

    let (on_line, seen) = lines();
    let session = format!("echo $$; {around}; kill -9 $(cut -d' ' -f4 /proc/$p/stat); sleep 300");
    let lost = mgmt.query(&Command::shell(session).on_line(on_line)).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unreachable);
    let pid = seen.lock().unwrap()[0].clone();
    assert!(eventually(|| !runs(&pid)).await, "{pid} outlives its connection");
    assert!(lost.to_string().contains("connection to mgmt was lost while"), "{lost}");

    // a lost connection is made anew
    assert_eq!(query("exit 0").await.unwrap().code, 0);
}

#[tokio::test]
async fn commands_share_one_connection_until_it_is_closed() {
    let site = Site::new();
    let mgmt = site.mgmt();
    let connection = async || mgmt.query(&Command::shell("echo $SSH_CONNECTION")).await.unwrap().stdout;
    let first = connection().await;
    assert_eq!(connection().await, first);
    let many = (0..12).map(|_| connection());
    assert!(futures::future::join_all(many).await.iter().all(|c| *c == first));
    site.ssh.close().await;
    assert_ne!(connection().await, first);
}

#[tokio::test]
async fn an_unknown_host_key_is_refused() {
    let site = Site::new();
    let error = site.host(site.spec("mgmt")).query(&Command::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("is not in"), "{error}");
    assert!(!site.known_hosts().exists(), "nothing was accepted on the way");
}

#[tokio::test]
async fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let site = Site::new();
    site.distrust();
    let error = site.host(site.spec("mgmt")).query(&Command::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    for known_hosts in [site.known_hosts(), var("SSH_KNOWN_HOSTS").into()] {
        let fingerprint = fingerprint(&known_hosts);
        assert!(error.to_string().contains(&fingerprint), "{fingerprint} in {error}");
    }
}

#[tokio::test]
async fn a_fresh_host_is_accepted_once_and_pinned() {
    let site = Site::new();
    let host = site.host(site.spec("fresh"));
    let key = host.host_key().await.unwrap();
    assert_eq!(key.fingerprint(), fingerprint(Path::new(&var("SSH_KNOWN_HOSTS"))));
    assert!(!site.known_hosts().exists(), "a look pins nothing");

    let wrong = Some("SHA256:AAAA");
    let error = HostKeyPin::new(host.spec(), key.clone(), wrong, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);

    let expected = key.fingerprint();
    let change = HostKeyPin::new(host.spec(), key.clone(), Some(&expected), false).await.unwrap().unwrap();
    pin(Permit::obtain(&Yes, change).unwrap()).await.unwrap();
    assert_eq!(host.query(&Command::new(["echo", "in"])).await.unwrap().stdout, "in\n");
    assert!(HostKeyPin::new(host.spec(), key, None, false).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rebuilt_host_is_pinned_only_when_the_old_key_is_given_up() {
    let site = Site::new();
    site.distrust();
    let host = site.host(site.spec("rebuilt"));
    let key = host.host_key().await.unwrap();
    let error = HostKeyPin::new(host.spec(), key.clone(), None, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let change = HostKeyPin::new(host.spec(), key, None, true).await.unwrap().unwrap();
    pin(Permit::obtain(&Yes, change).unwrap()).await.unwrap();
    assert_eq!(host.query(&Command::new(["true"])).await.unwrap().code, 0);
}

#[tokio::test]
async fn a_host_is_reached_through_another() {
    let site = Site::new();
    site.trust();
    let jump = site.spec("bastion");
    let behind = HostSpec { jump: Some(Box::new(jump.clone())), ..site.spec("behind") };
    let behind = site.host(behind);
    let output = behind.query(&Command::new(["echo", "through"])).await.unwrap();
    assert_eq!(output.stdout, "through\n");
    assert_eq!(behind.host_key().await.unwrap().fingerprint(), fingerprint(&site.known_hosts()));

    let untrusted = HostSpec { known_hosts: site.dir.path().join("none"), ..jump };
    let spec = HostSpec { jump: Some(Box::new(untrusted)), ..site.spec("behind") };
    let error = site.host(spec).query(&Command::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("behind is reached through bastion"), "{error}");
}

#[tokio::test]
async fn failures_to_connect_are_told_apart() {
    let site = Site::new();
    site.trust();
    let fails = async |spec: HostSpec| site.host(spec).query(&Command::new(["true"])).await.unwrap_err();

    let error = fails(HostSpec { port: 1, ..site.spec("closed") }).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("Connection refused"), "{error}");

    let error = fails(HostSpec { address: "no-such-host.invalid".into(), ..site.spec("nameless") }).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);

    let other = site.dir.path().join("other");
    testbed::stdout("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", other.to_str().unwrap()]);
    let error = fails(HostSpec { identity_file: Some(other), ..site.spec("stranger") }).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");

    let error = fails(HostSpec { identity_file: None, ..site.spec("keyless") }).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[tokio::test]
async fn a_failed_command_shows_no_secret() {
    let site = Site::new();
    let argv = [
        Arg::from("sh"),
        "-c".into(),
        "echo $1 >&2; exit 3".into(),
        "sh".into(),
        Secret::new("hunter2").into(),
    ];
    let command = Command::new(argv);
    let output = site.mgmt().query(&command).await.unwrap();
    assert_eq!(output.stderr, "hunter2\n");
    let error = output.success(&command, "mgmt").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn ctrl_c_does_not_take_away_the_way_through_another_host() {
    let Some(mut copy) = again("ctrl_c_does_not_take_away_the_way_through_another_host") else {
        let _survives = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
        let site = Site::new();
        site.trust();
        let behind = HostSpec { jump: Some(Box::new(site.spec("bastion"))), ..site.spec("behind") };
        let behind = site.host(behind);
        let connection = async || behind.query(&Command::shell("echo $SSH_CONNECTION")).await.unwrap().stdout;
        let before = connection().await;
        // as a terminal does: to all of the process group
        testbed::run("sh", ["-c", "kill -INT 0"]);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(connection().await, before, "the connection is the one from before");
        return;
    };
    let output = copy.process_group(0).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Runs itself with an `ssh` first on the `PATH` that notes how it is called and what its
/// configuration comes to, and then is the real one.
#[test]
fn nothing_of_the_operators_configuration_is_read() {
    let Some(mut copy) = again("nothing_of_the_operators_configuration_is_read") else {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let site = Site::new();
        let output = runtime.block_on(site.mgmt().query(&Command::new(["true"]))).unwrap();
        assert_eq!(output.code, 0);
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (shim, notes) = (dir.path().join("ssh"), dir.path().join("notes"));
    let real = testbed::stdout("sh", ["-c", "command -v ssh"]);
    let real = real.trim();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -V ] || {real} -G \"$@\" > {} 2>&1\nexec {real} \"$@\"\n",
        notes.display()
    );
    std::fs::write(&shim, script).unwrap();
    std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();

    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let output = copy.env("PATH", path).env("SSH_AUTH_SOCK", dir.path().join("agent")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let effective = std::fs::read_to_string(notes).unwrap();
    let of = |option: &str| -> Vec<&str> {
        effective.lines().filter_map(|l| l.strip_prefix(option)?.strip_prefix(' ')).collect()
    };
    assert_eq!(of("identityfile"), [var("SSH_KEY")]);
    assert_eq!(of("identitiesonly"), ["yes"]);
    assert_eq!(of("identityagent"), ["none"]);
    assert_eq!(of("globalknownhostsfile"), ["/dev/null"]);
    assert_eq!(of("stricthostkeychecking"), ["true"]);
    assert_eq!(of("batchmode"), ["yes"]);
    assert_eq!(of("updatehostkeys"), ["false"]);
    assert_eq!(of("forwardagent"), ["no"]);
    assert_eq!(of("controlpersist"), ["60"]);
    assert!(of("userknownhostsfile")[0].ends_with("known hosts"), "{effective}");
    assert!(of("proxycommand").is_empty() && of("proxyjump").is_empty());
}
