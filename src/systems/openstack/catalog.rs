//! A token's catalog, and the choice of an endpoint in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::error::nearest;
use crate::base::secret::without_user;
use crate::base::{Error, ErrorKind, Result};

use super::cloud::Interface;
use super::service::{Service, service};

/// The services of a token, with where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: String,
    interface: Option<Interface>,
    region: String,
    url: String,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL up to, and without, the version segment; no slash at its end.
    pub root: String,
    /// The URL under which the service's paths live; no slash at its end.
    pub versioned: String,
}

impl Catalog {
    /// Reads the `catalog` of a token; entries of an unknown form are left out.
    pub(super) fn parse(catalog: &Value) -> Self {
        let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_string();
        let mut entries = Vec::new();
        for one in catalog.as_array().into_iter().flatten() {
            for endpoint in one["endpoints"].as_array().into_iter().flatten() {
                let region = match text(endpoint, "region_id") {
                    id if id.is_empty() => text(endpoint, "region"),
                    id => id,
                };
                entries.push(Entry {
                    kind: text(one, "type"),
                    interface: Interface::from_name(&text(endpoint, "interface")),
                    region,
                    // a password in it would be shown with each request
                    url: without_user(&text(endpoint, "url")),
                });
            }
        }
        Catalog(entries)
    }

    /// The types of the services it has.
    pub fn services(&self) -> BTreeSet<&str> {
        self.0.iter().map(|e| e.kind.as_str()).collect()
    }

    /// The URL of a service.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] that lists what the catalog has, where it lacks the service, the
    /// interface or the region; [`ErrorKind::Site`] where several regions have it and none is chosen.
    pub(super) fn url(&self, name: &str, interface: Interface, region: Option<&str>) -> Result<&str> {
        let kinds = spellings(name);
        // the first spelling that the catalog has wins: a cloud may list an old type beside the new one
        let Some(kind) = kinds.iter().find(|k| self.0.iter().any(|e| e.kind == **k)) else {
            let has = self.services();
            let meant = nearest(name, has.iter().copied());
            let list = has.iter().copied().collect::<Vec<_>>().join(", ");
            return Err(missing(format!("the catalog has no service `{name}`")).help(
                match (meant, has.is_empty()) {
                    (Some(meant), _) => format!("did you mean `{meant}`? It has {list}"),
                    (_, true) => "the token has no catalog: is the handle for a project?".to_string(),
                    _ => format!("it has {list}"),
                },
            ));
        };
        let of_kind: Vec<&Entry> = self.0.iter().filter(|e| e.kind == *kind).collect();
        let regions: BTreeSet<&str> = of_kind.iter().map(|e| e.region.as_str()).collect();
        let region = match (region, regions.len()) {
            (Some(region), _) => region,
            (None, 1) => regions.first().copied().unwrap_or_default(),
            (None, _) => {
                let list = regions.into_iter().collect::<Vec<_>>().join(", ");
                let what = format!("service `{name}` is in several regions and none is chosen");
                return Err(
                    Error::new(ErrorKind::Site, what).help(format!("state `region` as one of {list}"))
                );
            }
        };
        let found = of_kind.iter().find(|e| e.region == region && e.interface == Some(interface));
        found.map(|e| e.url.as_str()).ok_or_else(|| {
            let has: Vec<String> = of_kind
                .iter()
                .map(|e| {
                    format!("{} in {}", e.interface.map_or("another interface", Interface::name), e.region)
                })
                .collect();
            let interface = interface.name();
            missing(format!("service `{name}` has no {interface} endpoint in region `{region}`"))
                .help(format!("it has {}", has.join(", ")))
        })
    }
}

/// The types a service may be listed under, the given one first.
fn spellings(name: &str) -> Vec<&str> {
    let mut kinds = vec![name];
    if let Some(Service { name: own, aliases, .. }) = service(name) {
        kinds.extend(std::iter::once(own).chain(*aliases).filter(|k| **k != name));
    }
    kinds
}

fn missing(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, what)
}

impl Endpoint {
    /// Splits a catalog's URL at its version segment; one without a version gets the service's.
    pub(super) fn new(url: &str, name: &str) -> Self {
        let url = url.trim_end_matches('/');
        let path_starts = url.find("://").map_or(0, |i| i + 3);
        let mut end = path_starts;
        for segment in url[path_starts..].split('/') {
            if end > path_starts && is_version(segment) {
                return Endpoint { root: url[..end - 1].to_string(), versioned: url.to_string() };
            }
            end += segment.len() + 1;
        }
        let version = service(name).map_or("", |s| s.version);
        Endpoint { root: url.to_string(), versioned: format!("{url}{version}") }
    }

