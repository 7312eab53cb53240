//! Calls: what is refused before it is sent, how lists are read to their end, and what changes take.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod stub_cloud;

use std::process::Command;
use std::sync::Mutex;

use rhumb::base::{Error, ErrorKind, Intent, Ledger, Mutation, Payload, Permit, Result};
use rhumb::systems::http::Method;
use rhumb::systems::openstack::resource::{self, Item};
use rhumb::systems::openstack::{Call, Declared, Policy, Session, find, get, list};
use serde_json::{Map, Value, json};
use stub_cloud::{Seen, clock, named, start};

const ID: &str = "0f96d4e1-0000-4000-8000-000000000001";

fn filter(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn item(id: &str) -> Item<'_> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    Item { id, name: Some("api"), parents: &NONE }
}

/// A ledger that says yes, or no, and remembers what it was asked.
struct Desk {
    yes: bool,
    asked: Mutex<Vec<Intent>>,
}

impl Ledger for Desk {
    fn authorise(&self, intent: &Intent) -> Result<u64> {
        self.asked.lock().unwrap().push(intent.clone());
        if self.yes { Ok(7) } else { Err(Error::new(ErrorKind::Declined, "no")) }
    }
}

fn desk(yes: bool) -> Desk {
    Desk { yes, asked: Mutex::default() }
}

fn failover() -> Call {
    let row = resource::find("load_balancers").unwrap();
    let action = row.action("failover").unwrap();
    resource::action_call(row, action, item(ID), &Payload::default()).unwrap()
}

#[tokio::test]
async fn an_operation_without_its_role_is_refused_before_any_request_of_it() {
    let cloud = start(|_, _| (200, json!({"amphorae": []}))).await;
    cloud.stage().roles = vec!["member", "load-balancer_member"];
    let (session, _) = cloud.session();
    let e = list(&session, resource::find("amphorae").unwrap(), &Map::new()).await.unwrap_err();
    assert_eq!((e.kind(), e.detail().scope.as_deref()), (ErrorKind::Refused, Some("capi")));
    assert!(
        e.to_string().starts_with(
            "`amphorae.list` needs role load-balancer_admin, or admin; handle `capi` has member, load-balancer_member"
        ),
        "{e}"
    );
    let e = session.bind(failover()).await.err().unwrap();
    assert_eq!(e.kind(), ErrorKind::Refused);
    assert_eq!(cloud.seen("/lb").len(), 0);
}

#[tokio::test]
async fn a_site_states_its_own_policy() {
    let cloud = start(|_, _| (202, json!(null))).await;
    cloud.stage().roles = vec!["ops", "member"];
    let mut own = cloud.cloud("secret");
    own.policy = Policy::new([("load_balancers.failover", vec!["ops+member".to_string()])]).unwrap();
    let authority = rhumb::systems::openstack::Authority::Project(named("capi-mgmt", Some("capi")));
    let session =
        Session::new("capi", std::sync::Arc::new(own), authority, Declared::default(), clock()).unwrap();
    session.bind(failover()).await.unwrap();
    let e = Policy::new([("load_balancers.failovr", vec![])]).unwrap_err();
    assert_eq!(
        (e.kind(), e.detail().help.as_deref()),
        (ErrorKind::Site, Some("did you mean `load_balancers.failover`?"))
    );
    assert!(Policy::new([("loadbalancers.list", vec![])]).is_err());
}

