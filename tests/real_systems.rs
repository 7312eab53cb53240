//! The modules for what lies below the clouds, on real ones: a Vault-compatible server, libvirt, and a
//! machine over SSH with the programs of a management VM.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
mod testbed;

use rig::Rig;
use testbed::{machine, run, stdout, var};

fn site(script: &str) -> Rig {
    let rig = Rig::new(&format!(
        r#"
        name = "testbed"
        {machine}
        [values]
        vault_units = ["{vault}"]
        libvirt_uri = "{libvirt}"
        snapshot_domains = ["{domain}"]
        snapshot_name = "rhumb-{pid}"
        "#,
        machine = machine(),
        vault = var("VAULT_ADDR"),
        libvirt = var("LIBVIRT_URI"),
        domain = var("LIBVIRT_DOMAIN"),
        pid = std::process::id(),
    ));
    rig.file("drill.rhai", script);
    rig
}

#[test]
fn a_sealed_vault_is_told_from_an_unsealed_one_with_how_far_it_is() {
    let rig = site(
        r#"import "std/vault" as vault;
        runbook("drill", "Seals");
        verify("D-011.6a", "Unsealed", || {
            let seals = vault::seals(site.vault_units);
            fact("seals", seals.map(|s| vault::summary(s)));
            expect("units that do not serve", vault::not_serving(seals), []);
            expect("shares and threshold", [seals[0].shares, seals[0].threshold], [site.vault_key_shares, site.vault_key_threshold]);
        });"#,
    );
    let ctl = |args: &[&str]| drop(stdout(var("VAULT_CTL"), args));
    ctl(&["seal"]);
    ctl(&["unseal", "2"]);
    let sealed = rig.run(&["run", "drill"]);
    ctl(&["unseal"]);
    let sealed = sealed.expect(3);
    let said = sealed.report.steps[0].facts[0].value.to_string();
    assert!(said.contains("sealed, 2 of 3 key shares given"), "{said}");
    // becoming the active server takes a moment, being unsealed does not
    assert_eq!(rig.run(&["run", "drill"]).expect(0).verdicts(), "D-011.6a PASS");
}

#[test]
fn a_snapshot_is_taken_over_ssh_and_a_baseline_that_lacks_one_fails() {
    let rig = site(
        r#"import "std/virsh" as virsh;
        runbook("drill", "Baseline");
        let host = site.host("capi-mgmt");
        verify("before", "It lacks", #{ on_fail: "continue" }, || expect("missing", virsh::without_snapshot(host, site.libvirt_uri, site.snapshot_domains, site.snapshot_name), []));
        change("take", "Snapshots", || { for d in site.snapshot_domains { virsh::take_snapshot(host, site.libvirt_uri, d, site.snapshot_name, "D-012"); } });
        verify("after", "It is whole", || expect("missing", virsh::without_snapshot(host, site.libvirt_uri, site.snapshot_domains, site.snapshot_name), []));
        verify("unknown", "No such domain", || expect("missing", virsh::without_snapshot(host, site.libvirt_uri, ["no-such"], "x"), ["no-such: libvirt knows no such domain"]));"#,
    );
    let ended = rig.run(&["run", "drill", "--yes"]);
    let (uri, domain) = (var("LIBVIRT_URI"), var("LIBVIRT_DOMAIN"));
    let name = format!("rhumb-{}", std::process::id());
    run("virsh", ["-q", "-c", &uri, "snapshot-delete", &domain, &name]);
    let ended = ended.expect(3);
    assert_eq!(ended.verdicts(), "before FAIL, take PASS, after PASS, unknown PASS", "{}", ended.stderr);
}

#[test]
fn juju_and_k8s_are_read_through_the_programs_themselves() {
    let rig = site(
        r#"import "std/juju" as juju; import "std/k8s_snap" as k8s_snap;
        runbook("drill", "Programs");
        verify("D-011.1", "Charms", #{ on_fail: "continue" }, || expect("unsettled", juju::unsettled(juju::status(site.tool("juju"), ()), ["active"]), []));
        verify("2", "Kubernetes", || { let s = k8s_snap::settle(site.host("capi-mgmt"), 1.min, 30.s); gate("a load", s.load_1m != "", s); });"#,
    );
    let ended = rig.run(&["run", "drill"]).expect(3);
    assert_eq!(ended.verdicts(), "D-011.1 FAIL, 2 PASS", "{}", ended.stderr);
    // the testbed's model has a sealed Vault, whose agent is idle: what the procedure's grep lets through
    let observed = ended.report.steps[0].gates[0].observed.to_string();
    assert_eq!(observed, r#"["vault/0: blocked (Unit is sealed), agent idle"]"#);
}
