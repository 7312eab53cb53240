//! Magnum with magnum-capi-helm: templates, clusters, certificates. A cluster's network, load
//! balancer and servers come to be in the other services, as Cluster API makes them.

mod certificates;
mod cluster;
mod clusters;
mod driver;
mod health;
mod infrastructure;
mod nodegroups;
mod services;
mod templates;

use serde_json::{Value, json};

pub(crate) use cluster::{Cluster, NewCluster, Status};
pub(crate) use health::Health;
pub(crate) use templates::{NewTemplate, Template};

use super::api::{Api, Call, Microversions, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Body, Request};
use super::table::{Row, Table};

pub(super) const API: Api = Api {
    name: "magnum",
    kind: "container-infra",
    prefix: "/container-infra",
    root: "/v1",
    routes: &[
        ROUTES,
        templates::ROUTES,
        clusters::ROUTES,
        nodegroups::ROUTES,
        certificates::ROUTES,
        services::ROUTES,
    ],
    microversions: Some(Microversions { service: "container-infra", legacy: None, min: MIN, max: MAX }),
    shape: refuse,
    finish,
};

const MIN: Version = Version(1, 1);
/// The last of 2024.1.
const MAX: Version = Version(1, 11);

const ROUTES: &[Route] = &[get("/", Rule::Open, "", versions), get("/v1", Rule::Token, "", version)];

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let said = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoVersion { min, max, .. } => {
            let help = json!([{"rel": "help", "href": "http://docs.openstack.org/api-guide/compute/microversions.html"}]);
            let error = json!({"max_version": max.to_string(), "min_version": min.to_string(), "code": "magnum.microversion-unsupported",
                "links": help, "title": "Requested microversion is unsupported"});
            return Answer::json(406, json!({"errors": [error]}));
        }
        // errors of Pecan itself carry no words
        Refusal::NoRoute | Refusal::BadVersion(_) | Refusal::NoMethod(_) => {
            let status = if matches!(refusal, Refusal::BadVersion(_)) { 406 } else { status };
            let error = json!({"request_id": "", "code": "", "status": status, "title": "", "detail": "", "links": []});
            return Answer::json(status, json!({"errors": [error]}));
        }
        Refusal::Policy(policy) => format!("Policy doesn't allow {policy} to be performed."),
        Refusal::Said { message, .. } => message.clone(),
    };
    let title = said.split(". ").next().unwrap_or(&said).trim_end_matches('.').to_string();
    let code = if status < 500 { "client" } else { "server" };
    let error = json!({"request_id": "", "code": code, "status": status, "title": title, "detail": said, "links": []});
    Answer::json(status, json!({"errors": [error]}))
}

fn finish(answer: &mut Answer, request: &Request, version: Version) {
    // Pecan's own errors, which carry no words, never got to the part that knows versions
    let routed = !matches!(&answer.body, Body::Json(body) if body["errors"][0]["title"] == "");
    if version >= MIN && answer.status != 401 && routed && !request.path.trim_matches('/').is_empty() {
        answer.set_header("openstack-api-minimum-version", &format!("container-infra {MIN}"));
        answer.set_header("openstack-api-maximum-version", &format!("container-infra {MAX}"));
        answer.set_header("openstack-api-version", &format!("container-infra {version}"));
        answer.set_header("vary", "OpenStack-API-Version");
    }
    answer.set_header("x-openstack-request-id", &request.id);
}

/// Magnum's state.
#[derive(Default)]
pub(crate) struct Magnum {
    pub(crate) templates: Table<Template>,
    pub(crate) clusters: Table<Cluster>,
}

/// The row of an id or a name among those a token sees.
fn named<'t, T: Row>(
    table: &'t Table<T>,
    ident: &str,
    seen: impl Fn(&T) -> bool,
    name: impl Fn(&T) -> &str,
    (one, many): (&str, &str),
) -> Result<&'t T, Refusal> {
    if let Some(row) = table.get(ident).filter(|row| seen(row)) {
        return Ok(row);
    }
    let mut found = table.iter().filter(|row| seen(row) && name(row) == ident);
    match (found.next(), found.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => {
            let message = format!(
                "Multiple {many} exist with same name. Please use the {} uuid instead.",
                one_word(one)
            );
            Err(Refusal::said(409, message))
        }
        (None, _) => Err(Refusal::said(404, format!("{one} {ident} could not be found."))),
    }
}

fn one_word(one: &str) -> &str {
    if one == "Cluster" { "cluster" } else { one }
}

/// The links of a thing.
fn links(base: &str, path: &str) -> Value {
    json!([{"href": format!("{base}/v1/{path}"), "rel": "self"}, {"href": format!("{base}/{path}"), "rel": "bookmark"}])
}

/// A page of rows, the oldest first.
fn page<T: Row>(
    call: &Call<'_>,
    table: &Table<T>,
    key: &str,
    seen: impl Fn(&T) -> bool,
    show: impl Fn(&T) -> Value,
) -> Outcome {
    let limit = match call.query("limit") {
        None => 1000,
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| Refusal::said(400, "Limit must be positive."))?
            .min(1000),
    };
    let marker = call.query("marker");
    let absent = || {
        Refusal::said(404, format!("Marker {} could not be found.", marker.as_deref().unwrap_or_default()))
    };
    let rows = table.after(marker.as_deref()).ok_or_else(absent)?;
    let page: Vec<&T> = rows.filter(|row| seen(row)).take(limit).collect();
    let mut body = json!({});
    body[key] = page.iter().map(|row| show(row)).collect();
    if let Some(last) = page.last().filter(|_| page.len() == limit) {
        let next = format!(
            "{}{}?sort_key=id&sort_dir=asc&limit={limit}&marker={}",
            call.request.base,
            call.request.path,
            last.id()
        );
        body["next"] = next.into();
    }
    Ok(Answer::json(200, body))
}

/// What Magnum says of a field that it cannot take.
fn invalid(field: &str, value: &str, why: &str) -> Refusal {
    Refusal::said(400, format!("Invalid input for field/attribute {field}. Value: '{value}'. {why}"))
}

fn versions(call: &mut Call<'_>) -> Outcome {
    let own = format!("{}/v1/", call.request.base);
    let version = json!({"id": "v1", "links": [{"href": own, "rel": "self"}], "status": "CURRENT",
        "max_version": MAX.to_string(), "min_version": MIN.to_string()});
    let about = "Magnum is an OpenStack project which aims to provide container cluster management.";
    Ok(Answer::json(
        200,
        json!({"name": "OpenStack Magnum API", "description": about, "versions": [version]}),
    ))
}

fn version(call: &mut Call<'_>) -> Outcome {
    let base = &call.request.base;
    let media = json!([{"base": "application/json", "type": "application/vnd.openstack.magnum.v1+json"}]);
    let docs = json!({"href": "http://docs.openstack.org/developer/magnum/dev/api-spec-v1.html", "rel": "describedby", "type": "text/html"});
    let mut shown = json!({"id": "v1", "media_types": media, "links": [{"href": format!("{base}/v1/"), "rel": "self"}, docs]});
    for kind in
        ["clustertemplates", "clusters", "quotas", "certificates", "mservices", "stats", "federations"]
    {
        shown[kind] = links(base, &format!("{kind}/"));
    }
    shown["nodegroups"] = links(base, "clusters/{cluster_id}/nodegroups");
    Ok(Answer::json(200, shown))
}