#[tokio::test]
async fn a_change_is_shown_as_it_is_sent_and_sent_once() {
    let cloud = start(|_, _| (202, json!(null))).await;
    cloud.stage().roles = vec!["admin"];
    let (session, _) = cloud.session();
    let bound = session.bind(failover()).await.unwrap();
    assert_eq!(
        serde_json::to_value(bound.intent()).unwrap(),
        json!({
            "system": "openstack",
            "handle": "capi",
            "identity": "project capi-mgmt (01234567…) domain capi, user op, roles admin, token until 03:00Z",
            "method": "PUT",
            "target": format!("load-balancer /lbaas/loadbalancers/{ID}/failover"),
            "url": format!("http://{}/lb/v2/lbaas/loadbalancers/{ID}/failover", cloud.address),
            "ids": [ID],
            "summary": "fail over load balancer api (0f96d4e1…)",
            "undo": "never",
            "destroys": true,
        })
    );
    let desk = desk(true);
    let permit = Permit::obtain(&desk, bound).unwrap();
    assert_eq!(Session::mutate(permit).await.unwrap().status, 202);
    let sent = cloud.seen("/failover");
    assert_eq!(
        (sent.len(), sent[0].path.as_str()),
        (1, format!("/lb/v2/lbaas/loadbalancers/{ID}/failover").as_str())
    );
    assert_eq!(desk.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_that_is_declined_is_not_sent_and_none_goes_without_a_permit() {
    let cloud = start(|_, _| (202, json!(null))).await;
    cloud.stage().roles = vec!["admin"];
    let (session, _) = cloud.session();
    let bound = session.bind(failover()).await.unwrap();
    assert_eq!(Permit::obtain(&desk(false), bound).err().unwrap().kind(), ErrorKind::Declined);
    assert_eq!(session.send(&failover()).await.unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(cloud.seen("/lb").len(), 0);
}

#[tokio::test]
async fn a_change_is_not_repeated_when_the_service_is_busy_but_is_after_a_renewal() {
    let cloud =
        start(|_, n| if n == 1 { (503, json!({"faultstring": "busy"})) } else { (202, json!(null)) }).await;
    cloud.stage().roles = vec!["admin"];
    let (session, _) = cloud.session();
    let permit = async || Permit::obtain(&desk(true), session.bind(failover()).await.unwrap()).unwrap();
    let e = Session::mutate(permit().await).await.unwrap_err();
    assert_eq!(
        (e.kind(), e.detail().status, cloud.seen("/failover").len()),
        (ErrorKind::Transient, Some(503), 1)
    );
    assert_eq!(
        e.to_string(),
        "load-balancer does not fail over load balancer api (0f96d4e1…): HTTP 503: busy"
    );
    assert_eq!(e.detail().request_id.as_deref(), Some("req-stub"));

    let approved = permit().await;
    cloud.stage().tokens.clear();
    assert_eq!(Session::mutate(approved).await.unwrap().status, 202);
    assert_eq!(cloud.seen("/failover").len(), 3, "one refused with 401, which did nothing, and one accepted");
}

#[tokio::test]
async fn a_change_approved_for_one_project_is_not_sent_to_another() {
    let cloud = start(|_, _| (202, json!(null))).await;
    cloud.stage().roles = vec!["admin"];
    let (session, clock) = cloud.session();
    let bound = session.bind(failover()).await.unwrap();
    let permit = Permit::obtain(&desk(true), bound).unwrap();
    cloud.stage().wrong_project = Some("elsewhere");
    clock.advance_to(std::time::Duration::from_secs(3601));
    assert_eq!(Session::mutate(permit).await.unwrap_err().kind(), ErrorKind::ScopeMismatch);
    assert_eq!(cloud.seen("/lb").len(), 0);
}

#[tokio::test]
async fn what_a_service_says_to_a_secret_is_withheld() {
    let cloud = start(|seen, _| {
        (400, json!({"badRequest": {"code": 400, "message": format!("bad: {}", seen.body)}}))
    })
    .await;
    let (session, _) = cloud.session();
    let row = resource::find("servers").unwrap();
    // the row knows its secrets, also where a script wrote one as plain text
    for (field, secrets, said) in [
        ("key_name", vec![], true),
        ("adminPass", vec![], false),
        ("key_name", vec!["/key_name".to_string()], false),
    ] {
        let spec = json!({"name": "vm", field: "hunter2"});
        let mut call = resource::create_call(row, &Payload::new(spec, secrets)).unwrap();
        call.microversion = None;
        let bound = session.bind(call).await.unwrap();
        assert_eq!(bound.intent().body.to_string().contains("hunter2"), said);
        let e = Session::mutate(Permit::obtain(&desk(true), bound).unwrap()).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Invalid);
        assert_eq!(format!("{e:?}").contains("hunter2"), said, "{e}");
    }
    assert_eq!(cloud.seen("/servers")[1].body["server"]["adminPass"], "hunter2");
}

fn versions(seen: &Seen) -> Option<(u16, Value)> {
    (seen.path == "/compute/").then(|| {
        let nova = json!({"id": "v2.1", "version": "2.96", "min_version": "2.1"});
        (300, json!({"versions": [{"id": "v2.0", "version": "", "min_version": ""}, nova]}))
    })
}

/// A server that was made, and a list.
fn made(seen: &Seen) -> (u16, Value) {
    match seen.method.as_str() {
        "POST" => (202, json!({"server": {"id": ID}})),
        _ => (200, json!({"servers": []})),
    }
}

fn lines(seen: Vec<Seen>) -> Vec<String> {
    seen.into_iter().map(|s| format!("{} {} {}", s.method, s.path, s.version)).collect()
}

#[tokio::test]
async fn a_read_asks_for_its_version_at_once_and_a_change_asks_first_what_is_offered() {
    let cloud = start(|seen, _| versions(seen).unwrap_or_else(|| made(seen))).await;
    let (session, _) = cloud.session();
    let row = resource::find("servers").unwrap();
    list(&session, row, &Map::new()).await.unwrap();
    let create = || resource::create_call(row, &Payload::from(json!({"name": "vm"}))).unwrap();
    for _ in 0..2 {
        let bound = session.bind(create()).await.unwrap();
        Session::mutate(Permit::obtain(&desk(true), bound).unwrap()).await.unwrap();
    }
    assert_eq!(
        lines(cloud.seen("/compute")),
        [
            "GET /compute/v2.1/servers/detail compute 2.37",
            "GET /compute/ ",
            "POST /compute/v2.1/servers compute 2.37",
            "POST /compute/v2.1/servers compute 2.37",
        ]
    );
}

#[tokio::test]
async fn a_version_that_is_not_offered_is_unsupported_and_both_are_named() {
    let cloud =
        start(|seen, _| versions(seen).unwrap_or((406, json!({"computeFault": {"message": "no"}})))).await;
    let (session, _) = cloud.session();
    let mut call = Call::new("compute", Method::GET, "/servers");
    call.microversion = Some("2.99".into());
    for _ in 0..2 {
        let e = session.send(&call).await.unwrap_err();
        assert_eq!((e.kind(), e.detail().scope.as_deref()), (ErrorKind::Unsupported, Some("capi")));
        assert_eq!(e.to_string(), "the call needs version 2.99 of compute, which offers 2.1 to 2.96");
    }
    // once to try, and never again
    assert_eq!(lines(cloud.seen("/compute")), ["GET /compute/v2.1/servers compute 2.99", "GET /compute/ "]);
}

#[tokio::test]
async fn a_service_whose_oldest_version_is_newer_is_asked_for_that() {
    let cloud = start(|seen, _| match (versions(seen), seen.version.as_str()) {
        (Some(versions), _) => versions,
        (None, "compute 2.1") => (200, json!({"servers": []})),
        (None, _) => (406, json!({})),
    })
    .await;
    let (session, _) = cloud.session();
    let mut call = Call::new("compute", Method::GET, "/servers");
    call.microversion = Some("2.0".into());
    session.send(&call).await.unwrap();
    assert_eq!(cloud.seen("/servers").pop().unwrap().version, "compute 2.1");
}

#[tokio::test]
async fn a_call_by_hand_is_under_the_same_rules() {
    let cloud = start(|_, _| (200, json!({"amphorae": []}))).await;
    cloud.stage().roles = vec!["member", "load-balancer_member"];
    let (session, _) = cloud.session();
    let read = Call::new("load-balancer", Method::GET, "/v2/octavia/amphorae?limit=1");
    assert_eq!(session.send(&read).await.unwrap_err().kind(), ErrorKind::Refused);
    let change = Call::new("load-balancer", Method::PUT, format!("/v2/lbaas/loadbalancers/{ID}/failover"));
    assert_eq!(session.bind(change).await.err().unwrap().kind(), ErrorKind::Refused);
    assert_eq!(cloud.seen("/lb").len(), 0);
    cloud.stage().roles = vec!["admin"];
    cloud.stage().tokens.clear();
    let (admin, _) = cloud.session();
    admin.send(&read).await.unwrap();
    assert_eq!(cloud.seen("/lb")[0].path, "/lb/v2/octavia/amphorae?limit=1");
}

#[tokio::test]
async fn a_service_that_the_catalog_lacks_is_named_beside_those_it_has() {
    let cloud = start(|_, _| (200, json!({}))).await;
    let (session, _) = cloud.session();
    let e = session.send(&Call::new("dns", Method::GET, "/v2/zones")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    assert_eq!(
        e.detail().help.as_deref(),
        Some("it has block-storage, compute, container-infra, identity, image, load-balancer, network")
    );
}

/// Two servers a page; the links point to another host and scheme, as behind a proxy.
fn paged(seen: &Seen, _: usize) -> (u16, Value) {
    if let Some(versions) = versions(seen) {
        return versions;
    }
    let one = |n: usize| json!({"id": format!("id-{n}"), "name": format!("s{n}"), "status": "ACTIVE", "locked": n == 3});
    let (page, next) = match seen.path.split("marker=").nth(1) {
        None => (vec![one(1), one(2)], Some("id-2")),
        Some("id-2") => (vec![one(3), one(4)], Some("id-4")),
        Some(_) => (vec![one(5)], None),
    };
    let links: Vec<Value> = next
        .map(|m| json!({"rel": "next", "href": format!("https://inside.example/v2.1/servers/detail?limit=2&marker={m}")}))
        .into_iter()
        .collect();
    (200, json!({"servers": page, "servers_links": links}))
}

#[tokio::test]
async fn a_list_is_read_to_its_end_at_the_same_address() {
    let cloud = start(paged).await;
    let (session, _) = cloud.session();
    let all = list(&session, resource::find("servers").unwrap(), &Map::new()).await.unwrap();
    let names: Vec<&str> = all.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["s1", "s2", "s3", "s4", "s5"]);
    let paths: Vec<String> = cloud.seen("/servers").into_iter().map(|s| s.path).collect();
    assert_eq!(
        paths,
        [
            "/compute/v2.1/servers/detail",
            "/compute/v2.1/servers/detail?limit=2&marker=id-2",
            "/compute/v2.1/servers/detail?limit=2&marker=id-4"
        ]
    );
}

#[tokio::test]
async fn a_filter_that_the_service_ignores_still_filters() {
    let cloud = start(paged).await;
    let (session, _) = cloud.session();
    let row = resource::find("servers").unwrap();
    let found = list(&session, row, &filter(json!({"locked": true}))).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["name"], "s3");
    let found =
        list(&session, row, &filter(json!({"name": ["s1", "s5"], "status": "ACTIVE"}))).await.unwrap();
    assert_eq!(found.len(), 2);

    let e = list(&session, row, &filter(json!({"nmae": "s1"}))).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Argument);
    assert_eq!(e.to_string(), "servers cannot be filtered by `nmae`");
    assert_eq!(e.detail().help.as_deref(), Some("did you mean `name`?"));

    let e = list(&session, row, &filter(json!({"name": null}))).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Argument, "no value is no filter: {e}");
}

