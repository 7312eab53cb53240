//! What scripts do on a real OpenStack 2024.1: a file becomes an image, or is said to have failed; networks go
//! in the order that they depend on each other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
mod testbed;

use std::fs;

use rhumb::base::ErrorKind;
use rig::{Ended, Rig};
use testbed::var;

/// A name of this test run.
fn name(of: &str) -> String {
    format!("kube-{of}-{}", std::process::id())
}

const SITE: &str = r#"
name = "testbed"
[scopes.capi]
cloud = "member"
project = "capi-mgmt"
domain = "capi"
[run]
read_below = ["."]
"#;

/// Runs a script for the testbed's project; `{name}` in it is a name of this run.
fn run(of: &str, script: &str) -> (Rig, Ended) {
    let rig = rig();
    let ended = drill(&rig, of, script);
    (rig, ended)
}

fn rig() -> Rig {
    let host = |name: &str, more: &str| {
        let (port, user, key) = (var("SSH_PORT"), var("SSH_USER"), var("SSH_KEY"));
        format!(
            "[hosts.{name}]\naddress = \"127.0.0.1\"\nport = {port}\nuser = \"{user}\"\nidentity_file = \"{key}\"\n{more}"
        )
    };
    let fresh = host("fresh", "host_keys = \"pin-once\"\n");
    let strict = host("strict", "known_hosts = \"none_yet\"\n");
    let rig = Rig::new(&format!("{SITE}{fresh}{strict}"));
    rig.file("clouds.yaml", &fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap());
    rig
}

fn drill(rig: &Rig, of: &str, script: &str) -> Ended {
    let text = script.replace("{name}", &name(of)).replace("{site}", &rig.site().display().to_string());
    rig.file("drill.rhai", &text);
    rig.run(&["run", "drill", "--yes"])
}

#[test]
fn a_file_becomes_an_image_and_a_second_one_of_the_name_is_refused() {
    let script = r#"
        runbook("drill", "An image");
        let images = site.scope("capi").images;
        change("1", "Seed", || {
            let path = "{site}/site.toml";
            let image = images.upload("{name}", path, #{ disk_format: "raw", container_format: "bare", kube_version: "v1.34.8" },
                                      #{ every: 1.s, within: 2.min });
            defer("take it away", || image.delete());
            let own = file_sha512(path);
            expect("its bytes are the file's", [image.size, image.os_hash_value], [own.size, own.sha512]);
            expect("its property", image.kube_version, "v1.34.8");
            try { images.upload("{name}", path, #{ disk_format: "raw", container_format: "bare" }); gate("refused", false) }
            catch (e) { expect("kind", e.kind, "conflict"); }
        });
    "#;
    let (_rig, ended) = run("image", script);
    let ended = ended.expect(0);
    assert_eq!(ended.verdicts(), "1 PASS");
}

#[test]
fn an_import_that_fails_says_why_and_its_record_is_known_as_dead() {
    let script = r#"
        runbook("drill", "A bad image");
        let images = site.scope("capi").images;
        change("1", "Seed", || {
            defer("take it away", || images.get("{name}").delete());
            images.upload("{name}", "{site}/site.toml", #{ disk_format: "qcow2", container_format: "bare" },
                          #{ every: 1.s, within: 2.min });
        });
    "#;
    let (_rig, ended) = run("bad", script);
    let ended = ended.expect(i32::from(ErrorKind::Failed.exit_code()));
    assert!(ended.stderr.contains("its import into"), "{}", ended.stderr);
}

#[test]
fn a_network_goes_in_the_order_of_its_dependencies_and_says_who_is_in_the_way() {
    let script = r#"
        runbook("drill", "A network");
        let capi = site.scope("capi");
        change("1", "Make and take apart", || {
            let net = capi.networks.create(#{ name: "{name}" });
            defer("net", || net.delete());
            let subnet = capi.subnets.create(#{ name: "{name}", network_id: net.id, ip_version: 4, cidr: "10.77.0.0/24" });
            let router = capi.routers.create(#{ name: "{name}" });
            defer("router", || router.delete());
            router.add_interface(#{ subnet_id: subnet.id });

            let inside = net.blockers();
            expect("one port", inside.map(|b| [b.type, b.owner, b.subnet_id]), [["port", `interface of router ${router.id}`, subnet.id]]);
            expect("the same for all", [subnet.blockers(), router.blockers()], [inside, inside]);
            for thing in [net, router, subnet] {
                try { thing.delete(); gate("refused", false); }
                catch (e) {
                    expect("kind", e.kind, "conflict");
                    gate("it says who", `${e}`.contains(`interface of router ${router.id}`), `${e}`);
                }
            }
            router.remove_interface(#{ subnet_id: subnet.id });
            expect("nobody is left", [net.blockers(), router.blockers()], [[], []]);
        });
        verify("2", "Limits", || {
            let cores = capi.limits("compute").cores;
            gate("cores", cores.limit != () && cores.used != (), cores);
            let networks = capi.limits("network").network;
            gate("networks", networks.limit != () && networks.used >= 0, networks);
            gate("balancers", capi.limits("load-balancer").load_balancer.limit != ());
        });
    "#;
    let (_rig, ended) = run("net", script);
    let ended = ended.expect(0);
    assert_eq!(ended.verdicts(), "1 PASS, 2 PASS");
}

#[test]
fn a_fresh_host_is_pinned_once_and_a_strict_one_by_its_fingerprint() {
    let rig = rig();
    let hosts =
        r#"runbook("drill", "Host keys"); let fresh = site.host("fresh"); let strict = site.host("strict");"#;
    let refused = |step: &str, words: &str| {
        let ended =
            drill(&rig, "pin", &format!("{hosts}{step}")).expect(i32::from(ErrorKind::Refused.exit_code()));
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert!(ended.sent().is_empty());
    };
    refused(r#"verify("1", "Not known yet", || fresh.query(["true"]));"#, "is not in");
    refused(
        r#"change("1", "Nobody vouches", || strict.pin());"#,
        "nobody vouches for the key of host `strict`",
    );
    let pins = r#"
        change("1", "Known by the key it shows", || {
            expect("pinned", fresh.pin(), fresh.host_key().fingerprint);
            expect("again", fresh.pin(), fresh.host_key().fingerprint);
        });
        change("2", "Known by a fingerprint", || {
            strict.pin(#{ fingerprint: fresh.host_key().fingerprint });
            expect("let in", [fresh.query(["echo", "in"]).stdout, strict.query(["echo", "in"]).stdout], ["in\n", "in\n"]);
        });
    "#;
    let ended = drill(&rig, "pin", &format!("{hosts}{pins}")).expect(0);
    assert_eq!(ended.sent().iter().filter(|s| s.starts_with("pin ")).count(), 2);
    refused(r#"verify("1", "Elsewhere", || fresh.at("localhost").query(["true"]));"#, "is not in");
}

#[test]
fn a_catalog_tells_what_a_cloud_has() {
    let script = r#"
        runbook("drill", "Services");
        verify("1", "Services", || {
            let all = site.scope("capi").services();
            gate("Magnum and no DNS", all.contains("load-balancer") && !all.contains("dns"), all);
        });
    "#;
    assert_eq!(run("services", script).1.expect(0).verdicts(), "1 PASS");
}
