//! What a script makes of a secret is a secret, or is refused; `***` is never sent in its place.

use std::fs;

use rhumb::base::Payload;
use rhumb::run::{Mode, Past, Record};
use rhumb::script::value;

use super::rig::Rig;
use super::stage::{Outcome, Stage};

const SECRET: &str = "c4nary-of-a-script";

/// Runs a script in a site whose handles can be made, and behind which nothing answers.
fn run(script: &str) -> Outcome {
    stage(script, &site()).run()
}

fn stage(script: &str, site: &Rig) -> Stage {
    Stage { site: rhumb::site::Site::load(&site.site(), &[]).unwrap(), ..Stage::new(script) }
}

fn site() -> Rig {
    let rig = Rig::new(
        "name = \"s\"\n[scopes.admin]\ncloud = \"stub\"\nproject = \"p\"\ndomain = \"d\"\n[kube.mgmt]\nkubeconfig = \"k\"\n\
         [tools.juju]\nprogram = \"/bin/false\"\n[hosts.capi-mgmt]\naddress = \"127.0.0.1\"\nuser = \"u\"\n",
    );
    let auth =
        "auth_url: http://127.0.0.1:1/v3\n      username: u\n      password: x\n      user_domain_name: d";
    rig.file("clouds.yaml", &format!("clouds:\n  stub:\n    auth:\n      {auth}\n"));
    rig.file("k", "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:1'}\n\
                   contexts:\n- name: c\n  context: {cluster: c, user: u}\nusers:\n- name: u\n  user: {token: t}\n");
    rig
}

/// What came of a script that has `s`, a secret: verdict, and all that was kept and drawn.
fn tried(body: &str) -> (String, String) {
    let outcome = run(&format!(
        "let s = secret(\"c4nary-of-\" + \"a-script\"); change(\"1\", \"Try\", || {{ {body} }});"
    ));
    let kept = serde_json::to_string(&outcome.entries).unwrap();
    let drawn = format!("{kept}{}{:?}", outcome.drawn, outcome.error);
    (outcome.verdicts(), drawn)
}

#[test]
fn what_is_joined_to_a_secret_is_one() {
    for made in [
        "s + \"-x\"",
        "\"x-\" + s",
        "s + s",
        "#{ a: 1, p: s }.to_json()",
        "#{ a: [#{ p: s }] }.to_json()",
        "secret(s)",
        "secret(\"x\") + \"y\"",
    ] {
        let (verdict, kept) = tried(&format!(
            "let t = {made}; gate(\"a secret\", type_of(t) == \"Secret\", type_of(t)); note(t);"
        ));
        assert_eq!(verdict, "1 PASS", "{made}: {kept}");
        assert!(!kept.contains(SECRET) && kept.contains("***"), "{made}: {kept}");
    }
    for made in [
        "let t = \"x\"; t += s;",
        "let t = \"x\"; t.append(s);",
        "let t = s; t += \"x\";",
        "let t = s; t += s;",
    ] {
        let (verdict, kept) = tried(&format!(
            "{made} gate(\"a secret\", type_of(t) == \"Secret\", type_of(t)); fact(\"t\", t);"
        ));
        assert_eq!(verdict, "1 PASS", "{made}: {kept}");
        assert!(!kept.contains(SECRET), "{made}: {kept}");
    }
}

