//! The checker: every sort of finding, in scripts as they are really written.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

#[path = "check/closures.rs"]
mod closures;
mod stage;

use rhumb::script::check::Checked;
use rhumb::script::modules::Shelf as _;
use rhumb::site::Layers;
use stage::Texts;

fn check(texts: &Texts, names: &[&str]) -> Checked {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    rhumb::script::check::check(texts, &names).unwrap()
}

fn site(script: &str) -> Texts {
    Texts::default().with("main", "site", script)
}

/// The findings as an operator sees them.
fn drawn(texts: &Texts) -> String {
    let checked = check(texts, &["main"]);
    format!("{}\n{}", &*checked.draw(100, false), checked.summary())
}

#[test]
fn a_clean_runbook_has_nothing_to_find_fault_with() {
    let texts =
        site(include_str!("check/clean.rhai")).with("std/nova", "embedded", include_str!("check/nova.rhai"));
    assert_eq!(drawn(&texts), "\nmain, std/nova: nothing to find fault with");
}

#[test]
fn a_text_that_is_not_rhai() {
    insta::assert_snapshot!("syntax", drawn(&site("runbook(\"main\", \"M\")\nlet a = 1;\n")));
    insta::assert_snapshot!(
        "syntax_of_a_unit",
        drawn(&site("runbook(\"main\", \"M\");\nlet _pause = 30s;\n"))
    );
    insta::assert_snapshot!(
        "syntax_of_a_bracket",
        drawn(&site("verify(\"1\", \"T\", || {\n    note(\"a\");\n"))
    );
    insta::assert_snapshot!(
        "syntax_of_a_doc_comment",
        drawn(&site("runbook(\"main\", \"M\");\n/// What it is.\nconst LIMIT = 3;\n"))
    );
}

#[test]
fn words_of_the_language_are_no_names() {
    insta::assert_snapshot!("reserved_word", drawn(&site("let until = 3;\n")));
    insta::assert_snapshot!("reserved_key", drawn(&site("note(#{ read: 1, until: 3 });\n")));
    insta::assert_snapshot!("reserved_field", drawn(&site("note(site.for);\n")));
    insta::assert_snapshot!("reserved_function", drawn(&site("fn switch(a) { a }\n")));
}

#[test]
fn functions_that_do_not_exist() {
    let texts = Texts::default()
        .with("std/octavia", "embedded", "fn broken(admin) { admin.load_balancers.list() }")
        .with("std/nova", "embedded", include_str!("check/nova.rhai"))
        .with(
            "main",
            "site",
            r#"import "std/nova" as nova;
runbook("main", "M");
let tenant = site.scope("admin");
let judge = |lb| lb.ok;
verify("1", "T", || {
    gat("ok", true);
    note(nova::setle(tenant.servers, 1, 2));
    note(nova::state(1));
    note(settle(1, 2, 3));
    note(probe::tpc("a", 22));
    note(judge(1));
    note(failover(1, 2, 3));
    note(octavia::broken(1));
    note(nov::settle(1, 2, 3));
});
"#,
        );
    insta::assert_snapshot!("unknown_function", drawn(&texts));
}

#[test]
fn methods_that_do_not_exist() {
    insta::assert_snapshot!(
        "unknown_method",
        drawn(&site(
            r#"runbook("main", "M");
let admin = site.scope("admin");
let hooks = #{ ready: || true };
change("1", "T", || {
    let vm = admin.servers.get("a");
    vm.strat();
    admin.projct("b");
    "a,b".splitt(",");
    hooks.ready();
    vm.gate();
});
"#
        ))
    );
}

#[test]
fn numbers_of_arguments() {
    insta::assert_snapshot!(
        "wrong_arity",
        drawn(&site(
            r#"runbook("main");
fn judge(lb, why) { note(`${lb} ${why}`); }
fn judge(lb) { judge(lb, "none"); }
change("1", "T", || {
    gate("ok");
    judge();
    probe::tcp("a");
    site.scope("admin").servers.get();
    site.name.starts_with("a", "b");
    judge("a");
});
"#
        ))
    );
}

