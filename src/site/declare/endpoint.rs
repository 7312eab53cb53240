//! `[endpoints.NAME]`: a URL that a probe looks at.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::Result;
use crate::site::document::{Entry, Node, Spot};
use crate::site::paths::Paths;

/// A URL that a probe looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDecl {
    /// Its name.
    pub name: String,
    /// An `http` or `https` URL.
    pub url: String,
    /// The statuses that count as an answer.
    pub expect: Vec<u16>,
    /// PEM file with the only authorities to trust; without it the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: bool,
    /// How long a look at it may take, unless the call says otherwise.
    pub within: Option<Duration>,
    /// Where it is declared.
    pub spot: Spot,
}

impl EndpointDecl {
    pub(in crate::site) fn read(entry: &Entry, paths: &Paths) -> Result<Self> {
        let f = entry.node.fields(&["url", "expect", "ca_file", "insecure", "within"])?;
        let expect = match f.get("expect") {
            Some(node) => node.items()?.iter().map(status).collect::<Result<Vec<u16>>>()?,
            None => vec![200],
        };
        if let Some(node) = f.get("expect")
            && expect.is_empty()
        {
            return Err(node
                .spot
                .error(format!("`{}` names no status", node.path))
                .help("such as [200, 300]"));
        }
        Ok(EndpointDecl {
            name: entry.key.clone(),
            url: http_url(f.need("url", "\"https://host:port/path\"")?)?,
            expect,
            ca_file: f.get("ca_file").map(|n| paths.resolve(n)).transpose()?,
            insecure: f.flag("insecure")?,
            within: f.get("within").map(Node::duration).transpose()?,
            spot: entry.spot.clone(),
        })
    }
}

fn status(node: &Node) -> Result<u16> {
    let status = node.integer(100..=599)?;
    Ok(u16::try_from(status).unwrap_or(u16::MAX))
}

/// An `http` or `https` URL without credentials in it.
pub(super) fn http_url(node: &Node) -> Result<String> {
    let text = node.text()?;
    let wrong = |what: &str| {
        let error = node.spot.error(format!("`{}` {what}", node.path));
        error.help("write http://host:port/path or https://host:port/path")
    };
    let url = reqwest::Url::parse(text).map_err(|_| wrong("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user or a password, and a site file holds no secret"));
    }
    Ok(text.to_string())
}
