//! A program to run, there (`ssh`) or here (`tool`): what is asked, and what came of it.

mod capture;
mod output;
mod prompt;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

pub use crate::base::quote::quote;
use crate::base::secret::MASK;
use crate::base::{Error, ErrorKind, Result, Secret, duration};

pub(in crate::systems) use capture::Streams;
pub use output::Output;

/// The time a command has, unless it asks for another.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// How long a command may take to end once it was asked to (SIGTERM), before it is killed.
pub const KILL_AFTER: Duration = Duration::from_secs(5);

/// Bytes kept of each of the two outputs, unless a command asks for more.
pub const OUTPUT_CAP: usize = 1 << 20;

/// One word of a command line, or a text for its standard input. Secrets print as `***`.
#[derive(Clone, PartialEq, Eq)]
pub enum Arg {
    /// A word that may be shown.
    Plain(String),
    /// A word that no output shows.
    Secret(Secret),
}

impl Arg {
    /// The text itself, for the program. Never for a message.
    pub fn expose(&self) -> &str {
        match self {
            Arg::Plain(text) => text,
            Arg::Secret(secret) => secret.expose(),
        }
    }

    /// Whether it is a secret.
    pub fn is_secret(&self) -> bool {
        matches!(self, Arg::Secret(_))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::Plain(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Plain(text)
    }
}

impl From<Secret> for Arg {
    fn from(secret: Secret) -> Self {
        Arg::Secret(secret)
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Plain(text) => f.write_str(text),
            Arg::Secret(_) => f.write_str(MASK),
        }
    }
}

impl fmt::Debug for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Plain(text) => write!(f, "{text:?}"),
            Arg::Secret(_) => f.write_str(MASK),
        }
    }
}

/// What a command reads. There is no terminal: a prompt meets the end of its input, and the
/// error then says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: the end at once.
    #[default]
    Closed,
    /// This text, then the end.
    Text(Arg),
}

/// Which of its two outputs a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Called with each line as it comes, without its line end.
pub type OnLine = Arc<dyn Fn(Stream, &str) + Send + Sync>;

/// A program with its arguments, or a text for a shell where one was asked for.
#[derive(Clone)]
pub struct Command {
    argv: Vec<Arg>,
    shell: bool,
    stdin: Stdin,
    deadline: Duration,
    output_cap: usize,
    on_line: Option<OnLine>,
}

impl Command {
    /// A command of these words. No shell looks at them: `$HOME` and `*` are themselves.
    pub fn new<A: Into<Arg>>(argv: impl IntoIterator<Item = A>) -> Self {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            shell: false,
            stdin: Stdin::Closed,
            deadline: DEADLINE,
            output_cap: OUTPUT_CAP,
            on_line: None,
        }
    }

    /// A text for the POSIX shell of the machine it runs on, `sh -c`.
    pub fn shell(script: impl Into<Arg>) -> Self {
        let argv = [Arg::from("sh"), Arg::from("-c"), script.into()];
        Command { shell: true, ..Command::new(argv) }
    }

    /// The text its standard input reads.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Arg>) -> Self {
        self.stdin = Stdin::Text(text.into());
        self
    }

    /// When it is ended if it still runs; at least a second, counted in whole seconds on a
    /// remote host.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many bytes are kept of each output; the rest is read and dropped.
    #[must_use]
    pub fn output_cap(mut self, bytes: usize) -> Self {
        self.output_cap = bytes;
        self
    }

    /// Follows its output line by line while it runs.
    #[must_use]
    pub fn on_line(mut self, on_line: OnLine) -> Self {
        self.on_line = Some(on_line);
        self
    }

    /// Its words, program first.
    pub fn argv(&self) -> &[Arg] {
        &self.argv
    }

    /// Whether a shell was asked for.
    pub fn is_shell(&self) -> bool {
        self.shell
    }

    /// What it reads.
    pub fn input(&self) -> &Stdin {
        &self.stdin
    }

    /// The time it has.
    pub fn time(&self) -> Duration {
        self.deadline
    }

    /// Whether it carries a secret. What it prints may echo it, so errors do not quote its output.
    pub fn is_tainted(&self) -> bool {
        self.argv.iter().any(Arg::is_secret) || matches!(&self.stdin, Stdin::Text(text) if text.is_secret())
    }

    /// The command line as it may be shown: quoted for a POSIX shell, secrets as `***`.
    pub fn shown(&self) -> String {
        shown(&self.argv)
    }

    /// Hands an output to whoever follows this command, all at once: for those who answer in
    /// process.
    pub fn follow(&self, output: &Output) {
        let Some(on_line) = &self.on_line else { return };
        output.stdout.lines().for_each(|line| on_line(Stream::Stdout, line));
        output.stderr.lines().for_each(|line| on_line(Stream::Stderr, line));
    }

    /// The rest of what an operator approves: the input and the deadline.
    pub(in crate::systems) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("deadline".into(), duration::show(self.deadline).into());
        if let Stdin::Text(text) = &self.stdin {
            body.insert("stdin".into(), text.to_string().into());
        }
        Value::Object(body)
    }

    /// Refuses what no program can be given.
    pub(in crate::systems) fn validate(&self) -> Result<()> {
        if self.argv.iter().any(|arg| arg.expose().contains('\0')) {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("an argument of `{}` has a NUL byte in it", self.shown()),
            ));
        }
        if self.deadline.is_zero() {
            return Err(Error::new(ErrorKind::Argument, format!("`{}` has no time to run", self.shown()))
                .help("give it a deadline of a second or more"));
        }
        Ok(())
    }
}

/// Words as one line that a POSIX shell would read back, secrets as `***`.
pub(in crate::systems) fn shown(words: &[Arg]) -> String {
    let one = |arg: &Arg| match arg {
        Arg::Plain(text) => quote(text).into_owned(),
        Arg::Secret(_) => MASK.to_owned(),
    };
    words.iter().map(one).collect::<Vec<_>>().join(" ")
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("argv", &self.argv)
            .field("stdin", &self.stdin)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_word_is_shown_nowhere() {
        let command = Command::new([Arg::from("vault"), "login".into(), Secret::new("hunter2").into()])
            .stdin(Secret::new("hunter2"));
        let shown = format!("{} {command:?} {}", command.shown(), command.body());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(command.shown(), "vault login ***");
        assert!(command.is_tainted());
        assert!(!Command::new(["vault", "status"]).is_tainted());
    }

    #[test]
    fn an_answer_in_one_piece_is_followed_as_one_that_comes_in_lines() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let into = seen.clone();
        let command = Command::new(["x"]).on_line(Arc::new(move |stream, line: &str| {
            into.lock().unwrap().push((stream, line.to_owned()))
        }));
        command.follow(&Output { stdout: "a\nb\n".into(), stderr: "c".into(), ..Output::default() });
        let expected = [(Stream::Stdout, "a"), (Stream::Stdout, "b"), (Stream::Stderr, "c")];
        assert_eq!(*seen.lock().unwrap(), expected.map(|(stream, line)| (stream, line.to_owned())));
    }

    #[test]
    fn what_cannot_be_passed_is_refused_before_anything_runs() {
        assert_eq!(Command::new(["a\0b"]).validate().unwrap_err().kind(), ErrorKind::Argument);
        let hasty = Command::new(["true"]).deadline(Duration::ZERO);
        assert_eq!(hasty.validate().unwrap_err().kind(), ErrorKind::Argument);
        Command::new(["true"]).validate().unwrap();
    }
}
