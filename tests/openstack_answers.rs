//! What counts as the answer to a change: every operation of every row, and calls by hand, against what a portal, a
//! proxy, a balancer or a cut line answers in the place of the service.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod played;
mod stage;
mod stub_cloud;

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::stream;
use rhumb::base::{Error, ErrorKind, Intent, Ledger, Payload, Permit, Result};
use rhumb::systems::http::{Answer, Method};
use rhumb::systems::openstack::resource::{self, Item, Proof, Resource, Shape, Update};
use rhumb::systems::openstack::{Call, Session};
use serde_json::{Map, Value, json};
use stub_cloud::{Seen, StubCloud, start};

const ID: &str = "0f96d4e1-0000-4000-8000-000000000001";
const OTHER: &str = "0f96d4e1-0000-4000-8000-000000000002";
const LOGIN: &str =
    "<!doctype html><html><head><title>Log in</title></head><body>Please log in</body></html>";
const NGINX: &str = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n";
const HAPROXY: &str = "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n";

struct Yes;

impl Ledger for Yes {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(7)
    }
}

/// An answer as bytes on the line.
#[derive(Clone)]
struct Line {
    what: String,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The connection ends before the body does.
    cut: bool,
}

fn line(what: &str, status: u16, kind: &str, body: &str) -> Line {
    let headers = if kind.is_empty() { vec![] } else { vec![("content-type", kind.to_string())] };
    Line { what: format!("{what}: {status}"), status, headers, body: body.to_string(), cut: false }
}

impl Line {
    fn response(&self) -> Response {
        let body = match self.cut {
            false => Body::from(self.body.clone()),
            true => {
                let half = self.body[..self.body.len() / 2].to_string();
                Body::from_stream(stream::iter([Ok(half), Err(std::io::Error::other("cut"))]))
            }
        };
        let mut response = (StatusCode::from_u16(self.status).unwrap(), body).into_response();
        response.headers_mut().remove("content-type");
        for (name, value) in &self.headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        response
    }
}

/// A cloud whose services offer every version, and where a line stands in the place of the answer to each change.
async fn cloud() -> StubCloud {
    let cloud = start(|_, _| (200, json!({}))).await;
    cloud.stage().roles = vec!["admin"];
    cloud
}

fn put(cloud: &StubCloud, line: &Line) {
    let line = line.clone();
    cloud.stage().portal = Some(Arc::new(move |seen: &Seen| {
        let versions = json!({"versions": [{"id": "v2.96", "version": "2.96", "min_version": "1.0"}]});
        if seen.method == "GET" {
            return Some((StatusCode::OK, versions.to_string()).into_response());
        }
        Some(line.response())
    }));
}

async fn change(session: &Session, call: &Call) -> Result<Answer> {
    let bound = session.bind(call.clone()).await?;
    Session::mutate(Permit::obtain(&Yes, bound).unwrap()).await
}

fn parents(row: &Resource) -> Map<String, Value> {
    row.parents().map(|key| (key.to_string(), Value::from(ID))).collect()
}

/// Every change of a row: its verb, and the call.
fn changes(row: &'static Resource) -> Vec<(&'static str, Call)> {
    let parents = parents(row);
    let item = Item { id: ID, name: Some("drill"), parents: &parents };
    let mut spec = parents.clone();
    if row.name_key.is_some() || row.id_key == "name" {
        spec.insert(row.name_key.unwrap_or("name").to_string(), "drill".into());
    }
    let fields = |map: Map<String, Value>| Payload::from(Value::Object(map));
    let mut all = Vec::new();
    if row.verbs.create {
        all.push(("create", resource::create_call(row, &fields(spec)).unwrap()));
    }
    if row.verbs.update != Update::None {
        let to = json!({"description": "d"}).into();
        all.push(("update", resource::update_call(row, item, &to).unwrap()));
    }
    if row.verbs.delete {
        all.push(("delete", resource::delete_call(row, item, &Map::new()).unwrap()));
    }
    for action in row.actions.iter().filter(|action| !action.reads()) {
        let args = match action.body {
            resource::Body::Args => json!({"subnet_id": ID}),
            _ => json!({}),
        };
        all.push((action.name, resource::action_call(row, action, item, &args.into()).unwrap()));
    }
    all
}

