//! Who and where a handle proves to be.

use std::fmt;

use http::Method;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Result};

use super::ask::Ask;
use super::connection::Connection;
use super::spec::Expected;

/// Who and where a handle proves to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The URL that the API server is asked at.
    pub server: String,
    /// Its URL as the kubeconfig has it: another one where the handle was led to another address.
    pub declared: String,
    /// The kubeconfig's context.
    pub context: String,
    /// The name of the user's entry in the kubeconfig, which the cluster does not know.
    pub entry: Option<String>,
    /// The user as the cluster knows it; `None` if it does not say (before 1.28).
    pub user: Option<String>,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The uid of the `kube-system` namespace; `None` if this user may not read it.
    pub cluster_uid: Option<String>,
    /// The Kubernetes version, such as `v1.34.9`.
    pub version: Option<String>,
}

/// Asks the cluster who this is, and which cluster it is.
///
/// # Errors
/// As [`Connection::json`], except that what this user may not ask, or an older cluster cannot
/// tell, is left out.
pub(super) async fn identify(
    connection: &Connection,
    context: &str,
    entry: Option<&str>,
) -> Result<Identity> {
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let ask = Ask { harmless: true, ..Ask::new(Method::POST, path, Some(review.into())) };
    let review = told(connection.json(&ask).await)?;
    let system = told(connection.json(&Ask::get("/api/v1/namespaces/kube-system")).await)?;
    let version = told(connection.json(&Ask::get("/version")).await)?;
    let text = |value: &Value| value.as_str().map(String::from);
    let user = &review["status"]["userInfo"];
    Ok(Identity {
        server: connection.server().to_string(),
        declared: connection.declared().to_string(),
        context: context.to_string(),
        entry: entry.map(String::from),
        user: text(&user["username"]),
        groups: user["groups"].as_array().into_iter().flatten().filter_map(text).collect(),
        cluster_uid: text(&system["metadata"]["uid"]),
        version: text(&version["gitVersion"]),
    })
}

fn told(answer: Result<Value>) -> Result<Value> {
    match answer {
        Err(e) if matches!(e.kind(), ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unsupported) => {
            Ok(Value::Null)
        }
        other => other,
    }
}

impl Identity {
    /// Compares with what the site file says.
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMismatch`] that tells declared from found.
    pub(super) fn prove(&self, expected: &Expected) -> Result<()> {
        let server = |url: &str| url.trim_end_matches('/').to_string();
        let pairs = [
            ("server", expected.server.as_deref().map(server), Some(self.declared.clone())),
            ("user", expected.user.clone(), self.user.clone()),
            ("cluster_uid", expected.cluster_uid.clone(), self.cluster_uid.clone()),
        ];
        for (what, declared, found) in pairs {
            let Some(declared) = declared else { continue };
            if found.as_ref() != Some(&declared) {
                let found = found.unwrap_or_else(|| "not told by the cluster".to_string());
                let what = format!("the {what} is declared as `{declared}` but is `{found}`");
                return Err(Error::new(ErrorKind::ScopeMismatch, what)
                    .help("nothing was changed; correct the site file, or the kubeconfig it names"));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.user, &self.entry) {
            (Some(user), _) => f.write_str(user)?,
            (None, Some(entry)) => write!(f, "{entry} (not confirmed by the cluster)")?,
            (None, None) => f.write_str("nobody in particular")?,
        }
        write!(f, " at {}, context {}", self.server, self.context)?;
        match &self.version {
            Some(version) => write!(f, ", {version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            server: "https://10.12.7.40:6443".into(),
            declared: "https://10.12.7.40:6443".into(),
            context: "mgmt".into(),
            entry: Some("admin".into()),
            user: Some("kubernetes-admin".into()),
            groups: vec!["system:masters".into()],
            cluster_uid: None,
            version: Some("v1.34.9".into()),
        }
    }

    #[test]
    fn it_is_shown_in_one_line() {
        let text = "kubernetes-admin at https://10.12.7.40:6443, context mgmt, v1.34.9";
        assert_eq!(identity().to_string(), text);
        let untold = Identity { user: None, version: None, ..identity() };
        assert_eq!(
            untold.to_string(),
            "admin (not confirmed by the cluster) at https://10.12.7.40:6443, context mgmt"
        );
    }

    #[test]
    fn what_is_declared_must_be_found() {
        let declared = |server: &str, user: &str| Expected {
            server: Some(server.into()),
            user: Some(user.into()),
            cluster_uid: None,
        };
        identity().prove(&Expected::default()).unwrap();
        identity().prove(&declared("https://10.12.7.40:6443/", "kubernetes-admin")).unwrap();
        let error = identity().prove(&declared("https://10.12.7.40:6443", "viewer")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ScopeMismatch);
        assert!(error.to_string().contains("declared as `viewer` but is `kubernetes-admin`"));
        // what the cluster does not tell is not proven
        let unproven = Expected { cluster_uid: Some("u-1".into()), ..Expected::default() };
        assert!(identity().prove(&unproven).is_err());
    }
}
