//! The services spoken to: their types in a catalog, their roots, how they are told a microversion.

use crate::base::{Error, ErrorKind, Result};

/// One kind of service.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its type in the Service Types Authority.
    pub name: &'static str,
    /// What its operators call it: the project, such as `Nova`.
    pub project: &'static str,
    /// Other types that catalogs list it under.
    pub aliases: &'static [&'static str],
    /// The version segment under which its paths live; empty where it has none.
    pub version: &'static str,
    /// Its word in the `OpenStack-API-Version` header; `None` where it takes no microversion.
    pub microversion: Option<&'static str>,
}

/// Nova.
pub const COMPUTE: Service = Service {
    name: "compute",
    project: "Nova",
    aliases: &[],
    version: "/v2.1",
    microversion: Some("compute"),
};
/// Keystone.
pub const IDENTITY: Service = Service {
    name: "identity",
    project: "Keystone",
    aliases: &["identityv3"],
    version: "/v3",
    microversion: None,
};
/// Glance.
pub const IMAGE: Service =
    Service { name: "image", project: "Glance", aliases: &["imagev2"], version: "/v2", microversion: None };
/// Neutron.
pub const NETWORK: Service =
    Service { name: "network", project: "Neutron", aliases: &[], version: "/v2.0", microversion: None };
/// Octavia.
pub const LOAD_BALANCER: Service = Service {
    name: "load-balancer",
    project: "Octavia",
    aliases: &["loadbalancer"],
    version: "/v2",
    microversion: None,
};
/// Placement.
pub const PLACEMENT: Service = Service {
    name: "placement",
    project: "Placement",
    aliases: &[],
    version: "",
    microversion: Some("placement"),
};
/// Magnum.
pub const CONTAINER_INFRA: Service = Service {
    name: "container-infra",
    project: "Magnum",
    aliases: &["container-infrastructure-management", "container-infrastructure", "container"],
    version: "/v1",
    microversion: Some("container-infra"),
};
/// Cinder.
pub const BLOCK_STORAGE: Service = Service {
    name: "block-storage",
    project: "Cinder",
    aliases: &["volumev3", "block-store", "volume"],
    version: "/v3",
    microversion: Some("volume"),
};

/// All of them.
pub const SERVICES: &[&Service] =
    &[&COMPUTE, &IDENTITY, &IMAGE, &NETWORK, &LOAD_BALANCER, &PLACEMENT, &CONTAINER_INFRA, &BLOCK_STORAGE];

/// The service of a type or an alias; `None` for one that this table does not know.
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().copied().find(|s| s.name == name || s.aliases.contains(&name))
}

/// Refuses a microversion where the service takes none, rather than to leave it out.
///
/// # Errors
/// [`ErrorKind::Argument`] that names the services that do.
pub fn takes_versions(name: &str) -> Result<()> {
    if service(name).is_none_or(|s| s.microversion.is_some()) {
        return Ok(());
    }
    let takers: Vec<&str> = SERVICES.iter().filter(|s| s.microversion.is_some()).map(|s| s.name).collect();
    Err(Error::new(ErrorKind::Argument, format!("{name} takes no microversion"))
        .help(format!("{} do", takers.join(", "))))
}
