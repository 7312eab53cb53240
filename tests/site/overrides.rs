//! Overrides as an operator makes, checks and reviews them, by the program itself. The shipped scripts are an
//! installed directory, so that a test can bring out a new release of them.

use std::fs;

use rhumb::script::overlay::Surface;
use rhumb::site::Layers;

use crate::directory::golden;
use crate::rig::{Ended, Rig};

const RUNBOOK: &str = r#"//! Counts things.
import "std/tally" as tally;

runbook("count", "Counts things");

verify("1", "Count them", || {
    let n = tally::total([1, 2]);
    expect("total", n, 3);
});

verify("2", "Look again", || {
    note("the shipped look");
    gate("all is well", tally::is_well(site.name), site.name);
});
"#;

const MODULE: &str = r#"//! Totals.

/// The sum of a list.
fn total(list) { list.reduce(|sum, n| (if sum == () { 0 } else { sum }) + n) }

/// Whether a site is well.
fn is_well(name) { name != "ill" }
"#;

struct Shop {
    rig: Rig,
}

impl Shop {
    /// A site over a release of the runbook `count` and the module `std/tally`.
    fn new() -> Self {
        let shop = Shop { rig: Rig::new("name = \"shop\"\nrunbooks = [\"count\"]\n") };
        shop.release(RUNBOOK, MODULE);
        shop
    }

    fn release(&self, runbook: &str, module: &str) {
        let installed = self.rig.site().parent().unwrap().join(".local/share/rhumb");
        fs::create_dir_all(installed.join("runbooks")).unwrap();
        fs::create_dir_all(installed.join("stdlib")).unwrap();
        fs::write(installed.join("runbooks/count.rhai"), runbook).unwrap();
        fs::write(installed.join("stdlib/tally.rhai"), module).unwrap();
    }

    fn run(&self, args: &[&str], exit: i32) -> Ended {
        self.rig.run(args).expect(exit)
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.rig.site().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// What the program printed, with the temporary directory called HOME and the day of today DAY.
    fn told(&self, text: &str) -> String {
        let home = self.rig.site().parent().unwrap().canonicalize().unwrap();
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let text = text.replace(&*home.to_string_lossy(), "HOME").replace(&today, "DAY");
        text.replace(&rhumb::run::who::who(), "WHO")
    }
}

#[test]
fn a_stub_does_what_is_shipped_until_it_is_edited() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2"], 0);
    shop.run(&["override", "std/tally", "is_well"], 0);
    shop.run(&["site", "check"], 0);
    shop.run(&["check"], 0);
    let ran = shop.run(&["run", "count"], 0);
    assert_eq!(ran.verdicts(), "1 PASS, 2 PASS");
    assert!(ran.stdout.contains("the shipped look"), "{}", ran.stdout);
    assert!(ran.stdout.contains("replaced by"), "{}", ran.stdout);

    shop.edit("count.rhai", "original.call()\n", "note(\"ours\");\n    original.call()\n");
    shop.edit("std/tally.rhai", "shipped::is_well(name)", "name != \"shop\" && shipped::is_well(name)");
    let ran = shop.run(&["run", "count"], 3);
    assert!(ran.stdout.contains("ours") && ran.stdout.contains("the shipped look"), "{}", ran.stdout);
    assert_eq!(ran.verdicts(), "1 PASS, 2 FAIL");
    // that the site's own text changed is no drift: it is what the site wants
    assert!(shop.run(&["site", "diff"], 0).stdout.contains("unchanged"));
}

#[test]
fn a_stub_before_or_after_a_step_adds_to_it() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2", "--before"], 0);
    shop.run(&["override", "count", "2", "--after"], 0);
    let ran = shop.run(&["run", "count"], 0);
    let at = |text: &str| ran.stdout.find(text).unwrap_or_else(|| panic!("{text}: {}", ran.stdout));
    assert!(at("to do first") < at("the shipped look") && at("the shipped look") < at("to do afterwards"));
    // both stand in one entry: they were written against one text
    let lock = fs::read_to_string(shop.rig.site().join("overrides.lock.toml")).unwrap();
    assert_eq!(lock.matches("[[overrides]]").count(), 1, "{lock}");
}

#[test]
fn what_cannot_be_overridden_is_told_with_what_can() {
    let shop = Shop::new();
    for (args, what) in [
        (&["override", "count", "3"][..], "it has: total, is_well".replace("total, is_well", "1, 2")),
        (&["override", "cuont", "1"], "did you mean `count`?".into()),
        (&["override", "std/tally", "totall"], "did you mean `total`?".into()),
        (&["override", "std/tally", "total", "--before"], "--before and --after are for steps".into()),
        (&["site", "accept", "count", "1"], "it overrides nothing".into()),
    ] {
        let ended = shop.run(args, 2);
        assert!(ended.stderr.contains(&what), "{args:?}: {}", ended.stderr);
    }
    shop.run(&["override", "count", "1"], 0);
    let again = shop.run(&["override", "count", "1"], 2);
    assert!(again.stderr.contains("count 1 is replaced already"), "{}", again.stderr);
}

