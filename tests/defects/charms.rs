//! Juju.

use crate::bash::bash;
use crate::played::{Played, run};

/// A model whose Vault is sealed, and whose subordinate is blocked under a principal that is well.
const STATUS: &str = r#"{
    "model": {"name": "openstack", "model-status": {"current": "available"}},
    "machines": {"0": {"juju-status": {"current": "started"}, "machine-status": {"current": "running"}}},
    "applications": {
        "nova-compute": {"application-status": {"current": "active"}, "units": {"nova-compute/0": {
            "workload-status": {"current": "active", "message": "Unit is ready"}, "juju-status": {"current": "idle"},
            "subordinates": {"nrpe/0": {"workload-status": {"current": "blocked", "message": "Nagios server not configured"},
                             "juju-status": {"current": "idle"}}}}}},
        "nrpe": {"application-status": {"current": "blocked"}, "subordinate-to": ["nova-compute"]},
        "broken": {"status-error": "cannot read the application"},
        "vault": {"application-status": {"current": "blocked"}, "units": {"vault/0": {
            "workload-status": {"current": "blocked", "message": "Unit is sealed"}, "juju-status": {"current": "idle"}}}}
    }
}"#;

/// The same units as `--format=short` prints them.
const SHORT: &str = "- nova-compute/0: 10.12.8.10 (agent:idle, workload:active)
  - nrpe/0: 10.12.8.10 (agent:idle, workload:blocked)
- vault/0: 10.12.8.61 (agent:idle, workload:blocked) 8200/tcp";

#[test]
fn d01_an_idle_agent_hides_a_blocked_workload() {
    let juju = format!("cat <<'TEXT'\n{SHORT}\nTEXT");
    let old = bash(
        &[("juju", &juju)],
        "juju status --format=short | grep -vE 'active|idle' || echo \"all active/idle\"",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "all active/idle\n"));

    let played = Played::default().commands(|line| {
        assert_eq!(line, "juju: status --format=json");
        (0, STATUS.into(), String::new())
    });
    let new = run(
        r#"import "std/juju" as juju;
           verify("D-011.1", "All charms", || {
               let status = juju::status(site.tool("juju"), ());
               expect("units and machines that are not settled", juju::unsettled(status, ["active"]), []); });"#,
        &played,
    );
    assert_eq!(new.exit, 3, "{}", new.drawn);
    let observed = new.report.steps[0].gates[0].observed.to_string();
    for word in [
        "nrpe/0: blocked (Nagios server not configured), agent idle",
        "vault/0: blocked (Unit is sealed), agent idle",
        "broken: cannot read the application",
    ] {
        assert!(observed.contains(word), "{observed}");
    }
    assert!(!observed.contains("nova-compute/0"), "{observed}");
}