/// The body that a row's proof asks for, of the thing with this id and name.
fn body(row: &Resource, shape: Shape, id: &str, name: &str) -> Option<Value> {
    let mut thing = json!({ row.id_key: id });
    if let Some(key) = row.name_key {
        thing[key] = name.into();
    }
    Some(match shape {
        Shape::Nothing => return None,
        Shape::Thing => match row.item_key {
            Some(key) => json!({ key: thing }),
            None => thing,
        },
        Shape::Under(key) => json!({ key: {"id": id} }),
        Shape::Id(key) => json!({ key: id }),
        Shape::Has(key) => json!({ key: "x" }),
        Shape::AnyOf(shapes) => return body(row, shapes[0], id, name),
    })
}

/// The id that an answer to a change of this row tells.
fn id_of(row: &Resource, verb: &str) -> &'static str {
    // the id of a keypair is its name
    if row.id_key == "name" && verb == "create" { "drill" } else { ID }
}

/// Answers that the service did not give, or that are of something else.
fn wrong(row: &Resource, verb: &str, proof: Proof) -> Vec<Line> {
    let status = proof.statuses[0];
    let right = body(row, proof.body, id_of(row, verb), "drill");
    let whole = right.clone().unwrap_or_else(|| json!({"padding": "so that there is something to cut"}));
    // a thing that is made without a name could be any other of its kind
    let of_any_name = verb == "create" && row.name_key.is_none() && row.id_key != "name";
    let other = match &right {
        None => json!({"network": {"id": OTHER}}),
        Some(_) if of_any_name => json!({"other": {"id": OTHER}}),
        Some(_) if matches!(proof.body, Shape::Under(_) | Shape::Has(_)) => json!({"other": {"id": ID}}),
        Some(_) => body(row, proof.body, OTHER, "other").unwrap(),
    };
    let json_kind = "application/json";
    let mut all = vec![
        line("a captive portal", 200, "text/html", LOGIN),
        line("a page with the right status", status, "text/html", LOGIN),
        line("a page that says it is JSON", status, json_kind, LOGIN),
        line("nothing at all", 200, json_kind, ""),
        line("another thing", status, json_kind, &other.to_string()),
        line("no thing", status, json_kind, "{}"),
        line("not even that", if right.is_some() { status } else { 200 }, json_kind, "null"),
        line("a list", status, json_kind, "[]"),
        line("JSON that ends early", status, json_kind, &whole.to_string()[..whole.to_string().len() / 2]),
        line("the thing in part", 206, json_kind, &whole.to_string()),
        line("not modified", 304, "", ""),
        line("a proxy's bad gateway", 502, "text/html", HAPROXY),
        line("a proxy without servers", 503, "text/html", HAPROXY),
        line("a proxy that waited", 504, "text/html", HAPROXY),
        line("a proxy's missing page", 404, "text/html", NGINX),
        line(
            "a gateway's missing route",
            404,
            json_kind,
            r#"{"message":"no Route matched with those values"}"#,
        ),
        line("a firewall", 403, "text/html", LOGIN),
        line("a proxy that asks who is there", 401, "text/html", LOGIN),
        line("a proxy that finds it too large", 413, "text/html", NGINX),
        line("a proxy without words", 400, "", ""),
    ];
    all.push(Line { cut: true, ..line("a body that was cut", status, json_kind, &whole.to_string()) });
    let mut moved = line("a redirect", 302, "text/html", "");
    moved.headers.push(("location", "https://portal.example/login?token=hunter2".to_string()));
    all.push(moved);
    all.push(line("no content", 204, "", ""));
    // HTTP has no body there, whatever is sent behind it
    all.retain(|line| !(line.status == 204 && proof.body == Shape::Nothing));
    all
}

/// Whether nobody knows, after an error, if the change took place.
fn in_doubt(e: &Error) -> bool {
    let doubtful = [ErrorKind::Protocol, ErrorKind::Timeout, ErrorKind::Transient, ErrorKind::Unreachable];
    doubtful.contains(&e.kind()) && !e.is_unsent()
}

