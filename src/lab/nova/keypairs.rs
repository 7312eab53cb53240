//! Key pairs. They belong to users, not to projects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, delete, get, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::{Id, Ids};
use crate::lab::stamp;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/os-keypairs", Rule::Token, "", list),
    post("/v2.1/os-keypairs", Rule::Token, "", create),
    get("/v2.1/os-keypairs/{}", Rule::Token, "", show),
    delete("/v2.1/os-keypairs/{}", Rule::Token, "", remove),
];

/// A key pair.
pub(crate) struct Keypair {
    pub(crate) name: String,
    pub(crate) user: Id,
    public: String,
    fingerprint: String,
    created: Timestamp,
    number: usize,
}

impl Keypair {
    /// A key pair of a public key, if that is one.
    pub(crate) fn new(name: &str, user: Id, public: &str, created: Timestamp, number: usize) -> Option<Self> {
        let fingerprint = fingerprint(public)?;
        Some(Keypair { name: name.into(), user, public: public.into(), fingerprint, created, number })
    }

    fn brief(&self, version: Version) -> Value {
        let mut shown =
            json!({"name": self.name, "public_key": self.public, "fingerprint": self.fingerprint});
        if version >= Version(2, 2) {
            shown["type"] = "ssh".into();
        }
        shown
    }
}

/// A public key that a seed decides; nobody has its private half.
pub(crate) fn made_up(ids: &mut Ids) -> String {
    let mut blob = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &ids.secret("public-key").as_bytes()[..32]] {
        blob.extend((part.len() as u32).to_be_bytes());
        blob.extend(part);
    }
    format!("ssh-ed25519 {}", STANDARD.encode(blob))
}

/// The MD5 of a key's bytes, as `ssh-keygen -l -E md5` shows it.
fn fingerprint(public: &str) -> Option<String> {
    let mut words = public.split_whitespace();
    let kind = words.next().filter(|k| k.starts_with("ssh-") || k.starts_with("ecdsa-"))?;
    let blob = STANDARD.decode(words.next()?).ok()?;
    let named = blob.get(4..4 + kind.len()).is_some_and(|name| name == kind.as_bytes());
    let digest: Vec<String> = Md5::digest(&blob).iter().map(|b| format!("{b:02x}")).collect();
    named.then(|| digest.join(":"))
}

/// The user that a request is about: its own, or one that an administrator names.
fn user(call: &Call<'_>) -> Result<Id, Refusal> {
    match call.query("user_id") {
        Some(id) if *id != *call.who.user => {
            call.allow(call.who.is_admin(), "os_compute_api:os-keypairs:index")?;
            Ok(id.as_str().into())
        }
        _ => Ok(call.who.user.clone()),
    }
}

fn list(call: &mut Call<'_>) -> Outcome {
    let user = user(call)?;
    let own = call.world.nova.keypairs.iter().filter(|k| k.user == user);
    let rows: Vec<Value> = own.map(|k| json!({"keypair": k.brief(call.version)})).collect();
    Ok(Answer::json(200, json!({"keypairs": rows})))
}

fn place(call: &Call<'_>) -> Result<usize, Refusal> {
    let (user, name) = (user(call)?, call.param(0));
    let found = call.world.nova.keypairs.iter().position(|k| k.user == user && k.name == name);
    found.ok_or_else(|| Refusal::said(404, format!("Keypair {name} not found for user {user}")))
}

fn show(call: &mut Call<'_>) -> Outcome {
    let keypair = &call.world.nova.keypairs[place(call)?];
    let mut shown = keypair.brief(call.version);
    shown["user_id"] = (*keypair.user).into();
    shown["created_at"] = stamp::micros(keypair.created).into();
    shown["deleted"] = false.into();
    shown["deleted_at"] = Value::Null;
    shown["id"] = keypair.number.into();
    shown["updated_at"] = Value::Null;
    Ok(Answer::json(200, json!({"keypair": shown})))
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = call.member("keypair").cloned().unwrap_or_default();
    let name = given["name"].as_str().ok_or_else(|| {
        Refusal::said(
            400,
            format!(
                "Invalid input for field/attribute keypair. Value: {given}. 'name' is a required property"
            ),
        )
    })?;
    let user = call.who.user.clone();
    if call.world.nova.keypairs.iter().any(|k| k.user == user && k.name == name) {
        return Err(Refusal::said(409, format!("Key pair '{name}' already exists.")));
    }
    let generated = given["public_key"].is_null();
    if generated && call.version >= Version(2, 92) {
        return Err(Refusal::said(
            400,
            format!(
                "Invalid input for field/attribute keypair. Value: {given}. 'public_key' is a required property"
            ),
        ));
    }
    let key = if generated {
        let pair = rcgen::KeyPair::generate().map_err(|e| Refusal::said(500, e.to_string()))?;
        (made_up(&mut call.world.ids), Some(pair.serialize_pem()))
    } else {
        (given["public_key"].as_str().unwrap_or_default().to_string(), None)
    };
    let (now, number) = (call.world.now(), call.world.nova.keypairs.len() + 1);
    let keypair = Keypair::new(name, user, &key.0, now, number)
        .ok_or_else(|| Refusal::said(400, "Keypair data is invalid: failed to generate fingerprint"))?;
    let mut shown = json!({});
    if let Some(private) = key.1 {
        shown["private_key"] = private.into();
    }
    if let Value::Object(members) = keypair.brief(call.version) {
        members.into_iter().for_each(|(key, value)| shown[key] = value);
    }
    shown["user_id"] = (*keypair.user).into();
    call.world.nova.keypairs.push(keypair);
    let status = if call.version >= Version(2, 2) { 201 } else { 200 };
    Ok(Answer::json(status, json!({"keypair": shown})))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let place = place(call)?;
    call.world.nova.keypairs.remove(place);
    Ok(Answer::empty(if call.version >= Version(2, 2) { 204 } else { 202 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_the_key() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGO3dre6xpw+uZz3cSOZc6lrji1BmVZl958NSfNqgMQP";
        assert_eq!(fingerprint(key).as_deref(), Some("a1:ee:59:43:40:57:08:66:bd:0d:db:e4:e0:32:eb:56"));
        assert!(fingerprint(&made_up(&mut Ids::new(3))).is_some());
        for wrong in ["", "garbage", "ssh-rsa !!!", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIGO3"] {
            assert_eq!(fingerprint(wrong), None, "{wrong}");
        }
    }
}
