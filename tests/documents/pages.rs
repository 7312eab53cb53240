//! Pages that are held against the code.

use rhumb::base::ErrorKind;
use rhumb::base::error::Class;

use crate::{home, rhumb};

const KINDS: &[ErrorKind] = {
    use ErrorKind::*;
    &[
        NotFound,
        Ambiguous,
        Forbidden,
        Unauthorized,
        Conflict,
        Invalid,
        Unsupported,
        Transient,
        Unreachable,
        Protocol,
        Timeout,
        Command,
        Argument,
        Failed,
        Gate,
        Refused,
        ScopeMismatch,
        NeedsApproval,
        Declined,
        Interrupted,
        Usage,
        Site,
        Script,
        Credentials,
        Drift,
        Locked,
        Cleanup,
        Journal,
        Io,
        Internal,
    ]
};

/// A new kind must be added to the list above, and to the page.
fn is_listed(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    match kind {
        NotFound | Ambiguous | Forbidden | Unauthorized | Conflict | Invalid | Unsupported | Transient
        | Unreachable | Protocol | Timeout | Command | Argument | Failed | Gate | Refused | ScopeMismatch
        | NeedsApproval | Declined | Interrupted | Usage | Site | Script | Credentials | Drift | Locked
        | Cleanup | Journal | Io | Internal => KINDS.contains(&kind),
    }
}

#[test]
fn exit_codes_are_those_of_the_page() {
    let page = include_str!("../../docs/exit-codes.md");
    let mut rows: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("| `"))
        .map(|line| line.splitn(5, '|').take(4).map(str::trim).collect::<Vec<_>>().join("|"))
        .collect();
    let mut wanted: Vec<String> = KINDS
        .iter()
        .inspect(|kind| assert!(is_listed(**kind)))
        .map(|kind| {
            let class = match kind.class() {
                Class::Recoverable => "recoverable",
                Class::Abort => "abort",
                Class::Fault => "fault",
            };
            format!("|{}|`{}`|{class}", kind.exit_code(), kind.name())
        })
        .collect();
    rows.sort();
    wanted.sort();
    assert_eq!(rows, wanted);
}

#[test]
fn the_reference_is_what_the_code_binds() {
    let path = home().join("docs/reference.md");
    let wanted = rhumb::script::reference::markdown();
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    // without a comparison of the whole texts, which would print both
    let differs = page.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    assert!(
        page == wanted,
        "docs/reference.md differs from the code at line {}; renew it: cargo run -- reference > docs/reference.md",
        differs.map_or(page.lines().count().min(wanted.lines().count()), |n| n) + 1
    );
}

/// The documents, with their texts.
fn documents() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(home().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "md") {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.len() > 3);
    found
}

/// The lines inside the fences of some languages, with their numbers.
fn fenced<'t>(text: &'t str, languages: &[&str]) -> Vec<(usize, &'t str)> {
    let (mut inside, mut found) = (None, Vec::new());
    for (n, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(language), None) => inside = Some(languages.contains(&language.trim())),
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => found.push((n + 1, line)),
            (None, _) => {}
        }
    }
    found
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let mut seen = 0;
    for (name, text) in documents() {
        for (line, shown) in fenced(&text, &["", "console", "sh", "bash", "text"]) {
            let Some(command) = shown.trim_start().strip_prefix("$ rhumb ").or(shown.strip_prefix("rhumb "))
            else {
                continue;
            };
            let command = command.split(" #").next().unwrap().split(['|', '>', ';', '&']).next().unwrap();
            let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
            let parsed = rhumb::cli::command().try_get_matches_from(std::iter::once("rhumb").chain(words));
            if let Err(e) = parsed {
                assert!(!e.use_stderr(), "{name}:{line}: rhumb {command}\n{e}");
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for (name, text) in documents() {
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(home().join("docs").join(target).exists(), "{name}: {target}");
            }
        }
    }
}

#[test]
fn scripts_that_are_shown_compile() {
    let engine = rhumb::script::survey::known::compiler(false, &rhumb::script::primitives::all());
    let mut seen = 0;
    for (name, text) in documents() {
        let mut rest = text.as_str();
        while let Some((_, behind)) = rest.split_once("```rhai\n") {
            let (script, behind) = behind.split_once("```").unwrap();
            let compiled = engine.compile(script);
            assert!(compiled.is_ok(), "{name}: {}\n{script}", compiled.unwrap_err());
            rest = behind;
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn the_tutorial_is_what_its_files_say_and_its_rehearsals_end_as_it_tells() {
    let page = include_str!("../../docs/tutorial.md");
    let at = |name: &str| home().join("examples/tutorial").join(name);
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert!(page.contains(&format!("```rhai\n{}```", text("site/drill.rhai"))));
    let (_, block) = page.split_once("```bash\n").unwrap();
    assert!(text("drill.md").contains(block.split_once("```").unwrap().0));

    let linted = rhumb(&["lint-md", "--json", "examples/tutorial/drill.md"]);
    let linted: serde_json::Value = serde_json::from_slice(&linted.stdout).unwrap();
    assert_eq!(linted["findings"].as_array().unwrap().len(), 5);

    let state = tempfile::tempdir().unwrap();
    let rehearse = |more: &[&str]| {
        let fixed =
            ["rehearse", "drill", "--site", "examples/tutorial/site", "--scenario", "drill", "--state-dir"];
        rhumb(&[&fixed[..], &[state.path().to_str().unwrap()], more].concat())
    };
    let good = rehearse(&[]);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("✓ other amphorae serve it"));
    // the block of the Markdown page says "failover succeeded" here
    let refused = rehearse(&["--fault", "octavia-conflict"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("drill.rhai:22:34"));
}
