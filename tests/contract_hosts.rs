//! The lab's machines, its libvirt, its Vault and its juju against what real ones answered to the same.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod contract;

use contract::{differences, hosts, juju, vault, witness};
use rhumb::lab::{Rehearsal, Scenario};
use rhumb::site::Site;
use rhumb::systems::command::Command;
use rhumb::systems::http::{Http, HttpSettings, Retry};
use serde_json::{Map, Value};

const SITE: &str = r#"
name = "contract"
[scopes.admin]
cloud = "admin"
project = "admin"
[hosts.contract-host]
address = "10.12.4.1"
user = "ubuntu"
[tools.juju]
program = "juju"
[values]
vault_units = ["http://10.12.8.61:8200", "http://10.12.8.62:8200"]
"#;

const SCENARIO: &str = r#"
title = "a machine with libvirt, and two units of Vault"
[[machine]]
host = "contract-host"
domains = ["jumphost-vm"]
[juju]
model = "openstack"
machines = 3
[[application]]
name = "nova-compute"
units = 3
subordinates = ["ovn-chassis"]
[[vault]]
[[vault]]
sealed = true
"#;

fn begin() -> Rehearsal {
    let site = Site::from_embedded(SITE, "contract/site.toml", &[]).unwrap();
    let scenario = Scenario::parse("contract/hosts.toml", SCENARIO, &Scenario::values_of(&site)).unwrap();
    Rehearsal::begin(&site, scenario, &[], &tokio::runtime::Handle::current()).unwrap()
}

fn hold(name: &str, seen: &Map<String, Value>) {
    let wrong = differences(&witness(name), seen);
    assert!(
        wrong.is_empty(),
        "{} of {} steps differ from what the real one did:\n{}",
        wrong.len(),
        seen.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_answers_as_behind_a_real_sshd() {
    let rehearsal = begin();
    let host = rehearsal.site.ssh("contract-host").unwrap();
    hold("shell", &hosts::play(&host, &[("{address}", "10.12.4.1/22".into())], hosts::shell()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn virsh_answers_as_over_a_real_libvirt() {
    let rehearsal = begin();
    let host = rehearsal.site.ssh("contract-host").unwrap();
    let names = [("{uri}", "qemu:///system".to_string()), ("{domain}", "jumphost-vm".to_string())];
    hold("libvirt", &hosts::play(&host, &names, hosts::libvirt()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_answers_as_a_real_one() {
    let rehearsal = begin();
    let settings =
        HttpSettings { dialer: Some(rehearsal.lab.dialer()), retry: Retry::NEVER, ..HttpSettings::default() };
    let http = Http::new(settings);
    let unit = |n: u32| {
        let shares = ["share-one", "share-two", "share-three"].map(String::from);
        vault::Unit { http: &http, url: format!("http://10.12.8.6{n}:8200"), shares }
    };
    let mut seen = Map::new();
    vault::unsealed(&unit(1), &mut seen).await;
    vault::sealed(&unit(2), &mut seen).await;
    hold("vault", &seen);
}

/// No juju can be had from where the testbed comes from: its record is of a status that somebody else's cloud printed, which
/// `RHUMB_RECORD_JUJU=FILE` reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_juju_has_nothing_that_a_real_one_lacks() {
    if let Ok(file) = std::env::var("RHUMB_RECORD_JUJU") {
        juju::record(&file);
    }
    let rehearsal = begin();
    let tool = rehearsal.site.program("juju").unwrap();
    let output = tool.query(&Command::new(["status", "--format=json"])).await.unwrap();
    let seen = juju::seen(&serde_json::from_str(&output.stdout).unwrap());
    let mut wrong = Vec::new();
    for (title, shape) in &seen {
        juju::missing("", &witness("juju")[title], shape, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
