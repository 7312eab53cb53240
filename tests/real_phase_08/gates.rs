//! The gates fail where the real cloud is not as they claim, each for its own reason.

use rhumb::base::ErrorKind;

use crate::testbed::{run, var};
use crate::{Tidy, drill, name, only, site};

/// The claims that did not hold.
fn broken(ended: &crate::rig::Ended) -> Vec<String> {
    let gates = ended.report.steps.iter().flat_map(|s| &s.gates);
    gates.filter(|g| !g.ok).map(|g| g.claim.clone()).collect()
}

fn gate() -> i32 {
    i32::from(ErrorKind::Gate.exit_code())
}

#[test]
fn prerequisites_that_are_not_there_are_named() {
    let rig = site("");
    for (value, claim) in [
        ("external_network=capi-mgmt-net", "capi-mgmt-net is an external network"),
        ("keypair=somebody-elses", "keypair somebody-elses is this user's"),
        ("worker_flavor=gp.small", "flavor gp.small carries a node: 2 vCPU and 4096 MiB"),
    ] {
        let ended = only(&rig, &["8.0"], &["--set", value]).expect(gate());
        assert_eq!(broken(&ended), [claim]);
    }
    // whoever lacks the role makes a cluster that lacks it (D-039), and is told before there is one
    let text = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &text.replace("cloud = \"member\"", "cloud = \"reader\""));
    let reader = only(&rig, &["8.0"], &[]).expect(gate());
    assert_eq!(broken(&reader), ["roles that the cluster's credential would lack"]);
}

#[test]
fn an_image_or_a_template_of_the_name_is_not_good_because_it_is_there() {
    let rig = site("");
    let _tidy = Tidy(&rig);
    let script = r#"change("1", "A bare image and a template of it", || {
        let image = tenant.images.upload("{image}", "{site}/site.toml", #{ disk_format: "raw", container_format: "bare", os_distro: "ubuntu",
            kube_version: "v1.31.0" }, #{ every: 1.s, within: 2.min });
        tenant.cluster_templates.create(#{ name: "{template}", coe: "kubernetes", image_id: image.id, external_network_id: "provider-ext",
            master_flavor_id: "gp.mid", flavor_id: "gp.mid", network_driver: "flannel" });
    });"#;
    drill(&rig, &script.replace("{site}", &rig.site().display().to_string())).expect(0);

    let ended = only(&rig, &["8.0.2"], &[]).expect(gate());
    assert_eq!(broken(&ended), [format!("the site says where {} comes from", name("image"))]);
    assert!(ended.stdout.contains("kube_version is v1.31.0, not v1.32.13"), "{}", ended.stdout);
    assert_eq!(broken(&only(&rig, &["8.0.3"], &[]).expect(gate())), ["faults of the image"]);

    let ended = only(&rig, &["8.0.3", "8.0.4"], &["--set", "kube_version=v1.31.0"]).expect(gate());
    assert_eq!(broken(&ended), [format!("what template {} has otherwise", name("template"))]);
    for fault in ["network_driver is flannel, not calico", "flavor_id is gp.mid, not capi.node"] {
        assert!(ended.stdout.contains(fault), "{}", ended.stdout);
    }
    assert!(ended.sent().is_empty());
}

/// Unseals the vault again, also where a test failed.
pub(crate) struct Sealed;

impl Sealed {
    pub(crate) fn now() -> Sealed {
        assert!(run(var("VAULT_CTL"), ["seal"]).status.success());
        Sealed
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        assert!(run(var("VAULT_CTL"), ["unseal"]).status.success());
    }
}

#[test]
fn the_items_of_the_bar_fail_one_by_one_and_each_is_still_asked() {
    let rig = site("");
    let _sealed = Sealed::now();
    let items = ["D-011.2", "D-011.3", "D-011.6a", "D-011.7"];
    let silent = ["--set", "core_endpoints=keystone,nobody", "--set", "tenant_probe_endpoint=nobody"];
    let ended = only(&rig, &items, &silent).expect(gate());
    for id in items {
        assert_eq!(ended.report.step(id).unwrap().verdict.as_ref().unwrap().word(), "FAIL", "{id}");
    }
    let broken = broken(&ended);
    assert_eq!(broken[0], "http://127.0.0.1:9/ answers");
    assert_eq!(broken[1], "127.0.0.1 is a VM of this project, and not another machine");
    assert_eq!(broken[2], "units that do not serve");
    assert!(broken[3].ends_with("covers every domain"), "{broken:?}");
    assert!(ended.stdout.contains("sealed"), "{}", ended.stdout);
}
