//! The types of values, and how each is read from TOML and from `--set`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::value::Value;
use crate::base::secret::names_user;
use crate::base::{Error, ErrorKind, Result, duration};
use crate::site::document::{Node, Shape, suggestion};

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A number with a unit: `30s`, `20min`.
    Duration,
    /// A number with a unit: `1024MiB`.
    Size,
    /// A network without host bits: `10.20.16.0/24`.
    Cidr,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A UUID, with or without dashes.
    Uuid,
    /// An `http` or `https` URL.
    Url,
    /// A SHA-512 digest: 128 hexadecimal digits.
    Sha512,
    /// A file: absolute, below `~/`, or relative to the site directory.
    Path,
    /// The name of one of the site's `[endpoints]`.
    Endpoint,
    /// The name of one of the site's `[hosts]`.
    Host,
    /// Several of one type.
    List(Box<Kind>),
    /// Texts by name, such as labels.
    Map(Box<Kind>),
}

const SIMPLE: &[(&str, Kind)] = &[
    ("string", Kind::String),
    ("integer", Kind::Integer),
    ("boolean", Kind::Boolean),
    ("duration", Kind::Duration),
    ("size", Kind::Size),
    ("cidr", Kind::Cidr),
    ("ip", Kind::Ip),
    ("uuid", Kind::Uuid),
    ("url", Kind::Url),
    ("sha512", Kind::Sha512),
    ("path", Kind::Path),
    ("endpoint", Kind::Endpoint),
    ("host", Kind::Host),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::List(of) => write!(f, "list<{of}>"),
            Kind::Map(of) => write!(f, "map<{of}>"),
            simple => {
                let name = SIMPLE.iter().find(|(_, kind)| kind == simple).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

impl Kind {
    /// Reads the name of a type: `integer`, `list<ip>`, `map<string>`.
    pub fn parse(node: &Node) -> Result<Kind> {
        let text = node.text()?;
        let inner = |prefix: &str| text.strip_prefix(prefix).and_then(|t| t.strip_suffix('>'));
        let simple = |name: &str| {
            SIMPLE.iter().find(|(n, _)| *n == name).map(|(_, kind)| kind.clone()).ok_or_else(|| {
                let names = SIMPLE.iter().map(|(n, _)| *n);
                node.spot.error(format!("there is no type `{name}`")).help(suggestion(name, names))
            })
        };
        match (inner("list<"), inner("map<")) {
            (Some(of), _) => Ok(Kind::List(Box::new(simple(of)?))),
            (_, Some(of)) => Ok(Kind::Map(Box::new(simple(of)?))),
            _ => simple(text),
        }
    }

    /// Reads a value of this type from a site file.
    pub fn read(&self, node: &Node) -> Result<Value> {
        match (self, &node.shape) {
            (Kind::List(of), Shape::List(items)) => {
                Ok(Value::List(items.iter().map(|item| of.read(item)).collect::<Result<_>>()?))
            }
            (Kind::Map(of), Shape::Table(entries)) => {
                let read = |e: &crate::site::document::Entry| Ok((e.key.clone(), of.read(&e.node)?));
                Ok(Value::Map(entries.iter().map(read).collect::<Result<_>>()?))
            }
            (Kind::Integer, Shape::Integer(n)) => Ok(Value::Integer(*n)),
            (Kind::Boolean, Shape::Boolean(b)) => Ok(Value::Boolean(*b)),
            (Kind::List(_) | Kind::Map(_) | Kind::Integer | Kind::Boolean, _) => {
                Err(node.mismatch(self.wanted()))
            }
            (_, Shape::Text(_)) => {
                let text = if *self == Kind::String { node.prose()? } else { node.text()? };
                self.scalar(text).map_err(|e| node.located(&e).context(format!("`{}`", node.path)))
            }
            _ => Err(node.mismatch(self.wanted())),
        }
    }

    /// Reads a value of this type as it is written on the command line. A list is `a,b,c`, a map
    /// is `k=v,k=v`.
    pub fn parse_text(&self, text: &str) -> Result<Value> {
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        match self {
            Kind::List(of) => Ok(Value::List(parts().map(|p| of.scalar(p)).collect::<Result<_>>()?)),
            Kind::Map(of) => {
                let pair = |part: &str| match part.split_once('=') {
                    Some((key, value)) => Ok((key.trim().to_string(), of.scalar(value.trim())?)),
                    None => Err(wrong(part, "a pair", "write k=v,k=v")),
                };
                Ok(Value::Map(parts().map(pair).collect::<Result<BTreeMap<_, _>>>()?))
            }
            _ => self.scalar(text),
        }
    }

    /// Reads a text as one value.
    fn scalar(&self, text: &str) -> Result<Value> {
        let keep = || Value::Text(text.to_string());
        match self {
            Kind::String | Kind::Path | Kind::Endpoint | Kind::Host => Ok(keep()),
            Kind::Integer => text
                .parse()
                .map(Value::Integer)
                .map_err(|_| wrong(text, "an integer", "write digits only, such as 3")),
            Kind::Boolean => match text {
                "true" => Ok(Value::Boolean(true)),
                "false" => Ok(Value::Boolean(false)),
                _ => Err(wrong(text, "true or false", "write true or false")),
            },
            Kind::Duration => duration::parse(text).map(Value::Duration),
            Kind::Size => duration::parse_size(text).map(Value::Size),
            Kind::Cidr => cidr(text).map(|()| keep()),
            Kind::Ip => text
                .parse::<IpAddr>()
                .map(|_| keep())
                .map_err(|_| wrong(text, "an IP address", "write one such as 10.12.4.50 or fd00::50")),
            Kind::Uuid => uuid(text).then(keep).ok_or_else(|| {
                wrong(text, "a UUID", "write 32 hexadecimal digits, with dashes (8-4-4-4-12) or without")
            }),
            Kind::Url => match reqwest::Url::parse(text) {
                Ok(_) if names_user(text) => Err(Error::new(
                    ErrorKind::Site,
                    "a URL holds a user or a password, and is shown and journaled",
                )
                .help("take them out of it")),
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(keep()),
                _ => Err(wrong(text, "a URL", "write http://host:port/path or https://host:port/path")),
            },
            Kind::Sha512 => (text.len() == 128 && text.bytes().all(|b| b.is_ascii_hexdigit()))
                .then(|| Value::Text(text.to_ascii_lowercase()))
                .ok_or_else(|| {
                    wrong(text, "a SHA-512 digest", "write the 128 hexadecimal digits that sha512sum prints")
                }),
            // neither nests: `Kind::parse` takes simple types alone inside `list<>` and `map<>`
            Kind::List(_) | Kind::Map(_) => Err(wrong(text, self.wanted(), "write it in the site file")),
        }
    }

    fn wanted(&self) -> &'static str {
        match self {
            Kind::Integer => "an integer",
            Kind::Boolean => "true or false",
            Kind::Duration => "a text with a unit, such as \"30s\"",
            Kind::Size => "a text with a unit, such as \"1024MiB\"",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a table",
            _ => "a text",
        }
    }
}

fn wrong(text: &str, what: &str, help: &str) -> Error {
    Error::new(ErrorKind::Argument, format!("`{text}` is not {what}")).help(help)
}

fn uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    (groups == [32] || groups == [8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn cidr(text: &str) -> Result<()> {
    let error = || wrong(text, "a network", "write address/length, such as 10.20.16.0/24");
    let (address, length) = text.split_once('/').ok_or_else(error)?;
    let length: u32 = Some(length)
        .filter(|l| l.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|l| l.parse().ok())
        .ok_or_else(error)?;
    let (bits, width, network) = match address.parse::<IpAddr>().map_err(|_| error())? {
        IpAddr::V4(v4) => {
            let bits = u128::from(u32::from(v4));
            let network = |n: u128| u32::try_from(n).map(|n| IpAddr::V4(n.into())).ok();
            (bits, 32, network as fn(u128) -> Option<IpAddr>)
        }
        IpAddr::V6(v6) => {
            let network = |n: u128| Some(IpAddr::V6(n.into()));
            (u128::from(v6), 128, network as fn(u128) -> Option<IpAddr>)
        }
    };
    let host_bits = u32::checked_sub(width, length).ok_or_else(error)?;
    let mask = 1u128.checked_shl(host_bits).map_or(u128::MAX, |n| n - 1);
    if bits & mask == 0 {
        return Ok(());
    }
    let meant = network(bits & !mask).map_or_else(String::new, |n| format!("did you mean {n}/{length}?"));
    Err(Error::new(ErrorKind::Argument, format!("`{text}` is an address in a network, not a network"))
        .help(meant))
}
