//! The walk through a compiled text. This is the one place that knows Rhai's syntax tree: what the
//! rest of the survey reads is [`Facts`].

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, FnAccess, Stmt};

use pieces::Piece;

use super::facts::{Binding, Body, BodyKind, Capture, Facts, Function, Unbound};
use super::values::{At, BindingId, BodyId, Shape};

mod expressions;
mod pieces;
mod statements;

/// Walks a text. `functions` are the names of its source's functions in all layers, `globals` the
/// variables that every script sees.
pub fn walk(ast: &AST, functions: &BTreeSet<String>, globals: &[&str]) -> Facts {
    let pieces = pieces::of(ast);
    let (closures, named): (Vec<&Piece>, Vec<&Piece>) = pieces.iter().partition(|p| p.is_closure());
    let mut walker = Walker {
        closures: closures.into_iter().map(|p| (p.name.as_str(), p)).collect(),
        functions,
        globals,
        facts: Facts::nothing(),
        frames: Vec::new(),
        imports: Vec::new(),
        top_level: BTreeSet::new(),
        body: 0,
        statement: At::default(),
        loops: 0,
        branches: Vec::new(),
        next_branch: 0,
    };
    walker.top_level(ast.statements());
    for function in named {
        walker.function(function);
    }
    walker.facts
}

struct Walker<'a> {
    closures: BTreeMap<&'a str, &'a Piece>,
    functions: &'a BTreeSet<String>,
    globals: &'a [&'a str],
    facts: Facts,
    /// Variables that are visible, innermost frame last.
    frames: Vec<BTreeMap<String, BindingId>>,
    /// Aliases that are visible, with their imports, latest last.
    imports: Vec<(String, usize)>,
    /// Names that the top level declares.
    top_level: BTreeSet<String>,
    body: BodyId,
    statement: At,
    loops: usize,
    branches: Vec<(usize, usize)>,
    next_branch: usize,
}

impl<'a> Walker<'a> {
    fn top_level(&mut self, statements: &'a [Stmt]) {
        self.frames.push(BTreeMap::new());
        for statement in statements {
            if !declares(statement) {
                self.facts.statements.push(statement.position().into());
            }
            self.statement(statement);
        }
        self.top_level = self.frames.pop().map(|f| f.into_keys().collect()).unwrap_or_default();
    }

    fn function(&mut self, function: &'a Piece) {
        let kind = BodyKind::Function(Function {
            name: function.name.clone(),
            params: function.params.clone(),
            private: function.access == FnAccess::Private,
            doc: plain_doc(&function.doc),
        });
        self.new_body(kind, None, function, function.start, 0);
    }

    /// Walks a closure whose first parameters are the variables that it captures.
    fn closure(&mut self, name: &str, captured: usize, at: At) -> Option<BodyId> {
        let function = *self.closures.get(name)?;
        let parent = Some(self.body);
        Some(self.new_body(BodyKind::Closure, parent, function, at, captured))
    }

    fn new_body(
        &mut self,
        kind: BodyKind,
        parent: Option<BodyId>,
        function: &'a Piece,
        at: At,
        captured: usize,
    ) -> BodyId {
        let id = self.facts.bodies.len();
        self.facts.bodies.push(Body {
            kind,
            parent,
            at,
            end: Some(function.end).filter(|e| e.line > 0),
            calls: Vec::new(),
        });
        let outside = (self.body, self.loops, std::mem::take(&mut self.branches), self.statement);
        (self.body, self.loops) = (id, 0);
        self.frame(|walker| {
            for param in function.params.iter().skip(captured) {
                walker.given(param, at);
            }
            walker.block(&function.statements);
        });
        (self.body, self.loops, self.branches, self.statement) = outside;
        id
    }

    /// Does something in a frame of its own.
    fn frame(&mut self, work: impl FnOnce(&mut Self)) {
        let imports = self.imports.len();
        self.frames.push(BTreeMap::new());
        work(self);
        self.frames.pop();
        self.imports.truncate(imports);
    }

    /// Declares a variable.
    fn declare(&mut self, binding: Binding) -> BindingId {
        let id = self.facts.bindings.len();
        if let Some(frame) = self.frames.last_mut() {
            frame.insert(binding.name.clone(), id);
        }
        self.facts.bindings.push(binding);
        id
    }

    /// Declares a parameter, a loop's variable or a caught error.
    fn given(&mut self, name: &str, at: At) {
        self.given_of(name, at, Shape::Other);
    }

    /// The same, of which the text tells what it is.
    fn given_of(&mut self, name: &str, at: At, value: Shape) {
        let name = name.to_string();
        let body = self.body;
        self.declare(Binding {
            name,
            at,
            value,
            assigned: false,
            read: false,
            given: true,
            constant: None,
            body,
        });
    }

    fn lookup(&self, name: &str) -> Option<BindingId> {
        self.frames.iter().rev().find_map(|frame| frame.get(name).copied())
    }

    /// A variable that is read.
    fn read(&mut self, name: &str, at: At) -> Shape {
        if let Some(id) = self.lookup(name) {
            self.facts.bindings[id].read = true;
            if self.facts.bindings[id].body != self.body {
                self.facts.captures.push(Capture { binding: id, at, body: self.body });
            }
            return Shape::Variable(id);
        }
        if self.globals.contains(&name) {
            return Shape::Global(name.to_string());
        }
        if self.functions.contains(name) {
            return Shape::Function(name.to_string());
        }
        let visible = self.frames.iter().flat_map(|f| f.keys().cloned());
        let visible = visible.chain(self.globals.iter().map(ToString::to_string)).collect();
        self.facts.unbound.push(Unbound {
            name: name.to_string(),
            at,
            of_top_level: self.top_level.contains(name),
            visible,
        });
        Shape::Other
    }

    /// A module's alias that is used.
    fn use_alias(&mut self, alias: &str) {
        if let Some((_, id)) = self.imports.iter().rev().find(|(name, _)| name == alias) {
            self.facts.imports[*id].used = true;
        }
    }
}

/// What may stand at the top level of a module.
fn declares(statement: &Stmt) -> bool {
    match statement {
        Stmt::Import(..) | Stmt::Export(..) | Stmt::Noop(..) | Stmt::Share(..) => true,
        Stmt::Var(_, flags, _) => flags.contains(rhai::ASTFlags::CONSTANT),
        _ => false,
    }
}

/// A doc comment without its slashes and the one space behind them.
fn plain_doc(doc: &str) -> String {
    let lines = doc.lines().map(|line| {
        let line = line.trim_start().trim_start_matches('/');
        line.strip_prefix(' ').unwrap_or(line).trim_end()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}
