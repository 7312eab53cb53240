//! Commands in containers, as far as it can be told what they would do: those that look.

use serde_json::{Value, json};

use super::place::Place;
use super::refusal::Refusal;
use super::store::{Key, Store};
use crate::lab::exchange::{Answer, Body, Request};
use crate::lab::session::Session;

/// The session of a command in a container.
///
/// # Errors
/// There is no such pod or container, it does not run, or no command is named.
pub(super) fn exec(store: &Store, place: &Place<'_>, request: &Request) -> Result<Answer, Refusal> {
    let pod = store.get(&Key::new(place.kind, place.namespace, place.name));
    let pod = pod.ok_or_else(|| Refusal::not_found(place.kind, place.name))?;
    if pod["spec"]["nodeName"].is_null() {
        return Err(Refusal::bad(format!("pod {} does not have a host assigned", place.name)));
    }
    let all = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = request.get("container").filter(|name| !name.is_empty());
    let found = match &wanted {
        Some(name) => all.iter().find(|c| c["name"] == **name),
        None => all.first(),
    };
    let Some(found) = found else {
        let name = wanted.unwrap_or_default();
        return Err(Refusal::bad(format!("container {name} is not valid for pod {}", place.name)));
    };
    let name = found["name"].as_str().unwrap_or_default();
    if found["state"].get("running").is_none() {
        return Err(Refusal::no_container(name));
    }
    let words: Vec<String> =
        request.pairs().filter(|(key, _)| key == "command").map(|(_, word)| word).collect();
    if words.is_empty() {
        return Err(Refusal::bad("you must specify at least 1 command for the container"));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let session = run(place.name, &words, request.get("stdin").is_some_and(|v| v == "true"));
    Ok(Answer { body: Body::Session(session), ..Answer::empty(101) })
}

/// What comes of a command. A shell's script is its one command's words.
fn run(pod: &str, words: &[&str], has_input: bool) -> Session {
    let said = |stdout: String| Session { echoes: false, stdout, stderr: String::new(), status: ended(0) };
    let program = words.first().copied().unwrap_or_default();
    match (program.rsplit('/').next().unwrap_or_default(), words.get(1..).unwrap_or_default()) {
        ("true", _) => said(String::new()),
        ("false", _) => Session { status: ended(1), ..said(String::new()) },
        ("echo", rest) => said(format!("{}\n", rest.join(" "))),
        ("hostname", []) | ("cat", ["/etc/hostname"]) => said(format!("{pod}\n")),
        ("cat", []) => Session { echoes: has_input, ..said(String::new()) },
        ("cat", [file, ..]) => Session {
            stderr: format!("cat: {file}: No such file or directory\n"),
            status: ended(1),
            ..said(String::new())
        },
        // nobody can sit at one: what is typed would have to be answered line by line
        ("sh" | "bash", []) => Session {
            stderr: format!("{program}: a container of the lab runs one command: {program} -c 'COMMAND'\n"),
            status: ended(1),
            ..said(String::new())
        },
        ("sh" | "bash", ["-c", script]) => script_of(pod, script, has_input),
        _ => Session { status: absent(program), ..said(String::new()) },
    }
}

fn script_of(pod: &str, script: &str, has_input: bool) -> Session {
    let words: Vec<&str> = script.split_whitespace().collect();
    match words.as_slice() {
        ["exit", code] => {
            let status = ended(code.parse().unwrap_or(2));
            Session { echoes: false, stdout: String::new(), stderr: String::new(), status }
        }
        words => {
            let session = run(pod, words, has_input);
            // a shell is there, and tells itself what is not
            match session.status["reason"] == "InternalError" {
                true => {
                    let program = words.first().copied().unwrap_or_default();
                    let stderr = format!("sh: 1: {program}: not found\n");
                    Session { stderr, status: ended(127), ..session }
                }
                false => session,
            }
        }
    }
}

/// How a command ended, as a kubelet tells it.
fn ended(code: u8) -> Value {
    match code {
        0 => json!({"metadata": {}, "status": "Success"}),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: error executing command in container, exit code {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
    }
}

/// A command that the container does not have.
fn absent(program: &str) -> Value {
    let message = format!(
        "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: \
         failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: {program:?}: \
         executable file not found in $PATH: unknown"
    );
    json!({"metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_as_it_would() {
        assert_eq!(run("web", &["echo", "a", "b"], false).stdout, "a b\n");
        assert_eq!(run("web", &["/bin/sh", "-c", "hostname"], false).stdout, "web\n");
        assert_eq!(run("web", &["sh", "-c", "exit 3"], false).status["details"]["causes"][0]["message"], "3");
        assert_eq!(run("web", &["nope"], false).status["reason"], "InternalError");
        let shell = run("web", &["sh", "-c", "nope"], false);
        assert_eq!((shell.stderr.as_str(), &shell.status), ("sh: 1: nope: not found\n", &ended(127)));
        assert!(run("web", &["sh"], true).stderr.contains("sh -c"));
        assert!(run("web", &["cat"], true).echoes && !run("web", &["cat"], false).echoes);
    }
}
