//! Glance: images, and the import that takes three requests.

mod image;
mod images;
mod import;
mod patch;

use axum::http::Method;
use serde_json::{Value, json};

pub(crate) use image::{Image, State};

use super::api::{Api, Call, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Body, Request};
use super::table::Table;

pub(super) const API: Api = Api {
    name: "glance",
    kind: "image",
    prefix: "/image",
    root: "",
    routes: &[ROUTES, images::ROUTES, import::ROUTES, patch::ROUTES],
    microversions: None,
    shape: refuse,
    finish,
};

const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/versions", Rule::Open, "", all_versions),
    get("/v2/info/import", Rule::Token, "", import_info),
    get("/v2/info/stores", Rule::Token, "", stores_info),
    get("/v2/tasks", Rule::Admin, "tasks_api_access", tasks),
    get("/v2/schemas/image", Rule::Token, "", schema),
    get("/v2/schemas/images", Rule::Token, "", schemas),
];

/// The one store.
const STORE: &str = "ceph";

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    match refusal {
        Refusal::NoToken => shape::page(401, "This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.")
            .header("www-authenticate", &shape::challenge(request)),
        Refusal::NoMethod(allowed) => shape::page(405, "The method specified is not allowed for this resource.").header("allow", allowed),
        Refusal::Policy(policy) => shape::page(403, &format!("You are not authorized to complete {policy} action.")),
        _ => shape::page(status, &shape::sentence(refusal)),
    }
}

fn finish(answer: &mut Answer, request: &Request, _: Version) {
    if !matches!(request.path.trim_matches('/'), "" | "versions") && answer.status != 401 {
        answer.set_header("x-openstack-request-id", &request.id);
    }
    // WebOb's default, which nobody sets to anything better
    if answer.body == Body::Empty && request.method != Method::GET {
        answer.body = Body::Text("text/html; charset=UTF-8", String::new());
    }
}

/// Glance's state.
#[derive(Default)]
pub(crate) struct Glance {
    pub(crate) images: Table<Image>,
    /// So many imports to come fail.
    pub(crate) failures: u32,
}

impl Glance {
    /// The newest image of a name or an id.
    pub(crate) fn image_named(&self, name: &str) -> Option<&Image> {
        self.images.get(name).or_else(|| self.images.iter().rev().find(|i| i.name.as_deref() == Some(name)))
    }
}

fn version_list(base: &str) -> Value {
    let numbers = [
        "2.15", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.7", "2.6", "2.5", "2.4", "2.3", "2.2",
        "2.1", "2.0",
    ];
    let show = |n: &str| {
        let status = if n == "2.15" { "CURRENT" } else { "SUPPORTED" };
        json!({"id": format!("v{n}"), "status": status, "links": [{"rel": "self", "href": format!("{base}/v2/")}]})
    };
    json!({"versions": numbers.map(show)})
}

fn versions(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(300, version_list(&call.request.base)))
}

fn all_versions(call: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, version_list(&call.request.base)))
}

fn import_info(_: &mut Call<'_>) -> Outcome {
    let methods =
        json!({"description": "Import methods available.", "type": "array", "value": import::METHODS});
    Ok(Answer::json(200, json!({"import-methods": methods})))
}

fn stores_info(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"stores": [{"id": STORE, "default": "true"}]})))
}

fn tasks(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, json!({"tasks": [], "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})))
}

/// What clients look up before they set a property: the ones that are not free text.
fn image_schema() -> Value {
    let text = json!({"type": ["null", "string"]});
    let read_only = json!({"type": ["null", "string"], "readOnly": true});
    let mut properties = serde_json::Map::new();
    for name in ["name", "owner", "disk_format", "container_format", "visibility"] {
        properties.insert(name.into(), text.clone());
    }
    for name in [
        "id",
        "status",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "created_at",
        "updated_at",
        "self",
        "file",
        "schema",
    ] {
        properties.insert(name.into(), read_only.clone());
    }
    for name in ["size", "virtual_size", "min_disk", "min_ram"] {
        properties.insert(name.into(), json!({"type": ["null", "integer"]}));
    }
    for name in ["protected", "os_hidden"] {
        properties.insert(name.into(), json!({"type": "boolean"}));
    }
    properties.insert("tags".into(), json!({"type": "array", "items": {"type": "string", "maxLength": 255}}));
    json!({"name": "image", "properties": properties, "additionalProperties": {"type": "string"},
        "links": [{"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"}, {"rel": "describedby", "href": "{schema}"}]})
}

fn schema(_: &mut Call<'_>) -> Outcome {
    Ok(Answer::json(200, image_schema()))
}

fn schemas(_: &mut Call<'_>) -> Outcome {
    let properties = json!({"images": {"type": "array", "items": image_schema()}, "first": {"type": "string"}, "next": {"type": "string"}, "schema": {"type": "string"}});
    let links = json!([{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"}, {"rel": "describedby", "href": "{schema}"}]);
    Ok(Answer::json(200, json!({"name": "images", "properties": properties, "links": links})))
}
