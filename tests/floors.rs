//! The house's rule: a file uses only floors below its own.

#![allow(clippy::unwrap_used, clippy::panic)] // a test says what went wrong by panicking

use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("systems", 1),
    ("site", 2),
    ("run", 3),
    ("script", 4),
    ("report", 5),
    ("lab", 5),
    ("lint", 5),
    ("repl", 6),
    ("cli", 7),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Every `crate::room` in a text, with its line; a group import names each of its rooms.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for part in code.split("crate::").skip(1) {
            let names: Vec<&str> = match part.strip_prefix('{') {
                Some(group) => group
                    .split([',', '{', '}'])
                    .map(|p| p.trim().split("::").next().unwrap_or_default())
                    .collect(),
                None => {
                    vec![part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()]
                }
            };
            found.extend(names.into_iter().map(|name| (n + 1, name.to_string())));
        }
    }
    found
}

#[test]
fn every_file_uses_only_floors_below_its_own() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    for path in &all {
        let inside = path.strip_prefix(&src).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string();
        if ["lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let own = floor(&room).unwrap_or_else(|| panic!("{} stands on no floor", inside.display()));
        for (line, used) in uses(&fs::read_to_string(path).unwrap()) {
            let Some(other) = floor(&used) else { continue };
            if other > own || (other == own && used != room) {
                wrong.push(format!(
                    "{}:{line}: {room} (floor {own}) uses {used} (floor {other})",
                    inside.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_use_of_a_higher_floor_is_seen() {
    let text = "use crate::{run::Run, base::Clock};\nlet x = crate::script::Engine; // crate::cli\n";
    let rooms: Vec<_> = uses(text).into_iter().map(|(_, r)| r).filter(|r| floor(r).is_some()).collect();
    assert_eq!(rooms, ["run", "base", "script"]);
}
