//! The page of promises names tests that exist.

use std::path::{Path, PathBuf};

/// The file that the test of a name stands in.
fn file_of(module: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["tests/adversary/*.rs", "tests/*.rs", "tests/*/main.rs", "src/*.rs", "src/*/mod.rs"];
    places.iter().map(|place| root.join(place.replace('*', module))).find(|path| path.is_file())
}

#[test]
fn each_promise_of_the_page_is_held_by_tests_that_exist() {
    let page = include_str!("../../docs/security.md");
    let (_, table) = page.split_once("| promise | held by |\n|---|---|\n").unwrap();
    let mut held = 0;
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let (promise, tests) = row.trim_matches('|').split_once(" | ").unwrap();
        let tests: Vec<&str> =
            tests.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect();
        assert!(promise.contains("**") || !tests.is_empty(), "no test holds: {promise}");
        for name in tests {
            let (module, test) = name.rsplit_once("::").unwrap();
            let file = file_of(&module.replace("::", "/")).unwrap_or_else(|| panic!("no file has {name}"));
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(&format!("fn {test}(")), "{} has no test {test}", file.display());
            held += 1;
        }
    }
    assert!(held > 60, "the table was not read");
}
