//! The contract against the cluster of the kubeconfig that `RHUMB_KUBECONFIG` names (in its namespace `default`), and otherwise
//! against the small server of these tests and the lab's. `real_kubernetes` holds the testbed's server to it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod kube_contract;
mod kube_server;

use std::path::PathBuf;
use std::sync::Arc;

use kube_contract::record;
use kube_server::{Behaviour, Cluster};
use rhumb::base::SimClock;
use rhumb::lab::{Lab, Scenario, Tenancy, Values};
use rhumb::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource};

/// The cluster that the operator names, or else the small server of these tests and the lab's.
async fn clusters() -> Vec<Kube> {
    match std::env::var_os("RHUMB_KUBECONFIG") {
        Some(path) => {
            let source = KubeconfigSource::File { path: PathBuf::from(path), allow_exec: false };
            let spec =
                KubeSpec { name: "contract".into(), source, context: None, expected: Expected::default() };
            vec![Kube::new(&spec, None, None).unwrap().in_namespace("default")]
        }
        None => vec![Cluster::start(Behaviour::default()).await.kube(), of_the_lab()],
    }
}

/// The management cluster of a lab that lives as long as the runtime.
fn of_the_lab() -> Kube {
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let scenario = Scenario::shipped("phase-08", &Values::new()).unwrap();
    let lab = Lab::start(&scenario, &Tenancy::example(), clock, &tokio::runtime::Handle::current()).unwrap();
    let lab: &'static Lab = Box::leak(Box::new(lab));
    let source = KubeconfigSource::Fetched(lab.kubeconfig("capi-mgmt").unwrap());
    let spec = KubeSpec { name: "lab".into(), source, context: None, expected: Expected::default() };
    Kube::new(&spec, Some(lab.dialer().as_ref()), None).unwrap()
}

kube_contract::contract!(clusters);

/// The lab plays a 1.34; the record is of a real 1.20.
#[tokio::test]
async fn the_lab_answers_as_the_real_one_did() {
    let seen = record::play(&of_the_lab().in_namespace("default")).await;
    let except = [record::NEWER, record::LAB].concat();
    let wrong = record::differences(&record::witness(), &seen, &except);
    assert!(
        wrong.is_empty(),
        "{} places differ from what the real server did:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