#[tokio::test]
async fn a_list_that_goes_in_a_circle_is_an_error() {
    let again = json!({"loadbalancers": [{"id": "1"}], "loadbalancers_links": [{"rel": "next", "href": "http://h/?marker=1"}]});
    let cloud = start(move |_, _| (200, again.clone())).await;
    cloud.stage().roles = vec!["load-balancer_member"];
    let (session, _) = cloud.session();
    let e = list(&session, resource::find("load_balancers").unwrap(), &Map::new()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Protocol);
    assert_eq!(e.to_string(), "the list of load balancers goes in a circle, after 2 of them");
}

#[tokio::test]
async fn an_answer_of_another_form_is_a_protocol_error() {
    let cloud = start(|_, _| (200, json!({"balancers": []}))).await;
    cloud.stage().roles = vec!["admin"];
    let (session, _) = cloud.session();
    let e = list(&session, resource::find("load_balancers").unwrap(), &Map::new()).await.unwrap_err();
    assert_eq!(
        (e.kind(), e.to_string().as_str()),
        (ErrorKind::Protocol, "the answer has no `loadbalancers`: it has balancers")
    );
}

/// Load balancers as Octavia answers: by id, and by name in a list.
fn balancers(seen: &Seen, _: usize) -> (u16, Value) {
    let one = |id: &str, name: &str| json!({"id": id, "name": name, "provisioning_status": "ACTIVE"});
    let all = [one(ID, "api"), one("0f96d4e1-0000-4000-8000-000000000002", "twin"), one("3", "twin")];
    match seen.path.strip_prefix("/lb/v2/lbaas/loadbalancers") {
        Some(query) if query.starts_with("?name=") => {
            let named = all.iter().filter(|lb| query["?name=".len()..] == lb["name"]);
            (200, json!({"loadbalancers": named.collect::<Vec<_>>()}))
        }
        Some(path) if path.trim_start_matches('/') == ID => (200, json!({"loadbalancer": all[0]})),
        Some(path) if path.starts_with("/forbidden") => (403, json!({"faultstring": "no"})),
        _ => (
            404,
            json!({"faultcode": "Client", "faultstring": format!("Load Balancer {} not found.", seen.path)}),
        ),
    }
}

