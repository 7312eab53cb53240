//! The program itself, with its output in a pipe and on a terminal of its own.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::json;

use super::emulator::{holds_its_lines, only_text, rows, shown};
use super::pages::quoted;
use super::rig::Rig;
use super::stub_cloud::{self, StubCloud};
use super::{harmless, names};

const ROWS: usize = 40;
const COLUMNS: usize = 100;

/// A site with a runbook that states each of these texts wherever a script can.
fn rig(texts: &[String]) -> Rig {
    let rig =
        Rig::new(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt/site.toml")));
    let mut script = String::from("//! The header.\nrunbook(\"main\", \"All texts\");\n");
    for (n, text) in texts.iter().enumerate() {
        let text = quoted(text);
        script.push_str(&format!(
            "verify(\"{n}\", \"{text}\", || {{\n    note(\"{text}\");\n    fact(\"{text}\", \"web\");\n    gate(\"{text}\", true);\n    \
             poll(#{{ title: \"{text}\", every: 1.s, within: 1.min, read: || 1, done: |x| true }});\n}});\n"
        ));
    }
    let all = quoted(&texts.join(" "));
    script.push_str(&format!("verify(\"last\", \"It fails\", || {{ throw \"{all}\"; }});\n"));
    rig.file("main.rhai", &script);
    rig
}

/// What a run prints, without what differs from run to run.
fn alike(text: &str, rig: &Rig) -> String {
    let text = text
        .replace(&rig.site().display().to_string(), "SITE")
        .replace(&rig.state().display().to_string(), "STATE");
    let text =
        Regex::new(r"[0-9]{8}T[0-9.]+Z-main-[0-9a-f]+").unwrap().replace_all(&text, "RUN").into_owned();
    Regex::new(r"rehearsed .* in .*").unwrap().replace_all(&text, "rehearsed").into_owned()
}

#[test]
fn a_run_shows_texts_and_does_nothing_that_they_say() {
    let texts: Vec<String> =
        names().into_iter().filter(|(name, _)| !name.starts_with("U+")).map(|(_, text)| text).collect();
    let one_line: Vec<String> = texts.iter().filter(|text| !text.contains(['\n', '\t'])).cloned().collect();
    for chosen in [&texts, &one_line] {
        let rig = rig(chosen);
        let ended = rig.command(&["rehearse", "main"]).output().unwrap();
        let (out, err) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
        assert!(out.contains("It fails") && out.contains("\\u{1b}[2J"), "{out}\n{err}");
        holds_its_lines(&out, "rehearse");
        holds_its_lines(&err, "the error of rehearse");
        assert!(
            !out.lines().any(|line| line.starts_with("5.2 ") || line.starts_with("         PASS  1s")),
            "{out}"
        );
    }
    let plain: Vec<String> = one_line.iter().map(|text| harmless(text)).collect();
    let (hostile, plain) = (rig(&one_line), rig(&plain));
    let out = |rig: &Rig| {
        let ended = rig.command(&["rehearse", "main"]).output().unwrap();
        alike(&String::from_utf8(ended.stdout).unwrap(), rig)
    };
    let (hostile, plain) = (out(&hostile), out(&plain));
    for (shown, wanted) in hostile.lines().zip(plain.lines()) {
        assert_eq!(shown, wanted);
    }
    assert_eq!(hostile.lines().count(), plain.lines().count());
}

#[test]
fn what_lists_and_shows_scripts_shows_what_is_there() {
    let texts: Vec<String> =
        names().into_iter().filter(|(name, _)| !name.starts_with("U+")).map(|(_, text)| text).collect();
    for (n, text) in texts.iter().enumerate().filter(|(_, text)| !text.contains('\0')) {
        let line = text.replace(['\n', '\r'], " ");
        let rig = Rig::new(&format!(
            "name = \"lab\"\ndescription = {}\n[extra]\nx = {}\n",
            toml::Value::from(text.as_str()),
            toml::Value::from(text.as_str())
        ));
        let script = format!(
            "//! {line}\nrunbook(\"main\", \"{0}\");\n// {line}\nchange(\"1\", \"{0}\", || site.scope(\"admin\").networks.get(\"x\").delete()); // {line}\n",
            quoted(text)
        );
        rig.file("main.rhai", &script);
        // one after the other over all texts: each command sees each sort of text in the course of the folder
        let commands: [&[&str]; 6] = [
            &["show", "main"],
            &["list"],
            &["show", "main", "1"],
            &["check", "main"],
            &["site", "show"],
            &["site", "check", "--offline", "main"],
        ];
        let arguments = commands[n % 6];
        let ended = rig.command(arguments).output().unwrap();
        holds_its_lines(&String::from_utf8(ended.stdout).unwrap(), &format!("{arguments:?} with {text:?}"));
        holds_its_lines(&String::from_utf8(ended.stderr).unwrap(), &format!("{arguments:?} with {text:?}"));
    }
}

#[test]
fn the_command_line_itself_is_no_way_to_the_terminal() {
    for (name, text) in
        names().into_iter().filter(|(name, text)| !name.starts_with("U+") && !text.contains('\0'))
    {
        let rig = Rig::new("name = \"lab\"\n");
        for arguments in
            [vec!["show", text.as_str()], vec!["run", "main", &text, "--nothing"], vec![text.as_str()]]
        {
            let ended = rig.command(&arguments).env("RHUMB_STATE", text.as_str()).output().unwrap();
            holds_its_lines(&String::from_utf8(ended.stderr).unwrap(), &name);
            holds_its_lines(&String::from_utf8(ended.stdout).unwrap(), &name);
        }
    }
}

/// A program on a terminal.
struct Terminal {
    child: Child,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn of(rig: &Rig, arguments: &[&str]) -> Self {
        let plain = rig.command(arguments);
        let line = format!(
            "stty rows {ROWS} cols {COLUMNS}; {} {}",
            plain.get_program().display(),
            arguments.join(" ")
        );
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env_clear().env("TERM", "xterm");
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut out, sent) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let into = sent.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        Terminal { child, sent }
    }

    /// Waits until its last row ends with a text; what it was sent so far.
    fn until(&self, last: &str) -> Vec<u8> {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let sent = self.sent.lock().unwrap().clone();
            if String::from_utf8_lossy(&sent).trim_end().ends_with(last) {
                return sent;
            }
            assert!(Instant::now() < end, "no `{last}`: {}", String::from_utf8_lossy(&sent));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, keys: &str) {
        self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn end(mut self) -> (i32, Vec<u8>) {
        let code = self.child.wait().unwrap().code().unwrap();
        std::thread::sleep(Duration::from_millis(100)); // what was written last is on its way
        let sent = self.sent.lock().unwrap().clone();
        (code, sent)
    }
}

/// A cloud whose one network carries a name.
async fn cloud(name: &str) -> (StubCloud, Rig) {
    let name = name.to_string();
    let cloud = stub_cloud::start(move |seen, _| match seen.method.as_str() {
        "DELETE" => (204, json!(null)),
        _ if seen.path.contains("/networks") => {
            let network = json!({"id": "11111111-2222-4333-8444-555555555555", "name": name, "status": "ACTIVE", "description": name});
            (200, json!({"networks": [network], "network": network}))
        }
        _ => (200, json!({"version": {"id": "v2.0", "status": "CURRENT"}, "versions": [{"id": "v2.0", "status": "CURRENT"}]})),
    })
    .await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file(
        "clear.rhai",
        "runbook(\"clear\", \"Delete a network\");\nlet scope = site.scope(\"capi\");\nlet net = verify(\"1\", \"Look\", || scope.networks.list()[0]);\n\
         verify(\"2\", \"Sign\", || attest(net.name + \" may go\"));\nchange(\"3\", \"Delete\", || scope.networks.get(net.id).delete());\n",
    );
    (cloud, rig)
}

/// The screen at a question, without the numbers that differ from run to run.
fn screen_at_the_questions(rig: &Rig) -> Vec<String> {
    let mut terminal = Terminal::of(rig, &["run", "clear"]);
    terminal.until("leave it open:");
    terminal.types("op\n");
    let sent = terminal.until("[n]o:");
    terminal.types("n\n");
    let (code, _) = terminal.end();
    assert_eq!(code, 5, "declined");
    let screen = shown(&sent, ROWS, COLUMNS);
    only_text(&screen, "the question");
    let digits = Regex::new("[0-9]+|RUN").unwrap();
    let rows = rows(&screen).into_iter().filter(|row| !row.contains("run 2") && !row.contains("journal"));
    rows.map(|row| digits.replace_all(&row, "0").trim_start_matches('.').to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_question_for_an_approval_shows_the_change_that_is_asked_for() {
    let of = |name: &str| names().into_iter().find(|(known, _)| known == name).unwrap().1;
    for name in ["erase-and-forge", "carriage-return", "line-feeds", "padding"] {
        let text = of(name);
        let (_cloud, rig) = cloud(&text).await;
        let screen = tokio::task::spawn_blocking(move || screen_at_the_questions(&rig)).await.unwrap();
        let told = screen.join("\n");
        let asked = screen
            .iter()
            .rposition(|row| row.contains("would delete network"))
            .unwrap_or_else(|| panic!("{name}:\n{told}"));
        // a long URL goes on below its method
        let rest =
            screen[asked..].iter().flat_map(|row| row.split_whitespace()).collect::<Vec<_>>().join(" ");
        for line in ["request DELETE http", "undo cannot be undone", "send it? [y]es [n]o:"] {
            assert!(rest.contains(line), "{name}: `{line}` is not in\n{told}");
        }
        // nothing but the host's own lines begins where those begin
        let begins = |row: &&String| row.starts_with("         ") && !row.starts_with("          ");
        for row in screen[asked..].iter().filter(begins) {
            let own = ["step", "scope", "request", "body", "undo", "destroys", "send it?"];
            assert!(own.iter().any(|word| row.trim_start().starts_with(word)), "{name}: `{row}` in\n{told}");
        }
        if !text.contains('\n') {
            let (_cloud, rig) = cloud(&harmless(&text)).await;
            let plain = tokio::task::spawn_blocking(move || screen_at_the_questions(&rig)).await.unwrap();
            assert_eq!(screen[asked..], plain[plain.len() - (screen.len() - asked)..], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_name_leaves_the_question_on_the_screen_and_can_be_read_whole() {
    let (_cloud, rig) = cloud(&format!("{}END", "long ".repeat(4000))).await;
    let told = tokio::task::spawn_blocking(move || {
        let mut terminal = Terminal::of(&rig, &["run", "clear"]);
        terminal.until("leave it open:");
        terminal.types("op\n");
        let sent = terminal.until("[v]iew what is left out:");
        let screen = rows(&shown(&sent, ROWS, COLUMNS)).join("\n");
        assert!(screen.contains("would delete network") && screen.contains("bytes left out"), "{screen}");
        terminal.types("n\n");
        terminal.end().0
    });
    assert_eq!(told.await.unwrap(), 5);
}

#[test]
fn show_on_a_terminal_shows_what_a_step_changes() {
    let rig = Rig::new("name = \"lab\"\n");
    let script = "//! Reads only.\u{1b}[8m\nrunbook(\"main\", \"Look\");\n// Looks.\u{1b}[8m\u{1b}[2J\nchange(\"1\", \"Look\", || site.scope(\"admin\").networks.get(\"x\").delete());\n";
    rig.file("main.rhai", script);
    let (code, sent) = Terminal::of(&rig, &["show", "main"]).end();
    assert_eq!(code, 0);
    let screen = shown(&sent, ROWS, COLUMNS);
    only_text(&screen, "show");
    let rows = rows(&screen);
    assert_eq!(rows.last().unwrap(), "         changes     deletes network x (Neutron)", "{rows:?}");
    assert_eq!(rows[rows.len() - 2], "         Looks.\\u{1b}[8m\\u{1b}[2J");
}
