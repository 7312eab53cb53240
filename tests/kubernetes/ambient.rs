//! Nothing of the environment reaches a handle.

use crate::kube_server::{Behaviour, Cluster};
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
