//! The clients that operators have, on a lab that is served: python-openstackclient with its plug-ins, and kubectl.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod served;
mod testbed;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use served::Served;
use testbed::var;

/// The cloud of the site that a lab plays without another.
const CLOUD: &str = "admin@capi-mgmt";
const APP: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: rr, labels: {app: rr}}
spec:
  replicas: 2
  selector: {matchLabels: {app: rr}}
  template:
    metadata: {labels: {app: rr}}
    spec: {containers: [{name: rr, image: "registry.k8s.io/e2e-test-images/agnhost:2.53", ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: rr}
spec: {type: LoadBalancer, selector: {app: rr}, ports: [{port: 80, targetPort: 8080}]}
"#;

fn openstack(served: &Served, cloud: &str, words: &str) -> Value {
    let mut command = Command::new(var("OPENSTACK"));
    command.args(["--os-cloud", cloud]).args(words.split(' ')).args(["-f", "json"]).env_clear();
    command.env("OS_CLIENT_CONFIG_FILE", served.dir.join("clouds.yaml")).env("HOME", served.home());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn kubectl(served: &Served, program: &str) -> Command {
    let mut command = Command::new(program);
    // it keeps what a server offers in its home
    command.env_clear().env("HOME", served.home()).env("KUBECONFIG", served.kubeconfig());
    command
}

fn ended(mut command: Command, words: &[&str]) -> Output {
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

/// What kubectl prints of something that works.
fn told(served: &Served, words: &[&str]) -> String {
    let output = ended(kubectl(served, &var("KUBECTL")), words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What kubectl prints until a line has a text; then it is ended.
fn followed(served: &Served, words: &[&str], wanted: &str) -> Vec<String> {
    let mut child = kubectl(served, &var("KUBECTL"))
        .args(words)
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen: Vec<String> = Vec::new();
    let is_there = |seen: &[String]| seen.last().is_some_and(|line| line.contains(wanted));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    while !is_there(&seen) {
        let Some(line) = lines.next() else { break };
        seen.push(line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_there(&seen), "{words:?} ended without `{wanted}`: {seen:?}");
    seen
}

#[test]
fn the_openstack_client_and_its_plug_ins_read_and_change_a_served_lab() {
    let served = Served::start(&["--speed", "600"]);
    let rows = |cloud: &str, words: &str| openstack(&served, cloud, words).as_array().unwrap().clone();
    let names = |words: &str, key: &str| -> Vec<String> {
        rows(CLOUD, words).iter().map(|row| row[key].as_str().unwrap().to_string()).collect()
    };
    assert!(names("server list", "Name").contains(&"capi-mgmt-v2".to_string()));
    assert!(names("image list", "Name").iter().any(|n| n.starts_with("ubuntu-jammy-kube-")));
    assert!(!names("flavor list", "Name").is_empty() && !names("network list", "Name").is_empty());
    assert!(!rows("admin@admin", "hypervisor list").is_empty());

    // the load balancer plug-in
    let lb = &rows(CLOUD, "loadbalancer list")[0];
    let id = lb["id"].as_str().unwrap();
    assert_eq!((&lb["provisioning_status"], &lb["operating_status"]), (&"ACTIVE".into(), &"ONLINE".into()));
    let amphorae = rows("admin@admin", &format!("loadbalancer amphora list --loadbalancer {id}"));
    assert!(amphorae.iter().all(|a| a["status"] == "ALLOCATED") && !amphorae.is_empty(), "{amphorae:?}");

    // Magnum's plug-in
    let cluster = openstack(&served, CLOUD, "coe cluster show capi-test-1");
    assert_eq!(
        (&cluster["status"], &cluster["health_status"]),
        (&"CREATE_COMPLETE".into(), &"HEALTHY".into())
    );
    assert_eq!(names("coe cluster list", "name"), ["capi-test-1"]);

    // changes
    openstack(&served, CLOUD, "network create drill");
    openstack(&served, CLOUD, "subnet create drill --network drill --subnet-range 10.99.0.0/24");
    let made = openstack(&served, CLOUD, "loadbalancer create --name drill --vip-subnet-id drill --wait");
    assert_eq!(made["provisioning_status"], "ACTIVE");
}

#[test]
fn kubectl_reads_follows_and_changes_a_served_cluster() {
    let served = Served::start(&["--speed", "60"]);
    let nodes = told(&served, &["get", "nodes"]);
    let head: Vec<&str> = nodes.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]);
    assert!(told(&served, &["get", "nodes", "-o", "wide"]).contains("CONTAINER-RUNTIME"));
    let node = nodes.lines().find(|l| l.contains("default-worker")).unwrap().split(' ').next().unwrap();
    assert!(told(&served, &["describe", "node", node]).contains("KubeletReady"));

    let app = served.home().join("app.yaml");
    std::fs::write(&app, APP).unwrap();
    let app = app.to_str().unwrap();
    assert_eq!(told(&served, &["apply", "-f", app]), "deployment.apps/rr created\nservice/rr created\n");
    assert_eq!(told(&served, &["apply", "-f", app]), "deployment.apps/rr unchanged\nservice/rr unchanged\n");

    // what comes while somebody watches: pods that start, and an address from Octavia
    let seen = followed(&served, &["get", "deployment", "rr", "-w"], "2/2");
    assert!(seen[0].starts_with("NAME") && seen.len() > 1, "{seen:?}");
    let seen = followed(&served, &["get", "service", "rr", "-w"], " 10.12.");
    assert!(seen.iter().any(|line| line.contains("<pending>") || line.contains(" 10.12.")), "{seen:?}");
    assert!(told(&served, &["rollout", "status", "deployment/rr"]).contains("successfully rolled out"));
    assert!(told(&served, &["get", "all"]).contains("deployment.apps/rr"));

    let log = followed(&served, &["logs", "-f", "deployment/rr"], "at work, minute 2");
    assert!(log.iter().any(|line| line.starts_with("I rr started")), "{log:?}");

    assert!(told(&served, &["cordon", node]).contains("cordoned"));
    assert!(told(&served, &["get", "node", node]).contains("Ready,SchedulingDisabled"));
    assert!(told(&served, &["uncordon", node]).contains("uncordoned"));
    assert_eq!(told(&served, &["auth", "can-i", "delete", "pods"]).trim(), "yes");
    // it waits until both are gone
    told(&served, &["delete", "-f", app]);
    let gone = ended(kubectl(&served, &var("KUBECTL")), &["get", "service", "rr"]);
    assert!(String::from_utf8_lossy(&gone.stderr).contains("(NotFound): services \"rr\" not found"));
}

#[test]
fn tables_have_the_columns_of_a_real_server() {
    const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let served = Served::start(&[]);
    let columns = |table: &str| -> Vec<(String, u64)> {
        let table: Value = serde_json::from_str(table).unwrap();
        let of = |c: &Value| (c["name"].as_str().unwrap().to_string(), c["priority"].as_u64().unwrap());
        table["columnDefinitions"].as_array().unwrap().iter().map(of).collect()
    };
    for kind in [
        "api/v1/configmaps",
        "api/v1/events",
        "api/v1/namespaces",
        "api/v1/nodes",
        "api/v1/persistentvolumeclaims",
        "api/v1/pods",
        "api/v1/secrets",
        "api/v1/services",
        "apis/apps/v1/daemonsets",
        "apis/apps/v1/deployments",
        "apis/apps/v1/replicasets",
    ] {
        let path = format!("/{kind}?limit=1");
        let mut real = Command::new(var("KUBERNETES_ASK"));
        let real = ended(
            {
                real.env("ACCEPT", TABLE);
                real
            },
            &["GET", &path],
        );
        assert!(real.status.success(), "{}", String::from_utf8_lossy(&real.stderr));
        let here = served.ask("GET", &path, &format!("Accept: {TABLE}\r\n"), "");
        let here = here.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(columns(here), columns(&String::from_utf8_lossy(&real.stdout)), "{kind}");
    }
}

/// Whether a kubectl asks over WebSockets by itself: since 1.30.
fn is_new(program: &str) -> bool {
    let output = Command::new(program).args(["version", "--client", "-o", "json"]).output();
    let Ok(version) = output.map(|o| serde_json::from_slice::<Value>(&o.stdout).unwrap_or_default()) else {
        return false;
    };
    let minor = version["clientVersion"]["minor"].as_str().unwrap_or_default();
    minor.trim_end_matches('+').parse::<u32>().is_ok_and(|minor| minor >= 30)
}

#[test]
fn a_command_in_a_container_takes_a_kubectl_that_speaks_websockets_and_an_older_one_is_told() {
    let served = Served::start(&[]);
    let pods = told(&served, &["get", "pods", "-n", "kube-system", "-o", "name"]);
    let pod = pods.lines().find(|name| name.contains("coredns")).unwrap();
    let words =
        |command: &'static [&'static str]| [&["exec", "-n", "kube-system", pod, "--"], command].concat();

    let old = ended(kubectl(&served, &var("KUBECTL")), &words(&["hostname"]));
    let said = String::from_utf8_lossy(&old.stderr);
    assert!(!old.status.success() && said.contains("kubectl 1.30"), "{said}");

    // Debian has none of these yet; this machine may
    if !is_new("kubectl") {
        eprintln!(
            "no kubectl of 1.30 or newer on this machine: `exec` over WebSockets is tested without it only"
        );
        return;
    }
    let new = ended(kubectl(&served, "kubectl"), &words(&["hostname"]));
    assert_eq!(String::from_utf8_lossy(&new.stdout).trim(), pod.trim_start_matches("pod/"));
    assert_eq!(String::from_utf8_lossy(&new.stderr), "");
    assert_eq!(ended(kubectl(&served, "kubectl"), &words(&["sh", "-c", "exit 3"])).status.code(), Some(3));
}
