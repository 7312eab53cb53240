//! A site before a cloud: its first file is written from what the lab shows, and its check asks the lab.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rhumb::base::SimClock;
use rhumb::lab::{Lab, Scenario, Tenancy, Values};

use crate::rig::{Ended, Rig};

/// A lab on loopback, and the credentials of its clouds beside a site to be.
struct Cloud {
    rig: Rig,
    lab: Lab,
    _runtime: tokio::runtime::Runtime,
}

impl Cloud {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
        let (scenario, mut tenancy) =
            (Scenario::shipped("restart", &Values::new()).unwrap(), Tenancy::example());
        tenancy.service_project = Some("services".into());
        let lab = Lab::start(&scenario, &tenancy, clock, runtime.handle()).unwrap();
        let rig = Rig::new("name = \"new\"\n");
        fs::remove_file(rig.site().join("site.toml")).unwrap();
        rig.file("../clouds.yaml", &lab.clouds_yaml(&tenancy));
        Cloud { rig, lab, _runtime: runtime }
    }

    fn run(&self, args: &[&str], exit: i32) -> Ended {
        self.rig.run(args).expect(exit)
    }

    fn clouds(&self) -> String {
        self.rig.site().parent().unwrap().join("clouds.yaml").display().to_string()
    }

    /// `site new` for the lab's administrator.
    fn begin(&self) -> String {
        let site = self.rig.site().display().to_string();
        self.run(
            &[
                "site",
                "new",
                "fresh",
                "--clouds",
                &self.clouds(),
                "--cloud",
                "admin@admin",
                "--directory",
                &site,
            ],
            0,
        );
        fs::read_to_string(self.rig.site().join("site.toml")).unwrap()
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.rig.site().join("site.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

#[test]
fn a_first_site_file_has_what_the_cloud_shows_and_no_secret() {
    let cloud = Cloud::new();
    let text = cloud.begin();
    for line in [
        "[scopes.capi-mgmt]",
        "project = \"capi-mgmt\"",
        "master_flavor = { value = \"gp.mid\", from = \"flavors of scope capi-mgmt",
        "external_network = { value = \"provider-ext\"",
        "mgmt_server = { value = \"capi-mgmt-v2\"",
        "kube_version = { value = \"v1.34.8\", from = \"kube_version of `image`",
        "[endpoints.keystone]",
        "# ?? workload_cidr = ",
        "# ?? [hosts.capi-mgmt]",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let credentials = fs::read_to_string(cloud.clouds()).unwrap();
    let credentials: serde_json::Value = serde_json::from_str(&credentials).unwrap();
    let password = credentials["clouds"]["admin@admin"]["auth"]["password"].as_str().unwrap();
    assert!(!text.contains(&format!("\"{password}\"")), "{text}");
    assert!(cloud.lab.effects().is_empty(), "it changed something");
    // it loads as it is, and the check tells what is left to do
    let checked = cloud.run(&["site", "check", "park"], 0);
    assert!(checked.stdout.contains("2 scopes proven"), "{}", checked.stdout);
    let site = cloud.rig.site().display().to_string();
    let again = cloud.run(&["site", "new", "fresh", "--clouds", &cloud.clouds(), "--directory", &site], 2);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}

#[test]
fn the_cloud_of_several_must_be_named_and_an_open_file_is_refused() {
    let cloud = Cloud::new();
    let ended = cloud.run(&["site", "new", "fresh", "--clouds", &cloud.clouds()], 2);
    assert!(
        ended.stderr.contains("say one with --cloud: ") && ended.stderr.contains("admin@admin"),
        "{}",
        ended.stderr
    );
    let nobody = cloud.run(&["site", "new", "fresh"], 2);
    assert!(
        nobody.stderr.contains("no credentials are named: --openrc FILE or --clouds FILE"),
        "{}",
        nobody.stderr
    );
    fs::set_permissions(cloud.clouds(), fs::Permissions::from_mode(0o644)).unwrap();
    let ended =
        cloud.run(&["site", "new", "fresh", "--clouds", &cloud.clouds(), "--cloud", "admin@admin"], 7);
    assert!(ended.stderr.contains("others may read it"), "{}", ended.stderr);
    cloud.run(&["site", "new", "Fresh", "--clouds", &cloud.clouds()], 2);
    cloud.run(&["site", "new", "fresh"], 2);
}

#[test]
fn the_check_asks_the_cloud_for_names_and_compares_ids() {
    let cloud = Cloud::new();
    cloud.begin();
    cloud.edit("mgmt_server = { value = \"capi-mgmt-v2\"", "mgmt_server = { value = \"capi-mgmt-v3\"");
    let checked = cloud.run(&["site", "check", "park", "--online"], 7);
    assert!(
        checked.stdout.contains("there is no \"capi-mgmt-v3\" among the servers of scope capi-mgmt"),
        "{}",
        checked.stdout
    );
    cloud.run(&["site", "check", "park", "--offline"], 0);
    cloud.edit("capi-mgmt-v3", "capi-mgmt-v2");

    // after a rebuild the project has another id: nothing is found by it, and somebody is told
    let text = fs::read_to_string(cloud.rig.site().join("site.toml")).unwrap();
    let line = text.lines().find(|l| l.starts_with("capi_project_id")).unwrap().to_string();
    cloud.edit(&line, "capi_project_id = \"674171fd28d446d3a37073b6a761e910\"");
    cloud.edit("# ?? magnum_driver_version", "magnum_driver_version");
    cloud.edit("[run]", "# the runbook asks the management VM, too\n[hosts.capi-mgmt]\naddress = \"127.0.0.1\"\nuser = \"ubuntu\"\n\n\
                        [kube.capi-mgmt]\nhost = \"capi-mgmt\"\nprint = [\"sudo\", \"k8s\", \"config\"]\n\n\
                        [tools.juju]\nprogram = \"juju\"\n\n[run]");
    let checked = cloud.run(&["site", "check", "restart"], 6);
    assert!(
        checked.stdout.contains("`capi_project_id` is 674171fd28d446d3a37073b6a761e910"),
        "{}",
        checked.stdout
    );
    let json = cloud.run(&["site", "check", "restart", "--json"], 6);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["findings"][0]["grade"], "drift");
    assert_eq!(json["findings"][0]["area"], "cloud");
    assert!(json["findings"][0]["place"]["line"].as_u64().unwrap() > 0);
    assert!(cloud.lab.effects().is_empty(), "it changed something");
}

#[test]
fn a_cloud_that_does_not_answer_is_told_and_only_insisting_makes_it_an_error() {
    let cloud = Cloud::new();
    cloud.begin();
    let text = fs::read_to_string(cloud.clouds()).unwrap();
    let nobody = text.replace(cloud.lab.auth_url().as_str(), "http://127.0.0.1:1/identity/v3");
    assert_ne!(text, nobody);
    fs::write(cloud.clouds(), nobody).unwrap();
    let checked = cloud.run(&["site", "check", "park"], 0);
    assert!(checked.stdout.contains("- cloud      not asked"), "{}", checked.stdout);
    let checked = cloud.run(&["site", "check", "park", "--online"], 7);
    assert!(checked.stdout.contains("does not answer"), "{}", checked.stdout);
}
