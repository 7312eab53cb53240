//! Loops that end without an end, and without a beginning.

use std::sync::Mutex;

use serde_json::json;

use crate::bash::bash;
use crate::played::{Played, run};
use crate::stub_cloud;

#[test]
fn d04_a_loop_that_never_saw_what_it_waited_for_passes() {
    // phase-08 8.0, over a cloud that refuses each call
    let unauthorised = r#"echo "The request you have made requires authentication. (HTTP 401)" >&2; exit 1"#;
    let old = bash(
        &[("openstack", unauthorised)],
        r#"( {
  set -u
  IMG_NAME=ubuntu-jammy-kube-v1.34.8
  for i in $(seq 1 40); do
    ST=$(openstack image show "$IMG_NAME" -f value -c status 2>/dev/null || echo '?')
    echo "[$i] status=$ST"
    [ "$ST" = active ] && break
    sleep 15
  done
} )
exit $?"#,
    );
    assert!(old.stdout.ends_with("[40] status=?\n"), "{}", old.stdout);
    // and without the `set -e` that is not there, what follows in the procedure runs
    let next = bash(
        &[("openstack", unauthorised)],
        "( { for i in $(seq 1 20); do ST=$(openstack server show capi-mgmt-v2 -f value -c status 2>/dev/null); \
         [ \"$ST\" = ACTIVE ] && break; sleep 10; done; echo next; } )",
    );
    assert_eq!((next.exit, next.stdout.as_str()), (0, "next\n"));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let script = r#"
        import "std/nova" as nova;
        verify("1", "ACTIVE", || { let s = site.scope("capi-mgmt").servers; nova::settle(s, #{ id: "7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f", name: "capi-mgmt-v2" }, "ACTIVE", 200.s); });
        verify("2", "Next", || 1);"#;
    let server = |status: &str| json!({"server": {"id": "7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f", "name": "capi-mgmt-v2", "status": status}});
    let shut = server("SHUTOFF");
    // (what the service answers, what ends the wait, after how many virtual seconds)
    for (status, kind, seconds) in [(401, "unauthorized", 0), (403, "forbidden", 0), (200, "timeout", 200)] {
        let shut = shut.clone();
        let cloud = runtime.block_on(stub_cloud::start(move |_, _| match status {
            200 => (200, shut.clone()),
            code => (code, json!({"error": {"message": "no"}})),
        }));
        let played = Played::default().cloud(move |_, _| cloud.cloud("secret"));
        let new = run(script, &played);
        assert_eq!(new.error.as_ref().unwrap().kind().name(), kind, "{}", new.drawn);
        assert_eq!(
            (new.elapsed.as_secs(), new.report.steps.len()),
            (seconds, 1),
            "{kind}: nothing runs behind it"
        );
    }
}

/// `ssh` of the readiness poll: the status is what the played machine prints.
const READINESS: &str = r#"( {
for i in $(seq 1 15); do
echo "--- [$i] $(date -u +%H:%M:%S) ---"
ssh -i ~/.ssh/id_ed25519 -o BatchMode=yes -o StrictHostKeyChecking=no \
-o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 ubuntu@10.12.7.40 \
'uptime; sudo k8s status 2>&1 </dev/null | head -4'
sleep 120
done
} )"#;

#[test]
fn d05_a_poll_without_a_break_neither_fails_nor_ends() {
    for said in ["cluster status:           not ready", "cluster status:           ready"] {
        let old = bash(&[("ssh", &format!("echo '{said}'"))], READINESS);
        assert_eq!((old.exit, old.stdout.matches("--- [").count()), (0, 15), "{said}");
    }

    let script = r#"import "std/k8s_snap" as k8s_snap;
        verify("2", "Kubernetes", || k8s_snap::settle(site.host("capi-mgmt"), 40.min, 25.min));"#;
    let machine = |status: &'static str, ready_after: usize| {
        let looks = Mutex::new(0);
        Played::default().commands(move |line| {
            if line.ends_with("uptime") {
                return (
                    0,
                    " 02:03:04 up 1 min,  0 users,  load average: 104.20, 60.11, 30.02\n".into(),
                    String::new(),
                );
            }
            let mut looks = looks.lock().unwrap();
            *looks += 1;
            let status = if *looks > ready_after { "ready" } else { status };
            (0, format!("cluster status:           {status}\n"), String::new())
        })
    };
    // "not ready" holds "ready", and is not it
    let never = run(script, &machine("not ready", usize::MAX));
    assert_eq!((never.error.unwrap().kind().name(), never.elapsed.as_secs()), ("timeout", 2400));
    // and one that is ready at the third look is waited for no longer
    let soon = run(script, &machine("not ready", 2));
    assert_eq!((soon.verdicts().as_str(), soon.elapsed.as_secs()), ("2 PASS", 60));
    assert_eq!(
        soon.report.steps[0].waits[0].samples[0].state,
        "load 104.20, cluster status:           not ready"
    );
}

/// A wait whose questions ask a service that answers 503 so many times, and then that the server is ACTIVE.
fn busy(times: usize, poll: &str) -> crate::stage::Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asked = Mutex::new(0);
    let cloud = runtime.block_on(stub_cloud::start(move |_, _| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        match *asked > times {
            true => (200, json!({"server": {"id": "7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f", "name": "vm", "status": "ACTIVE"}})),
            false => (503, json!({"error": {"message": "busy"}})),
        }
    }));
    let played = Played::default().cloud(move |_, _| cloud.cloud("secret"));
    run(
        &format!(
            r#"let vm = || site.scope("capi-mgmt").servers.get("7d1e0a52-3c44-4b5e-9e06-1a2b3c4d5e6f");
               verify("1", "T", || {{ poll(#{{ title: "up", every: 10.s, within: 1.min, {poll} }}); }});"#
        ),
        &played,
    )
}

#[test]
fn every_question_of_a_look_may_meet_a_busy_service() {
    for poll in [
        "read: || vm.call(), done: |s| s.status == \"ACTIVE\"",
        "read: || 1, done: |n| vm.call().status == \"ACTIVE\"",
        "read: || 1, done: |n| true, show: |n| vm.call().status",
        "read: || 1, done: |n| vm.call().status == \"ACTIVE\", failed: |n| vm.call().status == \"ERROR\"",
    ] {
        // a read is tried three times by itself
        let o = busy(4, poll);
        assert_eq!(o.verdicts(), "1 PASS", "{poll}: {}", o.drawn);
        let wait = &o.report.steps[0].waits[0];
        assert_eq!((wait.looks, wait.tolerated), (2, 1), "{poll}");
    }
}

#[test]
fn a_wait_that_never_saw_anything_says_so_with_the_last_error() {
    let o = busy(usize::MAX, "read: || vm.call(), done: |s| s.status == \"ACTIVE\"");
    let error = o.error.unwrap();
    assert_eq!(error.kind().name(), "timeout");
    let said = error.to_string();
    assert!(said.starts_with("up: not within 1m; each of 7 looks failed, the last: "), "{said}");
    assert!(said.contains("busy") && !said.contains("last seen"), "{said}");
    // and one that saw something tells both
    let o = busy(4, "read: || vm.call(), done: |s| false");
    let said = o.error.unwrap().to_string();
    assert!(
        said.contains("last seen: ") && said.contains("1 of 7 looks met a transient error, the last: "),
        "{said}"
    );
}