#[test]
fn a_new_release_of_an_overridden_step_is_drift_until_it_is_accepted() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2"], 0);
    shop.run(&["override", "std/tally", "total"], 0);
    shop.edit("count.rhai", "original.call()\n", "note(\"ours\");\n");
    shop.release(
        &RUNBOOK.replace(
            "    note(\"the shipped look\");\n",
            "    note(\"a better look\");\n    note(\"and one more\");\n",
        ),
        &MODULE.replace("/// The sum of a list.", "/// The sum of all that is in a list."),
    );
    let checked = shop.run(&["site", "check"], 6);
    assert!(checked.stdout.contains("step 2 of count has changed since"), "{}", checked.stdout);
    // a comment is no reason to look again
    let diff = shop.run(&["site", "diff"], 6);
    golden("overrides_diff", &shop.told(&diff.stdout));
    let json: serde_json::Value =
        serde_json::from_str(&shop.run(&["site", "diff", "--json"], 6).stdout).unwrap();
    assert_eq!(json["overrides"][0]["state"], "changed");
    assert!(json["overrides"][0]["base"]["text"].as_str().unwrap().contains("the shipped look"));
    assert!(json["overrides"][0]["shipped"]["text"].as_str().unwrap().contains("a better look"));

    let accepted = shop.run(&["site", "accept", "count", "2"], 0);
    assert!(accepted.stdout.contains("accepted  count 2"), "{}", accepted.stdout);
    shop.run(&["site", "diff"], 0);
    shop.run(&["site", "check"], 0);
}

#[test]
fn a_renamed_step_fails_the_check_with_its_likely_new_name() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2"], 0);
    shop.release(
        &RUNBOOK.replace("verify(\"2\", \"Look again\"", "verify(\"7.1\", \"Look once more\""),
        MODULE,
    );
    let checked = shop.run(&["site", "check"], 7);
    assert!(checked.stdout.contains("there is no shipped step 2 of count to override"), "{}", checked.stdout);
    assert!(checked.stdout.contains("it is probably `7.1` now"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("[unknown-step]"), "told twice: {}", checked.stdout);
    let refused = shop.run(&["site", "accept"], 6);
    assert!(refused.stderr.contains("it is probably `7.1` now"), "{}", refused.stderr);
    shop.edit("count.rhai", "override_step(\"2\"", "override_step(\"7.1\"");
    let accepted = shop.run(&["site", "accept"], 0);
    assert!(accepted.stdout.contains("accepted  count 7.1") && accepted.stdout.contains("dropped   count 2"));
    shop.run(&["site", "check"], 0);
}

#[test]
fn a_renamed_function_fails_the_check_with_its_likely_new_name() {
    let shop = Shop::new();
    shop.run(&["override", "std/tally", "is_well"], 0);
    let (runbook, module) = (RUNBOOK.replace("is_well", "healthy"), MODULE.replace("is_well", "healthy"));
    shop.release(&runbook, &module);
    let checked = shop.run(&["site", "check"], 7);
    assert!(checked.stdout.contains("no shipped function is_well of std/tally"), "{}", checked.stdout);
    assert!(checked.stdout.contains("it is probably `healthy` now"), "{}", checked.stdout);
}

