//! A Lease (`coordination.k8s.io/v1`) that one of several machines holds.
//!
//! It is written without a [`Permit`](crate::base::Permit), as nothing else is: whoever holds it may begin a run, and only a
//! run has a journal. It says who acts and changes nothing that anybody runs on.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Payload, Result};

use super::ask::Ask;
use super::handle::Kube;
use super::path::segment;
use super::proof::Proof;

/// How long a Lease counts after it was last renewed. Its holder renews it three times as often.
pub const LEASE: Duration = Duration::from_secs(60);

/// A Lease that this process holds.
#[derive(Debug)]
pub struct Lease {
    kube: Kube,
    path: String,
    holder: String,
    /// The version that was written last: another one means that somebody else has written.
    version: String,
}

/// `2026-06-10T02:00:00.000000Z`: a `MicroTime`.
fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

impl Kube {
    /// Takes a Lease for a holder. One that is there is taken over when it was released, or when it has not been
    /// renewed for twice its time: the clocks of two machines may differ by that time once.
    ///
    /// # Errors
    /// * [`ErrorKind::Locked`]: somebody holds it; who, and since when;
    /// * [`ErrorKind::ScopeMismatch`]: the handle is not what the site file declares;
    /// * those of any read.
    pub async fn lease(&self, namespace: &str, name: &str, holder: &str, now: Timestamp) -> Result<Lease> {
        self.prove().await?;
        let collection =
            format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", segment("namespace", namespace)?);
        let path = format!("{collection}/{}", segment("Lease", name)?);
        let found = match self.json(&Ask::get(&path)).await {
            Ok(found) => found,
            Err(e) if e.kind() == ErrorKind::NotFound => Value::Null,
            Err(e) => return Err(e),
        };
        let spec = json!({
            "holderIdentity": holder, "leaseDurationSeconds": LEASE.as_secs(), "acquireTime": micro(now), "renewTime": micro(now),
            "leaseTransitions": found["spec"]["leaseTransitions"].as_i64().map_or(0, |n| n + 1),
        });
        let mut lease =
            Lease { kube: self.clone(), path, holder: holder.to_string(), version: String::new() };
        if found.is_null() {
            let body = json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": name, "namespace": namespace}, "spec": spec,
            });
            let ask = Ask::new(Method::POST, &collection, Some(Payload::new(body, [])))
                .proven_by(Proof::created("Lease", name));
            let made = self.json(&ask).await;
            lease.version = version(&made.map_err(|e| taken(e, name))?);
            return Ok(lease);
        }
        if let Some(e) = held(&found["spec"], name, now) {
            return Err(e.scope(self.name()));
        }
        lease.version = version(&found);
        lease.write(spec).await.map_err(|e| taken(e, name))?;
        Ok(lease)
    }
}

impl Lease {
    /// Says that its holder is still there.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: another has taken it over; and those of any read, after which it may still be held.
    pub async fn renew(&mut self, now: Timestamp) -> Result<()> {
        let lost = |e: Error| match e.kind() {
            ErrorKind::Conflict | ErrorKind::NotFound => {
                Error::new(ErrorKind::Locked, "another has taken over the Lease that this run holds")
                    .cause(e.to_string())
            }
            _ => e,
        };
        self.write(json!({"renewTime": micro(now)})).await.map_err(lost)
    }

    /// Gives it back, so that the next need not wait.
    ///
    /// # Errors
    /// Those of any read. The Lease ends by itself then.
    pub async fn release(mut self) -> Result<()> {
        self.write(json!({"holderIdentity": "", "renewTime": null, "acquireTime": null})).await
    }

    /// Who holds it.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Writes into its spec, unless somebody else has written since.
    async fn write(&mut self, spec: Value) -> Result<()> {
        let body = json!({"metadata": {"resourceVersion": self.version}, "spec": spec});
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let mut ask = Ask::new(Method::PATCH, &self.path, Some(Payload::new(body, [])))
            .proven_by(Proof::patched("Lease", name));
        ask.content_type = Some("application/merge-patch+json");
        self.version = version(&self.kube.json(&ask).await?);
        Ok(())
    }
}

fn version(lease: &Value) -> String {
    lease["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_string()
}

/// Somebody was faster.
fn taken(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Conflict => {
            Error::new(ErrorKind::Locked, format!("another run has just taken the Lease {name}"))
                .cause(error.to_string())
        }
        _ => error,
    }
}

/// The error of a Lease that somebody holds.
fn held(spec: &Value, name: &str, now: Timestamp) -> Option<Error> {
    let holder = spec["holderIdentity"].as_str().filter(|h| !h.is_empty())?;
    let seconds = spec["leaseDurationSeconds"].as_u64().unwrap_or(LEASE.as_secs());
    let renewed: Option<Timestamp> = spec["renewTime"].as_str().and_then(|t| t.parse().ok());
    let ends = renewed.and_then(|at| at.checked_add(Duration::from_secs(seconds.saturating_mul(2))).ok())?;
    if now >= ends {
        return None;
    }
    let since = spec["acquireTime"].as_str().unwrap_or("a time it does not tell");
    let what = format!("the Lease {name} is held by {holder}, since {since}");
    let help = format!(
        "one run a site: wait for it, or end it; if its machine is gone, the Lease counts until {ends}; nothing was sent"
    );
    Some(Error::new(ErrorKind::Locked, what).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_lease_counts_for_twice_its_time() {
        let spec = json!({
            "holderIdentity": "ops@jump-1 run r1", "leaseDurationSeconds": 60, "acquireTime": "2026-06-10T01:00:00.000000Z",
            "renewTime": "2026-06-10T02:00:00.000000Z",
        });
        let e = held(&spec, "rhumb-roosevelt", at("2026-06-10T02:01:59Z")).unwrap();
        assert_eq!(e.kind(), ErrorKind::Locked);
        assert!(e.to_string().contains("held by ops@jump-1 run r1, since 2026-06-10T01:00:00"), "{e}");
        assert!(held(&spec, "rhumb-roosevelt", at("2026-06-10T02:02:00Z")).is_none());
        assert!(held(&json!({"holderIdentity": ""}), "l", at("2026-06-10T02:00:00Z")).is_none());
    }

    #[test]
    fn times_are_written_as_kubernetes_wants_them() {
        assert_eq!(micro(at("2026-06-10T02:00:00.5Z")), "2026-06-10T02:00:00.500000Z");
    }
}
