//! Kubeconfigs of Magnum's clusters: made here, and shown nowhere.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa, KeyPair,
};
use rhumb::base::ErrorKind;
use serde_json::{Value, json};

use crate::site::{SiteDir, runtime};
use crate::stage::{Outcome, Stage};
use crate::stub_cloud::{self, Seen, StubCloud};

const UUID: &str = "6de15cf4-8805-4ac2-b413-8de2c48d92cf";

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A Magnum with one cluster, which answers `refusal` where it is asked to sign.
fn magnum(api_address: Value, refusal: Option<u16>) -> (tokio::runtime::Runtime, StubCloud) {
    let (runtime, authority) = (runtime(), Arc::new(authority()));
    let cloud = runtime.block_on(stub_cloud::start(move |seen: &Seen, _| {
        let cluster = json!({"uuid": UUID, "name": "capi-test-1", "status": "CREATE_COMPLETE", "api_address": api_address});
        match (seen.method.as_str(), seen.path.trim_start_matches("/magnum/v1").split('?').next().unwrap()) {
            ("GET", "/clusters") => (200, json!({"clusters": [cluster]})),
            ("GET", path) if path.starts_with("/clusters/") => (200, cluster),
            ("GET", path) if path.starts_with("/certificates/") => (200, json!({"pem": authority.pem()})),
            ("POST", "/certificates") => match refusal {
                Some(status) => (status, json!({"errors": [{"detail": "Policy doesn't allow certificate:create to be performed."}]})),
                None => {
                    let request = CertificateSigningRequestParams::from_pem(seen.body["csr"].as_str().unwrap());
                    (201, json!({"pem": request.unwrap().signed_by(&*authority).unwrap().pem()}))
                }
            },
            ("GET", "/") => (200, json!({"versions": [{"id": "v1", "max_version": "1.11", "min_version": "1.1", "status": "CURRENT"}]})),
            other => panic!("{other:?}"),
        }
    }));
    (runtime, cloud)
}

fn run(cloud: &StubCloud, script: &str) -> Outcome {
    Stage { site: SiteDir::of_cloud(cloud.address).load(), ..Stage::new(script) }.run()
}

#[test]
fn a_verify_step_has_a_kubeconfig_that_nothing_shows() {
    let (_runtime, cloud) = magnum(json!("https://10.12.7.180:6443"), None);
    let outcome = run(
        &cloud,
        r#"verify("8.3", "Kubeconfig", || {
            let cluster = site.scope("capi").clusters.get("capi-test-1");
            let kubeconfig = cluster.kubeconfig();
            fact("shown", `${kubeconfig}`);
            fact("handle", `${kube(kubeconfig, #{ name: cluster.name })}`);
            kubeconfig
        });"#,
    );
    assert_eq!(outcome.verdicts(), "8.3 PASS", "{}", outcome.drawn);
    let journal = serde_json::to_string(&outcome.entries).unwrap();
    assert!(journal.contains("kube capi-test-1") && journal.contains("\"***\""), "{journal}");
    assert!(!journal.contains("client-key-data") && !journal.contains("PRIVATE KEY"), "{journal}");
    assert!(outcome.report.steps[0].notes[0].contains("signed a client certificate for cluster capi-test-1"));
    let signed = &cloud.seen("/certificates")[1];
    assert_eq!(signed.body["cluster_uuid"], UUID);
    assert!(signed.body["csr"].as_str().unwrap().contains("CERTIFICATE REQUEST"));
}

#[test]
fn it_is_written_for_its_owner_alone_and_only_when_asked() {
    let (_runtime, cloud) = magnum(json!("https://10.12.7.180:6443"), None);
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("config");
    let script = |kind: &str| {
        let path = to.display();
        format!(
            r#"{kind}("1", "T", || site.scope("capi").clusters.get("capi-test-1").write_kubeconfig("{path}"));"#
        )
    };
    let refused = run(&cloud, &script("verify"));
    assert_eq!(refused.error.unwrap().kind(), ErrorKind::Refused);
    assert!(!to.exists());
    let outcome = run(&cloud, &script("change"));
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
    assert!(std::fs::read_to_string(&to).unwrap().starts_with("apiVersion: v1\n"));
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let intent = &outcome.report.steps[0].effects[0].intent;
    assert_eq!(intent.body, json!({"holds": "a kubeconfig of cluster capi-test-1", "mode": "0600"}));
    assert!(!intent.destroys);
    // the key is another one each time, so the former kubeconfig goes
    let again = run(&cloud, &script("change"));
    let intent = &again.report.steps[0].effects[0].intent;
    assert!(intent.destroys && intent.replaces["size"].is_u64(), "{intent:?}");
}

#[test]
fn who_did_not_create_the_cluster_is_told_whom_magnum_serves() {
    let (_runtime, cloud) = magnum(json!("https://10.12.7.180:6443"), Some(403));
    let outcome =
        run(&cloud, r#"verify("1", "T", || site.scope("capi").clusters.get("capi-test-1").kubeconfig());"#);
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    let help = error.detail().help.clone().unwrap();
    assert!(help.contains("the user who created it") && help.contains("STACK_ID-kubeconfig"), "{help}");
    assert!(error.to_string().contains("no kubeconfig of cluster capi-test-1"), "{error}");
}

#[test]
fn a_cluster_without_an_address_is_said_to_be_on_its_way_and_nothing_is_signed() {
    let (_runtime, cloud) = magnum(Value::Null, None);
    let outcome =
        run(&cloud, r#"verify("1", "T", || site.scope("capi").clusters.get("capi-test-1").kubeconfig());"#);
    let error = outcome.error.unwrap();
    assert!(error.to_string().contains("has no API address yet"), "{error}");
    assert!(cloud.seen("/certificates").is_empty());
}
