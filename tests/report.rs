//! What a run leaves behind, as people and programs read it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod diary;
mod markup;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use diary::Diary;
use markup::Markup;
use rhumb::base::ErrorKind;
use rhumb::report::runs::Last;
use rhumb::report::terminal::{self, Options};
use rhumb::report::{Estimates, Paths, RunDiff, Standing, Summary, diff, html, json, junit, markdown, runs};
use rhumb::report::{verify, write_all};
use rhumb::run::{RunReport, StepKind};
use serde_json::Value;
use tempfile::TempDir;

/// A run of the diary, in a directory of its own.
fn run(make: impl FnOnce(&Path) -> RunReport) -> (TempDir, RunReport) {
    let dir = tempfile::tempdir().unwrap();
    let report = make(&dir.path().join("run"));
    (dir, report)
}

fn report(make: impl FnOnce(&Path) -> RunReport) -> RunReport {
    run(make).1
}

fn cut(dir: &Path) -> RunReport {
    diary::cut(dir);
    RunReport::load(dir).unwrap()
}

fn drawn(report: &RunReport, width: usize) -> String {
    let paths = Paths::of(Path::new("/runs/x"));
    terminal::render(report, &Options { width, colours: false, reports: Some(&paths) }).to_string()
}

#[test]
fn a_run_stands_as_its_end_says() {
    assert_eq!(Summary::of(&report(diary::accepted)).standing, Standing::Excepted);
    assert_eq!(Summary::of(&report(diary::failed)).standing, Standing::Failed);
    assert_eq!(Summary::of(&report(cut)).standing, Standing::Cut);
    assert_eq!(Summary::of(&report(diary::resumed)).standing, Standing::Passed);
    for (kind, standing) in [
        (ErrorKind::NeedsApproval, Standing::NeedsApproval),
        (ErrorKind::Declined, Standing::Declined),
        (ErrorKind::Interrupted, Standing::Interrupted),
        (ErrorKind::Timeout, Standing::Failed),
    ] {
        let ended = report(|dir| {
            let mut d = Diary::begin(dir, "r", "2026-06-10T02:00:00Z", "run");
            let error = rhumb::base::Error::new(kind, "no");
            d.end(false, kind.exit_code(), Some(&error));
            RunReport::load(dir).unwrap()
        });
        let summary = Summary::of(&ended);
        assert_eq!(summary.standing, standing);
        assert_eq!(summary.failures.len(), 1, "an error outside of steps is told as well");
    }
}

#[test]
fn the_terminal_tells_the_end_in_few_lines() {
    insta::assert_snapshot!("terminal_accepted", drawn(&report(diary::accepted), 100));
    insta::assert_snapshot!("terminal_failed", drawn(&report(diary::failed), 72));
    insta::assert_snapshot!("terminal_cut", drawn(&report(cut), 100));
}

#[test]
fn the_terminal_is_as_wide_as_it_is() {
    for (width, make) in [(60, diary::failed as fn(&Path) -> RunReport), (100, diary::accepted), (72, cut)] {
        let text = drawn(&report(make), width);
        let too_wide =
            |l: &&str| textwrap::core::display_width(l) > width && !l.contains("/runs/x") && l.contains(' ');
        let wide: Vec<_> = text.lines().skip(2).filter(too_wide).collect();
        assert!(wide.is_empty(), "{wide:?}");
    }
}

