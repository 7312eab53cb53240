//! How a host gets into the site's `known_hosts`: by a change that shows the fingerprint.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::known_hosts::{Entry, entries};
use super::{HostKey, HostSpec};
use crate::base::{Error, ErrorKind, Intent, Mutation, Permit, Result, Undo};

/// A change to the site's `known_hosts`: from now on the host is known by this key.
#[derive(Clone, Debug)]
pub struct HostKeyPin {
    host: Arc<HostSpec>,
    key: HostKey,
    replaces: Vec<Entry>,
}

impl HostKeyPin {
    /// What it takes to pin the key a host has shown; nothing where the file has it already.
    ///
    /// `expected` is a fingerprint from another source, such as the console log of a fresh
    /// virtual machine. `replace` gives up the keys that the file has for the host.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with both fingerprints where the key is not the expected one, or
    /// where the file has another and `replace` is not set; [`ErrorKind::Site`] for a host that
    /// cannot be.
    pub async fn new(
        host: &HostSpec,
        key: HostKey,
        expected: Option<&str>,
        replace: bool,
    ) -> Result<Option<Self>> {
        host.validate()?;
        let shown = key.fingerprint();
        if let Some(expected) = expected.filter(|expected| expected.trim_end_matches('=') != shown) {
            let what = format!("{} shows the host key {shown}, and {expected} was expected", host.name);
            return Err(Error::new(ErrorKind::Refused, what).help(
                "this is not the host it is taken for, or the expected fingerprint is of another key type",
            ));
        }
        let known = entries(host).await?;
        if known.iter().any(|entry| entry.key == key) {
            return Ok(None);
        }
        if !known.is_empty() && !replace {
            return Err(changed(
                host,
                &shown,
                &known.iter().map(|e| e.key.fingerprint()).collect::<Vec<_>>(),
            ));
        }
        Ok(Some(HostKeyPin { host: Arc::new(host.clone()), key, replaces: known }))
    }

    /// The pin that has made a host known by a key, for whoever settles one that was cut off.
    pub fn made(host: &HostSpec, key: HostKey) -> Self {
        HostKeyPin { host: Arc::new(host.clone()), key, replaces: Vec::new() }
    }

    /// The key to be pinned.
    pub fn key(&self) -> &HostKey {
        &self.key
    }
}

impl Mutation for HostKeyPin {
    fn intent(&self) -> Intent {
        let fingerprint = self.key.fingerprint();
        let replaced: Vec<String> = self.replaces.iter().map(|entry| entry.key.fingerprint()).collect();
        // what is given up is told, and is no part of what is asked for: a run that was cut asks again
        let instead = match replaced.as_slice() {
            [] => String::new(),
            replaced => format!(" in place of {}", replaced.join(", ")),
        };
        let body = json!({
            "host": self.host.known_as(),
            "algorithm": self.key.algorithm(),
            "fingerprint": fingerprint,
        });
        Intent {
            system: "file".into(),
            handle: self.host.name.clone(),
            identity: self.host.identity(),
            method: "pin".into(),
            target: self.host.known_hosts.display().to_string(),
            summary: format!("trust the host key {fingerprint} of {}{instead}", self.host.name),
            body,
            undo: match replaced.as_slice() {
                [] => Undo::By(format!("remove the line of {} from the file", self.host.known_as())),
                _ => Undo::Never,
            },
            destroys: !replaced.is_empty(),
            replaces: match replaced.as_slice() {
                [] => serde_json::Value::Null,
                replaced => json!({ "fingerprints": replaced }),
            },
            ..Intent::default()
        }
    }
}

/// The host showed another key than the one it is known by.
pub(super) fn changed(host: &HostSpec, shown: &str, pinned: &[String]) -> Error {
    let what = format!(
        "the host key of {} ({}) has changed: it shows {shown}, and {} has {}",
        host.name,
        host.known_as(),
        host.known_hosts.display(),
        pinned.join(", "),
    );
    Error::new(ErrorKind::Refused, what).help(
        "if the host was rebuilt, compare the new fingerprint with its console log and pin it in place of the old one; \
         otherwise somebody else answers at this address",
    )
}

