//! Where in the API a request goes.

use super::kinds::{Kind, NAMESPACES, Served};

/// A place in the API.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'p> {
    pub(super) kind: &'static Kind,
    pub(super) version: &'p str,
    /// Empty for all namespaces, or for what is in none.
    pub(super) namespace: &'p str,
    /// Empty for the collection.
    pub(super) name: &'p str,
    /// Empty for the object itself.
    pub(super) part: &'p str,
}

impl<'p> Place<'p> {
    /// The place that a path means; none if nothing is served there.
    pub(super) fn of(served: &Served, path: &'p str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, plural, rest) = match rest {
            ["namespaces", name, plural, rest @ ..] if !["status", "finalize"].contains(plural) => {
                (*name, *plural, rest)
            }
            [plural, rest @ ..] => ("", *plural, rest),
            [] => return None,
        };
        let kind = served.of(group, version).find(|k| k.plural == plural)?;
        let (name, part) = match rest {
            [] => ("", ""),
            [name] => (*name, ""),
            [name, part] => (*name, *part),
            _ => return None,
        };
        // an object of a namespace is reached through it, and one of none is not
        let fits =
            if kind.namespaced { !namespace.is_empty() || name.is_empty() } else { namespace.is_empty() };
        fits.then_some(Place { kind, version, namespace, name, part })
    }

    /// Whether it is the collection of namespaces or one of them.
    pub(super) fn is_namespace(&self) -> bool {
        std::ptr::eq(self.kind, &NAMESPACES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scenario::Quirks;

    fn seen(path: &str) -> Option<(String, &str, &str, &str)> {
        Place::of(&Served::all(), path).map(|p| (p.kind.resource(), p.namespace, p.name, p.part))
    }

    #[test]
    fn a_path_is_one_place_or_none() {
        let is = |path, kind: &str, ns, name, part| {
            assert_eq!(seen(path), Some((kind.to_string(), ns, name, part)), "{path}");
        };
        is("/api/v1/namespaces", "namespaces", "", "", "");
        is("/api/v1/namespaces/kube-system", "namespaces", "", "kube-system", "");
        is("/api/v1/namespaces/x/status", "namespaces", "", "x", "status");
        is("/api/v1/namespaces/x/pods/p/log", "pods", "x", "p", "log");
        is("/apis/apps/v1/deployments", "deployments.apps", "", "", "");
        is("/apis/apps/v1/namespaces/x/deployments/d/scale", "deployments.apps", "x", "d", "scale");
        for nowhere in [
            "/",
            "/api",
            "/api/v1",
            "/api/v2/pods",
            "/api/v1/pods/p",
            "/apis/apps/v1/x",
            "/api/v1/namespaces/x/nodes",
        ] {
            assert_eq!(seen(nowhere), None, "{nowhere}");
        }
        let old = "/apis/infrastructure.cluster.x-k8s.io/v1alpha6/namespaces/x/openstackclusters/c";
        assert_eq!(seen(old), None);
        let newer = "/apis/cluster.x-k8s.io/v1beta2/clusters";
        assert!(Place::of(&Served::by(&Quirks::default(), true), newer).is_some());
        assert!(Place::of(&Served::by(&Quirks::default(), false), newer).is_none());
        let older = Served::by(&Quirks { capi: vec!["v1beta1".into()], ..Quirks::default() }, true);
        assert!(Place::of(&older, newer).is_none());
    }
}
