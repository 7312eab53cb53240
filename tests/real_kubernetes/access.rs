//! Who may do what, and a server that is not believed.

use rhumb::base::ErrorKind;
use rhumb::systems::http::install_crypto;
use rhumb::systems::kubernetes::{Expected, Kube, KubeCall, KubeSpec, KubeconfigSource, Selection};
use serde_json::json;

use crate::kube_server::{carry_out, kube};
use crate::place::{Place, admin, handle, kind, object};
use crate::rig::Rig;
use crate::testbed::{stdout, var};

/// The administrator's kubeconfig with something else in it.
fn altered(alter: impl FnOnce(String) -> String) -> Kube {
    install_crypto();
    kube(&alter(std::fs::read_to_string(var("KUBECONFIG")).unwrap())).unwrap()
}

fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let at = text.find(key).unwrap() + key.len();
    text[at..].split([',', '}']).next().unwrap().trim_start_matches(':').trim()
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_with_who_lacks_it() {
    let reader = handle("KUBECONFIG_READER").in_namespace("default");
    reader.list(&Selection::of(kind("configmaps"))).await.unwrap();
    let error = reader.list(&Selection::of(kind("secrets"))).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Forbidden, Some(403)));
    let text = error.to_string();
    assert!(text.contains("User \"testbed-reader\" cannot list resource \"secrets\""), "{text}");
    assert!(error.detail().help.as_deref().unwrap().contains("Role"), "{error:?}");

    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "not-mine"}});
    let error = carry_out(&reader, KubeCall::Create { manifest: map.into() }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(admin().in_namespace("default").find(&object("configmap", "not-mine")).await.unwrap().is_none());
    // what may not be looked at is no absence
    assert_eq!(reader.find(&object("secret", "x")).await.unwrap_err().kind(), ErrorKind::Forbidden);
    // and what this user may not ask is left out of who it proves to be
    assert_eq!(reader.identity().await.unwrap().cluster_uid, None);
}

#[test]
fn an_operator_who_lacks_a_right_reads_who_and_what() {
    let rig = Rig::new("name = \"rights\"\n[kube.mgmt]\nkubeconfig = \"mgmt.yaml\"\n");
    rig.file("mgmt.yaml", &std::fs::read_to_string(var("KUBECONFIG_READER")).unwrap());
    rig.file(
        "rights.rhai",
        r#"runbook("rights", "Rights");
verify("1", "Secrets", || gate("some", site.kube("mgmt").list("secrets").len() > 0));"#,
    );
    let ended = rig.run(&["run", "rights"]);
    assert_ne!(ended.exit, 0);
    assert!(
        ended.stderr.contains("\"testbed-reader\" cannot list")
            || ended.stdout.contains("\"testbed-reader\" cannot list"),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_spoken_to() {
    let scratch = tempfile::tempdir().unwrap();
    let (key, other) = (scratch.path().join("key"), scratch.path().join("ca"));
    let args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout"];
    stdout(
        "openssl",
        args.iter().map(|s| (*s).to_string()).chain([
            key.display().to_string(),
            "-out".into(),
            other.display().to_string(),
        ]),
    );
    let other =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, std::fs::read(other).unwrap());
    let kube = altered(|text| {
        let own = value(&text, "certificate-authority-data").to_string();
        text.replace(&own, &other)
    });
    let error = kube.identity().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("is not signed by the kubeconfig's certificate authority"), "{error}");
}

#[tokio::test]
async fn who_brings_no_certificate_is_anonymous_and_told_so() {
    let kube = altered(|text| {
        let at = text.find("users:").unwrap();
        format!("{}users: [{{name: admin, user: {{}}}}]\n", &text[..at])
    });
    let error = kube.in_namespace("default").list(&Selection::of(kind("configmaps"))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthorized), "{error}");
    let kube = altered(|text| {
        let at = text.find("users:").unwrap();
        format!("{}users: [{{name: admin, user: {{token: nonsense}}}}]\n", &text[..at])
    });
    let error = kube.in_namespace("default").list(&Selection::of(kind("configmaps"))).await.unwrap_err();
    assert_eq!((error.kind(), error.detail().status), (ErrorKind::Unauthorized, Some(401)));
    assert!(!format!("{error:?}").contains("nonsense"));
}

#[tokio::test]
async fn a_cluster_that_is_not_the_declared_one_is_left_alone() {
    let place = Place::new();
    let uid = admin().identity().await.unwrap().cluster_uid.clone().unwrap();
    let declared = |cluster_uid: &str, user: Option<&str>| {
        let source = KubeconfigSource::File { path: var("KUBECONFIG").into(), allow_exec: false };
        let expected =
            Expected { cluster_uid: Some(cluster_uid.into()), user: user.map(String::from), server: None };
        let spec = KubeSpec { name: "mgmt".into(), source, context: None, expected };
        Kube::new(&spec, None, None).unwrap().in_namespace(&place.name)
    };
    let map = || KubeCall::Create {
        manifest: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}).into(),
    };
    let error = carry_out(&declared("another", None), map()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScopeMismatch);
    // 1.20 cannot tell who asks: what is declared is then not proven
    let error = carry_out(&declared(&uid, Some("testbed-admin")), map()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScopeMismatch);
    assert!(error.to_string().contains("not told by the cluster"), "{error}");
    assert!(place.kube().find(&object("configmap", "m")).await.unwrap().is_none());
    carry_out(&declared(&uid, None), map()).await.unwrap();
}
