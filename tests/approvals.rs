//! Who says yes to a change: an operator on a terminal, the command line, or nobody. What is sent is what was shown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
#[path = "stub_cloud/mod.rs"]
mod stub_cloud;

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rhumb::base::ErrorKind;
use rhumb::run::Record;
use rig::Rig;
use serde_json::json;
use stub_cloud::StubCloud;

const FIRST: &str = "11111111-2222-4333-8444-555555555555";
const SECOND: &str = "22222222-2222-4333-8444-555555555555";

const CLEAR: &str = r#"
    runbook("clear", "Stop two servers and delete them");
    let scope = site.scope("capi");
    let all = verify("0", "Look", || scope.servers.list().map(|s| s.id));
    change("1", "Stop", || for id in all { scope.servers.get(id).stop(); });
    change("2", "Delete", || for id in all { scope.servers.get(id).delete(); });
"#;

async fn two_servers() -> (StubCloud, Rig) {
    let cloud = stub_cloud::start(move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", _) => (202, json!(null)),
        ("DELETE", _) => (204, json!(null)),
        (_, path) if path.contains("/servers") => {
            let server = |id: &str| json!({"id": id, "name": format!("vm-{}", &id[..1]), "status": "ACTIVE"});
            let one = if path.contains(SECOND) { SECOND } else { FIRST };
            (200, json!({"servers": [server(FIRST), server(SECOND)], "server": server(one)}))
        }
        _ => (200, json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}})),
    })
    .await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file("clear.rhai", CLEAR);
    (cloud, rig)
}

/// The changes that the cloud was asked for: `stop 1`, `delete 2`.
fn sent(cloud: &StubCloud) -> Vec<String> {
    let word = |method: &str, path: &str| {
        let which = if path.contains(FIRST) { 1 } else { 2 };
        match method {
            "POST" if path.ends_with("/action") => Some(format!("stop {which}")),
            "DELETE" => Some(format!("delete {which}")),
            _ => None,
        }
    };
    cloud.stage().seen.iter().filter_map(|seen| word(&seen.method, &seen.path)).collect()
}

/// The program on a terminal of its own.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<String>>,
    read: usize,
}

