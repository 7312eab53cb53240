//! Hostile input ends with an error, never with a panic.

#[path = "files.rs"]
pub mod files;

use crate::{kube_server, rig};

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rhumb::base::{ErrorKind, Secret, SimClock};
use rhumb::site::Site;
use rhumb::systems::http::Method;
use rhumb::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource, ObjectRef};
use rhumb::systems::openstack::{
    Authority, Call, Cloud, Credential, Declared, Domain, Project, Session, User,
};
use serde_json::json;

use files::cases;
use kube_server::{Behaviour, Cluster};
use rig::Rig;

fn private(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn spec(path: &Path) -> KubeSpec {
    let source = KubeconfigSource::File { path: path.to_path_buf(), allow_exec: true };
    KubeSpec { name: "mgmt".into(), source, context: None, expected: Expected::default() }
}

#[tokio::test]
async fn a_kubeconfig_is_taken_or_refused_where_it_is_wrong() {
    for case in cases(".kubeconfig") {
        let dir = tempfile::tempdir().unwrap();
        let path = private(dir.path(), "config", &case.text);
        case.hold(Kube::new(&spec(&path), None, None));
    }
}

#[test]
fn credentials_are_taken_or_refused_where_they_are_wrong() {
    let clock = || Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    for (ending, file, key) in
        [(".clouds.yaml", "clouds.yaml", "cloud = \"admin\""), (".openrc", "rc", "openrc = \"rc\"")]
    {
        for case in cases(ending) {
            let dir = tempfile::tempdir().unwrap();
            private(dir.path(), file, &case.text);
            private(dir.path(), "site.toml", &format!("name = \"x\"\n[scopes.admin]\n{key}\n"));
            case.hold(Site::load(dir.path(), &[]).and_then(|site| site.session("admin", clock())));
        }
    }
}

#[test]
fn a_site_file_is_taken_or_refused_where_it_is_wrong() {
    for case in cases(".site.toml") {
        let dir = tempfile::tempdir().unwrap();
        private(dir.path(), "site.toml", &case.text);
        case.hold(Site::load(dir.path(), &[]));
    }
}

#[test]
fn a_secret_from_any_source_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let clouds = "clouds:\n  admin:\n    auth: {auth_url: 'https://k:5000/v3', username: a, user_domain_name: D, project_id: p}\n";
    private(dir.path(), "clouds.yaml", clouds);
    let clock = || Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    for (secret, fine) in [("one\n", true), ("one\r\n\n", true), ("one\ntwo\n", false), ("o\x1b[2Jne", false)]
    {
        private(dir.path(), "pw", secret);
        private(
            dir.path(),
            "site.toml",
            "name = \"x\"\n[scopes.admin]\ncloud = \"admin\"\npassword = { file = \"pw\" }\n",
        );
        let came = Site::load(dir.path(), &[]).unwrap().session("admin", clock());
        assert_eq!(came.is_ok(), fine, "{secret:?}");
        if let Err(e) = came {
            assert_eq!((e.kind(), e.detail().place.as_ref().unwrap().line), (ErrorKind::Site, 4), "{e}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_file_is_read_without_its_line_end_and_again_when_it_changes() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let server = json!({"server": format!("http://{}", cluster.address)});
    let config = kube_server::kubeconfig(server, json!({"tokenFile": "token"}));
    let path = private(dir.path(), "config", &config);
    private(dir.path(), "token", "first\n");
    let kube = Kube::new(&spec(&path), None, None).unwrap();
    let look = || async {
        kube.find(&ObjectRef::new("namespace".parse().unwrap(), "kube-system")).await.unwrap();
    };
    look().await;
    private(dir.path(), "token", "second\r\n");
    look().await;
    fs::remove_file(dir.path().join("token")).unwrap();
    look().await;
    let asked = cluster.asked("GET", "/api/v1/namespaces/kube-system");
    let sent: Vec<_> =
        asked.iter().map(|a| a.headers["authorization"].to_str().unwrap().to_string()).collect();
    assert_eq!(sent, ["Bearer first", "Bearer second", "Bearer second"]);
}

#[test]
fn a_kubeconfig_that_cannot_be_used_ends_a_session_and_a_run_in_order() {
    let rig = Rig::new("name = \"x\"\n[kube.mgmt]\nkubeconfig = \"mgmt.yaml\"\nallow_exec = true\n");
    rig.file(
        "pods.rhai",
        r#"runbook("pods", "Pods"); verify("1", "Pods", || site.kube("mgmt").list("pods"));"#,
    );
    for case in ["token-block.kubeconfig", "exec-token-line-end.kubeconfig"] {
        let case = cases(case).remove(0);
        rig.file("mgmt.yaml", &case.text);
        let mut child = rig.command(&["repl"]);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"site.kube(\"mgmt\").list(\"pods\")\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(7), "{}: {told}", case.name);
        let run = rig.run(&["run", "pods"]).expect(7);
        assert_eq!(run.verdicts(), "1 FAIL");
        for told in [told, run.stderr] {
            assert!(told.contains("mgmt.yaml") || told.contains("kubeconfig"), "{told}");
            assert!(!told.contains("panicked"), "{told}");
        }
        // what they recorded is whole
        rig.run(&["verify-run"]).expect(0);
        rig.run(&["runs"]).expect(0);
    }
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_url_is_refused() {
    let cluster = Cluster::start(Behaviour::default()).await;
    let object = ObjectRef::new("namespace".parse().unwrap(), "n".repeat(70_000));
    let error = cluster.kube().find(&object).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
    assert!(cluster.asked("GET", "/api/v1/namespaces").is_empty());
}

/// A Keystone behind TLS, whose catalog names these URLs of Nova. Returns its port, its certificate, and what it was asked.
fn keystone(nova: &str) -> (u16, String, Arc<Mutex<Vec<String>>>) {
    rhumb::systems::http::install_crypto();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (listener, config) = (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(config));
    let port = listener.local_addr().unwrap().port();
    let body = json!({"token": {
        "issued_at": "2026-06-10T02:00:00Z", "expires_at": "2026-06-10T03:00:00Z", "roles": [{"name": "admin"}],
        "user": {"id": "u", "name": "op", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "p", "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "catalog": [{"type": "compute", "endpoints": [{"interface": "public", "region": "R", "url": nova}]}],
    }})
    .to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let into = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream.unwrap());
            let mut head = [0; 8192];
            let Ok(n) = stream.read(&mut head) else { continue };
            let text = String::from_utf8_lossy(&head[..n]).into_owned();
            into.lock().unwrap().push(text.lines().next().unwrap_or_default().to_string());
            let answer = format!(
                "HTTP/1.1 201 Created\r\nx-subject-token: gAAAA\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (port, made.cert.pem(), asked)
}

fn session(port: u16, ca: &Path, plain_http: &[&str]) -> Session {
    let user = User::Name { name: "op".into(), domain: Domain::Name("Default".into()) };
    let credential = Credential::Password { user, password: Secret::new("p") };
    let mut cloud = Cloud::new("c", format!("https://localhost:{port}/v3"), credential);
    cloud.http.tls.ca_file = Some(ca.to_path_buf());
    cloud.plain_http = plain_http.iter().map(ToString::to_string).collect();
    cloud.http.retry = rhumb::systems::http::Retry::NEVER;
    cloud.http.connect_timeout = std::time::Duration::from_millis(200);
    let project = Project::Name { name: "admin".into(), domain: Some(Domain::Name("Default".into())) };
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    Session::new("admin", Arc::new(cloud), Authority::Project(project), Declared::default(), clock).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_came_over_https_does_not_go_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    for (nova, allowed, kind) in [
        // 192.0.2.0/24 is nobody's: a request that is sent ends as unreachable
        ("http://192.0.2.1:9/v2.1", &[][..], ErrorKind::Refused),
        ("http://192.0.2.1:9/v2.1", &["192.0.2.2"][..], ErrorKind::Refused),
        ("http://localhost.example:9/v2.1", &[][..], ErrorKind::Refused),
        ("http://127.0.0.1:9/v2.1", &[][..], ErrorKind::Unreachable),
        ("ftp://127.0.0.1:9/v2.1", &[][..], ErrorKind::Protocol),
        ("http://127.0.0.1:9/\tv2.1", &[][..], ErrorKind::Protocol),
    ] {
        let (port, pem, _) = keystone(nova);
        let ca = private(dir.path(), "ca.pem", &pem);
        let error = session(port, &ca, allowed)
            .send(&Call::new("compute", Method::GET, "/servers"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{nova}: {error} {:?}", error.detail());
        if kind == ErrorKind::Refused {
            assert!(error.detail().help.as_ref().unwrap().contains("plain_http = ["), "{error:?}");
        }
    }
}
