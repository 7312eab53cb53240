use serde_json::json;

use super::*;

const WAIVERS: &str = r#"
[[waivers]]
gate = "https://10.12.4.* answers"
runbook = "phase-08"
step = "D-011.2"
reason = "Horizon is behind a new certificate"
owner = "j.doe"
expires = 2026-06-30

[[waivers]]
gate = "a host has room"
reason = "one host is down"
owner = "j.doe"
expires = "2026-01-31"
"#;

const ISSUES: &str = r#"
[[issues]]
id = "D-042"
title = "The driver asks for an API version that is no longer served"
signature = { health_status = "UNHEALTHY", "health_status_reason.infrastructure" = "Infrastructure resource not found*" }
applies_to = { driver_version = "<1.4.0" }

[[issues]]
id = "L-7"
title = "An old one"
signature = "*no route to container space*"
expires = 2026-05-01
"#;

fn excuses() -> Excuses {
    Excuses {
        waivers: Waiver::parse("waivers.toml", WAIVERS).unwrap(),
        known_issues: KnownIssue::parse("known-issues.toml", ISSUES).unwrap(),
    }
}

/// The excuse for a failure on 10 June 2026, in a word.
fn word(claim: &str, step: &str, evidence: &Value, driver: Option<&str>) -> &'static str {
    let version = |name: &str| (name == "driver_version").then(|| driver.map(String::from)).flatten();
    let now = "2026-06-10T02:00:00Z".parse().unwrap();
    let failure = Failure { runbook: "phase-08", step, claim, evidence, version: &version, now };
    match excuses().find(&failure) {
        None => "none",
        Some(Excuse::Known(issue)) if issue.id == "D-042" => "D-042",
        Some(Excuse::Known(_)) => "another",
        Some(Excuse::Waived(_)) => "waived",
        Some(Excuse::NoLongerKnown(_)) => "no longer known",
        Some(Excuse::NoLongerWaived(_)) => "no longer waived",
    }
}

#[test]
fn a_waiver_covers_its_gate_in_its_step_until_its_last_day() {
    let none = &Value::Null;
    assert_eq!(word("https://10.12.4.58 answers", "D-011.2", none, None), "waived");
    assert_eq!(word("https://10.12.4.58 answers", "D-011.3", none, None), "none");
    assert_eq!(word("https://10.13.4.58 answers", "D-011.2", none, None), "none");
    assert_eq!(word("a host has room", "5.2", none, None), "no longer waived");
}

#[test]
fn a_waiver_holds_on_its_last_day_and_not_on_the_next() {
    let at = |now: &str| {
        let (version, evidence) = (|_: &str| None, Value::Null);
        let now = now.parse().unwrap();
        let claim = "https://10.12.4.58 answers";
        let failure = Failure {
            runbook: "phase-08",
            step: "D-011.2",
            claim,
            evidence: &evidence,
            version: &version,
            now,
        };
        excuses().find(&failure).unwrap().holds()
    };
    assert!(at("2026-06-30T23:59:59Z"));
    assert!(!at("2026-07-01T00:00:00Z"));
}

#[test]
fn a_known_issue_needs_its_signature_and_a_version_that_has_it() {
    let reason = json!({"infrastructure": "Infrastructure resource not found.", "cluster": "Ready"});
    let evidence = json!({"health": {"health_status": "UNHEALTHY", "health_status_reason": reason}});
    assert_eq!(word("Magnum's view is explained", "6", &evidence, Some("1.3.0")), "D-042");
    assert_eq!(word("Magnum's view is explained", "6", &evidence, Some("1.4.0")), "none");
    assert_eq!(word("Magnum's view is explained", "6", &evidence, None), "none");
    let other = json!({"health_status": "UNHEALTHY", "health_status_reason": {}});
    assert_eq!(word("Magnum's view is explained", "6", &other, Some("1.3.0")), "none");
    assert_eq!(word("x", "6", &json!(["error: no route to container space (113)"]), None), "no longer known");
}

#[test]
fn bad_entries_are_refused_at_their_place() {
    let waiver = |text: &str| Waiver::parse("waivers.toml", text).unwrap_err();
    let place = |e: &crate::base::Error| e.detail().place.as_ref().unwrap().to_string();
    let e = waiver("[[waivers]]\ngate = \"*\"\nreason = \"x\"\nowner = \"y\"\nexpires = 2026-01-01");
    assert_eq!(
        (e.to_string().as_str(), place(&e).as_str()),
        ("`waivers[0].gate` would waive every gate", "waivers.toml:2:8")
    );
    let e = waiver("[[waivers]]\ngate = \"x\"\nreason = \"x\"\nowner = \"y\"\nexpires = \"soon\"");
    assert_eq!(
        (e.to_string().as_str(), place(&e).as_str()),
        ("`waivers[0].expires` is not a day", "waivers.toml:5:11")
    );
    let e = waiver("[[waivers]]\ngate = \"x\"\nreason = \"x\"\nexpires = 2026-01-01");
    assert_eq!(
        (e.to_string().as_str(), place(&e).as_str()),
        ("`waivers[0]` has no `owner`", "waivers.toml:1:1")
    );
    let e = waiver("[[waiver]]\n");
    assert_eq!(e.detail().help.as_deref(), Some("did you mean `waivers`?"));
    let issue = |text: &str| KnownIssue::parse("known-issues.toml", text).unwrap_err().to_string();
    assert_eq!(
        issue("[[issues]]\nid = \"x\"\ntitle = \"x\"\nsignature = \"*\""),
        "`issues[0].signature` is like every evidence"
    );
}
