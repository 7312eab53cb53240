//! Commands on hosts and of local tools. No shell looks at a command unless it is asked for.

use std::time::Duration;

use rhai::{Array, Dynamic};

use crate::base::{Error, ErrorKind, Mutation, Payload, Permit, Result, Secret, Undo};
use crate::run;
use crate::run::settle::Settled;
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::handles::machine::{CommandOutput, HostHandle, ToolHandle};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::systems::command::{Arg, Command, Output};

/// The family.
pub const ALL: &[&Primitive] = &[&HOST_QUERY, &HOST_RUN, &TOOL_QUERY, &TOOL_RUN];

/// A command's words.
pub(super) const ARGV: Param = Param::new(
    "argv",
    Ty::Any,
    "the program and its arguments as a list; each word arrives as it is. A string is a text for `sh`, and only with `shell: true`",
);

const READ_KEYS: &[Param] = &[
    Param::optional("shell", Ty::Bool, "hand a string to the POSIX shell of the machine"),
    Param::optional("stdin", Ty::Secretive, "what the command reads; nothing, unless given"),
    Param::optional(
        "within",
        Ty::Duration,
        "when it is ended if it still runs (default 5 min, or the `within` of the host or tool in site.toml)",
    ),
    Param::optional(
        "any_code",
        Ty::Bool,
        "any exit code is an answer; without it, another than 0 is an error of kind `command`",
    ),
];

/// How a command that changes something runs.
pub(super) const RUN_KEYS: &[Param] = &[
    READ_KEYS[0],
    READ_KEYS[1],
    READ_KEYS[2],
    READ_KEYS[3],
    Param::optional("destroys", Ty::Bool, "it destroys something: asked one by one"),
    Param::optional("undo", Ty::Text, "how it is taken back, for whoever approves it"),
];

const READ: &[Param] = &[ARGV, Param::optional("opts", Ty::Options(READ_KEYS), "how it runs")];
const RUN: &[Param] = &[ARGV, Param::optional("opts", Ty::Options(RUN_KEYS), "how it runs")];

const HOST_QUERY: Primitive = Primitive {
    name: "query",
    on: On::Type("Host"),
    params: READ,
    returns: "Output: code, stdout, stderr, truncated, duration",
    effect: Effect::Read,
    doc: "Runs a command on the host of which the author says that it only reads. The remote process ends at the deadline and at Ctrl-C. A lost connection, a process that was killed and the command's own exit code are told apart.",
    example: "",
    body: |call| {
        let host: HostHandle = call.receiver()?;
        let (command, options) = command(call, 0, call.host.site.site().host(&host.0.spec().name)?.within)?;
        call.host.run.used(&host.0.spec().name);
        let output = call.host.block_on(host.0.query(&command))?;
        finish(output, &command, &options, &host.0.spec().name)
    },
};

const HOST_RUN: Primitive = Primitive {
    name: "run",
    on: On::Type("Host"),
    params: RUN,
    returns: "Output: code, stdout, stderr, truncated, duration",
    effect: Effect::Change,
    doc: "Runs a command on the host that changes something there: approved and journaled first.",
    example: "",
    body: |call| {
        let host: HostHandle = call.receiver()?;
        let (command, options) = command(call, 0, call.host.site.site().host(&host.0.spec().name)?.within)?;
        let mut change = host.0.change(command.clone());
        (change.undo, change.destroys) = said(&options);
        let of = (&command, &options, &*host.0.spec().name);
        let output = effect(call, change, of, |permit| call.host.block_on(host.0.run(permit)))?;
        finish(output, &command, &options, &host.0.spec().name)
    },
};

const TOOL_QUERY: Primitive = Primitive {
    name: "query",
    on: On::Type("Tool"),
    params: READ,
    returns: "Output: code, stdout, stderr, truncated, duration",
    effect: Effect::Read,
    doc: "Runs a local program of which the author says that it only reads. Its environment holds what the site file says and nothing of the operator's. A prompt that met a closed input is recognised and explained.",
    example: "",
    body: |call| {
        let tool: ToolHandle = call.receiver()?;
        let (command, options) = command(call, 0, call.host.site.site().tool(&tool.0.spec().name)?.within)?;
        call.host.run.used(&tool.0.spec().name);
        let output = call.host.block_on(tool.0.query(&command))?;
        finish(output, &command, &options, &tool.0.spec().name)
    },
};

