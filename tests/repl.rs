//! The session with standard input as a script, in the lab: what stays from line to line, what is shown, what is
//! refused and what is journaled. `real_repl.rs` types at a terminal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;

use std::io::Write as _;
use std::process::{Output, Stdio};

use rhumb::run::{Entry, Record};
use rig::Rig;

/// A session in the lab's `restart`.
struct Session {
    rig: Rig,
    output: Output,
}

impl Session {
    fn of(script: &str) -> Self {
        Session::with(script, &[])
    }

    fn with(script: &str, more: &[&str]) -> Self {
        let rig = Rig::new("name = \"roosevelt\"\n");
        let mut command = rig.command(&["repl", "--lab", "restart"]);
        command.args(more).env_remove("RHUMB_SITE");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Session { rig, output }
    }

    fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What it printed, where it ended with this code.
    fn expect(&self, exit: i32) -> String {
        assert_eq!(self.output.status.code(), Some(exit), "{}\n{}", self.stdout(), self.stderr());
        self.stdout()
    }

    /// The entries of the session's own journal.
    fn journal(&self) -> Vec<Entry> {
        let runs = self.rig.state().join("rehearsals/runs");
        let all = std::fs::read_dir(runs).unwrap().map(|e| e.unwrap().path());
        let own = all.filter(|p| p.to_string_lossy().contains("-repl-")).last().unwrap();
        rhumb::run::journal::read(&own.join("journal.jsonl")).unwrap().entries
    }
}

#[test]
fn what_is_declared_stays() {
    let session = Session::of(
        "let x = 40;\nfn f(a) {\n    a + 2\n}\nf(x)\n_ + 1\nlet c = |n| n * x;\n[1, 2].map(c)\nx = 41;\nc.call(1)\n\
         fn f(a) { a + 3 }\nf(x)\nimport \"std/octavia\" as lbs;\nlbs::is_amphora_name(\"no\")\n\
         octavia::is_amphora_name(\"amphora-0f968008-8429-4ac3-8b82-452e126982cf\")\n\
         switch _ { true => \"one\", _ => \"two\" }\nlet s = `a\nb`;\ns\n[1, 2]\n  .map(|n| n + 1)\n",
    );
    assert_eq!(
        session.expect(0),
        "42\n43\n[40, 80]\n41\n44\nfalse\ntrue\n\"one\"\na\nb\n[2, 3]\n",
        "{}",
        session.stderr()
    );
}

#[test]
fn an_error_points_into_its_line_and_ends_a_script() {
    let session = Session::of("fn g() {\n    nope(1)\n}\n1\ng()\n2\n");
    assert_eq!(session.expect(8), "1\n");
    let stderr = session.stderr();
    for part in ["Function not found: nope", "[1]:2:5", "nope(1)", "on the way: g", "[3]:1:1"] {
        assert!(stderr.contains(part), "{part}:\n{stderr}");
    }
    let session = Session::of("admin.servrs\n");
    session.expect(8);
    assert!(session.stderr().contains("did you mean `servers`?"), "{}", session.stderr());
}

#[test]
fn a_name_that_nothing_goes_by_is_told_with_what_was_meant() {
    for (script, meant) in [
        ("admin.servers.gett(\"x\")", "did you mean `get`?"),
        ("octavia::brken(admin)", "did you mean `octavia::broken`?"),
        ("octavia::broken()", "`help octavia::broken` tells which"),
        ("let servers = 1;\nserves", "did you mean `servers`?"),
        ("fn twice(a) { a + a }\ntwise(1)", "did you mean `twice`?"),
        ("let x = 1;\nfn f(a) { a + x }\nf(1)", "a `fn` sees only what it is called with: give it `x`"),
    ] {
        let session = Session::of(&format!("{script}\n"));
        session.expect(8);
        assert!(session.stderr().contains(meant), "{script}:\n{}", session.stderr());
    }
    let far = Session::of("zzzzzzzzz(1)\n");
    far.expect(8);
    assert!(!far.stderr().contains("help:"), "nothing is near: {}", far.stderr());
}

#[test]
fn resources_are_tables_and_whole_where_it_is_asked() {
    let out =
        Session::of("octavia::broken(admin)\n:yaml _[0].provisioning_status\n:json #{ a: 1 }\n").expect(0);
    let mut lines = out.lines();
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        head,
        ["id", "name", "provisioning_status", "operating_status", "vip_address", "provider", "project_id"]
    );
    let row = lines.next().unwrap();
    assert!(row.contains("kubeapi") && row.contains("ERROR") && row.contains("ONLINE"), "{row}");
    assert!(out.ends_with("ERROR\n{\n  \"a\": 1\n}\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colours in a pipe: {out:?}");
}

