//! Memory, time and depth: whatever a script does, its run ends with its clean-ups, and Ctrl-C ends it within a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rhumb::base::ErrorKind;
use rhumb::run::{Cancel, Entry, Observer, Record};

use super::stage::{Outcome, Stage};
use super::verify;

/// The longest that one operation may take, and an interruption. These tests are built without optimisation and run
/// beside others, so they allow more than the second that is promised.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// A string of 16 MiB, and a map that has it 400 times.
const SHARED: &str = r#"let s = "x"; s.pad(16777216, "y"); let m = #{}; for i in 0..400 { m[`k${i}`] = s; }"#;

#[test]
fn a_value_that_is_too_large_as_a_whole_ends_the_run_with_its_clean_ups() {
    for work in [
        "m.to_json()",
        "`${m}`.len()",
        "m.to_string().len()",
        "print(m)",
        "m == m",
        "fact(\"m\", m)",
        "gate(\"m\", true, m)",
        "expect(\"m\", m, m)",
        "note(m)",
        "unique([m])",
        "let l = []; l.pad(400, 0); for i in 0..400 { l[i] = s; } l.sort()",
        "let l = []; l.pad(400, 0); for i in 0..400 { l[i] = s; } l.dedup()",
        "let l = []; l.pad(400, 0); for i in 0..400 { l[i] = s; } l.contains(1)",
        "let l = []; l.pad(400, 0); for i in 0..400 { l[i] = s; } l.index_of(1)",
        "throw m",
    ] {
        let began = Instant::now();
        let o = verify(&format!("defer(\"tidy\", || note(\"tidied\")); {SHARED} {work};"));
        assert!(o.verdicts().starts_with("1 FAIL"), "{work}: {}", o.verdicts());
        assert!(o.report.steps[0].notes.iter().any(|n| n == "tidied"), "{work}");
        assert!(o.verdicts().len() < 1 << 20, "{work}: the verdict is {} bytes", o.verdicts().len());
        assert!(began.elapsed() < SOON * 2, "{work} took {:?}", began.elapsed());
    }
}

#[test]
fn a_run_that_takes_too_much_memory_ends_with_its_clean_ups() {
    let o = verify(
        r#"defer("tidy", || { let l = []; for i in 0..1000 { l.push(i); } note(`tidied ${l.len()}`) });
           let m = #{}; for i in 0..400 { let s = "x"; s.pad(16777216, "y"); m[`k${i}`] = s; } m.len()"#,
    );
    let error = o.error.clone().unwrap();
    assert_eq!(error.kind(), ErrorKind::Script, "{}", o.drawn);
    assert!(error.to_string().contains("MiB of memory"), "{error}");
    assert!(o.report.steps[0].notes.iter().any(|n| n == "tidied 1000"), "{:?}", o.report.steps[0].notes);
    // no script catches it
    let o = verify(
        r#"try { let m = #{}; for i in 0..400 { let s = "x"; s.pad(16777216, "y"); m[`k${i}`] = s; } } catch { note("caught"); }"#,
    );
    assert!(o.report.steps[0].notes.is_empty() && o.error.is_some(), "{}", o.verdicts());
}

/// Interrupts a run a moment after a script's `note("now")`; gives what came of it, and how long it took to end.
fn interrupted(script: &str) -> (Outcome, Duration) {
    struct Hand(Cancel, Arc<std::sync::Mutex<Option<Instant>>>, AtomicBool);
    impl Observer for Hand {
        fn entry(&self, entry: &Entry) {
            let is_it = matches!(&entry.record, Record::Note { text, .. } if text == "now");
            if is_it && !self.2.swap(true, Ordering::SeqCst) {
                let (cancel, at) = (self.0.clone(), self.1.clone());
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(50));
                    *at.lock().unwrap() = Some(Instant::now());
                    cancel.interrupt();
                });
            }
        }
    }
    let (stage, at) = (Stage::new(script), Arc::default());
    let observer = Arc::new(Hand(stage.cancel.clone(), Arc::clone(&at), AtomicBool::new(false)));
    let o = Stage { observer, ..stage }.run();
    let since = at.lock().unwrap().map_or(Duration::ZERO, |at| at.elapsed());
    (o, since)
}