#[tokio::test]
async fn a_name_or_an_id_finds_one_thing_or_none_and_never_one_of_two() {
    let cloud = start(balancers).await;
    cloud.stage().roles = vec!["admin"];
    let (session, _) = cloud.session();
    let row = resource::find("load_balancers").unwrap();
    let none = Map::new();
    assert_eq!(find(&session, row, "api", &none).await.unwrap().unwrap()["id"], ID);
    assert_eq!(find(&session, row, ID, &none).await.unwrap().unwrap()["name"], "api");
    assert_eq!(find(&session, row, "nothing", &none).await.unwrap(), None);
    assert_eq!(find(&session, row, "11111111-2222-3333-4444-555555555555", &none).await.unwrap(), None);

    let e = find(&session, row, "twin", &none).await.unwrap_err();
    assert_eq!(
        (e.kind(), e.to_string().as_str()),
        (ErrorKind::Ambiguous, "2 load balancers are called `twin`")
    );
    assert_eq!(
        e.detail().help.as_deref(),
        Some("name one by its id: 0f96d4e1-0000-4000-8000-000000000002, 3")
    );

    let e = get(&session, row, "nothing", &none).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotFound);
    assert_eq!(
        e.to_string(),
        "there is no load balancer `nothing` for project capi-mgmt (01234567…) domain capi"
    );
    assert_eq!(find(&session, row, " ", &none).await.unwrap_err().kind(), ErrorKind::Argument);
}

