//! What was sent and answered in no way that proves anything: the program against a cloud that is late, silent, or loses
//! what it was given. However a run was cut off, each effect is there once in the end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod rig;
#[path = "stub_cloud/mod.rs"]
mod stub_cloud;

use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rhumb::run::report::EffectOutcome;
use rhumb::run::{Entry, Record};
use rig::{Ended, Rig};
use serde_json::{Value, json};
use stub_cloud::{Seen, StubCloud};

/// An id that differs in its last digits.
fn id(n: usize) -> String {
    format!("11111111-2222-4333-8444-{n:012}")
}

/// What a cloud does with a request for a change.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It is carried out and answered.
    Served,
    /// It is carried out, and a gateway answers.
    AnswerLost,
    /// It is held until the client has gone, and carried out so many milliseconds later.
    Late(u64),
    /// It is held, and never carried out.
    Lost,
    /// A gateway answers, and nothing is carried out.
    Refused,
}

/// Things by their path, in the order of their making.
#[derive(Default)]
struct World {
    things: Vec<(String, Value)>,
    made: usize,
    /// What becomes of the next changes; those behind are served.
    fates: Vec<Fate>,
    /// A thing that is changed or made looks like this from then on.
    becomes: Option<Value>,
    /// Reads of things answer this so many times.
    broken: (u16, usize),
    changes: Vec<String>,
}

#[derive(Clone, Default)]
struct Played(Arc<Mutex<World>>);

impl Played {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// The changes that have come, whatever became of them.
    fn changes(&self) -> Vec<String> {
        self.world().changes.clone()
    }

    fn names(&self, path: &str) -> Vec<String> {
        let world = self.world();
        let of = world.things.iter().filter(|(at, _)| at == path);
        of.map(|(_, thing)| thing["name"].as_str().unwrap().to_string()).collect()
    }

    fn answer(&self, seen: &Seen) -> (u16, Value) {
        let path = seen.path.split('?').next().unwrap().to_string();
        if seen.method == "GET" {
            return self.read(&path, &seen.path);
        }
        let fate = {
            let mut world = self.world();
            world.changes.push(format!("{} {path}", seen.method));
            if world.fates.is_empty() { Fate::Served } else { world.fates.remove(0) }
        };
        let hold = |time: u64| {
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(time)));
        };
        match fate {
            Fate::Served => self.world().act(seen, &path),
            Fate::AnswerLost => {
                self.world().act(seen, &path);
                (502, json!({"message": "bad gateway"}))
            }
            Fate::Refused => (502, json!({"message": "bad gateway"})),
            Fate::Late(after) => {
                let (this, seen, path) = (self.clone(), seen.clone(), path);
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(after));
                    this.world().act(&seen, &path);
                });
                hold(after + 20_000);
                (504, Value::Null)
            }
            Fate::Lost => {
                hold(20_000);
                (504, Value::Null)
            }
        }
    }

    fn read(&self, path: &str, whole: &str) -> (u16, Value) {
        let mut world = self.world();
        let (collection, key, item) = collection(path);
        if collection.is_empty() {
            return (200, json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}}));
        }
        if world.broken.1 > 0 {
            world.broken.1 -= 1;
            return (world.broken.0, json!({"message": "broken"}));
        }
        let wanted = path.rsplit('/').next().unwrap();
        let all: Vec<&Value> =
            world.things.iter().filter(|(at, _)| at == collection).map(|(_, t)| t).collect();
        if path.ends_with(collection) || path.ends_with("/detail") {
            let named = |t: &&&Value| {
                let name = whole.split("name=").nth(1).and_then(|n| n.split('&').next());
                name.is_none_or(|name| t["name"] == name.trim_start_matches("%5E").trim_end_matches("%24"))
            };
            return (200, json!({ key: all.iter().filter(named).collect::<Vec<_>>() }));
        }
        match all.iter().find(|t| t["id"] == wanted || t["uuid"] == wanted) {
            Some(thing) => (200, if item.is_empty() { (*thing).clone() } else { json!({ item: thing }) }),
            None => (404, json!({"message": "no such thing"})),
        }
    }
}

/// The collection that a path is of, and its keys.
fn collection(path: &str) -> (&'static str, &'static str, &'static str) {
    let all = [
        ("/network/v2.0/networks", "networks", "network"),
        ("/lb/v2/lbaas/loadbalancers", "loadbalancers", "loadbalancer"),
        ("/compute/v2.1/servers", "servers", "server"),
        ("/image/v2/images", "images", ""),
        ("/magnum/v1/clusters", "clusters", ""),
    ];
    all.into_iter().find(|(at, ..)| path.starts_with(at)).unwrap_or_default()
}

