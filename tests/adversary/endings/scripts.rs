//! Runs each file of `scripts/` on the stage and holds it to the end that its first lines expect.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rhumb::run::{Answer, Mode};

use crate::stage::{Outcome, Stage};

/// What a file says of itself.
#[derive(Default)]
struct Case {
    verdicts: Option<String>,
    exit: Option<u8>,
    errors: Vec<String>,
    journal: Vec<String>,
    never: Vec<String>,
    operator: Option<Answer>,
    mode: Option<Mode>,
    /// Layer, logical name and text, the runbook `main` first.
    texts: Vec<(String, String, String)>,
}

impl Case {
    fn parse(text: &str) -> Result<Case, String> {
        let mut case = Case::default();
        let head = text.lines().take_while(|line| line.starts_with("//"));
        for line in head {
            let Some((key, value)) = line.trim_start_matches('/').trim().split_once(':') else { continue };
            let value = value.trim().to_string();
            match key {
                "verdicts" => case.verdicts = Some(value),
                "exit" => case.exit = Some(value.parse().map_err(|_| format!("`{value}` is no exit code"))?),
                "error" => case.errors.push(value),
                "journal" => case.journal.push(value),
                "never" => case.never.push(value),
                "operator" => {
                    case.operator = Some(match value.as_str() {
                        "yes" => Answer::Run,
                        "no" => Answer::No,
                        "nobody" => Answer::Nobody,
                        other => return Err(format!("the operator says yes, no or nobody, not `{other}`")),
                    });
                }
                "mode" => {
                    case.mode = Some(match value.as_str() {
                        "run" => Mode::Run,
                        "observe" => Mode::Observe,
                        "rehearse" => Mode::Rehearse,
                        other => return Err(format!("a mode is run, observe or rehearse, not `{other}`")),
                    });
                }
                _ => {} // prose
            }
        }
        if case.verdicts.is_none() && case.exit.is_none() {
            return Err("it expects nothing: say `// verdicts:` or `// exit:`".into());
        }
        case.texts.push(("embedded".into(), "main".into(), String::new()));
        for line in text.lines() {
            if let Some(file) = line.strip_prefix("// --- ") {
                let (layer, name) = file.trim().split_once('/').ok_or("`// --- LAYER/NAME.rhai`")?;
                let name = name.strip_suffix(".rhai").ok_or("`// --- LAYER/NAME.rhai`")?;
                case.texts.push((layer.into(), name.into(), String::new()));
            } else if let Some((_, _, text)) = case.texts.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
        Ok(case)
    }

    fn run(&self) -> Outcome {
        let mut stage = Stage::new("");
        for (layer, name, text) in &self.texts {
            stage = stage.with(name, layer, text);
        }
        stage.answer = self.operator.unwrap_or(stage.answer);
        stage.mode = self.mode.unwrap_or(stage.mode);
        stage.run()
    }

    /// What is not as the file expects it.
    fn faults(&self, came: &Outcome) -> String {
        let mut faults = String::new();
        let journal = serde_json::to_string(&came.entries).unwrap();
        let mut must = |holds: bool, what: String| {
            if !holds {
                let _ = writeln!(faults, "    {what}");
            }
        };
        let (verdicts, drawn) = (came.verdicts(), &came.drawn);
        must(self.verdicts.as_ref().is_none_or(|v| *v == verdicts), format!("verdicts: {verdicts}"));
        must(self.exit.is_none_or(|exit| exit == came.exit), format!("exit: {}\n{drawn}", came.exit));
        for text in &self.errors {
            must(drawn.contains(text), format!("no `{text}` in the error:\n{drawn}"));
        }
        for text in &self.journal {
            must(journal.contains(text), format!("no `{text}` in the journal"));
        }
        for text in &self.never {
            must(!journal.contains(text), format!("`{text}` is in the journal"));
        }
        faults
    }
}

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/scripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "rhai"));
    files.sort();
    files
}

#[test]
fn every_script_of_the_folder_ends_as_it_must() {
    let files = files();
    assert!(!files.is_empty(), "no scripts were found");
    let mut faults = String::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let wrong = match Case::parse(&std::fs::read_to_string(&file).unwrap()) {
            Ok(case) => case.faults(&case.run()),
            Err(e) => format!("    {e}\n"),
        };
        if !wrong.is_empty() {
            let _ = write!(faults, "{name}:\n{wrong}");
        }
    }
    assert!(faults.is_empty(), "not as expected:\n{faults}");
}

#[test]
fn a_file_that_expects_nothing_is_refused() {
    assert!(Case::parse("// a comment\nverify(\"1\", \"T\", || 1);").is_err());
    let case = Case::parse("// exit: 0\nverify(\"1\", \"T\", || gate(\"x\", false));").unwrap();
    assert!(case.faults(&case.run()).contains("exit: 3"));
}