/// Each goes through as much as a script can have, again and again.
#[test]
fn whatever_a_script_does_an_interruption_ends_it_soon() {
    let list = "let a = []; a.pad(99000, 0); for i in 0..99000 { a[i] = i; }";
    let text = r#"let s = "x"; s.pad(16000000, "y");"#;
    let map = "let m = #{}; for i in 0..50000 { m[`k${i}`] = i; }";
    for (given, work) in [
        (list, "unique(a)"),
        (list, "a.sort()"),
        (list, "a.sort_desc()"),
        (list, "a.order()"),
        (list, "a.dedup()"),
        (list, "a.index_of(-1)"),
        (list, "a.contains(-1)"),
        (list, "a == a"),
        (list, "`${a}`.len()"),
        (list, "a.map(|x| x + 1)"),
        (list, "a.filter(|x| x > 1)"),
        (list, "a.reduce(|x, y| y, 0)"),
        (list, "a.sort(|x, y| y - x)"),
        (list, "a.for_each(|x| x)"),
        (list, "for x in a { x }"),
        (list, "a.drain(|x| false)"),
        (list, "a.retain(|x| true)"),
        (list, "#{ a: a }.to_json()"),
        (list, "fact(\"a\", a)"),
        (list, "parse_json(#{ a: a }.to_json())"),
        (text, "s.split(\"\")"),
        (text, "s.split(\"y\")"),
        (text, "s.split_rev(\"y\")"),
        (text, "s.split('y')"),
        (text, "s.split()"),
        (text, "s.to_chars()"),
        (text, "let t = s; t.replace(\"y\", \"zzzz\")"),
        (text, "let t = s; t.replace(\"\", \"zzzz\")"),
        (text, "let t = s; t.replace(\"y\", \"z\")"),
        (text, "s.index_of(\"z\")"),
        (text, "s.len()"),
        (text, "s.contains(\"yyyyz\")"),
        (text, "s.to_upper()"),
        (text, "let t = s; t.pad(16777216, \"ab\")"),
        (text, "let t = s; t.pad(16777216, \"\")"),
        ("", "let t = \"x\"; t.pad(16777216, 'y')"),
        (text, "s.sub_string(5, 15000000)"),
        (text, "s == s + \"\""),
        (text, "for c in s { c }"),
        (text, "#{ s: s }.to_json()"),
        (text, "try { parse_json(s) } catch {}"),
        (map, "m == m"),
        (map, "m.keys()"),
        (map, "m.to_json()"),
        (map, "`${m}`.len()"),
        (map, "m + m"),
        ("", "let x = 1"),
        ("", "try { sleep(3600) } catch {}"),
        ("", "try { sleep(3600.0) } catch {}"),
    ] {
        let script = format!(
            "verify(\"1\", \"T\", || {{ defer(\"tidy\", || note(\"tidied\")); {given} note(\"now\"); loop {{ {work}; }} }});"
        );
        let (o, took) = interrupted(&script);
        assert!(took < SOON, "{work} took {took:?} to end");
        assert!(o.report.steps[0].notes.iter().any(|n| n == "tidied"), "{work}: {}", o.verdicts());
        eprintln!(
            "{:>6} ms  {work}: {}",
            took.as_millis(),
            o.verdicts().chars().take(100).collect::<String>()
        );
    }
}

