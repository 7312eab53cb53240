//! What a service says of its versions, and whether that covers what a call needs.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};

use super::service::service;

/// A version such as `2.53`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl FromStr for Version {
    type Err = Error;

    /// Reads `2.53`, `v2.1` or `v3`.
    fn from_str(text: &str) -> Result<Self> {
        let (major, minor) =
            text.trim_start_matches('v').split_once('.').unwrap_or((text.trim_start_matches('v'), "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Version(major, minor)),
            _ => Err(Error::new(ErrorKind::Argument, format!("`{text}` is not a version"))
                .help("write it as 2.53")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The oldest and the newest version that a service offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub min: Version,
    /// The newest.
    pub max: Version,
}

impl Versions {
    /// Reads a version document: `{"versions": [...]}` of a root, or `{"version": {...}}`.
    ///
    /// A service with microversions states a range; another states each of its minor versions.
    pub(super) fn parse(document: &Value) -> Option<Self> {
        let entries = match (&document["versions"], &document["version"]) {
            (Value::Array(entries), _) => entries.as_slice(),
            (Value::Object(values), _) => values.get("values")?.as_array()?.as_slice(),
            (_, one @ Value::Object(_)) => std::slice::from_ref(one),
            _ => return None,
        };
        let version = |e: &Value, key: &str| e[key].as_str().and_then(|t| t.parse::<Version>().ok());
        let ranges = entries.iter().filter_map(|e| {
            let max = version(e, "max_version").or_else(|| version(e, "version"))?;
            Some(Versions { min: version(e, "min_version")?, max })
        });
        ranges.max_by_key(|v| v.max).or_else(|| {
            let ids = || entries.iter().filter_map(|e| version(e, "id"));
            Some(Versions { min: ids().min()?, max: ids().max()? })
        })
    }

    /// The version to ask for so that `wanted` is what is spoken.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] naming what is needed and what is offered.
    pub(super) fn negotiate(&self, service: &str, wanted: Version) -> Result<Version> {
        if wanted > self.max {
            let (min, max) = (self.min, self.max);
            let what = format!("the call needs version {wanted} of {service}, which offers {min} to {max}");
            return Err(Error::new(ErrorKind::Unsupported, what).help("the cloud is older than this call"));
        }
        Ok(wanted.max(self.min))
    }
}

/// The header in which a microversion is asked for, and in which the service says what it spoke.
pub(super) const HEADER: &str = "OpenStack-API-Version";

/// The header that asks a service for a microversion; `None` for a service without them. One that the table does not
/// know goes by its type.
pub(super) fn header(name: &str, version: Version) -> Option<(&'static str, String)> {
    let word = service(name).map_or(Some(name), |s| s.microversion)?;
    Some((HEADER, format!("{word} {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_service_states_its_versions_in_its_own_way() {
        for (document, min, max) in [
            (
                json!({"versions": [{"id": "v2.0", "version": "", "min_version": ""}, {"id": "v2.1", "version": "2.96", "min_version": "2.1"}]}),
                "2.1",
                "2.96",
            ),
            (
                json!({"versions": [{"id": "v1", "max_version": "1.11", "min_version": "1.1"}], "name": "Magnum"}),
                "1.1",
                "1.11",
            ),
            (json!({"versions": [{"id": "v2.0"}, {"id": "v2.2"}, {"id": "v2.27"}]}), "2.0", "2.27"),
            (json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}}), "2.1", "2.96"),
            (json!({"versions": {"values": [{"id": "v3.14"}]}}), "3.14", "3.14"),
        ] {
            let v = Versions::parse(&document).unwrap();
            assert_eq!((v.min.to_string(), v.max.to_string()), (min.into(), max.into()));
        }
        assert_eq!(Versions::parse(&json!("v2")), None);
    }

    #[test]
    fn a_call_that_needs_more_than_is_offered_is_unsupported() {
        let offered = Versions { min: Version(1, 1), max: Version(1, 11) };
        assert_eq!(offered.negotiate("container-infra", Version(1, 9)).unwrap(), Version(1, 9));
        assert_eq!(offered.negotiate("container-infra", Version(1, 0)).unwrap(), Version(1, 1));
        let e = offered.negotiate("container-infra", Version(1, 12)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported);
        assert_eq!(e.to_string(), "the call needs version 1.12 of container-infra, which offers 1.1 to 1.11");
    }

    #[test]
    fn only_services_with_microversions_get_the_header() {
        assert_eq!(header("compute", Version(2, 53)).unwrap().1, "compute 2.53");
        assert_eq!(header("container", Version(1, 9)).unwrap().1, "container-infra 1.9");
        assert_eq!(header("baremetal", Version(1, 80)).unwrap().1, "baremetal 1.80");
        assert_eq!(header("load-balancer", Version(2, 20)), None);
    }
}
