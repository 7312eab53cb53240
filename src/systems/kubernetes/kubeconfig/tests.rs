//! Kubeconfigs that are taken, and those that are refused.

use std::fs;

use super::*;
use crate::base::{Error, ErrorKind, Secret};
use crate::systems::kubernetes::spec::{Expected, KubeconfigSource};
use serde_json::{Value, json};

fn text(cluster: Value, user: Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "mgmt",
        "contexts": [{"name": "mgmt", "context": {"cluster": "c", "user": "admin", "namespace": "m"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
    })
    .to_string()
}

fn spec(source: KubeconfigSource, context: Option<&str>) -> KubeSpec {
    KubeSpec { name: "mgmt".into(), source, context: context.map(Into::into), expected: Expected::default() }
}

fn fetched(text: String) -> Result<Way> {
    way(&spec(KubeconfigSource::Fetched(Secret::new(text)), None))
}

fn site(text: &str, context: Option<&str>) -> Result<Way> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, text).unwrap();
    way(&spec(KubeconfigSource::File { path, allow_exec: false }, context))
}

fn failure(way: Result<Way>) -> Error {
    match way {
        Ok(way) => panic!("{} was taken", way.context),
        Err(error) => error,
    }
}

#[test]
fn a_context_is_reduced_to_what_it_needs() {
    let way = fetched(text(
        json!({"server": "https://10.0.0.1:6443", "tls-server-name": "kubernetes"}),
        json!({"token": "t0ken"}),
    ))
    .unwrap();
    assert_eq!((way.context.as_str(), way.user.as_deref()), ("mgmt", Some("admin")));
    assert_eq!(way.config.cluster_url, "https://10.0.0.1:6443/");
    assert_eq!(way.config.default_namespace, "m");
    assert_eq!(way.config.tls_server_name.as_deref(), Some("kubernetes"));
    assert!(!way.config.default_retry);
    assert!(way.config.proxy_url.is_none());
}

#[test]
fn a_program_is_not_run_unless_the_site_allows_it() {
    let exec = text(
        json!({"server": "https://x"}),
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh"}}),
    );
    let error = failure(fetched(exec.clone()));
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("running `sh`"), "{error}");
    let error = failure(site(&exec, None));
    assert_eq!(error.kind(), ErrorKind::Site);
    assert!(error.detail().help.clone().unwrap().contains("allow_exec"));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, &exec).unwrap();
    let allowed = way(&spec(KubeconfigSource::File { path, allow_exec: true }, None)).unwrap();
    assert!(allowed.config.auth_info.exec.is_some());
    let provider = text(json!({"server": "https://x"}), json!({"auth-provider": {"name": "gcp"}}));
    let error = failure(site(&provider, None));
    assert!(error.to_string().contains("auth-provider `gcp`"));
    assert!(!error.detail().help.clone().unwrap().contains("allow_exec"), "{error:?}");
}

#[test]
fn a_fetched_text_cannot_reach_beyond_itself() {
    let https = || json!({"server": "https://x"});
    for (cluster, user, word) in [
        (https(), json!({"tokenFile": "/etc/passwd"}), "tokenFile"),
        (https(), json!({"client-key": "/k", "client-certificate": "/c"}), "client-key"),
        (json!({"server": "https://x", "certificate-authority": "/ca"}), json!({}), "certificate-authority"),
        (json!({"server": "https://x", "insecure-skip-tls-verify": true}), json!({}), "insecure"),
        (json!({"server": "https://x", "proxy-url": "http://evil"}), json!({}), "proxy-url"),
    ] {
        let error = failure(fetched(text(cluster, user)));
        assert_eq!(error.kind(), ErrorKind::Refused, "{word}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_file_of_the_site_may_name_others_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "t0ken\n").unwrap();
    let path = dir.path().join("config");
    fs::write(
        &path,
        text(json!({"server": "https://x", "proxy-url": "http://p:3128"}), json!({"tokenFile": "token"})),
    )
    .unwrap();
    let way = way(&spec(KubeconfigSource::File { path, allow_exec: false }, None)).unwrap();
    assert_eq!(way.token_file, Some(dir.path().join("token")));
    assert!(way.config.auth_info.token.is_some() && way.config.auth_info.token_file.is_none());
    assert_eq!(way.config.proxy_url.unwrap(), "http://p:3128/");
}

#[test]
fn what_is_missing_is_named_with_what_is_there() {
    let good = text(json!({"server": "https://x"}), json!({}));
    let error = failure(site(&good, Some("mgnt")));
    assert_eq!(error.kind(), ErrorKind::Site);
    assert_eq!(error.detail().help.as_deref(), Some("did you mean `mgmt`?"));
    let no_user = good.replace(r#""user":"admin""#, r#""user":"nobody""#);
    assert!(failure(site(&no_user, None)).to_string().contains("no user `nobody`"));
    let error = failure(fetched(text(json!({"server": ""}), json!({}))));
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn a_bad_authority_says_so() {
    for (data, word) in [("%%%", "base64"), ("aGVsbG8=", "without a PEM certificate")] {
        let cluster = json!({"server": "https://x", "certificate-authority-data": data});
        assert!(failure(fetched(text(cluster, json!({})))).to_string().contains(word), "{word}");
    }
}

#[test]
fn a_malformed_text_is_not_quoted() {
    let error = failure(site("users:\n- name: x\n  user: {token: [hunter2]}\n", None));
    assert_eq!(error.detail().place.as_ref().map(|p| p.line), Some(3));
    let shown = format!("{error} {:?}", error.detail());
    assert!(!shown.contains("hunter2"), "{shown}");
}
