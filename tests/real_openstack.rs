//! What sessions prove and read, of a real OpenStack 2024.1.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod real_cloud;
mod testbed;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use real_cloud::{Log, cloud, map, own_project, project, row, session, session_of};
use rhumb::base::{ErrorKind, Secret, SimClock};
use rhumb::systems::http::{Http, HttpSettings, Method, Request};
use rhumb::systems::openstack::resource;
use rhumb::systems::openstack::{
    Authority, Call, Cloud, Credential, Declared, Policy, Project, Session, find, get, list,
};
use serde_json::{Map, Value, json};

#[tokio::test]
async fn each_handle_proves_its_own_project_and_roles() {
    for (name, project, user, has, lacks) in [
        ("admin", "admin", "admin", "admin", "load-balancer_member"),
        ("capi-mgmt", "capi-mgmt", "admin", "load-balancer_member", "admin"),
        ("member", "capi-mgmt", "capi-user", "load-balancer_member", "admin"),
        ("reader", "capi-mgmt", "capi-reader", "reader", "member"),
    ] {
        let identity = session(name).identity().await.unwrap();
        let line = identity.line();
        assert!(
            line.starts_with(&format!("project {project} (")) && line.contains(&format!("user {user},")),
            "{line}"
        );
        assert!(identity.has_role(has) && !identity.has_role(lacks), "{line}");
    }
}

#[tokio::test]
async fn a_wrong_password_a_missing_project_and_a_silent_keystone_are_told_apart() {
    let wrong =
        session_of(cloud("member", Some("guess")), own_project("member")).identity().await.unwrap_err();
    assert_eq!((wrong.kind(), wrong.detail().status), (ErrorKind::Credentials, Some(401)));
    assert!(wrong.detail().request_id.as_ref().unwrap().starts_with("req-"));
    assert!(wrong.detail().help.as_ref().unwrap().contains("password of cloud `member`"));

    for missing in [
        project("nowhere", "capi"),
        project("admin", "Default"),
        project("capi-mgmt", "nowhere"),
        Project::Id("0".repeat(32)),
    ] {
        let e = session_of(cloud("member", None), missing.clone()).identity().await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Credentials);
        assert!(e.to_string().contains(&format!("has no role on {missing}, or it does not exist")), "{e}");
    }

    let mut silent = cloud("member", None);
    silent.auth_url = "http://127.0.0.1:1/v3".into();
    let e = session_of(silent, own_project("member")).identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert!(e.to_string().contains("no connection to 127.0.0.1:1"), "{e}");

    // a service that is not Keystone
    let mut neutron = cloud("member", None);
    let port = std::env::var("P_NEUTRON").unwrap_or_else(|_| "9696".into());
    neutron.auth_url = format!("http://127.0.0.1:{port}");
    let e = session_of(neutron, own_project("member")).identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert!(
        e.detail().help.as_ref().unwrap().starts_with("does auth_url of cloud `member` name Keystone?"),
        "{e:?}"
    );
}

#[tokio::test]
async fn a_project_is_found_by_name_alone_by_id_and_by_narrowing() {
    let by_name = session_of(cloud("member", None), Project::Name { name: "capi-mgmt".into(), domain: None });
    let id = by_name.identity().await.unwrap().project_id().unwrap().to_string();
    let by_id = session_of(cloud("member", None), Project::Id(id.clone()));
    assert_eq!(by_id.identity().await.unwrap().project_id(), Some(id.as_str()));
    let admin = session("admin");
    let narrowed = admin.narrow("capi-mgmt", project("capi-mgmt", "capi"), &[]).unwrap();
    let (narrow, wide) = (narrowed.identity().await.unwrap(), admin.identity().await.unwrap());
    assert_eq!(narrow.project_id(), Some(id.as_str()));
    assert!(wide.has_role("admin") && !narrow.has_role("admin"), "{} / {}", wide.line(), narrow.line());
}