impl Terminal {
    fn of(rig: &Rig, args: &[&str]) -> Terminal {
        let plain = rig.command(args);
        let line = format!("{} {}", plain.get_program().display(), args.join(" "));
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env_clear().env("TERM", "xterm");
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut out, shown) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(String::new())));
        let into = shown.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut buffer) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        Terminal { child, shown, read: 0 }
    }

    /// Waits for the next question; returns what was shown before it.
    fn question(&mut self) -> String {
        self.shows("[n]o: ")
    }

    /// Waits until it shows something; returns what was shown before it.
    fn shows(&mut self, prompt: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let shown = self.shown.lock().unwrap().clone();
            if let Some(at) = shown[self.read..].find(prompt) {
                let text = shown[self.read..self.read + at].to_string();
                self.read += at + prompt.len();
                return text;
            }
            assert!(Instant::now() < end, "it asks nothing: {shown}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, keys: &str) {
        let mut input = self.child.stdin.as_ref().unwrap();
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// Its exit code.
    fn end(mut self) -> i32 {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            if Instant::now() > end {
                self.child.kill().unwrap();
                panic!("it does not end: {}", self.shown.lock().unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_yes_for_the_step_lasts_as_long_and_deletions_are_asked_one_by_one() {
    let (cloud, rig) = two_servers().await;
    let mut terminal = Terminal::of(&rig, &["run", "clear"]);
    let stop = terminal.question().split_whitespace().collect::<Vec<_>>().join(" ");
    for shown in [
        "stop server vm-1",
        "/compute/v2.1/servers/",
        "project capi-mgmt",
        "roles",
        "token until",
        "os-stop",
        "start it",
    ] {
        assert!(stop.contains(shown), "`{shown}` is not shown:\n{stop}");
    }
    assert!(sent(&cloud).is_empty());
    terminal.types("s\n");

    let delete = terminal.question();
    assert!(delete.contains("delete server vm-1") && delete.contains("cannot be undone"), "{delete}");
    assert!(delete.contains("destroys"), "{delete}");
    assert!(!delete.contains("rest of the"), "no answer lasts for what destroys:\n{delete}");
    assert_eq!(sent(&cloud), ["stop 1", "stop 2"]);
    terminal.types("s\n");
    let wrong = terminal.question();
    assert!(wrong.contains("`s` is not an answer here: type y or n; nothing was sent"), "{wrong}");
    terminal.types("y\n");
    assert!(terminal.question().contains("delete server vm-2"));
    terminal.types("n\n");
    assert_eq!(terminal.end(), i32::from(ErrorKind::Declined.exit_code()));
    assert_eq!(sent(&cloud), ["stop 1", "stop 2", "delete 1"]);

    // what was sent is what was shown, to the letter
    let journal = rig.journal();
    let intents = journal.iter().filter_map(|e| match &e.record {
        Record::Intent { intent, .. } => Some(intent),
        _ => None,
    });
    let asked: Vec<_> = cloud.stage().seen.iter().filter(|s| s.path.ends_with("/action")).cloned().collect();
    assert_eq!(intents.map(|i| i.body.clone()).next().unwrap(), asked[0].body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ctrl_c_at_a_question_ends_the_run_and_nothing_is_sent() {
    let (cloud, rig) = two_servers().await;
    let mut terminal = Terminal::of(&rig, &["run", "clear"]);
    terminal.question();
    terminal.types("\u{3}");
    assert_eq!(terminal.end(), i32::from(ErrorKind::Interrupted.exit_code()));
    assert!(sent(&cloud).is_empty());
    assert!(matches!(rig.journal().last().unwrap().record, Record::RunEnd { exit: 130, .. }));
}

/// The command of a text on a terminal, as somebody copies it: its line, with those that a backslash goes on in.
fn copied(shown: &str) -> String {
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let begins = |line: &&str| line.trim_start().starts_with("rhumb resume");
    let first = lines.iter().position(begins).unwrap_or_else(|| panic!("no command by itself:\n{shown}"));
    let last = lines[first..].iter().position(|line| !line.ends_with('\\')).unwrap();
    lines[first..=first + last].join("\n")
}

/// The words that a shell reads.
fn words(command: &str) -> Vec<String> {
    let script = format!("rhumb() {{ printf '%s\\n' \"$@\"; }}\n{command}\n");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{command}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
}

#[test]
fn a_printed_command_is_copied_as_it_is_typed_from_a_narrow_terminal() {
    let rig = Rig::new("name = \"played\"\n");
    rig.file("sign.rhai", "runbook(\"sign\", \"Sign\"); verify(\"1\", \"Sign\", || attest(\"it is so\"));");
    let args = ["run", "sign", "--set", "image=a b", "--set", "kubeconfig_file=it's here"];
    let run = rig.run(&args).expect(16).report.run;
    let (site, state) = (rig.site().display().to_string(), rig.state().display().to_string());
    let options =
        ["--site", &site, "--set", "image=a b", "--set", "kubeconfig_file=it's here", "--state-dir", &state];
    let resume = [&["resume", &run][..], &options].concat();
    let from = [&["resume", &run, "--from", "1", "--because", "REASON"][..], &options].concat();
    let from: Vec<&str> =
        from.iter().map(|word| if *word == "image=a b" { "image=c" } else { *word }).collect();
    for columns in [40, 60] {
        // the end of a report, and the help of an error
        for (line, due) in [
            (format!("show-run {run}"), &resume),
            (format!("resume {run} --set image=c --set \"kubeconfig_file=it's here\""), &from),
        ] {
            let plain = rig.command(&[]);
            let line = format!("stty cols {columns}; {} {line}", plain.get_program().display());
            let mut command = Command::new("script");
            command.args(["-qfc", &line, "/dev/null"]).env_clear().env("TERM", "xterm").env("NO_COLOR", "1");
            command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = command.stdin(Stdio::null()).output().unwrap();
            let shown = String::from_utf8_lossy(&output.stdout).replace('\r', "");
            assert_eq!(words(&copied(&shown)), *due, "at {columns} columns:\n{shown}");
        }
    }
}

#[test]
fn ctrl_c_at_a_signature_interrupts_the_step_that_asks() {
    let rig = Rig::new("name = \"played\"\n");
    rig.file(
        "sign.rhai",
        "runbook(\"sign\", \"Sign\");\nverify(\"1\", \"Sign\", || {\n    attest(\"it is so\");\n});\n\
         verify(\"2\", \"Look\", || note(\"looked\"));\n",
    );
    let prompt = "leave it open: ";
    let mut terminal = Terminal::of(&rig, &["run", "sign"]);
    terminal.shows(prompt);
    terminal.types("\u{3}");
    let place = terminal.shows("signature of");
    assert!(!place.contains("step 2"), "{place}");
    assert_eq!(terminal.end(), i32::from(ErrorKind::Interrupted.exit_code()));
    let entries = rig.journal();
    let Record::RunEnd { error, .. } = &entries.last().unwrap().record else { panic!("{entries:?}") };
    assert_eq!(error["place"]["line"], 3, "{error}");
    let attests = entries.iter().filter(|e| matches!(e.record, Record::Attest { .. })).count();
    assert_eq!(attests, 0, "no answer is not an answer");
    let report = rhumb::run::RunReport::of(&entries);
    assert_eq!(report.steps.len(), 1, "the step behind it has not begun");

    // the run goes on with the same question, and a Ctrl-C there is of the same step
    let mut terminal = Terminal::of(&rig, &["resume"]);
    terminal.shows(prompt);
    terminal.types("\u{3}");
    terminal.end();
    let entries = rig.journal();
    let Record::RunEnd { error, .. } = &entries.last().unwrap().record else { panic!("{entries:?}") };
    assert_eq!(error["place"]["line"], 3, "{error}");
    let mut terminal = Terminal::of(&rig, &["resume"]);
    terminal.shows(prompt);
    terminal.types("Jo\n");
    assert_eq!(terminal.end(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_terminal_only_what_was_approved_is_sent() {
    let (cloud, rig) = two_servers().await;
    let needs = i32::from(ErrorKind::NeedsApproval.exit_code());
    let ended = rig.run(&["run", "clear"]).expect(needs);
    assert!(ended.stderr.contains("--approve step:1, or --yes for all"), "{}", ended.stderr);
    assert!(sent(&cloud).is_empty());
    // a step's approval does not cover what it destroys; an id's does
    rig.run(&["run", "clear", "--approve", "step:1,step:2"]).expect(needs);
    assert_eq!(sent(&cloud), ["stop 1", "stop 2"]);
    rig.run(&["run", "clear", "--approve", &format!("step:1,id:{FIRST}")]).expect(needs);
    assert_eq!(sent(&cloud)[2..], ["stop 1", "stop 2", "delete 1"]);
    rig.run(&["run", "clear", "--yes"]).expect(0);
    assert_eq!(sent(&cloud)[5..], ["stop 1", "stop 2", "delete 1", "delete 2"]);
    rig.run(&["run", "clear", "--approve", "step:1,step:2:destroys"]).expect(0);
    assert_eq!(sent(&cloud)[9..], ["stop 1", "stop 2", "delete 1", "delete 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn observing_tells_which_changes_would_follow_and_sends_none() {
    let (cloud, rig) = two_servers().await;
    rig.file("clear.rhai", &CLEAR.replace("\"Delete\", ||", "\"Delete\", #{ when: || all.is_empty() }, ||"));
    let ended = rig.run(&["run", "clear", "--observe", "--yes"]).expect(0);
    assert!(!ended.stdout.contains("Not observable"), "{}", ended.stdout);
    assert!(sent(&cloud).is_empty());
    let (_, follow) = ended.stdout.split_once("Would follow").unwrap();
    assert!(follow.contains("1    Stop") && !follow.contains("Delete"), "{follow}");
    assert!(ended.stdout.contains("its `when` does not hold"), "{}", ended.stdout);
    let run = std::fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path();
    for report in ["report.md", "report.html"] {
        assert!(std::fs::read_to_string(run.join(report)).unwrap().contains("Would follow"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_observation_cannot_look_at_is_told_in_every_report_and_fails_nothing() {
    let (cloud, rig) = two_servers().await;
    let made = CLEAR.replace("change(\"1\"", "let stopped = change(\"1\"");
    rig.file(
        "clear.rhai",
        &format!("{made} verify(\"3\", \"They rest\", || gate(\"all\", stopped.len() == 2));"),
    );
    let ended = rig.run(&["run", "clear", "--observe"]).expect(0);
    assert!(sent(&cloud).is_empty());
    let (_, told) = ended.stdout.split_once("Not observable").unwrap();
    assert!(told.contains("3    They rest: needs what step 1 would make"), "{told}");
    let run = std::fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path();
    for (report, says) in [
        ("report.md", "Not observable"),
        ("report.html", "They rest: needs what step 1 would make"),
        ("report.json", "\"not_observable\""),
        ("junit.xml", "<skipped message=\"SKIPPED: observing: needs what step 1 would make\"/>"),
    ] {
        let text = std::fs::read_to_string(run.join(report)).unwrap();
        assert!(text.contains(says), "{report}:\n{text}");
    }
}
