//! Real services against the witness that the lab is compared with: the record is not a memory.
//! With `RHUMB_RECORD_CONTRACT=1` they are recorded anew.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod contract;
mod testbed;

use std::time::Duration;

use contract::{Cloud, Run, differences, record, requests, witness};

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
    if std::env::var_os("RHUMB_RECORD_CONTRACT").is_some() {
        return record(name, &run.seen);
    }
    let wrong = differences(&witness(name), &run.seen);
    assert!(
        wrong.is_empty(),
        "{} of {} steps differ from the record:\n{}",
        wrong.len(),
        run.seen.len(),
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
