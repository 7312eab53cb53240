//! Tables, as kubectl prints them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{self, Column};
use super::kinds::Kind;
use crate::lab::exchange::{Answer, Request};

/// Whether a request asks for a table.
fn wanted(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("as=Table"))
}

/// A time span as kubectl writes it.
fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..0 => "<invalid>".into(),
        0..120 => format!("{seconds}s"),
        120..600 => format!("{minutes}m{}s", seconds % 60).replace("m0s", "m"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => format!("{hours}h{}m", minutes % 60).replace("h0m", "h"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => format!("{days}d{}h", hours % 24).replace("d0h", "d"),
        _ => format!("{days}d"),
    }
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    match (column.name, (column.cell)(object)) {
        (_, Value::Null) => "<none>".into(),
        ("Age" | "Last Seen" | "First Seen", Value::String(since)) => {
            let since = since.parse().map(|since| span(now.duration_since(since).as_secs()));
            since.unwrap_or_else(|_| "<unknown>".into()).into()
        }
        (_, cell) => cell,
    }
}

/// An object or a list, or the same as a table where the client asks for one.
pub(super) fn shown(kind: &Kind, document: Value, request: &Request, now: Timestamp) -> Answer {
    if !wanted(request) {
        return Answer::json(200, document);
    }
    Answer::json(
        200,
        match document["items"].as_array() {
            Some(items) => of(kind, items, &document["metadata"], now, true),
            None => of(kind, std::slice::from_ref(&document), &json!({}), now, true),
        },
    )
}

/// An object of a watch, or a table with it as its one row; `named` with the columns' names.
pub(super) fn event(kind: &Kind, object: Value, request: &Request, now: Timestamp, named: bool) -> Value {
    if !wanted(request) {
        return object;
    }
    let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
    of(kind, std::slice::from_ref(&object), &metadata, now, named)
}

/// Objects as a table.
fn of(kind: &Kind, objects: &[Value], metadata: &Value, now: Timestamp, named: bool) -> Value {
    let define = |name: &str, priority: u8| {
        let format = if name == "Name" { "name" } else { "" };
        json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
    };
    let columns = columns::of(kind);
    let definitions: Vec<Value> =
        columns.iter().map(|column| define(column.name, column.wide.into())).collect();
    let row = |object: &Value| {
        let cells: Vec<Value> = columns.iter().map(|column| cell(column, object, now)).collect();
        let part = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]});
        json!({"cells": cells, "object": part})
    };
    let rows: Vec<Value> = objects.iter().map(row).collect();
    let definitions = if named { Value::from(definitions) } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::kubernetes::kinds::{NODES, SECRETS};

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let node = json!({"metadata": {"name": "n", "labels": {}}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for kind in [&NODES, &SECRETS] {
            let table = of(
                kind,
                std::slice::from_ref(&node),
                &json!({"resourceVersion": "7"}),
                Timestamp::UNIX_EPOCH,
                true,
            );
            let (columns, row) = (table["columnDefinitions"].as_array().unwrap(), &table["rows"][0]);
            assert_eq!(row["cells"].as_array().unwrap().len(), columns.len());
            assert_eq!((&row["cells"][0], &table["metadata"]["resourceVersion"]), (&json!("n"), &json!("7")));
        }
        let table = of(&NODES, &[node], &json!({}), Timestamp::UNIX_EPOCH, true);
        assert_eq!(table["rows"][0]["cells"][1], "Ready");
    }

    #[test]
    fn an_age_is_written_as_kubectl_writes_it() {
        let node = json!({"metadata": {"name": "n", "creationTimestamp": "2026-06-10T02:00:00Z"}});
        let age = |seconds: u64| {
            let now = "2026-06-10T02:00:00Z".parse::<Timestamp>().unwrap()
                + std::time::Duration::from_secs(seconds);
            let table = of(&NODES, std::slice::from_ref(&node), &json!({}), now, true);
            table["rows"][0]["cells"][3].as_str().unwrap_or_default().to_string()
        };
        let seen = [5, 125, 300, 700, 11_000, 50_000, 200_000, 900_000].map(age);
        assert_eq!(seen, ["5s", "2m5s", "5m", "11m", "3h3m", "13h", "2d7h", "10d"]);
    }
}
