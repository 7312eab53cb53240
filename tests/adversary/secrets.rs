//! A secret appears nowhere.
//!
//! Canaries go in where secrets come from, and are looked for in every byte that comes out.

mod echoes;
mod files;
mod rows;
mod scripts;
mod urls;

use crate::{kube_server, loopback, rig, stage, stub_cloud};

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The token that the tests' Keystone gives.
const TOKEN: &str = "gAAAAABo4naryT0kenOfTheRun-5xYz_0123456789";
/// The password of the tests' user, with what each encoding changes.
const PASSWORD: &str = "c4nary&\"p4ss w0rd'/<ü>";

/// A secret in each form in which an answer repeats it.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let url: String = secret
        .bytes()
        .map(|b| match b {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect();
    let json = serde_json::Value::from(secret).to_string();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    vec![
        ("", secret.to_string()),
        (":json", json[1..json.len() - 1].to_string()),
        (":form", url.replace("%20", "+")),
        (":html", html.replace('"', "&quot;").replace('\'', "&#39;")),
        (":url", url),
    ]
}

/// The user and the password as a `Basic` header has them.
fn basic() -> String {
    STANDARD.encode(format!("op:{PASSWORD}"))
}

/// Every text that must not come out.
fn canaries() -> Vec<String> {
    let both =
        [TOKEN, PASSWORD].into_iter().flat_map(|secret| forms(secret).into_iter().map(|(_, form)| form));
    // a few bytes of what a cut would leave
    let parts = [TOKEN[..14].to_string(), TOKEN[30..].to_string(), "p4ss w0rd".into(), "p4ss%20w0rd".into()];
    let basic = basic();
    both.chain(parts).chain([basic[6..basic.len() - 6].to_string()]).collect()
}

/// Fails where a canary is in what came out.
fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for canary in canaries() {
        let found =
            text.find(&canary).map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>());
        assert_eq!(found, None, "{what} holds {canary}");
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => found.push(entry),
        }
    }
    found
}
