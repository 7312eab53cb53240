//! Host keys, and what the site's own `known_hosts` says of a host.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::HostSpec;
use crate::base::{Error, ErrorKind, Result};

/// A host's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

impl HostKey {
    /// Reads a line of a `known_hosts` file: `names algorithm base64 [comment]`.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for any other text.
    pub fn parse(line: &str) -> Result<Self> {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (algorithm, blob) = (words.next(), words.next().and_then(|text| STANDARD.decode(text).ok()));
        match (algorithm, blob) {
            (Some(algorithm), Some(blob)) => Ok(HostKey { algorithm: algorithm.to_owned(), blob }),
            _ => Err(Error::new(ErrorKind::Protocol, format!("`{}` is not a host key", line.escape_debug()))),
        }
    }

    /// Its kind: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Its fingerprint as `ssh-keygen -l` and a console log show it: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }

    pub(super) fn line(&self, host: &HostSpec) -> String {
        format!("{} {} {}", host.known_as(), self.algorithm, STANDARD.encode(&self.blob))
    }
}

/// A line of a `known_hosts` file that is about the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its line, from 1.
    pub(super) number: usize,
    pub(super) key: HostKey,
}

/// What the site's file says of a host. No file is an empty one.
pub(super) async fn entries(host: &HostSpec) -> Result<Vec<Entry>> {
    let path = &host.known_hosts;
    if !path.exists() {
        return Ok(Vec::new());
    }
    // names may be hashed, so the one who hashed them is asked
    let output = tokio::process::Command::new("ssh-keygen")
        .args(["-F", &host.known_as(), "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .await
        .map_err(|e| {
            Error::new(ErrorKind::Io, "ssh-keygen could not be started")
                .from_source(&e)
                .help("install the OpenSSH client")
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = Vec::new();
    let mut number = 0;
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            number = comment.split("found: line ").nth(1).and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        } else if number > 0 && !line.starts_with('@') {
            found.push(Entry { number, key: HostKey::parse(line)? });
        }
    }
    Ok(found)
}

/// The fingerprints that the site's file has for a host.
pub(super) async fn fingerprints(host: &HostSpec) -> Vec<String> {
    let known = entries(host).await.unwrap_or_default();
    known.iter().map(|entry| entry.key.fingerprint()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_one_ssh_keygen_shows() {
        // from `ssh-keygen -l`
        let line = "x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVoJxGmnDLI6cJbuZqMLMOkEGP/lth0c0K4nu3Gyt+T";
        assert_eq!(
            HostKey::parse(line).unwrap().fingerprint(),
            "SHA256:VmV7t9nYqKY+An7Dwc73iBQwlXKdLNLxzae5wkXi/Us"
        );
        for text in ["", "x", "x ssh-ed25519", "x ssh-ed25519 !!!"] {
            assert_eq!(HostKey::parse(text).unwrap_err().kind(), ErrorKind::Protocol);
        }
    }
}
