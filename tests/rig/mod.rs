//! The program as an operator runs it: a site in a temporary directory, an environment that is cleared
//! (or poisoned), and what came of it.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rhumb::run::{Entry, RunReport};

/// A site, and where its runs are kept.
pub(crate) struct Rig {
    dir: tempfile::TempDir,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) report: RunReport,
}

impl Ended {
    /// `1 PASS, 2 FAIL`
    pub(crate) fn verdicts(&self) -> String {
        let word = |s: &rhumb::run::report::StepReport| {
            format!("{} {}", s.id, s.verdict.as_ref().map_or("none", |v| v.word()))
        };
        self.report.steps.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Fails with all that the operator saw unless it ended with this code.
    pub(crate) fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "stderr:\n{}\nstdout:\n{}", self.stderr, self.stdout);
        self
    }

    /// What its errors say, in one line: they break where the width of ids happens to break them.
    pub(crate) fn told(&self) -> String {
        let words = self.stderr.split_whitespace().filter(|word| !matches!(*word, "│" | "×"));
        words.collect::<Vec<_>>().join(" ")
    }

    /// Methods and targets of the changes that were sent, in order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let effects = self.report.steps.iter().flat_map(|s| &s.effects).filter(|e| e.approved.is_some());
        effects.map(|e| format!("{} {}", e.intent.method, e.intent.target)).collect()
    }
}

impl Rig {
    /// A site of this text.
    pub(crate) fn new(site: &str) -> Self {
        let rig = Rig { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(rig.dir.path().join("site")).unwrap();
        rig.file("site.toml", site);
        rig
    }

    /// A site over a cloud on loopback, whose scope `capi` any credentials open.
    pub(crate) fn played(address: &str) -> Rig {
        let rig = Rig::new(
            "name = \"played\"\n[scopes.capi]\ncloud = \"stub\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n",
        );
        rig.file(
            "clouds.yaml",
            &format!(
                "clouds:\n  stub:\n    auth:\n      auth_url: http://{address}/identity\n      username: op\n      \
                 password: secret\n      user_domain_name: Default\n"
            ),
        );
        rig
    }

    /// Puts a file into the site, readable by its owner alone.
    pub(crate) fn file(&self, name: &str, text: &str) {
        let path = self.dir.path().join("site").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The site directory.
    pub(crate) fn site(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    /// The program with these arguments, for this site, in a cleared environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
        command.args(args).env_clear().stdin(std::process::Stdio::null());
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.dir.path());
        command.env("RHUMB_SITE", self.site()).env("RHUMB_STATE", self.state());
        command
    }

    /// Where its runs are kept.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Runs a command to its end.
    pub(crate) fn end(&self, command: &mut Command) -> Ended {
        let output = command.output().unwrap();
        self.ended(&output)
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.end(&mut self.command(args))
    }

    fn ended(&self, output: &Output) -> Ended {
        let entries = self.journal();
        Ended {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            report: RunReport::of(&entries),
            entries,
        }
    }

    /// The entries of the newest run's journal; none where there is no run, or one that is just beginning.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        let mut runs: Vec<PathBuf> = match fs::read_dir(self.state().join("runs")) {
            Ok(dir) => dir.map(|e| e.unwrap().path()).collect(),
            Err(_) => return Vec::new(),
        };
        let changed = |p: &Path| fs::metadata(p.join("journal.jsonl")).and_then(|m| m.modified()).ok();
        runs.sort_by_key(|p| changed(p));
        let Some(newest) = runs.last().filter(|run| changed(run).is_some()) else { return Vec::new() };
        rhumb::run::journal::read(&newest.join("journal.jsonl")).unwrap().entries
    }
}
