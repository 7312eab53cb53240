use rhumb::base::{ErrorKind, Undo};
use serde_json::json;

use super::rig::{Ended, Rig};
use super::stub_cloud::StubCloud;
use super::{A, approved, changes, cloud};

/// A runbook with one change step `1` of this body, run with these arguments.
fn run(cloud: &StubCloud, body: &str, args: &[&str]) -> Ended {
    let rig = Rig::played(&cloud.address.to_string());
    rig.file("one.rhai", &format!("runbook(\"one\", \"One\");\nlet scope = site.scope(\"capi\");\nchange(\"1\", \"One\", || {{ {body} }});"));
    rig.run(&[&["run", "one"], args].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_hand_says_what_it_is_and_asks_for_its_version() {
    let cloud = cloud().await;
    let body = format!(
        r#"scope.request("POST", "compute", "/servers/{A}/action", #{{ "os-migrateLive": #{{ host: (), block_migration: "auto" }} }},
            #{{ title: "move vm off compute-1", undo: "move it back", microversion: "2.25" }});"#
    );
    let ended = run(&cloud, &body, &["--approve", "step:1"]).expect(0);
    let (intent, _) = approved(&ended.entries).remove(0);
    assert_eq!(
        intent.summary,
        format!("move vm off compute-1 (POST compute /servers/{A}/action at microversion 2.25)")
    );
    assert_eq!((intent.undo, intent.destroys), (Undo::By("move it back".into()), false));
    let sent = cloud.seen("/action").remove(0);
    assert_eq!(
        (sent.version.as_str(), sent.body["os-migrateLive"]["block_migration"].as_str()),
        ("compute 2.25", Some("auto"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_cannot_be_asked_for_is_an_error() {
    let cloud = cloud().await;
    let ask = |service: &str, version: &str| {
        format!(r#"scope.request("POST", "{service}", "/x", #{{}}, #{{ microversion: "{version}" }});"#)
    };
    for (service, version, kind) in [
        ("network", "2.0", ErrorKind::Argument),
        ("compute", "latest", ErrorKind::Argument),
        ("compute", "2.999", ErrorKind::Unsupported),
    ] {
        let ended = run(&cloud, &ask(service, version), &["--yes"]);
        assert_eq!(ended.exit, i32::from(kind.exit_code()), "{service} {version}: {}", ended.stderr);
        assert!(changes(&cloud).is_empty(), "{service} {version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_destroys_does_so_whatever_the_script_says() {
    let cloud = cloud().await;
    cloud.stage().roles = vec!["admin"];
    let lies = r#"#{ title: "look at it", undo: "look away", destroys: false }"#;
    for (method, service, path, body) in [
        ("DELETE", "network", format!("/networks/{A}"), "()"),
        ("delete", "network", format!("/no-such-things/{A}"), "()"),
        ("POST", "compute", format!("/servers/{A}/action"), r#"#{ forceDelete: () }"#),
        (
            "POST",
            "compute",
            format!("/v2.1/0123456789abcdef0123456789abcdef/servers/{A}/action"),
            r#"#{ rebuild: #{ imageRef: "i" } }"#,
        ),
        (
            "POST",
            "compute",
            format!("/{{project_id}}/servers/{A}/action"),
            r#"#{ rebuild: #{ imageRef: "i" } }"#,
        ),
        ("PUT", "load-balancer", format!("/lbaas/loadbalancers/{A}/failover"), "()"),
        ("PUT", "load-balancer", format!("/v2.0/lbaas/loadbalancers/{A}/failover"), "()"),
        ("PUT", "network", format!("/routers/{A}"), r#"#{ router: #{ external_gateway_info: () } }"#),
        ("POST", "block-storage", format!("/volumes/{A}/action"), r#"#{ "os-force_delete": #{} }"#),
    ] {
        let call = format!(r#"scope.request("{method}", "{service}", "{path}", {body}, {lies});"#);
        let before = changes(&cloud).len();
        let needs = i32::from(ErrorKind::NeedsApproval.exit_code());
        let ended = run(&cloud, &call, &["--approve", "step:1"]).expect(needs);
        assert_eq!(changes(&cloud).len(), before, "{path}");
        assert!(ended.told().contains("step:1:destroys"), "{}", ended.stderr);
        let ended = run(&cloud, &call, &["--approve", "step:1:destroys"]).expect(0);
        let (intent, by) = approved(&ended.entries).remove(0);
        assert!(intent.destroys && by == "--approve step:1:destroys", "{path}");
        assert!(
            intent.summary.starts_with("look at it ("),
            "what it does stands beside its title: {}",
            intent.summary
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_called_by_the_name_of_its_thing() {
    let cloud = cloud().await;
    cloud.stage().roles = vec!["admin"];
    for (body, summary) in [
        (
            r#"scope.compute_services.list()[0].update(#{ status: "disabled" });"#.to_string(),
            "set status of compute service nova-compute on compute-1 (11111111…)",
        ),
        (
            format!(r#"scope.request("DELETE", "network", "/networks/{A}");"#),
            "delete network prod (11111111…)",
        ),
        (
            format!(r#"scope.request("POST", "compute", "/servers/{A}/action", #{{ "os-stop": () }});"#),
            "stop server vm (11111111…)",
        ),
        (
            format!(r#"scope.request("PUT", "load-balancer", "/lbaas/loadbalancers/{A}/failover");"#),
            "fail over load balancer api (11111111…)",
        ),
    ] {
        let ended = run(&cloud, &body, &["--yes"]).expect(0);
        let (intent, _) = approved(&ended.entries).remove(0);
        assert_eq!(intent.summary, summary);
        assert!(intent.url.starts_with(&format!("http://{}/", cloud.address)), "{}", intent.url);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_spelling_of_a_path_is_under_the_same_role() {
    let cloud = cloud().await;
    for path in [
        "/v2/lbaas/loadbalancers/{A}/failover",
        "/lbaas/loadbalancers/{A}/failover/",
        "/lbaas/loadbalancers/{A}/fail%6fver",
    ] {
        let call = format!(r#"scope.request("PUT", "load-balancer", "{}");"#, path.replace("{A}", A));
        let ended = run(&cloud, &call, &["--yes"]);
        assert_ne!(ended.exit, 0, "{path}");
        assert!(changes(&cloud).is_empty(), "{path}: {:?}", changes(&cloud));
    }
}

#[test]
fn show_lists_calls_by_hand_among_what_changes() {
    let rig = Rig::new("name = \"none\"\n[scopes.capi]\ncloud = \"stub\"\n");
    rig.file(
        "hand.rhai",
        r#"runbook("hand", "By hand");
let scope = site.scope("capi");
let how = "del" + "ete";
change("1", "Delete", || scope.request("DELETE", "network", "/networks/1"));
change("2", "Either", || scope.request(how, "network", "/networks/1"));
change("3", "Read", || scope.request("GET", "network", "/networks/1"));
fn clear(scope) { scope.request("put", "network", "/networks/1", #{}) }
change("4", "In a function", || clear(scope));
"#,
    );
    let ended = rig.run(&["show", "hand"]).expect(0);
    let changes: Vec<&str> =
        ended.stdout.lines().filter_map(|l| l.trim().strip_prefix("changes ")).map(str::trim).collect();
    let wanted = ["DELETE", "<how>", "PUT"].map(|method| format!("sends {method} /networks/1 (network)"));
    assert_eq!(changes, wanted, "{}", ended.stdout);
    rig.file("hand.rhai", "runbook(\"hand\", \"By hand\");\nverify(\"1\", \"Delete\", || site.scope(\"capi\").request(\"DELETE\", \"network\", \"/networks/1\"));\n");
    let found = rig.run(&["check", "hand"]);
    assert!(
        found.exit != 0 && format!("{}{}", found.stdout, found.stderr).contains("change-in-verify"),
        "{}",
        found.stdout
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_a_name_goes_by_its_handle_and_kind() {
    let cloud = cloud().await;
    let body = format!(r#"scope.request("DELETE", "compute", "/os-keypairs/{A}");"#);
    let needs = i32::from(ErrorKind::NeedsApproval.exit_code());
    run(&cloud, &body, &["--approve", &format!("id:{A}")]).expect(needs);
    assert!(changes(&cloud).is_empty(), "a keypair that bears another thing's id is not that thing");
    let ended = run(&cloud, &body, &["--approve", &format!("id:capi/keypairs/{A}")]).expect(0);
    assert_eq!(approved(&ended.entries)[0].0.ids, [format!("capi/keypairs/{A}")]);
    assert_eq!(json!(changes(&cloud)), json!([format!("DELETE /compute/v2.1/os-keypairs/{A}")]));
}
