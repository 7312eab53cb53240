//! Microversions: `OpenStack-API-Version: compute 2.96`.

use std::fmt;

use super::Refusal;
use crate::lab::exchange::Request;

/// A version of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u16, pub(crate) u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The versions that a service negotiates.
pub(crate) struct Microversions {
    /// What the header calls the service.
    pub(crate) service: &'static str,
    /// An older header with the version alone.
    pub(crate) legacy: Option<&'static str>,
    /// The least version, taken where none is asked for.
    pub(crate) min: Version,
    /// The most.
    pub(crate) max: Version,
}

impl Microversions {
    /// The version that a request gets.
    pub(crate) fn negotiate(&self, request: &Request) -> Result<Version, Refusal> {
        let named = request.header("openstack-api-version").and_then(|header| {
            header.split(',').find_map(|part| part.trim().strip_prefix(self.service)?.strip_prefix(' '))
        });
        let Some(text) = named.or_else(|| request.header(self.legacy?)) else { return Ok(self.min) };
        if text == "latest" {
            return Ok(self.max);
        }
        let asked = text.split_once('.').and_then(|(a, b)| Some(Version(a.parse().ok()?, b.parse().ok()?)));
        match asked {
            None => Err(Refusal::BadVersion(text.into())),
            Some(v) if v < self.min || v > self.max => {
                Err(Refusal::NoVersion { asked: v, min: self.min, max: self.max })
            }
            Some(v) => Ok(v),
        }
    }
}
