//! OpenStack in scripts: a scope, its collections, and the resources they give.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use serde_json::{Map, Value, json};

use crate::base::error::nearest;
use crate::base::secret::MASK;
use crate::base::{Error, ErrorKind, Payload, Result};
use crate::script::thrown::Thrown;
use crate::script::value::{self, TAG};
use crate::systems::openstack::{Kept, Resource as Row, Session, resource};

/// A cloud authorisation scope: `site.scope("admin")`.
#[derive(Clone)]
pub struct Scope(pub Session);

/// A collection of a scope: `admin.servers`.
#[derive(Clone)]
pub struct Collection {
    /// In whose authority.
    pub session: Session,
    /// What is collected.
    pub row: &'static Row,
    /// What its path needs besides: `cluster.nodegroups` has its cluster.
    pub parents: Map<String, Value>,
}

/// One thing of a collection, as the service answered it.
#[derive(Clone)]
pub struct Resource {
    /// Where it comes from.
    pub from: Collection,
    /// What the service answered.
    pub body: Kept,
}

impl Collection {
    /// A thing of this collection.
    pub fn item(&self, body: &Value) -> Resource {
        self.kept(Kept::of(body))
    }

    /// A thing of this collection, as it came.
    pub fn kept(&self, body: Kept) -> Resource {
        Resource { from: self.clone(), body }
    }
}

impl Resource {
    /// Its id.
    pub fn id(&self) -> String {
        self.body.text(self.from.row.id_key).unwrap_or_default()
    }

    /// What people call it.
    pub fn name(&self) -> Option<String> {
        self.from.row.name_key.and_then(|key| self.body.text(key))
    }

    /// What people call it, also where it has no name: `nova-compute on compute-1`.
    pub fn called(&self) -> Option<String> {
        self.from.row.called(|key| self.body.text(key))
    }

    /// Its body, the secrets known.
    pub fn payload(&self) -> Payload {
        answer(self.from.row.service.name, self.body.whole())
    }

    /// Its body with the secrets masked.
    pub fn shown(&self) -> Value {
        self.payload().masked()
    }

    /// A field; `None` where it has none.
    pub fn field(&self, name: &str) -> Result<Option<Dynamic>> {
        let Some(field) = self.body.field(name) else { return Ok(None) };
        let payload = answer(self.from.row.service.name, json!({ name: field }));
        value::from_payload(&payload.at(name)).map(Some)
    }

    /// As it is recorded.
    pub fn encode(&self) -> Value {
        json!({ TAG: "resource", "scope": self.from.session.handle(), "resource": self.from.row.name,
                "parents": self.from.parents, "body": self.shown() })
    }

    /// What [`Resource::encode`] made, again. One that held a secret cannot come back.
    pub fn decode(session: Session, value: &Value) -> Result<Self> {
        let row = resource::find(value["resource"].as_str().unwrap_or_default())?;
        let body = &value["body"];
        let masked = |pointer: &String| body.pointer(pointer).is_some_and(|text| text == MASK);
        if resource::secrets(row.service.name, body).iter().any(masked) {
            return Err(Error::new(ErrorKind::Journal, "a secret is not in the journal"));
        }
        let parents = value["parents"].as_object().cloned().unwrap_or_default();
        Ok(Collection { session, row, parents }.item(&value["body"]))
    }

    /// `load balancer api (0f968008…)`.
    pub fn describe(&self) -> String {
        let (title, id) = (self.from.row.title, self.id());
        match self.name() {
            Some(name) if name != id => format!("{title} {name} ({id})"),
            _ => format!("{title} {id}"),
        }
    }
}

/// An answer's body, the secrets of its service known.
pub fn answer(service: &str, body: Value) -> Payload {
    resource::guarded(service, body.into())
}

fn thrown(error: Error) -> Box<EvalAltResult> {
    Thrown::from(error).into()
}

/// The collection of a name, or the likely one.
fn collection(scope: &Scope, name: &str) -> Result<Collection> {
    let row = resource::all().find(|row| row.name == name).ok_or_else(|| {
        let what = format!("scope `{}` has no collection `{name}`", scope.0.handle());
        let e = Error::new(ErrorKind::Script, what).scope(scope.0.handle());
        match nearest(name, resource::all().map(|row| row.name)) {
            Some(meant) => e.help(format!("did you mean `{meant}`?")),
            None => e.help(format!(
                "there are {}",
                resource::all().map(|r| r.name).collect::<Vec<_>>().join(", ")
            )),
        }
    })?;
    Ok(Collection { session: scope.0.clone(), row, parents: Map::new() })
}

fn property(resource: &Resource, name: &str) -> Result<Dynamic> {
    if let Some(field) = resource.field(name)? {
        return Ok(field);
    }
    let what = format!("a {} has no field `{name}`", resource.from.row.title);
    let e = Error::new(ErrorKind::Script, what).scope(resource.from.session.handle());
    let fields = resource.body.names();
    Err(match nearest(name, fields.iter().map(String::as_str)) {
        Some(meant) => e.help(format!("did you mean `{meant}`?")),
        None => e.help(format!(
            "a field that may be missing is read with `.get(\"{name}\")`, which gives () then"
        )),
    })
}

/// Registers the types: how they print, compare, and answer for fields.
pub fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Scope>("Scope")
        .register_fn("to_string", |s: &mut Scope| format!("scope {}", s.0.handle()))
        .register_fn("to_debug", |s: &mut Scope| format!("scope {}", s.0.handle()))
        .register_indexer_get(|s: &mut Scope, name: ImmutableString| collection(s, &name).map_err(thrown));
    engine
        .register_type_with_name::<Collection>("Collection")
        .register_fn("to_string", |c: &mut Collection| format!("{} of {}", c.row.name, c.session.handle()))
        .register_fn("to_debug", |c: &mut Collection| format!("{} of {}", c.row.name, c.session.handle()));
    engine
        .register_type_with_name::<Resource>("Resource")
        .register_fn("to_string", |r: &mut Resource| r.describe())
        .register_fn("to_debug", |r: &mut Resource| r.describe())
        .register_fn("==", |a: Resource, b: Resource| a.id() == b.id() && a.from.row.name == b.from.row.name)
        .register_fn("!=", |a: Resource, b: Resource| a.id() != b.id() || a.from.row.name != b.from.row.name)
        .register_indexer_get(|r: &mut Resource, name: ImmutableString| property(r, &name).map_err(thrown));
}