#[test]
fn two_values_are_compared_field_by_field() {
    let out = Session::of(
        "let a = [#{ name: \"n\", status: \"BUILD\" }];\nlet b = [#{ name: \"n\", status: \"ACTIVE\" }];\n:diff a b\n:diff a, a\n",
    );
    assert_eq!(out.expect(0), "[n].status: \"BUILD\" → \"ACTIVE\"\nnothing differs\n");
}

#[test]
fn a_locked_session_refuses_every_change_before_it_is_sent() {
    let session = Session::of("octavia::broken(admin)[0].failover()\n");
    session.expect(13);
    assert!(session.stderr().contains("`:unlock REASON` allows changes"), "{}", session.stderr());
    let journal = session.journal();
    assert!(!journal.iter().any(|e| matches!(e.record, Record::Intent { .. })), "{journal:#?}");
}

#[test]
fn an_unlocked_one_asks_and_journals_like_a_run() {
    // nobody is there to be asked
    let script = ":unlock INC-4711\noctavia::broken(admin)[0].failover()\n";
    let session = Session::of(script);
    session.expect(4);
    let id =
        Session::of("print(octavia::broken(admin)[0].id)\n:json octavia::broken(admin)[0].id\n").expect(0);
    let id = id.lines().last().unwrap().trim_matches('"').to_string();
    let session = Session::with(script, &["--approve", &format!("id:{id}")]);
    session.expect(0);
    let journal = session.journal();
    let notes: Vec<&str> = journal
        .iter()
        .filter_map(|e| if let Record::Note { text, .. } = &e.record { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(notes, ["unlocked: INC-4711", "locked: the session ended"]);
    let sent = journal.iter().find_map(|e| match &e.record {
        Record::Intent { intent, approved, .. } => Some((intent.target.clone(), approved.clone())),
        _ => None,
    });
    let (target, approved) = sent.unwrap();
    assert!(
        target.ends_with(&format!("{id}/failover")) && approved == format!("--approve id:{id}"),
        "{target} {approved}"
    );
    assert!(journal.iter().any(|e| matches!(e.record, Record::Outcome { .. })));
    let locked_again = Session::with(
        ":unlock drill\n:lock\noctavia::broken(admin)[0].failover()\n",
        &["--approve", &format!("id:{id}")],
    );
    locked_again.expect(13);
}

#[test]
fn a_secret_of_a_line_is_kept_nowhere() {
    let session = Session::of("let password = \"hunter2\";\npassword.len()\n");
    assert_eq!(session.expect(0), "7\n");
    let journal = format!("{:?}", session.journal());
    assert!(journal.contains("let password = ") && !journal.contains("hunter2"), "{journal}");
}

/// What a line gave to what is called like a secret stays masked, however it is asked for again.
#[test]
fn what_was_typed_as_a_secret_stays_masked_when_it_is_asked_for_again() {
    let script = "let password = \"hunter2\";\nlet pin = #{ token: \"kq7\", owner: \"ops\" };\nlet s = secret(\"correct-horse\");\n\
                  password\n_\n`is ${password}`\n#{ a: [password] }\n:json password\n:yaml _\n[password, password]\n\
                  s\n`${s}`\n:json s\n#{ s: s }\npin.token\n\
                  verify(\"1\", \"T\", || gate(\"it\", false, password))\n";
    let session = Session::of(script);
    let out = format!("{}{}", session.expect(3), session.stderr());
    let why =
        Session::of("let password = \"hunter2\";\ntry { throw password } catch (e) { note(`${e}`) }\n:why\n");
    let journal = format!("{:?}{:?}", session.journal(), why.journal());
    for kept in [out, journal, why.stdout(), why.stderr()] {
        assert!(!kept.contains("hunter2") && !kept.contains("correct-horse"), "{kept}");
        // a short one is known where it is the whole value
        assert!(!kept.contains("kq7"), "{kept}");
    }
}

#[test]
fn one_step_runs_with_what_it_uses_and_why_tells_what_failed() {
    let session = Session::of(":step restart 6\n");
    session.expect(3);
    let out = session.stdout();
    assert!(
        out.contains("6        Every load balancer is served") && !out.contains("Start the management VM"),
        "{out}"
    );
    let out = Session::of(":steps lb-failover\n:step 1\n").expect(0);
    assert!(out.contains("[change]") && out.contains("needs       a pass of 1"), "{out}");
    assert!(out.contains("1        Which load balancers"), "{out}");
    // a change step is refused as any other change is
    let session = Session::of(":unlock drill\n:lock\n:step restart 1\n");
    session.expect(13);
    assert!(session.stderr().contains("reading only: start server"), "{}", session.stderr());
}

#[test]
fn help_tells_of_names_with_their_examples() {
    let out = Session::of(
        "help\nhelp admin.load_balancers\nhelp octavia::failover_and_prove\nhelp magnum::why\nhelp Collection.list\n",
    )
    .expect(0);
    for part in [
        "Five things to begin with:",
        "capi_mgmt (scope), capi_mgmt_host (host)",
        ":unlock REASON           allows changes",
        "failover  (role load-balancer_admin)",
        "admin.load_balancers.get(\"NAME\").failover()",
        "octavia::failover_and_prove(admin, id, within)\n\nFails a load balancer over and proves it",
        "examples\n    magnum::why(capi_mgmt, admin, capi_mgmt_kube, ",
        "Collection.list([filter]) -> list of resources",
    ] {
        assert!(out.contains(part), "{part}:\n{out}");
    }
    let session = Session::of("help octavia::borken\n");
    session.expect(2);
    assert!(session.stderr().contains("did you mean `octavia::broken`?"), "{}", session.stderr());
    let session = Session::of("help octavia::failover\n");
    session.expect(2);
    assert!(
        session.stderr().contains("did you mean `octavia::failover_and_prove` or `"),
        "{}",
        session.stderr()
    );
}

#[test]
fn a_runbooks_steps_can_be_typed_as_well() {
    let script = "verify(\"1\", \"One\", || expect(\"sum\", 1 + 1, 2));\nverify(\"1\", \"One\", || gate(\"no\", false, 7));\n";
    let session = Session::of(script);
    session.expect(3);
    let verdicts: Vec<String> = session
        .journal()
        .iter()
        .filter_map(|e| {
            if let Record::StepEnd { step, verdict, .. } = &e.record {
                Some(format!("{step} {}", verdict.word()))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(verdicts, ["1 PASS", "1 FAIL"]);
}

#[test]
fn a_session_becomes_a_runbook_that_passes_in_its_lab() {
    let rig = Rig::new(
        "name = \"roosevelt\"\n[scopes.admin]\ncloud = \"c\"\nproject = \"admin\"\nroles = [\"admin\"]\n\
         [scopes.capi-mgmt]\ncloud = \"c\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n\
         roles = [\"member\", \"load-balancer_member\"]\n",
    );
    let repl = |script: &str, more: &[&str]| {
        let mut command = rig.command(&["repl", "--lab", "restart"]);
        command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
        stdout
    };
    let off = "capi_mgmt.servers.list().filter(|s| s.status == \"SHUTOFF\")";
    let server = repl(&format!("{off}[0].id\n"), &[]).trim().trim_matches('"').to_string();
    let balancer = repl("octavia::broken(admin)[0].id\n", &[]).trim().trim_matches('"').to_string();
    let script = format!(
        "1 + 1\nlet lb = admin.load_balancers.get(\"{balancer}\"); // The balancer of the API\nlet unread = lb.name;\n\
         let password = \"hunter2\";\noctavia::broken(admin)\n{off}\n\
         :unlock drill\n_[0].start()\n:promote mend-api\n"
    );
    let out = repl(&script, &["--approve", &format!("id:{server}")]);
    assert!(out.contains("rhumb check mend-api --site"), "{out}");
    let text = std::fs::read_to_string(rig.site().join("mend-api.rhai")).unwrap();
    for part in [
        "import \"std/octavia\" as octavia;",
        "let capi_mgmt = site.scope(\"capi-mgmt\");",
        &format!("let load_balancer = site.extra.get(\"mend_api_load_balancer\") ?? \"{balancer}\";"),
        "expect(\"provisioning_status\", it.provisioning_status, \"ERROR\");",
        "verify(\"1\", \"The balancer of the API\", || {",
        "let servers = verify(\"3\", \"Servers of capi_mgmt, some of them\", || {",
        "last control-plane operation failed: how many\", it.len(), 1);",
        "change(\"4\", \"Start server capi-mgmt-v2\", || {\n    servers[0].start();",
        "//! drill.\n",
        "// a line with a secret stood here",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert_eq!(text.matches(&balancer).count(), 1, "{text}");
    assert!(!text.contains("hunter2") && !text.contains("unread"), "{text}");
    rig.run(&["check", "mend-api"]).expect(0);
    // the test beside it claims what was sent, and passes
    let test = std::fs::read_to_string(rig.site().join("mend-api_test.rhai")).unwrap();
    assert!(test.contains(&format!("\"POST compute /servers/{server}/action\"")), "{test}");
    let tested = rig.run(&["test", rig.site().to_str().unwrap()]).expect(0);
    assert!(tested.stdout.contains("1 passed, 0 failed"), "{}", tested.stdout);
    let ended = rig.run(&["rehearse", "mend-api", "--scenario", "mend-api"]).expect(0);
    assert!(ended.stdout.contains("4 steps: 4 PASS"), "{}", ended.stdout);
    // an earlier one is not written over
    let mut again = rig.command(&["repl", "--lab", "restart"]);
    let mut child = again.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"octavia::broken(admin)\n:promote mend-api\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn triage_names_the_lowest_red_layer_on_one_screen() {
    let session = Session::of("triage()\n");
    let out = session.expect(3);
    // the management VM of the incident is shut off, and nothing below it is red
    for part in [
        "✓ endpoints\n✗ management VM          capi-mgmt-v2 is SHUTOFF\n",
        "the lowest red layer is management VM\n    saw    capi-mgmt-v2 is SHUTOFF\n",
        "    mend   `restart`  (`:steps restart` shows it)",
        "✗ Magnum                 capi-test-1: UNHEALTHY, no reason given\n",
    ] {
        assert!(out.contains(part), "{part}:\n{out}\n{}", session.stderr());
    }
    assert!(session.stderr().is_empty(), "the layers are told once: {}", session.stderr());
}

#[test]
fn what_a_failover_ran_into_reads_as_sentences() {
    let out = Session::of("octavia::why_failed(admin, 24.h)\n").expect(0);
    assert!(out.contains(": No valid host was found. Sweep orphans"), "{out}");
}

/// Sessions one after the other in one rig, at a cloud that is never asked.
fn sessions(rig: &Rig, scripts: &[&str]) -> Vec<Output> {
    let one = |script: &&str| {
        let mut child = rig
            .command(&["repl"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    scripts.iter().map(one).collect()
}

fn rig_with_password(password: &str) -> Rig {
    let rig = Rig::new("name = \"s\"\n[scopes.capi]\ncloud = \"c\"\nproject = \"p\"\ndomain = \"d\"\n");
    rig.file(
        "clouds.yaml",
        &format!(
            "clouds:\n  c:\n    auth:\n      auth_url: http://127.0.0.1:9/\n      username: op\n      password: {password}\n      user_domain_name: Default\n"
        ),
    );
    rig
}

#[test]
fn a_password_of_the_site_is_journaled_under_no_name() {
    let rig = rig_with_password("correct-horse-7");
    let script = "let x = \"correct-horse-7\";\nx\n#{ neutral: [`as ${x}`] }\nlet fine = 40 + 2;\n";
    let output = sessions(&rig, &[script]).remove(0);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run = std::fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap().path();
    let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
    assert!(!journal.contains("correct-horse"), "{journal}");
    assert!(journal.contains("let fine = 40 + 2"), "other lines stand as they are: {journal}");
}

#[test]
fn runs_are_listed_and_why_tells_of_one_that_is_kept() {
    let rig = rig_with_password("none");
    let failing = "verify(\"7\", \"Seven\", || expect(\"how many\", 6, 7));\n";
    let first = sessions(&rig, &[failing]).remove(0);
    assert_eq!(first.status.code(), Some(3), "{}", String::from_utf8_lossy(&first.stderr));
    let run = std::fs::read_dir(rig.state().join("runs")).unwrap().next().unwrap().unwrap();
    let id = run.file_name().to_string_lossy().into_owned();
    let output = sessions(&rig, &[&format!(":runs 2\n:why {id}\n")]).remove(0);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains(&id) && stdout.contains("FAILED"), "{stdout}");
    assert!(stdout.contains("gate: how many\nseen:\n    6\nwanted:\n    7"), "{stdout}");
    let none = sessions(&rig, &[":why 9.9\n"]).remove(0);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("`:runs` lists the runs"), "{none:?}");
}
