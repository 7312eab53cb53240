//! In the lab: what an operator types, and what stands on the screen then.

use std::time::Duration;

use crate::rig::Rig;
use crate::terminal::Terminal;

#[test]
fn a_newcomer_finds_the_failed_balancer_and_the_reason_in_three_lines() {
    let t = Terminal::open("newcomer", "", "");
    t.line("octavia::broken(admin)");
    let screen = t.wait_until("a prompt below it", |screen| {
        screen.contains("ERROR") && screen.trim_end().ends_with("lab:restart admin(admin) observe>")
    });
    assert!(screen.contains("kubeapi"), "{screen}");
    assert!(screen.lines().all(|l| l.chars().count() <= 80), "{screen}");
    t.line("octavia::why_failed(admin, 24.h)");
    t.wait_for("No valid host");
    t.key("C-d");
    t.wait_for("left 0");
}

#[test]
fn tab_completes_collections_methods_and_names_that_are_in_the_cloud() {
    let t = Terminal::open("complete", "", "");
    t.text("capi_m");
    t.key("Tab");
    t.wait_for("capi_mgmt");
    t.key("C-u");
    t.text("admin.load_b");
    t.key("Tab");
    t.wait_for("admin.load_balancers");
    t.text(".li");
    t.key("Tab");
    t.wait_for("admin.load_balancers.list(");
    t.text(")");
    t.key("Enter");
    t.wait_for("ONLINE");
    // the signature stands behind the cursor, and the name comes from what was seen
    t.text("admin.load_balancers.get(");
    t.wait_for("get(name_or_id");
    t.text("\"k8s-");
    t.wait_for("k8s-");
    t.key("Tab");
    t.wait_until("the whole name", |screen| screen.contains("kubeapi\""));
    t.text(").provisioning_status");
    t.key("Enter");
    t.wait_until("its state", |screen| screen.lines().any(|l| l == "\"ERROR\""));
    // of a collection that nobody has listed: asked for behind the typing
    t.text("admin.hypervisors.get(\"");
    std::thread::sleep(Duration::from_secs(1));
    t.key("Tab");
    t.wait_for("admin.hypervisors.get(\"compute-");
}

#[test]
fn ctrl_c_ends_the_call_and_nothing_else() {
    let t = Terminal::open("interrupt", "", "");
    t.line("let kept = 41;");
    t.line("fn forever() { note(`${6 * 7} is known`); let n = 0; loop { n += 1; } }");
    t.line("forever()");
    t.wait_for("42 is known");
    t.key("C-c");
    t.wait_for("interrupted");
    t.line("kept + 1");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "42"));
    // and at the prompt it drops the line
    t.text("kept + dropped");
    t.wait_for("kept + dropped");
    t.key("C-c");
    t.line("kept + 2");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "43"));
}

#[test]
fn a_text_goes_on_until_it_is_whole() {
    let t = Terminal::open("continue", "", "");
    t.line("fn f(a) {");
    for more in ["    a + 1", "}"] {
        t.text(more);
        t.wait_for(more);
        t.key("Enter");
    }
    t.line("f(1)");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "2"));
}

#[test]
fn unlocked_it_asks_before_each_change_and_a_no_sends_nothing() {
    let t = Terminal::open("unlock", "", "");
    t.line(":unlock INC-4711");
    let screen = t.wait_for("changes>");
    assert!(screen.contains("each one is asked for"), "{screen}");
    assert!(t.painted().contains("\u{1b}[1m\u{1b}[31mlab:restart"), "the prompt is red: {:?}", t.painted());
    t.line("octavia::broken(admin)[0].failover()");
    let asked = t.wait_for("send it?");
    // 80 columns: as whom goes on below its beginning, and no word is torn
    assert!(
        asked.lines().any(|l| l.starts_with("                   ") && l.contains("token until")),
        "{asked}"
    );
    t.line("n");
    t.wait_for("not sent");
    t.wait_for("(declined)");
    t.line("octavia::broken(admin)[0].failover()");
    t.wait_until("a second question", |screen| screen.matches("send it?").count() == 2);
    t.line("y");
    t.wait_for("[operator]");
    t.line(":lock");
    t.wait_for("locked: it only reads");
    t.wait_until("a calm prompt", |screen| screen.trim_end().ends_with("observe>"));
}

#[test]
fn why_and_runs_tear_no_word_at_the_right_edge() {
    let t = Terminal::open("edge", "", "");
    t.line("triage()");
    t.wait_for("the lowest red layer");
    t.fresh(":why", "`restart`");
    let screen = t.screen();
    let goes_on = screen.lines().position(|l| l.starts_with("gate: management VM")).unwrap() + 1;
    assert!(screen.lines().nth(goes_on).unwrap().starts_with("    "), "{screen}");
    t.fresh(":runs", "(rehearse)");
    let screen = t.screen();
    let run = screen.lines().position(|l| l.contains("-triage-")).unwrap();
    assert!(screen.lines().nth(run + 1).unwrap().starts_with("    "), "{screen}");
}

#[test]
fn left_alone_it_locks_itself_and_shows_it() {
    let t = Terminal::open("idle", "", "--idle 2s");
    t.line(":unlock drill");
    t.wait_for("changes>");
    t.wait_for("locked: left alone for 2s");
    t.wait_until("a calm prompt", |screen| screen.trim_end().ends_with("observe>"));
    t.line("octavia::broken(admin)[0].failover()");
    t.wait_for("reading only");
}

