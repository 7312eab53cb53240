//! Room for one more amphora: a formula of the procedure's, and columns that Nova dropped.

use std::sync::Arc;

use rhumb::base::SimClock;
use rhumb::lab::{Lab, Scenario, Tenancy, Values};
use rhumb::systems::openstack::{Cloud, Credential, Domain, User};

use crate::bash::bash;
use crate::played::{Played, run_at, shipped, site};

const SCRIPT: &str = r#"
    import "std/octavia" as octavia;
    verify("5b", "Room", || {
        let room = octavia::room_for_amphora(site.scope("admin"), #{ vcpus: 1, memory: 1024.MiB, disk: 8.GiB });
        gate("a host has room for one more amphora", room.fits, room);
    });"#;

/// One host of 32768 MB with 8192 reserved and a ratio of 1.5. Placement gives out (32768 - 8192) * 1.5 = 36864
/// MB; the procedure's formula says 40960.
fn scenario(used_mb: u64) -> String {
    format!(
        r#"
        extends = "cloud"
        [[host]]
        name = "compute"
        vcpus = 64
        memory_mb = 32768
        disk_gb = 2000
        reserved_memory_mb = 8192
        [[flavor]]
        name = "filler"
        vcpus = 1
        memory_mb = {half}
        disk_gb = 10
        [[server]]
        name = "filler"
        count = 2
        project = "capi-mgmt"
        flavor = "filler"
        image = "ubuntu-jammy-mgmt"
        network = "capi-mgmt-net"
        "#,
        half = used_mb / 2,
    )
}

/// What the site's room is at this use, and the requests that were made for it.
fn ask(used_mb: u64) -> (String, Vec<String>) {
    rhumb::systems::http::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let clock = Arc::new(SimClock::new("2026-06-10T02:00:00Z".parse().unwrap()));
    let scenario = Scenario::parse("test.toml", &scenario(used_mb), &Values::new()).unwrap();
    let lab = Lab::start(&scenario, &Tenancy::example(), clock, runtime.handle()).unwrap();
    let url = lab.auth_url();
    let played = Played::default().cloud(move |_, _| {
        let user = User::Name { name: "admin".into(), domain: Domain::Name("Default".into()) };
        Cloud::new(
            "lab",
            url.clone(),
            Credential::Password { user, password: rhumb::base::Secret::new("secret") },
        )
    });
    let new = run_at(SCRIPT, site("", &[]), &played);
    (new.verdicts(), lab.requests().into_keys().collect())
}

#[test]
fn d08_the_formula_sees_four_gibibytes_that_are_not_there() {
    let used = 36864;
    // physical_MB * 1.5 - 8192, and Used + 1024 <= ceiling
    let old = bash(
        &[],
        &format!("ceiling=$(( 32768 * 3 / 2 - 8192 )); [ $(( {used} + 1024 )) -le $ceiling ] && echo clears"),
    );
    assert_eq!(old.stdout, "clears\n");
    assert_eq!(ask(used).0, "5b FAIL: gate: a host has room for one more amphora");
    assert_eq!(ask(used - 1024).0, "5b PASS", "and one amphora less fits");
}

#[test]
fn d09_columns_that_nova_dropped_are_not_read() {
    // what `hypervisor list --long -f yaml` prints since microversion 2.88: no memory, and grep is content
    let without = "cat <<'TEXT'\n- Host IP: 10.12.8.10\n  Hypervisor Hostname: compute-1\n  ID: 6f1d\n  State: up\n  Status: enabled\nTEXT";
    let old = bash(
        &[("openstack", without)],
        "openstack hypervisor list --long -f yaml | grep -E 'Hostname|Memory MB'",
    );
    assert_eq!((old.exit, old.stdout.as_str()), (0, "  Hypervisor Hostname: compute-1\n"));

    let (_, requests) = ask(1024);
    assert!(requests.iter().any(|r| r.contains("allocation_candidates")), "{requests:?}");
    // Nova is asked which hosts are up, and for none of the columns that it dropped
    for (name, texts) in &shipped().0 {
        for column in [".memory_mb", ".free_ram_mb", ".local_gb", ".vcpus_used", ".free_disk_gb"] {
            assert!(texts.iter().all(|(_, text)| !text.contains(column)), "{name} reads {column}");
        }
    }
}
