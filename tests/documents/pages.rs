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

/// The documents, by their paths from the project's directory, with their texts.
fn documents() -> Vec<(String, String)> {
    let pages = std::fs::read_dir(home().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|e| e == "md"));
    let found: Vec<_> = pages
        .chain(["README.md", "ARCHITECTURE.md"].map(|name| home().join(name)))
        .map(|path| {
            let name = path.strip_prefix(home()).unwrap().to_str().unwrap().to_string();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
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
                assert!(home().join(&name).with_file_name(target).exists(), "{name}: {target}");
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

#[test]
fn every_page_is_listed() {
    let list = std::fs::read_to_string(home().join("docs/README.md")).unwrap();
    for (name, _) in documents() {
        if let Some(page) = name.strip_prefix("docs/").filter(|page| *page != "README.md") {
            assert!(list.contains(&format!("]({page})")), "docs/README.md does not list {page}");
        }
    }
}

/// The text between two marks of the first page.
fn first_page(from: &str, to: &str) -> String {
    let page = std::fs::read_to_string(home().join("README.md")).unwrap();
    page.split_once(from).unwrap().1.split_once(to).unwrap().0.to_string()
}

#[test]
fn the_first_page_has_the_rows_and_columns_that_the_benchmark_prints() {
    let script = home().join("benches/peers");
    let shape = std::process::Command::new(&script).arg("--shape").output().unwrap();
    assert!(shape.status.success(), "{}", String::from_utf8_lossy(&shape.stderr));
    let shape = String::from_utf8(shape.stdout).unwrap();
    let written =
        first_page("<!-- written by benches/peers -->\n", "<!-- end of what benches/peers wrote -->");
    let tables = [shape.as_str(), written.as_str()].map(|text| {
        let lines = text.lines().filter(|line| line.starts_with('|'));
        let cells =
            |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_string()).collect::<Vec<_>>();
        lines.map(cells).collect::<Vec<_>>()
    });
    let [shape, written] = tables;
    // a run may leave a peer out, and choose how long the longest list is
    let long = |row: &str| if row.starts_with("List ") { "List" } else { row }.to_string();
    let rows = |table: &[Vec<String>]| table[2..].iter().map(|row| long(&row[0])).collect::<Vec<_>>();
    assert!(is_within(&written[0], &shape[0]), "{:?}", written[0]);
    assert!(is_within(&rows(&written), &rows(&shape)) && written.len() > 5, "{:?}", rows(&written));
    let own = written[0].iter().position(|title| title == "Rhumb").unwrap();
    for row in &written[2..] {
        assert!(row.len() == written[0].len() && row[own].contains('s'), "no figure of Rhumb's own: {row:?}");
    }
}

/// Whether a list is another one with some left out.
fn is_within(part: &[String], whole: &[String]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|one| whole.any(|other| other == one))
}

#[test]
fn the_recorded_picture_is_what_the_program_prints() {
    let picture = std::fs::read_to_string(home().join("docs/pictures/rehearsal.svg")).unwrap();
    assert!(picture.contains("<title>rhumb rehearse lb-failover</title>"));
    let shown: String = picture
        .lines()
        .filter_map(|line| line.split_once("<text")?.1.split_once('>')?.1.strip_suffix("</text>"))
        .map(|text| {
            text.replace("&quot;", "\"").replace("&#x27;", "'").replace("&gt;", ">").replace("&lt;", "<")
        })
        .collect();
    let state = tempfile::tempdir().unwrap();
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_rhumb"))
        .args(["rehearse", "lb-failover"])
        .env_clear()
        .env("RHUMB_STATE", state.path())
        .current_dir(home())
        .output()
        .unwrap();
    // the run's id and its place differ from run to run, and a terminal folds long lines
    let run = |text: &str| -> String {
        let text = text.split_once("lb-failover:").unwrap().1.split_once('─').unwrap().0;
        text.split_whitespace().collect::<String>().replace("&amp;", "&")
    };
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(run(&shown), run(&printed), "record it anew: docs/pictures/record target/debug/rhumb");
}
