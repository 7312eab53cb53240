//! A lab in a process of its own, as `rhumb lab serve` makes it for the ordinary clients.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A lab that is served. Dropping it ends it.
pub(crate) struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it said at its beginning.
    pub(crate) told: Vec<String>,
    /// Where its papers are.
    pub(crate) dir: PathBuf,
    home: tempfile::TempDir,
}

impl Served {
    /// Serves a cloud with a workload cluster that is well.
    pub(crate) fn start(options: &[&str]) -> Served {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("made/lab");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
        command.args(["lab", "serve", "--scenario", "healthy-cluster", "--dir"]).arg(&dir).args(options);
        command.env_clear().env("HOME", home.path()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.by_ref().take(6).map(Result::unwrap).collect();
        Served { child, lines, told, dir, home }
    }

    /// `127.0.0.1:4711`
    pub(crate) fn address(&self) -> &str {
        self.told[1].strip_prefix("serving on http://").unwrap().split(' ').next().unwrap()
    }

    /// The workload cluster's API, without its scheme.
    pub(crate) fn cluster(&self) -> String {
        let text = std::fs::read_to_string(self.kubeconfig()).unwrap();
        let kubeconfig: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cluster = &kubeconfig["clusters"][0]["cluster"];
        assert_eq!(cluster["proxy-url"], format!("http://{}", self.address()));
        cluster["server"].as_str().unwrap().strip_prefix("http://").unwrap().to_string()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.join("capi-test-1.kubeconfig")
    }

    /// A directory for what a client keeps.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Asks the cluster through the lab as a proxy, and reads to the end.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let host = self.cluster();
        let mut stream = self.connect();
        write!(
            stream,
            "{method} http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends it as Ctrl-C does; its last line.
    pub(crate) fn interrupt(mut self) -> String {
        self.signal();
        assert!(self.child.wait().unwrap().success());
        self.lines.by_ref().last().unwrap().unwrap()
    }

    fn signal(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::INT);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal();
            let _ = self.child.wait();
        }
    }
}

/// Reads until what was read holds a text; fails if that does not come.
pub(crate) fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut all, mut chunk) = (Vec::new(), [0u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&all);
        if text.contains(wanted) {
            return text.into_owned();
        }
        let count = stream.read(&mut chunk).unwrap_or_else(|e| panic!("no `{wanted}`, {e}: {text}"));
        assert!(count > 0, "no `{wanted}` to the end: {text}");
        all.extend_from_slice(&chunk[..count]);
    }
}
