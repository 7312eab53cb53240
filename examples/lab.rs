//! A lab to practise on: `cargo run --example lab -- SCENARIO [SPEED]` prints a `clouds.yaml` for the ordinary
//! clients and serves until Ctrl-C. One second of the lab takes 1/SPEED of a real one.
//!
//! ```text
//! cargo run --example lab -- restart 60 > /dev/shm/clouds.yaml &
//! OS_CLIENT_CONFIG_FILE=/dev/shm/clouds.yaml openstack --os-cloud admin@admin loadbalancer list
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhumb::base::{Error, ErrorKind, Result, SimClock, duration};
use rhumb::lab::{Lab, Scenario, Tenancy, Values};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn serve() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "phase-08".to_string());
    let speed = arguments.next().map_or(Ok(1.0), |speed| speed.parse::<f64>());
    let speed = speed
        .ok()
        .filter(|speed| (0.01..=10_000.0).contains(speed))
        .ok_or_else(|| Error::new(ErrorKind::Usage, "the speed is a number between 0.01 and 10000"))?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|e| Error::new(ErrorKind::Io, "the runtime does not start").from_source(&e))?;
    let clock = Arc::new(SimClock::new(jiff::Timestamp::now()));
    let (scenario, tenancy) = (Scenario::shipped(&name, &Values::new())?, Tenancy::example());
    let lab = Lab::start(&scenario, &tenancy, clock.clone(), runtime.handle())?;
    println!("{}", lab.clouds_yaml(&tenancy));
    eprintln!("{name}: {}\n{} serves at {speed} times real time", scenario.title, lab.auth_url());
    let start = Instant::now();
    runtime.block_on(async {
        let mut beat = tokio::time::interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => break,
                _ = beat.tick() => clock.advance_to(start.elapsed().mul_f64(speed)),
            }
        }
    });
    eprintln!("ended after {}", duration::show(start.elapsed().mul_f64(speed)));
    Ok(())
}
