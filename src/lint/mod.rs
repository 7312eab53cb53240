//! Floor 5: reads an operator's Markdown runbook and tells what in it can pass though it should fail. Text in,
//! findings out: nothing is run, and nothing is asked of any system.

use serde::Serialize;

use crate::base::Drawn;

pub mod codes;
mod draw;
mod finding;
mod page;
mod pattern;
mod rules;

pub use finding::Finding;

use page::Page;

/// A runbook to read.
#[derive(Clone, Debug)]
pub struct Text {
    /// The file as the operator knows it.
    pub file: String,
    /// What it holds.
    pub text: String,
}

/// What was found in a set of runbooks.
#[derive(Debug, Serialize)]
pub struct Linted {
    /// The files that were read.
    pub files: Vec<String>,
    /// What was found, by file and line.
    pub findings: Vec<Finding>,
}

/// Reads runbooks together: some findings are about what one says and another contradicts.
pub fn lint(texts: &[Text]) -> Linted {
    let pages: Vec<Page<'_>> = texts.iter().map(|t| Page::read(&t.file, &t.text)).collect();
    let mut findings = Vec::new();
    for (n, page) in pages.iter().enumerate() {
        let mut found = rules::of_page(page);
        found.extend(rules::across(&pages, n));
        found.sort_by_key(|f| (f.line, f.column, f.code.name));
        found.dedup_by_key(|f| (f.line, f.column, f.code.name));
        findings.append(&mut found);
    }
    Linted { files: texts.iter().map(|t| t.file.clone()).collect(), findings }
}

impl Linted {
    /// The findings for people, one under another. `width` in columns.
    pub fn draw(&self, width: usize, colours: bool) -> Drawn {
        self.findings.iter().map(|f| draw::finding(f, width, colours)).collect()
    }

    /// How many there are, and of how many sorts, in a line.
    pub fn summary(&self) -> String {
        let mut sorts: Vec<&str> = self.findings.iter().map(|f| f.code.name).collect();
        sorts.sort_unstable();
        sorts.dedup();
        let files = self.files.join(", ");
        match self.findings.len() {
            0 => format!("{files}: nothing to find fault with"),
            1 => format!("{files}: 1 finding"),
            n => format!("{files}: {n} findings of {} sorts", sorts.len()),
        }
    }
}
