//! The cluster as its administrator sees it, and a namespace of each test's own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rhumb::systems::http::install_crypto;
use rhumb::systems::kubernetes::{Expected, KindName, Kube, KubeSpec, KubeconfigSource, ObjectRef};
use serde_json::{Value, json};

use crate::testbed::{run, stdout, var};

/// A handle of one of the testbed's kubeconfigs: `KUBECONFIG`, or `KUBECONFIG_READER`.
pub(crate) fn handle(kubeconfig: &str) -> Kube {
    install_crypto();
    let source = KubeconfigSource::File { path: PathBuf::from(var(kubeconfig)), allow_exec: false };
    let spec = KubeSpec { name: "testbed".into(), source, context: None, expected: Expected::default() };
    Kube::new(&spec, None, None).unwrap()
}

pub(crate) fn admin() -> Kube {
    handle("KUBECONFIG")
}

pub(crate) fn kind(name: &str) -> KindName {
    name.parse().unwrap()
}

pub(crate) fn object(kind_name: &str, name: &str) -> ObjectRef {
    ObjectRef::new(kind(kind_name), name)
}

/// What another client of the cluster does; what it is answered.
pub(crate) fn ask(method: &str, path: &str, manifest: Option<&Value>) -> Value {
    let manifest = manifest.map(Value::to_string);
    let args = [method, path].into_iter().chain(manifest.as_deref());
    serde_json::from_str(&stdout(var("KUBERNETES_ASK"), args)).unwrap()
}

/// A namespace that goes with its test.
pub(crate) struct Place {
    pub(crate) name: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("rhumb-real-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        ask("POST", "/api/v1/namespaces", Some(&json!({"metadata": {"name": name}})));
        Place { name }
    }

    pub(crate) fn kube(&self) -> Kube {
        admin().in_namespace(&self.name)
    }

    /// The path of a collection of the core group.
    pub(crate) fn path(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.name)
    }

    pub(crate) fn config_map(&self, name: &str, data: &Value) {
        ask("POST", &self.path("configmaps"), Some(&json!({"metadata": {"name": name}, "data": data})));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let path = format!("/api/v1/namespaces/{}", self.name);
        let gone = run(var("KUBERNETES_ASK"), ["DELETE", path.as_str()]);
        if !gone.status.success() && !std::thread::panicking() {
            panic!("{} stays: {}", self.name, String::from_utf8_lossy(&gone.stderr));
        }
    }
}

/// The requests that reached the API server while `body` ran, as (verb, URI), from its own audit log; only those whose URI
/// contains `of`.
pub(crate) fn audited(of: &str, body: impl FnOnce()) -> Vec<(String, String)> {
    let log = || std::fs::read_to_string(var("KUBERNETES_AUDIT")).unwrap();
    let before = log().len();
    body();
    let after = log();
    after[before..]
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|e| (e["verb"].as_str().unwrap().to_string(), e["requestURI"].as_str().unwrap().to_string()))
        .filter(|(_, uri)| uri.contains(of))
        .collect()
}
