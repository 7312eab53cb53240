//! Magnum's clusters: a kubeconfig made here.

use rhai::Dynamic;

use super::files;
use crate::base::{Error, ErrorKind, Result, Secret};
use crate::script::adapter::Call;
use crate::script::handles::Resource;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::systems::openstack;

/// The family.
pub const ALL: &[&Primitive] = &[&KUBECONFIG, &WRITE_KUBECONFIG];

const KUBECONFIG: Primitive = Primitive {
    name: "kubeconfig",
    on: On::Type("Resource"),
    params: &[],
    returns: "Secret",
    effect: Effect::Read,
    doc: "A cluster's kubeconfig for its administrator. The key is made here and never leaves memory; Magnum signs its certificate, which alters nothing and is noted in the journal; nothing is written to disk. Magnum gives it to the user who created the cluster and to administrators, and to nobody else of the project.",
    example: r#"verify("1", "Nodes", || {
    let cluster = site.scope("capi-mgmt").clusters.get(site.cluster);
    gate("it has nodes", kube(cluster.kubeconfig(), #{ name: cluster.name }).list("nodes").len() > 0);
});"#,
    body: |call| Ok(Dynamic::from(kubeconfig(call)?.1)),
};

const WRITE_KUBECONFIG: Primitive = Primitive {
    name: "write_kubeconfig",
    on: On::Type("Resource"),
    params: &[Param::new(
        "path",
        Ty::Text,
        "the file, in full or below `~/`; directories that are missing are made, for their owner alone",
    )],
    returns: "string: the path in full",
    effect: Effect::Change,
    doc: "Writes a cluster's kubeconfig to a file that its owner alone can read (0600), for people: a runbook itself needs none.",
    example: r#"change("1", "For people", || site.scope("capi-mgmt").clusters.get(site.cluster).write_kubeconfig("~/workload.kubeconfig"));"#,
    body: |call| {
        let (cluster, text) = kubeconfig(call)?;
        files::write(call.host, &format!("a kubeconfig of cluster {cluster}"), &call.text(0), text)
    },
};

/// The name of a cluster, and a kubeconfig of it.
fn kubeconfig(call: &Call<'_>) -> Result<(String, Secret)> {
    let cluster: Resource = call.receiver()?;
    let (row, session) = (cluster.from.row, &cluster.from.session);
    if row.name != "clusters" {
        let what = format!("a {} has no kubeconfig", row.title);
        return Err(Error::new(ErrorKind::Argument, what).scope(session.handle()));
    }
    call.host.run.used(session.handle());
    let name = cluster.name().unwrap_or_else(|| cluster.id());
    let text = call.host.block_on(openstack::kubeconfig(session, &cluster.id()))?;
    call.host.run.note(&format!(
        "Magnum signed a client certificate for cluster {name}: user admin, group system:masters"
    ))?;
    Ok((name, text))
}