impl World {
    fn act(&mut self, seen: &Seen, path: &str) -> (u16, Value) {
        let (at, _, item) = collection(path);
        let target =
            path.trim_start_matches(at).trim_start_matches('/').split('/').next().unwrap_or_default();
        let found =
            self.things.iter().position(|(of, t)| of == at && (t["id"] == target || t["uuid"] == target));
        match (seen.method.as_str(), found) {
            ("POST", _) if path == at => {
                self.made += 1;
                let mut thing = if item.is_empty() { seen.body.clone() } else { seen.body[item].clone() };
                if thing["id"].is_null() {
                    thing["id"] = id(self.made).into();
                }
                thing["uuid"] = thing["id"].clone();
                thing["created_at"] = Timestamp::now().to_string().into();
                if at.ends_with("images") {
                    thing["status"] = "queued".into();
                }
                self.things.push((at.to_string(), thing.clone()));
                self.change(self.things.len() - 1);
                let code = if at.ends_with("clusters") { 202 } else { 201 };
                (code, if item.is_empty() { thing } else { json!({ item: thing }) })
            }
            (_, None) => (404, json!({"message": "no such thing"})),
            ("DELETE", Some(n)) => {
                self.things.remove(n);
                (204, Value::Null)
            }
            ("PUT", Some(n)) if path.ends_with("/stage") => {
                self.things[n].1["status"] = "uploading".into();
                self.things[n].1["size"] = seen.bytes.len().into();
                (204, Value::Null)
            }
            ("POST", Some(n)) if path.ends_with("/import") => {
                self.things[n].1["status"] = "active".into();
                (202, Value::Null)
            }
            (_, Some(n)) => {
                self.change(n);
                (202, Value::Null)
            }
        }
    }

    fn change(&mut self, n: usize) {
        for (key, value) in self.becomes.iter().filter_map(Value::as_object).flatten() {
            self.things[n].1[key] = value.clone();
        }
    }
}

/// A cloud, and a site over it that holds requests for late within this time.
async fn stage(late: &str, runbook: &str) -> (StubCloud, Played, Rig) {
    let played = Played::default();
    let answers = played.clone();
    let cloud = stub_cloud::start(move |seen, _| answers.answer(seen)).await;
    cloud.stage().roles.extend(["admin", "load-balancer_admin"]);
    let rig = Rig::played(&cloud.address.to_string());
    let site = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{site}[run]\nlate_within = \"{late}\"\nread_below = [\".\"]\n"));
    rig.file("it.rhai", &format!("runbook(\"it\", \"It\");\nlet capi = site.scope(\"capi\");\n{runbook}"));
    (cloud, played, rig)
}