#[tokio::test]
async fn only_not_found_means_absent() {
    let row = resource::find("load_balancers").unwrap();
    for (status, body, kind) in [
        (
            403,
            json!({"faultstring": "Policy does not allow this request to be performed."}),
            ErrorKind::Forbidden,
        ),
        (404, json!({"code": 404, "title": "Not Found", "description": ""}), ErrorKind::Unsupported),
        (500, json!({"faultstring": "broken"}), ErrorKind::Transient),
        (406, json!({}), ErrorKind::Unsupported),
        (302, json!({}), ErrorKind::Protocol),
    ] {
        let cloud = start(move |_, _| (status, body.clone())).await;
        cloud.stage().roles = vec!["admin"];
        let (session, _) = cloud.session();
        assert_eq!(find(&session, row, ID, &Map::new()).await.unwrap_err().kind(), kind, "{status}");
    }
}

#[tokio::test]
async fn an_endpoint_can_be_overridden_under_any_of_its_names() {
    let cloud = start(|_, _| (200, json!({"servers": []}))).await;
    let mut own = cloud.cloud("secret");
    own.endpoint_overrides
        .insert("loadbalancer".to_string(), format!("http://{}/elsewhere/v2.0", cloud.address));
    let authority = rhumb::systems::openstack::Authority::Project(named("capi-mgmt", Some("capi")));
    let session =
        Session::new("capi", std::sync::Arc::new(own), authority, Declared::default(), clock()).unwrap();
    session.send(&Call::new("load-balancer", Method::GET, "/lbaas/providers")).await.unwrap();
    assert_eq!(cloud.seen("/elsewhere")[0].path, "/elsewhere/v2.0/lbaas/providers");
}

