//! Tenet 2 as a type: a change is approved and journaled before it can be sent.
//!
//! A mutating method of a system takes a [`Permit`] by value. The permit *holds* the
//! mutation, so what is sent is what was shown; and the only way to one is
//! [`Permit::obtain`], which asks the [`Ledger`] (approval, then a record synced to disk).
//!
//! ```compile_fail
//! use rhumb::base::Permit;
//! // its fields are private: there is no permit without a ledger's record
//! let forged = Permit { mutation: "DELETE everything", record: 1 };
//! ```

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::Result;
use super::secret::{mask, mask_json, masked};

/// Whether a change can be taken back, as an operator is told before approving it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// How it is taken back.
    By(String),
    /// It cannot be.
    Never,
    /// Nobody here knows.
    #[default]
    Unknown,
}

/// A change as it is shown, approved and journaled. No secret is in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// `openstack`, `kubernetes`, `ssh`, `tool` or `file`.
    pub system: String,
    /// The handle's name in the site file.
    pub handle: String,
    /// Who and where the handle proved to be: project, user, roles, expiry; or user and host.
    pub identity: String,
    /// HTTP method, or `run`.
    pub method: String,
    /// Path and query as they are sent, or the command.
    pub target: String,
    /// The whole URL as it is sent, where the change is a request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The ids of the one thing that it is aimed at, in the forms that `--approve id:` takes: a UUID, the path of a
    /// file, or `SCOPE/KIND/NAME` and `SERVER/KIND/NAMESPACE/NAME`. None where nothing is there yet, or only its author knows what it is aimed at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// One sentence: `fail over load balancer api (0f96…)`.
    pub summary: String,
    /// The body, secrets masked.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// Whether it can be taken back.
    pub undo: Undo,
    /// It destroys something: shown one by one unless approved by id.
    #[serde(default)]
    pub destroys: bool,
    /// What is there now and will not be any more: of a file its size, time and digest.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub replaces: Value,
    /// What a thing that is removed was like, as far as it was seen. A resume shows it to the step that removed it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub was: Value,
}

impl Intent {
    /// The same with every known secret masked, also one that a script put there as plain text.
    #[must_use]
    pub fn masked(mut self) -> Self {
        for text in [&mut self.identity, &mut self.target, &mut self.url, &mut self.summary] {
            *text = masked(std::mem::take(text));
        }
        if let Undo::By(how) = &mut self.undo {
            *how = masked(std::mem::take(how));
        }
        mask_json(&mut self.body);
        mask_json(&mut self.replaces);
        mask_json(&mut self.was);
        self
    }

    /// Tells two intents apart: SHA-256 over all that would be sent, as it is shown (not over who asks when, nor
    /// over what is there).
    pub fn digest(&self) -> String {
        let mut h = Sha256::new();
        let mut body = self.body.clone();
        mask_json(&mut body);
        for part in [&self.system, &self.handle, &self.method, &*mask(&self.target), &body.to_string()] {
            h.update(part.as_bytes());
            h.update([0]);
        }
        hex(&h.finalize())
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// Whether a text has the form of an id: a UUID, with or without dashes.
pub fn is_uuid(text: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    match text.len() {
        32 => text.bytes().all(|b| b.is_ascii_hexdigit()),
        36 => {
            text.bytes().enumerate().all(|(at, b)| if dash(at) { b == b'-' } else { b.is_ascii_hexdigit() })
        }
        _ => false,
    }
}

/// A change that some system can carry out.
pub trait Mutation {
    /// What to show, approve and journal.
    fn intent(&self) -> Intent;
}

/// Where changes are approved and recorded.
pub trait Ledger: Send + Sync {
    /// Asks for approval, journals the intent and syncs it to disk. Returns the number of the
    /// record. Whoever gets an error must not send.
    fn authorise(&self, intent: &Intent) -> Result<u64>;
}

/// The right to carry out one mutation, once.
#[derive(Debug)]
pub struct Permit<M> {
    mutation: M,
    record: u64,
}

impl<M: Mutation> Permit<M> {
    /// Has the mutation approved and journaled.
    pub fn obtain(ledger: &dyn Ledger, mutation: M) -> Result<Self> {
        let record = ledger.authorise(&mutation.intent().masked())?;
        Ok(Permit { mutation, record })
    }
}

impl<M> Permit<M> {
    /// The number of the journal's record that stands behind it.
    pub fn record(&self) -> u64 {
        self.record
    }

    /// Gives up the permit for the mutation it holds, to send it.
    pub fn spend(self) -> M {
        self.mutation
    }
}
