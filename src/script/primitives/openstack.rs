//! OpenStack: collections read to the end, things looked up by name without taking the wrong one,
//! and every change behind an approval.

use std::sync::LazyLock;

use rhai::Dynamic;
use serde_json::{Map, Value};

use super::doubt;
use super::neutron::explained;
use crate::base::{Error, ErrorKind, Intent, Payload, Result, Undo};
use crate::run;
use crate::run::settle::Settled;
use crate::script::adapter::Call;
use crate::script::handles::openstack::{Collection, Resource, Scope, answer};
use crate::script::host::Host;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::systems::http::Method;
use crate::systems::openstack::resource::{self, Item};
use crate::systems::openstack::{self, Action, Call as Request, Domain, Project, Session};

/// The family: the table below, and one primitive for each action of a resource.
pub fn all() -> Vec<&'static Primitive> {
    static ACTIONS: LazyLock<Vec<Primitive>> = LazyLock::new(actions);
    FIXED.iter().copied().chain(ACTIONS.iter()).collect()
}

const FIXED: &[&Primitive] = &[
    &IDENTITY, &PROJECT, &REQUEST, &LIST, &FIND, &GET, &CREATE, &ENSURE, &FIELD, &REFRESH, &UPDATE, &DELETE,
    &CHILDREN,
];

const FILTER: Param = Param::optional(
    "filter",
    Ty::Map,
    "fields and the value each must have (a list: one of them); also asked of the service. What the API takes besides, such as `all_tenants`, goes here as well",
);

const IDENTITY: Primitive = Primitive {
    name: "identity",
    on: On::Type("Scope"),
    params: &[],
    returns: "map: handle, target, project_id, user, user_id, roles, expires_at, restricted",
    effect: Effect::Read,
    doc: "Who this scope is, proven by its token against what the site file declares. `restricted`: it logs in with an application credential that may make no others.",
    example: r#"verify("1", "Who", || gate("admin", site.scope("admin").identity().roles.contains("admin")));"#,
    body: |call| {
        let scope: Scope = call.receiver()?;
        let id = call.host.block_on(scope.0.identity())?;
        let map = serde_json::json!({
            "handle": scope.0.handle(), "target": id.target.describe(), "project_id": id.project_id(),
            "user": id.user.name, "user_id": id.user.id, "roles": id.roles, "expires_at": id.expires_at.to_string(),
            "restricted": id.restricted,
        });
        Ok(value::from_json(&map)?)
    },
};

const PROJECT: Primitive = Primitive {
    name: "project",
    on: On::Type("Scope"),
    params: &[
        Param::new("name", Ty::Text, "the project's name"),
        Param::new("domain", Ty::Text, "the name of the project's domain"),
    ],
    returns: "Scope",
    effect: Effect::None,
    doc: "A new handle with the same credential, narrowed to a project by name that the site file declares in `projects` of the scope. The project's id is resolved by Keystone at each run, never written down (DOCFIX-034); its tokens must carry the roles that are declared there.",
    example: r#"let capi = site.scope("admin").project("capi-mgmt", "capi");
verify("1", "Narrowed", || expect("handle", `${capi}`, "scope admin/capi-mgmt"));"#,
    body: |call| {
        let scope: Scope = call.receiver()?;
        let (name, domain) = (call.text(0), call.text(1));
        let declared = call.host.site.site().scope(scope.0.handle())?.project(&name, &domain)?;
        let handle = format!("{}/{name}", scope.0.handle());
        let project = Project::Name { name, domain: Some(Domain::Name(domain)) };
        let narrowed = scope.0.narrow(&handle, project, &declared.roles)?;
        call.host.site.keep(&narrowed);
        Ok(Dynamic::from(Scope(narrowed)))
    },
};

const REQUEST_KEYS: &[Param] = &[
    Param::optional("title", Ty::Text, "what it does, in a sentence, for whoever approves it"),
    Param::optional("undo", Ty::Text, "how it is taken back, for whoever approves it"),
    Param::optional(
        "destroys",
        Ty::Bool,
        "it destroys something: asked one by one. A DELETE does, and what the resources know to destroy, whatever is said here",
    ),
    Param::optional("microversion", Ty::Text, "the version of the API that it needs, such as `2.25`"),
];

