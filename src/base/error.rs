//! One error type for every floor. It says what, where, how to fix it, and in which scope.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bounded::sentence;
use super::secret::masked;

/// The result of everything in Rhumb that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as scripts (`e.kind`), exit codes and polls tell errors apart.
///
/// Only [`ErrorKind::NotFound`] means that a thing is absent; a poll tolerates
/// [`ErrorKind::Transient`] and [`ErrorKind::Unreachable`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The thing asked for does not exist (404 for an object, not for an API).
    NotFound,
    /// Two or more things carry the name.
    Ambiguous,
    /// The service refuses this identity (403).
    Forbidden,
    /// The token or the credential is not accepted (401, after one renewal).
    Unauthorized,
    /// The thing is in a state that does not allow the call (409).
    Conflict,
    /// The service does not accept the request as it is (400, 422).
    Invalid,
    /// The service does not offer this version, method or endpoint (404 for an API, 405, 406, 501).
    Unsupported,
    /// The service is busy or broken for the moment (429, 5xx).
    Transient,
    /// No connection: refused, reset, name not found, TLS; or a read whose answer was cut off.
    Unreachable,
    /// The answer is not what the protocol says: HTML for JSON, an oversized body; to a change, one that its API does
    /// not document.
    Protocol,
    /// A deadline passed.
    Timeout,
    /// A remote or local command ended with another code than zero.
    Command,
    /// A primitive was called with arguments it does not take.
    Argument,
    /// A wait met a failure state, or a change did not produce the edge it must.
    Failed,

    /// A gate does not hold.
    Gate,
    /// The host refuses a call: its mode, the step's kind, or the token's roles do not allow it.
    Refused,
    /// A handle's token is not what the site file declares.
    ScopeMismatch,
    /// A change needs an approval and nobody can be asked.
    NeedsApproval,
    /// The operator said no.
    Declined,
    /// Ctrl-C, or a signal to end.
    Interrupted,

    /// The command line is wrong.
    Usage,
    /// The site file, a waiver, a credential file or a kubeconfig is wrong.
    Site,
    /// A script does not compile, does not pass the checker, or breaks a limit.
    Script,
    /// Keystone does not give a token: unreachable, wrong password, no such project.
    Credentials,
    /// What is there differs from what was recorded.
    Drift,
    /// Another run holds the site.
    Locked,
    /// A clean-up failed.
    Cleanup,
    /// The journal or a report cannot be written or read, or they disagree.
    Journal,
    /// A file or the operating system.
    Io,
    /// A defect in Rhumb itself.
    Internal,
}

/// How far an error reaches into a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A script may catch it and read its fields.
    Recoverable,
    /// The host cannot go on; no script sees it.
    Fault,
    /// The run ends; no script may swallow it.
    Abort,
}

impl ErrorKind {
    /// The name scripts compare with and journals keep, such as `not-found`.
    pub fn name(self) -> &'static str {
        use ErrorKind::*;
        match self {
            NotFound => "not-found",
            Ambiguous => "ambiguous",
            Forbidden => "forbidden",
            Unauthorized => "unauthorized",
            Conflict => "conflict",
            Invalid => "invalid",
            Unsupported => "unsupported",
            Transient => "transient",
            Unreachable => "unreachable",
            Protocol => "protocol",
            Timeout => "timeout",
            Command => "command",
            Argument => "argument",
            Failed => "failed",
            Gate => "gate",
            Refused => "refused",
            ScopeMismatch => "scope-mismatch",
            NeedsApproval => "needs-approval",
            Declined => "declined",
            Interrupted => "interrupted",
            Usage => "usage",
            Site => "site",
            Script => "script",
            Credentials => "credentials",
            Drift => "drift",
            Locked => "locked",
            Cleanup => "cleanup",
            Journal => "journal",
            Io => "io",
            Internal => "internal",
        }
    }

    /// Whether a script can catch it.
    pub fn class(self) -> Class {
        use ErrorKind::*;
        match self {
            NotFound | Ambiguous | Forbidden | Unauthorized | Conflict | Invalid | Unsupported
            | Transient | Unreachable | Protocol | Timeout | Command | Argument | Failed => {
                Class::Recoverable
            }
            Gate | Refused | ScopeMismatch | NeedsApproval | Declined | Interrupted => Class::Abort,
            Usage | Site | Script | Credentials | Drift | Locked | Cleanup | Journal | Io | Internal => {
                Class::Fault
            }
        }
    }

    /// The program's exit code when a run ends with this error (`docs/exit-codes.md`).
    pub fn exit_code(self) -> u8 {
        use ErrorKind::*;
        match self {
            Usage => 2,
            Gate => 3,
            NeedsApproval => 4,
            Declined => 5,
            Drift => 6,
            Site => 7,
            Script => 8,
            Credentials => 9,
            Unreachable | Transient | Timeout => 10,
            Locked => 11,
            Cleanup => 12,
            Refused | ScopeMismatch => 13,
            Journal => 14,
            Protocol => 15,
            Internal => 70,
            Io => 74,
            Interrupted => 130,
            NotFound | Ambiguous | Forbidden | Unauthorized | Conflict | Invalid | Unsupported | Command
            | Argument | Failed => 1,
        }
    }

    /// Whether the look itself failed, so that nothing is known of its object. A wait that ran out of time has looked, and
    /// so has a look that found nothing.
    pub fn could_not_look(self) -> bool {
        use ErrorKind::*;
        matches!(self, Transient | Unreachable | Forbidden | Unauthorized | Unsupported | Protocol)
    }

    /// Whether a poll goes on after it: the service may answer the next time.
    pub fn is_transient(self) -> bool {
        matches!(self, ErrorKind::Transient | ErrorKind::Unreachable)
    }
}

