//! Probes: looks at ports and URLs from here. They hold no authority, and what they find closed is a
//! finding, not an error.

use std::time::Duration;

use rhai::Dynamic;
use serde_json::json;

use crate::base::{Error, ErrorKind, Result};
use crate::script::adapter::Call;
use crate::script::arguments::Options;
use crate::script::handles::site::Endpoint;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;
use crate::systems::http::{Tls, Url};
use crate::systems::probe::{self, HttpLook, HttpProbe};

/// The family.
pub const ALL: &[&Primitive] = &[&TCP, &HTTP, &HTTP_SAMPLE];

const TCP_KEYS: &[Param] = &[Param::optional("timeout", Ty::Duration, "time to connect (default 5 s)")];

const TCP: Primitive = Primitive {
    name: "tcp",
    on: On::Module("probe"),
    params: &[
        Param::new("host", Ty::Text, "a name or an address"),
        Param::new("port", Ty::Integer, "the port, 1 to 65535"),
        Param::optional("opts", Ty::Options(TCP_KEYS), "how to look"),
    ],
    returns: "map: open, error (a text, empty where it is open), fault (refused, timeout, ... or ()), latency",
    effect: Effect::Read,
    doc: "Whether a port takes connections. A closed port is a finding.",
    example: r#"verify("1", "Port", || gate("closed", !probe::tcp("127.0.0.1", 1).open));"#,
    body: |call| {
        let port = call
            .integer(1)
            .and_then(|p| u16::try_from(p).ok())
            .filter(|p| *p > 0)
            .ok_or_else(|| Error::new(ErrorKind::Argument, "a port is a number from 1 to 65535"))?;
        let timeout = call.options(2).duration("timeout").unwrap_or(Duration::from_secs(5));
        let dialer = call.host.site.site().http().dialer;
        let found = call.host.block_on(probe::tcp(&call.text(0), port, timeout, dialer.as_deref()))?;
        let fault = found.fault.map(|f| format!("{f:?}").to_lowercase());
        let map = json!({ "target": found.target, "open": found.open, "error": found.error.unwrap_or_default(),
                          "fault": fault, "latency_ms": found.latency.as_millis() as u64 });
        Ok(value::from_json(&map)?)
    },
};

const HTTP_KEYS: &[Param] = &[
    Param::optional(
        "timeout",
        Ty::Duration,
        "time for the connection and the whole answer (default 10 s, or the `within` of the endpoint in site.toml)",
    ),
    Param::optional(
        "expect",
        Ty::List,
        "statuses that count as an answer (default 200 to 399, or the endpoint's own)",
    ),
    Param::optional("insecure", Ty::Bool, "take any certificate"),
];

const HTTP: Primitive = Primitive {
    name: "http",
    on: On::Module("probe"),
    params: &[
        Param::new("what", Ty::Any, "a URL, or an endpoint of the site"),
        Param::optional("opts", Ty::Options(HTTP_KEYS), "how to look"),
    ],
    returns: "map: ok, status (or ()), error, tls_error, headers, body, latency_ms",
    effect: Effect::Read,
    doc: "One GET, without following redirects. A URL with the scheme, host and port of an endpoint of the site is trusted as that endpoint is (`ca_file`, `insecure`). `ok` is whether the status is one that counts; a refused connection or a bad certificate is a finding with its reason.",
    example: r#"verify("1", "URL", || gate("closed", !probe::http("http://127.0.0.1:1/").ok));"#,
    body: |call| {
        let (url, look) = look(call, &call.options(1))?;
        let found = call.host.block_on(probe::http(&url, &look))?;
        Ok(as_map(&found)?)
    },
};

const HTTP_SAMPLE: Primitive = Primitive {
    name: "http_sample",
    on: On::Module("probe"),
    params: &[
        Param::new("what", Ty::Any, "a URL, or an endpoint of the site"),
        Param::new("looks", Ty::Integer, "how many, 1 to 1000"),
        Param::optional("opts", Ty::Options(HTTP_KEYS), "how to look"),
    ],
    returns: "list of what `probe::http` returns",
    effect: Effect::Read,
    doc: "Several GETs, each on a connection of its own, so that a balancer chooses anew each time.",
    example: r#"verify("1", "Sample", || expect("looks", probe::http_sample("http://127.0.0.1:1/", 3).len(), 3));"#,
    body: |call| {
        let (url, look) = look(call, &call.options(2))?;
        let looks = call.integer(1).and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1000).contains(n));
        let looks =
            looks.ok_or_else(|| Error::new(ErrorKind::Argument, "`looks` is a number from 1 to 1000"))?;
        let found = call.host.block_on(probe::http_sample(&url, looks, &look))?;
        Ok(found.iter().map(as_map).collect::<Result<Vec<_>>>()?.into())
    },
};

fn look(call: &Call<'_>, options: &Options) -> Result<(String, HttpLook)> {
    let site = call.host.site.site();
    let what = call.arg(0).cloned().unwrap_or(Dynamic::UNIT);
    let (url, settings, expect) = match what.clone().try_cast::<Endpoint>() {
        Some(Endpoint(decl)) => (decl.url.clone(), site.http_to(&decl), decl.expect),
        // a URL at the place of an endpoint that the site declares is trusted as that one is
        None if what.is_string() => {
            let url = what.to_string();
            let declared = site.endpoints().find(|decl| is_same_place(&decl.url, &url));
            let settings = declared.map_or_else(|| site.http(), |decl| site.http_to(decl));
            (url, settings, Vec::new())
        }
        None => {
            let got = crate::script::engine::type_name(&what);
            return Err(Error::new(
                ErrorKind::Argument,
                format!("a probe looks at a URL or an endpoint, not at a {got}"),
            ));
        }
    };
    let own = what.read_lock::<Endpoint>().and_then(|endpoint| endpoint.0.within);
    let mut look = HttpLook { tls: settings.tls, dialer: settings.dialer, expect, ..HttpLook::default() };
    if let Some(timeout) = options.duration("timeout").or(own) {
        look.timeout = timeout;
    }
    if options.flag("insecure") {
        look.tls = Tls { insecure: true, ..look.tls };
    }
    if let Some(expect) = options.get("expect").and_then(|e| e.clone().into_typed_array::<i64>().ok()) {
        look.expect = expect.into_iter().filter_map(|s| u16::try_from(s).ok()).collect();
    }
    Ok((url, look))
}

/// Whether two URLs have the same scheme, host and port.
fn is_same_place(one: &str, other: &str) -> bool {
    let place = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    place(one).is_some_and(|origin| place(other) == Some(origin))
}

fn as_map(found: &HttpProbe) -> Result<Dynamic> {
    value::from_json(&json!({
        "url": found.url, "ok": found.ok, "status": found.status, "error": found.error,
        "tls_error": found.tls_error, "headers": found.headers, "body": found.body,
        "truncated": found.truncated, "latency_ms": found.latency.as_millis() as u64,
    }))
}

#[cfg(test)]
mod tests {
    use super::is_same_place;

    #[test]
    fn a_place_is_scheme_host_and_port() {
        assert!(is_same_place("https://10.12.8.61:8200", "https://10.12.8.61:8200/v1/sys/seal-status"));
        assert!(is_same_place("https://vault", "https://VAULT:443/x"));
        for other in ["http://vault", "https://vault:8200", "https://vault.example", "vault"] {
            assert!(!is_same_place("https://vault", other), "{other}");
        }
        assert!(!is_same_place("no url", "no url"));
    }
}