const REQUEST: Primitive = Primitive {
    name: "request",
    on: On::Type("Scope"),
    params: &[
        Param::new("method", Ty::Text, "GET, HEAD, POST, PUT, PATCH or DELETE"),
        Param::new("service", Ty::Text, "the service's type, such as `compute`"),
        Param::new("path", Ty::Text, "the path behind the service's version, with its query"),
        Param::optional("body", Ty::Any, "what is sent as JSON; () for none"),
        Param::optional("opts", Ty::Options(REQUEST_KEYS), "what is known of it"),
    ],
    returns: "the answer's JSON, or () where it has none",
    effect: Effect::Method,
    doc: "Any other call of the scope's services, under the same rules: everything but GET and HEAD is a change, and is approved and journaled. The path is sent byte for byte as it is written, or refused.",
    example: r#"change("1", "Network", || {
    let capi = site.scope("capi-mgmt");
    let made = capi.request("POST", "network", "/networks", #{ network: #{ name: "drill" } }, #{ undo: "delete it" });
    capi.request("DELETE", "network", `/networks/${made.network.id}`, (), #{ title: "the drill is over" });
    let flavors = capi.request("GET", "compute", "/flavors", (), #{ microversion: "2.61" });
    gate("some", flavors.flavors.len() > 0);
});"#,
    body: |call| {
        let scope: Scope = call.receiver()?;
        let method = match call.text(0).to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => return Err(Error::new(ErrorKind::Argument, format!("`{other}` is not a method")).into()),
        };
        let (service, options) = (call.text(1), call.options(4));
        let mut request = Request::written(service.clone(), method, &call.text(2))?;
        request.body = call.arg(3).filter(|body| !body.is_unit()).map(value::payload);
        if let Some(version) = options.text("microversion") {
            openstack::takes_versions(&service)?;
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if !version.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor)) {
                let what = format!("`{}` is not a microversion", version.escape_debug());
                return Err(Error::new(ErrorKind::Argument, what).help("such as 2.25").into());
            }
            request.microversion = Some(version.into());
        }
        request.undo = match (options.text("undo"), &request.method) {
            (Some(how), _) => Undo::By(how),
            (None, &Method::DELETE) => Undo::Never,
            (None, _) => Undo::Unknown,
        };
        request.destroys |= options.flag("destroys");
        let answered = if matches!(request.method, Method::GET | Method::HEAD) {
            call.host.run.used(scope.0.handle());
            request.summary = format!("{} {}", request.method, request.target());
            let answered = call.host.block_on(scope.0.send(&request))?;
            let body = if answered.body.is_empty() { Value::Null } else { answered.json()? };
            answer(&request.service, body)
        } else {
            request.summary = options.text("title").unwrap_or_default();
            change(call.host, &scope.0, request)?
        };
        Ok(value::from_payload(&answered)?)
    },
};

const LIST: Primitive = Primitive {
    name: "list",
    on: On::Type("Collection"),
    params: &[FILTER],
    returns: "list of resources",
    effect: Effect::Read,
    doc: "Every thing of the collection, over all pages to the end. The filter is applied to the answer as well, since services ignore keys they do not know.",
    example: r#"verify("1", "List", || gate("some", site.scope("admin").projects.list().len() > 0));"#,
    body: |call| {
        let c: Collection = call.receiver()?;
        let filter = with_parents(&c, call.map(0))?;
        call.host.run.used(c.session.handle());
        let found = call.host.block_on(openstack::rows(&c.session, c.row, &filter))?;
        Ok(found.into_iter().map(|body| Dynamic::from(c.kept(body))).collect::<Vec<_>>().into())
    },
};

const FIND: Primitive = Primitive {
    name: "find",
    on: On::Type("Collection"),
    params: &[Param::new("name_or_id", Ty::Text, "its name or its id"), FILTER],
    returns: "a resource, or () where there is none",
    effect: Effect::Read,
    doc: "The thing of a name or an id; () where there is none. Two of one name are an error that lists both: nothing is picked by chance. Any other failure (forbidden, busy, unreachable) is an error too, never an absence.",
    example: r#"verify("1", "Absent", || expect("it", site.scope("admin").projects.find("no-such"), ()));"#,
    body: |call| {
        let c: Collection = call.receiver()?;
        let filter = with_parents(&c, call.map(1))?;
        call.host.run.used(c.session.handle());
        let found = call.host.block_on(openstack::find(&c.session, c.row, &call.text(0), &filter))?;
        Ok(found.map_or(Dynamic::UNIT, |body| Dynamic::from(c.item(&body))))
    },
};

