use rhumb::base::ErrorKind;
use rhumb::run::approval::Question;
use rhumb::run::{Approvals, Grant, Record};
use rhumb::script::prose::Prose;
use rhumb::site::Layers;

use super::rig::Rig;
use super::{A, B, approved, changes, cloud};

const CLEAR: &str = r#"
    runbook("clear", "Stop two servers and delete them");
    let scope = site.scope("capi");
    let ids = ["11111111-2222-4333-8444-555555555555", "22222222-2222-4333-8444-555555555555"];
    change("1", "Stop", || for id in ids { scope.servers.get(id).stop(); });
    change("2", "Delete", || for id in ids { scope.servers.get(id).delete(); });
"#;

fn code(kind: ErrorKind) -> i32 {
    i32::from(kind.exit_code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_form_approves_nothing_and_is_a_usage_error() {
    let cloud = cloud().await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file("clear.rhai", CLEAR);
    let cases = include_str!("../forms/refused.txt").lines().filter(|line| !line.starts_with('#'));
    let mut tried = 0;
    for text in cases.map(|line| line.strip_prefix('|').unwrap().strip_suffix('|').unwrap()) {
        let ended = rig.run(&["run", "clear", "--approve", text]).expect(code(ErrorKind::Usage));
        let (told, known) =
            (ended.told(), text.starts_with("step:") && ended.stderr.contains("there is no step"));
        assert!(known || told.contains("write step:") || told.contains("write id:"), "{text:?}: {told}");
        assert!(ended.entries.is_empty(), "{text:?}: a run began");
        tried += 1;
    }
    assert!(tried > 25 && cloud.seen("/").is_empty(), "{tried}");
    rig.run(&["repl", "--approve", ""]).expect(code(ErrorKind::Usage));
    rig.run(&["resume", "--approve", "1"]).expect(code(ErrorKind::Usage));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_a_command_is_no_step_and_a_word_of_it_no_id() {
    let rig = Rig::new("name = \"tools\"\n[tools.touch]\nprogram = \"/usr/bin/touch\"\n");
    let at = rig.site().join("made").display().to_string();
    rig.file(
        "undefine.rhai",
        &format!(
            r#"runbook("undefine", "A command with a number and an id in it");
            verify("1", "Look", || gate("true", true));
            change("9", "Do", || site.tool("touch").run(["{at}", "-t", "202601010000", "-r", "/", "--", "1", "{A}"], #{{ destroys: true, any_code: true }}));"#
        ),
    );
    let needs = code(ErrorKind::NeedsApproval);
    let touched = format!("id:/{}", at.trim_start_matches('/'));
    for approve in ["step:1", "step:9", "step:1:destroys", &format!("id:{A}"), &touched] {
        rig.run(&["run", "undefine", "--approve", approve]).expect(needs);
        assert!(!rig.site().join("made").exists(), "{approve}");
    }
    let ended = rig.run(&["run", "undefine", "--approve", "step:9:destroys"]).expect(0);
    assert_eq!(approved(&ended.entries)[0].1, "--approve step:9:destroys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_that_help_prints_is_the_form_that_works() {
    let cloud = cloud().await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file("clear.rhai", CLEAR);
    let needs = code(ErrorKind::NeedsApproval);
    // each printed form is added, the first of a line, until nothing is missing
    let mut given: Vec<String> = Vec::new();
    for _ in 0..8 {
        let arguments = given.iter().flat_map(|form| ["--approve", form.as_str()]);
        let ended = rig.run(&["run", "clear"].into_iter().chain(arguments).collect::<Vec<_>>());
        if ended.exit == 0 {
            break;
        }
        let told = ended.expect(needs).told();
        let printed = told.split("--approve ").nth(1).unwrap_or_else(|| panic!("no form: {told}"));
        let form = printed.split([' ', ',']).next().unwrap().to_string();
        assert!(!given.contains(&form), "{form} is asked for again: {told}");
        given.push(form);
    }
    assert_eq!(given, ["step:1".to_string(), format!("id:{A}"), format!("id:{B}")]);
    assert_eq!(changes(&cloud).iter().filter(|c| c.starts_with("DELETE")).count(), 3);
}

#[test]
fn a_step_that_is_not_there_is_refused_and_one_of_an_overlay_counts() {
    let rig = Rig::new(
        "name = \"far\"\n[scopes.admin]\ncloud = \"stub\"\nproject = \"admin\"\ndomain = \"Default\"\n",
    );
    rig.file(
        "clouds.yaml",
        "clouds:\n  stub:\n    auth:\n      auth_url: http://127.0.0.1:9/identity\n      username: op\n      password: secret\n      \
         user_domain_name: Default\n",
    );
    rig.file(
        "lb-failover.rhai",
        "add_step_after(\"1\", \"1.1\", \"More\", #{ change: true }, || note(\"more\"));",
    );
    let usage = code(ErrorKind::Usage);
    let missing = rig.run(&["run", "lb-failover", "--approve", "step:1.2"]).expect(usage);
    assert!(
        missing.told().contains("there is no step `1.2`") && missing.entries.is_empty(),
        "{}",
        missing.stderr
    );
    let there = rig.run(&["run", "lb-failover", "--approve", "step:1.1,step:1.1:destroys"]);
    assert_ne!(there.exit, usage, "{}", there.stderr);
}

#[test]
fn a_journal_of_before_these_forms_is_read() {
    let line = r#"{"n":16,"at":"2026-06-10T02:00:07Z","prev":"e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3","kind":"intent","step":"8.1","call":"1","digest":"4b8f","approved":"--approve 8.1","system":"openstack","handle":"capi-mgmt","identity":"project capi-mgmt","method":"POST","target":"container-infra /clusters","summary":"create cluster capi-test-1","body":{"name":"capi-test-1"},"undo":{"by":"delete it again"},"destroys":false}"#;
    let entry: rhumb::run::Entry = serde_json::from_str(line).unwrap();
    let read = approved(std::slice::from_ref(&entry));
    assert_eq!(read[0].1, "--approve 8.1");
    assert!(read[0].0.ids.is_empty() && read[0].0.url.is_empty());
    // and is written as it was: nothing of the new fields where there is none
    assert_eq!(
        serde_json::to_value(&entry).unwrap(),
        serde_json::from_str::<serde_json::Value>(line).unwrap()
    );
}

/// `rhumb run restart ... --approve FORMS` of a page, as typed.
fn example(page: &str) -> Vec<Grant> {
    let line = page.lines().find(|line| line.contains("run restart") && line.contains("--approve"));
    let line = line.expect("the page shows an approval");
    let forms = line.split("--approve ").nth(1).unwrap().split_whitespace().next().unwrap();
    forms.split(',').map(|form| form.parse().unwrap()).collect()
}

#[test]
fn the_example_of_the_readme_runs_unattended() {
    let rig = Rig::new("name = \"none\"\n");
    let mut rehearse = rig.command(&["rehearse", "restart"]);
    rig.end(rehearse.env_remove("RHUMB_SITE")).expect(0);
    let find = |dir: std::path::PathBuf| -> Vec<std::path::PathBuf> {
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect()
    };
    let runs = find(rig.state().join("rehearsals/runs"));
    let entries = rhumb::run::journal::read(&runs[0].join("journal.jsonl")).unwrap().entries;
    let approvals = Approvals::of(None, example(include_str!("../../../README.md")));
    let mut destroyed = 0;
    for entry in &entries {
        let Record::Intent { step, intent, .. } = &entry.record else { continue };
        destroyed += usize::from(intent.destroys);
        let question = Question { step, title: "", intent, in_doubt: false };
        assert!(approvals.known(&question).is_some(), "step {step}: {} is not covered", intent.summary);
    }
    assert!(destroyed > 0, "nothing was destroyed: the example shows nothing");
    let prose = Prose::of(&Layers::new(None, None).unwrap(), "restart").unwrap();
    for grant in &approvals.granted {
        assert_eq!(prose.step(grant.step().unwrap()).unwrap().kind, "change", "{grant}");
    }
}
