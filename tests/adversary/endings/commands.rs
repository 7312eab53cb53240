//! No command runs a text that hides what its gates and waits stand on.

use std::path::Path;
use std::process::Command;

/// A site that the lab can play.
const LAB: &str = include_str!("../../../examples/sites/roosevelt/site.toml");

/// What a command said, and its exit code.
fn rhumb(home: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/nowhere")
        .stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn every_command_refuses_a_text_that_hides_a_primitive() {
    let home = tempfile::tempdir().unwrap();
    let lies = "fn gate(claim, ok) { }\nverify(\"1\", \"x\", || gate(\"must hold\", false));\n";
    let site = |name: &str, toml: &str| {
        let site = home.path().join(name);
        std::fs::create_dir(&site).unwrap();
        std::fs::write(site.join("site.toml"), toml).unwrap();
        std::fs::write(site.join("lies.rhai"), lies).unwrap();
        site
    };
    let (bare, lab) = (site("bare", "name = \"s\"\n"), site("lab", LAB));
    let (bare, at) = (bare.to_str().unwrap(), lab.to_str().unwrap());
    let write = |name: &str, text: &str| std::fs::write(lab.join(name), text).unwrap();
    let rehearsed = r#"test("it passes", || { let r = rehearse("lies"); assert(r.error, r.passed) });"#;
    write("rehearsed_test.rhai", rehearsed);
    write(
        "empty_test.rhai",
        "fn assert(claim, holds) { }\ntest(\"it holds\", || assert(\"never\", false));\n",
    );
    for args in [
        ["check", "lies", "--site", bare].as_slice(),
        &["run", "lies", "--site", bare],
        &["run", "lies", "--site", bare, "--observe"],
        &["rehearse", "lies", "--site", at],
    ] {
        let (exit, said) = rhumb(home.path(), args);
        assert_eq!(exit, 8, "{args:?}: {said}");
        assert!(
            said.contains("`gate(claim, ok)` hides the primitive") && said.contains("lies.rhai:1"),
            "{said}"
        );
    }
    let (exit, said) =
        rhumb(home.path(), &["test", lab.join("rehearsed_test.rhai").to_str().unwrap(), "--site", at]);
    assert!(exit == 3 && said.contains("hides the primitive"), "{exit}: {said}");
    let (exit, said) = rhumb(home.path(), &["test", lab.join("empty_test.rhai").to_str().unwrap()]);
    assert!(exit == 8 && said.contains("hides the function `assert`"), "{exit}: {said}");
}

#[test]
fn a_failed_assertion_stays_with_its_test() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("caught_test.rhai");
    std::fs::write(&file, "test(\"caught\", || { try { assert(\"never\", false) } catch (e) { } });\n")
        .unwrap();
    let (exit, said) = rhumb(home.path(), &["test", file.to_str().unwrap()]);
    assert!(exit == 3 && said.contains("never"), "{exit}: {said}");
}

/// Every text that is run comes by one place, so a new command cannot forget it.
#[test]
fn texts_are_compiled_in_one_place() {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let compiles = [
            ".compile_with_scope(",
            "engine.compile(",
            ".eval_with_scope(",
            ".run_with_scope(",
            ".eval_file",
            ".run_file",
        ];
        if compiles.iter().any(|call| text.contains(call)) {
            found.push(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string());
        }
    }
    found.sort();
    // the files of `rhumb test` are not a run's, and refuse the same; the survey runs nothing, and of a mutant these ask whether it
    // compiles at all
    let mutants =
        ["src/cli/test/mutants/catalogue.rs", "src/script/mutate/marks.rs", "src/script/mutate/tests.rs"];
    found.retain(|file| !mutants.contains(&file.as_str()));
    assert_eq!(found, ["src/cli/test/file.rs", "src/script/modules.rs", "src/script/survey/mod.rs"]);
}