/// A place in a text that an operator can open: the site file, a script, an openrc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the operator knows it, or a layer's logical name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1; 0 where only the line is known.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            0 => write!(f, "{}:{}", self.file, self.line),
            c => write!(f, "{}:{}:{c}", self.file, self.line),
        }
    }
}

/// An error with everything an operator needs to act on it. Each text of it is bounded: services and scripts write some.
#[derive(Clone, Debug)]
pub struct Error(Box<Detail>);

/// The parts of an [`Error`].
#[derive(Clone, Debug, Serialize)]
pub struct Detail {
    /// What went wrong, as a program tells it.
    pub kind: ErrorKind,
    /// What went wrong, in a sentence without its cause.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The handle in whose authority the call was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// HTTP status, or a command's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// The service's id for the request, for its own log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where in a file of the operator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Nothing of what was to be sent left this machine, or none of it was accepted: a change did not take place.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsent: bool,
    /// The chain of causes, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl Error {
    /// An error of a kind, in one sentence. Known secrets are masked in all that is said of it: services and proxies
    /// repeat what they were sent.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error(Box::new(Detail {
            kind,
            what: kept(what),
            help: None,
            scope: None,
            status: None,
            request_id: None,
            place: None,
            unsent: false,
            causes: Vec::new(),
        }))
    }

    /// Adds what to do about it; the first advice stays.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.get_or_insert_with(|| kept(help));
        self
    }

    /// Puts better advice in the place of what was given.
    #[must_use]
    pub fn advise(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(kept(help));
        self
    }

    /// Adds the handle in whose authority the call was made.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.0.scope.get_or_insert_with(|| kept(scope));
        self
    }

    /// Adds an HTTP status or a command's exit code.
    #[must_use]
    pub fn status(mut self, status: impl Into<i64>) -> Self {
        self.0.status = Some(status.into());
        self
    }

    /// Adds the service's id for the request.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(kept(id));
        self
    }

    /// Adds where in a file of the operator's; the innermost place stays.
    #[must_use]
    pub fn place(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.0.place.get_or_insert_with(|| Place { file: file.into(), line, column });
        self
    }

    /// With its place, where it has one, told otherwise.
    #[must_use]
    pub fn placed(mut self, told: impl FnOnce(Place) -> Place) -> Self {
        self.0.place = self.0.place.take().map(told);
        self
    }

    /// Adds a cause behind those known so far.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.0.causes.push(kept(cause));
        self
    }

    /// Adds an error and every `source` below it as causes, each once.
    #[must_use]
    pub fn from_source(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(e) = next {
            let text = kept(e.to_string());
            if self.0.causes.last() != Some(&text) {
                self.0.causes.push(text);
            }
            next = e.source();
        }
        self
    }

    /// Puts a sentence in front; what was said so far becomes the nearest cause.
    #[must_use]
    pub fn context(mut self, what: impl Into<String>) -> Self {
        let before = std::mem::replace(&mut self.0.what, kept(what));
        self.0.causes.insert(0, before);
        self
    }

    /// States that nothing of the change left this machine: a refused connection, a name that is not found, a TLS
    /// handshake that failed, no token. Without it an error that is no refusal of the service leaves a change in doubt.
    #[must_use]
    pub fn unsent(mut self) -> Self {
        self.0.unsent = true;
        self
    }

    /// Whether nothing of the change left this machine.
    pub fn is_unsent(&self) -> bool {
        self.0.unsent
    }

    /// The same error as another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What went wrong, as a program tells it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Every part of it.
    pub fn detail(&self) -> &Detail {
        &self.0
    }
}

/// A text as an error keeps it: known secrets are masked before it is cut, or a part of one would stay.
fn kept(text: impl Into<String>) -> String {
    sentence(masked(text.into()))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.what)?;
        for cause in &self.0.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The name among `candidates` that was probably meant, for "did you mean".
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |score: f64, c: &str| {
        let (a, b) = (name.chars().count(), c.chars().count());
        // a common beginning says little where the one is much longer than the other
        (score > 0.8 && a <= 2 * b && b <= 2 * a) || (a > 2 && strsim::osa_distance(name, c) == 1)
    };
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(name, c), c))
        .filter(|(score, c)| alike(*score, c))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}