#[test]
fn without_colours_there_are_none_and_secrets_are_not_in_the_history() {
    let t = Terminal::open("plain", "NO_COLOR=1", "");
    t.line("octavia::broken(admin)");
    t.wait_for("ONLINE");
    assert!(!t.painted().contains('\u{1b}'), "{:?}", t.painted());
    t.line("let password = \"hunter2\";");
    t.line("40 + 2");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "42"));
    let history = std::fs::read_to_string(t.rig.state().join("rehearsals/repl-history")).unwrap();
    assert!(history.contains("40 + 2") && !history.contains("hunter2"), "{history}");
}

#[test]
fn a_value_is_watched_until_ctrl_c() {
    let t = Terminal::open("watch", "", "");
    t.line("let n = 0;");
    t.line("fn shown(n) { `seen ${n} times` }");
    t.line(":watch { n += 1; shown(n) } 1s");
    let times = |screen: &str| screen.split("seen ").nth(1)?.split(' ').next()?.parse::<u32>().ok();
    t.wait_until("a third look", |screen| times(screen) >= Some(3));
    t.key("C-c");
    t.wait_for("observe>");
    t.line("n > 2");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "true"));
}

#[test]
fn what_is_pasted_is_one_text() {
    let t = Terminal::open("paste", "", "");
    t.load("fn twice(a) {\n    let b = a + a;\n\n    b\n}\n");
    t.tmux(&["paste-buffer", "-p"]);
    t.wait_for("    b\n}");
    assert!(t.screen().matches("observe>").count() == 1, "nothing runs before Enter: {}", t.screen());
    t.key("Enter");
    t.line("twice(21)");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "42"));
    // and where the terminal does not say that it pastes, no line is lost
    t.load("let one = 20;\nlet two = one + 1;\none + two\n");
    t.tmux(&["paste-buffer"]);
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "41"));
}

#[test]
fn tab_completes_steps_and_runs() {
    let t = Terminal::open("steps", "", "");
    t.line(":steps phase-08");
    t.wait_for("8.5 ");
    t.key("C-l");
    t.text(":step 8.3");
    t.wait_for(":step 8.3");
    for _ in 0..2 {
        t.key("Tab");
    }
    t.wait_until("the ids that begin so", |screen| {
        ["8.3.1", "8.3.2", "8.3.3"].iter().all(|id| screen.contains(id)) && !screen.contains("8.5")
    });
    t.key("C-u");
    t.text(":step lb-f");
    t.key("Tab");
    t.wait_for(":step lb-failover");
    t.key("C-u");
    t.text(":unl");
    t.key("Tab");
    t.wait_for(":unlock");
    t.key("C-u");
    t.text(":why 20");
    t.key("Tab");
    t.wait_for("-repl-");
}

#[test]
fn tab_completes_kinds_and_objects_of_a_cluster_that_no_line_has_reached() {
    let rig = Rig::new("name = \"roosevelt\"\n");
    let t = Terminal::at(rig, "kube", "", "--lab healthy-cluster");
    t.text("capi_mgmt_kube.get(\"machinede");
    // asked for behind the typing
    t.press_until("Tab", "get(\"machinedeployments\"");
    t.key("C-u");
    t.text("capi_mgmt_kube.get(\"pods\", \"cored");
    t.press_until("Tab", "namespace: \"kube-system\" }");
    t.text(").name");
    t.key("Enter");
    t.wait_until("its name", |screen| screen.lines().any(|l| l.starts_with("\"coredns-")));
}

#[test]
fn the_prompt_has_the_roles_that_the_token_has_proven() {
    let t = Terminal::open("roles", "", "");
    t.line("capi_mgmt");
    let proven =
        |screen: &str| screen.trim_end().lines().last().is_some_and(|l| l.contains("capi-mgmt(member"));
    t.wait_until("a prompt with roles", proven);
    t.line("capi_mgmt.servers.list().len() > 0");
    t.wait_until("an answer", |screen| screen.lines().any(|l| l == "true"));
    t.line("capi_mgmt");
    t.wait_until("a prompt", |screen| screen.matches("scope capi-mgmt:").count() == 2);
    t.line("print(capi_mgmt.identity().roles)");
    t.wait_until("a prompt below the roles", |screen| screen.contains("[\"member") && proven(screen));
}

#[test]
fn a_line_with_the_sites_password_is_not_in_the_history() {
    let rig = Rig::new("name = \"s\"\n[scopes.capi]\ncloud = \"c\"\nproject = \"p\"\ndomain = \"d\"\n");
    rig.file(
        "clouds.yaml",
        "clouds:\n  c:\n    auth:\n      auth_url: http://127.0.0.1:9/\n      username: op\n      password: correct-horse-7\n      user_domain_name: Default\n",
    );
    let site = rig.site().display().to_string();
    let t = Terminal::at(rig, "password", "", &format!("--site {site}"));
    t.line("let neutral = \"correct-horse-7\";");
    t.line("40 + 2");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "42"));
    t.line("correct-horse-7");
    t.line("40 + 3");
    t.wait_until("the answer", |screen| screen.lines().any(|l| l == "43"));
    let history = std::fs::read_to_string(t.rig.state().join("repl-history")).unwrap();
    assert!(history.contains("40 + 3") && !history.contains("correct"), "{history}");
}
