//! A session's lines are steps: what one of them met ends that line and no other.

use rhumb::repl::session::{Came, Session};

use crate::stage;

/// What a line came to: its value, or its error.
fn say(session: &Session, line: &str) -> String {
    match session.evaluate(line) {
        Came::Value(value) => value.to_string(),
        Came::Failed(e, _) => e.to_string(),
    }
}

#[test]
fn a_line_meets_its_own_end_and_the_next_one_begins_anew() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (session, _dir) = stage::session(runtime.handle());
    for (line, said) in [
        (r#"try { gate("x", false) } catch (e) { } 1"#, "gate: x"),
        ("1 + 1", "2"),
        (r#"parallel([|| { try { gate("y", false) } catch (e) { } }, || 1]); 3"#, "gate: y"),
        (r#"[2, 1].sort(|a, b| { stop("halt"); 0 }); 4"#, "stopped: halt"),
        (r#"try { verify("1", "T", || gate("z", false)) } catch (e) { } 5"#, "gate: z"),
        ("_ + 1", "3"),
        (
            r#"try { site.tool("juju").run(["x"]) } catch (e) { } 6"#,
            "reading only: run `juju x` on this machine",
        ),
        ("2 + 2", "4"),
    ] {
        assert_eq!(say(&session, line), said, "{line}");
    }
    assert_eq!(
        session.run().finish(None).unwrap().1,
        3,
        "a step that a line declares counts for how the session ends"
    );
}

#[test]
fn a_line_that_failed_does_not_fail_the_session() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (session, _dir) = stage::session(runtime.handle());
    assert_eq!(say(&session, r#"gate("x", false)"#), "gate: x");
    assert_eq!(session.run().finish(None).unwrap(), (true, 0));
}

#[test]
fn no_line_hides_what_later_lines_rely_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (session, _dir) = stage::session(runtime.handle());
    let refused = say(&session, "fn gate(claim, ok) { true }");
    assert!(refused.contains("`gate(claim, ok)` hides the primitive `gate"), "{refused}");
    assert_eq!(say(&session, r#"gate("x", false)"#), "gate: x");
    assert!(session.functions().is_empty());
    say(&session, "fn twice(n) { 2 * n }");
    assert_eq!(say(&session, "twice(4)"), "8");
}