#[test]
fn variables_that_do_not_exist() {
    insta::assert_snapshot!(
        "undefined_variable",
        drawn(&site(
            r#"runbook("main", "M");
let admin = site.scope("admin");
fn broken() { admin.load_balancers.list() }
verify("1", "T", || {
    let found = broken();
    for lb in fond { note(lb.name); }
    if found == null { note(note); }
    found.filter(|lb| lb.id == wanted)
});
"#
        ))
    );
}

#[test]
fn constants_that_no_module_exports() {
    let texts = Texts::default().with("std/nova", "embedded", include_str!("check/nova.rhai")).with(
        "main",
        "site",
        "import \"std/nova\" as nova;\nrunbook(\"main\", \"M\");\nnote(nova::BOOTS);\nnote(nova::EVERY);\n\
         note([1].map(nova::settle));\nfn f() { global::LIMIT }\nnote(f());\nnote(probe::LIMIT);\n",
    );
    insta::assert_snapshot!("unknown_constant", drawn(&texts));
}

#[test]
fn fields_that_do_not_exist() {
    insta::assert_snapshot!(
        "unknown_field",
        drawn(&site(
            r#"runbook("main", "M");
let admin = site.scope("admin");
let keystone = site.endpoint("keystone");
verify("1", "T", || {
    note(keystone.ulr);
    note(admin.server.list());
    note(`${site.name}`.length);
    note(site.name.length);
    note(admin.servers.list.len());
    note(admin.servers.get("a").whatever);
    note(30.s.minutes);
});
"#
        ))
    );
}

#[test]
fn units_that_do_not_exist() {
    insta::assert_snapshot!(
        "unknown_unit",
        drawn(&site("runbook(\"main\", \"M\");\nnote(30.sec);\nnote(5.parsecs);\nnote(8.Gib + 2.GiB);\n"))
    );
}

#[test]
fn modules_that_do_not_exist_or_import_each_other() {
    let texts = Texts::default()
        .with("std/octavia", "embedded", "import \"std/nova\" as nova;\nfn a() { nova::b() }\n")
        .with("std/nova", "embedded", "import \"std/octavia\" as octavia;\nfn b() { octavia::a() }\n")
        .with(
            "main",
            "site",
            "import \"std/octvia\" as octavia;\nimport \"./nova.rhai\" as nova;\nimport site.module as m;\n\
             import \"std/nova\" as n;\nrunbook(\"main\", \"M\");\nnote(octavia::a());\nnote(nova::b());\n\
             note(m::c());\nnote(n::b());\n",
        );
    insta::assert_snapshot!("unknown_module", drawn(&texts));
}

#[test]
fn modules_that_do_something() {
    let texts = site("import \"std/x\" as x;\nrunbook(\"main\", \"M\");\nnote(x::f());\n").with(
        "std/x",
        "site",
        "const LIMIT = 3;\nlet seen = [];\nconst LIST = site.scope(\"admin\").servers.list();\n\
         fn f() { global::LIMIT + global::LIST.len() }\nf();\nexport const A = 1;\n",
    );
    insta::assert_snapshot!("module_statement", drawn(&texts));
}

#[test]
fn functions_that_hide_primitives() {
    insta::assert_snapshot!(
        "hides_primitive",
        drawn(&site(
            "runbook(\"main\", \"M\");\n\nfn gate(claim, ok) { note(claim); ok }\n\nfn gate(all) { all }\n"
        ))
    );
}