#[tokio::test]
async fn a_path_cannot_lead_out_of_its_service() {
    let cloud = start(|_, _| (200, json!({}))).await;
    let (session, _) = cloud.session();
    for path in ["/servers/../../identity/v3/users", "/servers/{cluster}", "/./x", "/a#b"] {
        let e = session.send(&Call::new("compute", Method::GET, path)).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Argument, "{path}");
    }
    let call = Call::new("compute", Method::GET, "/x/{project_id}/y/{user_id}");
    session.send(&call).await.unwrap();
    assert_eq!(cloud.seen("/compute")[0].path, "/compute/v2.1/x/0123456789abcdef0123456789abcdef/y/op-id");
}

/// Runs two of the tests above again, with everything in the environment that leads other clients astray.
#[test]
fn nothing_in_the_environment_changes_anything() {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([
        "--exact",
        "a_list_is_read_to_its_end_at_the_same_address",
        "a_change_is_shown_as_it_is_sent_and_sent_once",
    ]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        again.env(name, "http://127.0.0.1:9/");
    }
    for name in [
        "PROJECT_NAME",
        "PROJECT_ID",
        "CLOUD",
        "AUTH_URL",
        "USERNAME",
        "PASSWORD",
        "TOKEN",
        "CACERT",
        "REGION_NAME",
    ] {
        again.env(format!("OS_{name}"), "nonsense");
    }
    let output = again.env("KUBECONFIG", "/nonsense").env("HOME", "/nonsense").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("2 passed"), "{said}");
}

#[tokio::test]
async fn a_403_names_the_roles_of_now_and_what_is_needed() {
    let cloud = start(|_, _| (403, json!({"faultstring": "Policy does not allow this request."}))).await;
    cloud.stage().roles = vec!["member", "load-balancer_member"];
    let (session, clock) = cloud.session();
    let row = resource::find("load_balancers").unwrap();
    let create = || resource::create_call(row, &Payload::from(json!({"name": "api"}))).unwrap();
    let sent = async || {
        let bound = session.bind(create()).await?;
        Session::mutate(Permit::obtain(&desk(true), bound)?).await
    };
    let e = sent().await.unwrap_err();
    assert_eq!(
        (e.kind(), cloud.seen("/auth/tokens").len()),
        (ErrorKind::Forbidden, 1),
        "its roles are of now"
    );
    assert!(
        e.to_string().contains(
            "`load_balancers.create` needs role load-balancer_member, or load-balancer_admin, or admin: asked by \
             project capi-mgmt (01234567…) domain capi, user op, roles member,load-balancer_member"
        ),
        "{e}"
    );

    // half an hour later, and a role less
    clock.advance_to(std::time::Duration::from_secs(1800));
    cloud.stage().roles = vec!["member"];
    let e = sent().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Forbidden);
    assert!(
        e.to_string().ends_with(
            "user op, with member now, and member, load-balancer_member when the token was issued"
        ),
        "{e}"
    );
    assert!(e.detail().help.as_deref().unwrap().starts_with("the user's roles have changed"), "{e:?}");
    // and from now on Rhumb knows
    let e = sent().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Refused);
    assert!(e.to_string().contains("handle `capi` has member"), "{e}");
}

