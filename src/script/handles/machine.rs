//! Hosts and local tools in scripts, and what a command gave.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use serde_json::{Value, json};

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::script::span::Span;
use crate::script::thrown::Thrown;
use crate::systems::command::Output;
use crate::systems::ssh::Host;
use crate::systems::tool::Tool;

/// A host that is reached over SSH: `site.host("capi-mgmt")`.
#[derive(Clone)]
pub struct HostHandle(pub Host);

/// A local program: `site.tool("juju")`.
#[derive(Clone)]
pub struct ToolHandle(pub Tool);

/// What a command gave.
#[derive(Clone)]
pub struct CommandOutput(pub Output);

impl CommandOutput {
    /// As evidence.
    pub fn shown(&self) -> Value {
        json!({ "code": self.0.code, "stdout": self.0.stdout, "stderr": self.0.stderr })
    }
}

fn field(output: &CommandOutput, name: &str) -> Result<Dynamic> {
    let o = &output.0;
    Ok(match name {
        "code" => i64::from(o.code).into(),
        "stdout" => o.stdout.clone().into(),
        "stderr" => o.stderr.clone().into(),
        "truncated" => o.truncated.into(),
        "duration" => Dynamic::from(Span(o.duration)),
        other => {
            return Err(unknown(
                "a command's output",
                other,
                &["code", "stdout", "stderr", "truncated", "duration"],
            ));
        }
    })
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Error {
    let e = Error::new(ErrorKind::Script, format!("{what} has no field `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(meant) => e.help(format!("did you mean `{meant}`?")),
        None => e.help(format!("it has {}", known.join(", "))),
    }
}

/// Registers the types.
pub fn register(engine: &mut Engine) {
    type Got = std::result::Result<Dynamic, Box<EvalAltResult>>;
    let thrown = |e: Error| -> Box<EvalAltResult> { Thrown::from(e).into() };
    engine
        .register_type_with_name::<HostHandle>("Host")
        .register_fn("to_string", |h: &mut HostHandle| format!("host {}", h.0.spec().name))
        .register_fn("to_debug", |h: &mut HostHandle| format!("host {}", h.0.spec().name))
        .register_indexer_get(move |h: &mut HostHandle, name: ImmutableString| -> Got {
            let spec = h.0.spec();
            match name.as_str() {
                "name" => Ok(spec.name.clone().into()),
                "address" => Ok(spec.address.clone().into()),
                "port" => Ok(i64::from(spec.port).into()),
                "user" => Ok(spec.user.clone().into()),
                other => Err(thrown(unknown("a host", other, &["name", "address", "port", "user"]))),
            }
        });
    engine
        .register_type_with_name::<ToolHandle>("Tool")
        .register_fn("to_string", |t: &mut ToolHandle| format!("tool {}", t.0.spec().name))
        .register_fn("to_debug", |t: &mut ToolHandle| format!("tool {}", t.0.spec().name));
    engine
        .register_type_with_name::<CommandOutput>("Output")
        .register_fn("to_string", |o: &mut CommandOutput| o.0.stdout.trim_end().to_string())
        .register_fn("to_debug", |o: &mut CommandOutput| o.shown().to_string())
        .register_indexer_get(move |o: &mut CommandOutput, name: ImmutableString| -> Got {
            field(o, &name).map_err(thrown)
        });
}