#[test]
fn a_function_that_replaces_nothing_is_told() {
    let shop = Shop::new();
    shop.rig.file("std/tally.rhai", "fn total(list, start) { start }\n");
    let checked = shop.run(&["site", "check"], 7);
    assert!(checked.stdout.contains("did you mean `total/1`?"), "{}", checked.stdout);
    shop.rig.file("std/tally.rhai", "fn total(list) { half(list) }\nfn half(list) { list }\n");
    // a helper is none, but what `total` was written against is not recorded
    let checked = shop.run(&["site", "check"], 6);
    assert!(checked.stdout.contains("nobody recorded"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("function half"), "{}", checked.stdout);
    shop.run(&["site", "accept"], 0);
    shop.run(&["site", "check"], 0);
}

/// The pieces of Rhai on the page about overrides.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../docs/site-overrides.md");
    page.split("```rhai\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn what_the_page_shows_can_be_copied() {
    let [steps, functions] = documented()[..] else { panic!("two texts are expected") };
    let rig = Rig::new(
        "name = \"copied\"\nrunbooks = [\"park\"]\n[values]\nmgmt_server = \"vm\"\n[scopes.capi-mgmt]\nopenrc = \"openrc\"\n[extra]\nidle = true\n",
    );
    rig.file("openrc", "export OS_AUTH_URL=http://127.0.0.1:1/v3\n");
    rig.file("park.rhai", steps);
    rig.file("std/octavia.rhai", functions);
    rig.run(&["site", "accept"]).expect(0);
    let checked = rig.run(&["site", "check", "--offline"]).expect(0);
    assert!(checked.stdout.contains("overrides  3, each compared"), "{}", checked.stdout);
}

#[test]
fn what_a_site_relies_on_is_declared_or_told() {
    let shop = Shop::new();
    let stable = shop.rig.site().parent().unwrap().join(".local/share/rhumb/stdlib/stable.toml");
    fs::write(&stable, "[steps]\ncount = [\"1\"]\n[functions]\n\"std/tally\" = [\"total/1\"]\n").unwrap();
    shop.run(&["override", "count", "1"], 0);
    shop.run(&["override", "count", "2"], 0);
    shop.rig.file("mine.rhai", "//! Mine.\nimport \"std/tally\" as tally;\nrunbook(\"mine\", \"Mine\");\nverify(\"1\", \"Look\", || gate(\"well\", tally::is_well(site.name), tally::total([1])));\n");
    let checked = shop.run(&["site", "check"], 0);
    assert!(
        checked.stdout.contains("the site overrides the step 2 of count, which may change without notice"),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains("the site calls the function is_well of std/tally, which may"),
        "{}",
        checked.stdout
    );
    assert!(!checked.stdout.contains("step 1 of count, which") && !checked.stdout.contains("function total"));

    let deprecated = "\n[[deprecated]]\nstep = \"count 2\"\nsince = \"0.2.0\"\ninstead = \"count 3\"\nreason = \"the look is a step of its own\"\n";
    fs::write(&stable, fs::read_to_string(&stable).unwrap() + deprecated).unwrap();
    let checked = shop.run(&["site", "check"], 0);
    assert!(
        checked.stdout.contains("step 2 of count, which is deprecated since 0.2.0"),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains("use `count 3` instead: the look is a step of its own"),
        "{}",
        checked.stdout
    );
    // and when it is gone, the list knows what it is called now, however little the two are alike
    let step = "verify(\"3\", \"All is well\", || attest(\"seen\"));\n";
    let (kept, _) = RUNBOOK.split_once("verify(\"2\"").unwrap();
    shop.release(&format!("{kept}{step}"), MODULE);
    let checked = shop.run(&["site", "check"], 7);
    assert!(checked.stdout.contains("it is probably `3` now"), "{}", checked.stdout);
}

#[test]
fn an_override_that_takes_no_parameter_is_told_how_it_is_written() {
    let rig = Rig::new(include_str!("../../examples/sites/roosevelt/site.toml"));
    rig.file("clouds.yaml", include_str!("../../examples/sites/roosevelt/clouds.yaml"));
    rig.file("park.rhai", "// what this site does otherwise\noverride_step(\"1\", || note(\"no\"));\n");
    let ended = rig.run(&["rehearse", "park"]);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert_ne!(ended.exit, 0, "{said}");
    for words in ["does not take one parameter", "park.rhai:2", "|original| ..."] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// What each release has promised to sites, in a file of its name.
#[test]
fn what_a_release_has_promised_holds_or_is_deprecated() {
    let surface = Surface::of(&Layers::new(None, None).unwrap()).unwrap();
    let known: Vec<String> =
        surface.stable.iter().chain(surface.deprecated.keys()).map(ToString::to_string).collect();
    let releases = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/site/surface")).unwrap();
    let mut promises = 0;
    for release in releases {
        let text = fs::read_to_string(release.unwrap().path()).unwrap();
        for promise in text.lines() {
            promises += 1;
            assert!(
                known.iter().any(|k| k == promise),
                "`{promise}` was promised: deprecate it in stdlib/stable.toml"
            );
        }
    }
    assert!(promises > 10);
}

#[test]
fn show_tells_where_each_value_step_and_function_comes_from() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2"], 0);
    shop.run(&["override", "std/tally", "total"], 0);
    let shown = shop.run(&["site", "show", "count", "std/tally"], 0);
    golden("overrides_show", &shop.told(&shown.stdout));
    let json = shop.run(&["site", "show", "--json", "--set", "node_count=7"], 0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let value = json["values"].as_array().unwrap().iter().find(|v| v["name"] == "node_count").unwrap();
    assert_eq!((&value["value"], &value["from"]), (&7.into(), &"--set".into()));
    assert_eq!(json["overrides"].as_array().unwrap().len(), 2);
}

#[test]
fn a_lock_file_that_was_edited_is_refused_with_its_line() {
    let shop = Shop::new();
    shop.run(&["override", "count", "2"], 0);
    shop.edit("overrides.lock.toml", "the shipped look", "another look");
    let checked = shop.run(&["site", "check"], 7);
    assert!(checked.stdout.contains("is not the one of its fingerprint"), "{}", checked.stdout);
    let diff = shop.run(&["site", "diff"], 7);
    assert!(diff.stderr.contains("overrides.lock.toml:12"), "{}", diff.stderr);
}
