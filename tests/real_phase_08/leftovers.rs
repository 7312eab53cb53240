//! A cluster whose creator lacked a role (D-039) wedges as it is made and wedges as it is deleted. `stuck-delete` takes it down by
//! what the project's own handle may do: the whole of it, in order, and nothing of anybody else's.

use rhumb::base::ErrorKind;

use crate::rig::Rig;
use crate::testbed::{fixture, requests_to};
use crate::{Tidy, drill, name, only, site};

/// What the wedged creation has left, and what its Services would have left: two load balancers, a floating IP of CAPO's, and a
/// port of somebody else's in the cluster's network.
const LEFTOVERS: &str = r#"
import "std/neutron" as neutron;
import "std/magnum" as magnum;
change("1", "Leftovers", || {
    let cluster = tenant.clusters.get("{cluster}");
    let capo = neutron::name_of_cluster(magnum::namespace(tenant, "magnum"), magnum::stack(cluster));
    let subnet = tenant.subnets.get(capo);
    for name in [`${capo}-kubeapi`, `kube_service_${cluster.stack_id}_default_web`, "{cluster}-neighbour"] {
        let where = if name.ends_with("neighbour") { tenant.subnets.get("capi-mgmt-subnet") } else { subnet };
        tenant.load_balancers.create(#{ name: name, vip_subnet_id: where.id });
    }
    tenant.ports.create(#{ name: "{cluster}-stranger", network_id: subnet.network_id });
    let port = poll(#{ title: "the balancers serve", every: 1.s, within: 3.min,
        read: || tenant.load_balancers.list().filter(|lb| lb.name.contains("{cluster}")),
        done: |all| all.len() == 3 && all.all(|lb| lb.provisioning_status == "ACTIVE"),
        show: |all| `${all.map(|lb| lb.provisioning_status)}` }).filter(|lb| lb.name.ends_with("kubeapi"))[0].vip_port_id;
    let outside = tenant.networks.get("provider-ext").id;
    let whose = capo; whose.replace("k8s-clusterapi-cluster-", "");
    tenant.floating_ips.create(#{ floating_network_id: outside, port_id: port, description: `Created by cluster-api-provider-openstack cluster ${whose}` });
    tenant.floating_ips.create(#{ floating_network_id: outside, description: `Created by cluster-api-provider-openstack cluster ${whose}-2` });
    tenant.floating_ips.create(#{ floating_network_id: outside, description: `Floating IP for Kubernetes external service default/web from cluster ${cluster.stack_id}` });
    tenant.security_groups.create(#{ name: "{cluster}-lb-sg", description: `Security Group for default/web Service LoadBalancer in cluster ${cluster.stack_id}` });
});
"#;

/// What of this test the cloud has, by kind and name; a floating IP by the end of its description.
const CENSUS: &str = r#"verify("1", "Census", || {
    let of = |all| all.map(|it| it.name).filter(|n| n.contains("{cluster}"));
    fact("balancers", of.call(tenant.load_balancers.list()));
    fact("floating IPs", tenant.floating_ips.list().map(|f| f.get("description") ?? "").filter(|d| d.contains("{cluster}")).len());
    fact("network", of.call(tenant.routers.list()) + of.call(tenant.subnets.list()) + of.call(tenant.networks.list()) + of.call(tenant.security_groups.list()));
});"#;

fn census(rig: &Rig) -> Vec<serde_json::Value> {
    let ended = drill(rig, CENSUS).expect(0);
    ended.report.steps[0].facts.iter().map(|f| f.value.clone()).collect()
}

/// Takes the neighbours away, which are not the cluster's, and whatever a failed test has left.
struct Neighbours<'r>(&'r Rig);

impl Drop for Neighbours<'_> {
    fn drop(&mut self) {
        let script = r#"
        import "std/capi"    as capi;
        import "std/magnum"  as magnum;
        import "std/neutron" as neutron;
        let mgmt = site.kube("capi-mgmt");
        change("1", "What a test that failed has left", || {
            for lb in tenant.load_balancers.list().filter(|lb| lb.name.contains("{cluster}")) { lb.delete(#{ cascade: true }); }
            for f in tenant.floating_ips.list().filter(|f| (f.get("description") ?? "").contains("{cluster}")) { f.delete(); }
            for p in tenant.ports.list().filter(|p| p.name.contains("{cluster}-stranger")) { p.delete(); }
            poll(#{ title: "the balancers are gone", every: 1.s, within: 5.min,
                    read: || tenant.load_balancers.list().filter(|lb| lb.name.contains("{cluster}")), done: |all| all.is_empty() });
            let space = magnum::namespace(tenant, "magnum");
            for whole in capi::clusters(mgmt, space).filter(|c| c.name.starts_with("{cluster}-")) {
                let infra = capi::infrastructure(mgmt, space, whole.name);
                if infra != () && capi::is_deleting(infra) {
                    for finalizer in capi::finalizers(infra) { capi::infrastructure(mgmt, space, whole.name).remove_finalizer(finalizer); }
                }
            }
            for net in tenant.networks.list().filter(|n| n.name.contains("{cluster}-")) { neutron::take_down(neutron::left_of(tenant, net.name)); }
        });"#;
        let ended = drill(self.0, script);
        if ended.exit != 0 && !std::thread::panicking() {
            panic!("something stays: {}{}", ended.stdout, ended.stderr);
        }
    }
}

#[test]
fn a_cluster_that_its_own_credential_cannot_delete_is_taken_down_in_order() {
    let rig = site("");
    let mut clouds: serde_json::Value = serde_json::from_str(&crate::clouds()).unwrap();
    clouds["clouds"]["creator"] = fixture(["creator"]);
    rig.file("clouds.yaml", &clouds.to_string());
    let _tidy = Tidy(&rig);
    let _neighbours = Neighbours(&rig);
    let image = r#"change("1", "An image", || {
        tenant.images.upload("{image}", "{site}/site.toml", #{ disk_format: "raw", container_format: "bare", os_distro: "ubuntu", kube_version: "v1.32.13" },
            #{ every: 1.s, within: 2.min });
    });"#;
    drill(&rig, &image.replace("{site}", &rig.site().display().to_string())).expect(0);

    // made by somebody whom 8.0 would have refused
    let own = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &own.replace("cloud = \"member\"", "cloud = \"creator\""));
    // three steps of it are no acceptance
    only(&rig, &["8.0.3", "8.0.4", "8.1"], &[]).expect(16);
    let why = r#"
        import "std/magnum" as magnum;
        let mgmt = site.kube("capi-mgmt");
        verify("1", "Why", || {
            let why = || magnum::why(tenant, admin, mgmt, "magnum", "{cluster}", #{ vcpus: 1, memory: 1.GiB, disk: 8.GiB });
            fact("why", poll(#{ title: "it is held up", every: 1.s, within: 1.min, read: || why.call(), done: |w| w.contains("403") }));
            tenant.clusters.get("{cluster}")
        });"#;
    let ended = drill(&rig, why).expect(0);
    let told = ended.report.steps[0].facts[0].value.to_string();
    assert!(told.contains("Policy does not allow") || told.contains("403"), "{told}");
    assert!(
        told.contains("was made without [\\\"load-balancer_member\\\"] (D-039)") || told.contains("D-039"),
        "{told}"
    );
    rig.file("site.toml", &own);

    // before anybody asked for its deletion there is nothing for this runbook to do
    let early = rig.run(&["run", "stuck-delete", "--yes"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    assert!(early.stdout.contains("is on its way out"), "{}", early.stdout);
    assert!(early.sent().is_empty());

    drill(&rig, LEFTOVERS).expect(0);
    let gone = r#"change("1", "Ask for it", || { tenant.clusters.get("{cluster}").delete();
        poll(#{ title: "Magnum deletes", every: 1.s, within: 1.min, read: || tenant.clusters.get("{cluster}"), done: |c| c.status == "DELETE_IN_PROGRESS" }); });"#;
    drill(&rig, gone).expect(0);

    // a port of somebody else's stands in the way: it is named, and nothing of the network is touched
    let mut ended = None;
    let neutron = requests_to("neutron", || ended = Some(rig.run(&["run", "stuck-delete", "--yes"])));
    let blocked = ended.unwrap().expect(i32::from(ErrorKind::Gate.exit_code()));
    assert_eq!(
        blocked.verdicts(),
        "1 PASS, 2 PASS, 3 PASS, 4 PASS, 4.1 SKIPPED, 4.2 SKIPPED, 5 PASS, 6 PASS, 7 FAIL"
    );
    let blockers = blocked.report.step("7").unwrap().gates.last().unwrap();
    assert_eq!((blockers.claim.as_str(), blockers.ok), ("what blocks it", false));
    assert!(blockers.observed.to_string().contains("port "), "{}", blockers.observed);
    // of the network only the Service's own address is taken: Octavia takes its ports itself, and CAPO's address waits
    for (method, path, _) in neutron.iter().filter(|(method, _, _)| method == "DELETE") {
        let may = ["/ports/", "/security-group", "/floatingips/"].iter().any(|part| path.contains(part));
        assert!(may, "{method} {path}");
    }
    // `DELETE load-balancer /lbaas/loadbalancers/ID` is of loadbalancers
    let kinds = |sent: &[String]| -> Vec<String> {
        let is_kind = |p: &&str| !p.is_empty() && p.chars().all(|c| matches!(c, 'a'..='z' | '_' | '-'));
        let of = |path: &str| path.split('/').rfind(is_kind).unwrap_or_default().to_string();
        sent.iter().map(|s| of(s.rsplit(' ').next().unwrap())).collect()
    };
    let sent = kinds(&blocked.sent());
    assert_eq!(
        sent,
        ["floatingips", "loadbalancers", "loadbalancers", "openstackclusters", "openstackclusters"],
        "{:?}",
        blocked.sent()
    );

    drill(
        &rig,
        r#"change("1", "Its owner takes it away", || tenant.ports.get("{cluster}-stranger").delete());"#,
    )
    .expect(0);
    // Magnum and Cluster API know it no more: its name in the report is how to go on with what is left
    let facts = &blocked.report.step("1").unwrap().facts;
    let capi_name = facts.iter().find(|f| f.name == "capi_cluster").unwrap().value.as_str().unwrap();
    let named = format!("capi_cluster={capi_name}");
    let done = rig.run(&["run", "stuck-delete", "--yes", "--set", &named]).expect(0);
    assert_eq!(
        done.verdicts(),
        "1 PASS, 2 PASS, 3 PASS, 4 PASS, 4.1 SKIPPED, 4.2 SKIPPED, 5 SKIPPED, 6 PASS, 7 PASS, 7.1 PASS, 7.2 SKIPPED, 8 PASS"
    );
    let sent = kinds(&done.sent());
    let place =
        |kind: &str| sent.iter().position(|s| s == kind).unwrap_or_else(|| panic!("no {kind}: {sent:?}"));
    let order = ["remove_router_interface", "subnets", "networks"].map(place);
    assert!(order.is_sorted(), "each goes before what it stands in: {sent:?}");
    assert_eq!(sent.iter().filter(|s| *s == "security-groups").count(), 3, "{sent:?}");
    let after = census(&rig);
    assert_eq!(after[0], serde_json::json!([format!("{}-neighbour", name("c"))]), "the neighbour's stays");
    assert_eq!(after[1], 1, "as does the floating IP of a cluster that is called much the same");
    assert_eq!(after[2], serde_json::json!([]));
}
