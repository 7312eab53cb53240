//! What a cluster's own controllers make for its tenants, and the janitor that takes it away once the cluster is
//! deleted. The marks are those that the cloud controller and the CSI driver leave, and the janitor goes by.

use serde_json::{Map, Value, json};

use super::balancers::{floating_description, may, take_down};
use crate::lab::api::Refusal;
use crate::lab::cinder::{self, Disk};
use crate::lab::ids::Id;
use crate::lab::neutron::{FloatingIp, NewFloatingIp, SecurityGroup};
use crate::lab::octavia::{LoadBalancer, NewLoadBalancer};
use crate::lab::world::World;

/// The metadata by which the CSI driver marks what it makes.
const OWNER: &str = "cinder.csi.openstack.org/cluster";

/// The metadata by which a volume's owner has it kept: the janitor leaves one alone where it is `true`.
const KEEP: &str = "janitor.capi.azimuth-cloud.com/keep";

/// Namespace and name of `namespace/name`.
fn parts(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or(("default", text))
}

/// Makes what a cluster's cloud controller has for a Service: load balancer, floating IP, security group.
///
/// # Errors
/// Octavia or Neutron refuses.
pub(crate) fn leave_service(
    world: &mut World,
    cluster: &str,
    service: &str,
    external: Id,
) -> Result<(), Refusal> {
    let Some(cluster) = world.magnum.clusters.get(cluster) else { return Ok(()) };
    let (space, name) = parts(service);
    let (stack, project) = (cluster.stack.clone().unwrap_or_default(), cluster.project.clone());
    let balancer = NewLoadBalancer {
        name: format!("kube_service_{stack}_{space}_{name}"),
        description: format!("Kubernetes external service {space}/{name} from cluster {stack}"),
        project: project.clone(),
        subnet: cluster.infrastructure.subnet.clone().unwrap_or_default(),
        address: None,
        enabled: true,
        tags: Vec::new(),
    };
    let balancer = LoadBalancer::create(world, balancer)?;
    let port = world.octavia.load_balancers.get(&balancer).map(|lb| lb.vip.port.clone());
    let description = floating_description(space, name, &stack);
    let floating =
        NewFloatingIp { project: project.clone(), network: external, address: None, port, description };
    FloatingIp::create(world, floating)?;
    let group = format!("lb-sg-{}-{space}-{name}", world.ids.uuid("service"));
    let description = format!("Security Group for {space}/{name} Service LoadBalancer in cluster {stack}");
    SecurityGroup::create(world, &group, &project, &description);
    Ok(())
}

/// Makes what a cluster's CSI driver has for a claim: a volume, which its owner may have marked to be kept, and a snapshot
/// of it where one is asked for.
pub(crate) fn leave_volume(world: &mut World, cluster: &str, claim: &str, snapshot: bool, kept: bool) {
    let Some(cluster) = world.magnum.clusters.get(cluster) else { return };
    let (space, name) = parts(claim);
    let (stack, project) = (cluster.stack.clone().unwrap_or_default(), cluster.project.clone());
    let volume = format!("pvc-{}", world.ids.uuid("claim"));
    let mut marks = Map::from_iter([(OWNER.to_string(), Value::from(stack))]);
    if let Value::Object(more) = json!({"csi.storage.k8s.io/pv/name": volume, "csi.storage.k8s.io/pvc/name": name, "csi.storage.k8s.io/pvc/namespace": space})
    {
        marks.extend(more);
    }
    let mut own = marks.clone();
    if kept {
        own.insert(KEEP.into(), "true".into());
    }
    let id = Disk::create(world, volume, project.clone(), own, None);
    if snapshot {
        let name = format!("snapshot-{}", world.ids.uuid("volume-snapshot"));
        Disk::create(world, name, project, marks, Some(id));
    }
}

/// What the janitor does before a cluster goes. Whether all of it is gone, or why not.
///
/// # Errors
/// The cluster's credential does not let it.
pub(crate) fn janitor(world: &mut World, id: &str) -> Result<bool, String> {
    let Some(cluster) = world.magnum.clusters.get(id) else { return Ok(true) };
    let Some(stack) = cluster.stack.clone() else { return Ok(true) };
    let (begin, project) = (format!("kube_service_{stack}_"), cluster.project.clone());
    // it lists load balancers, whether there are any of the cluster's or not
    if !may(world, cluster) {
        return Err("403 Policy does not allow this request to be performed.".into());
    }
    let balancers = take_down(world, &project, |lb| lb.name.starts_with(&begin));
    let network = sweep_network(world, &project, &stack);
    let disks = sweep_disks(world, &project, &stack);
    Ok(balancers && network && disks)
}

/// Takes floating IPs and security groups of Services away; whether all of them are gone.
fn sweep_network(world: &mut World, project: &Id, stack: &str) -> bool {
    let of = format!("from cluster {stack}");
    let floating = world.neutron.floating_ips.iter().filter(|f| f.project == *project);
    let floating = floating
        .filter(|f| f.description.starts_with("Floating IP for Kubernetes external service"))
        .filter(|f| f.description.ends_with(&of));
    let floating: Vec<Id> = floating.map(|f| f.id.clone()).collect();
    floating.iter().for_each(|id| FloatingIp::delete(world, id));
    let of = format!("Service LoadBalancer in cluster {stack}");
    let groups = world.neutron.security_groups.iter().filter(|g| g.project == *project);
    let groups: Vec<Id> = groups.filter(|g| g.description.ends_with(&of)).map(|g| g.id.clone()).collect();
    // one that is in use is tried again
    groups.iter().all(|id| SecurityGroup::delete(world, id).is_ok())
}

/// Takes snapshots and volumes of claims away; whether all of them are gone.
fn sweep_disks(world: &mut World, project: &Id, stack: &str) -> bool {
    let of = |d: &&Disk| d.project == *project && d.metadata.get(OWNER).is_some_and(|o| o == stack);
    let snapshots: Vec<Id> = world.cinder.snapshots.iter().filter(of).map(|d| d.id.clone()).collect();
    let given_up = |d: &&Disk| d.metadata.get(KEEP).is_none_or(|kept| kept != "true");
    let volumes = world.cinder.volumes.iter().filter(of).filter(given_up);
    let volumes: Vec<Id> = volumes.map(|d| d.id.clone()).collect();
    for id in &snapshots {
        drop(cinder::delete_snapshot(world, id));
    }
    for id in &volumes {
        drop(cinder::delete_volume(world, id));
    }
    snapshots.is_empty() && volumes.is_empty()
}
