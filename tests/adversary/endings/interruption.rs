//! Ctrl-C is met as a failed gate is: nothing that swallows it lets the step pass.

use std::sync::Arc;

use rhumb::run::{Cancel, Entry, Observer, Record};

use crate::stage::Stage;

/// Interrupts the run as soon as the script says so.
struct Interrupts(Cancel);

impl Observer for Interrupts {
    fn entry(&self, entry: &Entry) {
        if matches!(&entry.record, Record::Note { text, .. } if text == "now") {
            self.0.interrupt();
        }
    }
}

#[test]
fn an_interruption_that_is_swallowed_still_ends_the_step_and_the_run() {
    for body in [
        r#"note("now"); 1"#,
        r#"try { note("now") } catch (e) { } true"#,
        r#"[2, 1].sort(|a, b| { note("now"); 0 })"#,
        r#"try { parallel([|| { throw "boring" }, || { note("now"); 1 }]) } catch (e) { } true"#,
        r#"skip(if true { note("now"); "n" })"#,
    ] {
        let cancel = Cancel::default();
        let script = format!(
            r#"try {{ verify("1", "T", || {{ {body} }}); }} catch (e) {{ }} verify("2", "U", || 1);"#
        );
        let observer = Arc::new(Interrupts(cancel.clone()));
        let came = Stage { cancel, observer, ..Stage::new(&script) }.run();
        assert_eq!((came.verdicts().as_str(), came.exit), ("1 FAIL: interrupted", 130), "{body}");
    }
}
