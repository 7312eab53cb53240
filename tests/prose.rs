//! `rhumb show`: what an operator reads before anything else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use rhumb::script::prose::{ClaimKind, Look, Prose};
use rhumb::site::{Layers, ScriptKind, Values};

mod rig;

use rig::Rig;

/// Every shipped runbook with the shipped values.
fn shipped() -> Vec<Prose> {
    let listed = Layers::new(None, None).unwrap().list().unwrap();
    listed.iter().filter(|l| l.kind == ScriptKind::Runbook).map(|l| named(&l.name)).collect()
}

fn named(name: &str) -> Prose {
    let layers = Layers::new(None, None).unwrap();
    let values = Values::shipped(&layers, &[]).unwrap();
    let value = |name: &str| values.get(name).ok().flatten().map(|s| s.value.to_string());
    Prose::with(&layers, name, &value).unwrap()
}

#[test]
fn every_step_of_every_shipped_runbook_says_why() {
    let all = shipped();
    assert!(all.len() >= 7);
    for runbook in &all {
        for step in &runbook.steps {
            assert!(step.why.len() > 30, "{} {}: {:?}", runbook.name, step.id, step.why);
        }
    }
}

#[test]
fn every_change_is_said_in_the_words_of_its_system() {
    for runbook in shipped() {
        for step in runbook.steps.iter().filter(|s| s.kind == "change") {
            let place = format!("{} {}: {:?}", runbook.name, step.id, step.changes);
            assert!(!step.changes.is_empty(), "{place}");
            for change in &step.changes {
                assert!(change.ends_with(')') && !change.contains("what is found"), "{place}");
            }
        }
    }
    let changes = |runbook: &str, step: &str| named(runbook).step(step).unwrap().changes.clone();
    assert_eq!(changes("restart", "5.1"), ["deletes a server (Nova)"]);
    assert_eq!(changes("restart", "5.2"), ["fails over a load balancer (Octavia)"]);
    let disks = changes("stuck-delete", "7.2");
    assert_eq!(disks, ["deletes a snapshot of a volume (Cinder)", "deletes a volume (Cinder)"]);
}

#[test]
fn what_must_hold_is_read_from_the_script_and_from_the_functions_it_calls() {
    let restart = named("restart");
    let step = restart.step("5.2").unwrap();
    let claims = |kind: ClaimKind| step.claims.iter().filter(move |c| c.kind == kind);
    let room = claims(ClaimKind::Gate).find(|c| c.text == "a host has room for one more amphora").unwrap();
    assert_eq!(room.by.as_deref(), Some("octavia::failover_with_room"));
    let wait = claims(ClaimKind::Wait).next().unwrap();
    assert_eq!(wait.within.as_deref(), Some("10m"), "{wait:?}");
    assert_eq!((step.needs.as_slice(), step.at_most), (&["4".to_string()][..], Some((600.0, true))));
    assert!(step.when.as_deref() == Some("!broken.is_empty()") && step.goes_on);
    // a run knows what stands in the brackets; the text knows everything else
    let seen =
        named("phase-08").step("8.3.1").unwrap().claims.iter().map(|c| c.text.clone()).collect::<Vec<_>>();
    assert!(seen.contains(&"what keeps nodes from work: none".to_string()), "{seen:?}");
}

#[test]
fn a_page_fits_its_terminal_and_breaks_nothing_that_is_copied() {
    for runbook in shipped() {
        for width in [60, 80, 120] {
            let page = runbook.draw(Look { width, colours: false });
            for line in page.lines() {
                let one_word = line.split_whitespace().count() <= 2;
                assert!(line.chars().count() <= width || one_word, "{} at {width}: {line}", runbook.name);
            }
            let whys = runbook.steps.iter().map(|s| s.why.as_str());
            for word in whys.flat_map(str::split_whitespace) {
                assert!(page.contains(word), "{} at {width}: {word} is broken", runbook.name);
            }
        }
    }
    let page = named("phase-08").draw(Look { width: 80, colours: false });
    assert!(page.contains("`openstack coe cluster delete`"), "{}", &*page);
}

#[test]
fn a_site_shows_its_own_values_and_overrides() {
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt");
    let rig = Rig::new("name = \"elsewhere\"\n");
    let page = rig.run(&["show", "phase-08", "--site", site]).expect(0).stdout;
    for seen in ["keypair capi-mgmt-key is this user's", "something runs after its body", "phase-08.rhai:8:1"]
    {
        assert!(page.contains(seen), "{seen}: {page}");
    }
    let data = rig.run(&["show", "phase-08", "D-011.2", "--json", "--site", site]).expect(0).stdout;
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["goes_on"], true);
    assert_eq!(data["claims"][0]["text"], "the site names the core services");
}

#[test]
fn what_a_failed_run_did_not_reach_is_listed_as_not_reached() {
    let rig = Rig::new("name = \"elsewhere\"\n");
    let dead = "at = \"0s\", do = { host_down = \"compute\" }";
    let site = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sites/roosevelt");
    let ended = rig.run(&["rehearse", "lb-failover", "--site", site, "--fault", dead]).expect(3);
    let told = &ended.stdout;
    assert!(told.contains("Not reached") && told.contains("; 1 not reached"), "{told}");
    let state = rig.state().join("rehearsals").display().to_string();
    let shown =
        |form: &str| rig.run(&["show-run", "last", "--as", form, "--site", site, "--state-dir", &state]);
    for form in ["terminal", "markdown", "html"] {
        let text = shown(form).expect(0).stdout;
        assert!(text.contains("Not reached") && text.contains("None is broken"), "{form}: {text}");
    }
    let data: serde_json::Value = serde_json::from_str(&shown("json").expect(0).stdout).unwrap();
    assert_eq!(data["summary"]["not_reached"][0]["step"], "3");
    assert_eq!(data["not_reached"][0]["title"], "None is broken");
    let refused = shown("acceptance").expect(2);
    assert!(
        refused.told().contains("has no acceptance summary"),
        "this runbook takes no bar: {}",
        refused.stderr
    );
}

#[test]
fn a_step_says_how_long_it_usually_takes_where_it_has_run() {
    let rig = Rig::new("name = \"here\"\n");
    rig.file(
        "mine.rhai",
        "//! Mine.\nrunbook(\"mine\", \"Mine\");\nverify(\"1\", \"Look\", || gate(\"it holds\", true));\n",
    );
    let before = rig.run(&["show", "mine"]).expect(0).stdout;
    assert!(before.contains("must hold   it holds") && !before.contains("takes"), "{before}");
    rig.run(&["run", "mine"]).expect(0);
    let after = rig.run(&["show", "mine"]).expect(0).stdout;
    assert!(after.contains("takes       last time"), "{after}");
    // a site file that is broken keeps nobody from reading
    rig.file("site.toml", "name = 7\n");
    let broken = rig.run(&["show", "mine"]).expect(0);
    assert!(broken.stdout.contains("it holds") && broken.stderr.contains("site.toml"), "{}", broken.stderr);
}
