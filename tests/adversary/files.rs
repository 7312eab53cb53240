//! The cases of `files/`: what an operator hands in, with what is expected of it in the first line.

use std::path::PathBuf;

/// A file, and what is expected.
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its text, the first line included.
    pub text: String,
    /// The kind of the error; none where it is fine.
    kind: Option<String>,
    /// The line that the error names.
    line: Option<usize>,
    /// What it says.
    words: String,
}

/// The cases whose names end like this.
pub fn cases(ending: &str) -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/files");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        if name.ends_with(ending) {
            found.push(Case::of(name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no case ends with {ending}");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

impl Case {
    /// Reads `# expect: KIND[ at LINE][: WORDS]`, or `# expect: fine`.
    fn of(name: String, text: String) -> Case {
        let first = text.lines().next().unwrap_or_default();
        let expected = first.strip_prefix("# expect: ").unwrap_or_else(|| panic!("{name}: no `# expect: `"));
        let (what, words) = expected.split_once(": ").unwrap_or((expected, ""));
        let (kind, line) = match what.split_once(" at ") {
            Some((kind, line)) => (kind, Some(line.parse().unwrap())),
            None => (what, None),
        };
        let (kind, words) = ((kind != "fine").then(|| kind.to_string()), words.to_string());
        Case { name, text, kind, line, words }
    }

    /// Holds what came of it against what is expected.
    pub fn hold<T>(&self, came: rhumb::base::Result<T>) {
        let Some(kind) = &self.kind else {
            assert!(came.is_ok(), "{}: {}", self.name, came.err().unwrap());
            return;
        };
        let error = came.err().unwrap_or_else(|| panic!("{} was taken", self.name));
        assert_eq!(error.kind().name(), kind, "{}: {error}", self.name);
        let mut told = error.to_string();
        told.extend(error.detail().causes.iter().map(|cause| format!("\n{cause}")));
        assert!(told.contains(&self.words), "{}: {told}", self.name);
        assert!(!told.contains("s3cretpassw0rd"), "{}: {told}", self.name);
        assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{}: {told:?}", self.name);
        if let Some(line) = self.line {
            assert_eq!(error.detail().place.as_ref().map(|p| p.line), Some(line), "{}: {error}", self.name);
        }
    }
}
