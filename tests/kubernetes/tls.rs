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

use crate::kube_server::{kube, kubeconfig};

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
