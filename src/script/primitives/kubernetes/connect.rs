//! Ways into clusters, and what they prove to be.

use rhai::Dynamic;
use serde_json::json;

use super::KIND;
use crate::base::{ErrorKind, Secret};
use crate::script::handles::{KubeHandle, SiteHandle};
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;
use crate::systems::kubernetes::{Expected, KindName, KubeSpec, KubeconfigSource};

/// The family.
pub const ALL: &[&Primitive] = &[&SITE_KUBE, &KUBE, &AT, &NAMESPACE, &IDENTITY, &VERSIONS, &SERVES];

const SITE_KUBE: Primitive = Primitive {
    name: "kube",
    on: On::Type("Site"),
    params: &[Param::new("name", Ty::Text, "its name in site.toml, `[kube.NAME]`")],
    returns: "Kube",
    effect: Effect::None,
    doc: "A Kubernetes cluster. Its kubeconfig is read, or fetched from the host that prints it, at its first use in a step; before its first change it must prove the server, the user and the cluster that the site file declares.",
    example: r#"let mgmt = site.kube("mgmt");
verify("1", "Nodes", || gate("some", mgmt.list("nodes").len() > 0));"#,
    body: |call| {
        let site: SiteHandle = call.receiver()?;
        Ok(Dynamic::from(site.kube(&call.text(0))?))
    },
};

const KUBE_KEYS: &[Param] = &[
    Param::optional("name", Ty::Text, "what the handle is called in messages and in the journal"),
    Param::optional("context", Ty::Text, "the context in it; without one its `current-context`"),
    Param::optional("namespace", Ty::Text, "the namespace that is meant where none is named"),
    Param::optional("server", Ty::Text, "the API server's URL that it must have before it changes anything"),
    Param::optional("user", Ty::Text, "the user that it must prove to be, as the cluster knows it"),
    Param::optional("cluster_uid", Ty::Text, "the uid of `kube-system` that the cluster must have"),
];

const KUBE: Primitive = Primitive {
    name: "kube",
    on: On::Global,
    params: &[
        Param::new("kubeconfig", Ty::Secretive, "a kubeconfig's text, such as `cluster.kubeconfig()` gives"),
        Param::optional("opts", Ty::Options(KUBE_KEYS), "what it is called, and what it must prove"),
    ],
    returns: "Kube",
    effect: Effect::None,
    doc: "A Kubernetes cluster by a kubeconfig that the runbook came by. It is never written to disk. One that would run a program, read a file of this machine, trust any certificate or go through a proxy is refused.",
    example: r#"verify("1", "Workload", || {
    let workload = kube(site.scope("capi-mgmt").clusters.get(site.cluster).kubeconfig(), #{ name: site.cluster });
    gate("it has nodes", workload.list("nodes").len() > 0);
});"#,
    body: |call| {
        let given = call.arg(0).cloned().unwrap_or(Dynamic::UNIT);
        let text = given.clone().try_cast::<Secret>().unwrap_or_else(|| Secret::new(given.to_string()));
        let options = call.options(1);
        let kube = KubeHandle::given(KubeSpec {
            name: options.text("name").unwrap_or_else(|| "kubeconfig".into()),
            source: KubeconfigSource::Fetched(text),
            context: options.text("context"),
            expected: Expected {
                server: options.text("server"),
                user: options.text("user"),
                cluster_uid: options.text("cluster_uid"),
            },
        });
        Ok(Dynamic::from(match options.text("namespace") {
            Some(namespace) => kube.in_namespace(&namespace),
            None => kube,
        }))
    },
};

const AT: Primitive = Primitive {
    name: "at",
    on: On::Type("Kube"),
    params: &[Param::new("address", Ty::Text, "a name or an address, without a port")],
    returns: "Kube",
    effect: Effect::None,
    doc: "The same cluster at another address: a floating IP is another one after each rebuild, so a runbook asks for it instead of writing it down (DOCFIX-038). Port, user, authority and all that the site file declares stay: the kubeconfig must name the declared server, and the server's certificate must be signed by the kubeconfig's authority, for this address or for the host that the kubeconfig names (for its `tls-server-name` alone, where it has one). Messages, approvals and the journal show the address that is asked. A host that prints the kubeconfig is asked there too, unless the site has it at another address than the server.",
    example: r#"let mgmt = site.kube("mgmt").at("10.12.7.41");
verify("1", "Nodes", || gate("some", mgmt.list("nodes").len() > 0));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        Ok(Dynamic::from(kube.at(&call.text(0))))
    },
};

const NAMESPACE: Primitive = Primitive {
    name: "namespace",
    on: On::Type("Kube"),
    params: &[Param::new("name", Ty::Text, "the namespace")],
    returns: "Kube",
    effect: Effect::None,
    doc: "The same cluster, where what names no namespace is meant in this one.",
    example: r#"let apps = site.kube("mgmt").namespace("default");
verify("1", "Here", || gate("a list", apps.list("services").len() >= 0));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        Ok(Dynamic::from(kube.in_namespace(&call.text(0))))
    },
};

const IDENTITY: Primitive = Primitive {
    name: "identity",
    on: On::Type("Kube"),
    params: &[],
    returns: "map: handle, server, context, user, groups, cluster_uid, version",
    effect: Effect::Read,
    doc: "Who this is and which cluster it is, proven against what the site file declares. What the cluster does not tell this user is ().",
    example: r#"verify("1", "Who", || gate("1.34", site.kube("mgmt").identity().version.starts_with("v1.34")));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let id = kube.ask(call.host, async |kube| kube.prove().await.cloned())?;
        let map = json!({
            "handle": kube.name(), "server": id.server, "context": id.context, "user": id.user,
            "groups": id.groups, "cluster_uid": id.cluster_uid, "version": id.version,
        });
        Ok(value::from_json(&map)?)
    },
};

const VERSIONS: Primitive = Primitive {
    name: "versions",
    on: On::Type("Kube"),
    params: &[Param::new(
        "group",
        Ty::Text,
        "an API group, such as `cluster.x-k8s.io`; `\"\"` is the core group",
    )],
    returns: "list of strings, the version to prefer first; empty where the group is not served",
    effect: Effect::Read,
    doc: "The versions in which the cluster serves an API group. A client that asks for another one gets a 404 that looks like an absent object (D-042).",
    example: r#"verify("1", "Served", || expect("apps", site.kube("mgmt").versions("apps"), ["v1"]));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let versions = kube.ask(call.host, async |kube| kube.served(&call.text(0)).await)?;
        Ok(versions.into_iter().map(Dynamic::from).collect::<Vec<_>>().into())
    },
};

const SERVES: Primitive = Primitive {
    name: "serves",
    on: On::Type("Kube"),
    params: &[KIND],
    returns: "bool",
    effect: Effect::Read,
    doc: "Whether the cluster serves a kind, in the version that is named.",
    example: r#"verify("1", "Served", || gate("not in the old version", !site.kube("mgmt").serves("deployments.apps/v1beta1")));"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let kind: KindName = call.text(0).parse()?;
        match kube.ask(call.host, async |kube| kube.resource(&kind).await) {
            Ok(_) => Ok(true.into()),
            Err(e) if e.kind() == ErrorKind::Unsupported => Ok(false.into()),
            Err(e) => Err(e.into()),
        }
    },
};
