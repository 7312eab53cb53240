//! Programs on this machine that the site file names (`juju`, `virsh`, `bao`): the same
//! [`Command`] and [`Output`] as on a remote host, without a shell and without the operator's
//! environment.

mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::command::{Arg, Command, Output, shown};
use crate::base::{Error, ErrorKind, Intent, Mutation, Permit, Result, Undo};

pub use process::Processes;

/// The `PATH` of a tool whose entry gives none.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// A program as the site file declares it.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// Its name in the site file.
    pub name: String,
    /// An absolute path, or a bare name to look up on its `PATH`.
    pub program: PathBuf,
    /// Words before those of every call, such as `--model openstack`.
    pub args_prefix: Vec<Arg>,
    /// The environment. Of the operator's own it gets `HOME` alone, and `LANG=C.UTF-8` and
    /// [`PATH`] where they are not set here.
    pub env: BTreeMap<String, Arg>,
    /// Where it runs, an absolute path.
    pub cwd: PathBuf,
}

impl ToolSpec {
    /// A program that runs in a directory, with the least environment.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, cwd: impl Into<PathBuf>) -> Self {
        ToolSpec {
            name: name.into(),
            program: program.into(),
            args_prefix: Vec::new(),
            env: BTreeMap::new(),
            cwd: cwd.into(),
        }
    }

    /// All that it finds in its environment.
    pub fn environment(&self) -> BTreeMap<String, Arg> {
        let mut env =
            BTreeMap::from([("PATH".to_owned(), Arg::from(PATH)), ("LANG".to_owned(), Arg::from("C.UTF-8"))]);
        if let Some(home) = std::env::home_dir() {
            env.insert("HOME".to_owned(), home.to_string_lossy().into_owned().into());
        }
        env.extend(self.env.clone());
        env
    }

    /// The file that is executed.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] where there is none.
    pub fn locate(&self) -> Result<PathBuf> {
        let missing = |what: String| {
            Error::new(ErrorKind::Site, format!("tool {}: {what}", self.name))
                .help("install it, or name its file in the site file")
        };
        if self.program.is_absolute() {
            let found = self.program.is_file();
            return found
                .then(|| self.program.clone())
                .ok_or_else(|| missing(format!("there is no {}", self.program.display())));
        }
        if self.program.components().count() != 1 {
            return Err(missing(format!("`{}` depends on the working directory", self.program.display())));
        }
        let env = self.environment();
        let path = env.get("PATH").map_or("", Arg::expose);
        path.split(':')
            .map(|dir| Path::new(dir).join(&self.program))
            .find(|file| file.is_absolute() && file.is_file())
            .ok_or_else(|| missing(format!("`{}` is not in {path}", self.program.display())))
    }

    fn words(&self, command: &Command) -> Vec<Arg> {
        self.args_prefix.iter().chain(command.argv()).cloned().collect()
    }

    /// The whole call as it may be shown, secrets as `***`.
    pub fn shown(&self, command: &Command) -> String {
        let mut words = vec![Arg::from(self.program.to_string_lossy().into_owned())];
        words.extend(self.words(command));
        shown(&words)
    }
}

/// Runs programs.
pub trait Runner: Send + Sync {
    /// Runs a tool and waits for its end. Any exit code is an [`Output`]; errors are what kept
    /// it from running (`Site`, `Argument`, `Io`) or from ending (`Timeout`; it was ended).
    ///
    /// Dropping the future ends the program and all it has started.
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>>;
}

/// A tool of the site file. Cheap to clone.
#[derive(Clone)]
pub struct Tool {
    spec: Arc<ToolSpec>,
    runner: Arc<dyn Runner>,
}

impl Tool {
    /// A tool, run by a runner.
    pub fn new(spec: ToolSpec, runner: Arc<dyn Runner>) -> Self {
        Tool { spec: Arc::new(spec), runner }
    }

    /// What it is.
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// Runs it with arguments of which the caller says that they only read. For the errors see
    /// [`Runner::exec`].
    pub async fn query(&self, command: &Command) -> Result<Output> {
        self.runner.exec(&self.spec, command).await
    }

    /// A call that changes something, to obtain a permit for.
    pub fn change(&self, command: Command) -> ToolCommand {
        ToolCommand { tool: self.spec.clone(), command, undo: Undo::Unknown, destroys: false }
    }

    /// Makes a permitted call, of the tool that the permit names.
    pub async fn run(&self, permit: Permit<ToolCommand>) -> Result<Output> {
        let ToolCommand { tool, command, .. } = permit.spend();
        self.runner.exec(&tool, &command).await
    }
}

/// A call of a tool that changes something somewhere.
#[derive(Clone, Debug)]
pub struct ToolCommand {
    tool: Arc<ToolSpec>,
    command: Command,
    /// Whether it can be taken back, as far as the author says.
    pub undo: Undo,
    /// The author says that it destroys something.
    pub destroys: bool,
}

impl ToolCommand {
    /// What would be run.
    pub fn command(&self) -> &Command {
        &self.command
    }
}

impl Mutation for ToolCommand {
    fn intent(&self) -> Intent {
        let shown = self.tool.shown(&self.command);
        let mut body = self.command.body();
        if !self.tool.env.is_empty() {
            body["env"] = self.tool.env.iter().map(|(k, v)| (k.clone(), v.to_string())).collect();
        }
        Intent {
            system: "tool".into(),
            handle: self.tool.name.clone(),
            identity: self.tool.program.display().to_string(),
            method: "run".into(),
            summary: format!("run `{shown}` on this machine"),
            target: shown,
            body,
            undo: self.undo.clone(),
            destroys: self.destroys,
            ..Intent::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn an_intent_shows_the_whole_call_but_no_secret() {
        let mut spec = ToolSpec::new("juju", "/snap/bin/juju", "/");
        spec.args_prefix = vec!["--model".into(), "open stack".into()];
        spec.env.insert("TOKEN".into(), Secret::new("hunter2").into());
        let tool = Tool::new(spec, Arc::new(Processes));
        let intent = tool.change(Command::new([Arg::from("config"), Secret::new("hunter2").into()])).intent();
        assert_eq!(intent.target, "/snap/bin/juju --model 'open stack' config ***");
        assert_eq!(intent.body["env"]["TOKEN"], "***");
        assert!(!serde_json::to_string(&intent).unwrap().contains("hunter2"));
    }

    #[test]
    fn a_program_is_found_by_its_site_entry_alone() {
        assert_eq!(ToolSpec::new("sh", "/bin/sh", "/").locate().unwrap(), Path::new("/bin/sh"));
        assert!(ToolSpec::new("sh", "sh", "/").locate().unwrap().is_absolute());
        for program in ["no-such-program", "/no/such", "./sh", "bin/sh", ""] {
            assert_eq!(
                ToolSpec::new("x", program, "/").locate().unwrap_err().kind(),
                ErrorKind::Site,
                "{program}"
            );
        }
    }
}
