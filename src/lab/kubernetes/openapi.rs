//! OpenAPI, as much of it as kubectl asks before it applies something: whether the server itself checks fields.

use serde_json::{Map, Value, json};

use super::kinds::{Kind, Scope, Served};
use crate::lab::exchange::Answer;

/// An OpenAPI 2 document without a path or a schema, in the encoding that kubectl before 1.27 asks for.
const SCHEMALESS: &str = "\n\u{3}2.0";
const ENCODED: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Answers below `/openapi`; nothing for any other path. There are no schemas, so older clients check nothing
/// themselves, and newer ones hear that the server does.
pub(super) fn answer(served: &Served, segments: &[&str]) -> Option<Answer> {
    if segments == ["openapi", "v2"] {
        return Some(Answer::text(200, ENCODED, SCHEMALESS));
    }
    let ["openapi", "v3", place @ ..] = segments else { return None };
    Some(match place {
        [] => Answer::json(200, index(served)),
        ["api", version] => document(served, "", version),
        ["apis", group, version] => document(served, group, version),
        _ => super::discovery::nowhere(),
    })
}

/// The documents, one for each version of each group.
fn index(served: &Served) -> Value {
    let documents = served.kinds().flat_map(|kind| {
        let place = |version| match kind.group {
            "" => format!("api/{version}"),
            group => format!("apis/{group}/{version}"),
        };
        served.versions(kind).into_iter().map(place)
    });
    let paths: Map<String, Value> = documents
        .map(|place| {
            let url = format!("/openapi/v3/{place}?hash=LAB");
            (place, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

fn document(served: &Served, group: &str, version: &str) -> Answer {
    let kinds = served.of(group, version).filter(|kind| kind.scope != Scope::Question);
    let paths: Map<String, Value> = kinds.map(|kind| (path(kind, version), patch(kind, version))).collect();
    if paths.is_empty() {
        return super::discovery::nowhere();
    }
    Answer::json(
        200,
        json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}, "paths": paths}),
    )
}

fn path(kind: &Kind, version: &str) -> String {
    let root = if kind.group.is_empty() { "api" } else { "apis" };
    let space = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    format!("/{root}/{}{space}/{}/{{name}}", kind.api_version(version), kind.plural)
}

/// What may be said with a patch of a kind.
fn patch(kind: &Kind, version: &str) -> Value {
    let parameter =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter).into();
    let meant = json!({"group": kind.group, "kind": kind.kind, "version": version});
    json!({"patch": {
        "parameters": parameters, "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": meant,
        "responses": {"200": {"description": "OK"}},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::exchange::Body;
    use crate::lab::scenario::Quirks;

    fn asked(path: &str) -> (u16, Value) {
        let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
        let answer = answer(&Served::by(&Quirks::default(), true), &segments).unwrap();
        match answer.body {
            Body::Json(body) => (answer.status, body),
            _ => (answer.status, Value::Null),
        }
    }

    #[test]
    fn kubectl_learns_that_the_server_checks_fields() {
        let (_, index) = asked("/openapi/v3");
        let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
        let (_, document) = asked(url.split('?').next().unwrap());
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
        let said = patch["parameters"].as_array().unwrap();
        assert!(said.iter().any(|p| p["name"] == "fieldValidation" && p["in"] == "query"), "{said:?}");
        assert_eq!(asked("/openapi/v3/apis/apps/v2").0, 404);
        assert_eq!(asked("/openapi/v2"), (200, Value::Null));
    }
}
