//! At the testbed's cloud: a session of an evening, from the first look to a change that is taken back.

use std::path::Path;

use crate::rig::Rig;
use crate::terminal::Terminal;
use crate::testbed::var;

/// A site over the testbed.
fn rig() -> Rig {
    let rig = Rig::new(
        "name = \"testbed\"\n\n[scopes.admin]\ncloud = \"admin\"\nroles = [\"admin\"]\n\n[scopes.capi]\ncloud = \"capi-mgmt\"\n\
         roles = [\"member\"]\n\n[scopes.member]\ncloud = \"member\"\n",
    );
    rig.file(
        "clouds.yaml",
        &std::fs::read_to_string(Path::new(&var("CARACAL")).join("clouds.yaml")).unwrap(),
    );
    rig
}

/// What is typed, and what stands on the screen then.
fn look_around() -> Vec<(String, &'static str)> {
    let lines: &[(&str, &str)] = &[
        ("help", "Five things to begin with"),
        ("capi.networks.list()", "capi-mgmt-net"),
        ("let net = capi.networks.get(\"capi-mgmt-net\");", "testbed capi(member"),
        ("net", "port_security_enabled"),
        ("net.status", "\"ACTIVE\""),
        ("net.stauts", "did you mean `status`?"),
        (":why", "help: did you mean `status`?"),
        (":json net.mtu", "1450"),
        (":yaml net.tags", "[]"),
        ("net.subnets.map(|s| capi.subnets.get(s).cidr)", "[\"10.20.0.0/24\"]"),
        ("fn up(n) { n.status == \"ACTIVE\" }", "observe>"),
        ("up(capi.networks.list()[0])", "true"),
        ("_", "true"),
        ("member.amphorae.list()", "use a handle with that role"),
        ("admin.projects.list().map(|p| p.name).contains(\"capi-mgmt\")", "true"),
        ("admin.flavors.list().len() > 0", "true"),
        ("admin.images.list().len() > 0", "true"),
        ("admin.hypervisors.list().len() > 0", "true"),
        ("admin.identity().user", "\"admin\""),
        ("admin", "testbed admin(admin"),
        ("help admin.networks", "examples"),
        (":steps lb-failover", "needs       a pass of 1"),
        (":runs", "there are none yet"),
        ("admin.networks.get(\"no-such-net\")", "there is no network `no-such-net`"),
    ];
    lines.iter().map(|(line, seen)| ((*line).to_string(), *seen)).collect()
}

#[test]
fn an_evening_at_a_real_cloud() {
    let rig = rig();
    let site = rig.site().display().to_string();
    let t = Terminal::at(rig, "evening", "", &format!("--site {site}"));
    // at the first prompt, before any line: the names are asked for behind the typing
    t.text("capi.networks.get(\"capi-m");
    t.press_until("Tab", "capi.networks.get(\"capi-mgmt-net\"");
    t.key("C-u");
    for (line, seen) in look_around() {
        t.fresh(&line, seen);
    }
    let name = format!("repl-{}", std::process::id());
    let create = format!("let made = capi.networks.create(#{{ name: \"{name}\" }});");
    t.fresh(&create, "reading only: create network");
    t.fresh(":unlock drill of the session", "changes>");
    t.fresh(&create, "send it?");
    t.fresh("n", "not sent");
    t.fresh(&create, "send it?");
    t.fresh("y", "[operator]");
    t.fresh("made.status", "\"ACTIVE\"");
    t.fresh(&format!("let before = capi.networks.get(\"{name}\");"), "changes>");
    t.fresh("made.update(#{ description: \"drill\" });", "send it?");
    t.fresh("y", "[operator]");
    let description = |screen: &str| screen.contains("description: \"\" → \"drill\"");
    t.line(&format!(":diff before capi.networks.get(\"{name}\")"));
    t.wait_until("what differs", description);
    t.fresh("made.delete()", "cannot be undone");
    t.fresh("y", "[operator]");
    t.fresh(&format!("capi.networks.find(\"{name}\") == ()"), "true");
    t.fresh(":lock", "locked: it only reads");
    t.line(":watch capi.networks.list().len() 1s");
    t.wait_for("Ctrl-C ends");
    t.key("C-c");
    t.fresh("1 + 1", "2");
    t.key("C-d");
    t.wait_for("left 0");
}
