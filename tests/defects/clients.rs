//! What the procedures leave to a client program of some version: images, kubeconfigs.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rhumb::base::SimClock;
use rhumb::lab::{Lab, Scenario, Tenancy};

use crate::bash::bash;
use crate::played::{Played, shipped, site};
use crate::stage::{Outcome, Stage};

/// Runs a script against a lab of this scenario, and gives what the lab was asked.
fn rehearse(scenario: &str, sets: &[&str], script: &str) -> (Outcome, Vec<String>) {
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let site = site("", sets);
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let scenario = Scenario::parse("test.toml", scenario, &Scenario::values_of(&site)).unwrap();
    let lab = Lab::start(&scenario, &Tenancy::of(&site), clock.clone(), runtime.handle()).unwrap();
    let lab = Arc::new(lab);
    let mut stage = Stage::new("");
    stage.texts = shipped().with("main", "site", script);
    stage.clock = clock;
    stage.site = site.rewired(Arc::new(Played::default().lab(lab.clone())));
    let outcome = stage.run();
    (outcome, lab.requests().into_keys().collect())
}

#[test]
fn d15_an_image_is_imported_without_any_clients_subcommands() {
    // a client that has no such option: its complaint is on standard error, and the poll runs all the same
    let client = r#"case "$*" in
        "image create"*) echo "openstack image create: error: unrecognized arguments: --import" >&2; exit 2 ;;
        *) exit 1 ;; esac"#;
    let old = bash(
        &[("openstack", client)],
        r#"( { set -u
openstack image create x --file f --import --container-format bare --disk-format qcow2 2>/dev/null
for i in $(seq 1 40); do ST=$(openstack image show x -f value -c status 2>/dev/null || echo '?'); [ "$ST" = active ] && break; sleep 15; done
} ); echo "on to the template""#,
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "on to the template\n"));

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"QFI\xfb bytes of an image").unwrap();
    let script = format!(
        r#"import "std/glance" as glance;
        let images = site.scope("capi-mgmt").images;
        change("8.0.2", "Seed", || {{
            images.upload("kube", "{}", #{{ disk_format: "qcow2", container_format: "bare", kube_version: "v1.34.8" }});
            expect("faults", glance::faults(images, "kube", #{{ kube_version: "v1.34.8" }}), []);
            expect("of another version", glance::faults(images, "kube", #{{ kube_version: "v1.32.13" }}), ["kube_version is v1.34.8, not v1.32.13"]);
        }});"#,
        file.path().display()
    );
    // a file that the site names
    let named = format!("image_file={}", file.path().display());
    let (new, asked) = rehearse("extends = \"cloud\"", &[&named], &script);
    assert_eq!(new.verdicts(), "8.0.2 PASS", "{}", new.drawn);
    for route in ["PUT /v2/images/{}/stage", "POST /v2/images/{}/import"] {
        assert!(asked.iter().any(|a| a.ends_with(route)), "{route} among {asked:?}");
    }

    // and a dead record that holds the name is no image, whatever `image show` says of its being there
    let dead = "extends = \"cloud\"\n[[image]]\nname = \"kube\"\nproject = \"capi-mgmt\"\nvisibility = \"shared\"\nfailed_import = true\n";
    let (new, _) = rehearse(
        dead,
        &[],
        r#"import "std/glance" as glance;
        let images = site.scope("capi-mgmt").images;
        verify("8.0", "There", || { let faults = glance::faults(images, "kube", #{}); gate("dead", faults.len() == 1 && faults[0].starts_with("it is dead"), faults); });
        verify("8.0.3", "Waited for", #{ on_fail: "continue" }, || glance::wait_active(images, "kube", 20.min));
        change("8.0.2", "Buried", || { glance::bury_dead(images, "kube", 1.min); expect("gone", images.find("kube"), ()); });"#,
    );
    assert!(
        new.verdicts().starts_with("8.0 PASS, 8.0.3 FAIL: kube is active: it came to queued"),
        "{}",
        new.verdicts()
    );
    assert!(new.verdicts().ends_with("8.0.2 PASS"), "{} {}", new.verdicts(), new.drawn);
}

#[test]
fn d16_the_admin_key_is_readable_by_whoever_may_read_the_home() {
    // `coe cluster config` writes with a plain open(): the umask of the day decides
    let client = r#"python3 -c 'import sys; open(sys.argv[1] + "/config", "w").write("client-key-data: hunter2")' "$6""#;
    let old = bash(
        &[("openstack", client)],
        "umask 022; mkdir -p kc; openstack coe cluster config capi-test-1 --dir kc --force; stat -c %a kc/config",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "644\n"));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let script = format!(
        r#"let cluster = verify("8.2", "There", || site.scope("capi-mgmt").clusters.get("capi-test-1"));
        let kept = change("8.3.3", "Keep", || cluster.write_kubeconfig("{}"));
        verify("8.3", "In memory", || fact("kubeconfig", cluster.kubeconfig()));"#,
        path.display()
    );
    let scenario = "extends = \"phase-08\"\n[[cluster]]\nname = \"capi-test-1\"\nproject = \"capi-mgmt\"\ntemplate = \"capi-k8s-v1-34\"\nkeypair = \"capi-mgmt-key\"\nnodes = 2\n";
    let (new, _) = rehearse(scenario, &["magnum_driver_version=1.4.0"], &script);
    assert_eq!(new.verdicts(), "8.2 PASS, 8.3.3 PASS, 8.3 PASS", "{}", new.drawn);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let key = text.lines().find(|l| l.contains("client-key-data")).unwrap();
    let key = key.split('"').rfind(|p| p.len() > 40).or(key.split(' ').next_back()).unwrap();
    let journal: String = new.entries.iter().map(|e| format!("{e:?}")).collect();
    assert!(journal.contains("write_kubeconfig") || journal.contains("config"), "it is on record");
    assert!(!journal.contains(key), "the key is in no record");
    // a directory that is missing is made, for its owner alone (DOCFIX-037)
    let deep = |path: &str| path.replace("/config", "/of/its/own/config");
    let (new, _) = rehearse(scenario, &["magnum_driver_version=1.4.0"], &deep(&script));
    assert_eq!(new.exit, 0, "{}", new.drawn);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let made = dir.path().join("of/its/own/config");
    assert_eq!((mode(&made), mode(made.parent().unwrap())), (0o600, 0o700));
}
