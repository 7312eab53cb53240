//! A client certificate for a cluster, asked for without a file: key and request are made in
//! memory, a service that holds the cluster's authority (Magnum) signs, and what comes of it is a
//! kubeconfig that is a secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Result, Secret};

/// Whom the certificate names: the user and the group that Kubernetes' built-in
/// `cluster-admin` binding knows, as `openstack coe cluster config` has them.
const USER: &str = "admin";
const GROUP: &str = "system:masters";

/// A private key (ECDSA P-256) that never leaves memory, and the request to certify it.
#[derive(Clone, Debug)]
pub struct ClientKey {
    key: Secret,
    request: String,
}

impl ClientKey {
    /// A new key and its request, for user `admin` in group `system:masters`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the machine gives no random numbers.
    pub fn generate() -> Result<Self> {
        let wrong = |e: rcgen::Error| {
            Error::new(ErrorKind::Internal, "no client key can be made on this machine").from_source(&e)
        };
        let key = KeyPair::generate().map_err(wrong)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, GROUP);
        params.distinguished_name.push(DnType::CommonName, USER);
        let request = params.serialize_request(&key).and_then(|r| r.pem()).map_err(wrong)?;
        Ok(ClientKey { key: Secret::new(key.serialize_pem()), request })
    }

    /// The private key as PKCS #8 PEM.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// The certificate signing request as PEM. It is no secret.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// A kubeconfig with the certificate that was issued for this key, as YAML. It holds all that
    /// it needs.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if there is no API address yet, if what was issued is not PEM, or
    /// if the certificate is not for this key.
    pub fn kubeconfig(
        &self,
        cluster: &str,
        server: &str,
        authority: &str,
        certificate: &str,
    ) -> Result<Secret> {
        is_address(cluster, server)?;
        certificates("certificate authority", authority)?;
        self.matches(certificates("client certificate", certificate)?)?;
        let document = document(cluster, server, authority, certificate, self.key.expose());
        // without the writer's own message, which could quote the key
        let text = serde_saphyr::to_string(&document).map_err(|_| {
            Error::new(ErrorKind::Internal, format!("no kubeconfig can be written for {cluster}"))
        })?;
        Ok(Secret::new(text))
    }

    fn matches(&self, chain: Vec<CertificateDer<'static>>) -> Result<()> {
        let wrong = || Error::new(ErrorKind::Protocol, "the certificate that was issued is not for this key");
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes()).map_err(|_| wrong())?;
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map(|_| ())
            .map_err(|e| wrong().from_source(&e))
    }
}

/// Whether a cluster has an address that a kubeconfig can name.
///
/// # Errors
/// [`ErrorKind::Protocol`] if it has none yet.
pub fn is_address(cluster: &str, server: &str) -> Result<()> {
    if server.starts_with("https://") {
        return Ok(());
    }
    let what = match server {
        "" => format!("the cluster {cluster} has no API address yet"),
        server => format!("the cluster {cluster} has `{server}` as its API address"),
    };
    Err(Error::new(ErrorKind::Protocol, what)
        .help("wait until it is created: the address comes with its API load balancer"))
}

fn certificates(what: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |why: &str| Error::new(ErrorKind::Protocol, format!("the {what} that was issued {why}"));
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(wrong("holds no PEM certificate")),
        Err(e) => Err(wrong("is not PEM").cause(e.to_string())),
    }
}

fn document(cluster: &str, server: &str, authority: &str, certificate: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [{
            "name": cluster,
            "cluster": {"server": server, "certificate-authority-data": STANDARD.encode(authority)},
        }],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": USER}}],
        "users": [{
            "name": USER,
            "user": {
                "client-certificate-data": STANDARD.encode(certificate),
                "client-key-data": STANDARD.encode(key),
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource};
    use rcgen::{BasicConstraints, CertifiedIssuer, IsCa};

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn issue(authority: &CertifiedIssuer<'_, KeyPair>, to: &ClientKey) -> String {
        let key = KeyPair::from_pem(to.key().expose()).unwrap();
        CertificateParams::default().signed_by(&key, authority).unwrap().pem()
    }

    #[test]
    fn the_request_names_the_administrator_and_not_the_key() {
        let key = ClientKey::generate().unwrap();
        let der = rustls::pki_types::CertificateSigningRequestDer::from_pem_slice(key.request().as_bytes())
            .unwrap();
        let has = |text: &[u8]| der.as_ref().windows(text.len()).any(|w| w == text);
        assert!(has(b"admin") && has(b"system:masters"));
        let secret = key.key().expose().lines().nth(1).unwrap().to_string();
        assert!(!format!("{key:?}").contains(&secret));
    }

    #[tokio::test]
    async fn a_handle_takes_the_kubeconfig_as_it_is() {
        let (authority, key) = (authority(), ClientKey::generate().unwrap());
        let certificate = issue(&authority, &key);
        let text = key.kubeconfig("c1", "https://10.12.7.180:6443", &authority.pem(), &certificate).unwrap();
        assert!(text.expose().starts_with("apiVersion: v1\n"), "YAML as people write it");
        let spec = KubeSpec {
            name: "c1".into(),
            source: KubeconfigSource::Fetched(text),
            context: None,
            expected: Expected::default(),
        };
        let kube = Kube::new(&spec, None, None).unwrap();
        assert_eq!(kube.server(), "https://10.12.7.180:6443");
    }

    #[test]
    fn a_certificate_for_another_key_is_noticed() {
        let (authority, key, other) =
            (authority(), ClientKey::generate().unwrap(), ClientKey::generate().unwrap());
        let certificate = issue(&authority, &other);
        let error = key.kubeconfig("c1", "https://x:6443", &authority.pem(), &certificate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("not for this key"), "{error}");
    }

    #[test]
    fn a_cluster_without_an_address_is_not_up_yet() {
        let key = ClientKey::generate().unwrap();
        let error = key.kubeconfig("c1", "", "", "").unwrap_err();
        assert!(error.detail().help.clone().unwrap().contains("created"));
        let error = key.kubeconfig("c1", "https://x", "no pem", "").unwrap_err();
        assert!(error.to_string().contains("holds no PEM certificate"), "{error}");
    }
}