#[test]
fn options_and_literal_arguments() {
    insta::assert_snapshot!(
        "arguments",
        drawn(&site(
            r#"runbook("main", "M");
change("1", "T", #{ on_fail: "continu", wehn: || true, needs: [1] }, || {
    poll(#{ title: "x", evry: 10.s, within: "20 mins ago", read: || 1, done: |x| x == 1 });
    poll(#{ title: 3, every: 30, within: 20.min, read: "servers", done: |x| true, warn_after: 1024.MiB });
    probe::tcp("a", "22", #{ timeout: "5s" });
    gate("ok", "yes", ());
    let admin = site.scope("admin");
    admin.project(admin);
    expect("count", 1, 2);
    skip(`because ${admin}`);
});
verify("2", "T", #{}, 5);
"#
        ))
    );
}

#[test]
fn ids_of_steps() {
    insta::assert_snapshot!(
        "step_ids",
        drawn(&site(
            r#"runbook("main", "M");
verify("1", "First", || 1);
change("2", "Second", || 2);
verify("1", "First again", || 3);
if site.ha { verify("3", "HA", || 1); } else { verify("3", "Single", || 2); }
for n in 1..3 {
    verify("4", "Looped", || n);
    verify(`4.${n}`, "Computed", || n);
}
fn look(what) { verify("5", "Looks", || what); }
look("a");
look("b");
"#
        ))
    );
}

#[test]
fn needs_of_steps() {
    insta::assert_snapshot!(
        "step_needs",
        drawn(&site(
            r#"runbook("main", "M");
verify("8.1", "A", || 1);
change("8.2", "B", #{ needs: ["8.1", "8.3", "8.11"] }, || 2);
verify("8.3", "C", #{ needs: ["8.3"] }, || 3);
"#
        ))
    );
}

#[test]
fn steps_in_steps_and_things_outside_of_all() {
    let nova = include_str!("check/nova.rhai");
    let texts = site(
        r#"import "std/nova" as nova;
let admin = site.scope("admin");
let vm = admin.servers.get("capi-mgmt");
let look = || admin.servers.list();
fn inspect(servers) { servers.list().len() }
note(inspect(admin.servers));
gate("it is up", vm.status == "ACTIVE");
verify("1", "T", || {
    look.call();
    verify("1.1", "U", || 1);
    nested();
});
fn nested() { change("1.2", "V", || 2); }
nova::settle(admin.servers, vm, nova::BOOT);
"#,
    )
    .with("std/nova", "embedded", nova);
    insta::assert_snapshot!("steps_and_outside", drawn(&texts));
}

#[test]
fn changes_in_verify_steps() {
    let nova = include_str!("check/nova.rhai");
    let texts = site(
        r#"import "std/nova" as nova;
runbook("main", "M");
let admin = site.scope("admin");
fn restart(lb) { lb.failover(); }
verify("1", "Directly", || admin.servers.get("a").start());
verify("2", "By way of functions", || {
    let lbs = admin.load_balancers.list();
    lbs.for_each(|lb| restart(lb));
});
verify("3", "In a module", || nova::start_all(admin.servers));
verify("4", "At its end", || defer("tidy", || admin.servers.get("b").delete()));
verify("5", "Not at all", || {
    let seen = ["a", "b"];
    seen.remove(0);
    seen
});
"#,
    )
    .with("std/nova", "embedded", nova);
    insta::assert_snapshot!("change_in_verify", drawn(&texts));
}

#[test]
fn what_nobody_reads() {
    let texts = site(
        r#"import "std/nova" as nova;
import "std/nova" as spare;
import "std/nova";
runbook("main", "M");
const LIMIT = 3;
const UNUSED = 4;
fn limit() { global::LIMIT }
let answer = verify("1", "T", || {
    let n = 0;
    n += 1;
    let _meant = 1;
    let captured = 2;
    [1].map(|x| x + captured + limit())
});
note(nova::BOOT);
"#,
    )
    .with("std/nova", "embedded", include_str!("check/nova.rhai"));
    insta::assert_snapshot!("unused", drawn(&texts));
}

#[test]
fn closures_do_with_the_variables_around_them_what_nobody_meant() {
    let script = "runbook(\"main\", \"M\");\nfn stack(c) { c }\nverify(\"1\", \"T\", || {\n    let stack = [1];\n    \
                  note(`${[1].map(|x| stack)} ${stack(1)}`);\n    let all = [1];\n    \
                  note(`${all.filter(|a| all.contains(a))}`);\n});\n";
    insta::assert_snapshot!("closures", drawn(&site(script)));
}

#[test]
fn a_runbook_says_its_name_once() {
    insta::assert_snapshot!("unnamed_runbook", drawn(&site("verify(\"1\", \"T\", || 1);\n")));
    let twice = site("runbook(\"main\", \"M\");\nrunbook(\"main\", \"N\");\n");
    insta::assert_snapshot!("named_twice", drawn(&twice));
}

#[test]
fn layers_are_checked_each_in_its_own_file() {
    let texts = site("import \"std/nova\" as nova;\nrunbook(\"main\", \"M\");\nchange(\"1\", \"T\", || nova::start(1, 2, 3));\n")
        .with("std/nova", "embedded", include_str!("check/nova.rhai"))
        .with(
            "std/nova",
            "site",
            "// Ours are slow.\nfn settle(servers, server, within) {\n    setle_slowly(servers, server, within * 2)\n}\n",
        );
    insta::assert_snapshot!("layers", drawn(&texts));
}

#[test]
fn what_a_site_overrides() {
    let shipped = r#"runbook("main", "M");
let admin = site.scope("admin");
verify("1", "Look", || admin.servers.list());
change("2", "Act", || admin.servers.get("a").start());
"#;
    let overrides = r#"// Ours differ.
override_step("2", |original| original.call());
skip_step("2", "not here");
before_step("1", || note("look"));
after_step("1", |servers| servers[0].delete());
override_step("3", || 1);
add_step_after("2", "2.1", "One more look", || site.scope("admin").servers.get("a").stop());
add_step_after("2", "2.2", "One more act", #{ change: true }, || site.scope("admin").servers.get("a").stop());
verify("4", "Another", || 1);
"#;
    let texts = Texts::default().with("main", "embedded", shipped).with("main", "site", overrides);
    insta::assert_snapshot!("overrides", drawn(&texts));
    insta::assert_snapshot!(
        "misplaced_override",
        drawn(&site("runbook(\"main\", \"M\");\nskip_step(\"1\", \"no\");\n"))
    );
}

#[test]
fn what_is_shipped_is_clean() {
    let layers = Layers::new(None, None).unwrap();
    let names = layers.names().unwrap();
    assert!(names.iter().any(|n| n == "restart"), "{names:?}");
    let checked = rhumb::script::check::check(&layers, &names).unwrap();
    assert!(checked.findings.is_empty(), "{}", &*checked.draw(100, false));
}

#[test]
fn json_for_editors() {
    let texts = site(
        "runbook(\"main\", \"M\");\nverify(\"1\", \"T\", || gat(\"ok\", true));\nlet x = verify(\"1\", \"U\", || 1);\n",
    );
    let json = check(&texts, &["main"]).json();
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn a_name_that_is_not_there_is_an_error_of_the_call() {
    let texts = site("runbook(\"main\", \"M\");\n");
    let e = rhumb::script::check::check(&texts, &["mian".to_string()]).err().unwrap();
    assert_eq!(e.to_string(), "there is no `mian`");
    assert_eq!(e.detail().help.as_deref(), Some("did you mean `main`?"));
}

#[test]
fn every_code_is_found_by_some_test_and_explained() {
    let snapshots = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots")).unwrap();
    let of_check = snapshots.map(|f| f.unwrap().path()).filter(|p| p.to_str().unwrap().contains("check__"));
    let found: String = of_check.map(|p| std::fs::read_to_string(p).unwrap()).collect();
    for code in rhumb::script::check::codes::ALL {
        assert!(found.lines().any(|l| l == code.name), "no test finds `{}`", code.name);
        assert!(code.about.len() > code.title.len(), "{}", code.name);
    }
    let names: Vec<&str> = rhumb::script::check::codes::ALL.iter().map(|c| c.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn the_sketches_are_rhai() {
    let engine = rhumb::script::survey::known::compiler(false, &[]);
    for text in [include_str!("sketches/restart.rhai"), include_str!("sketches/round-robin.rhai")] {
        engine.compile(text).unwrap();
    }
}
