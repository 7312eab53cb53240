use super::*;

/// What a text's mutants of a kind become.
fn made(text: &str, kind: Kind) -> Vec<(Operator, String)> {
    of(text).iter().filter(|m| m.kind == kind).map(|m| (m.operator, m.apply(text))).collect()
}

fn texts(text: &str, kind: Kind) -> Vec<String> {
    made(text, kind).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_gate_is_removed_negated_and_held_for_true() {
    let all = texts("gate(`x, ${y}`, list.is_empty(), list);", Kind::Gate);
    assert_eq!(all, ["();", "gate(`x, ${y}`, !(list.is_empty()), list);", "gate(`x, ${y}`, true, list);"]);
}

#[test]
fn an_expectation_is_removed_negated_and_held_for_true() {
    let all = texts("expect(\"c\", a.b, w);", Kind::Expect);
    assert_eq!(all, ["();", "gate(\"c\", (a.b) != (w));", "gate(\"c\", true);"]);
}

#[test]
fn options_of_a_wait_are_removed_negated_and_constant() {
    let text = "poll(#{ read: || f(), done: |c| c.ok, failed: |c| c.bad, within: x })";
    let all = texts(text, Kind::Wait);
    let like =
        |done: &str, failed: &str| format!("poll(#{{ read: || f(), done: |c| {done}, {failed}within: x }})");
    assert_eq!(
        all,
        [
            like("!(c.ok)", "failed: |c| c.bad, "),
            like("true", "failed: |c| c.bad, "),
            "poll(#{ read: || f(), done: |c| c.ok,  within: x })".to_string(),
            like("c.ok", "failed: |c| !(c.bad), "),
            like("c.ok", "failed: |c| false, "),
        ]
    );
}

#[test]
fn options_of_a_step_are_removed_and_a_list_loses_each_item() {
    let text = "verify(\"1\", \"t\", #{ needs: [\"a\", \"b\"], when: || s.x }, || {});";
    let all = texts(text, Kind::Condition);
    assert!(all.contains(&"verify(\"1\", \"t\", #{  when: || s.x }, || {});".to_string()), "{all:?}");
    assert!(
        all.contains(&"verify(\"1\", \"t\", #{ needs: [ \"b\"], when: || s.x }, || {});".to_string()),
        "{all:?}"
    );
    assert!(
        all.contains(&"verify(\"1\", \"t\", #{ needs: [\"a\"], when: || s.x }, || {});".to_string()),
        "{all:?}"
    );
    assert!(all.contains(&"verify(\"1\", \"t\", #{ needs: [\"a\", \"b\"] }, || {});".to_string()), "{all:?}");
    assert!(
        all.contains(
            &"verify(\"1\", \"t\", #{ needs: [\"a\", \"b\"], when: || !(s.x) }, || {});".to_string()
        ),
        "{all:?}"
    );
}

/// What is left of a text's `needs` and `on_fail` once each of their mutants was made.
fn options(text: &str) -> Vec<String> {
    of(text).into_iter().filter(|m| m.kind == Kind::Condition).map(|m| m.before).collect()
}

#[test]
fn what_is_said_is_not_changed_whatever_it_depends_on() {
    let said = [
        "poll(#{ show: |c| if c == () { \"gone\" } else { c.status } })",
        "gate(\"x\", ok, if a > 2 { b } else { \"c\" });",
        "note(`${if a == 1 { \"b\" } else { c }}`); note(if a == 1 { b } else { c });",
        "fact(if a { \"b\" } else { \"c\" }, 1);",
    ];
    for text in said {
        let all = of(text);
        let inner =
            all.iter().filter(|m| matches!(m.kind, Kind::Condition | Kind::Comparison | Kind::Literal));
        let inner: Vec<_> = inner.map(|m| m.before.as_str()).filter(|before| *before != "1").collect();
        assert_eq!(inner, Vec::<&str>::new(), "{text}");
    }
    // what is put on record is not only said
    assert!(!texts("fact(\"a\", if b { 1 } else { 2 });", Kind::Condition).is_empty());
}

#[test]
fn what_has_passed_anyway_need_not_be_needed() {
    let sure = "verify(\"1\", \"t\", || f());\nverify(\"2\", \"t\", #{ needs: [\"1\"] }, || g());\nchange(\"3\", \"t\", #{ needs: [\"1\", \"2\"] }, || g());\n";
    assert_eq!(options(sure), Vec::<String>::new());
    // where it may be missing while the run goes on, what needs it is not run
    let others = [
        sure.replace("\"1\", \"t\", ||", "\"1\", \"t\", #{ on_fail: \"continue\" }, ||"),
        sure.replace("\"1\", \"t\", ||", "\"1\", \"t\", #{ when: || x }, ||"),
        sure.replace("|| f()", "|| { if x { skip(\"y\"); } f() }"),
        sure.replacen("verify", "change", 1),
        sure.replacen("\"1\"", "\"0\"", 1),
    ];
    for text in others {
        let all = options(&text);
        for wanted in ["needs: [\"1\"]", "needs: [\"1\", \"2\"]", "\"1\",", ", \"2\""] {
            assert!(all.iter().any(|before| before == wanted), "{wanted} in {text}: {all:?}");
        }
    }
}

#[test]
fn behind_the_last_step_nothing_goes_on() {
    let step = |id: &str| format!("verify(\"{id}\", \"t\", #{{ on_fail: \"continue\" }}, || f());\n");
    assert_eq!(options(&(step("1") + &step("2"))), ["on_fail: \"continue\""]);
}

#[test]
fn a_comparison_is_turned_round_moved_over_its_border_and_made_constant() {
    let all = texts("let x = a.b >= n;", Kind::Comparison);
    assert_eq!(all, ["let x = true;", "let x = false;", "let x = a.b < n;", "let x = a.b > n;"]);
    assert_eq!(
        texts("list.filter(|s| s.v != w)", Kind::Comparison)[..2],
        ["list.filter(|s| true)".to_string(), "list.filter(|s| false)".to_string(),]
    );
}

#[test]
fn each_part_of_a_conjunction_goes_in_turn() {
    let all = texts("let x = f(a, b) && !c;", Kind::Comparison);
    assert_eq!(all, ["let x = true && !c;", "let x = f(a, b) && c;", "let x = f(a, b) && true;"]);
}

#[test]
fn what_if_asks_is_always_so_and_never() {
    let all = texts("if x.is_empty() { y } else { z }", Kind::Condition);
    assert_eq!(all, ["if true { y } else { z }", "if false { y } else { z }"]);
}

#[test]
fn a_loop_over_a_list_is_no_comparison() {
    assert_eq!(
        texts("for x in y { f(x); } for (x, n) in y { f(x); }", Kind::Comparison),
        Vec::<String>::new()
    );
    assert_eq!(
        texts("let a = x in y;", Kind::Comparison),
        ["let a = true;", "let a = false;", "let a = x !in y;"]
    );
}

#[test]
fn literals_are_other_ones_and_words_for_people_are_none() {
    let text = "note(\"said\"); f(3, \"x\", true, 5.min); gate(\"claim\", g(\"y\")); throw \"why\";";
    let all: Vec<(Kind, String)> = of(text)
        .iter()
        .filter(|m| m.operator == Operator::Changed)
        .map(|m| (m.kind, format!("{} {}", m.before, m.after)))
        .collect();
    let wanted = [
        (Kind::Literal, "3 4"),
        (Kind::Literal, "\"x\" \"x~\""),
        (Kind::Literal, "true false"),
        (Kind::Literal, "5 500"),
        (Kind::Gate, "\"y\" \"y~\""),
    ];
    assert_eq!(all, wanted.map(|(kind, text)| (kind, text.to_string())));
}

#[test]
fn a_step_does_nothing_and_its_mutants_know_it() {
    let text = "let v = verify(\"8.2\", \"t\", || { gate(\"a\", b); });\nfn f(x) { x == 1 }";
    let all = of(text);
    let emptied = all.iter().find(|m| m.operator == Operator::Emptied).unwrap();
    assert_eq!(emptied.apply(text), "let v = verify(\"8.2\", \"t\", || {});\nfn f(x) { x == 1 }");
    assert!(all.iter().any(|m| m.kind == Kind::Gate && m.within == "step 8.2" && m.at.line == 1));
    assert!(all.iter().any(|m| m.kind == Kind::Comparison && m.within == "fn f" && m.at.line == 2));
}

/// A mutant that does not compile proves nothing: almost all of them must.
#[test]
fn the_mutants_of_the_shipped_texts_compile() {
    use crate::script::modules::Shelf as _;
    let layers = crate::site::Layers::default();
    let engine = crate::script::survey::known::compiler(true, &crate::script::primitives::all());
    let mut variables = rhai::Scope::new();
    variables.push_constant("site", ());
    let (mut count, mut broken) = (0, Vec::new());
    for name in layers.names().unwrap() {
        for text in layers.texts(&name).unwrap() {
            // one in seven shows it, in a seventh of the time
            for mutant in of(&text.text).into_iter().step_by(7) {
                count += 1;
                if let Err(e) = engine.compile_with_scope(&variables, mutant.apply(&text.text)) {
                    broken.push(format!(
                        "{name}:{} {} -> {}: {e}",
                        mutant.at.line, mutant.before, mutant.after
                    ));
                }
            }
        }
    }
    assert!(count > 300, "{count}");
    assert!(broken.len() * 100 <= count, "{} of {count}\n{}", broken.len(), broken.join("\n"));
}
