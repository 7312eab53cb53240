//! What came of a command.

use std::time::Duration;

use serde::Serialize;

use super::{Command, prompt};
use crate::base::secret::mask;
use crate::base::{Error, ErrorKind, Result};

/// Lines of output an error quotes.
const QUOTED_LINES: usize = 6;

/// Characters of a line an error quotes.
const QUOTED_WIDTH: usize = 400;

/// How a command ended, and what it printed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Output {
    /// Its exit code; as a shell has it, 128 + n when signal n ended it.
    pub code: i32,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// From sending it to its end.
    pub duration: Duration,
    /// One of the outputs was longer than the cap and is cut there.
    pub truncated: bool,
}

impl Output {
    /// The signal that ended it, going by its exit code.
    pub fn signal(&self) -> Option<i32> {
        (129..=192).contains(&self.code).then_some(self.code - 128)
    }

    /// The output of a command that ended with 0; [`ErrorKind::Command`] for any other end.
    /// `place` is the host or the tool, for the message.
    pub fn success(self, command: &Command, place: &str) -> Result<Output> {
        if self.code == 0 { Ok(self) } else { Err(self.failure(command, place)) }
    }

    fn failure(&self, command: &Command, place: &str) -> Error {
        let end = match (self.signal(), self.code) {
            (Some(signal), code) => format!("was ended by {} (exit code {code})", signal_name(signal)),
            (None, 126) => "was found, but could not be executed (exit code 126)".to_owned(),
            (None, 127) => "was not found (exit code 127)".to_owned(),
            (None, code) => format!("ended with exit code {code}"),
        };
        let error = Error::new(ErrorKind::Command, format!("`{}` on {place} {end}", command.shown()))
            .status(self.code);
        let error = self.quote_in(error, command);
        match prompt::explain(&self.stdout, &self.stderr) {
            Some(explanation) => error.help(explanation),
            None if self.code == 127 => {
                error.help("is it installed there, and on the PATH of a login without a terminal?")
            }
            None => error,
        }
    }

    /// Adds the last lines it printed to an error, unless they could echo a secret.
    pub(in crate::systems) fn quote_in(&self, error: Error, command: &Command) -> Error {
        if command.is_tainted() {
            return error.cause("its output is not shown: the command carries a secret");
        }
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..]
            .iter()
            .fold(error, |error, line| error.cause(mask(line).chars().take(QUOTED_WIDTH).collect::<String>()))
    }
}

/// The name of a signal as `kill -l` has it, for the ones that end programs.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::systems::command::Arg;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
        Output { code, stdout, stderr, duration: Duration::from_secs(1), truncated: false }
    }

    #[test]
    fn an_error_says_how_it_ended_and_quotes_the_end_of_what_it_said() {
        let command = Command::new(["k8s", "status"]);
        let said = "one\ntwo\n\nError: The node is not part of a Kubernetes cluster.\n";
        let error = output(1, "ignored", said).success(&command, "mgmt").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Command);
        assert_eq!(error.detail().status, Some(1));
        assert_eq!(
            error.to_string(),
            "`k8s status` on mgmt ended with exit code 1: one: two: \
             Error: The node is not part of a Kubernetes cluster."
        );
        output(0, "", "warnings").success(&command, "mgmt").unwrap();
    }

    #[test]
    fn a_signal_has_its_name() {
        let error = output(137, "", "").success(&Command::new(["k8s"]), "mgmt").unwrap_err();
        assert_eq!(error.to_string(), "`k8s` on mgmt was ended by SIGKILL (exit code 137)");
        assert_eq!(output(255, "", "").signal(), None);
        assert_eq!(output(128, "", "").signal(), None);
    }

    #[test]
    fn what_might_echo_a_secret_is_not_quoted() {
        let command = Command::new([Arg::from("login"), Secret::new("hunter2").into()]);
        let error = output(1, "", "bad token hunter2").success(&command, "mgmt").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn an_eaten_prompt_is_explained() {
        let said = "ERROR cannot get discharge from \"https://10.12.4.5:17070/auth\": EOF";
        let error = output(1, "", said).success(&Command::new(["status"]), "juju").unwrap_err();
        assert!(error.detail().help.as_deref().unwrap().contains("juju login"));
    }
}