#[tokio::test]
async fn authority_over_a_domain_the_system_and_nothing_is_proven_too() {
    let new = |authority| {
        let clock = Arc::new(SimClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        Session::new("x", Arc::new(cloud("admin", None)), authority, Declared::default(), clock).unwrap()
    };
    let unscoped = new(Authority::Unscoped);
    assert_eq!(unscoped.identity().await.unwrap().target.describe(), "no project");
    // without a catalog Keystone is still asked where it is known to be
    let own =
        unscoped.send(&Call::new("identity", Method::GET, "/auth/projects")).await.unwrap().json().unwrap();
    assert!(own["projects"].as_array().unwrap().len() >= 2);
    let e = unscoped.send(&Call::new("compute", Method::GET, "/servers")).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    assert!(e.detail().help.as_ref().unwrap().contains("the token has no catalog"));
    let system = new(Authority::System).identity().await.unwrap();
    assert_eq!(system.target.describe(), "the system");
}

/// Rows that need the id of something else, with where it comes from.
const NESTED: &[(&str, &str)] = &[
    ("nodegroups", "clusters"),
    ("members", "pools"),
    ("inventories", "resource_providers"),
    ("usages", "resource_providers"),
    ("allocations", "resource_providers"),
];

/// Lists of every row: with its columns, its id and its name, and each thing found again by both.
#[tokio::test]
async fn every_resource_is_listed_and_found_again() {
    testbed::fixture(["template"]);
    let admin = session("admin");
    let mut empty = BTreeSet::new();
    for row in resource::all().filter(|r| r.verbs.list) {
        let mut filter = match row.name {
            "allocation_candidates" | "provider_summaries" => {
                map(json!({"resources": "VCPU:1,MEMORY_MB:512"}))
            }
            _ => Map::new(),
        };
        if let Some((_, of)) = NESTED.iter().find(|(name, _)| *name == row.name) {
            let parents = list(&admin, real_cloud::row(of), &Map::new()).await.unwrap();
            let Some(parent) = parents.first() else {
                empty.insert(row.name);
                continue;
            };
            let id = parent[real_cloud::row(of).id_key].clone();
            filter.insert(row.parents().next().unwrap().to_string(), id);
        }
        let things = list(&admin, row, &filter).await.unwrap_or_else(|e| panic!("{}: {e} {e:?}", row.name));
        let Some(thing) = things.first() else {
            empty.insert(row.name);
            continue;
        };
        let fields: Vec<&str> = thing.as_object().unwrap().keys().map(String::as_str).collect();
        for column in row.columns.iter().chain(row.states.iter().map(|s| &s.field)) {
            let optional =
                matches!((row.name, *column), ("role_assignments", "group" | "user") | ("images", "size"));
            // a brief list may lack what a look shows
            assert!(
                optional || row.list_is_brief || fields.contains(column),
                "{}: no {column} in {fields:?}",
                row.name
            );
        }
        let name =
            row.name_key.and_then(|key| thing[key].as_str()).filter(|name| row.verbs.get && !name.is_empty());
        if let Some(name) = name {
            match find(&admin, row, name, &filter).await {
                Ok(found) => assert_eq!(found.unwrap()[row.id_key], thing[row.id_key], "{} {name}", row.name),
                Err(e) => assert_eq!(e.kind(), ErrorKind::Ambiguous, "{}: {e}", row.name),
            }
        }
        if row.verbs.get {
            let id = thing[row.id_key].as_str().unwrap();
            let found =
                get(&admin, row, id, &filter).await.unwrap_or_else(|e| panic!("{} {id}: {e}", row.name));
            assert_eq!(found[row.id_key], thing[row.id_key]);
            for column in row.columns {
                assert!(found.get(column).is_some(), "{}: no {column} in {found}", row.name);
            }
        }
    }
    println!("nothing to list of: {empty:?}");
    for seeded in [
        "flavors",
        "keypairs",
        "hypervisors",
        "compute_services",
        "projects",
        "users",
        "roles",
        "images",
        "networks",
        "subnets",
        "routers",
        "resource_providers",
        "allocation_candidates",
        "provider_summaries",
        "inventories",
        "cluster_templates",
        "mservices",
        "endpoints",
        "services",
        "domains",
        "role_assignments",
        "security_groups",
        "security_group_rules",
    ] {
        assert!(!empty.contains(seeded), "the testbed has {seeded}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_absent_for_names_and_for_ids() {
    let admin = session("admin");
    for row in resource::all().filter(|r| r.verbs.get && r.verbs.list && r.parents().next().is_none()) {
        for name in ["openstack-nothing of this name", "11111111-2222-3333-4444-555555555555"] {
            let found = find(&admin, row, name, &Map::new())
                .await
                .unwrap_or_else(|e| panic!("{}: {e} {e:?}", row.name));
            assert_eq!(found, None, "{}", row.name);
        }
        let e = get(&admin, row, "openstack-nothing", &Map::new()).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotFound, "{}", row.name);
    }
}

#[tokio::test]
async fn a_path_that_no_service_serves_is_unsupported_and_not_absent() {
    let admin = session("admin");
    for (service, path) in [
        ("compute", "/nothing"),
        ("compute", "/servers/11111111-2222-3333-4444-555555555555/nothing"),
        ("load-balancer", "/lbaas/nothing"),
        ("load-balancer", "/octavia/nothing"),
        ("container-infra", "/nothing"),
        ("container-infra", "/credentials/11111111-2222-3333-4444-555555555555"),
        ("network", "/nothing"),
        ("image", "/nothing"),
        ("placement", "/nothing"),
        ("identity", "/nothing"),
        ("block-storage", "/nothing"),
    ] {
        let e = admin.send(&Call::new(service, Method::GET, path)).await.unwrap_err();
        assert_eq!(
            (e.kind(), e.detail().status),
            (ErrorKind::Unsupported, Some(404)),
            "{service} {path}: {e}"
        );
    }
}

/// Things that nobody else makes or takes away meanwhile.
#[tokio::test]
async fn lists_are_read_to_their_end_page_by_page() {
    let admin = session("admin");
    let group = real_cloud::create(&admin, "security_groups", json!({"name": "openstack-paging"})).await;
    let of_group = map(json!({"security_group_id": group["id"]}));
    for (name, filter) in [
        ("hypervisors", Map::new()),
        ("flavors", Map::new()),
        ("images", map(json!({"visibility": "public"}))),
        ("cluster_templates", Map::new()),
        ("security_group_rules", of_group),
    ] {
        let all = list(&admin, row(name), &filter).await.unwrap();
        let mut by_one = filter.clone();
        by_one.insert("limit".into(), 1.into());
        let paged = list(&admin, row(name), &by_one).await.unwrap();
        let ids = |things: &[Value]| {
            things.iter().map(|t| t[row(name).id_key].to_string()).collect::<BTreeSet<_>>()
        };
        assert_eq!(ids(&all), ids(&paged), "{name}");
        assert_eq!(all.len(), paged.len(), "{name}");
    }
    real_cloud::delete(&admin, "security_groups", group["id"].as_str().unwrap(), json!({})).await.unwrap();
}

#[tokio::test]
async fn a_filter_is_exact_and_an_unknown_one_is_an_error() {
    testbed::fixture(["template"]); // one that is there shows that it has no such field
    let admin = session("admin");
    let external = list(&admin, row("networks"), &map(json!({"router:external": true}))).await.unwrap();
    assert!(!external.is_empty() && external.iter().all(|n| n["router:external"] == true));
    let compute =
        list(&admin, row("compute_services"), &map(json!({"binary": "nova-compute"}))).await.unwrap();
    assert!(compute.len() > 1 && compute.iter().all(|s| s["binary"] == "nova-compute"));
    let up = list(&admin, row("hypervisors"), &map(json!({"hypervisor_type": "fake"}))).await.unwrap();
    assert_eq!(up.len(), compute.len());
    for (name, key) in [
        ("networks", "nmae"),
        ("flavors", "rma"),
        ("compute_services", "bianry"),
        ("cluster_templates", "naem"),
    ] {
        let e = list(&admin, row(name), &map(json!({key: "x"}))).await.unwrap_err();
        // the service itself refuses it, or it is noticed here
        assert!(matches!(e.kind(), ErrorKind::Argument | ErrorKind::Invalid), "{name}: {e}");
    }
    // a name is a name, though Nova takes a regular expression
    assert_eq!(
        list(&admin, row("servers"), &map(json!({"name": ".*", "all_tenants": true}))).await.unwrap(),
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn a_read_without_the_role_is_refused_before_it_is_sent_and_the_real_answer_agrees() {
    let log = Arc::new(Log::default());
    let member = session("member").witnessed(log.clone());
    for (name, service) in [
        ("amphorae", "load-balancer"),
        ("hypervisors", "compute"),
        ("mservices", "container-infra"),
        ("resource_providers", "placement"),
        ("allocation_candidates", "placement"),
    ] {
        let filter =
            if name == "allocation_candidates" { map(json!({"resources": "VCPU:1"})) } else { Map::new() };
        let e = list(&member, row(name), &filter).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Refused, "{name}: {e}");
        assert!(e.to_string().contains("handle `member` has"), "{e}");
        assert_eq!(log.to(service), 0, "{name}");

        let mut open = cloud("member", None);
        open.policy = Policy::new([(format!("{name}.*").as_str(), vec![])]).unwrap();
        let e = list(&session_of(open, own_project("member")), row(name), &filter).await.unwrap_err();
        assert_eq!((e.kind(), e.detail().status), (ErrorKind::Forbidden, Some(403)), "{name}: {e}");
        assert!(e.detail().request_id.as_ref().unwrap().starts_with("req-"));
        assert!(e.to_string().contains("asked by project capi-mgmt"), "{e}");
        assert_eq!(e.detail().scope.as_deref(), Some("member"));
    }
}

/// Whoever may read, reads: the policy here is not stricter than the services'.
#[tokio::test]
async fn a_reader_reads_what_the_services_let_readers_read() {
    let reader = session("reader");
    for name in [
        "servers",
        "flavors",
        "images",
        "networks",
        "subnets",
        "ports",
        "routers",
        "floating_ips",
        "security_groups",
        "clusters",
        "cluster_templates",
        "application_credentials",
        "keypairs",
    ] {
        list(&reader, row(name), &Map::new()).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[tokio::test]
async fn versions_are_negotiated_with_the_real_services() {
    let admin = session("admin");
    for (service, path, wanted, offered) in [
        ("compute", "/servers", "2.97", "2.1 to 2.96"),
        ("container-infra", "/clusters", "1.12", "1.1 to 1.11"),
        ("placement", "/resource_providers", "1.40", "1.0 to 1.39"),
        ("load-balancer", "/lbaas/loadbalancers", "2.99", "2.0 to 2."),
        ("image", "/images", "2.99", "2.0 to 2.15"),
        ("block-storage", "/volumes", "3.72", "3.0 to 3.71"),
    ] {
        let mut call = Call::new(service, Method::GET, path);
        call.microversion = Some(wanted.into());
        let e = admin.send(&call).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported);
        let words = format!("the call needs version {wanted} of {service}, which offers {offered}");
        assert!(e.to_string().starts_with(&words), "{e}");
    }
    for (service, path, version) in [
        ("compute", "/servers", "2.53"),
        ("container-infra", "/clusters", "1.9"),
        ("placement", "/resource_providers", "1.22"),
    ] {
        let mut call = Call::new(service, Method::GET, path);
        call.microversion = Some(version.into());
        let answer = admin.send(&call).await.unwrap();
        assert_eq!(answer.header("openstack-api-version"), Some(format!("{service} {version}").as_str()));
    }
}

#[tokio::test]
async fn room_is_asked_of_placement() {
    let admin = session("admin");
    let ask = async |resources: &str, required: &str| {
        let mut filter = map(json!({"resources": resources}));
        if !required.is_empty() {
            filter.insert("required".into(), required.into());
        }
        list(&admin, row("allocation_candidates"), &filter).await
    };
    let some = ask("VCPU:1,MEMORY_MB:1024", "!COMPUTE_STATUS_DISABLED").await.unwrap();
    assert!(!some.is_empty() && some.iter().all(|c| c["allocations"].is_object()));
    assert_eq!(ask("VCPU:100000", "").await.unwrap().len(), 0);
    assert_eq!(ask("VCPU:1", "HW_CPU_X86_AVX512F").await.unwrap().len(), 0);
    assert_eq!(ask("NONSENSE:1", "").await.unwrap_err().kind(), ErrorKind::Invalid);
    let summaries =
        list(&admin, row("provider_summaries"), &map(json!({"resources": "VCPU:1"}))).await.unwrap();
    assert!(summaries[0]["resources"]["VCPU"]["capacity"].as_u64().unwrap() > 0, "{}", summaries[0]);
}

/// The session's clock stands still: it holds the token for fresh, and the services do not.
#[tokio::test]
async fn a_token_that_a_service_no_longer_accepts_is_renewed_at_the_same_scope() {
    let usual = testbed::Until::usual_tokens(8);
    let log = Arc::new(Log::default());
    let clock = Arc::new(SimClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let authority = Authority::Project(own_project("capi-mgmt"));
    let session =
        Session::new("capi", Arc::new(cloud("capi-mgmt", None)), authority, Declared::default(), clock)
            .unwrap();
    let session = session.witnessed(log.clone());
    let before = session.identity().await.unwrap();
    list(&session, row("servers"), &Map::new()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    usual.now();
    for name in ["networks", "servers", "images"] {
        list(&session, row(name), &Map::new()).await.unwrap();
    }
    let after = session.identity().await.unwrap();
    assert_ne!(before.expires_at, after.expires_at);
    assert_eq!((&before.target, &before.user, &before.roles), (&after.target, &after.user, &after.roles));
    let statuses: Vec<u16> =
        log.0.lock().unwrap().iter().filter(|r| r.service == "network").filter_map(|r| r.status).collect();
    assert_eq!(statuses, [401, 200]);
    assert_eq!(log.to("identity"), 2);
}

#[tokio::test]
async fn a_given_token_serves_as_it_is_and_for_another_project() {
    let auth = real_cloud::entry("admin");
    let user = json!({"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": "unscoped"}});
    let keystone = auth["auth_url"].as_str().unwrap();
    let request =
        Request::new(Method::POST, &format!("{keystone}/auth/tokens")).unwrap().json(&body.into()).unwrap();
    let answer = Http::new(HttpSettings::default()).send(&request).await.unwrap();
    let given = Secret::new(answer.header("x-subject-token").unwrap());

    let new = |token: Secret, authority| {
        let cloud = Arc::new(Cloud::new("given", keystone, Credential::Token { token }));
        let clock = Arc::new(SimClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        Session::new("given", cloud, authority, Declared::default(), clock).unwrap()
    };
    let as_it_is = new(given.clone(), Authority::OfCredential).identity().await.unwrap();
    assert_eq!((as_it_is.target.describe().as_str(), as_it_is.user.name.as_str()), ("no project", "admin"));
    let narrowed = new(given.clone(), Authority::Project(project("capi-mgmt", "capi")));
    assert_eq!(narrowed.identity().await.unwrap().user, as_it_is.user);
    list(&narrowed, row("servers"), &Map::new()).await.unwrap();
    let e = new(Secret::new("gAAAAnonsense"), Authority::OfCredential).identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert!(e.detail().help.as_ref().unwrap().contains("the token of cloud `given` has ended"), "{e:?}");
}
