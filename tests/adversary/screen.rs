//! Nothing from outside draws on the operator's terminal.
//!
//! `names/` holds the texts: one a file, as raw bytes, without the line feed at its end. Each goes wherever a service, a
//! file or a script can state a text, and then through a terminal emulator.

mod emulator;
mod pages;
mod pipes;
mod program;
mod size;

use crate::{rig, stage, stub_cloud};

use std::path::Path;

use rhumb::base::screen;

/// The texts of `names/`, each with the name of its file, and each character that a terminal may act on, between letters.
fn names() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/names");
    let mut all: Vec<(String, String)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(bytes).into_owned())
        })
        .collect();
    all.sort();
    assert!(all.len() > 40, "the folder of names is there");
    let acts =
        (0..0x2_0000).chain(0xe_0000..0xe_0010).filter_map(char::from_u32).filter(|c| screen::is_hidden(*c));
    let acts: Vec<char> = acts.collect();
    // some at a time: a page is looked through for each of them
    all.extend(acts.chunks(24).map(|some| {
        let text: String = some.iter().map(|c| format!("a{c}b ")).collect();
        (format!("U+{:04X}", u32::from(some[0])), text)
    }));
    all
}

/// The same text as people see it: what a page shows of it must be what it shows of this one.
fn harmless(text: &str) -> String {
    screen::line(text).into_owned()
}
