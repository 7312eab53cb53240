//! A reader that has seen enough (`| head -1`) ends a command quietly.

use std::process::Stdio;

use super::rig::Rig;

#[test]
fn a_closed_pipe_is_no_panic_and_changes_no_exit_code() {
    let rig = Rig::new("name = \"roosevelt\"\n");
    rig.file(
        "main.rhai",
        "//! Looks.\nrunbook(\"main\", \"Look\");\nverify(\"1\", \"Look\", || note(\"x\"));\n",
    );
    rig.file("page.md", "```console\nopenstack server list || true\n```\n");
    rig.file("main_test.rhai", "test(\"it adds\", || assert_eq(\"sum\", 1 + 1, 2));\n");
    let (page, test) = (rig.site().join("page.md"), rig.site().join("main_test.rhai"));
    let (page, test) = (page.to_str().unwrap(), test.to_str().unwrap());
    let man = rig.state().join("man");
    let man = man.to_str().unwrap();
    // a run, for those that read one
    let example: &[&str] = &["rehearse", "park"];
    assert!(rig.command(example).env_remove("RHUMB_SITE").output().unwrap().status.success());
    let kept = rig.state().join("rehearsals");
    let commands: &[&[&str]] = &[
        &["--help"],
        &["--version"],
        &["run", "--help"],
        &["list"],
        &["show", "main"],
        &["show", "main", "1"],
        &["check", "main"],
        &["check", "main", "--json"],
        &["site", "show"],
        &["site", "show", "--json"],
        &["site", "check", "--offline"],
        &["site", "diff"],
        &["site", "accept"],
        &["runs"],
        &["runs", "--json"],
        &["show-run"],
        &["show-run", "--as", "markdown"],
        &["show-run", "--as", "html"],
        &["show-run", "--as", "junit"],
        &["show-run", "--as", "json"],
        &["verify-run"],
        &["lint-md", page],
        &["test", test],
        &["reference"],
        &["explain"],
        &["explain", "poll"],
        &["defs", man],
        &["man", man],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["completions", "elvish"],
        &["completions", "powershell"],
        example,
        &["nothing-of-that-name"],
        &["show", "nothing-of-that-name"],
        &["repl", "--lab", "restart"],
    ];
    for arguments in commands {
        let command = || {
            let mut command = rig.command(arguments);
            let of_runs = ["runs", "show-run", "verify-run"].contains(&arguments[0]);
            if of_runs || arguments == &example || arguments[0] == "repl" {
                command.env_remove("RHUMB_SITE");
            }
            if of_runs {
                command.env("RHUMB_STATE", &kept);
            }
            command
        };
        let read = command().output().unwrap();
        let mut closed = command();
        let (reader, writer) = std::io::pipe().unwrap();
        let (errors, unheard) = std::io::pipe().unwrap();
        closed.stdout(writer).stderr(Stdio::piped());
        drop(reader);
        let ended = closed.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!said.contains("panicked") && !said.contains("roken pipe"), "{arguments:?}: {said}");
        assert_eq!(ended.status.code(), read.status.code(), "{arguments:?}: {said}");
        drop(errors);
        let mut deaf = command();
        deaf.stdout(Stdio::null()).stderr(unheard);
        assert_eq!(deaf.status().unwrap().code(), read.status.code(), "{arguments:?} without standard error");
    }
}
