//! Projects: an id that is empty, and ids that another rebuild had.

use serde_json::json;

use crate::bash::bash;
use crate::played::{Played, run, run_at, shipped, site};
use crate::stub_cloud;

#[test]
fn d06_a_look_up_that_failed_leaves_an_empty_project() {
    let old = bash(
        &[("openstack", "echo 'You are not authorized (HTTP 403)' >&2; exit 1")],
        r#"CAPI_PID=$(openstack project show capi-mgmt --domain capi -f value -c id)   # ENV(project)
unset OS_PROJECT_NAME OS_PROJECT_ID OS_TENANT_NAME OS_TENANT_ID OS_PROJECT_DOMAIN_ID OS_PROJECT_DOMAIN_NAME
export OS_PROJECT_ID="$CAPI_PID"
NS=magnum-$(openstack project show capi-mgmt --domain capi -f value -c id)
echo "[$OS_PROJECT_ID] [$NS]""#,
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "[] [magnum-]\n"));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let start = || runtime.block_on(stub_cloud::start(|_, _| (200, json!({"servers": []}))));
    let script = r#"import "std/magnum" as magnum;
        verify("8.1", "Of that project", || { fact("namespace", magnum::namespace(site.scope("capi-mgmt"), "magnum"));
                                             site.scope("capi-mgmt").servers.list() });"#;
    // no such project: no token, and nothing is asked of any service
    let cloud = start();
    let asked = cloud.clone();
    let nowhere = site("", &[]);
    let text = r#"[scopes.elsewhere]
        cloud = "admin"
        project = "no-such"
        domain = "capi""#;
    let other = site(text, &[]);
    let played = Played::default().cloud(move |_, _| asked.cloud("secret"));
    let new = run_at(&script.replace("capi-mgmt", "elsewhere"), other, &played);
    assert_eq!(new.error.unwrap().kind().name(), "credentials", "{}", new.drawn);
    assert!(cloud.seen("/compute").is_empty());
    // a token for another project than was asked for ends it as well, however it came to be
    let cloud = start();
    cloud.stage().wrong_project = Some("f00");
    let asked = cloud.clone();
    let played = Played::default().cloud(move |_, _| asked.cloud("secret"));
    let new = run_at(script, nowhere, &played);
    assert_eq!(new.error.unwrap().kind().name(), "scope-mismatch", "{}", new.drawn);
    assert!(cloud.seen("/compute").is_empty());
    // and the right one names the namespace
    let cloud = start();
    let played = Played::default().cloud(move |_, _| cloud.cloud("secret"));
    let new = run(script, &played);
    assert_eq!(new.verdicts(), "8.1 PASS", "{}", new.drawn);
    assert_eq!(new.report.steps[0].facts[0].value, "magnum-0123456789abcdef0123456789abcdef");
}

#[test]
fn d07_ids_and_addresses_of_another_rebuild_are_news_and_find_nothing() {
    // restart carries 674171fd..., phase-08 d5bc125c...; whichever was pasted was used
    let old = bash(&[], "export OS_PROJECT_ID=674171fd28d446d3a37073b6a761e910; echo $OS_PROJECT_ID");
    assert_eq!(old.stdout, "674171fd28d446d3a37073b6a761e910\n");

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cloud = runtime.block_on(stub_cloud::start(|_, _| (200, json!({"servers": []}))));
    let seen = cloud.clone();
    let played = Played::default().cloud(move |_, _| cloud.cloud("secret"));
    let stale = site("", &["capi_project_id=674171fd28d446d3a37073b6a761e910"]);
    let new = run_at(
        r#"import "std/keystone" as keystone;
           verify("8.0", "Projects", || keystone::note_project(site.scope("capi-mgmt"), site.capi_project_id));"#,
        stale,
        &played,
    );
    assert_eq!(new.verdicts(), "8.0 PASS", "{}", new.drawn);
    let note = &new.report.steps[0].notes[0];
    assert!(
        note.contains("0123456789abcdef0123456789abcdef, then 674171fd28d446d3a37073b6a761e910"),
        "{note}"
    );
    let bodies: String = seen.seen("/tokens").iter().map(|s| s.body.to_string()).collect();
    assert!(!bodies.contains("674171fd"), "the stale id was never used: {bodies}");

    // and no shipped script holds an id or an address to paste
    for (name, texts) in &shipped().0 {
        for (_, text) in texts {
            let code = text.lines().map(|l| l.split("//").next().unwrap_or_default());
            for line in code {
                let hex = |w: &str| w.len() >= 32 && w.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
                let address = |w: &str| {
                    w.matches('.').count() == 3 && w.chars().all(|c| c.is_ascii_digit() || c == '.')
                };
                let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'));
                let literal = words.clone().find(|w| hex(w) || address(w));
                assert_eq!(literal, None, "{name}: {line}");
            }
        }
    }
}
