//! A service that pages for ever is left at the operator's word, and given up where nobody says it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Uri;
use rhumb::base::ErrorKind;
use rhumb::site::Site;
use rhumb::systems::openstack::{self, resource};
use serde_json::{Map, Value, json};

use super::authority::site;
use super::stage::{Outcome, Stage};
use super::stub_cloud::{Seen, start};

/// A page takes a moment, so that an interruption comes before the bound.
const PAGE: Duration = Duration::from_millis(2);

fn slow_pages(seen: &Seen, n: usize) -> (u16, Value) {
    std::thread::sleep(PAGE);
    pages(seen, n)
}

/// Each page is empty, and there is always a next one.
fn pages(_: &Seen, n: usize) -> (u16, Value) {
    let next = format!("http://x/servers/detail?marker={n}");
    (200, json!({ "servers": [], "servers_links": [{ "rel": "next", "href": next }] }))
}

/// Runs a script, and interrupts it after a moment; gives how long it took to end then.
fn interrupted(site: Option<Site>, script: &str) -> (Outcome, Duration) {
    const MOMENT: Duration = Duration::from_millis(700);
    let stage = Stage::new(script);
    let cancel = stage.cancel.clone();
    let interrupter = std::thread::spawn(move || {
        std::thread::sleep(MOMENT);
        cancel.interrupt();
    });
    let began = Instant::now();
    let site = site.unwrap_or_else(|| stage.site.clone());
    let o = Stage { site, ..stage }.run();
    interrupter.join().unwrap();
    (o, began.elapsed().saturating_sub(MOMENT))
}

fn ends_at_once((o, took): (Outcome, Duration), asked: usize) {
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    assert_eq!(o.error.unwrap().kind(), ErrorKind::Interrupted, "{}", o.drawn);
    assert!(asked > 3, "it was paging: {asked}");
}

#[test]
fn empty_pages_of_a_cloud_end_by_ctrl_c() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(start(slow_pages));
    let dir = tempfile::tempdir().unwrap();
    let script = r#"let capi = site.scope("capi"); verify("1", "T", || capi.servers.list());"#;
    let ended = interrupted(Some(site(dir.path(), &cloud, "")), script);
    ends_at_once(ended, cloud.seen("/servers").len());
}

#[test]
fn empty_pages_of_a_cloud_that_nobody_interrupts_are_given_up() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listed = runtime.block_on(async {
        let (session, _) = start(pages).await.session();
        openstack::list(&session, resource::find("servers").unwrap(), &Map::new()).await
    });
    let error = listed.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Protocol, "the list of servers is too long, after 0 of them")
    );
}

#[test]
fn empty_pages_of_a_cluster_end_by_ctrl_c_and_are_given_up() {
    let (asked, hurry) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, hurries) = (asked.clone(), hurry.clone());
    let answer = async move |uri: Uri| {
        if !hurries.load(Ordering::SeqCst) {
            tokio::time::sleep(PAGE).await;
        }
        axum::Json(match uri.path() {
            "/version" => json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.8" }),
            "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
            "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
            "/api/v1" => json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": [
                { "name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get", "list"] },
            ] }),
            _ => {
                let n = count.fetch_add(1, Ordering::SeqCst);
                json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "continue": format!("page-{n}") }, "items": [] })
            }
        })
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
        address
    });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
        "clusters": [{ "name": "a", "cluster": { "server": format!("http://{address}") } }],
        "users": [{ "name": "a", "user": { "token": "t" } }],
    });
    let script = format!("verify(\"1\", \"T\", || kube(`{kubeconfig}`).list(\"pods\"));");
    let ended = interrupted(None, &script);
    ends_at_once(ended, asked.load(Ordering::SeqCst));

    hurry.store(true, Ordering::SeqCst);
    let o = super::stage::run(&script);
    let error = o.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{}", o.drawn);
    assert!(error.to_string().contains("the list of pods has no end"), "{error}");
}
