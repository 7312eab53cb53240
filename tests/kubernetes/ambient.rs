//! Nothing of the environment reaches a handle, and nothing of a rehearsal leaves loopback.

use std::net::SocketAddr;

use rhumb::base::ErrorKind;
use rhumb::systems::command::Command;
use rhumb::systems::http::Dialer;
use rhumb::systems::kubernetes::{Expected, Kube, KubeCall, KubeSpec, KubeconfigSource};
use serde_json::json;

use crate::kube_server::{Behaviour, Cluster, carry_out, kubeconfig, spec};
use crate::object;

#[tokio::test]
async fn a_handle_works() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let kube = cluster.kube();
    assert_eq!(kube.identity().await.unwrap().user.as_deref(), Some("kubernetes-admin"));
    assert!(kube.find(&object("namespace", "kube-system")).await.unwrap().is_some());
}

/// The test above, in a process whose environment is full of traps.
#[test]
fn the_environment_changes_nothing() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "ambient::a_handle_works"]).env("KUBECONFIG", "/nonexistent/config");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env(name, ":: no url ::").env(name.to_lowercase(), "http://127.0.0.1:9");
    }
    child
        .env("KUBE_RS_DEBUG_OVERRIDE_URL", "http://127.0.0.1:9")
        .env("KUBE_RS_DEBUG_IMPERSONATE_USER", "nobody");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_rehearsal_meets_the_lab_at_the_clusters_address() {
    struct Lab(SocketAddr);
    impl Dialer for Lab {
        fn dial(&self, host: &str, port: u16) -> Option<SocketAddr> {
            (host == "10.12.7.180" && port == 6443).then_some(self.0)
        }
    }
    let cluster = Cluster::start(Behaviour::default()).await;
    let lab = Lab(cluster.address);
    let there = kubeconfig(
        json!({"server": "https://10.12.7.180:6443", "tls-server-name": "kubernetes"}),
        json!({"token": "t"}),
    );
    let kube = Kube::new(&spec(&there), Some(&lab), None).unwrap();
    assert_eq!(kube.server(), "https://10.12.7.180:6443");
    assert!(kube.find(&object("namespace", "kube-system")).await.unwrap().is_some());
    assert_eq!(cluster.asked("GET", "/api/v1/namespaces/kube-system")[0].headers["host"], "10.12.7.180:6443");
    let command = Command::new(["echo", "here"]);
    let call = KubeCall::Exec { namespace: None, pod: "p".into(), container: None, command };
    assert_eq!(carry_out(&kube, call).await.unwrap().expose()["stdout"], "here\n");

    let elsewhere = kubeconfig(json!({"server": "https://10.12.7.181:6443"}), json!({}));
    let error = Kube::new(&spec(&elsewhere), Some(&lab), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("nobody answers there in this rehearsal"), "{error}");
}

#[tokio::test]
async fn a_program_that_may_log_in_is_not_run_for_each_change() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": "from-a-program", "expirationTimestamp": "2999-01-01T00:00:00Z"},
    });
    let script = format!("echo run >> '{}'; echo '{credential}'", runs.display());
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", script],
        "interactiveMode": "Never",
    });
    let path = dir.path().join("config");
    let server = json!({"server": format!("http://{}", cluster.address)});
    std::fs::write(&path, kubeconfig(server, json!({"exec": exec}))).unwrap();
    let source = KubeconfigSource::File { path, allow_exec: true };
    let spec = KubeSpec { name: "oidc".into(), source, context: None, expected: Expected::default() };
    let kube = Kube::new(&spec, None, None).unwrap();
    let made = std::fs::read_to_string(&runs).unwrap();
    let manifest = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
    carry_out(&kube, KubeCall::Create { manifest: manifest.into() }).await.unwrap();
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), made);
    let sent = cluster.asked("POST", "/api/v1/namespaces/default/configmaps");
    assert_eq!(sent[0].headers["authorization"], "Bearer from-a-program");
}
