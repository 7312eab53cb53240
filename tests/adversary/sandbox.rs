//! A script reaches what the site declares, within bounded memory and time.

mod authority;
mod endless;
mod limits;
mod records;
mod round_trip;
mod slots;

use crate::{stage, stub_cloud};

use rhumb::run::Mode;
use rhumb::site::Site;
use stage::{Outcome, Stage};

/// Runs a script for a site in a mode.
fn run_in(site: &str, mode: Mode, script: &str) -> Outcome {
    let site = Site::from_embedded(site, "stage", &[]).unwrap();
    let stage = Stage::new(script);
    Stage { site, mode, ..stage }.run()
}

/// Runs the body of a verify step for the stage's own site.
fn verify(body: &str) -> Outcome {
    stage::run(&format!("verify(\"1\", \"T\", || {{ {body} }});"))
}