    /// What a path counts from: the root where it starts with a version, else the service's own version.
    pub(super) fn base(&self, path: &str) -> &str {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if is_version(first) { &self.root } else { &self.versioned }
    }
}

/// Whether a path segment is a version: `v2`, `v2.1`.
pub(super) fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|n| {
        n.starts_with(|c: char| c.is_ascii_digit()) && n.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::http::Address;
    use serde_json::json;

    fn catalog() -> Catalog {
        let at = |interface: &str, region: &str, url: &str| json!({"interface": interface, "region_id": region, "url": url});
        Catalog::parse(&json!([
            {"type": "compute", "endpoints": [at("public", "one", "http://c:8774/v2.1"), at("admin", "one", "http://a:8774/v2.1")]},
            {"type": "volumev3", "endpoints": [at("publicURL", "one", "http://v:8776/v3/abc")]},
            {"type": "network", "endpoints": [at("public", "one", "http://n1"), at("public", "two", "http://n2")]},
        ]))
    }

    #[test]
    fn an_endpoint_is_chosen_by_type_interface_and_region() {
        let c = catalog();
        assert_eq!(c.url("compute", Interface::Public, None).unwrap(), "http://c:8774/v2.1");
        assert_eq!(c.url("compute", Interface::Admin, Some("one")).unwrap(), "http://a:8774/v2.1");
        assert_eq!(c.url("block-storage", Interface::Public, None).unwrap(), "http://v:8776/v3/abc");
        assert_eq!(c.url("network", Interface::Public, Some("two")).unwrap(), "http://n2");
    }

    #[test]
    fn what_is_missing_is_named_beside_what_is_there() {
        let c = catalog();
        let e = |r: Result<&str>| {
            let e = r.unwrap_err();
            (e.kind(), format!("{e}; {}", e.detail().help.clone().unwrap_or_default()))
        };
        assert_eq!(
            e(c.url("load-balancer", Interface::Public, None)),
            (
                ErrorKind::Unsupported,
                "the catalog has no service `load-balancer`; it has compute, network, volumev3".into()
            )
        );
        assert_eq!(
            e(c.url("network", Interface::Public, None)),
            (
                ErrorKind::Site,
                "service `network` is in several regions and none is chosen; state `region` as one of one, two".into()
            )
        );
        assert_eq!(
            e(c.url("compute", Interface::Internal, Some("one"))).1,
            "service `compute` has no internal endpoint in region `one`; it has public in one, admin in one"
        );
        assert!(e(c.url("computer", Interface::Public, None)).1.contains("did you mean `compute`"));
    }

    #[test]
    fn a_path_counts_from_the_version_or_from_the_root() {
        for (url, name, path, full) in [
            ("http://h:8774/v2.1", "compute", "/servers", "http://h:8774/v2.1/servers"),
            ("http://h:8774", "compute", "servers", "http://h:8774/v2.1/servers"),
            ("http://h/compute/v2.1/abc/", "compute", "/servers", "http://h/compute/v2.1/abc/servers"),
            (
                "http://h:9876",
                "load-balancer",
                "/lbaas/loadbalancers",
                "http://h:9876/v2/lbaas/loadbalancers",
            ),
            ("http://h:9876", "load-balancer", "/v2.0/lbaas/x", "http://h:9876/v2.0/lbaas/x"),
            (
                "http://h:9876/load-balancer",
                "load-balancer",
                "/v2/octavia/amphorae",
                "http://h:9876/load-balancer/v2/octavia/amphorae",
            ),
            (
                "http://h/placement",
                "placement",
                "/resource_providers",
                "http://h/placement/resource_providers",
            ),
            ("http://v1.example/identity", "identity", "/projects", "http://v1.example/identity/v3/projects"),
            ("http://h/rating", "rating", "/v1/info", "http://h/rating/v1/info"),
        ] {
            let endpoint = Endpoint::new(url, name);
            let address = Address::below(endpoint.base(path), path, &[]).unwrap();
            assert_eq!(address.url().as_str(), full);
        }
    }
}
