//! The kinds that a cluster serves.

use crate::lab::scenario::Quirks;

/// One kind of objects.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Its API group; empty for the core group.
    pub(super) group: &'static str,
    /// The versions that there are of it, the one that it is kept in first.
    pub(super) versions: &'static [&'static str],
    /// `Deployment`.
    pub(super) kind: &'static str,
    /// `deployments`.
    pub(super) plural: &'static str,
    pub(super) short: &'static [&'static str],
    pub(super) namespaced: bool,
    /// It has a `status` subresource.
    pub(super) status: bool,
    /// It has a `scale` subresource.
    pub(super) scale: bool,
    /// Which clusters serve it.
    pub(super) scope: Scope,
}

/// Which clusters serve a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    Everywhere,
    /// The management cluster.
    Management,
    /// It is asked, not kept: `create` is its only verb.
    Question,
}

const V1: &[&str] = &["v1"];
const CAPI: &[&str] = &["v1beta2", "v1beta1"];
const CAPO: &[&str] = &["v1beta1", "v1beta2"];

const fn core(kind: &'static str, plural: &'static str, short: &'static [&'static str]) -> Kind {
    Kind {
        group: "",
        versions: V1,
        kind,
        plural,
        short,
        namespaced: true,
        status: false,
        scale: false,
        scope: Scope::Everywhere,
    }
}

const fn of(group: &'static str, kind: Kind) -> Kind {
    Kind { group, status: true, ..kind }
}

const fn capi(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
) -> Kind {
    Kind { versions: CAPI, scope: Scope::Management, ..of(group, core(kind, plural, short)) }
}

pub(super) static NAMESPACES: Kind =
    Kind { namespaced: false, status: true, ..core("Namespace", "namespaces", &["ns"]) };
pub(super) static NODES: Kind = Kind { namespaced: false, status: true, ..core("Node", "nodes", &["no"]) };
pub(super) static PODS: Kind = of("", core("Pod", "pods", &["po"]));
pub(super) static SERVICES: Kind = of("", core("Service", "services", &["svc"]));
pub(super) static SECRETS: Kind = core("Secret", "secrets", &[]);
pub(super) static EVENTS: Kind = core("Event", "events", &["ev"]);
pub(super) static CONFIG_MAPS: Kind = core("ConfigMap", "configmaps", &["cm"]);
pub(super) static CLAIMS: Kind = of("", core("PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"]));
pub(super) static DEPLOYMENTS: Kind =
    Kind { scale: true, ..of("apps", core("Deployment", "deployments", &["deploy"])) };
pub(super) static REPLICA_SETS: Kind =
    Kind { scale: true, ..of("apps", core("ReplicaSet", "replicasets", &["rs"])) };
pub(super) static DAEMON_SETS: Kind = of("apps", core("DaemonSet", "daemonsets", &["ds"]));
pub(super) static REVIEWS: Kind = Kind {
    namespaced: false,
    status: false,
    scope: Scope::Question,
    ..of("authentication.k8s.io", core("SelfSubjectReview", "selfsubjectreviews", &[]))
};
pub(super) static ACCESS: Kind = Kind {
    group: "authorization.k8s.io",
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    ..REVIEWS
};
pub(super) static CLUSTERS: Kind = capi("cluster.x-k8s.io", "Cluster", "clusters", &["cl"]);
pub(super) static MACHINES: Kind = capi("cluster.x-k8s.io", "Machine", "machines", &["ma"]);
pub(super) static MACHINE_DEPLOYMENTS: Kind =
    Kind { scale: true, ..capi("cluster.x-k8s.io", "MachineDeployment", "machinedeployments", &["md"]) };
pub(super) static CONTROL_PLANES: Kind = Kind {
    scale: true,
    ..capi("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", "kubeadmcontrolplanes", &["kcp"])
};
pub(super) static OPENSTACK_CLUSTERS: Kind = Kind {
    versions: CAPO,
    ..capi("infrastructure.cluster.x-k8s.io", "OpenStackCluster", "openstackclusters", &["osc"])
};
pub(super) static OPENSTACK_MACHINES: Kind = Kind {
    versions: CAPO,
    ..capi("infrastructure.cluster.x-k8s.io", "OpenStackMachine", "openstackmachines", &["osm"])
};

static ALL: &[&Kind] = &[
    &CONFIG_MAPS,
    &EVENTS,
    &NAMESPACES,
    &NODES,
    &CLAIMS,
    &PODS,
    &SECRETS,
    &SERVICES,
    &DAEMON_SETS,
    &DEPLOYMENTS,
    &REPLICA_SETS,
    &REVIEWS,
    &ACCESS,
    &CLUSTERS,
    &MACHINE_DEPLOYMENTS,
    &MACHINES,
    &CONTROL_PLANES,
    &OPENSTACK_CLUSTERS,
    &OPENSTACK_MACHINES,
];

impl Kind {
    /// `deployment`.
    pub(super) fn singular(&self) -> String {
        self.kind.to_lowercase()
    }

    /// The groups of kinds that it is of: `kubectl get all`.
    pub(super) fn categories(&self) -> &'static [&'static str] {
        match self.plural {
            "pods" | "services" | "deployments" | "replicasets" | "daemonsets" => &["all"],
            _ if self.group.ends_with("cluster.x-k8s.io") => &["cluster-api"],
            _ => &[],
        }
    }

    /// `apps/v1`, in one of its versions.
    pub(super) fn api_version(&self, version: &str) -> String {
        match self.group {
            "" => version.to_string(),
            group => format!("{group}/{version}"),
        }
    }

    /// The version that it is kept in.
    pub(super) fn kept(&self) -> String {
        self.api_version(self.versions.first().unwrap_or(&"v1"))
    }

    /// `deployments.apps`, as errors call it.
    pub(super) fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_string(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

/// What a cluster serves.
pub(super) struct Served {
    management: bool,
    capi: Vec<String>,
    capo: Vec<String>,
}

impl Served {
    /// What a cluster serves as things are.
    pub(super) fn by(quirks: &Quirks, management: bool) -> Self {
        Served { management, capi: quirks.capi.clone(), capo: quirks.capo.clone() }
    }

    /// All that a management cluster could serve.
    pub(super) fn all() -> Self {
        let owned = |versions: &[&str]| versions.iter().map(ToString::to_string).collect();
        Served { management: true, capi: owned(CAPI), capo: owned(CAPO) }
    }

    /// The versions of a kind that are served, the preferred one first.
    pub(super) fn versions(&self, kind: &Kind) -> Vec<&'static str> {
        let named = match kind.group {
            "infrastructure.cluster.x-k8s.io" => &self.capo,
            group if group.ends_with("cluster.x-k8s.io") => &self.capi,
            _ => return kind.versions.to_vec(),
        };
        named.iter().filter_map(|n| kind.versions.iter().find(|v| *v == n).copied()).collect()
    }

    /// The kinds.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        let reached = |kind: &&Kind| self.management || kind.scope != Scope::Management;
        ALL.iter().copied().filter(reached).filter(|kind| !self.versions(kind).is_empty())
    }

    /// The kinds of a group in one of its versions.
    pub(super) fn of(&self, group: &str, version: &str) -> impl Iterator<Item = &'static Kind> {
        self.kinds().filter(move |k| k.group == group && self.versions(k).contains(&version))
    }
}
