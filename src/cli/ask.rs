//! Asking the operator: the exact change, in a small table, and for how long a yes lasts.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::view::{self, View};
use crate::base::bounded::bounded;
use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::base::{Intent, Undo};
use crate::repl::display::pager;
use crate::run::approval::Question;
use crate::run::{Answer, Approver, Cancel};

const WARN: Style = AnsiColor::Yellow.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Asks on the terminal, where there is one.
pub struct Terminal {
    view: Arc<View>,
    cancel: Cancel,
    /// One question at a time, however many branches ask.
    turn: Mutex<()>,
    /// How a session reads an answer; a run reads a line of standard input.
    reads: Option<fn(&Drawn) -> Option<String>>,
}

impl Terminal {
    /// Asks below this view.
    pub fn new(view: Arc<View>, cancel: Cancel) -> Self {
        Terminal { view, cancel, turn: Mutex::new(()), reads: None }
    }

    /// Asks in a session, whose line editor reads the answers. There a yes is for a line at most.
    pub fn in_session(view: Arc<View>, cancel: Cancel, reads: fn(&Drawn) -> Option<String>) -> Self {
        Terminal { reads: Some(reads), ..Terminal::new(view, cancel) }
    }

    /// Whether somebody is there.
    fn somebody(&self) -> bool {
        std::io::stdin().is_terminal() && Stream::Out.is_terminal()
    }

    /// Reads a line behind a prompt; Ctrl-C ends the wait for it.
    fn line(&self, prompt: &Drawn) -> Option<String> {
        if let Some(reads) = self.reads {
            return reads(prompt);
        }
        screen::print(prompt).ok()?;
        let (send, receive) = channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = std::io::stdin().lock().read_line(&mut text);
            let _ = send.send(matches!(read, Ok(n) if n > 0).then_some(text));
        });
        loop {
            match receive.recv_timeout(Duration::from_millis(50)) {
                Ok(text) => return text.map(|t| t.trim().to_string()),
                Err(RecvTimeoutError::Timeout) if !self.cancel.is_cancelled() => {}
                Err(_) => return None,
            }
        }
    }
}

