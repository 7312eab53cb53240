//! Where runs are kept, and what they are called.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::SiteArguments;
use crate::base::screen::{self, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::report::runs::{self, Last};
use crate::run::journal;
pub use crate::run::who::who;
use crate::site::{Layers, Site};

/// The runs' place in a site's state.
pub const RUNS: &str = "runs";

/// The rehearsals' place in a site's state.
pub const REHEARSALS: &str = "rehearsals";

/// Where a site's state is kept.
#[derive(clap::Args)]
pub struct StateArguments {
    /// Where runs are kept
    #[arg(long, value_name = "DIR", env = "RHUMB_STATE")]
    state_dir: Option<PathBuf>,
}

impl StateArguments {
    /// The directory that was named for it.
    pub fn given(&self) -> Option<&Path> {
        self.state_dir.as_deref()
    }

    /// The directory of a site's state: as given, as the site says, or the user's own.
    pub fn home(&self, site: &Site) -> Result<PathBuf> {
        match self.state_dir.clone().or_else(|| site.run.state_dir.clone()) {
            Some(dir) => Ok(dir),
            None => Ok(state_home()?.join(&site.name)),
        }
    }
}

/// Runs that are kept: those of a site, or in a directory.
#[derive(clap::Args)]
pub struct KeptArguments {
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    state: StateArguments,
}

impl KeptArguments {
    /// The directory of the runs.
    pub fn runs(&self) -> Result<PathBuf> {
        match &self.state.state_dir {
            Some(dir) => Ok(dir.join(RUNS)),
            None => Ok(self.state.home(&self.site.load()?)?.join(RUNS)),
        }
    }

    /// The scripts of the site, where one is named, over the shipped ones.
    pub fn layers(&self) -> Result<Layers> {
        self.site.layers()
    }

    /// The directory of one run: itself, or by what [`runs::find`] takes.
    pub fn run(&self, which: &str) -> Result<PathBuf> {
        let dir = Path::new(which);
        if dir.join(journal::FILE).is_file() {
            Ok(dir.to_path_buf())
        } else {
            find(&self.runs()?, which, Last::Kept)
        }
    }
}

/// The directory of one run. Which one `last` is, is said.
pub fn find(runs: &Path, which: &str, last: Last) -> Result<PathBuf> {
    let found = runs::find(runs, which, last)?;
    if [runs::LAST, runs::LAST_SESSION].contains(&which) {
        let name = found.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        screen::complain(&drawn!("{} is run {}\n", which, name));
    }
    Ok(found)
}

/// The directory of all runs' state: `$XDG_STATE_HOME/rhumb`, or `~/.local/state/rhumb`.
pub fn state_home() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|dir| dir.join("rhumb"))
        .ok_or_else(|| {
            Error::new(ErrorKind::Io, "no directory for runs")
                .help("set HOME or XDG_STATE_HOME, or give --state-dir")
        })
}

/// A run's id: the time to the millisecond, so that ids sort as their runs began; the runbook; and four letters that tell apart
/// what begins together.
pub fn run_id(runbook: &str, now: Timestamp) -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let chance = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let name: String = runbook.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}-{name}-{:04x}", now.strftime("%Y%m%dT%H%M%S.%3fZ"), chance & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_their_runs_began_whatever_they_run() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let earlier = run_id("restart", at("2026-11-23T10:43:21.009Z"));
        let later = run_id("park", at("2026-11-23T10:43:21.1Z"));
        assert!(earlier < later, "{earlier} {later}");
        assert!(earlier.starts_with("20261123T104321.009Z-restart-"), "{earlier}");
        assert!(run_id("x", at("2026-11-23T10:43:22Z")) > later);
        assert!(run_id("x", at("2026-11-23T10:43:22Z")).as_str() > "20261123T104321Z-park-b29d", "of before");
    }
}