#[test]
fn the_terminal_is_coloured_only_when_asked() {
    let report = report(diary::failed);
    let options = |colours| Options { width: 80, colours, reports: None };
    let plain = terminal::render(&report, &options(false)).to_string();
    let coloured = terminal::render(&report, &options(true)).to_string();
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mFAILED"), "{coloured}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn the_acceptance_summary_is_markdown() {
    insta::assert_snapshot!("markdown_accepted", markdown::render(&report(diary::accepted)));
    insta::assert_snapshot!("markdown_failed", markdown::render(&report(diary::failed)));
}

#[test]
fn no_text_breaks_out_of_a_markdown_table() {
    let md = markdown::render(&report(diary::hostile));
    let mut fenced = None;
    let mut columns = 0;
    for line in md.lines() {
        let fence = line.chars().take_while(|c| *c == '`').count();
        match fenced {
            None if fence >= 3 && line.len() == fence => fenced = Some(fence),
            Some(open) if fence >= open && line.len() == fence => fenced = None,
            Some(_) => {}
            None if line.starts_with('|') => {
                let cells = line.replace("\\|", "").matches('|').count();
                assert!(columns == 0 || columns == cells, "{cells} instead of {columns} cells: {line}");
                columns = cells;
            }
            None => {
                columns = 0;
                assert!(!line.contains("<script") || line.contains('`'), "{line}");
            }
        }
    }
    assert_eq!(fenced, None);
}

#[test]
fn junit_has_a_case_for_each_step() {
    insta::assert_snapshot!("junit_failed", junit::render(&report(diary::failed)));
    insta::assert_snapshot!("junit_accepted", junit::render(&report(diary::accepted)));
}

#[test]
fn junit_is_xml_whatever_the_texts_are() {
    let xml = junit::render(&report(diary::hostile));
    let parsed = Markup::parse(&xml);
    assert_eq!(parsed.count("testcase"), diary::HOSTILE.len());
    assert_eq!(parsed.count("failure"), diary::HOSTILE.len());
    assert!(parsed.texts.iter().any(|t| t.contains("</script><script>alert(1)</script>")));
    assert!(!xml.chars().any(|c| c.is_control() && c != '\n'));
}

/// Every path of a document with the type that stands there; members of lists share a path.
fn shape(value: &Value, path: &str, into: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => return,
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(items) => {
            items.iter().for_each(|item| shape(item, &format!("{path}[]"), into));
            return;
        }
        // their members are the site's and the clouds'
        Value::Object(_)
            if [".values", ".observed", ".body", ".value"].iter().any(|end| path.ends_with(end)) =>
        {
            "any"
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, v)| shape(v, &format!("{path}.{key}"), into));
            return;
        }
    };
    into.insert(path.to_string(), kind);
}

#[test]
fn the_json_document_keeps_its_shape() {
    let mut found = BTreeMap::new();
    for make in [diary::accepted as fn(&Path) -> RunReport, diary::failed, diary::resumed] {
        let text = json::render(&report(make)).unwrap();
        shape(&serde_json::from_str(&text).unwrap(), "", &mut found);
    }
    let lines: Vec<_> = found.into_iter().map(|(path, kind)| format!("{path}: {kind}")).collect();
    insta::assert_snapshot!("json_shape", lines.join("\n"));
}

#[test]
fn the_page_is_well_formed_and_fetches_nothing() {
    for make in
        [diary::accepted as fn(&Path) -> RunReport, diary::failed, cut, diary::resumed, diary::hostile]
    {
        let text = html::render(&report(make)).unwrap();
        let page = Markup::parse(&text);
        assert_eq!((page.count("script"), page.count("style"), page.count("main")), (2, 1, 1));
        for (element, name, value) in &page.attributes {
            assert!(!name.starts_with("on"), "<{element} {name}={value}>");
            assert!(name != "style", "an inline style is not in the policy: <{element} {name}={value}>");
            if ["src", "href", "action", "data", "xlink:href"].contains(&name.as_str()) {
                assert!(value.starts_with('#') || value == "data:,", "<{element} {name}={value}>");
            }
        }
        for foreign in ["@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
            let own = [page.raw["script"].as_str(), page.raw["style"].as_str()].concat();
            assert!(!own.contains(foreign), "{foreign}");
        }
        assert!(
            ["img", "iframe", "object", "embed", "link"]
                .iter()
                .all(|e| page.count(e) == usize::from(*e == "link"))
        );
    }
}

#[test]
fn the_page_runs_nothing_but_its_own_script() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let text = html::render(&report(diary::hostile)).unwrap();
    let policy =
        text.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let policy = policy.replace("&#x27;", "'").replace("&#x2f;", "/").replace("&#x3d;", "=");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    for element in ["script", "style"] {
        for body in text.split(&format!("<{element}>")).skip(1) {
            let body = body.split(&format!("</{element}>")).next().unwrap();
            let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(body));
            assert!(policy.contains(&format!("'sha256-{digest}'")), "{element} {digest} not in {policy}");
        }
    }
}

#[test]
fn the_page_shows_hostile_texts_as_they_are() {
    let page = Markup::parse(&html::render(&report(diary::hostile)).unwrap());
    for text in diary::HOSTILE {
        let shown = rhumb::report::evidence::visible(text);
        let seen = page.texts.iter().any(|t| t.contains(shown.trim()));
        // back-ticks become code elements
        assert!(seen || text.contains('`'), "{shown}");
    }
    assert!(!page.texts.iter().any(|t| t.contains(['\u{1b}', '\u{202e}', '\0'])));
    assert!(!page.texts.iter().any(|t| t.contains("490007")), "a template in a text is not run");
}

