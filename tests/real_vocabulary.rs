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

/// Runs a script for the testbed's project; `{name}` in it is a name of this run.
fn run(of: &str, script: &str) -> (Rig, Ended) {
    let rig = Rig::new(
        "name = \"testbed\"\n[scopes.capi]\ncloud = \"member\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n",
    );
    rig.file("clouds.yaml", &fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap());
    let text = script.replace("{name}", &name(of)).replace("{site}", &rig.site().display().to_string());
    rig.file("drill.rhai", &text);
    let ended = rig.run(&["run", "drill", "--yes"]);
    (rig, ended)
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
