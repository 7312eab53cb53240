//! A question that stands while another branch ends the step.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rhumb::run::approval::Question;
use rhumb::run::{Answer, Approver, Entry, Observer, Record};

use crate::stage::Stage;

/// What one branch waits for that the other does.
#[derive(Default)]
struct Signal(Mutex<bool>, Condvar);

impl Signal {
    fn give(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let given = self.0.lock().unwrap();
        let (_given, late) =
            self.1.wait_timeout_while(given, Duration::from_secs(20), |given| !*given).unwrap();
        assert!(!late.timed_out(), "the other branch did not come");
    }
}

/// The two branches, as far as the host sees them.
#[derive(Default)]
struct Meeting {
    asked: Signal,
    other: Signal,
    questions: AtomicUsize,
    sent: AtomicBool,
}

struct Asked(Arc<Meeting>, Answer);

impl Approver for Asked {
    fn ask(&self, _: &Question<'_>, _: Option<&str>) -> Answer {
        self.0.questions.fetch_add(1, Ordering::SeqCst);
        self.0.asked.give();
        self.0.other.wait();
        self.1
    }
    fn attest(&self, _: &str) -> Option<String> {
        None
    }
}

/// `note("after the question")` waits for the question; a failed gate, and `note("next")`, end it.
struct Watch(Arc<Meeting>);

impl Observer for Watch {
    fn entry(&self, entry: &Entry) {
        match &entry.record {
            Record::Note { text, .. } if text == "after the question" => self.0.asked.wait(),
            Record::Note { text, .. } if text == "next" => self.0.other.give(),
            Record::Gate { ok: false, .. } => self.0.other.give(),
            Record::Intent { .. } => self.0.sent.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}

fn run(branches: &str, answer: Answer) -> (String, u8, Arc<Meeting>) {
    let meeting = Arc::new(Meeting::default());
    let script = format!(r#"change("1", "T", || {{ parallel([{branches}]) }});"#);
    let approver: Option<Box<dyn Approver>> = Some(Box::new(Asked(meeting.clone(), answer)));
    let came = Stage { approver, observer: Arc::new(Watch(meeting.clone())), ..Stage::new(&script) }.run();
    (came.verdicts(), came.exit, meeting)
}

const CHANGE: &str = r#"site.tool("juju").run(["add-unit", "vault"])"#;

#[test]
fn a_yes_to_a_step_that_has_ended_sends_nothing() {
    let branches = format!(r#"|| {CHANGE}, || {{ note("after the question"); gate("x", false) }}"#);
    let (verdicts, exit, meeting) = run(&branches, Answer::Once);
    assert_eq!((verdicts.as_str(), exit), ("1 FAIL: gate: x", 3));
    assert_eq!(meeting.questions.load(Ordering::SeqCst), 1);
    assert!(!meeting.sent.load(Ordering::SeqCst), "the change was journaled behind the failed gate");
}

#[test]
fn a_no_in_one_branch_leaves_the_other_without_a_question() {
    let branches = format!(r#"|| {CHANGE}, || {{ note("after the question"); note("next"); {CHANGE} }}"#);
    let (verdicts, exit, meeting) = run(&branches, Answer::No);
    assert_eq!(verdicts, "1 FAIL: declined: run `juju add-unit vault` on this machine");
    assert_eq!((exit, meeting.questions.load(Ordering::SeqCst)), (5, 1));
}