impl Approver for Terminal {
    fn ask(&self, q: &Question<'_>, known: Option<&str>) -> Answer {
        if known.is_some() {
            return Answer::Once; // the view shows the journaled intent
        }
        if !self.somebody() {
            return Answer::Nobody;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.view.quietly(|| {
            let columns = view::columns();
            let short = table(q, columns, Some(LONGEST));
            let whole = table(q, columns, None);
            let _ = screen::print(&drawn!("{}\n", short));
            let choices = choices(q, self.reads.is_some());
            let shown: Vec<&str> = choices.iter().map(|(_, shown, _)| *shown).collect();
            let more = if short == whole { "" } else { "  [v]iew what is left out" };
            let question = Drawn::line("send it?").painted(WARN);
            let prompt = drawn!("         {} {}{}: ", question, shown.join("  "), more);
            loop {
                let Some(typed) = self.line(&prompt) else { return Answer::No };
                if let Some(answer) = meant(&choices, &typed) {
                    return answer;
                }
                if short != whole && matches!(typed.as_str(), "v" | "view") {
                    let _ = pager::show(&whole);
                    continue;
                }
                let _ = screen::print(&drawn!("         {}\n", not_an_answer(&choices, &typed)));
            }
        })
    }

    fn attest(&self, claim: &str) -> Option<String> {
        if !self.somebody() {
            return None;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.view.quietly(|| {
            let question = Drawn::line("sign off?").painted(WARN);
            let claim = Drawn::lines(&bounded(claim, LONGEST)).hanging(VALUES);
            let _ = screen::print(&drawn!("         {} {}\n", question, claim));
            let name = self.line(&drawn!("         your name, or Enter to leave it open: "));
            name.filter(|name| !name.is_empty())
        })
    }
}

/// Answers for itself: in a rehearsal nothing real is at stake.
pub struct Rehearser;

impl Approver for Rehearser {
    fn ask(&self, _: &Question<'_>, _: Option<&str>) -> Answer {
        Answer::Once
    }

    fn attest(&self, _: &str) -> Option<String> {
        Some("nobody: a rehearsal".into())
    }
}

/// What may be answered: the word, how it is shown, what it means. What destroys, and what is in doubt, is answered one by
/// one, and in a session a yes is for a line at most.
fn choices(q: &Question<'_>, session: bool) -> Vec<(&'static str, &'static str, Answer)> {
    let alone = q.intent.destroys || q.in_doubt;
    let all = [
        ("yes", "[y]es", true, Answer::Once),
        ("step", "rest of the [s]tep", !alone, Answer::Step),
        ("run", "rest of the [r]un", !alone && !session, Answer::Run),
        ("done", "[d]one already", q.in_doubt, Answer::Done),
        ("no", "[n]o", true, Answer::No),
    ];
    all.into_iter()
        .filter(|(.., offered, _)| *offered)
        .map(|(word, shown, _, answer)| (word, shown, answer))
        .collect()
}

/// What was typed: a choice, whole or by its first letter.
fn meant(choices: &[(&'static str, &'static str, Answer)], typed: &str) -> Option<Answer> {
    let is = |word: &str| typed.eq_ignore_ascii_case(word) || typed.eq_ignore_ascii_case(&word[..1]);
    choices.iter().find(|(word, ..)| is(word)).map(|(.., answer)| *answer)
}

fn not_an_answer(choices: &[(&'static str, &'static str, Answer)], typed: &str) -> String {
    let letters: Vec<&str> = choices.iter().map(|(word, ..)| &word[..1]).collect();
    let (last, others) = letters.split_last().unwrap_or((&"", &[]));
    let typed = if typed.is_empty() { "Enter alone".into() } else { format!("`{}`", typed.escape_debug()) };
    format!("{typed} is not an answer here: type {} or {last}; nothing was sent", others.join(", "))
}

/// Where the values of the table begin.
const VALUES: usize = 19;

/// Bytes of a value that are shown before the question; the rest on request, so that no value pushes it off the screen.
const LONGEST: usize = 600;

/// Lines of a body that are.
const MOST_LINES: usize = 24;

/// The change as a small table: what is sent as it stands, each value up to its `most` bytes.
fn table(q: &Question<'_>, width: Option<usize>, most: Option<usize>) -> Drawn {
    let i: &Intent = q.intent;
    let undo = match &i.undo {
        Undo::By(how) => how.clone(),
        Undo::Never => "cannot be undone".into(),
        Undo::Unknown => "nobody here knows".into(),
    };
    let cut = |value: &str| most.map_or(value.to_string(), |most| bounded(value, most).into_owned());
    let laid = |line: Drawn, indent: usize| line.filled(width, "", &" ".repeat(indent));
    let row = |name: &str, value: Drawn| drawn!("         {} {}", drawn!("{:<9}", name).painted(DIM), value);
    let text = |name, value: &str| laid(row(name, Drawn::line(&cut(value))), VALUES);
    let body = match &i.body {
        serde_json::Value::Null => "none".into(),
        body => serde_json::to_string_pretty(body).unwrap_or_default(),
    };
    let mut body: Vec<String> = screen::json(&body).lines().map(cut).collect();
    if most.is_some() && body.len() > MOST_LINES {
        let out = body.len() - MOST_LINES;
        body.splice(MOST_LINES / 2..MOST_LINES / 2 + out, [format!("…[{out} lines left out]…")]);
    }
    let mut lines = vec![
        Drawn::default(),
        laid(drawn!("         {}", drawn!("step {} would {}", q.step, cut(&i.summary)).painted(WARN)), 11),
        text("scope", &format!("{}: {}", i.handle, i.identity)),
        text("request", &format!("{} {}", i.method, if i.url.is_empty() { &i.target } else { &i.url })),
        row("body", Drawn::lines(&body.join("\n")).hanging(VALUES)),
        text("undo", &undo),
    ];
    if i.destroys {
        lines.push(text("destroys", "yes: each such change is asked for by itself"));
    }
    if let serde_json::Value::Object(replaces) = &i.replaces {
        let told = replaces.iter().map(|(key, value)| match value {
            serde_json::Value::String(text) => format!("{key} {text}"),
            value => format!("{key} {value}"),
        });
        lines.push(text("replaces", &told.collect::<Vec<_>>().join(", ")));
    }
    if q.in_doubt {
        lines.push(text("in doubt", "it may have been sent before the cut, and a look cannot tell"));
    }
    Drawn::join(lines, "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_shown_within_the_columns_there_are() {
        let body = json!({"description": "a text that is longer than a narrow terminal, and is sent as it stands here"});
        let intent = Intent {
            system: "openstack".into(),
            handle: "capi".into(),
            identity:
                "project capi-mgmt (11111111-2222-4333-8444-555555555555) domain capi, roles member, reader"
                    .into(),
            method: "POST".into(),
            target: "compute /servers/11111111-2222-4333-8444-555555555555/action".into(),
            url: "https://nova.example:8774/v2.1/servers/11111111-2222-4333-8444-555555555555/action".into(),
            summary: "stop server vm-1".into(),
            body: body.clone(),
            undo: Undo::By("start it".into()),
            ..Intent::default()
        };
        let q = Question { step: "1", title: "Stop", intent: &intent, in_doubt: false };
        let drawn = |width| table(&q, width, Some(LONGEST)).plain().into_owned();
        let narrow = drawn(Some(60));
        for line in [
            "         scope     capi: project capi-mgmt",
            "                   domain capi, roles member, reader",
        ] {
            assert!(narrow.lines().any(|l| l == line), "`{line}` is not in\n{narrow}");
        }
        let pretty = serde_json::to_string_pretty(&body).unwrap();
        for page in [narrow, drawn(None)] {
            assert!(
                page.contains(pretty.lines().nth(1).unwrap().trim()),
                "what is sent stands in one piece:\n{page}"
            );
        }
        assert!(drawn(None).contains(&intent.identity) && drawn(None).contains(&intent.url));
    }

    #[test]
    fn what_goes_is_shown() {
        let intent = Intent {
            replaces: json!({"size": 3, "modified": "2026-06-10T02:00:00Z", "sha512": "ab"}),
            undo: Undo::Never,
            destroys: true,
            ..Intent::default()
        };
        let q = Question { step: "1", title: "Write", intent: &intent, in_doubt: false };
        let drawn = table(&q, None, None).plain().into_owned();
        for line in [
            "destroys  yes",
            "replaces  size 3, modified 2026-06-10T02:00:00Z, sha512 ab",
            "cannot be undone",
        ] {
            assert!(drawn.contains(line), "`{line}` is not in\n{drawn}");
        }
    }

    #[test]
    fn a_wrong_key_is_told_with_those_that_are_right() {
        let (mild, grave) = (Intent::default(), Intent { destroys: true, ..Intent::default() });
        let q = |intent| Question { step: "1", title: "", intent, in_doubt: false };
        let all = choices(&q(&mild), false);
        assert_eq!(meant(&all, "r"), Some(Answer::Run));
        assert_eq!(meant(&all, "YES"), Some(Answer::Once));
        for typed in ["", "x", "ye", "1"] {
            assert_eq!(meant(&all, typed), None, "{typed}");
        }
        assert_eq!(
            not_an_answer(&all, "x"),
            "`x` is not an answer here: type y, s, r or n; nothing was sent"
        );
        let alone = choices(&q(&grave), false);
        assert_eq!(meant(&alone, "s"), None);
        assert_eq!(not_an_answer(&alone, "s"), "`s` is not an answer here: type y or n; nothing was sent");
        assert!(choices(&q(&mild), true).iter().all(|(word, ..)| *word != "run"));
    }
}
