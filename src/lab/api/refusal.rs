//! Why a service does not do what it is asked. Each service has its own words and shape for it.

use std::borrow::Cow;

use super::Version;

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No token, or one that is not valid (any more).
    NoToken,
    /// The path means nothing.
    NoRoute,
    /// The path is known with these methods alone.
    NoMethod(String),
    /// The token's roles do not suffice for this policy.
    Policy(&'static str),
    /// The version asked for is outside the range.
    NoVersion {
        /// What was asked for.
        asked: Version,
        /// The least there is.
        min: Version,
        /// The most there is.
        max: Version,
    },
    /// The version asked for is none.
    BadVersion(String),
    /// Anything else.
    Said {
        /// HTTP status.
        status: u16,
        /// The service's name for it, where it has one: `NetworkInUse`.
        kind: Cow<'static, str>,
        /// The sentence.
        message: String,
    },
}

impl Refusal {
    /// A status with a sentence.
    pub(crate) fn said(status: u16, message: impl Into<String>) -> Self {
        Refusal::Said { status, kind: Cow::Borrowed(""), message: message.into() }
    }

    /// A status with the service's own name for it and a sentence.
    pub(crate) fn kind(status: u16, kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Refusal::Said { status, kind: kind.into(), message: message.into() }
    }

    /// HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Refusal::NoToken => 401,
            Refusal::NoRoute => 404,
            Refusal::NoMethod(_) => 405,
            Refusal::Policy(_) => 403,
            Refusal::NoVersion { .. } => 406,
            Refusal::BadVersion(_) => 400,
            Refusal::Said { status, .. } => *status,
        }
    }
}
