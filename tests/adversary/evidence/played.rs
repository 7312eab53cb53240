//! Runs that really happen, cut and resumed at random: each is believed, and no change of a line of it goes unseen.

use crate::stage;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rhumb::base::SimClock;
use rhumb::report::{self, markdown, prose, write_all};
use rhumb::run::{
    Answer, Approvals, Cancel, Journal, Mode, Past, Record, Run, RunReport, RunSettings, Selection, head,
    journal,
};
use rhumb::script::Host;
use rhumb::script::handles::SiteHandle;
use rhumb::script::modules::Library;
use rhumb::script::promised;
use rhumb::script::runbook::evaluate;
use rhumb::site::Site;
use serde_json::Value;
use stage::{Operator, Texts};

struct Nobody;
impl rhumb::run::Observer for Nobody {
    fn entry(&self, _: &rhumb::run::Entry) {}
}

/// Chance that is the same each time; `RHUMB_SEED` looks elsewhere.
struct Chance(u64);

impl Chance {
    fn new(case: u64) -> Self {
        let seed: u64 = std::env::var("RHUMB_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(12);
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

/// What a step may do; `@` is its number, `^` a directory to write into.
const DEEDS: &[&str] = &[
    r#"note("n@");"#,
    r#"fact("f@", [1, "two", #{ three: 3.5 }]);"#,
    r#"gate("holds @", true);"#,
    r#"expect("same @", @, @);"#,
    r#"gate("fails @", false);"#,
    r#"skip("not needed @");"#,
    r#"deferred("D-@");"#,
    r#"attest("signed @");"#,
    r#"stop("halt @");"#,
    r#"throw "boring";"#,
    r#"let n = 0; poll(#{ title: "wait @", every: 1.s, within: 1.min, read: || { n += 1; n }, done: |x| x == 3 });"#,
    r#"defer("clean @", || note("cleaned @"));"#,
    r#"parallel([|| note("a@"), || gate("b@", true)]);"#,
    r#"write_secret("^/file@", "s3cret@");"#,
];

fn script(chance: &mut Chance, files: &Path) -> String {
    let mut text = String::from("runbook(\"main\", \"Main\");\n");
    for n in 1..=2 + chance.below(4) {
        let kind = ["verify", "change", "change"][chance.below(3)];
        let on_fail = if chance.below(2) == 0 { "" } else { "#{ on_fail: \"continue\" }, " };
        let mut body = String::new();
        for _ in 0..1 + chance.below(4) {
            body.push_str(DEEDS[chance.below(DEEDS.len())]);
        }
        let body = body.replace('@', &n.to_string()).replace('^', &files.display().to_string());
        text.push_str(&format!("{kind}(\"{n}\", \"Step {n}\", {on_fail}|| {{ {body} {n} }});\n"));
    }
    text
}

/// Runs it in a directory, or goes on with what is there.
fn conduct(dir: &Path, script: &str, answer: Answer, resumed: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let site = SiteHandle::new(Site::from_embedded("name = \"stage\"", "stage", &[]).unwrap(), clock.clone());
    let (journal, past) = match resumed {
        true => {
            let (journal, entries) = Journal::reopen(dir).unwrap();
            (journal, Past::of(&entries))
        }
        false => (Journal::create(dir, false).unwrap(), Past::default()),
    };
    let (version, by) = ("0.1.0".to_string(), "ops@jump".to_string());
    let first = match resumed {
        true => Record::RunResume { version, by, pid: 2, with: Default::default() },
        false => Record::RunBegin {
            run: "r".into(),
            runbook: "main".into(),
            site: "stage".into(),
            mode: "run".into(),
            version,
            by,
            pid: 1,
            values: Value::Null,
            with: Default::default(),
        },
    };
    let settings = RunSettings {
        mode: Mode::Run,
        clock,
        journal,
        observer: Arc::new(Nobody),
        approver: Box::new(Operator(answer, Arc::default())),
        approvals: Approvals::default(),
        excuse: Box::new(|_, _, _| None),
        past,
        selection: Selection::default(),
        cancel: Cancel::default(),
        cleanup_within: Duration::from_secs(600),
    };
    let run = Run::begin(settings, first).unwrap();
    let library = Library::new(Texts::default().with("main", "site", script));
    let host = Host::new(run.clone(), site, library, runtime.handle().clone());
    let ended = evaluate("main", &host);
    run.finish(ended.error.as_ref()).unwrap();
}

/// Cuts the journal as a killed process leaves it.
fn cut(dir: &Path, chance: &mut Chance) {
    let path = dir.join(journal::FILE);
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n + 1).collect();
    let kept = 1 + chance.below(ends.len() - 1);
    let torn = if chance.below(2) == 0 { 0 } else { chance.below(ends[kept] - ends[kept - 1]) };
    fs::write(&path, &whole[..ends[kept - 1] + torn]).unwrap();
    let _ = fs::remove_file(dir.join(head::FILE));
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        let _ = fs::remove_file(dir.join(report));
    }
}

/// What people see of it.
fn shown(dir: &Path) -> rhumb::base::Result<String> {
    report::verify(dir)?;
    let report = RunReport { head: None, ..report::agree::load(dir)? };
    Ok(markdown::render(&report) + &report::json::render(&report)?)
}

/// One line with one field or one byte changed.
fn changed(line: &str, chance: &mut Chance) -> Vec<u8> {
    if chance.below(2) == 0 {
        let mut bytes = line.as_bytes().to_vec();
        let at = chance.below(bytes.len());
        bytes[at] = [b' ', b'0', b'1', b'"', b'x', b'}', b'\n', 0xff][chance.below(8)];
        return bytes;
    }
    let mut record: Value = serde_json::from_str(line).unwrap();
    let fields = record.as_object_mut().unwrap();
    let keys: Vec<String> = fields.keys().cloned().collect();
    let key = &keys[chance.below(keys.len())];
    let other = match &fields[key] {
        Value::Bool(b) => Value::Bool(!b),
        Value::Number(n) => (n.as_f64().unwrap_or_default() + 1.0).into(),
        Value::String(s) if key == "verdict" => (if s == "pass" { "fail" } else { "pass" }).into(),
        Value::String(s) => format!("{s}x").into(),
        _ => Value::Null,
    };
    match chance.below(3) {
        0 => drop(fields.shift_remove(key)),
        _ => drop(fields.insert(key.clone(), other)),
    }
    record.to_string().into_bytes()
}

#[test]
fn runs_that_happened_are_believed_and_no_change_of_a_line_goes_unseen() {
    let (mut seen, mut harmless, mut resumed) = (0, 0, 0);
    for case in 0..40 {
        let mut chance = Chance::new(case);
        let (home, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = home.path().join("run");
        let script = script(&mut chance, files.path());
        let answer = [Answer::Run, Answer::Run, Answer::No, Answer::Nobody][chance.below(4)];
        conduct(&dir, &script, answer, false);
        report::verify(&dir).unwrap_or_else(|e| panic!("case {case}: {e}\n{script}"));
        for _ in 0..chance.below(3) {
            cut(&dir, &mut chance);
            report::verify(&dir).unwrap_or_else(|e| panic!("case {case}, cut: {e}\n{script}"));
            if chance.below(4) > 0 {
                conduct(&dir, &script, Answer::Run, true);
                resumed += 1;
            }
            report::verify(&dir).unwrap_or_else(|e| panic!("case {case}, resumed: {e}\n{script}"));
        }
        // with its reports and without, with its head and without: each alone holds the last line's verdict
        let mut report = RunReport::load(&dir).unwrap();
        if report.end.is_some() {
            // as `rhumb run` does: what the texts say is in a report, or somebody took it out
            if let Some(kept) = promised::kept_in(&dir) {
                prose::explain(&mut report, &kept);
            }
            write_all(&dir, &report).unwrap();
        } else {
            // the head of a run that was killed
            let (_, entries) = Journal::reopen(&dir).unwrap();
            assert!(!entries.is_empty());
        }
        let before = shown(&dir).unwrap_or_else(|e| panic!("case {case}: {e}\n{script}"));
        let path = dir.join(journal::FILE);
        let whole = fs::read(&path).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for change in 0..25 {
            // the last line as often as all others
            let n = if change % 2 == 0 { lines.len() - 1 } else { chance.below(lines.len()) };
            let mut bytes = Vec::new();
            for (m, line) in lines.iter().enumerate() {
                bytes.extend(if m == n { changed(line, &mut chance) } else { line.as_bytes().to_vec() });
                bytes.push(b'\n');
            }
            if bytes == whole {
                continue;
            }
            fs::write(&path, &bytes).unwrap();
            match shown(&dir) {
                Err(_) => seen += 1,
                Ok(after) => {
                    harmless += 1;
                    assert_eq!(
                        after,
                        before,
                        "case {case}: line {} {}",
                        n + 1,
                        String::from_utf8_lossy(&bytes)
                    );
                }
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    println!("{seen} changes seen, {harmless} of no effect, {resumed} runs resumed");
    assert!(seen > 500 && resumed > 10, "{seen} {resumed}");
}

const SIGNED: &str = r#"runbook("main", "Main");
verify("1", "Sign", || { fact("n", 41); attest("it is so"); });
verify("2", "Then", || gate("open", false));"#;

/// How the first step ended, and who signed its claim, in which entry.
fn signed(dir: &Path) -> (String, Option<String>, Option<u64>) {
    report::verify(dir).unwrap();
    let report = RunReport::load(dir).unwrap();
    let (step, text) = (&report.steps[0], markdown::render(&report));
    let attest = step.attests.first().unwrap();
    assert_eq!(text.contains("kept over the cut"), attest.kept.is_some(), "{text}");
    (step.verdict.as_ref().unwrap().word().into(), attest.by.clone(), attest.kept)
}

#[test]
fn a_signature_is_kept_over_a_cut_and_asked_again_where_its_evidence_changed() {
    let dir = tempfile::tempdir().unwrap();
    conduct(dir.path(), SIGNED, Answer::Run, false);
    assert_eq!(signed(dir.path()), ("PASS".into(), Some("ops".into()), None));
    for _ in 0..2 {
        conduct(dir.path(), SIGNED, Answer::Nobody, true);
        let (word, by, kept) = signed(dir.path());
        assert_eq!((word.as_str(), by.as_deref()), ("PASS", Some("ops")));
        let entries = journal::read(&dir.path().join(journal::FILE)).unwrap().entries;
        let at = usize::try_from(kept.unwrap()).unwrap() - 1;
        assert!(matches!(&entries[at].record, Record::Attest { kept: None, by: Some(_), .. }), "{kept:?}");
    }
    for changed in
        [SIGNED.replace("41", "42"), SIGNED.replace("it is so", "it is so now"), SIGNED.to_string()]
    {
        conduct(dir.path(), &changed, Answer::Nobody, true);
        let (word, by, kept) = signed(dir.path());
        // the claim over 42 was asked for and not signed: that takes the earlier signature back
        assert_eq!((word.as_str(), by, kept), ("OUTSTANDING", None, None), "{changed}");
    }
}