#[test]
fn a_secret_compares_by_its_value_and_never_by_its_mask() {
    for (claim, holds) in [
        (r#"s == secret("c4nary-of-a-script")"#, true),
        (r#"s == "c4nary-of-a-script""#, true),
        (r#""c4nary-of-a-script" == s"#, true),
        (r#"s == "***""#, false),
        (r#"s != "***""#, true),
        (r#"s == secret("another-c4nary")"#, false),
        (r#"unique([s, secret("another-c4nary"), s]).len() == 2"#, true),
    ] {
        let (verdict, kept) = tried(&format!("let same = {claim}; if same != {holds} {{ throw \"wrong\" }}"));
        assert_eq!(verdict, "1 PASS", "{claim}: {kept}");
    }
    for (actual, wanted, verdict) in [
        ("s", "secret(\"another-c4nary\")", "FAIL"),
        ("[s]", "[secret(\"another-c4nary\")]", "FAIL"),
        ("#{ p: s }", "#{ p: secret(\"another-c4nary\") }", "FAIL"),
        ("`${s}`", "`${secret(\"another-c4nary\")}`", "FAIL"),
        ("`${s}`", "\"***\"", "FAIL"),
        ("s", "secret(\"c4nary-of-a-script\")", "PASS"),
        ("[s]", "[secret(\"c4nary-of-a-script\")]", "PASS"),
    ] {
        let (came, kept) = tried(&format!("expect(\"the same\", {actual}, {wanted})"));
        assert!(came.starts_with(&format!("1 {verdict}")), "{actual}, {wanted}: {came}");
        assert!(!kept.contains(SECRET), "{kept}");
    }
}

/// Every way in which Rhai makes a text of a value, and every cut of that text.
const PRINTED: &[&str] = &[
    "`${s}`",
    "`a ${s} b`",
    "s.to_string()",
    "s.to_debug()",
    "[s].to_string()",
    "#{ p: s }.to_string()",
    "`${[s]}`",
    "`${#{ p: s }}`",
    "\"x\" + [s]",
    "`${s}`.to_upper()",
    "{ let t = `${s}`; t.replace(\"*\", \"x\"); t }",
    "`${s}`.sub_string(0, 1)",
    "`a:${s}`.split(\":\")[1]",
    "`${s}`[0]",
    "`${s}` + \"x\"",
    "{ let t = \"x\"; t += `${s}`; t }",
    "{ let t = `${s}`; t.pad(40, 'x'); t }",
    "{ let t = `${s}`; t.crop(1); t }",
    "{ let t = \"\"; for c in `${s}` { t += c; } t }",
    "parse_json(`{\"a\": \"${s}\"}`).a",
];

#[test]
fn a_printed_secret_is_shown_as_a_mask_and_refused_where_it_would_go_out() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("out").display().to_string();
    for printed in PRINTED {
        let (verdict, kept) =
            tried(&format!("let t = {printed}; note(t); fact(\"t\", t); gate(\"shown\", true, t);"));
        assert_eq!(verdict, "1 PASS", "{printed}: {kept}");
        assert!(kept.contains('*') && !kept.contains(rhumb::base::secret::STAND_IN), "{printed}: {kept}");
        assert!(!kept.contains(SECRET), "{printed}: {kept}");
        let sent = [
            format!("write_secret(\"{to}\", `${{t}}`)"),
            "site.tool(\"juju\").query([\"login\", `${t}`])".into(),
            "site.tool(\"juju\").run([\"login\"], #{ stdin: `${t}` })".into(),
            "site.host(\"capi-mgmt\").run([\"login\", `${t}`])".into(),
            "site.scope(\"admin\").servers.create(#{ name: \"x\", user_data: t })".into(),
            "site.scope(\"admin\").request(\"POST\", \"compute\", \"/x\", #{ a: [#{ b: t }] })".into(),
            "site.scope(\"admin\").request(\"GET\", \"compute\", `/x/${t}`)".into(),
            "site.scope(\"admin\").servers.list(#{ name: t })".into(),
            "site.kube(\"mgmt\").apply(#{ apiVersion: \"v1\", kind: \"Secret\", metadata: #{ name: \"x\" }, stringData: #{ a: t } })".into(),
            "probe::http(`http://127.0.0.1:1/${t}`)".into(),
            "secret(`${t}`)".into(),
        ];
        let each = sent.map(|sent| {
            format!(
                "try {{ {sent}; out = true; }} catch (e) {{ expect(\"kind\", e.kind, \"argument\"); \
                 gate(\"why\", e.message.contains(\"a secret was printed\"), e.message); }} \
                 if out {{ throw \"it went out\" }}"
            )
        });
        let (verdict, kept) = tried(&format!("let t = {printed}; let out = false; {}", each.join("\n")));
        assert_eq!(verdict, "1 PASS", "{printed}: {kept}");
    }
    assert!(!fs::exists(&to).unwrap(), "nothing was written");
}

#[test]
fn functions_of_texts_take_no_secret() {
    for made in [
        "s.len()",
        "s.split(\":\")",
        "s.to_upper()",
        "s.replace(\"a\", \"b\")",
        "s.sub_string(0, 1)",
        "s.chars()",
        "s[0]",
        "s.contains(\"c\")",
        "s + 1",
        "s in \"x\"",
        "parse_json(s)",
    ] {
        let (verdict, kept) = tried(&format!("let t = {made};"));
        assert!(verdict.starts_with("1 FAIL"), "{made}: {verdict}");
        assert!(!kept.contains(SECRET), "{made}: {kept}");
    }
}

/// A value that a resume takes from the journal had its secrets masked: what is left is not what was meant.
#[test]
fn a_masked_value_of_a_journal_is_not_sent_after_a_resume() {
    let script = r#"
        let kept = change("1", "Make", || `token ${secret("c4nary-of-a-script")}`);
        change("2", "Use", || site.tool("juju").run(["login", kept]));
    "#;
    let first = run(script);
    let entries: Vec<_> = first
        .entries
        .iter()
        .take_while(|e| !matches!(&e.record, Record::StepBegin { step, .. } if step == "2"))
        .cloned()
        .collect();
    let resumed = Stage { past: Past::of(&entries), mode: Mode::Run, ..stage(script, &site()) }.run();
    let error = resumed.error.unwrap().to_string();
    assert!(error.contains("a secret was printed"), "{error}");
}

#[test]
fn known_secrets_are_masked_in_whatever_a_script_records() {
    let outcome = run(&format!(
        r#"
        secret("{SECRET}");
        let plain = "c4nary-of" + "-a-script";
        change("1", `title ${{plain}}`, || {{
            note(`a ${{plain}}`);
            fact(plain, #{{ "c4nary-of-a-script": [plain] }});
            gate(`claim ${{plain}}`, true, plain);
            defer(`clean ${{plain}}`, || ());
            try {{ throw plain }} catch (e) {{ note(e.to_string()) }}
            plain
        }});
        deferred("2", plain, `decision ${{plain}}`);
        verify("3", "Skip", || skip(plain));
        verify("4", "Stop", || stop(plain));
    "#
    ));
    let kept = serde_json::to_string(&outcome.entries).unwrap();
    assert!(!kept.contains(SECRET) && kept.matches("***").count() > 9, "{kept}");
    assert!(!format!("{}{:?}", outcome.drawn, outcome.error).contains(SECRET));
    let of = &outcome.report;
    for report in [
        rhumb::report::json::render(of).unwrap(),
        rhumb::report::junit::render(of),
        rhumb::report::markdown::render(of),
        rhumb::report::html::render(of).unwrap(),
    ] {
        assert!(!report.contains(SECRET));
    }
}

/// Every record, with a secret in each of its texts that is not a word of the host's own.
#[test]
fn no_field_of_a_record_lets_a_secret_through() {
    rhumb::base::Secret::new("c4nary-of-a-record");
    let outcome = run(r#"
        runbook("r", "R");
        change("1", "C", || {
            note("n"); fact("f", #{ a: ["x"] }); gate("g", true, "o"); expect("e", "x", "x"); defer("d", || ());
            poll(#{ title: "p", every: 1.s, within: 5.s, read: || "x", done: |x| true, show: |x| "state" });
            try { write_secret("/dev/null/x", "y") } catch (e) { note(e.message) }
            attest("claim");
        });
        verify("2", "V", || skip("why"));
    "#);
    for entry in &outcome.entries {
        let mut value = serde_json::to_value(&entry.record).unwrap();
        let before = value.clone();
        for (name, field) in value.as_object_mut().unwrap() {
            fill(name, field);
        }
        let Ok(filled) = serde_json::from_value::<Record>(value) else { panic!("{before}") };
        let masked = serde_json::to_string(&filled.masked().unwrap()).unwrap();
        let own = ["step", "call", "digest", "run", "version", "sha256", "system", "method", "mode"];
        let left = masked.matches("c4nary-of-a-record").count();
        let allowed = before.as_object().unwrap().keys().filter(|key| own.contains(&key.as_str())).count();
        assert!(left <= allowed, "{masked}");
    }
}

/// Puts the canary into each text, but for the words by which a record is told apart.
fn fill(name: &str, value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) if !["kind", "step_kind", "verdict", "undo", "outcome"].contains(&name) => {
            *text = "a c4nary-of-a-record b".into();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill("", item)),
        Value::Object(map) => map.iter_mut().for_each(|(name, value)| fill(name, value)),
        _ => {}
    }
}

#[test]
fn a_payload_is_shown_masked_wherever_it_repeats_a_secret() {
    let body = serde_json::json!({"a": {"password": "c4nary-of-a-payload"}, "b": "x c4nary-of-a-payload"});
    let payload = Payload::new(body, ["/a/password".to_string()]);
    assert_eq!(payload.masked(), serde_json::json!({"a": {"password": "***"}, "b": "x ***"}));
    let script = value::from_payload(&payload).unwrap();
    assert!(!format!("{}", value::evidence(&script)).contains("{\"password\":\"c4nary"));
}
