//! What befalls a run from outside: a disk that takes no more, a directory that may not be written to, a line that is
//! torn, a clock that is set back, a hook that fails. Each has its words and its exit code, the journal up to then can be
//! read, and the run goes on once the cause is gone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rhumb::base::ErrorKind;
use rhumb::report::{html, junit, markdown, terminal};
use rhumb::run::RunReport;
use rhumb::run::journal::{FILE, Journal, read};
use rig::{Ended, Rig};

const JOURNAL: i32 = 14;

/// A runbook that writes much, and whose second step fails until the site has a flag.
const LONG: &str = r#"
    runbook("long", "Much to say");
    change("1", "Say", || { for n in 0..40 { note(`${n}: what is said here takes room in the journal`); } 41 });
    verify("2", "Look", || expect("value", site.extra.wanted, 41));
"#;

fn rig() -> Rig {
    let rig = Rig::new("name = \"mishaps\"\n[extra]\nwanted = 41\n");
    rig.file("long.rhai", LONG);
    rig
}

/// The program under another, which takes something away from it.
fn under(rig: &Rig, wrapper: &[&str], args: &[&str]) -> Ended {
    let plain = rig.command(args);
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(plain.get_program()).args(plain.get_args()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    rig.end(&mut command)
}

fn run_dir(rig: &Rig) -> PathBuf {
    fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path()
}

/// What anybody can do with a run that did not come to its end: see it, check it, go on with it.
fn goes_on(rig: &Rig) -> Ended {
    rig.run(&["verify-run", "last"]).expect(0);
    let shown = rig.run(&["show-run", "last"]).expect(0);
    assert!(shown.stdout.contains("rhumb resume"), "{}", shown.stdout);
    let resumed = rig.run(&["resume"]).expect(0);
    assert_eq!(resumed.verdicts(), "1 PASS, 2 PASS");
    rig.run(&["verify-run", "last"]).expect(0);
    resumed
}

#[test]
fn a_disk_that_takes_no_more_ends_the_run_and_it_goes_on_when_there_is_room() {
    let rig = rig();
    // files of at most 4 KiB; a write beyond that fails, as one to a full disk does
    let ended =
        under(&rig, &["bash", "-c", r#"trap "" XFSZ; ulimit -f 4; exec "$@""#, "bash"], &["run", "long"]);
    let ended = ended.expect(JOURNAL);
    assert!(ended.told().contains("journal.jsonl cannot be written"), "{}", ended.stderr);
    assert_eq!(ended.told().matches("rhumb resume").count(), 1, "{}", ended.stderr);
    let path = run_dir(&rig).join(FILE);
    assert!(!fs::read(&path).unwrap().ends_with(b"\n"), "the last line is torn");
    assert!(read(&path).unwrap().entries.len() > 5);
    goes_on(&rig);
}

/// Takes away from root what others do not have: writing where the mode says no.
fn as_others() -> &'static [&'static str] {
    match rustix::process::geteuid().is_root() {
        true => &["setpriv", "--bounding-set=-dac_override,-dac_read_search"],
        false => &["env"],
    }
}

#[test]
fn a_directory_that_may_not_be_written_to_is_named_and_nothing_runs() {
    let rig = rig();
    fs::create_dir(rig.state()).unwrap();
    fs::set_permissions(rig.state(), Permissions::from_mode(0o500)).unwrap();
    let ended = under(&rig, as_others(), &["run", "long"]).expect(JOURNAL);
    assert!(ended.stderr.contains("Permission denied"), "{}", ended.stderr);
    assert!(ended.told().contains(&rig.state().display().to_string()), "{}", ended.stderr);
    assert!(ended.told().contains("--state-dir"), "{}", ended.stderr);
    assert!(ended.stdout.is_empty() && ended.entries.is_empty(), "{}", ended.stdout);
    fs::set_permissions(rig.state(), Permissions::from_mode(0o700)).unwrap();
    rig.run(&["run", "long"]).expect(0);
}

#[test]
fn a_run_whose_directory_became_read_only_is_left_as_it_is() {
    let rig = rig();
    rig.file("site.toml", "name = \"mishaps\"\n[extra]\nwanted = 42\n");
    rig.run(&["run", "long"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    rig.file("site.toml", "name = \"mishaps\"\n[extra]\nwanted = 41\n");
    let (dir, path) = (run_dir(&rig), run_dir(&rig).join(FILE));
    let before = fs::read(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o500)).unwrap();
    let ended = under(&rig, as_others(), &["resume"]).expect(JOURNAL);
    assert!(ended.told().contains("cannot be written"), "{}", ended.stderr);
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
    goes_on(&rig);
}

#[test]
fn a_torn_last_line_is_said_and_left_out() {
    let rig = rig();
    rig.file("site.toml", "name = \"mishaps\"\n[extra]\nwanted = 42\n");
    rig.run(&["run", "long"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    rig.file("site.toml", "name = \"mishaps\"\n[extra]\nwanted = 41\n");
    let path = run_dir(&rig).join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&path, &text[..last + 30]).unwrap();
    // a killed process has written no reports, and no head of a line that it did not finish
    for file in ["journal.head", "report.json", "report.md", "report.html", "junit.xml"] {
        fs::remove_file(run_dir(&rig).join(file)).unwrap();
    }
    let verified = rig.run(&["verify-run", "last"]).expect(0);
    assert!(verified.stdout.contains("cut inside of a line"), "{}", verified.stdout);
    goes_on(&rig);

    // any other line that is torn is damage
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen("\"note\"", "\"not", 1)).unwrap();
    let damaged = rig.command(&["verify-run", &run_dir(&rig).display().to_string()]).output().unwrap();
    assert_eq!(damaged.status.code(), Some(JOURNAL));
    let damaged = String::from_utf8(damaged.stderr).unwrap();
    assert!(damaged.contains("the journal is damaged") && damaged.contains("journal.jsonl:"), "{damaged}");
}

#[test]
fn a_clock_that_is_set_back_disturbs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig();
    rig.run(&["run", "long"]).expect(0);
    let entries = read(&run_dir(&rig).join(FILE)).unwrap().entries;
    // the same run, on a machine whose clock was set back by three hours in its middle
    let mut journal = Journal::create(dir.path(), false).unwrap();
    for (n, entry) in entries.iter().enumerate() {
        let hours = if n > entries.len() / 2 { -3 } else { 0 };
        journal.append(entry.at + jiff::SignedDuration::from_hours(hours), entry.record.clone()).unwrap();
    }
    let report = RunReport::load(dir.path()).unwrap();
    assert!(report.ended < report.began && report.end.as_ref().unwrap().ok);
    let options = terminal::Options { width: 100, colours: false, reports: None };
    for page in [
        terminal::render(&report, &options).to_string(),
        markdown::render(&report),
        html::render(&report).unwrap(),
        junit::render(&report),
    ] {
        assert!(
            !page.contains("-3h") && !page.contains("-10800"),
            "{}",
            page.lines().find(|l| l.contains("-3h") || l.contains("-10800")).unwrap()
        );
    }
    let shown = rig.run(&["show-run", &dir.path().display().to_string()]).expect(0);
    assert!(shown.stdout.contains("PASSED"), "{}", shown.stdout);
}

#[test]
fn a_hook_that_fails_is_in_the_journal_and_in_the_report() {
    let rig = rig();
    rig.file("site.toml", "name = \"mishaps\"\n[run]\nnotify = [\"/bin/false\"]\n[extra]\nwanted = 41\n");
    let ended = rig.run(&["run", "long"]).expect(0);
    let [note] = &ended.report.notes[..] else { panic!("{:?}", ended.report.notes) };
    assert!(note.starts_with("nobody was notified of \"end\": "), "{note}");
    assert!(ended.stdout.contains(note.lines().next().unwrap()), "{}", ended.stdout);
    assert!(ended.report.end.as_ref().unwrap().ok, "it changes nothing of the run");
    for form in ["report.md", "report.html"] {
        let text = fs::read_to_string(run_dir(&rig).join(form)).unwrap();
        assert!(text.contains("nobody was notified of"), "{form}");
    }
}

#[test]
fn overrides_that_nobody_has_looked_at_are_told_before_the_run_and_in_its_report() {
    let rig = rig();
    rig.file("park.rhai", "skip_step(\"2\", \"not here\");\n");
    let told = "an override is due for review: park 2 (not recorded); `rhumb site diff` shows them";
    let ended = rig.run(&["run", "long"]).expect(0);
    assert!(!ended.stdout.contains("due for review"), "this run meets none: {}", ended.stdout);
    // this one does, though it comes no further: the site has no such scope
    let parked = rig.run(&["run", "park"]).expect(i32::from(ErrorKind::Site.exit_code()));
    assert!(parked.stdout.contains(told), "{}", parked.stdout);
    assert_eq!(parked.report.notes, [told]);
}

#[test]
fn in_a_file_each_wait_says_once_a_minute_what_it_saw_last() {
    let rig = Rig::new("name = \"mishaps\"\n[tools.sleep]\nprogram = \"/bin/sleep\"\nwithin = \"64s\"\n");
    rig.file(
        "slow.rhai",
        r#"
        runbook("slow", "Slow");
        verify("1", "Two waits", || {
            let since = now();
            parallel([
                || poll(#{ title: "a state", every: 5.s, within: 5.min, read: || age(since), done: |t| t > 63.s, show: |t| "BUILD" }),
                || poll(#{ title: "a look that hangs", every: 1.s, within: 1.min, tolerate: ["timeout"],
                           read: || { site.tool("sleep").query(["300"]); 1 }, done: |x| true }),
            ]);
        });
        "#,
    );
    let ended = rig.run(&["run", "slow"]).expect(i32::from(ErrorKind::Timeout.exit_code()));
    let line = |text: &str| ended.stdout.lines().any(|line| line.contains(text));
    assert!(line("… a state: BUILD (1m"), "{}", ended.stdout);
    assert!(line("… a look that hangs: the first look has not come back (1m"), "{}", ended.stdout);
    // the site's own time limit of the tool ended the look, and the wait bore it
    assert!(
        line("… a look that hangs: tolerated: ") && ended.told().contains("the only look failed"),
        "{}",
        ended.stdout
    );
}

#[test]
fn in_a_file_a_clean_up_that_takes_its_time_says_so_once_a_minute() {
    let rig = Rig::new("name = \"mishaps\"\n[tools.sleep]\nprogram = \"/bin/sleep\"\n");
    rig.file(
        "slow.rhai",
        "runbook(\"slow\", \"Slow\");\nverify(\"1\", \"T\", || { defer(\"be slow\", || site.tool(\"sleep\").query([\"63\"])); });\n",
    );
    let ended = rig.run(&["run", "slow"]).expect(0);
    assert!(ended.stdout.contains("… 1: still at work, 1m"), "{}", ended.stdout);
}