#[test]
fn the_languages_own_words_do_not_hide_the_primitives() {
    let began = Instant::now();
    let o = verify(
        r#"try { sleep(3600) } catch (e) { note(e.kind) }
           try { sleep(3600.0) } catch (e) { note(e.kind) }
           try { parse_json("{nope") } catch (e) { note(e.kind) }"#,
    );
    assert_eq!(o.report.steps[0].notes, ["argument", "argument", "protocol"], "{}", o.drawn);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_nested_too_deep_is_refused_and_crashes_nothing() {
    let nest = |levels: usize| {
        format!("let a = 1; for i in 0..{levels} {{ let b = [()]; b[0] = a.take(); a = b; }}")
    };
    let o = verify(&format!("{} fact(\"deep\", a); 1", nest(80)));
    assert_eq!(o.verdicts(), "1 PASS");
    for levels in [91, 130, 1_000] {
        for (work, says) in [
            ("fact(\"deep\", a)", "nested deeper than 90 levels"),
            ("gate(\"deep\", true, a)", "nested deeper than 90 levels"),
            ("unique([a])", "nested deeper than 90 levels"),
        ] {
            let o = verify(&format!("{} {work};", nest(levels)));
            assert!(o.verdicts().contains(says), "{levels} {work}: {}", o.verdicts());
        }
    }
    for work in [
        "a == a",
        "`${a}`",
        "let s = \"\"; s += a",
        "#{ a: a }.to_json()",
        "[a].contains(a)",
        "[a].index_of(a)",
        "print(a)",
        "[a, a].dedup()",
    ] {
        let o = verify(&format!("{} {work};", nest(1_000)));
        assert!(o.verdicts().starts_with("1 FAIL"), "{work}: {}", o.verdicts());
    }
}

/// The overridden built-ins answer what Rhai's own answer.
#[test]
fn the_bounded_built_ins_answer_as_the_languages_own() {
    let plain = {
        let mut engine = rhai::Engine::new();
        engine.set_max_expr_depths(128, 128);
        engine
    };
    for text in [
        r#"`${[1, "a\n", 'c', 1.5, true, (), #{ b: [2], "x y": "q" }]} ${#{}} ${[]}`"#,
        r#"[1, #{ a: "ü" }].to_debug() + #{ a: [1] }.to_string()"#,
        r#"#{ b: 1, a: [1, "x\"", 2.5, ()], c: #{ d: true } }.to_json()"#,
        r#"[1, 2] == [1, 2] && [1] != [1, 2] && [[1], #{ a: 1 }] == [[1], #{ a: 1 }]"#,
        r#"[1, "a"] == ["a", 1] || #{ a: 1 } == #{ a: 2 } || #{ a: 1 } == #{ b: 1 } || [] != []"#,
        r#"`${["b", "a", "c"].contains("a")} ${[1, 2, 3].index_of(3)} ${[1, 2, 3].index_of(9)} ${[1, 2, 1].index_of(1, 1)} ${[1, 2, 1].index_of(2, -2)}`"#,
        r#"`${2 in [1, 2]} ${"x" in [1, 2]} ${[1] in [[1], [2]]}`"#,
        r#"let a = [3, 1, 2]; a.sort(); let b = ["b", "a"]; b.sort_desc(); `${a} ${b} ${[2.5, 1.5].order()} ${[true, false].order_desc()} ${['b', 'a'].order()}`"#,
        r#"try { let a = [1, "x"]; a.sort(); "sorted" } catch { "refused" }"#,
        r#"let a = [1, 1, 2, 2, 1]; a.dedup(); `${a}`"#,
        r#"`${"a,b,,c".split(",")} ${"".split(",")} ${"abc".split("")} ${"a,b,c".split(",", 2)} ${"a,b,c".split_rev(",")} ${"a,b,c".split_rev(',', 2)} ${" a  b ".split()} ${"a-b".split('-')} ${"abc".split(1)} ${"abc".split("x", 0)}`"#,
        r#"`${"äb".to_chars()} ${"".to_chars()}`"#,
        r#"let a = "ab"; a.pad(5, 'x'); let b = "ab"; b.pad(7, "xyz"); let c = "ä"; c.pad(3, "ü"); let d = "abc"; d.pad(2, "x"); d.pad(-1, 'x'); `${a} ${b} ${c} ${d}`"#,
        r#"let t = "aXbX"; t.replace("X", "yy"); let u = "aXbX"; u.replace('X', 'z'); let v = "aX"; v.replace("X", '-'); let w = "aX"; w.replace('X', ""); let e = ""; e.replace("", "x"); let f = "ab"; f.replace("", "-"); `${t} ${u} ${v} ${w} ${e} ${f}`"#,
    ] {
        let wanted = plain.eval::<rhai::Dynamic>(text).unwrap().to_string();
        let o = verify(&format!("note({{ {text} }});"));
        assert_eq!(o.report.steps[0].notes.first(), Some(&wanted), "{text}: {}", o.drawn);
    }
}
