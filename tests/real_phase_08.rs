//! The acceptance and what follows where it fails, as shipped, on real Keystone, Glance, Nova, Placement, Neutron, Octavia and
//! Magnum with the capi-helm driver, a real sshd, a real Vault-compatible server and real libvirt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
mod testbed;

#[path = "real_phase_08/creation.rs"]
mod creation;
#[path = "real_phase_08/gates.rs"]
mod gates;
#[path = "real_phase_08/leftovers.rs"]
mod leftovers;
#[path = "real_phase_08/triage.rs"]
mod triage;

use std::fs;

use rig::{Ended, Rig};
use testbed::{machine, var};

/// The steps that these tests leave out, each with the reason: their site is a smaller one. `real_killed` runs all of phase-08.
const ELSEWHERE: [(&str, &str); 11] = [
    ("8.0.1", "its juju knows no nova.conf"),
    ("8.0.1b", "its juju knows no conductor"),
    ("8.0.1c", "its juju knows no Octavia"),
    ("8.3", "its image claims a version that the testbed's API server has not"),
    ("8.3.1", "asks that Kubernetes"),
    ("8.3.2", "asks that Kubernetes"),
    ("D-011.1", "its juju plays a sealed Vault"),
    ("D-011.3", "the host it can log in to is this machine, and no VM of Nova's"),
    ("D-011.4a", "asks that Kubernetes"),
    ("D-011.5", "asks that Kubernetes"),
    ("exit", "asks that Kubernetes"),
];

/// A name of this run's own: what a killed run left must not be taken for it.
fn name(of: &str) -> String {
    format!("phase-08-{of}-{}", std::process::id())
}

/// Where the testbed's Keystone answers.
fn keystone() -> String {
    let clouds: serde_json::Value = serde_json::from_str(&clouds()).unwrap();
    clouds["clouds"]["admin"]["auth"]["auth_url"].as_str().unwrap().to_string()
}

fn clouds() -> String {
    fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap()
}

/// A site over the testbed with values of the test's own.
fn site(values: &str) -> Rig {
    let rig = Rig::new(&format!(
        r#"
        name = "testbed"
        [scopes.admin]
        cloud = "admin"
        project = "admin"
        domain = "Default"
        roles = ["admin"]
        [scopes.capi-mgmt]
        cloud = "member"
        project = "capi-mgmt"
        domain = "capi"
        {machine}
        [kube.capi-mgmt]
        kubeconfig = "{caracal}/etc/mgmt.kubeconfig"
        [run]
        read_below = ["."]
        [endpoints.keystone]
        url = "{keystone}"
        [endpoints.nobody]
        url = "http://127.0.0.1:9/"
        [values]
        image = "{image}"
        kube_version = "v1.32.13"
        template = "{template}"
        external_network = "provider-ext"
        workload_cidr = "10.20.16.0/24"
        master_flavor = "gp.mid"
        worker_flavor = "capi.node"
        cluster = "{cluster}"
        keypair = "capi-mgmt-key"
        node_count = 1
        cluster_patience = "1s"
        magnum_driver_version = "1.4.0"
        magnum_health_period = "5s"
        core_endpoints = ["keystone"]
        tenant_probe_host = "capi-mgmt"
        vault_units = ["{vault}"]
        snapshot_host = "capi-mgmt"
        snapshot_domains = ["{domain}"]
        snapshot_name = "{snapshot}"
        libvirt_uri = '{libvirt}'
        octavia_project = "service"
        mgmt_server = "{server}"
        orphan_min_age = "1h"
        orphan_confirm_after = "2s"
        {values}
        "#,
        machine = machine(),
        caracal = var("CARACAL"),
        keystone = keystone(),
        image = name("image"),
        template = name("template"),
        cluster = name("c"),
        vault = var("VAULT_ADDR"),
        domain = var("LIBVIRT_DOMAIN"),
        snapshot = name("baseline"),
        libvirt = var("LIBVIRT_URI"),
        server = name("mgmt"),
    ));
    rig.file("clouds.yaml", &clouds());
    rig
}

/// Runs phase-08 without these steps, beyond those that the testbed cannot answer.
fn phase_08(rig: &Rig, without: &[&str]) -> Ended {
    let mut args = vec!["run", "phase-08", "--yes", "--because", "the testbed has no such thing"];
    for id in ELSEWHERE.iter().map(|(id, _)| id).chain(without) {
        args.extend(["--skip", id]);
    }
    rig.run(&args)
}

/// Runs these steps of phase-08 and no others.
fn only(rig: &Rig, steps: &[&str], more: &[&str]) -> Ended {
    let mut args = vec!["run", "phase-08", "--yes", "--because", "one gate"];
    for id in steps {
        args.extend(["--only", id]);
    }
    args.extend(more);
    rig.run(&args)
}

/// Runs a script for the testbed; `{image}`, `{template}`, `{cluster}` in it are the names of this run.
fn drill(rig: &Rig, script: &str) -> Ended {
    let mut text = String::from(
        "runbook(\"drill\", \"Of this test\");\nlet admin = site.scope(\"admin\");\nlet tenant = site.scope(\"capi-mgmt\");\n",
    );
    text.push_str(script);
    let names = [("{image}", name("image")), ("{template}", name("template")), ("{cluster}", name("c"))];
    for (key, name) in names {
        text = text.replace(key, &name);
    }
    rig.file("drill.rhai", &text);
    rig.run(&["run", "drill", "--yes"])
}

/// Takes away what a test has left in the cloud, also where it failed.
struct Tidy<'r>(&'r Rig);

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        let script = r#"change("1", "Tidy", || {
            let c = tenant.clusters.find("{cluster}");
            if c != () {
                if !c.status.starts_with("DELETE_") { c.delete(); }
                poll(#{ title: "the cluster is gone", every: 3.s, within: 3.min, read: || tenant.clusters.find("{cluster}"), done: |c| c == () });
            }
            for thing in [tenant.cluster_templates.find("{template}"), tenant.images.find("{image}")] {
                if thing != () { thing.delete(); }
            }
        });"#;
        let ended = drill(self.0, script);
        if ended.exit != 0 && !std::thread::panicking() {
            panic!("something stays: {}{}", ended.stdout, ended.stderr);
        }
    }
}
