//! The seal of a unit of Vault: what it says of itself while it serves, while it is sealed, and share by share.

use rhumb::base::Payload;
use rhumb::systems::http::{Http, Method, Request};
use serde_json::{Map, Value, json};

use super::shape;

/// What is told by its value: everything else by its type.
const TOLD: [&str; 6] = ["initialized", "sealed", "t", "n", "progress", "type"];

/// Members that only OpenBao has, or only the Vault of the charms: their versions are years apart.
pub(crate) const OF_A_VERSION: [&str; 9] = [
    "build_date",
    "commit_date",
    "recovery_seal_type",
    "removed_from_cluster",
    "storage_type",
    "migration",
    "cluster_id",
    "cluster_name",
    "hcp_link_status",
];

/// A unit that is asked.
pub(crate) struct Unit<'u> {
    pub(crate) http: &'u Http,
    pub(crate) url: String,
    /// Shares that unseal it.
    pub(crate) shares: [String; 3],
}

impl Unit<'_> {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        seen: &mut Map<String, Value>,
        when: &str,
    ) {
        let mut title = format!("{when}: {method} {path}");
        if let Some(body) = &body {
            let shown = self.shares.iter().enumerate();
            let shown = shown.fold(body.to_string(), |text, (n, share)| {
                text.replace(share.as_str(), &format!("<share {n}>"))
            });
            title.push_str(&format!(" {shown}"));
        }
        let mut request = Request::new(method, &format!("{}{path}", self.url)).unwrap();
        if let Some(body) = body {
            request = request.json(&Payload::from(body)).unwrap();
        }
        let answer = self.http.send(&request).await.unwrap();
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let told: Map<String, Value> =
            TOLD.iter().filter_map(|key| Some(((*key).to_string(), document.get(key)?.clone()))).collect();
        let mut body =
            if answer.status < 400 || answer.status > 499 { shape::of(&document) } else { document };
        shape::without(&mut body, &OF_A_VERSION);
        let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_string());
        seen.insert(
            title,
            json!({"status": answer.status, "content-type": kind, "told": told, "body": body}),
        );
    }
}

/// Asks a unit that serves.
pub(crate) async fn unsealed(unit: &Unit<'_>, seen: &mut Map<String, Value>) {
    let when = "unsealed";
    unit.ask(Method::GET, "/v1/sys/seal-status", None, seen, when).await;
    unit.ask(Method::GET, "/v1/sys/health", None, seen, when).await;
    unit.ask(Method::HEAD, "/v1/sys/health", None, seen, when).await;
    unit.ask(Method::PUT, "/v1/sys/unseal", Some(json!({})), seen, when).await;
    unit.ask(Method::PUT, "/v1/sys/unseal", Some(json!({"key": unit.shares[0]})), seen, when).await;
}

/// Asks one that is sealed, and unseals it.
pub(crate) async fn sealed(unit: &Unit<'_>, seen: &mut Map<String, Value>) {
    let share = |n: usize| Some(json!({"key": unit.shares[n]}));
    let when = "sealed";
    unit.ask(Method::GET, "/v1/sys/seal-status", None, seen, when).await;
    unit.ask(Method::GET, "/v1/sys/health", None, seen, when).await;
    unit.ask(Method::HEAD, "/v1/sys/health", None, seen, when).await;
    unit.ask(Method::PUT, "/v1/sys/unseal", Some(json!({})), seen, when).await;
    unit.ask(Method::PUT, "/v1/sys/unseal", share(0), seen, when).await;
    unit.ask(Method::PUT, "/v1/sys/unseal", share(0), seen, "the same share again").await;
    unit.ask(Method::GET, "/v1/sys/seal-status", None, seen, "one share given").await;
    unit.ask(Method::PUT, "/v1/sys/unseal", Some(json!({"reset": true})), seen, "one share given").await;
    unit.ask(Method::PUT, "/v1/sys/unseal", share(0), seen, "begun anew").await;
    unit.ask(Method::PUT, "/v1/sys/unseal", share(1), seen, "begun anew").await;
    unit.ask(Method::PUT, "/v1/sys/unseal", share(2), seen, "begun anew").await;
    unit.ask(Method::GET, "/v1/sys/seal-status", None, seen, "unsealed again").await;
}
