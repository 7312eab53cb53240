//! Commands that are shown to the operator to be typed: with the site, the values and the place of the runs that this process
//! was started with, so that they do what they say from the same directory. Every one of them is made here.

use std::sync::OnceLock;

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
    typed(words, STARTED_WITH.get().map_or(&[], Vec::as_slice))
}

/// `rhumb` with these words alone, quoted for a shell.
pub fn plain(words: &[&str]) -> String {
    typed(words, &[])
}

fn typed(words: &[&str], started_with: &[(String, String)]) -> String {
    let of_runs = words.first().is_some_and(|word| OF_RUNS.contains(word));
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
    fn a_command_is_quoted_for_a_shell() {
        assert_eq!(command(&["resume", "r-1", "--from", "a b"]), "rhumb resume r-1 --from 'a b'");
        assert_eq!(from("r-1", "8.0"), "rhumb resume r-1 --from 8.0 --because REASON");
    }
}
