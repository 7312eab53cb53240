//! The lab against what real services answered to the same requests.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod contract;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contract::{Cloud, Run, differences, requests, unheard, witness};
use rhumb::base::{Clock as _, SimClock};
use rhumb::lab::{Lab, Scenario, Tenancy, Values};

struct Here {
    lab: Lab,
    clock: Arc<SimClock>,
    _runtime: tokio::runtime::Runtime,
}

impl Here {
    fn start() -> Here {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
        let scenario =
            Scenario::parse("contract/lab.toml", include_str!("contract/lab.toml"), &Values::new()).unwrap();
        let lab = Lab::start(&scenario, &Tenancy::example(), clock.clone(), runtime.handle()).unwrap();
        Here { lab, clock, _runtime: runtime }
    }
}

impl Cloud for Here {
    fn base(&self, service: &str) -> String {
        let prefix = match service {
            "lb" => "load-balancer",
            "coe" => "container-infra",
            other => other,
        };
        format!("http://{}/{prefix}", self.lab.address())
    }

    fn pass(&self, seconds: f64) {
        self.clock.advance_to(self.clock.elapsed() + Duration::from_secs_f64(seconds));
    }

    fn patience(&self) -> f64 {
        3600.0
    }
}

fn check(name: &str) {
    let here = Here::start();
    let mut run = Run::new(&here);
    run.play(requests::of(name));
    let mut wrong = differences(&witness(name), &run.seen);
    wrong.extend(unheard(&witness(name), &run.seen));
    assert!(
        wrong.is_empty(),
        "{} of {} steps differ from what the real service did:\n{}",
        wrong.len(),
        run.seen.len(),
        wrong.join("\n")
    );
}

#[test]
fn keystone_answers_as_the_real_one() {
    check("keystone");
}

#[test]
fn nova_answers_as_the_real_one() {
    check("nova");
}

#[test]
fn placement_answers_as_the_real_one() {
    check("placement");
}

#[test]
fn neutron_answers_as_the_real_one() {
    check("neutron");
}

#[test]
fn glance_answers_as_the_real_one() {
    check("glance");
}

#[test]
fn octavia_answers_as_the_real_one() {
    check("octavia");
}

#[test]
fn magnum_answers_as_the_real_one() {
    check("magnum");
}

#[test]
fn cinder_answers_as_the_real_one() {
    check("cinder");
}

/// What the lab answers without anybody having seen a real service do it, is written down.
#[test]
fn every_route_without_a_witness_is_listed() {
    let here = Here::start();
    for name in requests::ALL {
        Run::new(&here).play(requests::of(name));
    }
    let asked: BTreeSet<String> = here.lab.requests().into_keys().collect();
    let unwitnessed: Vec<String> = Lab::routes().into_iter().filter(|route| !asked.contains(route)).collect();
    let listed: Vec<&str> =
        include_str!("contract/unwitnessed.txt").lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(
        unwitnessed, listed,
        "tests/contract/unwitnessed.txt is the list of routes that no contract asks"
    );
}
