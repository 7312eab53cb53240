//! The example sites load, and are whole for the runbooks they are made for.

use std::path::PathBuf;

use crate::rig::{Ended, Rig};
use rhumb::script::overlay::Review;
use rhumb::script::site_check::{Grade, SiteCheck};
use rhumb::site::{KnownIssue, Layer, Origin, Site, Value, Waiver};

fn example(name: &str) -> Site {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/sites").join(name);
    Site::load_over(&path, &[], None).unwrap()
}

#[test]
fn roosevelt_sets_all_that_its_runbooks_need() {
    let site = example("roosevelt");
    for runbook in ["phase-08", "park", "restart", "lb-failover", "amphora-sweep", "stuck-delete", "triage"] {
        let missing: Vec<&str> = site.values().missing(runbook).iter().map(|d| &*d.name).collect();
        assert!(missing.is_empty(), "{runbook}: {missing:?}");
    }
    let names: Vec<&str> = site.scopes().map(|s| &*s.name).collect();
    assert_eq!(names, ["admin", "capi-mgmt"]);
    assert_eq!(site.endpoints().count(), 11);
}

#[test]
fn the_as_built_capture_sets_all_that_the_restart_needs() {
    let site = example("as-built");
    for runbook in ["park", "restart", "lb-failover", "amphora-sweep", "stuck-delete"] {
        let missing: Vec<&str> = site.values().missing(runbook).iter().map(|d| &*d.name).collect();
        assert!(missing.is_empty(), "{runbook}: {missing:?}");
    }
    assert_eq!(site.excuses.waivers.len(), 2);
}

#[test]
fn every_value_of_an_example_says_where_it_came_from() {
    for name in ["roosevelt", "as-built"] {
        let site = example(name);
        for (value, setting) in site.values().iter() {
            if let Origin::Site { from, .. } = &setting.origin {
                assert!(from.is_some(), "{name}: {value}");
            }
        }
    }
}

#[test]
fn the_two_examples_differ_in_what_a_rebuild_changes() {
    let text = |site: &Site, name: &str| match &site.values().get(name).unwrap().unwrap().value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    };
    let (now, then) = (example("roosevelt"), example("as-built"));
    for name in ["image", "kube_version", "template", "capi_project_id", "magnum_driver_version"] {
        assert_ne!(text(&now, name), text(&then, name), "{name}");
    }
    for name in ["cluster", "keypair", "mgmt_server", "workload_cidr", "failover_within"] {
        assert_eq!(text(&now, name), text(&then, name), "{name}");
    }
}

#[test]
fn a_set_comes_on_top() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/sites/roosevelt");
    let site = Site::load_over(&path, &["node_count=5".into()], None).unwrap();
    let setting = site.values().get("node_count").unwrap().unwrap();
    assert_eq!((&setting.value, &setting.origin), (&Value::Integer(5), &Origin::CommandLine));
}

#[test]
fn the_shipped_known_issues_are_there_without_a_site() {
    let site = Site::from_embedded("name = \"bare\"", "site.toml", &[]).unwrap();
    assert!(site.excuses.known_issues.iter().any(|issue| issue.id == "D-042"));
    assert!(site.layers.list().unwrap().iter().all(|script| script.layers == [Layer::Embedded]));
}

#[test]
fn each_example_is_whole_and_its_overrides_are_as_they_were_reviewed() {
    for (name, targets) in [
        ("roosevelt", &["park 1", "park 2", "phase-08 D-011.2", "std/octavia broken/1"][..]),
        ("as-built", &["restart 5.1", "restart 6"]),
    ] {
        let site = example(name);
        let checked = SiteCheck::of(&site, &[], jiff::civil::date(2026, 6, 10)).unwrap();
        // a kubeconfig that a runbook will write is no fault
        let wrong: Vec<_> = checked.findings.iter().filter(|f| f.grade != Grade::Warning).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        let review = Review::of(&site.layers).unwrap();
        let found: Vec<String> = review.overrides.iter().map(|d| d.target.to_string()).collect();
        assert_eq!(found, targets, "{name}: a new override belongs into this list, too");
        assert!(
            !review.has_drift(),
            "{name}: after review, `rhumb site accept --site examples/sites/{name}`"
        );
    }
}

/// A rehearsal of an example's runbook, by the program itself.
fn rehearsed(site: &str, runbook: &str, more: &[&str]) -> Ended {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/sites").join(site);
    let rig = Rig::new("name = \"elsewhere\"\n");
    let path = path.display().to_string();
    let args = [&["rehearse", runbook, "--site", &path][..], more].concat();
    rig.run(&args)
}

