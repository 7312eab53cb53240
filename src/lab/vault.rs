//! Vault: the seal of each unit, which is each unit's own.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::exchange::{Answer, Request};
use super::scenario;
use super::service::Service;
use super::world::World;

/// All units of Vault.
pub(super) struct Vaults;

/// A unit of Vault.
pub(crate) struct Vault {
    /// `host:port`.
    pub(crate) address: String,
    initialized: bool,
    sealed: bool,
    /// Key shares given since it was sealed, or since the last reset, each once.
    given: Vec<String>,
    /// Holders of key shares come by themselves, and this long after the start it is unsealed.
    unsealed_after: Option<Duration>,
    can_lead: bool,
    since: Timestamp,
}

/// Shares that are needed.
const THRESHOLD: u8 = 3;
/// Shares that there are.
const SHARES: u8 = 5;
const VERSION: &str = "1.8.8";
const CLUSTER: &str = "vault-cluster-lab";
/// What an unsealing that has begun is called.
const NONCE: &str = "5a61a1a0-0a5e-4b1e-8c61-1b2a3c4d5e6f";

impl Vault {
    pub(super) fn of(told: &scenario::Vault, start: Timestamp) -> Vault {
        Vault {
            address: told.address.clone(),
            initialized: told.initialized,
            sealed: told.sealed,
            given: Vec::new(),
            unsealed_after: told.unsealed_after.map(|time| *time),
            can_lead: told.can_lead,
            since: start,
        }
    }

    /// Whether it is sealed, and how many shares it was given.
    fn seal(&self, now: Timestamp) -> (bool, u8) {
        let given = match self.unsealed_after {
            Some(time) if self.sealed => {
                let share = now.duration_since(self.since).as_secs_f64() / time.as_secs_f64().max(1.0);
                (0..=THRESHOLD).rev().find(|n| share * f64::from(THRESHOLD) >= f64::from(*n)).unwrap_or(0)
            }
            _ => self.given.len().min(usize::from(THRESHOLD)) as u8,
        };
        if self.sealed && given < THRESHOLD { (true, given) } else { (false, 0) }
    }

    fn status(&self, now: Timestamp) -> Value {
        let (sealed, progress) = self.seal(now);
        let sealed = sealed || !self.initialized;
        let (threshold, shares) = if self.initialized { (THRESHOLD, SHARES) } else { (0, 0) };
        let mut status = json!({
            "type": "shamir", "initialized": self.initialized, "sealed": sealed, "t": threshold, "n": shares,
            "progress": progress, "nonce": if progress > 0 { NONCE } else { "" }, "version": VERSION, "migration": false, "recovery_seal": false,
            "storage_type": "mysql",
        });
        if !sealed {
            status["cluster_name"] = CLUSTER.into();
        }
        status
    }

    /// What it tells whoever decides whether to send it requests.
    fn health(&self, now: Timestamp) -> Value {
        let sealed = self.seal(now).0 || !self.initialized;
        let mut health = json!({
            "initialized": self.initialized, "sealed": sealed, "standby": sealed, "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled", "server_time_utc": now.as_second(), "version": VERSION,
        });
        if !sealed {
            health["cluster_name"] = CLUSTER.into();
        }
        health
    }

    /// Takes a key share, or with none forgets all that were given.
    fn take(&mut self, share: Option<&str>) {
        match share {
            None => self.given.clear(),
            Some(share) if self.given.iter().all(|g| g != share) => self.given.push(share.to_string()),
            Some(_) => {}
        }
        if self.given.len() >= usize::from(THRESHOLD) {
            self.sealed = false;
        }
    }
}

/// The address of the unit that answers for all: of those that are unsealed and may lead, the first.
fn leader(world: &World, now: Timestamp) -> Option<String> {
    let may = |v: &&Vault| v.can_lead && v.initialized && !v.seal(now).0;
    world.vaults.iter().find(may).map(|v| v.address.clone())
}

/// The unit that a request was sent to.
fn unit<'w>(world: &'w mut World, request: &Request) -> Option<&'w mut Vault> {
    let host = request.header("host").unwrap_or_default().to_string();
    world.vaults.iter_mut().find(|v| v.address == host)
}

impl Service for Vaults {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        let wanted = format!("{host}:{port}");
        world.vaults.iter().any(|v| v.address == wanted)
    }

    fn answer(&self, world: &mut World, request: &Request) -> Answer {
        let now = world.now();
        let leader = leader(world, now);
        let Some(vault) = unit(world, request) else { return self.failure(404, request) };
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/sys/seal-status") => Answer::json(200, vault.status(now)),
            ("GET" | "HEAD", "/v1/sys/health") => {
                let status = match (vault.initialized, vault.seal(now).0) {
                    (false, _) => 501,
                    (true, true) => 503,
                    (true, false) => 200,
                };
                Answer::json(status, vault.health(now))
            }
            ("GET", "/v1/sys/leader") if vault.seal(now).0 || !vault.initialized => {
                self.failure(503, request)
            }
            ("GET", "/v1/sys/leader") => {
                let own = leader.as_deref() == Some(&*vault.address);
                let url = leader.map(|address| format!("http://{address}")).unwrap_or_default();
                Answer::json(
                    200,
                    json!({"ha_enabled": true, "is_self": own, "leader_address": url, "leader_cluster_address": url,
                    "performance_standby": false}),
                )
            }
            ("PUT" | "POST", "/v1/sys/unseal") => {
                let share = request.member("key").and_then(Value::as_str).filter(|share| !share.is_empty());
                let reset = request.member("reset").and_then(Value::as_bool).unwrap_or(false);
                if share.is_none() && !reset {
                    return Answer::json(
                        400,
                        json!({"errors": ["'key' must be specified in request body as JSON, or 'reset' set to true"]}),
                    );
                }
                vault.take(share.filter(|_| !reset));
                Answer::json(200, vault.status(now))
            }
            _ => self.failure(404, request),
        }
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Answer::json(status, json!({"errors": []}))
    }

    fn pattern(&self, request: &Request) -> &'static str {
        match request.path.as_str() {
            "/v1/sys/seal-status" => "/v1/sys/seal-status",
            "/v1/sys/health" => "/v1/sys/health",
            "/v1/sys/leader" => "/v1/sys/leader",
            "/v1/sys/unseal" => "/v1/sys/unseal",
            _ => "/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_one_by_one() {
        let start = Timestamp::UNIX_EPOCH;
        let told = scenario::Vault {
            address: "v:8200".into(),
            initialized: true,
            sealed: true,
            unsealed_after: Some(scenario::Time(Duration::from_secs(300))),
            can_lead: true,
        };
        let vault = Vault::of(&told, start);
        let at = |seconds| vault.seal(start + Duration::from_secs(seconds));
        assert_eq!([at(0), at(100), at(250), at(300)], [(true, 0), (true, 1), (true, 2), (false, 0)]);
    }
}