/// Carries out a permitted pin: the file is replaced as a whole, or not at all.
///
/// # Errors
/// [`ErrorKind::Conflict`] where the file no longer is what was shown; [`ErrorKind::Io`].
pub async fn pin(permit: Permit<HostKeyPin>) -> Result<HostKey> {
    let HostKeyPin { host, key, replaces } = permit.spend();
    if entries(&host).await? != replaces {
        let what = format!("{} has been changed by somebody else", host.known_hosts.display());
        return Err(Error::new(ErrorKind::Conflict, what).help("look at the host's key again"));
    }
    let before = match std::fs::read_to_string(&host.known_hosts) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(unwritable(&host.known_hosts, &e)),
    };
    let gone = |n: usize| replaces.iter().any(|entry| entry.number == n + 1);
    let kept = before.lines().enumerate().filter(|(n, _)| !gone(*n)).map(|(_, line)| line.to_owned());
    let mut text = kept.chain([key.line(&host)]).collect::<Vec<_>>().join("\n");
    text.push('\n');
    replace(&host.known_hosts, &text).map_err(|e| unwritable(&host.known_hosts, &e))?;
    Ok(key)
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".known_hosts").tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = std::fs::metadata(path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} could not be written", path.display())).from_source(error)
}

#[cfg(test)]
mod tests {
    use super::super::known_hosts::fingerprints;
    use super::*;
    use crate::base::Ledger;

    // the keys are real, their private halves are gone
    const OLD: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIBVoJxGmnDLI6cJbuZqMLMOkEGP/lth0c0K4nu3Gyt+T";
    const NEW: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOPXcF8LprE5cHQL86SnXeGD0NfY9ZLQhbiimPWvFgc7";

    struct Yes;

    impl Ledger for Yes {
        fn authorise(&self, _: &Intent) -> Result<u64> {
            Ok(1)
        }
    }

    fn key(blob: &str) -> HostKey {
        HostKey::parse(&format!("x ssh-ed25519 {blob}")).unwrap()
    }

    /// A site whose file knows two hosts, one of them by a hashed name.
    fn site() -> (tempfile::TempDir, HostSpec) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("known_hosts");
        std::fs::write(&path, format!("# ours\n10.0.0.9 ssh-ed25519 {OLD}\n10.20.0.10 ssh-ed25519 {OLD}\n"))
            .unwrap();
        let hashed = std::process::Command::new("ssh-keygen")
            .arg("-q")
            .arg("-H")
            .arg("-f")
            .arg(&path)
            .output()
            .unwrap();
        assert!(hashed.status.success());
        let host = HostSpec::new("mgmt", "10.20.0.10", "ubuntu", path);
        (dir, host)
    }

    #[tokio::test]
    async fn a_known_key_needs_no_change_and_another_is_refused_with_both_fingerprints() {
        let (_dir, host) = site();
        assert!(HostKeyPin::new(&host, key(OLD), None, false).await.unwrap().is_none());
        let error = HostKeyPin::new(&host, key(NEW), None, false).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        for fingerprint in [key(OLD).fingerprint(), key(NEW).fingerprint()] {
            assert!(error.to_string().contains(&fingerprint), "{error}");
        }
        let error = HostKeyPin::new(&host, key(NEW), Some(&key(OLD).fingerprint()), true).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }

    #[tokio::test]
    async fn a_pin_adds_one_line_and_a_replacing_one_takes_the_old_away() {
        let (_dir, host) = site();
        let fresh = HostSpec { port: 2222, ..host.clone() };
        let pin_new =
            HostKeyPin::new(&fresh, key(NEW), Some(&key(NEW).fingerprint()), false).await.unwrap().unwrap();
        assert_eq!(pin_new.intent().body["fingerprint"], key(NEW).fingerprint());
        pin(Permit::obtain(&Yes, pin_new).unwrap()).await.unwrap();
        assert_eq!(fingerprints(&fresh).await, [key(NEW).fingerprint()]);
        assert_eq!(fingerprints(&host).await, [key(OLD).fingerprint()]);

        let rebuilt = HostKeyPin::new(&host, key(NEW), None, true).await.unwrap().unwrap();
        let instead = format!("in place of {}", key(OLD).fingerprint());
        assert!(rebuilt.intent().summary.ends_with(&instead), "{}", rebuilt.intent().summary);
        let again = HostKeyPin::made(&host, key(NEW)).intent();
        assert_eq!(again.digest(), rebuilt.intent().digest(), "a run that was cut knows its own pin");
        pin(Permit::obtain(&Yes, rebuilt).unwrap()).await.unwrap();
        assert_eq!(fingerprints(&host).await, [key(NEW).fingerprint()]);
        let text = std::fs::read_to_string(&host.known_hosts).unwrap();
        assert!(text.starts_with("# ours\n|1|"), "{text}");
        assert_eq!(text.lines().count(), 4);
    }

    #[tokio::test]
    async fn a_file_that_changed_since_it_was_shown_is_left_alone() {
        let (_dir, host) = site();
        let pin_new = HostKeyPin::new(&host, key(NEW), None, true).await.unwrap().unwrap();
        std::fs::write(&host.known_hosts, "").unwrap();
        let error = pin(Permit::obtain(&Yes, pin_new).unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(std::fs::read_to_string(&host.known_hosts).unwrap(), "");
    }
}