#[tokio::test]
async fn a_403_to_a_user_without_any_role_says_so() {
    let cloud = start(|_, _| (403, json!({"faultstring": "Policy does not allow this request."}))).await;
    cloud.stage().roles = vec!["load-balancer_member"];
    let (session, clock) = cloud.session();
    let read = Call::new("load-balancer", Method::GET, "/lbaas/loadbalancers");
    session.identity().await.unwrap();
    clock.advance_to(std::time::Duration::from_secs(1800));
    cloud.stage().without_role = true;
    let e = session.send(&read).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Forbidden);
    assert!(
        e.to_string().contains("has no role there any more")
            && e.to_string().contains("user op (domain Default) has no role on project"),
        "{e}"
    );
    (cloud.stage().without_role, cloud.stage().keystone_is_away) = (false, true);
    let e = session.send(&read).await.unwrap_err();
    assert!(
        e.to_string().contains("roles load-balancer_member")
            && e.to_string().contains("does not tell the roles of now"),
        "{e}"
    );
}

#[tokio::test]
async fn a_change_without_a_token_was_not_sent() {
    let cloud = start(|_, _| (202, json!(null))).await;
    cloud.stage().roles = vec!["admin"];
    let (session, clock) = cloud.session();
    let permit = async || Permit::obtain(&desk(true), session.bind(failover()).await.unwrap()).unwrap();
    // the token ends while somebody decides, and Keystone is away
    let late = permit().await;
    clock.advance_to(std::time::Duration::from_secs(3601));
    cloud.stage().keystone_is_away = true;
    let e = Session::mutate(late).await.unwrap_err();
    assert_eq!((e.kind(), e.is_unsent()), (ErrorKind::Transient, true), "{e}");

    // the service does not accept the token, and there is no other to be had
    cloud.stage().keystone_is_away = false;
    let refused = permit().await;
    (cloud.stage().keystone_is_away, cloud.stage().tokens) = (true, Default::default());
    let e = Session::mutate(refused).await.unwrap_err();
    assert_eq!((e.kind(), e.is_unsent()), (ErrorKind::Transient, true), "{e}");
}

#[tokio::test]
async fn a_list_that_was_cut_is_asked_for_again() {
    let cloud = start(|_, _| (200, json!({}))).await;
    let (session, _) = cloud.session();
    let row = resource::find("networks").unwrap();
    let whole = json!({"networks": [{"id": ID, "name": "n"}]}).to_string();
    let answers = |cut: usize| {
        let (whole, n) = (whole.clone(), std::sync::atomic::AtomicUsize::new(0));
        let portal = move |_: &Seen| {
            let n = n.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Some(axum::response::IntoResponse::into_response(if n < cut {
                whole[..20].to_string()
            } else {
                whole.clone()
            }))
        };
        cloud.stage().portal = Some(std::sync::Arc::new(portal));
    };
    answers(2);
    assert_eq!(list(&session, row, &Map::new()).await.unwrap().len(), 1);
    answers(9);
    let e = list(&session, row, &Map::new()).await.unwrap_err();
    assert_eq!((e.kind(), e.kind().is_transient()), (ErrorKind::Unreachable, true));
    assert!(e.to_string().contains("ends early"), "{e}");
}
