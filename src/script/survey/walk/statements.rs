//! Statements.

use rhai::{ASTFlags, Expr, Ident, Stmt, SwitchCasesCollection};

use super::Walker;
use crate::script::survey::facts::{Binding, Import};
use crate::script::survey::values::{At, Shape, Value};

impl<'a> Walker<'a> {
    pub(super) fn block(&mut self, statements: &'a [Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    pub(super) fn statement(&mut self, statement: &'a Stmt) {
        let position = At::from(statement.position());
        if position.line > 0 {
            self.statement = position;
        }
        match statement {
            Stmt::Var(declared, flags, _) => self.variable(&declared.0, &declared.1, *flags),
            Stmt::Assignment(parts) => self.assignment(&parts.1.lhs, &parts.1.rhs),
            Stmt::Expr(expr) => drop(self.expr(expr)),
            Stmt::FnCall(call, position) => drop(self.call(call, (*position).into(), None)),
            Stmt::Block(block) => self.frame(|w| w.block(block.statements())),
            Stmt::If(flow, _) => {
                self.expr(&flow.expr);
                let branch = self.new_branch();
                self.arm(branch, 0, |w| w.block(flow.body.statements()));
                self.arm(branch, 1, |w| w.block(flow.branch.statements()));
            }
            Stmt::Switch(parts, _) => self.switch(&parts.0, &parts.1),
            Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.expr(&flow.expr);
                self.turn(|w| w.block(flow.body.statements()));
            }
            Stmt::For(parts, _) => {
                let (variable, counter, flow) = &**parts;
                let over = self.expr(&flow.expr);
                self.turn(|w| {
                    w.given_of(&variable.name, variable.pos.into(), Shape::Item(Box::new(over)));
                    if let Some(counter) = counter {
                        w.given(&counter.name, counter.pos.into());
                    }
                    w.block(flow.body.statements());
                });
            }
            Stmt::TryCatch(flow, _) => {
                self.frame(|w| w.block(flow.body.statements()));
                self.frame(|w| {
                    if let Expr::Variable(caught, _, position) = &flow.expr {
                        w.given(&caught.1, (*position).into());
                    }
                    w.block(flow.branch.statements());
                });
            }
            Stmt::Return(Some(expr), ..) | Stmt::BreakLoop(Some(expr), ..) => drop(self.expr(expr)),
            Stmt::Import(parts, _) => self.import(&parts.0, &parts.1),
            Stmt::Export(parts, _) => {
                let ident = &parts.0;
                if let Shape::Variable(id) = self.read(&ident.name, ident.pos.into()) {
                    self.facts.bindings[id].constant = Some(true);
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, ident: &Ident, expr: &'a Expr, flags: ASTFlags) {
        let value = self.expr(expr).shape;
        let exported = flags.contains(ASTFlags::EXPORTED);
        let top_level = self.body == 0 && self.frames.len() == 1;
        self.declare(Binding {
            name: ident.name.to_string(),
            at: ident.pos.into(),
            value,
            assigned: false,
            read: exported,
            given: false,
            constant: (top_level && flags.contains(ASTFlags::CONSTANT)).then_some(exported),
            body: self.body,
        });
    }

    fn assignment(&mut self, to: &'a Expr, expr: &'a Expr) {
        match to {
            Expr::Variable(variable, _, position) if variable.2.is_empty() => {
                match self.lookup(&variable.1) {
                    Some(id) => self.facts.bindings[id].assigned = true,
                    None => drop(self.read(&variable.1, (*position).into())),
                }
            }
            place => drop(self.expr(place)),
        }
        self.expr(expr);
    }

    fn switch(&mut self, on: &'a Expr, cases: &'a SwitchCasesCollection) {
        self.expr(on);
        let branch = self.new_branch();
        for (arm, case) in cases.expressions.iter().enumerate() {
            self.arm(branch, arm, |w| {
                w.expr(&case.lhs);
                w.expr(&case.rhs);
            });
        }
    }

    fn import(&mut self, name: &'a Expr, alias: &Ident) {
        let value: Value = self.expr(name);
        let id = self.facts.imports.len();
        self.facts.imports.push(Import {
            name: value.text().map(str::to_string),
            at: value.at,
            alias: alias.name.to_string(),
            alias_at: alias.pos.into(),
            used: false,
        });
        self.imports.push((alias.name.to_string(), id));
    }

    fn new_branch(&mut self) -> usize {
        self.next_branch += 1;
        self.next_branch
    }

    fn arm(&mut self, branch: usize, arm: usize, work: impl FnOnce(&mut Self)) {
        self.branches.push((branch, arm));
        self.frame(work);
        self.branches.pop();
    }

    fn turn(&mut self, work: impl FnOnce(&mut Self)) {
        self.loops += 1;
        self.frame(work);
        self.loops -= 1;
    }
}