const GET: Primitive = Primitive {
    name: "get",
    on: On::Type("Collection"),
    params: &[Param::new("name_or_id", Ty::Text, "its name or its id"), FILTER],
    returns: "a resource",
    effect: Effect::Read,
    doc: "The thing of a name or an id; an error of kind `not-found` where there is none.",
    example: r#"verify("1", "There", || expect("name", site.scope("admin").projects.get("admin").name, "admin"));"#,
    body: |call| {
        let c: Collection = call.receiver()?;
        let filter = with_parents(&c, call.map(1))?;
        call.host.run.used(c.session.handle());
        let found = call.host.block_on(openstack::get(&c.session, c.row, &call.text(0), &filter));
        let body = found.or_else(|e| as_it_was(call.host, &c, &call.text(0), e))?;
        Ok(Dynamic::from(c.item(&body)))
    },
};

const CREATE: Primitive = Primitive {
    name: "create",
    on: On::Type("Collection"),
    params: &[Param::new("fields", Ty::Map, "the API's own fields")],
    returns: "the resource, as the service answered",
    effect: Effect::Change,
    doc: "Makes one. The service has accepted it; that it is ready is another question, for `poll`.",
    example: r#"change("1", "Network", || site.scope("capi-mgmt").networks.create(#{ name: "drill" }).delete());"#,
    body: |call| {
        let c: Collection = call.receiver()?;
        let fields = call.arg(0).map(value::payload).unwrap_or_default();
        Ok(Dynamic::from(create(call.host, &c, fields)?))
    },
};

const ENSURE: Primitive = Primitive {
    name: "ensure",
    on: On::Type("Collection"),
    params: &[
        Param::new("name", Ty::Text, "its name"),
        Param::new("fields", Ty::Map, "the API's own fields"),
    ],
    returns: "the resource",
    effect: Effect::Change,
    doc: "Makes one unless there is one of that name. One that is there but has other values in the given fields is an error of kind `conflict` that names them: being there is not being right.",
    example: r#"change("1", "Network", || {
    let networks = site.scope("capi-mgmt").networks;
    let made = networks.ensure("drill", #{ admin_state_up: true });
    expect("the second is the first", networks.ensure("drill", #{ admin_state_up: true }).id, made.id);
    made.delete();
});"#,
    body: ensure,
};

const FIELD: Primitive = Primitive {
    name: "get",
    on: On::Type("Resource"),
    params: &[Param::new("field", Ty::Text, "the field's name, such as `OS-EXT-STS:task_state`")],
    returns: "its value, or () where there is none",
    effect: Effect::None,
    doc: "A field that may be missing, or whose name is no identifier. `resource.field` is an error where it is missing.",
    example: r#"verify("1", "Field", || expect("it", site.scope("admin").projects.get("admin").get("nope"), ()));"#,
    body: |call| {
        let r: Resource = call.receiver()?;
        Ok(r.field(&call.text(0))?.unwrap_or(Dynamic::UNIT))
    },
};

const REFRESH: Primitive = Primitive {
    name: "refresh",
    on: On::Type("Resource"),
    params: &[],
    returns: "the resource as it is now",
    effect: Effect::Read,
    doc: "Looks at the thing again, by its id.",
    example: r#"verify("1", "Again", || expect("name", site.scope("admin").projects.get("admin").refresh().name, "admin"));"#,
    body: |call| {
        let r: Resource = call.receiver()?;
        let c = &r.from;
        call.host.run.used(c.session.handle());
        let body = call.host.block_on(openstack::get(&c.session, c.row, &r.id(), &c.parents))?;
        Ok(Dynamic::from(c.item(&body)))
    },
};

const UPDATE: Primitive = Primitive {
    name: "update",
    on: On::Type("Resource"),
    params: &[Param::new("fields", Ty::Map, "the API's own fields, with their new values")],
    returns: "the service's answer",
    effect: Effect::Change,
    doc: "Changes fields of the thing, in the way its API does it.",
    example: r#"change("1", "Rename", || {
    let net = site.scope("capi-mgmt").networks.create(#{ name: "drill" });
    net.update(#{ name: "drill-2" });
    expect("name", net.refresh().name, "drill-2");
    net.delete();
});"#,
    body: |call| {
        let r: Resource = call.receiver()?;
        let fields = call.arg(0).map(value::payload).unwrap_or_default();
        let (id, name) = (r.id(), r.called());
        let request = resource::update_call(r.from.row, item(&r, &id, name.as_deref()), &fields)?;
        let answered = change(call.host, &r.from.session, request)?;
        Ok(value::from_payload(&answered)?)
    },
};

const DELETE: Primitive = Primitive {
    name: "delete",
    on: On::Type("Resource"),
    params: &[Param::optional(
        "options",
        Ty::Map,
        "what the API takes besides, such as `#{ cascade: true }`",
    )],
    returns: "()",
    effect: Effect::Change,
    doc: "Deletes the thing, by its id. The service has accepted it; that it is gone is another question, for `poll`.",
    example: r#"change("1", "Delete", || site.scope("capi-mgmt").networks.create(#{ name: "drill" }).delete());"#,
    body: |call| {
        let r: Resource = call.receiver()?;
        let options = json_map(call.map(0))?;
        let (id, name) = (r.id(), r.called());
        let mut request = resource::delete_call(r.from.row, item(&r, &id, name.as_deref()), &options)?;
        request.was = brief(&r);
        change(call.host, &r.from.session, request).map_err(|e| explained(call.host, &r, e))?;
        Ok(Dynamic::UNIT)
    },
};

const CHILDREN: Primitive = Primitive {
    name: "children",
    on: On::Type("Resource"),
    params: &[Param::new(
        "collection",
        Ty::Text,
        "a collection whose path holds this thing, such as `nodegroups` of a cluster",
    )],
    returns: "Collection",
    effect: Effect::None,
    doc: "A collection inside this thing.",
    example: r#"verify("1", "Inventories", || {
    let provider = site.scope("admin").resource_providers.list()[0];
    gate("some", provider.children("inventories").list().len() > 0);
});"#,
    body: |call| {
        let r: Resource = call.receiver()?;
        let row = resource::find(&call.text(0))?;
        let mut parents = r.from.parents.clone();
        let Some(key) = row.parents().find(|key| !parents.contains_key(*key)) else {
            let what = format!("{} are not inside of a {}", row.name, r.from.row.title);
            return Err(Error::new(ErrorKind::Argument, what).into());
        };
        parents.insert(key.to_string(), r.id().into());
        Ok(Dynamic::from(Collection { session: r.from.session.clone(), row, parents }))
    },
};

