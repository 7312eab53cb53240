//! Changes to a real API server through the proxy: what Kubernetes was asked is counted by its own audit log.

use std::fs;

use crate::proxy::Play;
use crate::rig::Rig;
use crate::testbed::{Server, var};
use crate::{Case, PLAYS, Reached, name, play, runtime};

/// A site whose cluster `m` answers there.
pub(crate) fn site(server: &str) -> Rig {
    let rig = crate::site("", "[kube.m]\nkubeconfig = \"kubeconfig\"\n");
    rig.file(
        "kubeconfig",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: m\nclusters: [{{name: m, cluster: {{server: \"{server}\"}}}}]\n\
             users: [{{name: m, user: {{}}}}]\ncontexts: [{{name: m, context: {{cluster: m, user: m, namespace: default}}}}]\n"
        ),
    );
    rig
}

/// How often the API server took a change of a kind to a ConfigMap of this name, by its audit log.
fn taken(verb: &str, name: &str) -> usize {
    let path = format!("/api/v1/namespaces/default/configmaps/{name}");
    let log = fs::read_to_string(var("KUBERNETES_AUDIT")).unwrap();
    let events = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_it = events.filter(|event| {
        let uri = event["requestURI"].as_str().unwrap_or_default();
        event["verb"] == verb
            && uri.split('?').next() == Some(&path)
            && event["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300)
    });
    of_it.count()
}

#[test]
fn an_object_is_applied_and_deleted_and_nothing_else_is() {
    let runtime = runtime();
    let real = Server::of_kubernetes();
    for (n, what) in PLAYS.into_iter().chain([Play::Twice]).enumerate() {
        let name = name(&format!("map-{n}"));
        let apply = Case {
            at: ([127, 0, 0, 1], real.port).into(),
            reached: Reached::Kubeconfig,
            method: "PATCH",
            path: "/configmaps/",
            script: format!(
                "site.kube(\"m\").apply(#{{ apiVersion: \"v1\", kind: \"ConfigMap\", metadata: #{{ name: \"{name}\" }}, data: #{{ of: \"this test\" }} }})"
            ),
        };
        let asked = play(&runtime, &apply, what);
        let times = taken("patch", &name);
        assert!(
            (1..=2).contains(&times),
            "an apply may be repeated, since it gives the same: {what:?}: {asked:?}"
        );

        let delete = Case {
            method: "DELETE",
            script: format!("site.kube(\"m\").get(\"ConfigMap\", \"{name}\").delete()"),
            ..apply
        };
        let asked = play(&runtime, &delete, what);
        assert_eq!(taken("delete", &name), 1, "{what:?}: {asked:?}");
    }
}
