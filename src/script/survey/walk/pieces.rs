//! A text's functions and closures with their statements.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, FnAccess, Stmt};

use crate::script::survey::values::At;

/// How Rhai names closures.
pub(super) const ANONYMOUS: &str = "anon$";

/// A function or closure.
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) params: Vec<String>,
    pub(super) access: FnAccess,
    pub(super) doc: String,
    pub(super) start: At,
    pub(super) end: At,
    pub(super) statements: Vec<Stmt>,
}

impl Piece {
    pub(super) fn is_closure(&self) -> bool {
        self.name.starts_with(ANONYMOUS)
    }
}

/// Every function and closure, in the order of the text.
///
/// Rhai keeps a function's statements behind a type without a public name; a walk through a copy of
/// the text that holds this one function alone comes by them.
pub(super) fn of(ast: &AST) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut seen = BTreeSet::new();
    let functions = ast.clone_functions_only();
    for function in ast.iter_fn_def() {
        let (name, arity) = (function.name.as_str(), function.params.len());
        if !seen.insert((name, arity)) {
            continue; // the same name for another type of `this`
        }
        let mut statements = Vec::new();
        // `clone_functions_only_filtered` would not filter: it takes all where there is none yet
        functions.clone().retain_functions(|_, _, n, a| n == name && a == arity).walk(&mut |path| {
            if let [ASTNode::Stmt(statement)] = path {
                statements.push((*statement).clone());
            }
            true
        });
        pieces.push(Piece {
            name: name.to_string(),
            params: function.params.iter().map(ToString::to_string).collect(),
            access: function.access,
            doc: function.comments.join("\n"),
            start: function.body.start_position().into(),
            end: function.body.end_position().into(),
            statements,
        });
    }
    pieces.sort_by_key(|p| p.start);
    pieces
}
