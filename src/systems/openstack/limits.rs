//! What a project may use of a service, and what it uses.

use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::Method;

use super::call::Call;
use super::service::service;
use super::session::Session;

/// Nova's and Cinder's pairs of fields: what it is, its limit, its use.
const ABSOLUTE: &[(&str, &str, &str)] = &[
    ("instances", "maxTotalInstances", "totalInstancesUsed"),
    ("cores", "maxTotalCores", "totalCoresUsed"),
    ("ram_mib", "maxTotalRAMSize", "totalRAMUsed"),
    ("server_groups", "maxServerGroups", "totalServerGroupsUsed"),
    ("volumes", "maxTotalVolumes", "totalVolumesUsed"),
    ("volume_gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    ("snapshots", "maxTotalSnapshots", "totalSnapshotsUsed"),
];

/// For each thing that the session's project may use of a service, its `limit` (-1 is none) and how much is
/// `used` (null where the service does not tell).
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a service that has no limits here; and as [`Session::send`].
pub async fn limits(session: &Session, name: &str) -> Result<Map<String, Value>> {
    let known = service(name).map_or(name, |s| s.name);
    let path = match known {
        "compute" | "block-storage" => "/limits",
        "network" => "/quotas/{project_id}/details.json",
        "load-balancer" => "/lbaas/quotas/{project_id}",
        _ => {
            return Err(Error::new(ErrorKind::Unsupported, format!("no limits of `{name}` are known here"))
                .help(
                    "there are those of compute, block-storage, network and load-balancer; \
                       `scope.request` reaches the rest",
                )
                .scope(session.handle()));
        }
    };
    let mut call = Call::new(known.to_string(), Method::GET, path);
    call.summary = "tell the project's limits".to_string();
    let (body, _) = session.read(&call).await?;
    Ok(told(&body))
}

fn told(body: &Value) -> Map<String, Value> {
    let absolute = &body["limits"]["absolute"];
    if absolute.is_object() {
        let pairs = ABSOLUTE.iter().filter(|(_, limit, _)| !absolute[limit].is_null());
        return pairs
            .map(|(name, limit, used)| {
                (name.to_string(), json!({ "limit": absolute[limit], "used": absolute[used] }))
            })
            .collect();
    }
    let each = |(name, quota): (&String, &Value)| {
        let pair = match quota {
            Value::Object(q) => json!({ "limit": q.get("limit"), "used": q.get("used") }),
            limit => json!({ "limit": limit, "used": null }),
        };
        (name.clone(), pair)
    };
    body["quota"].as_object().into_iter().flatten().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_tells_them_in_its_own_way() {
        let nova = json!({"limits": {"absolute": {"maxTotalCores": 20, "totalCoresUsed": 4, "maxTotalInstances": -1}}});
        let told_by = |body: &Value| Value::from(told(body));
        assert_eq!(
            told_by(&nova),
            json!({"instances": {"limit": -1, "used": null}, "cores": {"limit": 20, "used": 4}})
        );
        let neutron = json!({"quota": {"network": {"limit": 100, "used": 3, "reserved": 0}}});
        assert_eq!(told_by(&neutron), json!({"network": {"limit": 100, "used": 3}}));
        let octavia = json!({"quota": {"load_balancer": -1}});
        assert_eq!(told_by(&octavia), json!({"load_balancer": {"limit": -1, "used": null}}));
        assert_eq!(told_by(&json!([])), json!({}));
    }
}
