//! Real services against the witness that the lab is compared with: the record is not a memory.
//! With `RHUMB_RECORD_CONTRACT=1` they are recorded anew.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod contract;
mod testbed;

use std::sync::Arc;
use std::time::Duration;

use contract::{Cloud, Run, differences, hosts, record, requests, vault, witness};
use rhumb::systems::http::{Http, HttpSettings, Retry};
use rhumb::systems::ssh::{Host, HostSpec, OpenSsh};
use serde_json::{Map, Value};

struct Testbed;

impl Cloud for Testbed {
    fn base(&self, service: &str) -> String {
        let (name, port) = match service {
            "identity" => ("KEYSTONE", 5000),
            "compute" => ("NOVA", 8774),
            "placement" => ("PLACEMENT", 8778),
            "network" => ("NEUTRON", 9696),
            "image" => ("GLANCE", 9292),
            "lb" => ("OCTAVIA", 9876),
            "coe" => ("MAGNUM", 9511),
            "volume" => ("CINDER", 8776),
            other => panic!("no service {other}"),
        };
        let port = std::env::var(format!("P_{name}")).unwrap_or_else(|_| port.to_string());
        format!("http://127.0.0.1:{port}")
    }

    fn pass(&self, seconds: f64) {
        std::thread::sleep(Duration::from_secs_f64(seconds));
    }

    fn patience(&self) -> f64 {
        240.0
    }
}

fn check(name: &str) {
    testbed::var("CARACAL");
    let mut run = Run::new(&Testbed);
    run.play(requests::of(name));
    hold(name, &run.seen);
}

/// Compares with the record, or makes it.
fn hold(name: &str, seen: &Map<String, Value>) {
    if std::env::var_os("RHUMB_RECORD_CONTRACT").is_some() {
        return record(name, seen);
    }
    let wrong = differences(&witness(name), seen);
    assert!(
        wrong.is_empty(),
        "{} of {} steps differ from the record:\n{}",
        wrong.len(),
        seen.len(),
        wrong.join("\n")
    );
}

#[test]
fn keystone_is_as_recorded() {
    check("keystone");
}

#[test]
fn nova_is_as_recorded() {
    check("nova");
}

#[test]
fn placement_is_as_recorded() {
    check("placement");
}

#[test]
fn neutron_is_as_recorded() {
    check("neutron");
}

#[test]
fn glance_is_as_recorded() {
    check("glance");
}

#[test]
fn octavia_is_as_recorded() {
    check("octavia");
}

#[test]
fn magnum_is_as_recorded() {
    check("magnum");
}

#[test]
fn cinder_is_as_recorded() {
    check("cinder");
}

fn host() -> Host {
    let mut spec = HostSpec::new(
        "contract-host",
        "127.0.0.1",
        testbed::var("SSH_USER"),
        testbed::var("SSH_KNOWN_HOSTS"),
    );
    spec.port = testbed::var("SSH_PORT").parse().unwrap();
    spec.identity_file = Some(testbed::var("SSH_KEY").into());
    Host::new(spec, Arc::new(OpenSsh::new().unwrap()))
}

#[tokio::test]
async fn a_shell_behind_sshd_is_as_recorded() {
    let names = [("{address}", format!("127.0.0.1/{}", testbed::var("SSH_PORT")))];
    hold("shell", &hosts::play(&host(), &names, hosts::shell()).await);
}

#[tokio::test]
async fn libvirt_is_as_recorded() {
    let names = [("{uri}", testbed::var("LIBVIRT_URI")), ("{domain}", testbed::var("LIBVIRT_DOMAIN"))];
    hold("libvirt", &hosts::play(&host(), &names, hosts::libvirt()).await);
}

/// Unseals the testbed's Vault, however the test ends.
struct Unsealed;

impl Drop for Unsealed {
    fn drop(&mut self) {
        testbed::run(testbed::var("VAULT_CTL"), ["unseal"]);
    }
}

#[tokio::test]
async fn vault_is_as_recorded() {
    let keys = std::fs::read_to_string(testbed::var("VAULT_KEYS")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let share = |n: usize| keys["unseal_keys_b64"][n].as_str().unwrap().to_string();
    let http = Http::new(HttpSettings { retry: Retry::NEVER, ..HttpSettings::default() });
    let unit =
        vault::Unit { http: &http, url: testbed::var("VAULT_ADDR"), shares: [share(0), share(1), share(2)] };
    let mut seen = Map::new();
    vault::unsealed(&unit, &mut seen).await;
    let _unsealed = Unsealed;
    testbed::stdout(testbed::var("VAULT_CTL"), ["seal"]);
    vault::sealed(&unit, &mut seen).await;
    hold("vault", &seen);
}
