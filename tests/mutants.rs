//! `rhumb test --mutants`: which changes of a site's own runbook its tests notice.

#![allow(clippy::unwrap_used, clippy::panic)] // a test says what went wrong by panicking

use std::path::Path;
use std::process::{Command, Output};

const RUNBOOK: &str = "//! A drill.\nrunbook(\"mine\", \"A drill\");\nverify(\"1\", \"Enough\", || {\n    let n = [1, 2, 3].len();\n    gate(\"enough\", n > 2, n);\n    expect(\"how many\", n, 3);\n});\n";

/// A site of one runbook, and one test that it passes.
fn site(test: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("site.toml", "name = \"here\"\n");
    write("mine.rhai", RUNBOOK);
    write("mine_test.rhai", test);
    write("empty.toml", "title = \"A cloud without anything\"\n");
    dir
}

fn mutants(dir: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.env_remove("RHUMB_SITE").args(["test", dir.to_str().unwrap(), "--mutants"]).args(more);
    command.output().unwrap()
}

const PASSES: &str = "test(\"it passes\", || { assert(\"it passes\", rehearse(\"mine\", #{ scenario: \"empty.toml\" }).passed); });\n";

#[test]
fn what_no_test_notices_is_listed_with_its_place_and_can_be_accepted() {
    let dir = site(PASSES);
    let ended = mutants(dir.path(), &["--json"]);
    assert_eq!(ended.status.code(), Some(16), "{}", String::from_utf8_lossy(&ended.stderr));
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let of = |fate: &str| -> Vec<String> {
        let all = told["mutants"].as_array().unwrap().iter().filter(|m| m["fate"] == fate);
        all.map(|m| {
            format!("{} {} {} {}", m["line"], m["operator"].as_str().unwrap(), m["before"], m["after"])
        })
        .collect()
    };
    let (survived, noticed) = (of("survived"), of("noticed"));
    assert!(survived.contains(&"5 weakened \"n > 2\" \"true\"".to_string()), "{survived:?}");
    assert!(noticed.contains(&"5 weakened \"n > 2\" \"false\"".to_string()), "{noticed:?}");
    assert_eq!(of("broken"), Vec::<String>::new());
    // no text was written, and nothing else
    assert_eq!(std::fs::read_to_string(dir.path().join("mine.rhai")).unwrap(), RUNBOOK);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);

    let entry =
        "[[accepted]]\nscript = \"mine\"\nbefore = \"n > 2\"\nafter = \"true\"\nreason = \"a reason\"\n";
    std::fs::write(dir.path().join("mutants.toml"), entry).unwrap();
    let junit = dir.path().join("junit.xml");
    let ended = mutants(dir.path(), &["--kind", "gate", "--junit", junit.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(said.contains("1 accepted") && !said.contains("  → true"), "{said}");
    assert!(std::fs::read_to_string(junit).unwrap().contains("<skipped message=\"a reason\"/>"));

    std::fs::write(dir.path().join("mutants.toml"), entry.replace("n > 2", "n > 9")).unwrap();
    let ended = mutants(dir.path(), &[]);
    assert_eq!(ended.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("matches no mutant of `mine`"));
}

#[test]
fn a_test_that_fails_without_a_mutant_is_told_and_ends_it() {
    let dir = site(
        "test(\"it fails\", || { assert(\"never\", !rehearse(\"mine\", #{ scenario: \"empty.toml\" }).passed); });\n",
    );
    let ended = mutants(dir.path(), &[]);
    assert_eq!(ended.status.code(), Some(3));
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("without any mutant") && said.contains("it fails"), "{said}");
}
