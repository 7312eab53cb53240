//! The command line that a remote login shell is given.
//!
//! A bare command would outlive its connection: `sshd` tells a process without a terminal
//! nothing when its client goes. So a small shell stands around it:
//!
//! * standard input of the session is a lifeline. Its end, whether by Ctrl-C here, a killed
//!   `rhumb` or a lost network, ends the command;
//! * `timeout` ends it, with all it has started, at the deadline, even if nobody is left here;
//! * since the shell itself is not hit by what kills the command, a session that ends without an exit
//!   code is a lost connection, and a signal becomes the exit code 128 + n.

use super::super::command::{Arg, Command, KILL_AFTER, Stdin, quote};
use crate::base::{Error, ErrorKind, Result};

/// Linux takes no single argument longer than 128 KiB (`MAX_ARG_STRLEN`), and the login shell
/// gets the whole line as one.
const LONGEST: usize = (128 << 10) - 1;

/// The line for the remote login shell, and the text to send to its standard input before
/// leaving that open.
///
/// # Errors
/// [`ErrorKind::Argument`] for a command that is empty, too long, or holds a NUL byte.
pub(super) fn command_line(command: &Command) -> Result<(String, Option<&Arg>)> {
    command.validate()?;
    if command.argv().is_empty() {
        return Err(Error::new(ErrorKind::Argument, "a command needs at least a program"));
    }
    let (feed, text) = match command.input() {
        Stdin::Closed => ("{ cat; kill -TERM $$; } <&3 >/dev/null 2>&1 & </dev/null".to_owned(), None),
        Stdin::Text(text) => {
            // in the background of its side of the pipe: some shells wait for all of a pipe
            let length = text.expose().len();
            let feed = format!("head -c {length}; exec >/dev/null; cat; kill -TERM $$");
            (format!("{{ {{ {feed}; }} <&3 2>/dev/null & }} |"), Some(text))
        }
    };
    // `$$` stays taken as long as the feeder lives, which is of the same session: no other
    // process can be hit
    let script = format!(
        "exec 3<&0; trap 'stop=1; kill -TERM $child' TERM; {feed} timeout -k {kill} \"$@\" 3<&- & child=$!; \
         exec 3<&- >/dev/null 2>&1; [ -z \"$stop\" ] || kill -TERM $child; wait $child",
        kill = KILL_AFTER.as_secs(),
    );
    let mut line = format!("exec sh -c {} rhumb {}", quote(&script), seconds(command));
    for arg in command.argv() {
        line.push(' ');
        line.push_str(&quote(arg.expose()));
    }
    if line.contains('\0') {
        let what = "the command line holds a NUL byte, which no command line can";
        return Err(Error::new(ErrorKind::Argument, what).help("pass it on standard input"));
    }
    if line.len() > LONGEST {
        let what = format!("the command line is {} bytes long; a remote shell takes {LONGEST}", line.len());
        return Err(Error::new(ErrorKind::Argument, what).help("pass the long part on standard input"));
    }
    Ok((line, text))
}

/// The deadline as `timeout` takes it everywhere: whole seconds, and 0 would mean none.
pub(super) fn seconds(command: &Command) -> u64 {
    let time = command.time();
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command as Process, Stdio};
    use std::time::{Duration, Instant};

    /// Runs a line as `sshd` would, holding the lifeline until the end.
    fn run(command: &Command) -> (Option<i32>, String) {
        let (line, text) = command_line(command).unwrap();
        let mut child = Process::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.map_or("", Arg::expose).as_bytes()).unwrap();
        let mut out = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut out).unwrap();
        let code = child.wait().unwrap().code();
        drop(stdin);
        (code, out)
    }

    #[test]
    fn arguments_arrive_as_they_are() {
        let nasty =
            ["printf", "%s|", "$HOME", "a  b", "it's", "`id`", "*", "", "\"q\"", "\\", "two\nlines", "ü"];
        assert_eq!(
            run(&Command::new(nasty)),
            (Some(0), "$HOME|a  b|it's|`id`|*||\"q\"|\\|two\nlines|ü|".into())
        );
    }

    #[test]
    fn a_shell_is_one_only_where_asked_for() {
        assert_eq!(run(&Command::shell("echo $((6 * 7)) | tr 4 x")), (Some(0), "x2\n".into()));
    }

    #[test]
    fn exit_codes_and_signals_come_through() {
        for (script, code) in [("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("exit 124", 124)] {
            assert_eq!(run(&Command::shell(script)).0, Some(code), "{script}");
        }
        assert_eq!(run(&Command::new(["no-such-program"])).0, Some(127));
    }

    #[test]
    fn input_is_the_text_and_then_its_end() {
        assert_eq!(run(&Command::new(["cat"])), (Some(0), String::new()));
        assert_eq!(run(&Command::new(["cat"]).stdin("no newline")), (Some(0), "no newline".into()));
        let long = "0123456789abcdef\n".repeat(20_000);
        assert_eq!(run(&Command::new(["wc", "-c"]).stdin(long)), (Some(0), "340000\n".into()));
        assert_eq!(run(&Command::new(["true"]).stdin("never read")).0, Some(0));
    }

    #[test]
    fn the_deadline_ends_it() {
        let started = Instant::now();
        let command = Command::new(["sleep", "60"]).deadline(Duration::from_millis(300));
        assert_eq!(run(&command).0, Some(124));
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn deadlines_are_whole_seconds_and_never_none() {
        for (ms, s) in [(1, 1), (1000, 1), (1001, 2), (300_000, 300)] {
            assert_eq!(seconds(&Command::new(["x"]).deadline(Duration::from_millis(ms))), s);
        }
    }

    #[test]
    fn what_a_remote_shell_cannot_take_is_refused() {
        let none: [&str; 0] = [];
        let long = "x".repeat(200_000);
        for command in [Command::new(none), Command::new([long.as_str()]), Command::new(["echo", "a\0b"])] {
            assert_eq!(command_line(&command).unwrap_err().kind(), ErrorKind::Argument);
        }
    }
}