/// A row that is added without a rule fails here: no answer would prove its changes, the right one included.
#[tokio::test]
async fn only_the_documented_answer_proves_a_change_of_any_row() {
    let cloud = cloud().await;
    let (session, _) = cloud.session();
    let mut seen = 0;
    for row in resource::all() {
        for (verb, call) in changes(row) {
            let name = format!("{}.{verb}", row.name);
            let proof = row.proof(verb).unwrap();
            for status in proof.statuses {
                let body = body(row, proof.body, id_of(row, verb), "drill");
                // Glance says `text/html` of an answer without a body
                let text = body.map(|body| body.to_string()).unwrap_or_default();
                let kind = if text.is_empty() { "text/html" } else { "application/json" };
                put(&cloud, &line("the service", *status, kind, &text));
                let answered = change(&session, &call).await;
                assert_eq!(answered.unwrap_or_else(|e| panic!("{name}: {e}")).status, *status);
            }
            for line in wrong(row, verb, proof) {
                put(&cloud, &line);
                let before = cloud.seen("").iter().filter(|s| s.method == call.method.as_str()).count();
                let e = change(&session, &call)
                    .await
                    .err()
                    .unwrap_or_else(|| panic!("{name} counts as done after {}: {}", line.what, line.body));
                assert!(in_doubt(&e), "{name} after {}: {:?}: {e}", line.what, e.kind());
                assert!(!e.to_string().contains("hunter2"), "{e}");
                let sent =
                    cloud.seen("").iter().filter(|s| s.method == call.method.as_str()).count() - before;
                assert_eq!(sent, 1, "{name} goes out once, also after {}", line.what);
                seen += 1;
            }
            cloud.stage().seen.clear();
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[tokio::test]
async fn a_call_by_hand_is_held_to_the_rule_of_its_row_or_to_json() {
    let cloud = cloud().await;
    let (session, _) = cloud.session();
    let call = |method: Method, service: &'static str, path: &str, body: Value| {
        let mut call = Call::written(service.to_string(), method, path).unwrap();
        call.body = (!body.is_null()).then(|| body.into());
        call
    };
    let net = || json!({"network": {"name": "drill"}});
    let made = |name: &str| json!({"network": {"id": ID, "name": name}}).to_string();
    let create = || call(Method::POST, "network", "/v2.0/networks", net());
    let delete = || call(Method::DELETE, "network", &format!("/networks/{ID}"), Value::Null);
    let many =
        || call(Method::POST, "network", "/networks", json!({"networks": [{"name": "a"}, {"name": "b"}]}));
    let role =
        || call(Method::PUT, "identity", &format!("/projects/{ID}/users/{ID}/roles/{ID}"), Value::Null);
    let resize = || call(Method::POST, "compute", &format!("/servers/{ID}/action"), json!({"resize": {}}));
    let two = json!({"networks": [{"id": ID}, {"id": OTHER}]}).to_string();
    let one = json!({"networks": [{"id": ID}]}).to_string();
    let kind = "application/json";
    for (call, line, proves) in [
        (create(), line("made", 201, kind, &made("drill")), true),
        (create(), line("another name", 201, kind, &made("other")), false),
        (create(), line("another status", 200, kind, &made("drill")), false),
        (create(), line("portal", 200, "text/html", LOGIN), false),
        (many(), line("both", 201, kind, &two), true),
        (many(), line("one of two", 201, kind, &one), false),
        (delete(), line("gone", 204, "", ""), true),
        (delete(), line("portal", 200, "text/html", LOGIN), false),
        (delete(), line("nginx", 404, "text/html", NGINX), false),
        // no row covers these
        (role(), line("given", 204, "text/html", ""), true),
        (role(), line("portal", 200, "text/html", LOGIN), false),
        (role(), line("nothing", 200, "", ""), false),
        (resize(), line("taken", 202, kind, ""), true),
        (resize(), line("told", 202, kind, "{}"), true),
        (resize(), line("page", 202, "text/html", LOGIN), false),
        (resize(), line("cut", 202, kind, "{\"a\": "), false),
        (resize(), line("elsewhere", 307, kind, "{}"), false),
    ] {
        put(&cloud, &line);
        match change(&session, &call).await {
            Ok(_) => assert!(proves, "{} {}: {}", call.method, call.path, line.what),
            Err(e) => {
                assert!(!proves && in_doubt(&e), "{} {}: {}: {e}", call.method, call.path, line.what);
            }
        }
    }
}

#[tokio::test]
async fn what_the_service_itself_refuses_is_not_in_doubt() {
    let cloud = cloud().await;
    let (session, _) = cloud.session();
    let row = resource::find("images").unwrap();
    let delete = changes(row).into_iter().find(|(verb, _)| *verb == "delete").unwrap().1;
    let webob = |title: &str, words: &str| {
        format!(
            "<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  {words}<br /><br />\n\n\n\n </body>\n</html>"
        )
    };
    for (status, body, kind) in [
        (404, webob("404 Not Found", "Failed to find image 1 to delete"), ErrorKind::NotFound),
        (
            403,
            webob("403 Forbidden", "You are not authorized to complete delete_image action."),
            ErrorKind::Forbidden,
        ),
        (
            409,
            webob("409 Conflict", "Image 1 could not be deleted because it is in use"),
            ErrorKind::Conflict,
        ),
        (404, json!({"itemNotFound": {"code": 404, "message": "gone"}}).to_string(), ErrorKind::NotFound),
    ] {
        put(&cloud, &line("the service", status, "text/html", &body));
        let e = change(&session, &delete).await.unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
    }
    // a body in no known form, with the id by which the service's log has the request
    let mut own = line("the service", 400, "text/plain", "no");
    own.headers.push(("x-openstack-request-id", "req-1".to_string()));
    put(&cloud, &own);
    assert_eq!(change(&session, &delete).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn an_unproven_change_says_what_came_and_what_was_due() {
    let cloud = cloud().await;
    let (session, _) = cloud.session();
    let row = resource::find("networks").unwrap();
    let (_, create) = changes(row).remove(0);
    put(&cloud, &line("a captive portal", 200, "text/html; charset=utf-8", LOGIN));
    let e = change(&session, &create).await.unwrap_err();
    assert_eq!(
        e.to_string(),
        "whether network did this is not known: create network drill: HTTP 200 text/html; charset=utf-8: \"Log in \
         Please log in\", where 201 with the network drill was due"
    );
    assert_eq!((e.detail().status, e.detail().scope.as_deref()), (Some(200), Some("capi")));
    assert!(e.detail().help.as_deref().unwrap().contains("look whether the change took effect"));
}

#[tokio::test]
async fn where_a_redirect_goes_and_how_long_to_wait_is_told() {
    let cloud = cloud().await;
    let (session, _) = cloud.session();
    let row = resource::find("networks").unwrap();
    let create = changes(row).remove(0).1;
    let with = |status: u16, header: &'static str, value: &str| {
        let mut line = line("x", status, "text/html", LOGIN);
        line.headers.push((header, value.to_string()));
        line
    };
    for (line, words) in [
        (
            with(302, "location", "https://portal.example/login?back=1"),
            "it goes to https://portal.example/login",
        ),
        (with(429, "retry-after", "30"), "it asks to wait 30 s"),
        (
            with(503, "retry-after", "Wed, 10 Jun 2026 02:00:00 GMT"),
            "it asks to wait Wed, 10 Jun 2026 02:00:00 GMT",
        ),
    ] {
        put(&cloud, &line);
        let e = change(&session, &create).await.unwrap_err();
        assert!(e.to_string().ends_with(words), "{e}");
    }
    // the same of a read
    let moved = with(302, "location", "https://portal.example/login");
    cloud.stage().portal = Some(Arc::new(move |_| Some(moved.response())));
    let read = Call::new("network", Method::GET, "/networks");
    let e = session.send(&read).await.unwrap_err();
    assert!(e.to_string().ends_with("it goes to https://portal.example/login"), "{e}");
}

/// A portal that takes every change for the cloud does not make a step pass, and the report says what is not known.
#[test]
fn a_step_whose_change_a_portal_took_does_not_pass() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let page = |status: u16| line("a captive portal", status, "text/html", LOGIN);
    for (page, script) in [
        (page(200), r#"site.scope("capi-mgmt").networks.create(#{ name: "drill" });"#),
        (page(404), r#"site.scope("capi-mgmt").networks.get("drill").delete();"#),
        (
            page(200),
            r#"site.scope("capi-mgmt").request("POST", "network", "/v2.0/networks", #{ network: #{ name: "drill" } });"#,
        ),
    ] {
        let network = json!({"networks": [{"id": ID, "name": "drill"}]});
        let cloud = runtime.block_on(start(move |_, _| (200, network.clone())));
        cloud.stage().portal =
            Some(Arc::new(move |seen: &Seen| (seen.method != "GET").then(|| page.response())));
        let reach = cloud.clone();
        let played = played::Played::default().cloud(move |_, _| reach.cloud("secret"));
        let o = played::run(&format!(r#"change("1", "Network", || {{ {script} }});"#), &played);
        let report = serde_json::to_value(&o.report).unwrap();
        assert!(o.verdicts().starts_with("1 FAIL: whether network did this is not known"), "{}", o.drawn);
        assert_eq!(report["steps"][0]["effects"][0]["outcome"], "in-doubt", "{report}");
        assert_eq!(o.exit, 15);
        let said: String = o.drawn.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("in its place: look whether the"), "{}", o.drawn);
    }
}
