//! What a cluster serves: groups, versions and kinds, and how a name finds its resource.
//!
//! A version that is not served is [`ErrorKind::Unsupported`], never not-found: a client that
//! took the API server's plain 404 for an absent object is how D-042 came about.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use kube::core::Version;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};

use super::kind::KindName;
use super::resource::Resource;

/// One version of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupVersion {
    /// The API version, such as `v1beta2`.
    pub version: String,
    /// The API server could not ask the extension server behind it; what is known may be old.
    pub stale: bool,
    /// Its kinds.
    pub resources: Vec<Resource>,
}

/// An API group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name; empty for the core group.
    pub name: String,
    /// Its versions, the one to prefer first.
    pub versions: Vec<GroupVersion>,
}

/// Everything that a cluster serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    groups: Vec<Group>,
}

impl Served {
    /// Puts groups together; versions are brought into Kubernetes' order of preference
    /// (`v1`, `v1beta2`, `v1beta1`, `v1alpha1`).
    pub(super) fn new(mut groups: Vec<Group>) -> Self {
        for group in &mut groups {
            group.versions.sort_by_cached_key(|v| Reverse(Version::parse(&v.version).priority()));
        }
        Served { groups }
    }

    /// All groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The versions in which a group is served, the one to prefer first; none if it is not served.
    pub fn versions(&self, group: &str) -> Vec<&str> {
        let group = self.groups.iter().find(|g| g.name == group);
        group.map(|g| g.versions.iter().map(|v| v.version.as_str()).collect()).unwrap_or_default()
    }

    /// Finds the resource that a name means.
    ///
    /// Plural, singular and kind come before short names. Without a version it is the latest
    /// one in which the kind is served. Without a group the core group wins, as in kubectl.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if nothing of that name, group or version is served (with what
    /// is, or what may have been meant); [`ErrorKind::Ambiguous`] if several groups have it.
    pub fn resolve(&self, name: &KindName) -> Result<&Resource> {
        if let Some(group) = &name.group
            && !self.groups.iter().any(|g| &g.name == group)
        {
            return Err(self.unserved_group(group));
        }
        let mut found = self.matches(name, |r| r.is_named(&name.name));
        if found.is_empty() {
            found = self.matches(name, |r| r.has_short_name(&name.name));
        }
        if found.len() > 1
            && let Some(core) = found.iter().position(|(group, _)| group.name.is_empty())
        {
            found = vec![found.swap_remove(core)];
        }
        match found.as_slice() {
            [] => Err(self.unknown(name)),
            [(_, versions)] => pick(name, versions),
            several => {
                let names: Vec<_> =
                    several.iter().filter_map(|(_, v)| v.first()).map(|r| r.full_name()).collect();
                Err(Error::new(
                    ErrorKind::Ambiguous,
                    format!("`{name}` means more than one kind: {}", names.join(", ")),
                )
                .help("write the kind with its group"))
            }
        }
    }

    /// Per group, the matching resource in each version that has one, best version first.
    fn matches(&self, name: &KindName, is: impl Fn(&Resource) -> bool) -> Vec<(&Group, Vec<&Resource>)> {
        let wanted = |g: &&Group| name.group.as_ref().is_none_or(|group| group == &g.name);
        self.groups
            .iter()
            .filter(wanted)
            .map(|g| (g, g.versions.iter().filter_map(|v| v.resources.iter().find(|r| is(r))).collect()))
            .filter(|(_, found): &(_, Vec<_>)| !found.is_empty())
            .collect()
    }

    fn unserved_group(&self, group: &str) -> Error {
        let names = self.groups.iter().map(|g| g.name.as_str());
        let error = Error::new(ErrorKind::Unsupported, format!("the cluster serves no API group `{group}`"));
        match nearest(group, names) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("its custom resource definitions are not installed in this cluster"),
        }
    }

    fn unknown(&self, name: &KindName) -> Error {
        let resources = || self.groups.iter().flat_map(|g| &g.versions).flat_map(|v| &v.resources);
        let error = Error::new(ErrorKind::Unsupported, format!("the cluster serves no kind `{name}`"));
        let names: BTreeSet<&str> =
            resources().flat_map(|r| [r.plural.as_str(), r.singular.as_str()]).collect();
        if let Some(near) = nearest(&name.name, names) {
            return error.help(format!("did you mean `{near}`?"));
        }
        let stale: Vec<String> = self
            .groups
            .iter()
            .flat_map(|g| {
                g.versions.iter().filter(|v| v.stale).map(move |v| format!("{}/{}", g.name, v.version))
            })
            .collect();
        match stale.as_slice() {
            [] => error.help("its custom resource definition is not installed in this cluster"),
            _ => error.help(format!("the servers behind {} do not answer", stale.join(", "))),
        }
    }
}

