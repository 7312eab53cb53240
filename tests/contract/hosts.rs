//! Commands on a machine that a site reaches over SSH: through the same transport here and there, compared by their exit code
//! and by what they print.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use rhumb::systems::command::Command;
use rhumb::systems::ssh::Host;
use serde_json::{Map, Value, json};

/// A command whose words may be `{uri}` and `{domain}`.
pub(crate) struct Line {
    words: Vec<&'static str>,
    /// Only what matches is compared, as the rest is the machine's own.
    only: Option<&'static str>,
    /// Nothing is compared: it prepares or clears away.
    silent: bool,
    within: Duration,
}

fn line(text: &'static str) -> Line {
    let within = Duration::from_secs(30);
    Line { words: text.split(' ').collect(), only: None, silent: false, within }
}

impl Line {
    fn only(self, pattern: &'static str) -> Line {
        Line { only: Some(pattern), ..self }
    }

    fn silent(self) -> Line {
        Line { silent: true, ..self }
    }
}

fn script(text: &'static str) -> Line {
    Line { words: vec!["bash", "-c", text], ..line("") }
}

/// What any machine has.
pub(crate) fn shell() -> Vec<Line> {
    vec![
        line("true"),
        line("false"),
        line("echo a b"),
        line("frobnicate --now"),
        line("timeout 5 true"),
        line("hostname").only(r"^\S+\n$"),
        line("uname -n").only(r"^\S+\n$"),
        line("whoami").only(r"^\S+\n$"),
        line("uptime").only(r"(user|users),  load average: \d+\.\d\d, \d+\.\d\d, \d+\.\d\d\n$"),
        script("true"),
        script("frobnicate"),
        Line { words: vec!["timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/{address}"], ..line("") },
        Line { within: Duration::from_secs(1), ..line("sleep 30") },
    ]
}

/// virsh, over a domain that is shut off and has no snapshot.
pub(crate) fn libvirt() -> Vec<Line> {
    let virsh = |rest: &'static str| {
        let mut line = line("virsh --connect {uri}");
        line.words.extend(rest.split(' '));
        line
    };
    vec![
        virsh("destroy --domain {domain}").silent(),
        virsh("snapshot-delete --domain {domain} --snapshotname contract-1").silent(),
        virsh("list --all --name"),
        virsh("list --all"),
        virsh("list --name"),
        virsh("list"),
        virsh("domstate --domain {domain}"),
        virsh("domstate {domain}"),
        virsh("snapshot-list --domain {domain} --name --topological"),
        virsh("snapshot-list --domain {domain}"),
        virsh("snapshot-create-as --domain {domain} --name contract-1 --description D-012 --atomic"),
        virsh("snapshot-create-as --domain {domain} --name contract-1 --description D-012 --atomic"),
        virsh("snapshot-list --domain {domain} --name --topological"),
        virsh("snapshot-list --domain {domain}"),
        virsh("snapshot-delete --domain {domain} --snapshotname contract-1"),
        virsh("snapshot-delete --domain {domain} --snapshotname contract-1"),
        virsh("start --domain {domain}"),
        virsh("start --domain {domain}"),
        virsh("domstate --domain {domain}"),
        virsh("list"),
        virsh("list --name"),
        virsh("snapshot-create-as --domain {domain} --name contract-1 --description D-012 --atomic"),
        virsh("snapshot-list --domain {domain}"),
        virsh("snapshot-delete --domain {domain} --snapshotname contract-1"),
        virsh("destroy --domain {domain}"),
        virsh("destroy --domain {domain}"),
        virsh("domstate --domain {domain}"),
        virsh("domstate --domain no-such"),
        virsh("snapshot-list --domain no-such --name --topological"),
        virsh("snapshot-create-as --domain no-such --name x"),
        virsh("frobnicate"),
    ]
}

/// What is called otherwise from place to place: `("{uri}", "qemu:///system")`.
pub(crate) type Names = [(&'static str, String)];

/// Runs the commands; one entry each, by its words, in order.
pub(crate) async fn play(host: &Host, names: &Names, lines: Vec<Line>) -> Map<String, Value> {
    let mut seen = Map::new();
    for line in lines {
        let title = line.words.join(" ");
        let words = line.words.iter().map(|word| fill(word, names));
        let command = Command::new(words).deadline(line.within);
        let came = host.query(&command).await;
        if line.silent {
            continue;
        }
        let shown = match came {
            Ok(output) => json!({
                "code": output.code, "stdout": shown(&output.stdout, &line, names), "stderr": shown(&output.stderr, &line, names),
            }),
            Err(error) => {
                json!({"error": error.kind().name(), "says": error.to_string().replace(&host.spec().name, "{host}")})
            }
        };
        let again = format!("{title} #");
        let same = seen.keys().filter(|key| **key == title || key.starts_with(&again)).count();
        seen.insert(if same == 0 { title } else { format!("{again}{}", same + 1) }, shown);
    }
    seen
}

fn fill(word: &str, names: &Names) -> String {
    names.iter().fold(word.to_string(), |word, (name, value)| word.replace(name, value))
}

/// A text without what differs from machine to machine.
fn shown(text: &str, line: &Line, names: &Names) -> String {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}").unwrap());
    static RULE: LazyLock<Regex> = LazyLock::new(|| Regex::new("-{3,}").unwrap());
    static SPACES: LazyLock<Regex> = LazyLock::new(|| Regex::new(" {3,}").unwrap());
    static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^ \d+ ").unwrap());
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").unwrap());
    if let Some(only) = line.only {
        let found = Regex::new(only).unwrap().find(text).map_or("", |m| m.as_str());
        // of a name only that it is one
        return if only.starts_with('^') {
            only.to_string().repeat(usize::from(!found.is_empty()))
        } else {
            NUMBER.replace_all(found, "0").replace("users", "user")
        };
    }
    let mut text =
        names.iter().fold(text.to_string(), |text, (name, value)| text.replace(value.as_str(), name));
    for (name, pattern) in [("<time>", &TIME), ("---", &RULE), (" 1 ", &ID), ("   ", &SPACES)] {
        text = pattern.replace_all(&text, name).into_owned();
    }
    text
}