/// One primitive for each action's name; which resources have it is a matter of the table.
fn actions() -> Vec<Primitive> {
    const ARGS: &[Param] = &[Param::optional("args", Ty::Map, "what the API takes")];
    let mut made: Vec<Primitive> = Vec::new();
    let of_maps = |action: &&Action| action.body != resource::Body::File;
    for action in resource::all().flat_map(|row| row.actions).filter(of_maps) {
        if made.iter().any(|p| p.name == action.name) {
            continue;
        }
        made.push(Primitive {
            name: action.name,
            on: On::Type("Resource"),
            params: ARGS,
            returns: "the service's answer, or () where it has none",
            effect: if action.reads() { Effect::Read } else { Effect::Change },
            doc: action.doc,
            example: "",
            body: act,
        });
    }
    made
}

fn act(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let r: Resource = call.receiver()?;
    let (row, session) = (r.from.row, &r.from.session);
    let action = row.action(call.primitive.name).map_err(|e| e.scope(session.handle()))?;
    let args = call.arg(0).map(value::payload).unwrap_or_else(|| Payload::from(Value::Object(Map::new())));
    let (id, name) = (r.id(), r.called());
    let request = resource::action_call(row, action, item(&r, &id, name.as_deref()), &args)?;
    let answered = if action.reads() {
        call.host.run.used(session.handle());
        let body = call.host.block_on(session.send(&request))?;
        answer(row.service.name, if body.body.is_empty() { Value::Null } else { body.json()? })
    } else {
        let subject = request.subject.clone();
        let look = |effect: &run::Effect| doubt::of_action(call.host, session, row, action, &subject, effect);
        change_with(call.host, session, request, look).map_err(|e| explained(call.host, &r, e))?
    };
    let has = |key: &&str| answered.expose().get(key).is_some();
    let inner = action.result_key.filter(has).map(|key| answered.at(key));
    Ok(value::from_payload(&inner.unwrap_or(answered))?)
}

/// Makes a thing of a collection.
pub(super) fn create(host: &Host, c: &Collection, fields: Payload) -> Result<Resource> {
    let request = resource::create_call(c.row, &fields)?;
    let answered = change(host, &c.session, request)?;
    let body = answered.expose();
    Ok(c.item(c.row.item_key.and_then(|key| body.get(key)).unwrap_or(body)))
}

