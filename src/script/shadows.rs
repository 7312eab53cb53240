//! Names that belong to the host. Rhai looks for a script's function before its own ones, by name and number of arguments
//! alone, and also in the text that calls a module: a function `gate` of a runbook, of a module or of a site would be
//! called in the place of the primitive, by shipped texts as well. So no text that has one is loaded.

use rhai::{AST, ASTNode, Position, ScriptFnMetadata, Stmt};

use super::survey::Known;
use super::survey::lexer::{LexemeKind, Page};
use super::survey::values::At;
use crate::base::{Error, ErrorKind};

/// A name in a text that hides one of the host's.
pub struct Shadow {
    /// Where it is defined.
    pub at: At,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Shadow {
    /// It as an error and a position, as the engine throws them.
    pub fn thrown(self) -> (Error, Position) {
        let position = Position::new(
            u16::try_from(self.at.line).unwrap_or(u16::MAX),
            u16::try_from(self.at.column).unwrap_or(0),
        );
        (Error::new(ErrorKind::Script, self.message).help(self.help), position)
    }
}

/// The names of a compiled text that hide one of the host's, in the order of the text. `text` is what was compiled.
pub fn of(known: &Known, ast: &AST, text: &str) -> Vec<Shadow> {
    let mut found = functions(known, ast, text);
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(parts, _))) = path.last() {
            found.extend(import(known, &parts.1.name, parts.1.pos.into()));
        }
        true
    });
    found.sort_by_key(|shadow| shadow.at);
    found
}

fn functions(known: &Known, ast: &AST, text: &str) -> Vec<Shadow> {
    let all = ast.iter_functions().filter_map(|f| Some((known.hidden_by(f.name, f.params.len())?, f)));
    let shadow = |(hidden, f): (String, ScriptFnMetadata<'_>)| Shadow {
        at: defined(&Page::of(text), f.name, f.params.len()).unwrap_or_default(),
        message: format!("`{f}` hides {hidden}"),
        help: "calls would no longer reach it, also those of shipped texts: choose another name".into(),
    };
    all.map(shadow).collect()
}

/// Where a function is defined: `fn name(a, b)`, or `fn "Type".name(a, b)`.
fn defined(page: &Page<'_>, name: &str, params: usize) -> Option<At> {
    let lexemes: Vec<_> = page.lexemes.iter().filter(|l| l.kind != LexemeKind::Comment).collect();
    let str_at = |n: usize| lexemes.get(n).map_or("", |l| page.str(l));
    (0..lexemes.len()).filter(|n| str_at(*n) == "fn").find_map(|n| {
        let at = if str_at(n + 2) == "." { n + 3 } else { n + 1 };
        let words = lexemes.iter().skip(at + 1).take_while(|l| page.str(l) != ")");
        let count = words.filter(|l| l.kind == LexemeKind::Word).count();
        (str_at(at) == name && count == params).then(|| lexemes.get(at).map(|l| l.at)).flatten()
    })
}

fn import(known: &Known, alias: &str, at: At) -> Option<Shadow> {
    (alias == "global" || known.modules().contains(alias)).then(|| Shadow {
        at,
        message: format!("the alias `{alias}` hides the module `{alias}` that is always there"),
        help: "calls would reach the imported module in its place: choose another alias".into(),
    })
}
