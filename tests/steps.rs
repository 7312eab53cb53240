//! Steps, gates, waits, clean-ups and branches, as a script sees them.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod stage;

use rhumb::base::ErrorKind;
use rhumb::run::{Answer, Mode};
use rhumb::script::{Effect, Primitive};
use stage::{Stage, run};

#[test]
fn every_primitives_example_runs() {
    let alone = |p: &&Primitive| {
        matches!(p.effect, Effect::None | Effect::Flow)
            && ![".scope(", ".kube("].iter().any(|reaches| p.example.contains(reaches))
            && !p.example.is_empty()
    };
    for primitive in rhumb::script::primitives::all().into_iter().filter(alone) {
        let o = run(primitive.example);
        assert!(o.error.is_none(), "{}: {}", primitive.path(), o.drawn);
        assert_eq!(o.exit, 0, "{}: {}", primitive.path(), o.verdicts());
    }
}

#[test]
fn a_failed_gate_ends_the_run_and_no_catch_swallows_it() {
    let o =
        run(r#"verify("1", "T", || { try { gate("it holds", false, 7); } catch (e) { note("caught"); } });
                   verify("2", "Later", || 1);"#);
    assert_eq!(o.verdicts(), "1 FAIL: gate: it holds");
    assert_eq!(o.exit, ErrorKind::Gate.exit_code());
    assert!(o.report.steps[0].notes.is_empty());
    let o = run(r#"try { verify("1", "T", || { try { gate("it holds", false) } catch {} }); } catch {} "#);
    assert_eq!((o.verdicts().as_str(), o.exit), ("1 FAIL: gate: it holds", 3));
}

#[test]
fn on_fail_continue_goes_on_and_fails_in_the_end() {
    let o = run(r#"verify("1", "T", #{ on_fail: "continue" }, || expect("n", 1, 2));
                   verify("2", "Needs it", #{ needs: ["1"] }, || 1);
                   verify("3", "Later", || 1);"#);
    assert_eq!(o.verdicts(), "1 FAIL: gate: n, 2 SKIPPED: needs step 1, which is FAIL, 3 PASS");
    assert_eq!(o.exit, 3);
}

#[test]
fn a_claim_that_nobody_could_look_at_is_unknown_and_the_step_goes_on() {
    let looks = |then: &str, opts: &str| {
        run(&format!(
            r#"let seen = 0;
               verify("1", "T", #{{ {opts} }}, || {{ unknown("its events", "403"); seen += 1; {then} }});
               verify("2", "Needs it", #{{ needs: ["1"] }}, || 1);
               verify("3", "Later", || expect("what was seen", seen, 1));"#
        ))
    };
    let o = looks(r#"gate("all else is well", true)"#, r#"on_fail: "continue""#);
    let needs = "2 SKIPPED: needs step 1, which is UNKNOWN";
    assert_eq!(o.verdicts(), format!("1 UNKNOWN: its events: 403, {needs}, 3 PASS"));
    assert_ne!(o.exit, 0, "it has not passed");
    assert_eq!(looks("1", "").verdicts(), "1 UNKNOWN: its events: 403");
    // what fails is worse, whatever came first
    let o = looks(r#"gate("it holds", false)"#, r#"on_fail: "continue""#);
    assert!(o.verdicts().starts_with("1 FAIL: gate: it holds"), "{}", o.verdicts());
    // a change may not go on without knowing, and a fault of a script is no look
    let o = run(r#"change("1", "T", || { unknown("room", "403"); 1 });"#);
    assert_eq!(o.verdicts(), "1 FAIL: 403");
    let o = run(r#"verify("1", "T", || { try { let x = #{}; x.y.z } catch (e) { unknown("room", e); } });"#);
    assert_eq!(o.error.unwrap().kind(), ErrorKind::Script);
}

#[test]
fn a_wait_ends_at_its_deadline_exactly() {
    let o = run(
        r#"verify("1", "T", || poll(#{ title: "never", every: 7.s, within: 1.min, read: || 0, done: |x| false }));"#,
    );
    assert_eq!(o.elapsed.as_secs(), 60);
    assert_eq!(o.error.unwrap().kind(), ErrorKind::Timeout);
    assert_eq!(o.report.steps[0].waits[0].looks, 10);
}

#[test]
fn a_wait_fails_at_once_in_a_failure_state_and_asks_why() {
    let o = run(
        r#"verify("1", "T", || poll(#{ title: "up", every: 7.s, within: 1.min, read: || "ERROR", done: |x| x == "UP",
                       failed: |x| x == "ERROR", cause: || "no host has room" }));"#,
    );
    assert_eq!(o.elapsed.as_secs(), 0);
    let e = o.error.unwrap();
    assert_eq!(e.to_string(), "up: it came to \"ERROR\": because no host has room");
}

#[test]
fn a_slow_wait_says_so_once_with_its_cause() {
    let o = run(
        r#"let n = 0; verify("1", "T", || poll(#{ title: "up", every: 30.s, within: 1.h, warn_after: 2.min,
                       read: || { n += 1; n }, done: |x| x == 10, show: |x| `n=${x}`, cause: || "it is cold" }));"#,
    );
    assert_eq!(o.report.steps[0].notes, ["slower than usual (2m): up: it is cold"]);
    assert_eq!(o.verdicts(), "1 PASS");
}

#[test]
fn clean_ups_run_in_reverse_after_a_failure_and_one_that_fails_fails_the_run() {
    let o = run(
        r#"change("1", "T", || { defer("first", || note("first")); defer("second", || throw "stuck"); stop("no"); });"#,
    );
    let step = &o.report.steps[0];
    assert_eq!(step.notes, ["first"]);
    let cleanups: Vec<_> = step.cleanups.iter().map(|c| (c.title.as_str(), c.error.as_deref())).collect();
    assert_eq!(cleanups, [("second", Some("stuck")), ("first", None)]);
    assert_eq!((o.verdicts().as_str(), o.exit), ("1 FAIL: no", ErrorKind::Gate.exit_code()));
    let o = run(r#"change("1", "T", || defer("tidy", || throw "stuck"));"#);
    assert_eq!(
        (o.verdicts().as_str(), o.exit),
        ("1 FAIL: clean-up failed: tidy", ErrorKind::Cleanup.exit_code())
    );
}

#[test]
fn branches_have_their_own_variables_and_give_values_back() {
    let o =
        run(r#"let t = 1; let both = verify("1", "T", || parallel([|| { t += 1; t }, || { t += 10; t }]));
                   verify("2", "V", || { expect("values", both, [2, 11]); expect("outer", t, 1); });"#);
    assert_eq!(o.verdicts(), "1 PASS, 2 PASS", "{}", o.drawn);
}

#[test]
fn branches_wait_at_the_same_time() {
    let o = run(
        r#"verify("1", "T", || parallel([10, 40, 25].map(|n| || poll(#{ title: `${n}`, every: 1.s, within: 2.min,
                       read: || now(), done: |t| t >= ["2026-06-10T02:00:10Z", "2026-06-10T02:00:40Z"][if n == 10 {0} else {1}] }))));"#,
    );
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
    assert_eq!(o.elapsed.as_secs(), 40);
}

#[test]
fn steps_do_not_nest_and_do_not_share_ids() {
    let o = run(r#"verify("1", "T", || verify("2", "U", || 1));"#);
    assert_eq!(o.error.unwrap().kind(), ErrorKind::Script);
    let o = run(r#"verify("1", "T", || 1); verify("1", "U", || 1);"#);
    assert!(o.error.unwrap().to_string().contains("two steps have the id 1"));
}

#[test]
fn observing_skips_what_would_change() {
    let mut stage = Stage::new(r#"verify("1", "Look", || 1); change("2", "Act", || note("acted"));"#);
    stage.mode = Mode::Observe;
    let o = stage.run();
    assert_eq!(o.verdicts(), "1 PASS, 2 SKIPPED: observing: this step would change things");
    assert_eq!(o.exit, 0);
}

#[test]
fn observing_looks_at_nothing_that_needs_what_a_change_would_make() {
    let o = Stage {
        mode: Mode::Observe,
        ..Stage::new(
            r#"
            let kept = (); let untouched = 7;
            let made = change("1", "Make", || { kept = 3; #{ id: "a", parts: [1] } });
            let id = made.id; let part = made.parts[0];
            note(`made ${id}`);
            let look = || part + 1;
            let of_it = verify("2", "By field", || id.len);
            verify("3", "By call", || look.call());
            verify("4", "By variable", || expect("kept", kept, 3));
            verify("5", "In a list", || [untouched, #{ it: made }].len());
            verify("6", "By what a look at it would give", || of_it);
            verify("7", "When it is there", #{ when: || made != () }, || true);
            change("8", "When it says so", #{ when: || made.id == "a" }, || true);
            verify("9", "Nothing of it", || expect("untouched", untouched, 7));
            if made == () { verify("10", "Nothing was made", || true); }
            let none = change("11", "Nothing to do", #{ when: || false }, || 1);
            verify("12", "As in a run", || expect("none", none, ()));
            "#,
        )
    }
    .run();
    assert!(o.error.is_none(), "{}", o.drawn);
    let needs = |of: &str| format!("SKIPPED: observing: needs what step {of} would make");
    let follow = "SKIPPED: observing: this step would change things";
    let said: Vec<String> = o.report.steps.iter().map(|s| s.verdict.as_ref().unwrap().to_string()).collect();
    let (pass, first) = ("PASS", &needs("1"));
    let wanted = [
        follow,
        first,
        first,
        first,
        first,
        first,
        first,
        follow,
        pass,
        pass,
        "SKIPPED: its `when` does not hold",
        pass,
    ];
    assert_eq!(said, wanted);
    assert_eq!(o.report.notes, ["made (what step 1 would make)"]);
    assert_eq!(o.exit, 0);

    // outside of steps the script must have the value itself
    let o = Stage {
        mode: Mode::Observe,
        ..Stage::new(r#"let made = change("1", "Make", || 1); let more = made + 1;"#)
    }
    .run();
    assert!(o.drawn.contains("what a change would make"), "{}", o.drawn);
}

#[test]
fn what_needs_a_step_by_its_id_that_cannot_be_observed_cannot_be_either() {
    let mut stage = Stage::new(
        r#"change("1", "Make", || 1);
           let seen = verify("2", "Of it", #{ needs: ["1"] }, || gate("never asked", false));
           verify("3", "Of that", #{ needs: ["2"] }, || gate("never asked", false));
           verify("4", "Of its value", || gate("never asked", seen.ok));
           change("5", "Not wanted", #{ when: || false }, || 1);
           verify("6", "Needs it", #{ needs: ["5"] }, || 1);"#,
    );
    stage.mode = Mode::Observe;
    let o = stage.run();
    let said: Vec<String> = o.report.steps.iter().map(|s| s.verdict.as_ref().unwrap().detail()).collect();
    let needs = "observing: needs what step 1 would make";
    assert_eq!(said[1..4], [needs, needs, needs]);
    assert_eq!(said[5], "needs step 5, which is SKIPPED");
    assert_eq!(o.exit, 0);
}

#[test]
fn a_claim_nobody_signs_is_outstanding() {
    let mut stage = Stage::new(r#"verify("7", "Baseline", || attest("snapshot taken"));"#);
    stage.answer = Answer::Nobody;
    assert_eq!(stage.run().verdicts(), "7 OUTSTANDING: snapshot taken");
}

#[test]
fn arguments_are_checked_with_the_likely_name() {
    let o = run(
        r#"verify("1", "T", || poll(#{ title: "x", evry: 1.s, within: 1.min, read: || 1, done: |x| true }));"#,
    );
    insta::assert_snapshot!(o.drawn);
}

#[test]
fn an_error_in_a_module_shows_its_own_line_and_the_way_there() {
    let o = Stage::new(
        "import \"std/x\" as x;\nverify(\"1\", \"T\", || {\n    let a = 1;\n    x::outer(a)\n});\n",
    )
    .with(
        "std/x",
        "embedded",
        "fn inner(a) {\n    gate(\"small\", a > 5, a);\n}\n\nfn outer(a) {\n    inner(a)\n}\n",
    )
    .with("std/x", "site", "// the site's own\nfn outer(a) {\n    inner(a + 1)\n}\n")
    .run();
    insta::assert_snapshot!(o.drawn);
}

#[test]
fn limits_end_loops_and_bombs() {
    let bomb = run(r#"let s = "x"; loop { s += s; }"#);
    assert_eq!(bomb.error.unwrap().kind(), ErrorKind::Script);
    let deep = run("fn f(n) { f(n + 1) } f(0);");
    assert_eq!(deep.error.unwrap().kind(), ErrorKind::Script);
    let cyclic = Stage::new("import \"std/a\" as a;")
        .with("std/a", "site", "import \"std/b\" as b;")
        .with("std/b", "site", "import \"std/a\" as a;")
        .run();
    assert!(cyclic.error.unwrap().to_string().contains("imports itself"));
}

#[test]
fn an_interrupt_ends_a_busy_loop_and_still_cleans_up() {
    let stage =
        Stage::new(r#"change("1", "T", || { defer("tidy", || note("tidied")); loop { let x = 1; } });"#);
    let cancel = stage.cancel.clone();
    let from = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        cancel.interrupt();
    });
    let o = stage.run();
    from.join().unwrap();
    assert_eq!(o.exit, 130);
    assert_eq!(o.report.steps[0].notes, ["tidied"]);
}

#[test]
fn words_of_the_clouds_are_fields() {
    let o = run(r#"let net = #{ shared: true, default: 1, public: 2 };
                   verify("1", "T", || expect("fields", [net.shared, net.default, net.public], [true, 1, 2]));"#);
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
}

const SHIPPED: &str = r#"verify("1", "One", || step_one()); verify("2", "Two", || note("shipped two")); fn step_one() { note("shipped one"); 1 }"#;

#[test]
fn a_site_replaces_precedes_follows_skips_and_adds_steps() {
    let o = Stage::new("")
        .with("main", "embedded", SHIPPED)
        .with(
            "main",
            "site",
            r#"override_step("1", |original| { note("before"); original.call() + 1 });
               after_step("1", |value| note(`value ${value}`));
               before_step("2", || note("site before two"));
               add_step_after("2", "2a", "Two and a half", || note("added"));
               fn step_one() { note("the site's one"); 41 }"#,
        )
        .run();
    assert_eq!(o.verdicts(), "1 PASS, 2 PASS, 2a PASS", "{}", o.drawn);
    assert_eq!(o.report.steps[0].notes, ["before", "the site's one", "value 42"]);
    assert_eq!(o.report.steps[1].notes, ["site before two", "shipped two"]);
    let by = o.report.steps[0].overridden.clone().unwrap();
    assert_eq!(by, "replaced by site/main.rhai:1, followed by site/main.rhai:2");
}

#[test]
fn a_skipped_step_says_why_and_a_second_opinion_is_refused() {
    let skip = r#"skip_step("2", "no such thing here");"#;
    let o = Stage::new("").with("main", "embedded", SHIPPED).with("main", "site", skip).run();
    assert_eq!(o.verdicts(), "1 PASS, 2 SKIPPED: no such thing here");
    let twice = r#"skip_step("2", "a"); override_step("2", |o| 1);"#;
    let o = Stage::new("").with("main", "embedded", SHIPPED).with("main", "site", twice).run();
    assert!(o.error.unwrap().to_string().contains("step 2 is skipped by site/main.rhai:1 already"));
}

#[test]
fn an_override_of_no_step_is_an_error_never_a_no_op() {
    let o = Stage::new("")
        .with("main", "embedded", SHIPPED)
        .with("main", "site", r#"skip_step("3", "x");"#)
        .run();
    assert_eq!(o.exit, ErrorKind::Site.exit_code(), "{}", o.verdicts());
}

#[test]
fn an_error_at_the_top_of_a_runbook_shows_its_line() {
    let o = run("let juju = 1;\nlet tool = site.tool(\"jujuu\");");
    assert!(o.drawn.contains("let tool = site.tool"), "{}", o.drawn);
    let place = o.error.unwrap().detail().place.clone().unwrap();
    assert!(place.file.contains("main") && place.line == 2, "{place}");
}
