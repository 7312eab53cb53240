//! A new override that does what the shipped text does, with the shipped text in view: what an operator
//! begins with.

use super::shipped::Shipped;
use super::target::Piece;
use crate::script::quote::quoted;

/// How a step is changed at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stub {
    /// `override_step`.
    Replace,
    /// `before_step`.
    Before,
    /// `after_step`.
    After,
}

/// A site's file with one override more; `old` is its text so far, if it is there.
pub fn add(old: Option<&str>, shipped: &Shipped, stub: Stub) -> String {
    let script = &shipped.target.script;
    let mut text = match old {
        Some(old) => format!("{}\n", old.trim_end()),
        None if shipped.target.of_runbook() => format!(
            "//! What this site does otherwise than the shipped runbook `{script}`. `rhumb site diff` tells whether what\n\
             //! is changed here is still what it was written against.\n"
        ),
        None => format!(
            "//! Functions that this site has in the place of those of the shipped module `{script}`; the rest of it\n\
             //! stays. `rhumb site diff` tells whether they are still what these were written against.\n"
        ),
    };
    let body = match &shipped.target.piece {
        Piece::Step(id) => step(id, shipped, stub),
        Piece::Function(..) => {
            let import = import_line(script);
            let through_import = !shipped.private && !shipped.target.of_runbook();
            if through_import && !text.contains(&import) {
                text = with_import(&text, &import);
            }
            function(shipped, through_import)
        }
    };
    format!("{text}\n{body}")
}

fn import_line(script: &str) -> String {
    format!("import \"shipped:{script}\" as shipped;")
}

/// The import behind the `//!` header: an import counts only for what stands below it.
fn with_import(text: &str, import: &str) -> String {
    let header: usize = text.split_inclusive('\n').take_while(|l| l.starts_with("//!")).map(str::len).sum();
    let (above, below) = text.split_at(header);
    format!("{above}\n{import}\n{below}")
}

fn seen(shipped: &Shipped) -> String {
    let lines = shipped.text.lines().map(|line| format!("//     {line}").trim_end().to_string());
    let lines: Vec<String> = lines.collect();
    format!("// Shipped ({}):\n//\n{}\n", env!("CARGO_PKG_VERSION"), lines.join("\n"))
}

fn step(id: &str, shipped: &Shipped, stub: Stub) -> String {
    let quoted = quoted(id);
    let call = match stub {
        Stub::Replace => format!(
            "override_step({quoted}, |original| {{\n    // before, instead, or after: the shipped body is one call\n    original.call()\n}});\n"
        ),
        Stub::Before => {
            format!("before_step({quoted}, || {{\n    note(\"this site has something to do first\");\n}});\n")
        }
        Stub::After => format!(
            "after_step({quoted}, |value| {{\n    note(\"this site has something to do afterwards\");\n}});\n"
        ),
    };
    let title = shipped.title.replace('\n', " ");
    format!("// ---- {id}: {title}\n//\n{}{call}", seen(shipped))
}

fn function(shipped: &Shipped, through_import: bool) -> String {
    let is_doc = |line: &&str| line.trim_start().starts_with("///");
    let code: Vec<&str> = shipped.text.lines().skip_while(is_doc).collect();
    let doc: String = shipped.text.lines().take_while(is_doc).map(|line| format!("{line}\n")).collect();
    if !through_import {
        // nothing can call it where it is: the site's one begins as its copy
        return format!("{doc}{}\n", code.join("\n"));
    }
    let name = shipped.target.name();
    let params = shipped.title.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    format!("{}{doc}fn {name}({params}) {{\n    shipped::{name}({params})\n}}\n", seen(shipped))
}