#[test]
fn every_link_and_label_of_the_page_leads_somewhere() {
    for make in [diary::accepted as fn(&Path) -> RunReport, diary::hostile] {
        let page = Markup::parse(&html::render(&report(make)).unwrap());
        let mut ids = page.values("id");
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id is used twice");
        for link in page.values("href").into_iter().filter_map(|h| h.strip_prefix('#')) {
            assert!(ids.contains(&link), "#{link}");
        }
        for name in ["aria-labelledby", "aria-describedby", "for"] {
            assert!(page.values(name).iter().all(|id| ids.contains(id)), "{name}");
        }
        let steps =
            page.values("id").into_iter().filter(|id| id.starts_with("step") && !id.ends_with("-title"));
        let steps: Vec<_> = steps.filter(|id| *id != "steps").collect();
        assert_eq!(page.values("data-step").len(), 2 * steps.len(), "a link and a line of the timeline each");
    }
}

#[test]
fn a_long_run_makes_a_page_of_bearable_size() {
    let report = report(|dir| diary::long(dir, 500));
    let began = std::time::Instant::now();
    let text = html::render(&report).unwrap();
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(Markup::parse(&text).count("article"), 500);
    assert!(text.len() < 4 << 20, "{} bytes", text.len());
    assert!(text.contains(&"x7 ".repeat(3_333)[..9_000]), "long evidence is whole");
    assert!(text.contains("Rehearsal against the lab"), "nobody takes it for evidence of a site");
}

#[test]
fn all_reports_are_written_and_written_over() {
    let (dir, report) = run(diary::accepted);
    let run = dir.path().join("run");
    let first = write_all(&run, &report).unwrap();
    let again = write_all(&run, &report).unwrap();
    assert_eq!(first, again);
    let mut names: Vec<_> = std::fs::read_dir(&run).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["journal.head", "journal.jsonl", "junit.xml", "report.html", "report.json", "report.md"]
    );
    assert_eq!(std::fs::read_to_string(first.markdown).unwrap(), markdown::render(&report));
    let e = write_all(&dir.path().join("nowhere"), &report).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Journal);
    assert!(e.to_string().contains("nowhere"), "{e}");
}

#[test]
fn a_journal_is_verified_offline() {
    let (dir, report) = run(diary::accepted);
    let run = dir.path().join("run");
    insta::assert_snapshot!("verified", verify(&run).unwrap().to_string());
    write_all(&run, &report).unwrap();
    assert_eq!(verify(&run).unwrap().report_agrees, Some(true));

    let (dir, _) = self::run(cut);
    let found = verify(&dir.path().join("run")).unwrap();
    assert_eq!(found.ending, rhumb::report::verify::Ending::Cut { torn: 16 });
    assert!(found.to_string().contains("cut inside of a line: 16 bytes"), "{found}");
}

#[test]
fn verification_finds_a_changed_entry_and_a_foreign_report() {
    let (dir, report) = run(diary::accepted);
    let run = dir.path().join("run");
    write_all(&run, &report).unwrap();
    let journal = run.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&journal, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let told = verify(&run).unwrap_err().to_string();
    assert!(told.contains("lines were cut off its end"), "{told}");
    std::fs::remove_file(run.join("journal.head")).unwrap();
    let told = verify(&run).unwrap_err().to_string();
    assert!(told.contains("report.json is of another journal"), "{told}");

    std::fs::write(&journal, text.replacen("\"ok\":true", "\"ok\":false", 1)).unwrap();
    let e = verify(&run).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Journal);
    let changed = lines.iter().position(|l| l.contains("\"ok\":true")).unwrap();
    assert_eq!(e.detail().place.as_ref().unwrap().line, changed + 2, "the line behind no longer fits");
}

#[test]
fn a_clock_set_back_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut d = Diary::begin(dir.path(), "r", "2026-06-10T02:00:00Z", "run");
    d.pass(-60.0);
    d.end(true, 0, None);
    let found = verify(dir.path()).unwrap();
    assert_eq!(found.clock_went_back, [found.entries]);
}

#[test]
fn two_runs_are_compared() {
    let (before, after) = (report(diary::accepted), report(diary::failed));
    let found = RunDiff::of(&before, &after);
    insta::assert_snapshot!("diff", diff::render(&found).to_string());
    let same = RunDiff::of(&before, &before);
    assert!(same.is_empty());
    assert!(diff::render(&same).ends_with("Nothing differs.\n"));
}

#[test]
fn a_comparison_names_what_was_seen_otherwise() {
    let before = report(diary::accepted);
    let mut after = before.clone();
    after.values["network"]["external"] = "provider-2".into();
    after.sources[2].sha256 = "0".repeat(64);
    after.steps[0].gates[1].observed["status"] = "queued".into();
    after.steps[0].facts[1].value = "another id".into();
    after.steps[2].waits[0].elapsed *= 1.4; // slower, but not much
    after.steps[3].waits[0].elapsed *= 1.6;
    let found = RunDiff::of(&before, &after);
    insta::assert_snapshot!("diff_seen_otherwise", diff::render(&found).to_string());
    let data = serde_json::to_value(&found).unwrap();
    assert_eq!(data["gates"][0]["observed"][0]["what"], "/status");
}

