//! Asking a cluster what it serves: in two requests where it speaks aggregated discovery
//! (1.26 and later), else version by version.

use futures::future::join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroupList, APIResourceList, APIVersions};
use kube::client::{APIGroupDiscovery, APIGroupDiscoveryList, APIResourceDiscovery};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};

use super::ask::Ask;
use super::connection::Connection;
use super::resource::Resource;
use super::served::{Group, GroupVersion, Served};

/// Aggregated discovery where the server has it, plain JSON where it has not.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                      application/json";

/// Asks a cluster what it serves.
///
/// # Errors
/// As [`Connection::json`]. A version whose extension server is away is no error; it is stale.
pub(super) async fn discover(connection: &Connection) -> Result<Served> {
    let mut groups = Vec::new();
    for root in ["/api", "/apis"] {
        let ask = Ask { accept: Some(ACCEPT), ..Ask::get(root) };
        let answer = connection.json(&ask).await?;
        match answer["kind"].as_str() {
            Some("APIGroupDiscoveryList") => {
                groups
                    .extend(typed::<APIGroupDiscoveryList>(root, answer)?.items.into_iter().map(aggregated));
            }
            Some("APIVersions") => {
                let versions = typed::<APIVersions>(root, answer)?.versions;
                groups.push(group(connection, String::new(), versions).await);
            }
            Some("APIGroupList") => {
                let found = typed::<APIGroupList>(root, answer)?.groups;
                groups.extend(
                    join_all(found.into_iter().map(|g| {
                        let versions = g.versions.into_iter().map(|v| v.version).collect();
                        group(connection, g.name, versions)
                    }))
                    .await,
                );
            }
            other => {
                let kind = other.unwrap_or("something else");
                return Err(Error::new(ErrorKind::Protocol, format!("{root} answers with {kind}"))
                    .help("the server of this kubeconfig is no Kubernetes API"));
            }
        }
    }
    Ok(Served::new(groups))
}

fn typed<T: DeserializeOwned>(path: &str, answer: Value) -> Result<T> {
    serde_json::from_value(answer).map_err(|e| {
        Error::new(ErrorKind::Protocol, format!("{path} is not what Kubernetes answers")).from_source(&e)
    })
}

fn aggregated(group: APIGroupDiscovery) -> Group {
    let name = group.metadata.and_then(|m| m.name).unwrap_or_default();
    let versions = group.versions.into_iter().map(|v| {
        let version = v.version.unwrap_or_default();
        let resources =
            v.resources.into_iter().filter_map(|r| aggregated_resource(&name, &version, r)).collect();
        GroupVersion { stale: v.freshness.as_deref() == Some("Stale"), resources, version: version.clone() }
    });
    Group { versions: versions.collect(), name: name.clone() }
}

/// A resource without a kind of its own is only the parent of its subresources.
fn aggregated_resource(group: &str, version: &str, found: APIResourceDiscovery) -> Option<Resource> {
    let plural = found.resource?;
    let kind = found.response_kind?.kind?;
    let singular = found.singular_resource.filter(|s| !s.is_empty()).unwrap_or_else(|| kind.to_lowercase());
    Some(Resource {
        group: group.to_string(),
        version: version.to_string(),
        kind,
        plural,
        singular,
        short_names: found.short_names,
        namespaced: found.scope.as_deref() == Some("Namespaced"),
        verbs: found.verbs,
        subresources: found.subresources.into_iter().filter_map(|s| s.subresource).collect(),
    })
}

async fn group(connection: &Connection, name: String, versions: Vec<String>) -> Group {
    let root = if name.is_empty() { "/api".to_string() } else { format!("/apis/{name}") };
    let asked = versions.into_iter().map(|version| {
        let (root, name) = (&root, &name);
        async move {
            let path = format!("{root}/{version}");
            let found =
                connection.json(&Ask::get(&path)).await.and_then(|v| typed::<APIResourceList>(&path, v));
            match found {
                Ok(list) => {
                    GroupVersion { stale: false, resources: resources(name, &version, list), version }
                }
                // one extension server that is away must not hide all the others
                Err(_) => GroupVersion { version, stale: true, resources: Vec::new() },
            }
        }
    });
    let versions = join_all(asked).await;
    Group { versions, name }
}

fn resources(group: &str, version: &str, list: APIResourceList) -> Vec<Resource> {
    let (subresources, whole): (Vec<_>, Vec<_>) =
        list.resources.into_iter().partition(|r| r.name.contains('/'));
    let parts = |plural: &str| {
        subresources
            .iter()
            .filter_map(|s| s.name.split_once('/'))
            .filter(|(of, _)| *of == plural)
            .map(|(_, part)| part.to_string())
            .collect()
    };
    whole
        .into_iter()
        .map(|r| Resource {
            group: group.to_string(),
            version: version.to_string(),
            subresources: parts(&r.name),
            singular: if r.singular_name.is_empty() { r.kind.to_lowercase() } else { r.singular_name },
            plural: r.name,
            kind: r.kind,
            short_names: r.short_names.unwrap_or_default(),
            namespaced: r.namespaced,
            verbs: r.verbs,
        })
        .collect()
}
