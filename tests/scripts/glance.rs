//! Images, as scripts upload them.

use std::sync::{Arc, Mutex};

use rhumb::base::ErrorKind;
use rhumb::run::{Mode, Past, Record};
use serde_json::{Value, json};

use crate::site::{SiteDir, runtime};
use crate::stage::{Outcome, Stage};
use crate::stub_cloud::{self, Seen, StubCloud};

/// What Glance does with an import.
#[derive(Clone, Copy, PartialEq)]
enum Import {
    Works,
    Fails,
}

/// A Glance that holds these images, and takes an import two looks later.
struct Rig {
    cloud: StubCloud,
    site: SiteDir,
    _runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

const BYTES: &str = "the bytes of an image";

fn glance(there: Value, import: Import) -> Rig {
    let runtime = runtime();
    let images: Arc<Mutex<Vec<Value>>> = Arc::new(Mutex::new(there.as_array().unwrap().clone()));
    let cloud = runtime.block_on(stub_cloud::start(move |seen: &Seen, _| {
        let mut images = images.lock().unwrap();
        let path = seen.path.split('?').next().unwrap().to_string();
        let words: Vec<&str> = path.split('/').filter(|s| !matches!(*s, "" | "image" | "v2")).collect();
        let of = |id: &str| images.iter().position(|i| i["id"] == id).unwrap();
        match (seen.method.as_str(), words.as_slice()) {
            ("GET", []) => (300, json!({"versions": [{"id": "v2.16", "status": "CURRENT"}]})),
            ("GET", ["images"]) => (200, json!({"images": *images})),
            ("POST", ["images"]) => {
                let mut made = seen.body.clone();
                made["id"] = "0f968008-8429-4ac3-8b82-452e126982cf".into();
                made["status"] = "queued".into();
                images.push(made.clone());
                (201, made)
            }
            ("PUT", ["images", id, "stage"]) => {
                let at = of(id);
                images[at]["status"] = "uploading".into();
                (204, Value::Null)
            }
            ("POST", ["images", id, "import"]) => {
                let at = of(id);
                images[at]["status"] = "importing".into();
                (202, Value::Null)
            }
            ("GET", ["images", id, "tasks"]) => {
                (200, json!({"tasks": [{"id": "t", "image_id": id, "status": "failure", "message": "qemu-img: bad magic"}]}))
            }
            ("GET", ["images", id]) => {
                let at = of(id);
                let seen = images[at].clone();
                if images[at]["status"] == "importing" {
                    match import {
                        Import::Works => images[at]["status"] = "active".into(),
                        Import::Fails => {
                            images[at]["status"] = "queued".into();
                            images[at]["os_glance_failed_import"] = "ceph".into();
                        }
                    }
                }
                (200, seen)
            }
            other => panic!("{other:?}"),
        }
    }));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("image.qcow2"), BYTES).unwrap();
    let site = SiteDir::of_cloud(cloud.address);
    Rig { cloud, site, _runtime: runtime, dir }
}

impl Rig {
    fn stage(&self) -> Stage {
        let path = self.dir.path().join("image.qcow2");
        let script = format!(
            r#"change("8.0", "Seed the image", || {{
                let image = site.scope("capi").images.upload("ubuntu", "{}", #{{
                    disk_format: "qcow2", container_format: "bare", kube_version: "v1.34.8" }}, #{{ every: 15.s }});
                expect("status", image.status, "active");
                expect("property", image.kube_version, "v1.34.8");
                image
            }});"#,
            path.display()
        );
        Stage { site: self.site.load(), ..Stage::new(&script) }
    }

    fn run(&self) -> Outcome {
        self.stage().run()
    }
}

#[test]
fn a_file_becomes_an_image_in_three_journaled_changes() {
    let rig = glance(json!([]), Import::Works);
    let outcome = rig.run();
    assert_eq!(outcome.verdicts(), "8.0 PASS", "{}", outcome.drawn);
    let intents: Vec<_> = outcome.report.steps[0].effects.iter().map(|e| e.intent.clone()).collect();
    let summaries: Vec<&str> = intents.iter().map(|i| i.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["create image ubuntu", "send bytes to image ubuntu (0f968008…)", "import image ubuntu (0f968008…)"]
    );
    assert_eq!(intents[1].body["size"], BYTES.len());
    let staged = &rig.cloud.seen("/stage")[0];
    assert_eq!(
        (&staged.bytes[..], staged.content_type.as_str()),
        (BYTES.as_bytes(), "application/octet-stream")
    );
    assert_eq!(rig.cloud.seen("/import")[0].body, json!({"method": {"name": "glance-direct"}}));
    assert_eq!(outcome.elapsed.as_secs(), 15);
}

#[test]
fn a_failed_import_fails_the_step_with_the_words_of_its_task() {
    let rig = glance(json!([]), Import::Fails);
    let outcome = rig.run();
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("its import into ceph failed: qemu-img: bad magic"), "{error}");
    assert_eq!(outcome.elapsed.as_secs(), 15, "long before its deadline");
}

#[test]
fn a_dead_record_of_the_name_is_not_the_image() {
    let dead =
        json!([{"id": "dead-1", "name": "ubuntu", "status": "queued", "os_glance_failed_import": "ceph"}]);
    let rig = glance(dead, Import::Works);
    let error = rig.run().error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("image dead-1 is dead: its import into ceph failed: qemu-img: bad magic"),
        "{text}"
    );
    assert!(error.detail().help.as_deref().unwrap().contains("delete what is dead"));
    assert!(rig.cloud.seen("/images").iter().all(|s| s.method == "GET"));
    let outcome = Stage {
        site: rig.site.load(),
        ..Stage::new(
            r#"verify("1", "T", || {
            let image = site.scope("capi").images.find("ubuntu");
            gate("it is told", image.failure().contains("bad magic"), image.failure());
        });"#,
        )
    }
    .run();
    assert_eq!(outcome.verdicts(), "1 PASS", "{}", outcome.drawn);
}

#[test]
fn an_upload_that_was_cut_goes_on_from_where_it_was() {
    let rig = glance(json!([]), Import::Works);
    let first = rig.run();
    assert_eq!(first.verdicts(), "8.0 PASS", "{}", first.drawn);
    // cut behind the third intent: the import is in doubt
    let mut intents = 0;
    let entries: Vec<_> = first
        .entries
        .iter()
        .take_while(|e| {
            intents += usize::from(matches!(&e.record, Record::Intent { .. }));
            intents < 3 || matches!(&e.record, Record::Intent { .. })
        })
        .cloned()
        .collect();
    let again = Stage { past: Past::of(&entries), mode: Mode::Run, ..rig.stage() }.run();
    assert_eq!(again.verdicts(), "8.0 PASS", "{}", again.drawn);
    assert_eq!((rig.cloud.seen("/stage").len(), rig.cloud.seen("/import").len()), (1, 1));
    assert_eq!(
        rig.cloud.seen("/images").iter().filter(|s| s.method == "POST").count(),
        2,
        "create and import"
    );
}
