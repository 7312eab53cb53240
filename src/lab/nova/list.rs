//! Lists of servers: filters, pages. The newest come first.

use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::Server;
use super::server::Vm;
use super::show::{brief, full};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, get, shape};
use crate::lab::exchange::Answer;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/servers", Rule::Reader, "os_compute_api:servers:index", list),
    get("/v2.1/servers/detail", Rule::Reader, "os_compute_api:servers:detail", detail),
];

/// `[api] max_limit`.
const PAGE: usize = 1000;

/// How many rows a page holds.
pub(super) fn limit(call: &Call<'_>) -> Result<usize, Refusal> {
    let Some(text) = call.query("limit") else { return Ok(PAGE) };
    let wrong = || {
        Refusal::said(
            400,
            format!(
                "Invalid input for query parameters limit. Value: {text}. '{text}' does not match '^[0-9]*$'"
            ),
        )
    };
    text.parse::<usize>().map(|n| n.min(PAGE)).map_err(|_| wrong())
}

/// What a list is filtered by.
struct Filter {
    project: Option<String>,
    name: Option<Regex>,
    statuses: Vec<String>,
    host: Option<String>,
    address: Option<Regex>,
    flavor: Option<String>,
    image: Option<String>,
    user: Option<String>,
    uuid: Option<String>,
}

/// Nova hands these patterns to its database, whose own syntax is near enough.
fn pattern(call: &Call<'_>, key: &str) -> Result<Option<Regex>, Refusal> {
    let Some(text) = call.query(key) else { return Ok(None) };
    let pattern = RegexBuilder::new(&text).case_insensitive(true).build();
    pattern.map(Some).map_err(|_| {
        Refusal::said(
            400,
            format!("Invalid input for query parameters {key}. Value: {text}. '{text}' is not a 'regex'"),
        )
    })
}

impl Filter {
    fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let all =
            call.query("all_tenants").is_some_and(|v| !["0", "false", "False", "no"].contains(&v.as_str()));
        call.allow(!all || call.who.is_admin(), "os_compute_api:servers:index:get_all_tenants")?;
        let admin = |key: &str| call.query(key).filter(|_| call.who.is_admin());
        let asked = admin("project_id").or_else(|| admin("tenant_id"));
        let project = if all { asked } else { Some(call.who.project.to_string()) };
        Ok(Filter {
            project,
            name: pattern(call, "name")?,
            statuses: call.request.pairs().filter(|(k, _)| k == "status").map(|(_, v)| v).collect(),
            host: admin("host"),
            address: pattern(call, "ip")?,
            flavor: call.query("flavor"),
            image: call.query("image"),
            user: admin("user_id"),
            uuid: call.query("uuid"),
        })
    }

    fn fits(&self, call: &Call<'_>, server: &Server) -> bool {
        let world = &call.world;
        let is = |wanted: &Option<String>, have: &str| wanted.as_deref().is_none_or(|w| w == have);
        let host =
            || server.host.as_ref().and_then(|id| world.nova.hosts.get(id)).map_or("", |h| h.name.as_str());
        // a soft-deleted one is shown to those who ask for it by its id, and in no list
        server.phase(world.now()).vm != Vm::SoftDeleted
            && is(&self.project, &server.project)
            && self.name.as_ref().is_none_or(|p| p.is_match(&server.name))
            && (self.statuses.is_empty()
                || self.statuses.iter().any(|s| s.eq_ignore_ascii_case(server.phase(world.now()).status())))
            && (self.host.is_none() || is(&self.host, host()))
            && self.address.as_ref().is_none_or(|p| {
                server.plugs.iter().filter_map(|n| n.address).any(|a| p.is_match(&a.to_string()))
            })
            && is(&self.flavor, &server.flavor.id)
            && is(&self.image, server.image.as_deref().unwrap_or_default())
            && is(&self.user, &server.user)
            && is(&self.uuid, &server.id)
    }
}

fn page(call: &Call<'_>, show: impl Fn(&Server) -> Value) -> Outcome {
    let (limit, filter, marker) = (limit(call)?, Filter::of(call)?, call.query("marker"));
    let rows = call.world.nova.servers.before(marker.as_deref());
    let rows =
        rows.ok_or_else(|| Refusal::said(400, format!("marker [{}] not found", marker.unwrap_or_default())))?;
    let page: Vec<&Server> = rows.filter(|s| filter.fits(call, s)).take(limit).collect();
    let mut body = json!({"servers": page.iter().map(|s| show(s)).collect::<Vec<_>>()});
    if page.len() == limit
        && let Some(last) = page.last()
    {
        body["servers_links"] =
            json!([{"rel": "next", "href": shape::next(call.request, &call.request.path, &last.id)}]);
    }
    Ok(Answer::json(200, body))
}

fn list(call: &mut Call<'_>) -> Outcome {
    page(call, |server| brief(server, &call.request.base))
}

fn detail(call: &mut Call<'_>) -> Outcome {
    page(call, |server| full(call, server, false))
}