const TOOL_RUN: Primitive = Primitive {
    name: "run",
    on: On::Type("Tool"),
    params: RUN,
    returns: "Output: code, stdout, stderr, truncated, duration",
    effect: Effect::Change,
    doc: "Runs a local program that changes something: approved and journaled first.",
    example: "",
    body: |call| {
        let tool: ToolHandle = call.receiver()?;
        let (command, options) = command(call, 0, call.host.site.site().tool(&tool.0.spec().name)?.within)?;
        let mut change = tool.0.change(command.clone());
        (change.undo, change.destroys) = said(&options);
        let of = (&command, &options, &*tool.0.spec().name);
        let output = effect(call, change, of, |permit| call.host.block_on(tool.0.run(permit)))?;
        finish(output, &command, &options, &tool.0.spec().name)
    },
};

/// The command that a call asks for: its words at a place among the arguments, its options behind them. `own` is how long
/// the site lets a command on this host, or of this program, take where the call says nothing.
pub(super) fn command(call: &Call<'_>, at: usize, own: Option<Duration>) -> Result<(Command, Options)> {
    let options = call.options(at + 1);
    let argv = call.arg(at).cloned().unwrap_or(Dynamic::UNIT);
    let mut command = match (argv.read_lock::<Array>(), options.flag("shell")) {
        (Some(words), false) => Command::new(words.iter().map(word).collect::<Result<Vec<Arg>>>()?),
        (None, true) => Command::shell(word(&argv)?),
        (Some(_), true) => {
            return Err(Error::new(ErrorKind::Argument, "a list of words needs no shell")
                .help("leave `shell` out, or give one string"));
        }
        (None, false) => {
            return Err(Error::new(ErrorKind::Argument, format!("{} takes a list of words", call.primitive.path()))
                .help("write [\"sudo\", \"k8s\", \"status\"]; for a pipe or a variable give a string with #{ shell: true }"));
        }
    };
    if let Some(text) = options.get("stdin") {
        command = command.stdin(word(text)?);
    }
    if let Some(time) = options.duration("within").or(own) {
        command = command.deadline(time);
    }
    Ok((command, options))
}

fn word(value: &Dynamic) -> Result<Arg> {
    match value.clone().try_cast::<Secret>() {
        Some(secret) => Ok(Arg::Secret(secret)),
        None if value.is_string() || value.is_int() => Ok(Arg::Plain(value.to_string())),
        None => {
            let got = crate::script::engine::type_name(value);
            Err(Error::new(ErrorKind::Argument, format!("a word of a command is a string, not a {got}")))
        }
    }
}

fn said(options: &Options) -> (Undo, bool) {
    (options.text("undo").map_or(Undo::Unknown, Undo::By), options.flag("destroys"))
}

/// Has a command approved, journaled and run. Whether one that was cut off took effect, only its
/// author can tell.
fn effect<M: Mutation>(
    call: &Call<'_>,
    change: M,
    (command, options, place): (&Command, &Options, &str),
    run: impl FnOnce(Permit<M>) -> Result<Output>,
) -> Result<Output, Thrown> {
    let look = |_: &run::Effect| Ok(Settled::Unknown);
    let answer = call.host.run.effect(change, look, |permit| {
        let output = run(permit)?;
        // one that failed is not done: a resumed run sends it again, once it is approved
        let output = if options.flag("any_code") { output } else { output.success(command, place)? };
        Ok(Payload::from(serde_json::to_value(&output).unwrap_or_default()))
    })?;
    Ok(recorded(&answer))
}

/// What a command gave, from what its change was recorded with.
pub(super) fn recorded(answer: &Payload) -> Output {
    let answer = answer.expose();
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_string();
    Output {
        code: answer["code"].as_i64().and_then(|c| i32::try_from(c).ok()).unwrap_or_default(),
        stdout: text("stdout"),
        stderr: text("stderr"),
        truncated: answer["truncated"].as_bool().unwrap_or_default(),
        ..Output::default()
    }
}

/// A command's output as a script has it; another exit code than 0 is an error unless any is an answer.
pub(super) fn finish(
    output: Output,
    command: &Command,
    options: &Options,
    place: &str,
) -> Result<Dynamic, Thrown> {
    let output = if options.flag("any_code") { output } else { output.success(command, place)? };
    Ok(Dynamic::from(CommandOutput(output)))
}
