//! Each page that a function of ours draws, with each text in each of its places.

use rhai::Dynamic;
use rhumb::base::{Error, ErrorKind};
use rhumb::lint;
use rhumb::repl::display::{self, Look, difference};
use rhumb::repl::prompt;
use rhumb::report::{RunDiff, diff, markdown, terminal};
use rhumb::run::{Entry, Lacking, Outcome, Record, RunReport, StepKind, Verdict};
use rhumb::script::check::check;
use rhumb::script::diagnostic::Report;
use rhumb::script::overlay::threeway;
use rhumb::script::prose::{self, Prose};
use rhumb::script::value;
use serde_json::json;

use super::emulator::holds_its_lines;
use super::stage::Texts;
use super::{harmless, names};

/// Draws a page with a text in it.
type Page = (&'static str, fn(&str) -> String);

const LOOK: Look = Look { width: Some(100), colours: true };

/// Pages on which a text takes a part of a line.
const PAGES: &[Page] = &[
    ("error", |text| error(text).draw(100, true).to_string()),
    ("terminal report", |text| {
        let options = terminal::Options { width: 100, colours: true, reports: None };
        terminal::render(&run(text), &options).to_string()
    }),
    ("diff-runs", |text| diff::render(&RunDiff::of(&run("web"), &run(text))).to_string()),
    ("show", |text| prose(text).draw(prose::Look { width: 100, colours: true }).to_string()),
    ("show STEP", |text| {
        prose(text).step("1").unwrap().draw(prose::Look { width: 100, colours: true }).to_string()
    }),
    ("check", |text| {
        let script = format!("verify(\"1\", \"{}\", || {{ undefined(1) }});", quoted(text));
        let texts = Texts::default().with("main", text, &format!("{script} // {}", one_line(text)));
        check(&texts, &["main".into()]).unwrap().draw(100, true).to_string()
    }),
    ("lint-md", |text| {
        let page = format!("```console\nopenstack server list || true # {text}\n```\n");
        lint::lint(&[lint::Text { file: text.into(), text: page }]).draw(100, true).to_string()
    }),
    ("site diff", |text| {
        threeway::draw(&threeway::align("a\nb", &format!("a\n{text}"), text), [text, text, "site"], 100)
            .to_string()
    }),
    ("REPL's prompt", |text| {
        prompt::present(&prompt::text(text, Some(&prompt::scope(text, &[text.into()]))), true, true)
            .to_string()
    }),
    ("REPL's text", |text| draw(&json!(text))),
    ("REPL's list", |text| draw(&json!([text, text]))),
    ("REPL's table", |text| {
        draw(&json!([{"id": "1", "name": text, text: "ACTIVE"}, {"id": "2", "name": "web"}]))
    }),
    ("REPL's record", |text| draw(&json!({"name": text, "status": text, text: [text]}))),
    ("REPL's conditions", |text| {
        draw(&json!({"conditions": [{"type": text, "status": text, "reason": text, "message": text}]}))
    }),
    ("REPL's difference", |text| {
        let of = |name: &str| value::from_json(&json!([{"id": name, "name": name}])).unwrap();
        difference::draw(&of("web"), &of(text), &LOOK).to_string()
    }),
    ("REPL's marks", |text| {
        difference::mark(
            "id name\n1 web",
            &display::draw(&shown(&json!([{"name": text}])), &LOOK, &|v| v.to_string()),
        )
        .to_string()
    }),
];

fn shown(value: &serde_json::Value) -> Dynamic {
    value::from_json(value).unwrap()
}

fn draw(value: &serde_json::Value) -> String {
    display::draw(&shown(value), &LOOK, &|v| v.to_string()).to_string()
}

/// A text in quotes of Rhai.
pub fn quoted(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\U{:08x}", u32::from(c)) })
        .collect()
}

/// A text that a comment can hold.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn error(text: &str) -> Report {
    let error = Error::new(ErrorKind::Failed, text)
        .cause(text)
        .help(text)
        .scope(text)
        .request_id(text)
        .place(text, 1, 1);
    let source = format!("let a = 1; // {}\nthrow a; // {}", one_line(text), one_line(text));
    let way = Report::plain(&error).pointing(text, &source, 1, 1, "called here");
    Report::plain(&error).pointing(text, &source, 2, 1, "here").related(way)
}