fn pick<'a>(name: &KindName, versions: &[&'a Resource]) -> Result<&'a Resource> {
    let found = match &name.version {
        None => versions.first(),
        Some(version) => versions.iter().find(|r| &r.version == version),
    };
    found.copied().ok_or_else(|| {
        let served: Vec<_> = versions.iter().map(|r| r.api_version()).collect();
        Error::new(ErrorKind::Unsupported, format!("the cluster does not serve `{name}`"))
            .help(format!("it serves this kind as {}", served.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, version: &str, kind: &str, short: &[&str]) -> Resource {
        let singular = kind.to_lowercase();
        Resource {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: match singular.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None => format!("{singular}s"),
            },
            singular,
            short_names: short.iter().map(|s| s.to_string()).collect(),
            namespaced: kind != "Node",
            ..Resource::default()
        }
    }

    /// Kinds with their short names.
    type Kinds<'a> = &'a [(&'a str, &'a [&'a str])];

    fn group(name: &str, versions: &[(&str, Kinds)]) -> Group {
        Group {
            name: name.into(),
            versions: versions
                .iter()
                .map(|(version, kinds)| GroupVersion {
                    version: version.to_string(),
                    stale: false,
                    resources: kinds.iter().map(|(k, short)| resource(name, version, k, short)).collect(),
                })
                .collect(),
        }
    }

    fn served() -> Served {
        Served::new(vec![
            group(
                "",
                &[("v1", &[("Pod", &["po"]), ("Service", &["svc"]), ("Event", &["ev"]), ("Node", &["no"])])],
            ),
            group("apps", &[("v1", &[("Deployment", &["deploy"])])]),
            group("events.k8s.io", &[("v1", &[("Event", &["ev"])])]),
            group("networking.k8s.io", &[("v1", &[("NetworkPolicy", &["netpol"])])]),
            group("crd.projectcalico.org", &[("v1", &[("NetworkPolicy", &[])])]),
            group(
                "cluster.x-k8s.io",
                &[
                    ("v1beta1", &[("Cluster", &["cl"]), ("Machine", &["ma"])]),
                    ("v1beta2", &[("Cluster", &["cl"])]),
                ],
            ),
            group("infrastructure.cluster.x-k8s.io", &[("v1beta1", &[("OpenStackCluster", &["osc"])])]),
        ])
    }

    fn resolve(name: &str) -> Result<String> {
        let served = served();
        let r = served.resolve(&name.parse()?)?;
        Ok(format!("{} {}", r.api_version(), r.kind))
    }

    #[test]
    fn a_kind_is_found_by_each_of_its_names() {
        for name in
            ["deployment", "deployments", "Deployment", "deploy", "deploy.apps", "deployments.v1.apps"]
        {
            assert_eq!(resolve(name).unwrap(), "apps/v1 Deployment", "{name}");
        }
        assert_eq!(
            resolve("openstackcluster").unwrap(),
            "infrastructure.cluster.x-k8s.io/v1beta1 OpenStackCluster"
        );
        assert_eq!(resolve("pods.v1.").unwrap(), "v1 Pod");
    }

    #[test]
    fn without_a_version_it_is_the_latest_that_has_the_kind() {
        assert_eq!(served().versions("cluster.x-k8s.io"), ["v1beta2", "v1beta1"]);
        assert_eq!(resolve("cluster").unwrap(), "cluster.x-k8s.io/v1beta2 Cluster");
        assert_eq!(resolve("machine").unwrap(), "cluster.x-k8s.io/v1beta1 Machine");
        assert_eq!(resolve("cluster/v1beta1").unwrap(), "cluster.x-k8s.io/v1beta1 Cluster");
    }

    #[test]
    fn an_unserved_version_is_unsupported_and_says_what_is_served() {
        let error = resolve("openstackcluster.infrastructure.cluster.x-k8s.io/v1alpha6").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let help = error.detail().help.clone().unwrap();
        assert_eq!(help, "it serves this kind as infrastructure.cluster.x-k8s.io/v1beta1");
    }

    #[test]
    fn the_core_group_wins_and_other_ties_are_listed() {
        assert_eq!(resolve("events").unwrap(), "v1 Event");
        let error = resolve("networkpolicy").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
        let text = error.to_string();
        assert!(text.contains("networkpolicies.networking.k8s.io"), "{text}");
        assert!(text.contains("networkpolicies.crd.projectcalico.org"), "{text}");
        assert_eq!(resolve("netpol").unwrap(), "networking.k8s.io/v1 NetworkPolicy");
    }

    #[test]
    fn a_typo_gets_a_suggestion() {
        let help = |name: &str| resolve(name).unwrap_err().detail().help.clone().unwrap();
        assert_eq!(help("deploymnts"), "did you mean `deployments`?");
        assert_eq!(help("machine.cluster.x-k8.io"), "did you mean `cluster.x-k8s.io`?");
        assert!(help("zzz").contains("not installed"), "{}", help("zzz"));
    }

    #[test]
    fn a_group_whose_server_is_away_is_named() {
        let mut groups = served().groups;
        groups.push(Group {
            name: "metrics.k8s.io".into(),
            versions: vec![GroupVersion { version: "v1beta1".into(), stale: true, resources: vec![] }],
        });
        let served = Served::new(groups);
        let error = served.resolve(&"xylophone".parse().unwrap()).unwrap_err();
        assert!(error.detail().help.clone().unwrap().contains("metrics.k8s.io/v1beta1"));
    }
}