/// Runs, and kills the program as soon as something is so.
fn killed_when(rig: &Rig, args: &[&str], is_so: impl Fn(&[Entry]) -> bool) {
    let mut command: Command = rig.command(args);
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so(&rig.journal()) {
        assert!(Instant::now() < end, "it never came to that: {:#?}", rig.journal());
        assert!(child.try_wait().unwrap().is_none(), "it ended: {:#?}", rig.journal().last());
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn intents(entries: &[Entry]) -> usize {
    entries.iter().filter(|e| matches!(e.record, Record::Intent { .. })).count()
}

fn outcomes(ended: &Ended) -> Vec<EffectOutcome> {
    ended.report.steps.iter().flat_map(|s| &s.effects).map(|e| e.outcome).collect()
}

const NETWORK: &str =
    r#"change("1", "Make", || { let made = capi.networks.create(#{ name: "n" }); note(made.id); });"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_create_that_arrives_late_is_waited_for_and_not_sent_again() {
    let (_cloud, played, rig) = stage("8s", NETWORK).await;
    played.world().fates = vec![Fate::Late(3000)];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(played.names("/network/v2.0/networks"), ["n"]);
    assert_eq!(played.changes().len(), 1);
    assert_eq!(outcomes(&resumed), [EffectOutcome::Settled]);
    assert_eq!(resumed.report.steps[0].notes, [id(1)], "the step goes on with what was made");
    assert!(resumed.stdout.contains("a late request may still arrive"), "{}", resumed.stdout);
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_create_that_never_arrives_is_sent_again_when_none_can_arrive_any_more() {
    let (_cloud, played, rig) = stage("3s", NETWORK).await;
    played.world().fates = vec![Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    let began = Instant::now();
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!((played.names("/network/v2.0/networks").len(), played.changes().len()), (1, 2));
    assert_eq!(outcomes(&resumed), [EffectOutcome::NotDone, EffectOutcome::Done]);
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deletion_and_an_update_that_arrive_late_are_waited_for_as_well() {
    for (script, left) in [
        (r#"change("1", "Delete", || capi.networks.get("n").delete());"#, vec![]),
        (
            r#"change("1", "Rename", || { let n = capi.networks.list()[0]; n.update(#{ name: "m" }); });"#,
            vec!["m"],
        ),
    ] {
        let (_cloud, played, rig) = stage("8s", script).await;
        played.world().things = vec![(
            "/network/v2.0/networks".into(),
            json!({"id": id(3), "name": "n", "admin_state_up": true}),
        )];
        played.world().becomes = Some(json!({"name": "m"}));
        played.world().fates = vec![Fate::Late(3000)];
        killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
        let resumed = rig.run(&["resume", "--yes"]).expect(0);
        assert_eq!(played.names("/network/v2.0/networks"), left);
        assert_eq!((played.changes().len(), outcomes(&resumed)), (1, vec![EffectOutcome::Settled]));
        rig.run(&["verify-run", "last"]).expect(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_answer_is_settled_in_the_same_run() {
    let (_cloud, played, rig) = stage("2s", NETWORK).await;
    played.world().fates = vec![Fate::AnswerLost];
    let ended = rig.run(&["run", "it", "--yes"]).expect(0);
    assert_eq!(outcomes(&ended), [EffectOutcome::Settled]);
    rig.run(&["verify-run", "last"]).expect(0);

    let (_cloud, played, rig) = stage("2s", NETWORK).await;
    played.world().fates = vec![Fate::Refused];
    let ended = rig.run(&["run", "it", "--yes"]).expect(10);
    assert!(ended.told().contains("it did not take effect"), "{}", ended.stderr);
    assert!(ended.told().contains("sends it again, once you approve it"), "{}", ended.stderr);
    assert_eq!(outcomes(&ended), [EffectOutcome::NotDone]);
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(outcomes(&resumed), [EffectOutcome::NotDone, EffectOutcome::Done]);
    assert_eq!(played.names("/network/v2.0/networks").len(), 1);
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_there_before_is_not_ours_and_of_two_none_is_guessed() {
    let (_cloud, played, rig) = stage("1s", NETWORK).await;
    let there = |n: usize, at: &str| {
        ("/network/v2.0/networks".to_string(), json!({"id": id(n), "name": "n", "created_at": at}))
    };
    played.world().things = vec![there(90, "2020-01-01T00:00:00Z")];
    played.world().fates = vec![Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(played.changes().len(), 2, "the old one is no proof");

    let (_cloud, played, rig) = stage("1s", NETWORK).await;
    played.world().fates = vec![Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    let now = Timestamp::now().to_string();
    played.world().things = vec![there(91, &now), there(92, &now)];
    let ended = rig.run(&["resume", "--yes"]).expect(1);
    assert!(ended.told().contains(&id(91)) && ended.told().contains(&id(92)), "{}", ended.stderr);
    assert_eq!(played.changes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_that_finds_nothing_to_do_looks_at_what_it_left_in_doubt() {
    let script = r#"change("1", "Make", || {
        if capi.servers.find("enough") != () { skip("there is one"); }
        capi.networks.create(#{ name: "n" });
    });"#;
    let (_cloud, played, rig) = stage("1s", script).await;
    played.world().fates = vec![Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    played.world().things = vec![("/compute/v2.1/servers".into(), json!({"id": id(7), "name": "enough"}))];
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(outcomes(&resumed), [EffectOutcome::NotDone], "no network was made, and none is reported");
    rig.run(&["verify-run", "last"]).expect(0);
}

const UPLOAD: &str = r#"change("1", "Seed", || {
    capi.images.upload("i", "SITE/disk.raw", #{ disk_format: "raw", container_format: "bare" }, #{ every: 1.s });
});"#;

fn with_a_file(rig: &Rig) {
    let script = std::fs::read_to_string(rig.site().join("it.rhai")).unwrap();
    rig.file("it.rhai", &script.replace("SITE", &rig.site().display().to_string()));
    rig.file("disk.raw", &"x".repeat(4096));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upload_that_was_killed_goes_on_and_one_that_is_stuck_is_made_anew() {
    let staged = |played: &Played| played.changes().iter().any(|c| c.ends_with("/stage"));
    // the bytes came to nothing, and Glance takes them again
    let (_cloud, played, rig) = stage("1s", UPLOAD).await;
    with_a_file(&rig);
    played.world().fates = vec![Fate::Served, Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| staged(&played));
    let began = Instant::now();
    rig.run(&["resume", "--yes"]).expect(0);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(played.names("/image/v2/images"), ["i"]);

    // the server died with a part of them: such an image takes no bytes any more
    let (_cloud, played, rig) = stage("1s", UPLOAD).await;
    with_a_file(&rig);
    played.world().fates = vec![Fate::Served, Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| staged(&played));
    played.world().things[0].1["status"] = "uploading".into();
    let asked = rig.run(&["resume", "--approve", "step:1"]).expect(4);
    assert!(asked.told().contains("delete image"), "it destroys, and is asked for: {}", asked.stderr);
    // killed once more in the transfer to the new one, which is stuck as well
    played.world().fates = vec![Fate::Served, Fate::Served, Fate::Lost];
    let before = played.changes().len();
    killed_when(&rig, &["resume", "--yes"], |_| played.changes().len() == before + 3);
    assert_eq!(played.names("/image/v2/images"), ["i"]);
    played.world().things[0].1["status"] = "uploading".into();
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    let changes = played.changes();
    let deleted = changes.iter().filter(|c| c.starts_with("DELETE /image/v2/images/")).count();
    assert_eq!(deleted, 2, "{changes:?}");
    assert_eq!(played.world().things[0].1["status"], "active");
    assert_eq!(played.names("/image/v2/images"), ["i"]);
    assert_eq!(resumed.verdicts(), "1 PASS");
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_image_is_looked_for_by_the_id_that_the_run_chose() {
    let (_cloud, played, rig) = stage("2s", UPLOAD).await;
    with_a_file(&rig);
    played.world().fates = vec![Fate::Late(500)];
    killed_when(&rig, &["run", "it", "--yes"], |_| !played.changes().is_empty());
    // another one of the name, made in the same moment
    let other =
        json!({"id": id(9), "name": "i", "status": "active", "created_at": Timestamp::now().to_string()});
    played.world().things.push(("/image/v2/images".into(), other));
    rig.run(&["resume", "--yes"]).expect(0);
    let changes = played.changes();
    assert_eq!(changes.iter().filter(|c| *c == "POST /image/v2/images").count(), 1, "{changes:?}");
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_made_and_is_gone_is_made_anew() {
    let (_cloud, played, rig) = stage("1s", UPLOAD).await;
    with_a_file(&rig);
    played.world().fates = vec![Fate::Served, Fate::Lost];
    killed_when(&rig, &["run", "it", "--yes"], |_| played.changes().len() == 2);
    played.world().things.clear();
    rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(played.names("/image/v2/images"), ["i"]);
    rig.run(&["verify-run", "last"]).expect(0);
}

const BALANCER: &str = "/lb/v2/lbaas/loadbalancers";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failover_that_failed_is_sent_again() {
    let script = r#"change("1", "Fail over", || {
        let lb = capi.load_balancers.get("lb");
        lb.failover();
        poll(#{ title: "it is back", every: 1.s, within: 1.min, read: || lb.refresh(),
                done: |lb| lb.provisioning_status == "ACTIVE", failed: |lb| lb.provisioning_status == "ERROR" });
    });"#;
    let (_cloud, played, rig) = stage("1s", script).await;
    let lb = json!({"id": id(5), "name": "lb", "provisioning_status": "ACTIVE"});
    played.world().things = vec![(BALANCER.into(), lb)];
    played.world().becomes = Some(json!({"provisioning_status": "ERROR"}));
    let failed = rig.run(&["run", "it", "--yes"]).expect(1);
    assert_eq!(outcomes(&failed), [EffectOutcome::Done]);
    played.world().becomes = Some(json!({"provisioning_status": "ACTIVE"}));
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(outcomes(&resumed), [EffectOutcome::Broken, EffectOutcome::Done]);
    assert_eq!(played.changes().len(), 2);
    rig.run(&["verify-run", "last"]).expect(0);
}

const CLUSTER: &str = r#"
    change("1", "Make", || {
        let there = capi.clusters.find("c");
        if there != () { gate("it can be gone on with", there.status != "CREATE_FAILED", #{ help: "remove it" }); }
        capi.clusters.ensure("c", #{ node_count: 1 });
    });
    let cluster = verify("2", "It is there", || {
        let seen = capi.clusters.get("c");
        gate("it is made", seen.status == "CREATE_COMPLETE", seen.status);
        seen
    });
    change("3", "Remove", || {
        note(cluster.uuid);
        capi.clusters.get("c").delete();
        poll(#{ title: "it is gone", every: 1.s, within: 1.min, read: || capi.clusters.find("c"), done: |c| c == () });
        gate("later", site.extra.ok);
    });
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_whose_creation_failed_is_told_and_made_anew_once_it_is_removed() {
    let (_cloud, played, rig) = stage("1s", CLUSTER).await;
    played.world().becomes = Some(json!({"status": "CREATE_FAILED"}));
    rig.run(&["run", "it", "--yes"]).expect(3);
    let told = rig.run(&["resume", "--yes"]).expect(3);
    assert!(told.stdout.contains("step 1 runs again, once it is removed"), "{}", told.stdout);
    let in_the_way = told.report.step("1").unwrap().verdict.clone().unwrap().to_string();
    assert!(in_the_way.contains("it can be gone on with"), "the step that makes it says it: {in_the_way}");
    assert_eq!(played.changes().len(), 1);

    played.world().things.clear();
    played.world().becomes = Some(json!({"status": "CREATE_COMPLETE"}));
    let site = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{site}[extra]\nok = true\n"));
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(resumed.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_has_removed_something_goes_on_without_it() {
    let (_cloud, played, rig) = stage("1s", CLUSTER).await;
    played.world().becomes = Some(json!({"status": "CREATE_COMPLETE"}));
    rig.run(&["run", "it", "--yes"]).expect(8); // no [extra] yet: as a kill while it waits
    assert!(played.names("/magnum/v1/clusters").is_empty());
    let site = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{site}[extra]\nok = true\n"));
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(resumed.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert_eq!(played.changes().len(), 2, "{:?}", played.changes());
    let notes = |n: usize| resumed.report.steps[n].notes.clone();
    assert!(notes(2).contains(&id(1)), "its value is had from the journal: {:?}", notes(2));
    rig.run(&["verify-run", "last"]).expect(0);

    // killed right behind the intent of the deletion, which is carried out
    let (_cloud, played, rig) = stage("1s", &CLUSTER.replace("gate(\"later\", site.extra.ok);", "")).await;
    played.world().becomes = Some(json!({"status": "CREATE_COMPLETE"}));
    played.world().fates = vec![Fate::Served, Fate::Late(10)];
    killed_when(&rig, &["run", "it", "--yes"], |entries| {
        intents(entries) == 2 && played.world().things.is_empty()
    });
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(resumed.verdicts(), "1 PASS, 2 PASS, 3 PASS");
    assert_eq!(played.changes().len(), 2, "{:?}", played.changes());
    rig.run(&["verify-run", "last"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_look_that_fails_is_no_rest() {
    let script = r#"change("1", "Fail over", || {
        capi.load_balancers.get("lb").failover();
        gate("later", site.extra.ok);
    });"#;
    let (_cloud, played, rig) = stage("1s", script).await;
    let lb = json!({"id": id(5), "name": "lb", "provisioning_status": "ACTIVE"});
    played.world().things = vec![(BALANCER.into(), lb)];
    played.world().becomes = Some(json!({"provisioning_status": "PENDING_UPDATE"}));
    rig.run(&["run", "it", "--yes"]).expect(8);
    let site = std::fs::read_to_string(rig.site().join("site.toml")).unwrap();
    rig.file("site.toml", &format!("{site}[extra]\nok = true\n"));

    // what no waiting mends ends the run, and says what could not be seen
    played.world().broken = (400, 1000);
    let blind = rig.run(&["resume", "--yes"]).expect(1);
    assert!(blind.told().contains("was changed before the cut, and cannot be looked at"), "{}", blind.stderr);
    assert!(blind.told().contains("rhumb resume"), "{}", blind.stderr);

    // a service that is away for the moment is waited for, in sight
    played.world().broken = (503, 5);
    let then = played.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(9));
        then.world().things[0].1["provisioning_status"] = "ACTIVE".into();
    });
    let resumed = rig.run(&["resume", "--yes"]).expect(0);
    assert_eq!(played.changes().len(), 1);
    assert!(resumed.stdout.contains("comes to rest"), "{}", resumed.stdout);
    rig.run(&["verify-run", "last"]).expect(0);
}
