//! TLS that does not fit says why.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rhumb::base::{Error, ErrorKind};
use rhumb::systems::http::install_crypto;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::json;

use rhumb::systems::kubernetes::Kube;

use crate::kube_server::{kube, kubeconfig, spec};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that answers every request with the same words.
fn serve(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> SocketAddr {
    install_crypto();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_string()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, mut tls) = (socket.unwrap(), ServerConnection::new(config.clone()).unwrap());
            let mut stream = Stream::new(&mut tls, &mut socket);
            if stream.read(&mut [0; 4096]).is_ok() {
                let body = json!({"kind": "Status", "code": 401, "message": "Unauthorized", "reason": "Unauthorized"}).to_string();
                let head = format!(
                    "HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        }
    });
    address
}

async fn ask(address: SocketAddr, authority: &str, server_name: Option<&str>) -> Error {
    let mut cluster = json!({
        "server": format!("https://{address}"),
        "certificate-authority-data": STANDARD.encode(authority),
    });
    if let Some(name) = server_name {
        cluster["tls-server-name"] = name.into();
    }
    kube(&kubeconfig(cluster, json!({"token": "t"}))).unwrap().versions().await.unwrap_err()
}

#[tokio::test]
async fn another_authority_is_told_with_the_whole_chain() {
    let ours = authority("kubernetes");
    let address = serve(&ours, "127.0.0.1");
    for name in ["kubernetes", "other"] {
        let error = ask(address, &authority(name).pem(), None).await;
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let text = error.to_string();
        assert!(text.contains("is not signed by the kubeconfig's certificate authority"), "{text}");
        assert!(text.contains("invalid peer certificate"), "{text}");
        assert!(error.detail().help.clone().unwrap().contains("fetch it anew"));
    }
    let error = ask(address, &ours.pem(), None).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "with the right one the server is heard: {error}");
}

#[tokio::test]
async fn another_name_is_told_and_can_be_stated() {
    let ours = authority("kubernetes");
    let address = serve(&ours, "kubernetes.default");
    let error = ask(address, &ours.pem(), None).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("is for another name"), "{error}");
    let error = ask(address, &ours.pem(), Some("kubernetes.default")).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let _ = socket.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = ask(address, &authority("kubernetes").pem(), None).await;
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no TLS connection to"), "{error}");
}

/// What comes of asking the server of a kubeconfig that names `declared`, at 127.0.0.1.
async fn ask_at(declared: &str, cluster: serde_json::Value, user: serde_json::Value) -> Error {
    let mut cluster = cluster;
    cluster["server"] = declared.into();
    match Kube::new_at(&spec(&kubeconfig(cluster, user)), "127.0.0.1", None, None) {
        Ok(kube) => kube.versions().await.unwrap_err(),
        Err(e) => e,
    }
}

#[tokio::test]
async fn a_server_at_another_address_proves_itself_by_the_declared_name_or_by_the_new_address() {
    let ours = authority("kubernetes");
    let trusted = json!({ "certificate-authority-data": STANDARD.encode(ours.pem()) });
    let user = json!({"token": "t"});
    for carries in ["127.0.0.1", "10.12.7.40"] {
        let port = serve(&ours, carries).port();
        let error = ask_at(&format!("https://10.12.7.40:{port}"), trusted.clone(), user.clone()).await;
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{carries}: the server is heard: {error}");
    }
    let port = serve(&ours, "10.12.7.41").port();
    let error = ask_at(&format!("https://10.12.7.40:{port}"), trusted.clone(), user.clone()).await;
    assert!(error.to_string().contains("https://127.0.0.1"), "the address that was asked: {error}");
    assert!(error.to_string().contains("is for another name"), "{error}");
    // a name that the kubeconfig states is the only one
    let port = serve(&ours, "10.12.7.40").port();
    let mut stated = trusted.clone();
    stated["tls-server-name"] = "kubernetes".into();
    let error = ask_at(&format!("https://10.12.7.40:{port}"), stated, user.clone()).await;
    assert!(error.to_string().contains("is for another name"), "{error}");
    let other = json!({ "certificate-authority-data": STANDARD.encode(authority("kubernetes").pem()) });
    let error = ask_at(&format!("https://10.12.7.40:{port}"), other, user).await;
    assert!(error.to_string().contains("is not signed by"), "{error}");
}

#[tokio::test]
async fn no_credential_goes_to_another_address_unproven() {
    let mut spec = spec(&kubeconfig(json!({"server": "http://127.0.0.1:6443"}), json!({"token": "t"})));
    let error = Kube::new_at(&spec, "10.0.0.1", None, None).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("in clear"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let any = json!({"server": "https://10.12.7.40:6443", "insecure-skip-tls-verify": true});
    std::fs::write(file.path(), kubeconfig(any, json!({"token": "t"}))).unwrap();
    spec.source =
        rhumb::systems::kubernetes::KubeconfigSource::File { path: file.path().into(), allow_exec: false };
    let error = Kube::new_at(&spec, "10.0.0.1", None, None).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("any certificate"), "{error}");
    assert!(Kube::new_at(&spec, "10.12.7.40", None, None).is_ok(), "its own address is no other one");
}
