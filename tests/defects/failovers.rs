//! Octavia: failovers that were refused, and balancers that outlive their Service.

use serde_json::{Value, json};

use crate::bash::bash;
use crate::played::{Played, run};
use crate::stub_cloud::{self, Seen, StubCloud};

/// The loop of restart 5c, over a failover whose exit code nobody looks at.
const LOOP: &str = r#"
LB=0f968008-8429-4ac3-8b82-452e126982cf
openstack loadbalancer failover "$LB"
sleep 2
for i in $(seq 1 60); do
prov=$(openstack loadbalancer show "$LB" -f value -c provisioning_status 2>/dev/null)
op=$( openstack loadbalancer show "$LB" -f value -c operating_status 2>/dev/null)
printf '%s prov=%s op=%s\n' "$(date +%T)" "${prov:-?}" "${op:-?}"
case "$prov" in
ACTIVE) echo "failover succeeded"; break ;;
ERROR) echo "failover FAILED -- read octavia-worker.log; do NOT retry blind"; break ;;
esac
sleep 10
done"#;

const LB: &str = "0f968008-8429-4ac3-8b82-452e126982cf";

const SCRIPT: &str = r#"
import "std/octavia" as octavia;
change("5.2", "Fail over", || octavia::failover_and_prove(site.scope("admin"), "0f968008-8429-4ac3-8b82-452e126982cf", 10.min));"#;

fn balancer(provisioning: &str) -> Value {
    json!({"loadbalancer": {"id": LB, "name": "api", "provisioning_status": provisioning,
                            "operating_status": "ONLINE", "vip_address": "10.20.16.144"}})
}

fn amphora() -> Value {
    json!({"amphorae": [{"id": "a-1", "loadbalancer_id": LB, "status": "ALLOCATED", "compute_id": "c", "role": "STANDALONE"}]})
}

fn cloud(
    runtime: &tokio::runtime::Runtime,
    answers: impl Fn(&Seen, usize) -> (u16, Value) + Send + Sync + 'static,
) -> (StubCloud, Played) {
    let cloud = runtime.block_on(stub_cloud::start(answers));
    cloud.stage().roles = vec!["admin", "load-balancer_member"];
    let played = cloud.clone();
    (cloud, Played::default().cloud(move |_, _| played.cloud("secret")))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn d02_a_failover_that_was_refused_passes_as_one_that_succeeded() {
    let refused = r#"
        if [ "$2" = failover ]; then echo "Policy does not allow this request to be performed. (HTTP 403)" >&2; exit 1; fi
        case "$*" in *provisioning_status) echo ACTIVE ;; *) echo ONLINE ;; esac"#;
    let old = bash(&[("openstack", refused)], LOOP);
    assert_eq!(old.exit, 0);
    assert!(old.stdout.ends_with("failover succeeded\n"), "{}", old.stdout);

    let runtime = runtime();
    // forbidden, and busy: the balancer was ACTIVE before, and is
    for (status, kind) in [(403, "forbidden"), (409, "conflict")] {
        let (_cloud, played) = cloud(&runtime, move |seen, _| match seen.method.as_str() {
            "PUT" => (status, json!({"faultcode": "Client", "faultstring": "no"})),
            _ if seen.path.contains("amphorae") => (200, amphora()),
            _ => (200, balancer("ACTIVE")),
        });
        let new = run(SCRIPT, &played);
        assert_eq!(new.error.as_ref().unwrap().kind().name(), kind, "{}", new.drawn);
        assert!(new.report.steps[0].waits.is_empty(), "nothing is waited for after a refusal");
    }
    // accepted, and nothing happens: no PENDING_UPDATE was ever seen
    let (_cloud, played) = cloud(&runtime, |seen, _| match seen.method.as_str() {
        "PUT" => (202, Value::Null),
        _ if seen.path.contains("amphorae") => (200, amphora()),
        _ if seen.path.contains("servers") => (200, json!({"servers": []})),
        _ => (200, balancer("ACTIVE")),
    });
    let new = run(SCRIPT, &played);
    assert!(new.error.unwrap().to_string().contains("api fails over: it came to ACTIVE, ONLINE"));
    // it went through the motions, and the same amphora serves
    let (cloud, played) = cloud(&runtime, |seen, n| match seen.method.as_str() {
        "PUT" => (202, Value::Null),
        _ if seen.path.contains("amphorae") => (200, amphora()),
        _ if n == 4 => (200, balancer("PENDING_UPDATE")),
        _ => (200, balancer("ACTIVE")),
    });
    let new = run(SCRIPT, &played);
    assert_eq!(
        new.verdicts(),
        "5.2 FAIL: gate: api is served by other amphorae",
        "{:?}",
        cloud.seen("lbaas")
    );
}

#[test]
fn d13_the_drill_ends_while_its_load_balancer_lives_on() {
    let old = bash(
        &[("kubectl", "echo \"$2 \\\"$3\\\" deleted\"")],
        "kubectl delete svc rr; kubectl delete deploy rr",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "svc \"rr\" deleted\ndeploy \"rr\" deleted\n"));

    let runtime = runtime();
    let script = r#"
        import "std/octavia" as octavia;
        verify("D-011.4a", "It is gone", || octavia::wait_gone(site.scope("capi-mgmt"),
            octavia::service_balancer_name("capi-test-1-kgwwe7c4qj6a", "default", "rr"), 10.min));"#;
    let named = |provisioning: &str| {
        json!({"loadbalancers": [{"id": "lb-2", "name": "kube_service_capi-test-1-kgwwe7c4qj6a_default_rr",
                                  "provisioning_status": provisioning, "operating_status": "ONLINE"}]})
    };
    let alive = named("ACTIVE");
    let (_cloud, played) = cloud(&runtime, move |_, _| (200, alive.clone()));
    let new = run(script, &played);
    let error = new.error.unwrap();
    assert_eq!((error.kind().name(), new.elapsed.as_secs()), ("timeout", 600));
    assert!(error.to_string().contains("last seen: ACTIVE, ONLINE"), "{error}");

    // a deletion that failed is known at once, and one that takes its time is waited for
    let dead = named("ERROR");
    let (_cloud, played) = cloud(&runtime, move |_, _| (200, dead.clone()));
    assert_eq!(run(script, &played).elapsed.as_secs(), 0);
    let going = named("PENDING_DELETE");
    let (_cloud, played) = cloud(&runtime, move |_, n| match n {
        ..6 => (200, going.clone()),
        _ => (200, json!({"loadbalancers": []})),
    });
    assert_eq!(run(script, &played).verdicts(), "D-011.4a PASS");
}
