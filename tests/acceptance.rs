//! The shipped acceptance in the lab: whole, and cut off where it has something of its own in the cluster.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod played;
mod stage;

use std::path::Path;
use std::sync::Arc;

use rhumb::lab::{Rehearsal, Scenario};
use rhumb::report::{Standing, Summary};
use rhumb::run::approval::Question;
use rhumb::run::report::WaitReport;
use rhumb::run::{Answer, Approver, Cancel, Entry, Observer, Waiting};
use rhumb::site::Site;
use stage::{Outcome, Stage};

/// The two endpoints that say enough here.
const SETS: [&str; 1] = ["core_endpoints=keystone,nova"];

struct Interrupts {
    at: &'static str,
    cancel: Cancel,
}

impl Observer for Interrupts {
    fn entry(&self, _: &Entry) {}

    fn waiting(&self, waiting: &Waiting) {
        if !self.at.is_empty() && waiting.title.contains(self.at) && !self.cancel.is_cancelled() {
            self.cancel.interrupt();
        }
    }
}

/// Approves every change, and signs nothing: a run with `--yes` and no terminal.
struct Unsigned;

impl Approver for Unsigned {
    fn ask(&self, _: &Question<'_>, _: Option<&str>) -> Answer {
        Answer::Once
    }
    fn attest(&self, _: &str) -> Option<String> {
        None
    }
}

/// Runs phase-08 in the lab; Ctrl-C comes while a wait of this title goes on, if it is not empty.
fn phase_08(interrupted_at: &'static str) -> Outcome {
    run_phase_08(interrupted_at, None)
}

fn run_phase_08(interrupted_at: &'static str, approver: Option<Box<dyn Approver>>) -> Outcome {
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sites/roosevelt");
    let site = Site::load(&site, &SETS.map(String::from)).unwrap();
    let scenario = Scenario::shipped("phase-08", &Scenario::values_of(&site)).unwrap();
    let lab = Rehearsal::begin(&site, scenario, &[], runtime.handle()).unwrap();
    let mut stage = Stage::new("");
    let texts = played::shipped();
    let shipped = texts.0["phase-08"][0].1.clone();
    stage.texts = texts.with("main", "embedded", &shipped);
    (stage.site, stage.clock) = (lab.site.clone(), lab.clock.clone());
    stage.approver = approver;
    stage.observer = Arc::new(Interrupts { at: interrupted_at, cancel: stage.cancel.clone() });
    stage.run()
}

#[test]
fn the_acceptance_passes_whole_and_leaves_the_cluster_as_it_was() {
    let o = phase_08("");
    assert_eq!(o.exit, 0, "{} {}", o.verdicts(), o.drawn);
    assert!(
        o.verdicts().ends_with("D-011.8 DEFERRED: D-019, exit PASS, 8.5 SKIPPED: its `when` does not hold"),
        "{}",
        o.verdicts()
    );
}

#[test]
fn an_acceptance_that_nobody_signs_is_incomplete() {
    let o = run_phase_08("", Some(Box::new(Unsigned)));
    assert_eq!(o.exit, 16, "{} {}", o.verdicts(), o.drawn);
    let end = o.report.end.as_ref().unwrap();
    assert_eq!((end.ok, end.outcome), (false, Some(rhumb::run::Outcome::Incomplete)));
    let lacks: Vec<_> = end.lacks.iter().map(|l| (l.step.as_str(), l.why.as_str())).collect();
    assert_eq!(lacks, [("exit", "SKIPPED: needs step D-011.6b, which is OUTSTANDING")]);
    assert_eq!(Summary::of(&o.report).standing, Standing::Incomplete);
}

#[test]
fn ctrl_c_in_the_drill_takes_its_service_away_and_waits_until_the_balancer_is_gone() {
    let o = phase_08("Service rr has an address");
    assert_eq!(o.exit, 130, "{}", o.verdicts());
    let step = o.report.step("D-011.4a").unwrap();
    let cleaned: Vec<_> = step.cleanups.iter().map(|c| (c.title.as_str(), c.error.as_deref())).collect();
    assert_eq!(
        cleaned,
        [("remove the Service, and see its load balancer go", None), ("remove the Deployment", None)]
    );
    let gone = |w: &&WaitReport| {
        w.title.starts_with("load balancer kube_service_") && w.title.ends_with("_default_rr is gone")
    };
    let wait = step.waits.iter().find(gone).unwrap();
    assert_eq!(wait.samples.last().unwrap().state, "gone", "the last look found no balancer: {wait:?}");
    assert!(o.report.step("D-011.4b").is_none(), "nothing runs behind it");
}
