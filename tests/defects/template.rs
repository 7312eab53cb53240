//! The template, and Magnum's health.

use rhumb::site::Site;
use serde_json::json;

use crate::bash::bash;
use crate::played::{Played, run_at, site};
use crate::stub_cloud;

#[test]
fn d10_unhealthy_means_another_thing_with_another_driver() {
    // both gates are right, each for its driver; nothing in the procedures chooses
    let old = bash(
        &[("openstack", "echo UNHEALTHY")],
        "openstack coe cluster show capi-test-1 -f value -c health_status",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "UNHEALTHY\n"));

    let script = r#"import "std/magnum" as magnum;
        verify("8.2.2", "Health", || {
            let cluster = site.scope("capi-mgmt").request("GET", "compute", "/cluster");
            let health = magnum::health(cluster, site.magnum_driver_version);
            fact("verdict", health.verdict);
            gate("Magnum calls it HEALTHY", health.verdict == "healthy", health);
        });"#;
    let part = |infrastructure: &str| json!({"cluster": "Ready", "controlplane": "Ready", "nodegroup": "Ready", "infrastructure": infrastructure});
    let not_found = part("Infrastructure resource not found.");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for (driver, health, reason, judged, verdict) in [
        ("1.3.0", "UNHEALTHY", not_found.clone(), "d-042", "8.2.2 KNOWN-ISSUE: D-042"),
        ("1.4.0", "UNHEALTHY", not_found, "unhealthy", "8.2.2 FAIL: gate: Magnum calls it HEALTHY"),
        (
            "1.3.0",
            "UNHEALTHY",
            part("Infrastructure not ready."),
            "unhealthy",
            "8.2.2 FAIL: gate: Magnum calls it HEALTHY",
        ),
        // the signature is of a cluster that is well otherwise: a broken part beside it is not excused
        (
            "1.3.0",
            "UNHEALTHY",
            json!({"cluster": "Waiting on Ready", "controlplane": "0 of 1 ready", "infrastructure": "Infrastructure resource not found."}),
            "unhealthy",
            "8.2.2 FAIL: gate: Magnum calls it HEALTHY",
        ),
        ("1.10.0", "HEALTHY", part("Ready"), "healthy", "8.2.2 PASS"),
        // an empty reason is no signature and no sickness: nobody has heard
        ("1.3.0", "UNHEALTHY", json!({}), "unknown", "8.2.2 FAIL: gate: Magnum calls it HEALTHY"),
    ] {
        let body = json!({"name": "capi-test-1", "health_status": health, "health_status_reason": reason});
        let cloud = runtime.block_on(stub_cloud::start(move |_, _| (200, body.clone())));
        let played = Played::default().cloud(move |_, _| cloud.cloud("secret"));
        let new = run_at(script, site("", &[&format!("magnum_driver_version={driver}")]), &played);
        assert!(!new.report.steps[0].facts.is_empty(), "{}", new.drawn);
        assert_eq!(new.report.steps[0].facts[0].value, judged, "{driver} {health}: {}", new.drawn);
        assert!(new.verdicts().starts_with(verdict), "{driver} {health}: {}", new.verdicts());
    }
}

#[test]
fn d14_the_chart_has_two_cnis_and_flannel_is_none_of_them() {
    let set = |value: &str| {
        let sets = [format!("network_driver={value}")];
        Site::from_embedded("name = \"x\"", "site.toml", &sets)
    };
    assert!(set("calico").is_ok() && set("cilium").is_ok());
    let refused = format!("{:?}", set("flannel").unwrap_err());
    assert!(refused.contains("calico") && refused.contains("cilium"), "{refused}");
}
