//! What the binary tells about itself: the reference, explanations, definitions, manual pages, completions.

use rhumb::lint;
use rhumb::script::check::codes;
use rhumb::script::primitives;

use crate::{printed, rhumb};

#[test]
fn the_reference_is_printed() {
    assert_eq!(printed(&["reference"]), rhumb::script::reference::markdown());
}

#[test]
fn words_and_codes_are_explained() {
    assert!(
        printed(&["explain", "Collection.get"]).starts_with("### `Collection.get(name_or_id, [filter])`")
    );
    assert!(printed(&["explain", "outside-step"]).contains("Top-level code runs again on resume"));
    assert!(printed(&["explain", "phase-as-health"]).contains("In Rhumb: "));
    let list = printed(&["explain"]);
    let names = codes::ALL.iter().map(|c| c.name).chain(lint::codes::ALL.iter().map(|c| c.name));
    for name in names {
        assert_eq!(list.lines().filter(|l| l.split(' ').next() == Some(name)).count(), 1, "{name}");
    }
    let output = rhumb(&["explain", "outside-stepp"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `outside-step`?"));
}

#[test]
fn definitions_for_editors_hold_every_word() {
    let dir = tempfile::tempdir().unwrap();
    printed(&["defs", dir.path().join("defs").to_str().unwrap()]);
    let text = |name: &str| std::fs::read_to_string(dir.path().join("defs").join(name)).unwrap();
    let (words, probe) = (text("rhumb.d.rhai"), text("probe.d.rhai"));
    assert!(words.starts_with("module static;\n") && probe.starts_with("module probe;\n"));
    assert!(words.contains("\nfn gate(claim: String, ok: bool) -> ?;\n"));
    assert!(words.contains("\nfn gate(claim: String, ok: bool, evidence: ?) -> ?;\n"));
    assert!(words.contains("\nfn get(this_collection: Collection, name_or_id: "));
    for primitive in primitives::all() {
        let file = if primitive.path().starts_with("probe::") { &probe } else { &words };
        assert!(file.contains(&format!("\nfn {}(", primitive.name)), "{}", primitive.path());
    }
    assert!(text("__builtin__.d.rhai").contains("fn "), "the language's own functions are there as well");
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let dir = tempfile::tempdir().unwrap();
    printed(&["man", dir.path().to_str().unwrap()]);
    let page = std::fs::read_to_string(dir.path().join("rhumb.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains(".TH rhumb 1"), "{page}");
    for command in rhumb::cli::command().get_subcommands() {
        let path = dir.path().join(format!("rhumb-{}.1", command.get_name()));
        assert!(path.is_file(), "{}", path.display());
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let text = printed(&["completions", shell]);
        assert!(text.contains("lint-md") && text.contains("verify-run"), "{shell}");
    }
}
