//! Kinds as operators name them: `deploy`, `Deployment`, `clusters.cluster.x-k8s.io`,
//! `cluster.cluster.x-k8s.io/v1beta1`, `deployments.v1.apps`.

use std::fmt;
use std::str::FromStr;

use crate::base::{Error, ErrorKind, Result};

/// The name of a kind: plural, singular, kind or short name, and optionally its group and version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KindName {
    /// Plural, singular, kind or short name, in lower case.
    pub name: String,
    /// The API group; `Some("")` is the core group, `None` any.
    pub group: Option<String>,
    /// The API version; `None` is the latest served one.
    pub version: Option<String>,
}

impl KindName {
    /// The kind that a manifest declares by its `apiVersion` and `kind`.
    pub fn of_manifest(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        KindName {
            name: kind.to_lowercase(),
            group: Some(group.to_string()),
            version: Some(version.to_string()),
        }
    }
}

impl FromStr for KindName {
    type Err = Error;

    /// Reads `name[.group][/version]` or kubectl's `name.version[.group]`.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if the text is neither.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Argument, format!("`{text}` does not name a kind"))
                .help("write deployment, clusters.cluster.x-k8s.io or cluster.cluster.x-k8s.io/v1beta1")
        };
        let (path, mut version) = match text.split_once('/') {
            Some((path, version)) if is_version(version) => (path, Some(version)),
            Some(_) => return Err(wrong()),
            None => (text, None),
        };
        let (name, mut group) = match path.split_once('.') {
            Some((name, group)) => (name, Some(group)),
            None => (path, None),
        };
        if let (Some(rest), None) = (group, version) {
            let (first, after) = match rest.split_once('.') {
                Some((first, after)) => (first, Some(after)),
                None => (rest, None),
            };
            if is_version(first) {
                (version, group) = (Some(first), after);
            }
        }
        let word = |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if name.is_empty() || !word(name) || !group.is_none_or(|g| g.split('.').all(word)) {
            return Err(wrong());
        }
        Ok(KindName {
            name: name.to_lowercase(),
            group: group.map(str::to_lowercase),
            version: version.map(String::from),
        })
    }
}

/// Whether a text is an API version as Kubernetes writes them: `v1`, `v1beta2`, `v2alpha1`.
pub(super) fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match rest.split_once("beta").or_else(|| rest.split_once("alpha")) {
        Some((major, minor)) => digits(major) && digits(minor),
        None => digits(rest),
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(group) = self.group.as_deref().filter(|g| !g.is_empty()) {
            write!(f, ".{group}")?;
        }
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>, Option<String>) {
        let k: KindName = text.parse().unwrap();
        (k.name, k.group, k.version)
    }

    #[test]
    fn reads_every_way_operators_write_a_kind() {
        let some = |s: &str| Some(s.to_string());
        assert_eq!(parts("Deployment"), ("deployment".into(), None, None));
        assert_eq!(parts("clusters.cluster.x-k8s.io"), ("clusters".into(), some("cluster.x-k8s.io"), None));
        assert_eq!(
            parts("cluster.cluster.x-k8s.io/v1beta1"),
            ("cluster".into(), some("cluster.x-k8s.io"), some("v1beta1"))
        );
        assert_eq!(parts("deployments.v1.apps"), ("deployments".into(), some("apps"), some("v1")));
        assert_eq!(parts("pods.v1."), ("pods".into(), some(""), some("v1")));
        assert_eq!(parts("pods/v1"), ("pods".into(), None, some("v1")));
    }

    #[test]
    fn refuses_what_is_no_kind() {
        for text in ["", "pods/log", "apps/v1/Deployment", "../secrets", "a b", ".apps", "pods/v1/x"] {
            let error = text.parse::<KindName>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument, "{text}");
        }
    }

    #[test]
    fn shows_what_it_read() {
        for text in ["pods", "clusters.cluster.x-k8s.io", "cluster.cluster.x-k8s.io/v1beta1"] {
            assert_eq!(text.parse::<KindName>().unwrap().to_string(), text);
        }
        assert_eq!(KindName::of_manifest("v1", "Service").to_string(), "service/v1");
    }
}