fn ensure(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let c: Collection = call.receiver()?;
    let name = call.text(0);
    let mut fields = call.map(1);
    let wanted = value::payload(&fields.clone().into());
    fields.insert(c.row.name_key.unwrap_or("name").into(), name.clone().into());
    let fields = value::payload(&fields.into());
    call.host.run.used(c.session.handle());
    // one that was made before a cut is this call's own, and not one that was there
    let create_it = resource::create_call(c.row, &fields)?;
    let ours = call.host.run.comes_next(&call.host.block_on(c.session.intent(&create_it))?);
    let there = match ours {
        true => None,
        false => call.host.block_on(openstack::find(&c.session, c.row, &name, &c.parents))?,
    };
    let Some(there) = there else { return Ok(create(call.host, &c, fields).map(Dynamic::from)?) };
    // the values are compared, and their masks are told
    let differ = |key: &&String| {
        let is = there.get(key.as_str());
        is.is_some_and(|is| wanted.expose().get(key.as_str()) != Some(is))
    };
    let service = c.row.service.name;
    let (is, not) =
        (answer(service, there.clone()).masked(), resource::guarded(service, wanted.clone()).masked());
    let differs: Vec<String> = wanted
        .expose()
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .filter(differ)
        .map(|key| format!("{key} is {}, not {}", is[key.as_str()], not[key.as_str()]))
        .collect();
    if differs.is_empty() {
        return Ok(Dynamic::from(c.item(&there)));
    }
    let what = format!("there is a {} `{name}`, but {}", c.row.title, differs.join(", "));
    Err(Error::new(ErrorKind::Conflict, what)
        .scope(c.session.handle())
        .help("delete or change it, or ask for what is there")
        .into())
}

/// Has a change approved, journaled and sent.
fn change(host: &Host, session: &Session, request: Request) -> Result<Payload> {
    let subject = request.subject.clone();
    change_with(host, session, request, |effect| doubt::of_thing(host, session, &subject, effect))
}

/// The same with a look of its own at what a change that was cut off has done.
pub(super) fn change_with(
    host: &Host,
    session: &Session,
    request: Request,
    look: impl FnMut(&run::Effect) -> Result<Settled>,
) -> Result<Payload> {
    host.run.used(session.handle());
    let service = request.service.clone();
    let bound = host.block_on(session.bind(request))?;
    host.run.effect(bound, look, |permit| {
        let answered = host.block_on(Session::mutate(permit))?;
        let body =
            if answered.body.is_empty() { Value::Null } else { answered.json().unwrap_or(Value::Null) };
        Ok(answer(&service, body))
    })
}

/// What a thing that is about to be removed is like, in a few fields: what a resume shows of it.
fn brief(r: &Resource) -> Value {
    let row = r.from.row;
    let keys = [Some(row.id_key), row.name_key, row.states.map(|states| states.field)];
    let shown = r.shown();
    let mut was: Map<String, Value> = keys
        .into_iter()
        .flatten()
        .chain(row.columns.iter().copied())
        .filter_map(|key| Some((key.to_string(), shown.get(key)?.clone())))
        .collect();
    was.insert(KIND.into(), row.name.into());
    was.into()
}

/// Says in what a removed thing was of which collection it was.
const KIND: &str = "collection";

/// A thing that is not there because this very step removed it before a cut: as it was, until the step comes to that again.
fn as_it_was(host: &Host, c: &Collection, key: &str, absent: Error) -> Result<Value> {
    if absent.kind() != ErrorKind::NotFound {
        return Err(absent);
    }
    let names = |was: &Value, field: Option<&str>| field.is_some_and(|field| was[field] == key);
    let is_it = |intent: &Intent| {
        let was = &intent.was;
        intent.handle == c.session.handle()
            && was[KIND] == c.row.name
            && (names(was, Some(c.row.id_key)) || names(was, c.row.name_key))
    };
    let mut was = host.run.removed_here(is_it).ok_or(absent)?;
    was.as_object_mut().and_then(|fields| fields.shift_remove(KIND));
    Ok(was)
}

/// A thing as a request names it.
pub(super) fn item<'a>(r: &'a Resource, id: &'a str, name: Option<&'a str>) -> Item<'a> {
    Item { id, name, parents: &r.from.parents }
}

fn with_parents(c: &Collection, filter: rhai::Map) -> Result<Map<String, Value>> {
    let mut all = json_map(filter)?;
    all.extend(c.parents.clone());
    Ok(all)
}

/// A map for a query, which is shown and logged by every proxy: it may hold no secret.
fn json_map(map: rhai::Map) -> Result<Map<String, Value>> {
    let map = Dynamic::from(map);
    if value::payload(&map).is_tainted() {
        return Err(Error::new(ErrorKind::Argument, "a filter or an option of a query holds a secret")
            .help("a query is part of a URL: compare the field in the script"));
    }
    match value::evidence(&map) {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}
