//! Two traps of closures: that Rhai has them is seen by running the script, and the checker finds them without.

use super::{check, site};
use crate::stage::Stage;

/// How a run of a body ends, and the codes with the messages that a check finds.
fn both(text: &str) -> (String, Vec<(&'static str, String)>) {
    let script = format!("runbook(\"main\", \"M\");\n{text}\n");
    let ended = Stage::new(&script).run();
    let found = check(&site(&script), &["main"]).findings;
    let of_closures = found.into_iter().filter(|f| f.code.name.starts_with("closure-"));
    (ended.drawn, of_closures.map(|f| (f.code.name, f.message)).collect())
}

#[test]
fn a_variable_that_is_called_as_a_function_above_is_that_function_in_a_closure() {
    let trap = |body: &str| both(&format!("fn stack(c) {{ c }}\nverify(\"1\", \"T\", || {{ {body} }});"));
    for body in [
        "let stack = 5; let more = || stack + 1; note(`${more.call()}`);",
        "let stack = 5; note(`${[1].map(|x| x + stack)}`);",
        "let stack = 5; note(`${[1].map(|x| [2].map(|y| y + stack))}`);",
    ] {
        let (drawn, found) = trap(body);
        assert!(drawn.contains("Function not found: +") && drawn.contains("Fn"), "{body}: {drawn}");
        let wanted =
            ("closure-takes-function", "in this closure `stack` is the function `stack(c)`".to_string());
        assert_eq!(found, [wanted], "{body}");
    }
    for body in [
        "let more = |stack| stack + 1; note(`${more.call(5)} ${stack(1)}`);",
        "let more = || { let stack = 5; stack + 1 }; note(`${more.call()}`);",
        "let stack = 5; note(`${stack + 1}`);",
        "let space = 5; let more = || stack(space) + 1; note(`${more.call()}`);",
    ] {
        let (drawn, found) = trap(body);
        assert!(drawn.is_empty() && found.is_empty(), "{body}: {drawn} {found:?}");
    }
    // a function that stands below is none yet where the closure is read
    let (drawn, found) =
        both("let stack = 5; verify(\"1\", \"T\", || note(`${stack + 1}`));\nfn stack(c) { c }");
    assert!(drawn.is_empty() && found.is_empty(), "{drawn} {found:?}");
}

#[test]
fn a_closure_that_uses_what_its_method_is_called_on_is_a_data_race() {
    let trap = |body: &str| both(&format!("verify(\"1\", \"T\", || {{ {body} }});"));
    for (method, body) in [
        ("filter", "let all = [1, 2]; note(`${all.filter(|a| all.contains(a))}`);"),
        ("map", "let all = [1, 2]; note(`${all.map(|a| [5].map(|b| b + all.len()))}`);"),
        ("filter", "let all = [1, 2]; note(`${all.map(|a| a).filter(|a| all.contains(a))}`);"),
        ("filter", "let all = #{ a: [1], b: 2 }; note(`${all.a.filter(|a| a < all.b)}`);"),
        ("some", "let all = [[1], [2]]; note(`${all[0].some(|a| all[1].contains(a))}`);"),
        ("push", "let all = [1, 2]; all.push(|a| all.contains(a)); note(`${all.len()}`);"),
        ("filter", "let all = [1, 2]; let there = |a| all.contains(a); note(`${all.filter(there)}`);"),
    ] {
        let (drawn, found) = trap(body);
        assert!(drawn.contains("Data race detected"), "{body}: {drawn}");
        assert!(drawn.contains("give the closure another one"), "{body}: {drawn}");
        let message = format!("`.{method}` holds `all`, and this closure, which it is given, uses `all`");
        assert_eq!(found, [("closure-uses-receiver", message)], "{body}");
    }
    for body in [
        "let all = [1, 2]; let seen = all; note(`${all.filter(|a| seen.contains(a))}`);",
        "let all = [1, 2]; let n = all.len(); note(`${all.map(|a| a + n)}`);",
        "let all = [1, 2]; note(`${[1].filter(|a| all.contains(a))}`);",
        "let whole = |f| 1; note(`${whole.call(|x| whole.call(x))}`);",
        "let all = [[1]]; note(`${all.map(|all| all.map(|a| a))}`);",
    ] {
        let (drawn, found) = trap(body);
        assert!(drawn.is_empty() && found.is_empty(), "{body}: {drawn} {found:?}");
    }
}
