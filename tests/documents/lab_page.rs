//! `docs/lab.md` has every key of faults and scenarios, in the words of the code.

/// What says which keys there are.
const SOURCES: &[(&str, &str)] = &[
    ("src/lab/fault.rs", include_str!("../../src/lab/fault.rs")),
    ("src/lab/scenario/mod.rs", include_str!("../../src/lab/scenario/mod.rs")),
    ("src/lab/scenario/things.rs", include_str!("../../src/lab/scenario/things.rs")),
    ("src/lab/scenario/timings.rs", include_str!("../../src/lab/scenario/timings.rs")),
];

/// The rows that the page must have: of each public field of a type that is read from TOML, its key and its doc comment.
fn rows(source: &str) -> Vec<String> {
    let (mut rows, mut doc, mut attributes, mut read) = (Vec::new(), Vec::new(), String::new(), false);
    for line in source.lines() {
        let text = line.trim();
        if let Some(said) = text.strip_prefix("///") {
            doc.push(said.trim());
            continue;
        }
        if text.starts_with("#[") {
            attributes.push_str(text);
            continue;
        }
        if line.starts_with("pub struct ") {
            read = attributes.contains("Deserialize");
        } else if line.starts_with('}') {
            read = false;
        } else if let Some((field, _)) = text.strip_prefix("pub ").and_then(|t| t.split_once(": "))
            && read
            && line.starts_with("    pub ")
        {
            let renamed = attributes.split("rename = \"").nth(1).and_then(|t| t.split('"').next());
            rows.push(format!("| `{}` | {} |", renamed.unwrap_or(field), doc.join(" ")));
        }
        doc.clear();
        attributes.clear();
    }
    rows
}

#[test]
fn every_key_of_faults_and_scenarios_is_documented_and_nothing_else_is() {
    let page = include_str!("../../docs/lab.md");
    let mut left: Vec<&str> = page.lines().filter(|l| l.starts_with("| `")).collect();
    for (file, source) in SOURCES {
        let wanted = rows(source);
        assert!(wanted.len() > 5, "{file}: its fields were not read");
        for row in wanted {
            let at = left.iter().position(|line| *line == row);
            let at = at.unwrap_or_else(|| panic!("{file} has a key that docs/lab.md lacks; its row:\n{row}"));
            left.remove(at);
        }
    }
    assert!(left.is_empty(), "docs/lab.md has what no code reads: {left:#?}");
}