#[test]
fn overrides_of_all_kinds_run_in_a_rehearsal() {
    // steps that are preceded and replaced
    let park = rehearsed("roosevelt", "park", &[]).expect(0);
    for seen in [
        "no cluster is being made, changed or deleted",
        "it is still down a while later",
        "preceded by",
        "replaced by",
    ] {
        assert!(park.stdout.contains(seen), "{seen}: {}", park.stdout);
    }
    // a function: the shipped one is called below it, and the report tells
    let failover = rehearsed("roosevelt", "lb-failover", &[]).expect(0);
    assert!(
        failover.stdout.contains("std/octavia: the site text stands over the embedded one"),
        "{}",
        failover.stdout
    );
    // what is asked before the orphans go
    let restart = rehearsed("as-built", "restart", &[]).expect(0);
    assert!(restart.stdout.contains("amphora_servers_before"), "{}", restart.stdout);
}

/// The acceptance summary of a rehearsal of an example, for the log; and how the rehearsal ended.
fn acceptance(site: &str, more: &[&str]) -> (i32, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/sites").join(site);
    let rig = Rig::new("name = \"elsewhere\"\n");
    let (path, state) = (path.display().to_string(), rig.state().join("rehearsals").display().to_string());
    let ended = rig.run(&[&["rehearse", "phase-08", "--site", &path][..], more].concat());
    let shown = rig.run(&["show-run", "last", "--as", "acceptance", "--site", &path, "--state-dir", &state]);
    (ended.exit, shown.expect(0).stdout)
}

/// The capture's own acceptance: what its log says of the bar, line by line.
#[test]
fn the_as_built_capture_is_accepted_as_its_log_says() {
    let (exit, summary) = acceptance("as-built", &[]);
    assert_eq!(exit, 0, "{summary}");
    let lines: Vec<&str> = summary.lines().filter(|l| l.starts_with(['.', '='])).collect();
    let page = include_str!("../../docs/site-overrides.md");
    let documented = page.split("```text\n").find(|t| t.starts_with(".1 charms")).unwrap();
    let documented: Vec<&str> = documented.lines().take_while(|l| !l.starts_with("```")).collect();
    assert_eq!(lines, documented);
    assert!(documented[..6].iter().all(|line| line.ends_with(" PASS")), "{documented:?}");
    assert_eq!(
        documented[6..],
        [
            ".7 snapshot DEFERRED (operator)",
            ".8 Designate DEFERRED (D-019)",
            "=> v1 is FUNCTIONALLY ACCEPTED; the .7 snapshot is the only item left to formally close the gate."
        ]
    );
    // where an item fails, nobody can take it for an acceptance
    let (exit, summary) = acceptance("as-built", &["--set", "vault_units="]);
    assert_eq!(exit, 3, "{summary}");
    assert!(summary.contains("=> v1 is NOT ACCEPTED; not passed: .6 vault manual unseal."), "{summary}");
}

/// The image's version, the list of VIPs and one gate are a site's own: no shipped file is touched, and nothing
/// is compiled.
#[test]
fn a_rebuild_changes_values_and_a_gate_and_is_rehearsed() {
    let sets = [
        "--set",
        "image=ubuntu-jammy-kube-v1.35.1",
        "--set",
        "kube_version=v1.35.1",
        "--set",
        "core_endpoints=keystone,nova,glance",
    ];
    let phase = rehearsed("roosevelt", "phase-08", &sets);
    let step = phase.stdout.split("Core service VIPs answer from here").nth(1).unwrap_or_default();
    let step = step.split("A tenant VM reaches").next().unwrap_or_default();
    assert!(
        step.contains("followed by") && step.contains("✓ core endpoints outside of the block of VIPs"),
        "{step}"
    );
    assert_eq!(step.matches(" answers").count(), 3, "{step}");
    assert!(step.contains("PASS"), "{step}");
    let image = phase.stdout.split("Seed the image").next().unwrap_or_default();
    assert!(!image.contains("FAIL"), "{image}");
}

/// The TOML of the chapters of the site directory's page.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../docs/site-file.md");
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn what_the_page_shows_can_be_copied() {
    let [site, waivers, issues] = documented()[..] else { panic!("three texts are expected") };
    let site = Site::from_embedded(site, "site.toml", &[]).unwrap();
    assert_eq!(site.host("capi-mgmt").unwrap().spec.jump.as_ref().unwrap().name, "bastion");
    assert_eq!(site.extra["rack"].value, "b7");
    assert_eq!(site.run.slots["amphora"], 1);
    assert_eq!(Waiver::parse("waivers.toml", waivers).unwrap().len(), 1);
    assert_eq!(KnownIssue::parse("known-issues.toml", issues).unwrap().len(), 1);
}
