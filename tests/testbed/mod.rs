//! How a test finds the services of the testbed. A test that uses this belongs in a binary named `real_*`.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// One of the variables that `tests/testbed/testbed env` prints, named without its prefix: `var("SSH_CONFIG")`.
pub(crate) fn var(name: &str) -> String {
    std::env::var(format!("RHUMB_TESTBED_{name}")).unwrap_or_else(|_| {
        panic!(
            "RHUMB_TESTBED_{name} is not set: this test needs the testbed. `./test` starts it by itself; by hand:\n    \
             tests/testbed/testbed up && eval \"$(tests/testbed/testbed env)\""
        )
    })
}

/// The machine of the testbed, in the words of a site file: host `capi-mgmt`, and the `juju` that is beside it.
pub(crate) fn machine() -> String {
    format!(
        r#"
        [hosts.capi-mgmt]
        address = "127.0.0.1"
        port = {port}
        user = "{user}"
        identity_file = "{key}"
        known_hosts = "{known}"
        [tools.juju]
        program = "{bin}/juju"
        "#,
        port = var("SSH_PORT"),
        user = var("SSH_USER"),
        key = var("SSH_KEY"),
        known = var("SSH_KNOWN_HOSTS"),
        bin = var("SSH_BIN"),
    )
}

/// Runs a program to its end.
pub(crate) fn run<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, args: impl IntoIterator<Item = S>) -> Output {
    let program = program.as_ref();
    Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{}: {e}", program.display()))
}

/// The standard output of a program that must succeed.
pub(crate) fn stdout<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> String {
    let output = run(program, args);
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Puts the cloud into a state: `fixture(["loadbalancer", "lb-a", "--tree"])`. `caracal/fixture.py --help` lists the verbs.
pub(crate) fn fixture<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Value {
    serde_json::from_str(&stdout(var("CARACAL_FIXTURE"), args)).unwrap()
}

/// The requests that reach a service while `body` runs, as (method, path, status).
pub(crate) fn requests_to(service: &str, body: impl FnOnce()) -> Vec<(String, String, u64)> {
    let since = fixture(["log-offsets"])[service].to_string();
    body();
    fixture(["requests", service, "--since", &since])["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let text = |key: &str| r[key].as_str().unwrap().to_string();
            (text("method"), text("path"), r["status"].as_u64().unwrap())
        })
        .collect()
}

/// A state of the whole cloud that one test wants. It ends with this value, also when the test fails: the tests that follow count
/// on the state that the testbed starts in.
pub(crate) struct Until([&'static str; 2]);

impl Until {
    /// No hypervisor has room, until the room is given back.
    pub(crate) fn room() -> Until {
        assert_eq!(fixture(["headroom", "none"])["allocation_candidates"], 0);
        Until(["headroom", "restored"])
    }

    /// New tokens live this many seconds, until they live as long as they usually do.
    pub(crate) fn usual_tokens(seconds: u32) -> Until {
        let seconds = seconds.to_string();
        assert_eq!(fixture(["token-life", &seconds])["token_life"].to_string(), seconds);
        Until(["token-life", "default"])
    }

    /// Ends it here.
    pub(crate) fn now(self) {}
}

impl Drop for Until {
    fn drop(&mut self) {
        let over = run(var("CARACAL_FIXTURE"), self.0);
        if !over.status.success() && !std::thread::panicking() {
            panic!("{:?}: {}", self.0, String::from_utf8_lossy(&over.stderr));
        }
    }
}

/// Something that a fixture made for one test. It goes when the test ends, also when the test fails: what stays would be in the
/// way of the next run.
pub(crate) struct Made {
    kind: &'static str,
    /// Its id.
    pub(crate) id: String,
}

impl Made {
    /// Takes over what a verb of the fixture has made.
    pub(crate) fn of(kind: &'static str, made: &Value) -> Made {
        Made { kind, id: made["id"].as_str().unwrap().to_string() }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let gone = run(var("CARACAL_FIXTURE"), ["delete", self.kind, &self.id]);
        if !gone.status.success() && !std::thread::panicking() {
            panic!("{} {} stays: {}", self.kind, self.id, String::from_utf8_lossy(&gone.stderr));
        }
    }
}

/// A snapshot of the testbed's domain, gone with the test.
pub(crate) struct Snapshot(String);

impl Snapshot {
    pub(crate) fn take(name: String) -> Snapshot {
        virsh(&["snapshot-create-as", &var("LIBVIRT_DOMAIN"), &name]);
        Snapshot(name)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        virsh(&["snapshot-delete", &var("LIBVIRT_DOMAIN"), &self.0]);
    }
}

fn virsh(args: &[&str]) {
    let uri = var("LIBVIRT_URI");
    stdout("virsh", ["-c", &uri].iter().chain(args));
}

/// A program that serves on a port of its own choice until the test ends.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, by its own first line.
    pub(crate) port: u16,
}

impl Server {
    /// A web server over a directory.
    pub(crate) fn of_files(dir: &Path) -> Server {
        let mut command = Command::new("python3");
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(dir);
        Server::start(&mut command, " port ")
    }

    /// `kubectl proxy`: the testbed's Kubernetes over plain HTTP, for what speaks no TLS.
    pub(crate) fn of_kubernetes() -> Server {
        let mut command = Command::new(var("KUBECTL"));
        command.args(["proxy", "--port", "0", "--kubeconfig", &var("KUBECONFIG")]);
        Server::start(&mut command, "127.0.0.1:")
    }

    fn start(command: &mut Command, before_port: &str) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let behind = line.split_once(before_port).unwrap_or_else(|| panic!("no port in {line:?}")).1;
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        Server { child, port: digits.parse().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