/// A run with one wait, which took so long.
fn waited(dir: &Path, run: &str, mode: &str, seconds: f64, error: Option<&str>) -> PathBuf {
    let dir = dir.join(run);
    let mut d = Diary::begin(&dir, run, "2026-06-10T02:00:00Z", mode);
    d.step("8.2", "Converges", StepKind::Verify, |d| {
        d.wait("complete", 3600.0, &[(0.0, "BUILD"), (seconds, "DONE")], seconds, error);
    });
    d.end(true, 0, None);
    dir
}

#[test]
fn what_is_usual_comes_from_earlier_runs_that_went_well() {
    let dir = tempfile::tempdir().unwrap();
    let nothing = Estimates::of_earlier(&dir.path().join("none"), "phase-08", "vr0-dc0").unwrap();
    assert_eq!(nothing.wait("phase-08", "8.2", "complete"), None);
    for (n, seconds) in [200.0, 210.0, 600.0].into_iter().enumerate() {
        waited(dir.path(), &format!("run-{n}"), "run", seconds, None);
    }
    waited(dir.path(), "run-7", "rehearse", 1.0, None);
    waited(dir.path(), "run-8", "run", 3600.0, Some("not within 1h"));
    std::fs::create_dir(dir.path().join("run-9")).unwrap();
    std::fs::write(dir.path().join("run-9/journal.jsonl"), "no journal\n").unwrap();
    let known = Estimates::of_earlier(dir.path(), "phase-08", "vr0-dc0").unwrap();
    let usual = known.wait("phase-08", "8.2", "complete").unwrap();
    assert_eq!(usual.to_string(), "usually 3m 30s (3m 20s to 10m)");
    assert_eq!(known.wait("phase-08", "8.3", "complete"), None);
    assert_eq!(known.step("phase-08", "8.2").unwrap().times, 4, "the step passed all the same");
    let elsewhere = Estimates::of_earlier(dir.path(), "phase-08", "another-site").unwrap();
    assert_eq!(elsewhere.wait("phase-08", "8.2", "complete"), None);
}

#[test]
fn runs_are_listed_newest_first_and_found_by_a_part_of_their_id() {
    let dir = tempfile::tempdir().unwrap();
    assert!(runs::list(dir.path(), 9).unwrap().is_empty());
    assert_eq!(runs::find(dir.path(), "last", Last::Kept).unwrap_err().kind(), ErrorKind::NotFound);
    waited(dir.path(), "20260610T01-a-1a2b", "run", 1.0, None);
    waited(dir.path(), "20260611T01-a-3c4d", "run", 1.0, None);
    let broken = waited(dir.path(), "20260612T01-a-5e6f", "run", 1.0, None).join("journal.jsonl");
    let text = std::fs::read_to_string(&broken).unwrap().replace("BUILD", "BILD");
    std::fs::write(&broken, text).unwrap();

    let listed = runs::list(dir.path(), 9).unwrap();
    let names: Vec<_> = listed.iter().map(|l| l.opening.run.as_str()).collect();
    assert_eq!(names, ["20260612T01-a-5e6f", "20260611T01-a-3c4d", "20260610T01-a-1a2b"]);
    assert_eq!(listed[0].error.as_ref().unwrap().kind(), ErrorKind::Journal);
    assert_eq!((listed[1].standing, listed[1].tally.as_str()), (Some(Standing::Passed), "1 step: 1 PASS"));
    let text = runs::render(&listed).to_string();
    assert!(text.contains("3c4d  PASSED                  1s  1 step: 1 PASS\n"), "{text}");
    assert!(text.contains("5e6f  DAMAGED                 the journal is damaged"), "{text}");
    assert_eq!(runs::list(dir.path(), 1).unwrap().len(), 1);

    let found =
        |which: &str| runs::find(dir.path(), which, Last::Kept).map(|p| p.file_name().unwrap().to_owned());
    assert_eq!(found("last").unwrap(), "20260612T01-a-5e6f");
    assert_eq!(found("3c4d").unwrap(), "20260611T01-a-3c4d");
    let e = found("-a-").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Ambiguous);
    assert!(e.to_string().contains("20260610T01-a-1a2b"), "{e}");
    assert!(
        found("20260610T01-a-1a2c").unwrap_err().to_string().contains("did you mean 20260610T01-a-1a2b?")
    );
}
