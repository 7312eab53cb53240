//! `rhumb lab serve`: a lab to practise on with the ordinary clients, in a process of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Subcommand;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use super::conduct::runtime;
use super::rehearse::LabArguments;
use super::{SiteArguments, show, usage};
use crate::base::screen::drawn;
use crate::base::{Clock as _, Error, ErrorKind, Result, duration};
use crate::lab::{Lab, Rehearsal, Tenancy};
use crate::site::Site;

/// How often time moves on, and new clusters are looked for.
const BEAT: Duration = Duration::from_millis(100);
/// Without one, the lab's scenario.
const SCENARIO: &str = "phase-08";
/// The file that openstack's client reads.
const CLOUDS: &str = "clouds.yaml";

/// `rhumb lab ...`
#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve a lab until Ctrl-C, for openstack, kubectl and curl
    ///
    /// What the clients read is written to a directory, and printed. Commands in containers take a kubectl that asks
    /// over WebSockets: 1.30 or newer. `kubectl create configmap` and the like speak protobuf, which the lab does not
    /// read: give the object to `kubectl apply -f`.
    Serve(Serve),
}

/// Arguments of `rhumb lab serve`.
#[derive(clap::Args)]
pub(super) struct Serve {
    /// Where clouds.yaml and the kubeconfigs are written, each readable by you alone; made where it is missing
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// How many seconds pass in the lab while one passes here
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    #[command(flatten)]
    lab: LabArguments,
    #[command(flatten)]
    site: SiteArguments,
}

/// Runs it.
pub(super) fn main(command: Command) -> Result<u8> {
    let Command::Serve(arguments) = command;
    if !(0.01..=10_000.0).contains(&arguments.speed) {
        return Err(usage("the speed is a number between 0.01 and 10000"));
    }
    let site = arguments.site.load_or_example()?;
    let (name, mut scenario) = arguments.lab.scenario(&site, SCENARIO)?;
    // clients compare a token's expiry with the time of day
    scenario.start = Some(Timestamp::now());
    let title = scenario.title.clone();
    let runtime = runtime()?;
    let Rehearsal { lab, clock, .. } =
        Rehearsal::begin(&site, scenario, &arguments.lab.faults()?, runtime.handle())?;
    // heard from before the first line on: a listener made anew at each beat would miss what comes between two
    let mut interrupted = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt()).map_err(deaf)?
    };
    std::fs::create_dir_all(&arguments.dir).map_err(|e| unwritable(&arguments.dir, &e))?;
    let mut papers = Papers { dir: arguments.dir, known: Vec::new() };
    show(&drawn!("scenario {}: {}\nserving on http://{} until Ctrl-C\n", name, title, lab.address()))?;
    lab.pass(Duration::ZERO);
    papers.clouds(&lab, &site)?;
    papers.kubeconfigs(&lab)?;
    show(&drawn!("behind load balancers: curl -x http://{} http://ADDRESS/hostname\n", lab.address()))?;
    let start = Instant::now();
    runtime.block_on(async {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = interrupted.recv() => return Ok(()),
                _ = beat.tick() => {
                    lab.pass(start.elapsed().mul_f64(arguments.speed));
                    papers.kubeconfigs(&lab)?;
                }
            }
        }
    })?;
    show(&drawn!("ended; {} passed in the lab\n", duration::show(clock.elapsed())))?;
    Ok(0)
}

/// What clients read.
struct Papers {
    dir: PathBuf,
    /// The clusters that have a kubeconfig.
    known: Vec<String>,
}

impl Papers {
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = std::path::absolute(self.dir.join(name)).map_err(|e| unwritable(&self.dir, &e))?;
        let wrong = |e: std::io::Error| unwritable(&path, &e);
        // a temporary file is its owner's alone from the first moment
        let mut beside = tempfile::Builder::new().prefix(".rhumb-").tempfile_in(&self.dir).map_err(wrong)?;
        beside.write_all(text.as_bytes()).map_err(wrong)?;
        beside.persist(&path).map_err(|e| wrong(e.error))?;
        Ok(path)
    }

    /// A cloud for each scope of the site.
    fn clouds(&self, lab: &Lab, site: &Site) -> Result<()> {
        let path = self.write(CLOUDS, &lab.clouds_yaml(&Tenancy::of(site)))?;
        let clouds: Vec<String> = lab.cloud_names(&Tenancy::of(site));
        show(&drawn!(
            "OS_CLIENT_CONFIG_FILE={} openstack --os-cloud NAME ...   NAME: {}\n",
            path.display(),
            clouds.join(", ")
        ))
    }

    /// One for each cluster, as soon as it has an address.
    fn kubeconfigs(&mut self, lab: &Lab) -> Result<()> {
        for (name, text) in lab.client_kubeconfigs() {
            if self.known.contains(&name) {
                continue;
            }
            let path = self.write(&format!("{name}.kubeconfig"), &text)?;
            show(&drawn!("KUBECONFIG={} kubectl ...\n", path.display()))?;
            self.known.push(name);
        }
        Ok(())
    }
}

fn deaf(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "signals cannot be heard").from_source(&e)
}

fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} cannot be written", path.display())).from_source(e)
}
