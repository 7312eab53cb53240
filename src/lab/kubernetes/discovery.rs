//! What a cluster says it serves: version, groups, and kinds; aggregated where the client can take it.

use serde_json::{Value, json};

use super::kinds::{Kind, Scope, Served};
use crate::lab::exchange::{Answer, Request};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Answers what is asked of the API itself; nothing for any other path.
pub(super) fn answer(served: &Served, version: &str, address: &str, request: &Request) -> Option<Answer> {
    let segments: Vec<&str> = request.path.split('/').filter(|s| !s.is_empty()).collect();
    if let Some(answer) = super::openapi::answer(served, &segments) {
        return Some(answer);
    }
    let aggregated = request.header("accept").is_some_and(|a| a.contains("as=APIGroupDiscoveryList"));
    let body = match segments.as_slice() {
        ["version"] => versions(version),
        ["livez" | "readyz" | "healthz"] => {
            return Some(Answer::text(200, "text/plain; charset=utf-8", "ok"));
        }
        ["api"] if aggregated => list(vec![group(served, "")]),
        ["apis"] if aggregated => list(groups(served).into_iter().map(|g| group(served, g)).collect()),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }),
        ["apis"] => {
            let groups: Vec<Value> = groups(served).into_iter().map(|g| plain(served, g)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", group] if groups(served).contains(group) => plain(served, group),
        ["api", version] => return Some(resources(served, "", version)),
        ["apis", group, version] => return Some(resources(served, group, version)),
        _ => return None,
    };
    let answer = Answer::json(200, body);
    Some(if aggregated && segments.len() == 1 { answer.header("content-type", AGGREGATED) } else { answer })
}

fn versions(version: &str) -> Value {
    let minor = version.split('.').nth(1).unwrap_or("34");
    let before = minor.parse::<u32>().map_or_else(|_| String::new(), |n| n.saturating_sub(1).to_string());
    json!({
        "major": "1", "minor": minor, "emulationMajor": "1", "emulationMinor": minor, "minCompatibilityMajor": "1",
        "minCompatibilityMinor": before, "gitVersion": version, "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.24", "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// The groups beside the core, each once.
fn groups(served: &Served) -> Vec<&'static str> {
    let mut groups: Vec<&str> = served.kinds().map(|k| k.group).filter(|g| !g.is_empty()).collect();
    groups.dedup();
    groups
}

/// The versions of a group, the preferred one first.
fn of_group(served: &Served, group: &str) -> Vec<&'static str> {
    served.kinds().find(|k| k.group == group).map_or_else(Vec::new, |k| served.versions(k))
}

fn plain(served: &Served, group: &str) -> Value {
    let of = |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let versions: Vec<Value> = of_group(served, group).iter().map(of).collect();
    json!({"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": versions, "preferredVersion": versions.first()})
}

fn list(items: Vec<Value>) -> Value {
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn group(served: &Served, group: &str) -> Value {
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    let versions: Vec<Value> = of_group(served, group)
        .iter()
        .map(|version| {
            let resources: Vec<Value> = served.of(group, version).map(aggregated).collect();
            json!({"version": version, "freshness": "Current", "resources": resources})
        })
        .collect();
    json!({"metadata": metadata, "versions": versions})
}

fn verbs(kind: &Kind) -> Value {
    if kind.scope == Scope::Question { json!(["create"]) } else { json!(VERBS) }
}

/// The parts of a kind's objects: name, group, version and kind of what they answer, and verbs.
fn parts(kind: &Kind) -> Vec<(&'static str, &'static str, &'static str, &'static str, Value)> {
    let write = || json!(["get", "patch", "update"]);
    let mut parts = Vec::new();
    if kind.plural == "pods" {
        parts.push(("exec", "", "", "PodExecOptions", json!(["create", "get"])));
        parts.push(("log", "", "", "Pod", json!(["get"])));
    }
    if kind.scale {
        parts.push(("scale", "autoscaling", "v1", "Scale", write()));
    }
    if kind.status {
        parts.push(("status", "", "", kind.kind, write()));
    }
    parts
}

fn aggregated(kind: &'static Kind) -> Value {
    let response =
        |group: &str, version: &str, name: &str| json!({"group": group, "version": version, "kind": name});
    let mut shown = json!({
        "resource": kind.plural, "responseKind": response("", "", kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": kind.singular(),
        "verbs": verbs(kind),
    });
    if !kind.short.is_empty() {
        shown["shortNames"] = json!(kind.short);
    }
    if !kind.categories().is_empty() {
        shown["categories"] = json!(kind.categories());
    }
    let parts: Vec<Value> = parts(kind)
        .into_iter()
        .map(|(part, group, version, name, verbs)| {
            json!({"subresource": part, "responseKind": response(group, version, name), "verbs": verbs})
        })
        .collect();
    if !parts.is_empty() {
        shown["subresources"] = parts.into();
    }
    shown
}

fn resources(served: &Served, group: &str, version: &str) -> Answer {
    let kinds: Vec<&Kind> = served.of(group, version).collect();
    let Some(first) = kinds.first() else { return nowhere() };
    let mut resources = Vec::new();
    for kind in &kinds {
        let mut shown = json!({
            "name": kind.plural, "singularName": kind.singular(), "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": verbs(kind),
        });
        if !kind.short.is_empty() {
            shown["shortNames"] = json!(kind.short);
        }
        if !kind.categories().is_empty() {
            shown["categories"] = json!(kind.categories());
        }
        resources.push(shown);
        for (part, group, version, name, verbs) in parts(kind) {
            let mut shown = json!({
                "name": format!("{}/{part}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": name, "verbs": verbs,
            });
            if !group.is_empty() {
                shown["group"] = group.into();
                shown["version"] = version.into();
            }
            resources.push(shown);
        }
    }
    let group_version = first.api_version(version);
    Answer::json(
        200,
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}),
    )
}

/// What is not served gets no `Status`: a client that takes this for an absent object is D-042.
pub(super) fn nowhere() -> Answer {
    Answer::text(404, "text/plain; charset=utf-8", "404 page not found\n")
}