fn prose(text: &str) -> Prose {
    let script = format!(
        "//! {0}\nrunbook(\"{1}\", \"{1}\");\n// {0}\nchange(\"1\", \"{1}\", || {{ // {0}\n    site.scope(\"admin\").networks.get(\"{1}\").delete(); // {0}\n}});\n",
        one_line(text),
        quoted(text)
    );
    Prose::of(&Texts::default().with("main", text, &script), "main").unwrap()
}

/// A run in which a service, a script and an operator state a text wherever they can.
fn run(text: &str) -> RunReport {
    let said = || text.to_string();
    let step = || "1".to_string();
    let records = [
        Record::Runbook { id: said(), title: said(), needs: Some(vec![said()]), overridden: Some(said()) },
        Record::StepBegin { step: step(), title: said(), kind: StepKind::Change, overridden: Some(said()) },
        Record::Note { step: step(), text: said() },
        Record::Fact { step: step(), name: said(), value: json!(text) },
        Record::Gate {
            step: step(),
            claim: said(),
            ok: false,
            observed: json!(text),
            wanted: json!("web"),
            scopes: vec![said()],
            excused: None,
        },
        Record::Attest { step: step(), claim: said(), by: None, kept: None },
        Record::StepEnd {
            step: step(),
            verdict: Verdict::Fail { reason: said() },
            seconds: 1.0,
            value: serde_json::Value::Null,
            error: serde_json::to_value(Error::new(ErrorKind::Failed, text).cause(text).help(text)).unwrap(),
            recalled: false,
        },
        Record::RunEnd {
            ok: false,
            exit: 1,
            outcome: Some(Outcome::Incomplete),
            lacks: vec![Lacking { step: said(), why: said() }],
            seconds: 1.0,
            error: serde_json::Value::Null,
        },
    ];
    let at = "2026-06-10T02:00:00Z".parse().unwrap();
    let entries: Vec<Entry> =
        (1..).zip(records).map(|(n, record)| Entry { n, at, prev: String::new(), record }).collect();
    RunReport::of(&entries)
}

#[test]
fn no_page_lets_a_text_out_of_its_place() {
    for (page, draw) in PAGES {
        for (name, text) in names() {
            holds_its_lines(&draw(&text), &format!("{page} with {name}"));
        }
    }
}

#[test]
fn a_page_with_a_hostile_text_is_the_page_with_the_text_that_people_see_of_it() {
    // pages that quote nothing: JSON and Rust's own quotes have marks of their own for what is hidden
    let plain = ["show", "site diff", "REPL's prompt"];
    for (page, draw) in PAGES.iter().filter(|(page, _)| plain.contains(page)) {
        for (name, text) in names() {
            if !text.contains(['\n', '\t', '\r']) {
                assert_eq!(draw(&text), draw(&harmless(&text)), "{page} with {name}");
            }
        }
    }
}

/// A page without what stands in fences.
fn unfenced(page: &str) -> String {
    let (mut out, mut fence) = (String::new(), None);
    for line in page.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            None => out.push_str(&format!("{line}\n")),
            Some(open) if ticks >= open && line.trim_matches('`').trim().is_empty() => fence = None,
            Some(_) => {}
        }
    }
    out
}

#[test]
fn no_text_makes_a_row_or_a_heading_of_a_markdown_report() {
    let of = |text: &str| unfenced(&markdown::render(&run(text)));
    let count =
        |page: &str, mark: &str| page.lines().filter(|line| line.trim_start().starts_with(mark)).count();
    let plain = of("web");
    for (name, text) in names() {
        let page = of(&text);
        assert!(!page.chars().any(|c| c != '\n' && rhumb::base::screen::is_hidden(c)), "{name}:\n{page}");
        for mark in ["#", "|", ">", "<", "```", "---", "- ", "  - "] {
            assert_eq!(count(&page, mark), count(&plain, mark), "{name} and {mark}:\n{page}");
        }
    }
}

/// Whoever changes a page sees here what it shows.
#[test]
fn what_a_text_that_would_erase_the_screen_looks_like() {
    let text = "\u{1b}[2Jweb\n         PASS  1s";
    let page = prose(text).draw(prose::Look { width: 100, colours: false }).to_string();
    assert!(page.contains("1        \\u{1b}[2Jweb\\n         PASS  1s  [change]\n"), "{page}");
    let page = error(text).draw(100, false).to_string();
    assert!(page.contains("× \\u{1b}[2Jweb\n  │                PASS  1s\n"), "{page}");
}
