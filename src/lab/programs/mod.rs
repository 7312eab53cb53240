//! Programs of the operator's machine that a site names, as far as a rehearsal has them.

mod juju;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::dispatch::{Desk, Heard};
use super::machines::{Reply, words};
use super::world::World;
use crate::base::{Error, ErrorKind, Result, duration};
use crate::systems::command::{Command, Output};
use crate::systems::tool::{Runner, ToolSpec};

pub(crate) use juju::Juju;

/// Every program of the lab.
pub(super) struct Programs(pub(super) Arc<Desk>);

fn run(world: &mut World, program: &str, words: &[String]) -> Option<Reply> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    (program == "juju").then(|| juju::run(world, &words))
}

impl Programs {
    fn exec(&self, tool: &ToolSpec, command: &Command) -> Result<Output> {
        let program = tool.program.file_name().map(|name| name.to_string_lossy().into_owned());
        let program = program.unwrap_or_default();
        let mut all = words(&tool.args_prefix);
        all.extend(words(command.argv()));
        let shown = tool.shown(command);
        match self.0.command("tool", &tool.name, &shown, command.time(), |world| run(world, &program, &all)) {
            Heard::Reply(reply) => {
                let output = Output {
                    code: reply.code,
                    stdout: reply.stdout,
                    stderr: reply.stderr,
                    ..Output::default()
                };
                command.follow(&output);
                Ok(output)
            }
            Heard::Nobody => Err(Error::new(
                ErrorKind::Unsupported,
                format!("tool {}: a rehearsal has no `{program}`", tool.name),
            )
            .help("the lab has juju; skip the step with `--skip`, or override it for rehearsals")
            .unsent()),
            Heard::Lost | Heard::Silence => Err(Error::new(
                ErrorKind::Timeout,
                format!("`{shown}` did not end within {} and was ended", duration::show(command.time())),
            )),
        }
    }
}

impl Runner for Programs {
    fn exec<'a>(&'a self, tool: &'a ToolSpec, command: &'a Command) -> BoxFuture<'a, Result<Output>> {
        async move { Programs::exec(self, tool, command) }.boxed()
    }
}
