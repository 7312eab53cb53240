//! What is wrong, from the ground up: real services are put out of order, and the lowest red layer is named.

use rhumb::base::ErrorKind;
use rhumb::run::report::StepReport;

use crate::gates::Sealed;
use crate::rig::{Ended, Rig};
use crate::testbed::{Made, fixture, var};
use crate::{name, site};

/// What triage names: the claim of the gate that did not hold.
pub(crate) fn lowest(ended: &Ended) -> &str {
    let gates = &ended.report.step("lowest").unwrap().gates;
    gates.iter().find(|g| !g.ok).map_or("", |g| g.claim.as_str())
}

fn red(rig: &Rig, layer: &str) -> Ended {
    let ended = rig.run(&["run", "triage"]).expect(i32::from(ErrorKind::Gate.exit_code()));
    assert!(lowest(&ended).starts_with(layer), "{}", ended.stdout);
    let failed = |s: &&StepReport| s.verdict.as_ref().unwrap().word() == "FAIL";
    assert_eq!(ended.report.steps.iter().filter(failed).count(), 1, "a red layer ends no look");
    ended
}

/// The state that the management VM's `k8s` tells, until the test ends.
struct Booting(String);

impl Booting {
    fn now() -> Booting {
        let file = format!("{}/k8s", var("SSH_FAKE"));
        std::fs::write(&file, "booting").unwrap();
        Booting(file)
    }
}

impl Drop for Booting {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

#[test]
fn the_lowest_red_layer_is_named_whatever_is_red_above_it() {
    let rig = site("");
    let _server = Made::of("server", &fixture(["server", &name("mgmt")]));
    let green = rig.run(&["run", "triage"]).expect(0);
    assert!(green.stdout.contains("every layer is green"), "{}", green.stdout);
    assert!(green.sent().is_empty());

    let _booting = Booting::now();
    let ended = red(&rig, "management Kubernetes");
    assert!(ended.stdout.contains("restart nothing"), "{}", ended.stdout);

    rig.run(&["run", "park", "--yes"]).expect(0);
    let ended = red(&rig, "management VM");
    assert!(ended.stdout.contains("is SHUTOFF"), "{}", ended.stdout);
    assert!(ended.stdout.contains("`restart`"), "{}", ended.stdout);

    let _sealed = Sealed::now();
    let ended = red(&rig, "Vault");
    assert!(ended.stdout.contains("by hand: `vault operator unseal`"), "{}", ended.stdout);

    // nobody answers at an endpoint, and it is seen although lower layers are red
    let ended = rig.run(&["run", "triage", "--set", "core_endpoints=keystone,nobody"]);
    assert!(lowest(&ended).starts_with("Vault"), "{}", ended.stdout);
    let layers: Vec<&str> =
        ended.report.step("lowest").unwrap().facts.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(layers[..3], ["machines", "Vault", "endpoints"], "{layers:?}");
}
