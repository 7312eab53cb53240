//! The testbed itself: that what the other real tests stand on does what they think it does.

mod testbed;

use testbed::{Made, Until, fixture, requests_to, run, stdout, var};

#[test]
fn requests_that_reach_nova_are_seen_and_others_are_not() {
    let mut server = serde_json::Value::Null;
    let seen = requests_to("nova", || server = fixture(["server", "testbed-server"]));
    let made = Made::of("server", &server);
    assert_eq!(server["status"], "ACTIVE");
    assert!(
        seen.iter()
            .any(|(method, path, status)| method == "POST" && path.ends_with("/servers") && *status == 202),
        "{seen:?}"
    );
    // services look at Octavia on their own; nothing was changed there
    let seen = requests_to("octavia", || drop(made));
    assert!(seen.iter().all(|(method, _, _)| method == "GET"), "{seen:?}");
}

#[test]
fn a_full_cloud_has_no_allocation_candidates_and_gives_its_room_back() {
    Until::room().now();
    assert!(fixture(["headroom", "restored"])["allocation_candidates"].as_u64().unwrap() > 0);
}

#[test]
fn an_orphan_can_be_old_and_belongs_to_the_service_project() {
    let orphan = fixture(["orphan", "--age", "86400"]);
    let _orphan = Made::of("server", &orphan);
    let lookalikes = fixture(["lookalikes"]);
    let _lookalikes = ["other_name", "other_project"].map(|which| Made::of("server", &lookalikes[which]));
    let project = &orphan["project_id"];
    assert_eq!(&lookalikes["other_name"]["project_id"], project);
    assert_ne!(&lookalikes["other_project"]["project_id"], project);
    let (old, young) =
        (orphan["created"].as_str().unwrap(), lookalikes["other_name"]["created"].as_str().unwrap());
    assert!(old[..10] < young[..10], "{old} is a day before {young}");
}

#[test]
fn a_failover_without_a_host_ends_in_error_while_traffic_goes_on() {
    let balancer = fixture(["loadbalancer", "testbed-lb", "--tree"]);
    let made = Made::of("loadbalancer", &balancer);
    assert_eq!(balancer["amphorae"].as_array().unwrap().len(), 1);
    let failed = fixture(["loadbalancer-error", &made.id]);
    assert_eq!(
        (&failed["provisioning_status"], &failed["operating_status"]),
        (&"ERROR".into(), &"ONLINE".into())
    );
}

#[test]
fn tokens_live_as_long_as_they_are_told() {
    Until::usual_tokens(20).now();
    assert_eq!(fixture(["token-life", "default"])["token_life"], 3600);
}

#[test]
fn the_management_vm_answers_under_many_names() {
    for name in ["mgmt", "target-1", "target-50"] {
        let answer = stdout("ssh", ["-F", &var("SSH_CONFIG"), name, "sudo", "k8s", "status"]);
        assert!(answer.starts_with("cluster status:           ready\n"), "{answer}");
    }
}

#[test]
fn the_vault_is_sealed_and_unsealed_by_three_of_five_shares() {
    let ctl = var("VAULT_CTL");
    let status = || {
        let output = run(&ctl, ["status"]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), json)
    };
    stdout(&ctl, ["seal"]);
    stdout(&ctl, ["unseal", "2"]);
    let (code, sealed) = status();
    assert_eq!((code, &sealed["sealed"], &sealed["progress"]), (Some(2), &true.into(), &2.into()));
    stdout(&ctl, ["unseal", "3"]);
    let (code, open) = status();
    assert_eq!(
        (code, &open["sealed"], &open["t"], &open["n"]),
        (Some(0), &false.into(), &3.into(), &5.into())
    );
}

#[test]
fn a_domain_takes_snapshots_off_and_running() {
    let (uri, domain) = (var("LIBVIRT_URI"), var("LIBVIRT_DOMAIN"));
    let virsh = |args: &[&str]| stdout("virsh", ["-q", "-c", &uri].iter().chain(args));
    virsh(&["snapshot-create-as", &domain, "off"]);
    virsh(&["start", &domain]);
    virsh(&["snapshot-create-as", &domain, "running"]);
    let names = virsh(&["snapshot-list", "--name", &domain]);
    virsh(&["destroy", &domain]);
    virsh(&["snapshot-delete", &domain, "running"]);
    virsh(&["snapshot-delete", &domain, "off"]);
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), ["off", "running"]);
}
