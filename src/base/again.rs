//! Commands that are shown to the operator to be typed: with the site, the values and the place of the runs that this process
//! was started with, so that they do what they say from the same directory. Every one of them is made here.
//!
//! What a run prints is read later, by others and elsewhere: its commands name places in full, those of the environment
//! too, and its journal keeps them ([`With`]).

use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::quote::quote;
use super::secret::mask;

/// Options that belong to the commands shown as well, each with a value of its own.
const CARRIED: &[&str] = &["--site", "--set", STATE];

/// Where runs are kept: an option of the commands that have to do with runs.
const STATE: &str = "--state-dir";
const OF_RUNS: &[&str] =
    &["run", "resume", "rehearse", "repl", "runs", "show-run", "verify-run", "diff-runs"];

/// What this process was started with: options and their values.
static STARTED_WITH: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// What the run that this process conducts was started with.
static OF_RUN: OnceLock<With> = OnceLock::new();

/// What a run was started with, as words of a command line that mean the same in any directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct With(Vec<String>);

impl With {
    /// The directory of the site, what was set, and the place of the runs where the site does not name it.
    pub fn of(site: Option<&Path>, sets: &[String], state: Option<&Path>) -> Self {
        let place = |option: &str, path: Option<&Path>| path.map(|path| [option.to_string(), in_full(path)]);
        let sets = sets.iter().map(|set| ["--set".to_string(), set.clone()]);
        let all = place("--site", site).into_iter().chain(sets).chain(place(STATE, state));
        With(all.flatten().collect())
    }

    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A command that has to do with this run. Where nothing is known of it, with what this process was started with.
    pub fn command(&self, words: &[&str]) -> String {
        if self.is_empty() {
            return command(words);
        }
        let carried: Vec<_> = self.0.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        typed(words, &carried)
    }

    /// The command that goes on with a run.
    pub fn resume(&self, run: &str) -> String {
        self.command(&["resume", run])
    }

    /// The command that goes on with a run from one of its steps.
    pub fn from(&self, run: &str, step: &str) -> String {
        self.command(&["resume", run, "--from", step, "--because", "REASON"])
    }
}

/// A path as it is found from any directory. A `..` is resolved where that leads to the same place.
pub fn in_full(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut short = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(short.pop()),
            part => short.push(part),
        }
    }
    let same = matches!((whole.canonicalize(), short.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same { short } else { whole }.display().to_string()
}

/// Keeps what the run was started with that this process conducts.
pub fn conducts(with: With) {
    let _ = OF_RUN.set(with);
}

/// What the run was started with that this process conducts; empty where it conducts none.
pub fn of_run() -> With {
    OF_RUN.get().cloned().unwrap_or_default()
}

/// Keeps what the process was started with. What stands in the environment stays there.
pub fn started_with(arguments: impl IntoIterator<Item = String>) {
    let _ = STARTED_WITH.set(carried(arguments));
}

fn carried(arguments: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    let mut arguments = arguments.into_iter();
    let mut carried = Vec::new();
    while let Some(word) = arguments.next() {
        if word == "--" {
            break;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if CARRIED.contains(&option) => {
                (option.to_string(), Some(value.to_string()))
            }
            _ if CARRIED.contains(&word.as_str()) => (word, arguments.next()),
            _ => continue,
        };
        if let Some(value) = value {
            carried.push((option, value));
        }
    }
    carried
}

/// The same with what is a list of words: a runbook and a step, a module and a function.
pub fn words(words: &[&str], more: &str) -> String {
    let all: Vec<&str> = words.iter().copied().chain(more.split_whitespace()).collect();
    command(&all)
}

/// `rhumb` with these words, and with what this process was started with, quoted for a shell. A value that holds a secret
/// shows its mask, and is left to be typed.
pub fn command(words: &[&str]) -> String {
    match OF_RUN.get().filter(|with| !with.is_empty() && is_of_runs(words)) {
        Some(with) => with.command(words),
        None => typed(words, STARTED_WITH.get().map_or(&[], Vec::as_slice)),
    }
}

/// `rhumb` with these words alone, quoted for a shell.
pub fn plain(words: &[&str]) -> String {
    typed(words, &[])
}

/// Whether a command has to do with runs.
fn is_of_runs(words: &[&str]) -> bool {
    words.first().is_some_and(|word| OF_RUNS.contains(word))
}

fn typed(words: &[&str], started_with: &[(String, String)]) -> String {
    let of_runs = is_of_runs(words);
    let carried = started_with.iter().filter(|(option, _)| of_runs || option != STATE);
    let carried = carried.flat_map(|(option, value)| [option.as_str(), value.as_str()]);
    let words = words.iter().copied().chain(carried).map(|word| quote(&mask(word)).into_owned());
    format!("rhumb {}", words.collect::<Vec<_>>().join(" "))
}

/// The command that goes on with a run.
pub fn resume(run: &str) -> String {
    command(&["resume", run])
}

/// The command that goes on with a run from one of its steps.
pub fn from(run: &str, step: &str) -> String {
    command(&["resume", run, "--from", step, "--because", "REASON"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_was_started_with_is_carried_and_nothing_else() {
        let words =
            "run|restart|--site|./it's here|--yes|--set=a=b c|--state-dir|s|--approve|step:1|--|--site|x";
        let with = carried(words.split('|').map(str::to_string));
        let site = r"--site './it'\''s here' --set 'a=b c'";
        assert_eq!(typed(&["resume", "r-1"], &with), format!("rhumb resume r-1 {site} --state-dir s"));
        assert_eq!(typed(&["list"], &with), format!("rhumb list {site}"));
    }

    #[test]
    fn what_a_run_was_started_with_means_the_same_in_any_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a b")).unwrap();
        let site = dir.path().join("a b/../a b");
        let with = With::of(Some(&site), &["x=1 2".into()], Some(Path::new("kept")));
        let (site, state) = (dir.path().join("a b"), std::env::current_dir().unwrap().join("kept"));
        let words =
            ["--site", &site.display().to_string(), "--set", "x=1 2", STATE, &state.display().to_string()]
                .map(|word| quote(word).into_owned());
        assert_eq!(with.resume("r-1"), format!("rhumb resume r-1 {}", words.join(" ")));
        assert_eq!(With::default().resume("r-1"), "rhumb resume r-1");
    }

    #[test]
    fn a_command_is_quoted_for_a_shell() {
        assert_eq!(command(&["resume", "r-1", "--from", "a b"]), "rhumb resume r-1 --from 'a b'");
        assert_eq!(from("r-1", "8.0"), "rhumb resume r-1 --from 8.0 --because REASON");
    }
}
