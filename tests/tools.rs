//! Programs of this machine: what they find, how they end, and that nothing of them stays.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod watching;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb::base::{ErrorKind, Secret};
use rhumb::systems::command::{Arg, Command, OnLine, Stream};
use rhumb::systems::tool::{Processes, Tool, ToolSpec};
use watching::{eventually, lines, runs};

/// A shell as a tool: its arguments are the script and the script's own arguments.
fn sh() -> Tool {
    let mut spec = ToolSpec::new("sh", "/bin/sh", "/");
    spec.args_prefix = vec!["-c".into()];
    Tool::new(spec, Arc::new(Processes))
}

#[tokio::test]
async fn a_tool_finds_the_environment_of_its_entry_and_no_other() {
    let mut spec = ToolSpec::new("env", "env", "/");
    spec.env.insert("JUJU_MODEL".into(), "openstack".into());
    let output = Tool::new(spec, Arc::new(Processes)).query(&Command::new([] as [&str; 0])).await.unwrap();
    let mut names: Vec<&str> = output.stdout.lines().filter_map(|l| l.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "JUJU_MODEL", "LANG", "PATH"]);
}

#[tokio::test]
async fn arguments_reach_it_without_a_shell() {
    let output =
        sh().query(&Command::new(["printf '%s|' \"$@\"", "sh", "$HOME", "a  b", "", "*"])).await.unwrap();
    assert_eq!(output.stdout, "$HOME|a  b||*|");
    let error = sh().query(&Command::shell("true")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
}

#[tokio::test]
async fn codes_and_signals_are_as_a_shell_has_them() {
    for (script, code) in [("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        assert_eq!(sh().query(&Command::new([script])).await.unwrap().code, code, "{script}");
    }
}

#[tokio::test]
async fn its_input_is_the_text_or_nothing() {
    assert_eq!(sh().query(&Command::new(["cat"])).await.unwrap().stdout, "");
    assert_eq!(sh().query(&Command::new(["cat"]).stdin("a\nb")).await.unwrap().stdout, "a\nb");
    let much = Command::new(["exit 7"]).stdin("x".repeat(1 << 20));
    assert_eq!(sh().query(&much).await.unwrap().code, 7);
}

#[tokio::test]
async fn lines_come_while_it_runs() {
    let first = Arc::new(Mutex::new(None));
    let seen = first.clone();
    let on_line: OnLine = Arc::new(move |stream, line| {
        assert_eq!((stream, line), (Stream::Stdout, "first"));
        *seen.lock().unwrap() = Some(Instant::now());
    });
    sh().query(&Command::new(["echo first; sleep 1"]).on_line(on_line)).await.unwrap();
    assert!(first.lock().unwrap().unwrap().elapsed() > Duration::from_millis(500));
}

#[tokio::test]
async fn an_output_beyond_the_cap_is_cut_and_marked() {
    let command = Command::new(["head -c 3000000 /dev/zero"]);
    let output = sh().query(&command).await.unwrap();
    assert_eq!((output.stdout.len(), output.truncated, output.code), (1 << 20, true, 0));
    let output = sh().query(&command.output_cap(4 << 20)).await.unwrap();
    assert_eq!((output.stdout.len(), output.truncated), (3_000_000, false));
}

#[tokio::test]
async fn the_deadline_ends_the_whole_tree_and_keeps_what_it_said() {
    let (on_line, seen) = lines();
    let command = Command::new(["sleep 60 & echo $!; echo $$; echo gone wrong >&2; wait"])
        .deadline(Duration::from_secs(1))
        .on_line(on_line);
    let error = sh().query(&command).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("did not end within 1s: gone wrong"), "{error}");
    let pids: Vec<String> = seen.lock().unwrap().iter().filter(|l| !l.contains(' ')).cloned().collect();
    assert_eq!(pids.len(), 2);
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

#[tokio::test]
async fn one_that_ignores_being_asked_is_killed() {
    let (on_line, seen) = lines();
    let script = "trap '' TERM; sleep 60 & echo $!; echo $$; while :; do sleep 1; done";
    let command = Command::new([script]).deadline(Duration::from_secs(1)).on_line(on_line);
    assert_eq!(sh().query(&command).await.unwrap_err().kind(), ErrorKind::Timeout);
    let pids = seen.lock().unwrap().clone();
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_the_whole_tree() {
    let (on_line, seen) = lines();
    let command = Command::new(["sleep 60 & echo $!; echo $$; wait"]).on_line(on_line);
    let tool = sh();
    tokio::select! {
        output = tool.query(&command) => panic!("{output:?}"),
        both = eventually(|| seen.lock().unwrap().len() == 2) => assert!(both),
    }
    let pids = seen.lock().unwrap().clone();
    assert!(eventually(|| !pids.iter().any(|pid| runs(pid))).await, "{pids:?}");
}

#[tokio::test]
async fn something_left_behind_does_not_hold_the_call() {
    let (on_line, seen) = lines();
    let started = Instant::now();
    let output = sh().query(&Command::new(["sleep 60 & echo $!"]).on_line(on_line)).await.unwrap();
    assert_eq!(output.code, 0);
    assert!(started.elapsed() < Duration::from_secs(30));
    let pid = seen.lock().unwrap()[0].clone();
    assert!(runs(&pid), "a program may leave a service running");
    sh().query(&Command::new(["kill $1", "sh", &pid])).await.unwrap();
}

#[tokio::test]
async fn a_prompt_eaten_by_the_closed_input_is_explained() {
    let script = r#"read -r password || echo 'ERROR cannot get discharge from "https://10.12.4.5:17070/auth": EOF' >&2; exit 1"#;
    let command = Command::new([script]);
    let error = sh().query(&command).await.unwrap().success(&command, "juju").unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Command, Some(1)));
    assert!(error.detail().help.as_deref().unwrap().contains("not a controller outage"), "{error:?}");
}

#[tokio::test]
async fn a_secret_reaches_the_program_and_no_message() {
    let command =
        Command::new([Arg::from("echo \"$1\" >&2; exit 3"), "sh".into(), Secret::new("hunter2").into()]);
    let output = sh().query(&command).await.unwrap();
    assert_eq!(output.stderr, "hunter2\n");
    let error = output.success(&command, "sh").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_started_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("not-executable");
    std::fs::write(&text, "x").unwrap();
    let run = async |program: &Path, cwd: &Path| {
        let tool = Tool::new(ToolSpec::new("t", program, cwd), Arc::new(Processes));
        tool.query(&Command::new(["x"])).await.unwrap_err()
    };
    for (program, cwd, part) in [
        (text.as_path(), dir.path(), "could not be started"),
        (Path::new("/no/such/program"), dir.path(), "there is no /no/such/program"),
        (Path::new("/bin/sh"), Path::new("/no/such/directory"), "no directory"),
    ] {
        let error = run(program, cwd).await;
        assert_eq!((error.kind(), error.is_unsent()), (ErrorKind::Site, true), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
