//! The examples of packaging: manifests hold only fields that Kubernetes knows, and units only known ones.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{home, printed, rhumb};

fn text(name: &str) -> String {
    std::fs::read_to_string(home().join("examples/packaging").join(name)).unwrap()
}

/// The manifest's documents.
fn documents() -> Vec<Value> {
    let text = text("kubernetes.yaml");
    let parts = text.split("\n---\n").skip(1);
    parts.map(|part| serde_saphyr::from_str::<Value>(part).unwrap()).collect()
}

/// Reads a document as a type of Kubernetes', which drops every field that it does not know, and writes it again.
fn round_trip<T: DeserializeOwned + Serialize>(document: &Value) -> (T, Value) {
    let read: T = serde_json::from_value(document.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    (read, written)
}

fn of_kind(kind: &str) -> Value {
    let all = documents();
    let mut of = all.iter().filter(|d| d["kind"] == kind);
    let one = of.next().unwrap().clone();
    assert!(of.next().is_none(), "{kind} twice");
    one
}

#[test]
fn every_field_of_the_manifests_is_one_that_kubernetes_knows() {
    let mut kinds = Vec::new();
    for document in documents() {
        let kind = document["kind"].as_str().unwrap().to_string();
        let written = match kind.as_str() {
            "ConfigMap" => round_trip::<ConfigMap>(&document).1,
            "PersistentVolumeClaim" => round_trip::<PersistentVolumeClaim>(&document).1,
            "Job" => round_trip::<Job>(&document).1,
            other => panic!("no test reads a {other}"),
        };
        assert_eq!(written, document, "{kind}");
        kinds.push(kind);
    }
    assert_eq!(kinds, ["ConfigMap", "PersistentVolumeClaim", "Job"]);
}

#[test]
fn an_unknown_field_would_be_seen() {
    let mut job = of_kind("Job");
    job["spec"]["template"]["spec"]["restartPolicies"] = "Never".into();
    assert_ne!(round_trip::<Job>(&job).1, job);
}

#[test]
fn volumes_are_mounted_and_claimed_as_they_are_named() {
    let (job, _) = round_trip::<Job>(&of_kind("Job"));
    let pod = job.spec.unwrap().template.spec.unwrap();
    let volumes = pod.volumes.unwrap();
    let names: Vec<&str> = volumes.iter().map(|v| v.name.as_str()).collect();
    for container in pod.containers.iter().chain(pod.init_containers.as_deref().unwrap()) {
        for mount in container.volume_mounts.as_deref().unwrap() {
            assert!(names.contains(&mount.name.as_str()), "{}", mount.name);
        }
    }
    let named = |kind: &str| of_kind(kind)["metadata"]["name"].as_str().unwrap().to_string();
    let claim = volumes.iter().find_map(|v| v.persistent_volume_claim.as_ref()).unwrap();
    assert_eq!(claim.claim_name, named("PersistentVolumeClaim"));
    let map = volumes.iter().find_map(|v| v.config_map.as_ref()).unwrap();
    assert_eq!(map.name, named("ConfigMap"));
}

#[test]
fn the_runbook_of_the_config_map_passes_the_checker_and_the_jobs_arguments_exist() {
    let dir = tempfile::tempdir().unwrap();
    let site = home().join("examples/sites/roosevelt/site.toml");
    std::fs::copy(site, dir.path().join("site.toml")).unwrap();
    let map: ConfigMap = round_trip(&of_kind("ConfigMap")).0;
    for (name, text) in map.data.unwrap() {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let output = rhumb(&["check", "accept", "--site", dir.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let job: Job = round_trip(&of_kind("Job")).0;
    let container = job.spec.unwrap().template.spec.unwrap().containers.remove(0);
    let words = std::iter::once("rhumb".to_string()).chain(container.args.unwrap());
    rhumb::cli::command().try_get_matches_from(words).unwrap();
}

#[test]
fn units_start_a_command_that_exists() {
    let unit = text("rhumb-accept@.service");
    let command = unit.lines().find_map(|l| l.strip_prefix("ExecStart=/usr/local/bin/")).unwrap();
    let parsed = rhumb::cli::command().try_get_matches_from(command.split(' ')).unwrap();
    let (_, run) = parsed.subcommand().unwrap();
    let runbook = run.get_one::<String>("runbook").unwrap();
    assert!(printed(&["list"]).lines().any(|l| l.split(' ').next() == Some(runbook)), "{runbook} is shipped");
    for line in unit.lines().chain(text("rhumb-accept@.timer").lines()).filter(|l| !l.starts_with('#')) {
        assert!(line.is_empty() || line.starts_with('[') || line.contains('='), "{line}");
    }
}

#[test]
fn what_the_binary_embeds_is_packaged() {
    let manifest: toml::Table = std::fs::read_to_string(home().join("Cargo.toml")).unwrap().parse().unwrap();
    let left_out = manifest["package"]["exclude"].as_array().unwrap();
    for needed in ["/src", "/runbooks", "/stdlib", "/build.rs"] {
        assert!(!left_out.iter().any(|e| e.as_str().unwrap().starts_with(needed)), "{needed}");
    }
}
