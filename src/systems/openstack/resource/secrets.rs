//! Which strings of a request or of an answer are secrets: the rows say it of their things, the table below of what no
//! row covers. A call by hand is read by the same rule as one of a row.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::base::Payload;
use crate::systems::openstack::service::service;

/// Of which service, and the names of fields that hold a secret in its requests and answers, wherever they stand in the
/// body. Two names with a slash are a field inside another one.
const BESIDE_THE_ROWS: &[(&str, &[&str])] = &[
    // actions of servers, their files, and the consoles' addresses, which are passwords
    ("compute", &["adminPass", "user_data", "personality/contents", "remote_console/url", "console/url"]),
    // tokens, EC2 and other credentials, passwords of users and of federated ones
    (
        "identity",
        &[
            "token/id",
            "passcode",
            "password",
            "original_password",
            "secret",
            "blob",
            "credential/secret",
            "oauth_token_secret",
            "access_secret",
        ],
    ),
    ("network", &["psk", "password", "auth_key"]),
    (
        "block-storage",
        &[
            "auth_key",
            "auth_password",
            "secret_uuid",
            "discovery_auth_password",
            "node.session.auth.password",
        ],
    ),
    ("key-manager", &["payload"]),
    ("dns", &["secret"]),
    ("orchestration", &["user_data", "parameters/*", "environment/*"]),
    ("container-infra", &["trustee_password", "private_key"]),
];

/// Of any service, also of one that nothing here knows.
const ANYWHERE: &[&str] = &["password", "adminPass", "admin_pass", "user_data", "private_key", "passphrase"];

/// The fields of each service that has some of its own.
static FIELDS: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let rows = super::all().map(|row| (row.service.name, row.secrets));
    for (service, fields) in rows.chain(BESIDE_THE_ROWS.iter().copied()) {
        all.entry(service).or_insert_with(|| ANYWHERE.to_vec()).extend(fields);
    }
    all
});

/// The JSON pointers of the secrets in a body of a service.
pub fn secrets(of: &str, body: &Value) -> Vec<String> {
    let name = service(of).map_or(of, |service| service.name);
    let fields = FIELDS.get(name).map_or(ANYWHERE, Vec::as_slice);
    let mut found = Vec::new();
    walk(body, "", &mut String::new(), fields, &mut found);
    found
}

/// A body with the secrets of its service told apart, beside those that are known already.
pub fn guarded(of: &str, body: Payload) -> Payload {
    let mut all = secrets(of, body.expose());
    if all.is_empty() {
        return body;
    }
    all.extend(body.secrets().map(String::from));
    Payload::new(body.expose().clone(), all)
}

fn walk(value: &Value, within: &str, pointer: &mut String, fields: &[&str], found: &mut Vec<String>) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                match fields.iter().any(|field| is(field, within, key)) {
                    true => leaves(member, pointer, found),
                    false => walk(member, key, pointer, fields, found),
                }
                pointer.truncate(length);
            }
            patched(members, pointer, fields, found);
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{n}"));
                walk(item, within, pointer, fields, found);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

fn is(field: &str, within: &str, key: &str) -> bool {
    match field.split_once('/') {
        Some((outer, "*")) => outer == within,
        Some((outer, inner)) => outer == within && inner == key,
        None => field == key,
    }
}

/// An operation of a JSON patch names its field in its path.
fn patched(
    operation: &serde_json::Map<String, Value>,
    pointer: &mut String,
    fields: &[&str],
    found: &mut Vec<String>,
) {
    let (Some(Value::String(path)), Some(value)) = (operation.get("path"), operation.get("value")) else {
        return;
    };
    let mut steps = path.rsplit('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let (key, within) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    if operation.contains_key("op") && fields.iter().any(|field| is(field, &within, &key)) {
        pointer.push_str("/value");
        leaves(value, pointer, found);
    }
}

/// All texts and numbers below a field that is a secret.
fn leaves(value: &Value, pointer: &mut String, found: &mut Vec<String>) {
    let length = pointer.len();
    match value {
        Value::String(_) | Value::Number(_) => found.push(pointer.clone()),
        Value::Object(members) => {
            for (key, member) in members {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                leaves(member, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{n}"));
                leaves(item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masked(of: &str, body: Value) -> Value {
        guarded(of, body.into()).masked()
    }

    #[test]
    fn a_body_is_masked_by_its_service_wherever_a_field_stands() {
        for (of, body, shown) in [
            (
                "compute",
                json!({"server": {"name": "a", "adminPass": "x", "user_data": "x", "personality": [{"path": "/a", "contents": "x"}]}}),
                json!({"server": {"name": "a", "adminPass": "***", "user_data": "***", "personality": [{"path": "/a", "contents": "***"}]}}),
            ),
            (
                "compute",
                json!({"changePassword": {"adminPass": "x"}}),
                json!({"changePassword": {"adminPass": "***"}}),
            ),
            ("compute", json!({"rescue": {"adminPass": "x"}}), json!({"rescue": {"adminPass": "***"}})),
            (
                "compute",
                json!({"keypair": {"name": "k", "private_key": "x"}}),
                json!({"keypair": {"name": "k", "private_key": "***"}}),
            ),
            (
                "compute",
                json!({"servers": [{"OS-EXT-SRV-ATTR:user_data": "x"}]}),
                json!({"servers": [{"OS-EXT-SRV-ATTR:user_data": "***"}]}),
            ),
            (
                "identityv3",
                json!({"application_credential": {"name": "a", "secret": "x"}}),
                json!({"application_credential": {"name": "a", "secret": "***"}}),
            ),
            (
                "identity",
                json!({"auth": {"identity": {"token": {"id": "x"}}, "scope": {"project": {"id": "p"}}}}),
                json!({"auth": {"identity": {"token": {"id": "***"}}, "scope": {"project": {"id": "p"}}}}),
            ),
            ("identity", json!({"user": {"password": 20261122}}), json!({"user": {"password": "***"}})),
            (
                "image",
                json!([{"op": "add", "path": "/user_data", "value": "x"}, {"op": "add", "path": "/name", "value": "n"}]),
                json!([{"op": "add", "path": "/user_data", "value": "***"}, {"op": "add", "path": "/name", "value": "n"}]),
            ),
            (
                "orchestration",
                json!({"parameters": {"a": "x", "b": ["x"]}}),
                json!({"parameters": {"a": "***", "b": ["***"]}}),
            ),
            (
                "baremetal",
                json!({"a": [{"b": {"passphrase": "x", "secret": "s"}}]}),
                json!({"a": [{"b": {"passphrase": "***", "secret": "s"}}]}),
            ),
        ] {
            assert_eq!(masked(of, body), shown, "{of}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let trust =
            json!({"trust": {"trustor_user_id": "u", "impersonation": true, "roles": [{"name": "member"}]}});
        assert!(!guarded("identity", trust.into()).is_tainted());
        assert!(!guarded("compute", json!({"server": {"adminPass": null}}).into()).is_tainted());
    }
}
