//! A resource: one kind in one version of its group, and the paths of its objects.

use crate::base::Result;

use super::path::segment;

/// One kind in one version of its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The API version, such as `v1beta2`.
    pub version: String,
    /// The kind as manifests write it, such as `OpenStackCluster`.
    pub kind: String,
    /// The plural name as paths write it.
    pub plural: String,
    /// The singular name.
    pub singular: String,
    /// Short names, such as `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What the server lets be done with it: `get`, `list`, `watch`...
    pub verbs: Vec<String>,
    /// Subresources, such as `status`, `scale`, `log`.
    pub subresources: Vec<String>,
}

impl Resource {
    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The name that means this resource and no other: `clusters.cluster.x-k8s.io`.
    pub fn full_name(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// The path of its objects in a namespace, or (`None`) in all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::base::ErrorKind::Argument) if the namespace's name is not one.
    pub fn collection(&self, namespace: Option<&str>) -> Result<String> {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        let place = match namespace.filter(|_| self.namespaced) {
            Some(ns) => format!("namespaces/{}/", segment("namespace", ns)?),
            None => String::new(),
        };
        Ok(format!("{root}/{}/{place}{}", self.api_version(), self.plural))
    }

    /// The path of one object.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::base::ErrorKind::Argument) if a name is not one.
    pub fn object(&self, namespace: &str, name: &str) -> Result<String> {
        let name = segment(&self.singular, name)?;
        Ok(format!("{}/{name}", self.collection(Some(namespace))?))
    }

    /// How one of its objects is called in messages: `deployment default/rr`, `node n1`.
    pub fn call(&self, namespace: &str, name: &str) -> String {
        match self.namespaced {
            true => format!("{} {namespace}/{name}", self.singular),
            false => format!("{} {name}", self.singular),
        }
    }

    /// The name that means one of its objects and no other of the cluster: `deployments.apps/default/rr`, `nodes/n1`.
    pub fn told(&self, namespace: &str, name: &str) -> String {
        match self.namespaced {
            true => format!("{}/{namespace}/{name}", self.full_name()),
            false => format!("{}/{name}", self.full_name()),
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.plural == name || self.singular == name || self.kind.to_lowercase() == name
    }

    pub(super) fn has_short_name(&self, name: &str) -> bool {
        self.short_names.iter().any(|s| s == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, version: &str, plural: &str, namespaced: bool) -> Resource {
        Resource {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            singular: plural.trim_end_matches('s').into(),
            namespaced,
            ..Resource::default()
        }
    }

    #[test]
    fn paths_know_groups_and_namespaces() {
        let (pods, nodes) = (resource("", "v1", "pods", true), resource("", "v1", "nodes", false));
        assert_eq!(pods.collection(Some("kube-system")).unwrap(), "/api/v1/namespaces/kube-system/pods");
        assert_eq!(pods.collection(None).unwrap(), "/api/v1/pods");
        assert_eq!(nodes.collection(Some("default")).unwrap(), "/api/v1/nodes");
        assert_eq!(nodes.object("default", "n1").unwrap(), "/api/v1/nodes/n1");
        let clusters = resource("cluster.x-k8s.io", "v1beta2", "clusters", true);
        assert_eq!(
            clusters.object("m", "c").unwrap(),
            "/apis/cluster.x-k8s.io/v1beta2/namespaces/m/clusters/c"
        );
        assert!(pods.object("a/b", "c").is_err() && pods.object("a", "..").is_err());
    }

    #[test]
    fn names_tell_it_from_others() {
        let (pods, nodes) = (resource("", "v1", "pods", true), resource("", "v1", "nodes", false));
        assert_eq!(
            (pods.call("default", "p"), nodes.call("default", "n")),
            ("pod default/p".into(), "node n".into())
        );
        let clusters = resource("cluster.x-k8s.io", "v1beta2", "clusters", true);
        assert_eq!(
            (clusters.full_name(), pods.full_name()),
            ("clusters.cluster.x-k8s.io".into(), "pods".into())
        );
    }
}
