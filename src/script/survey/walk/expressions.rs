//! Expressions, as values.

use rhai::{ASTFlags, Expr, FnCallExpr, FnPtr, Stmt, StmtBlock};

use super::Walker;
use super::pieces::ANONYMOUS;
use crate::script::survey::facts::{Call, Constant, Field};
use crate::script::survey::values::{At, Entry, Shape, Value};

impl<'a> Walker<'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Value {
        let at = At::from(expr.start_position());
        let shape = match expr {
            Expr::Unit(_) => Shape::Unit,
            Expr::BoolConstant(value, _) => Shape::Bool(*value),
            Expr::IntegerConstant(..) => Shape::Integer,
            Expr::FloatConstant(..) => Shape::Number,
            Expr::CharConstant(..) => Shape::Char,
            Expr::StringConstant(text, _) => Shape::Text(text.to_string()),
            Expr::InterpolatedString(parts, _) => {
                self.each(parts);
                Shape::Template
            }
            Expr::Array(items, _) => Shape::List(items.iter().map(|item| self.expr(item)).collect()),
            Expr::Map(map, _) => {
                let entry = |(key, value): &'a (rhai::Ident, Expr)| Entry {
                    key: key.name.to_string(),
                    at: key.pos.into(),
                    value: self.expr(value),
                };
                let entries: Vec<Entry> = map.0.iter().map(entry).collect();
                self.facts.keys.extend(entries.iter().map(|e| e.key.clone()));
                Shape::Map(entries)
            }
            Expr::DynamicConstant(value, _) => match value.clone().try_cast::<FnPtr>() {
                Some(f) if f.fn_name().starts_with(ANONYMOUS) => self.closed(f.fn_name(), 0, at),
                Some(f) => Shape::Function(f.fn_name().to_string()),
                None => Shape::Other,
            },
            Expr::Variable(variable, _, position) => match variable.2.path.as_slice() {
                [] => self.read(&variable.1, (*position).into()),
                path => {
                    let path: Vec<String> = path.iter().map(|i| i.name.to_string()).collect();
                    self.use_alias(&path[0]);
                    let name = variable.1.to_string();
                    let at = At::from(variable.2.path[0].pos);
                    self.facts.constants.push(Constant { path, name, at });
                    Shape::Other
                }
            },
            Expr::Stmt(block) => match captures(block) {
                Some((name, captured)) => self.closed(&name, captured, at),
                None => {
                    self.frame(|w| w.block(block.statements()));
                    Shape::Other
                }
            },
            Expr::FnCall(call, position) => return self.call(call, (*position).into(), None),
            Expr::Dot(parts, flags, _) => return self.chain(&parts.lhs, &parts.rhs, *flags, false),
            Expr::Index(parts, flags, _) => return self.chain(&parts.lhs, &parts.rhs, *flags, true),
            Expr::And(parts, _) | Expr::Or(parts, _) | Expr::Coalesce(parts, _) => {
                self.each(parts);
                Shape::Other
            }
            Expr::Custom(custom, _) => {
                self.each(&custom.inputs);
                Shape::Other
            }
            _ => Shape::Other,
        };
        Value { at, shape }
    }

    fn each(&mut self, parts: &'a [Expr]) {
        for part in parts {
            self.expr(part);
        }
    }

    fn closed(&mut self, name: &str, captured: usize, at: At) -> Shape {
        self.closure(name, captured, at).map_or(Shape::Other, Shape::Closure)
    }

    /// `a.b[c].d(e)`: Rhai nests such a chain to the right.
    fn chain(&mut self, first: &'a Expr, rest: &'a Expr, flags: ASTFlags, index: bool) -> Value {
        let value = self.expr(first);
        self.link(value, rest, flags, index)
    }

    /// What stands behind a value's dot or bracket.
    fn link(&mut self, value: Value, rest: &'a Expr, flags: ASTFlags, index: bool) -> Value {
        let ends = flags.contains(ASTFlags::BREAK);
        match rest {
            Expr::Dot(parts, next, _) if !ends => {
                let here = self.one_link(value, &parts.lhs, index);
                self.link(here, &parts.rhs, *next, false)
            }
            Expr::Index(parts, next, _) if !ends => {
                let here = self.one_link(value, &parts.lhs, index);
                self.link(here, &parts.rhs, *next, true)
            }
            last => self.one_link(value, last, index),
        }
    }

    fn one_link(&mut self, value: Value, link: &'a Expr, index: bool) -> Value {
        let at = value.at;
        let shape = match link {
            inside if index => {
                self.expr(inside);
                Shape::Item(Box::new(value))
            }
            Expr::Property(property, position) => {
                let name = property.2.to_string();
                let field =
                    Field { of: value.clone(), name: name.clone(), at: (*position).into(), body: self.body };
                self.facts.fields.push(field);
                Shape::Field(Box::new(value), name)
            }
            Expr::MethodCall(call, position) => {
                return self.call(call, (*position).into(), Some(value));
            }
            other => {
                self.expr(other);
                Shape::Other
            }
        };
        Value { at, shape }
    }

    pub(super) fn call(&mut self, call: &'a FnCallExpr, at: At, receiver: Option<Value>) -> Value {
        let start = receiver.as_ref().map_or(at, |r| r.at);
        if call.op_token.is_some() {
            self.each(&call.args);
            return Value { at: start, shape: Shape::Other };
        }
        let path: Vec<String> = call.namespace.path.iter().map(|i| i.name.to_string()).collect();
        if let Some(alias) = path.first() {
            self.use_alias(alias);
        }
        let path_at = call.namespace.path.first().map(|i| At::from(i.pos));
        let shadow = self.lookup(&call.name);
        if let Some(variable) = shadow {
            self.facts.bindings[variable].read = true; // a closure that is called the wrong way
        }
        let id = self.facts.calls.len();
        self.facts.calls.push(Call {
            name: call.name.to_string(),
            at,
            path,
            start: path_at.unwrap_or(at),
            receiver,
            args: Vec::new(),
            body: self.body,
            statement: self.statement,
            loops: self.loops,
            branches: self.branches.clone(),
            shadow,
        });
        self.facts.bodies[self.body].calls.push(id);
        let args = call.args.iter().map(|arg| self.expr(arg)).collect();
        self.facts.calls[id].args = args;
        Value { at: path_at.unwrap_or(start), shape: Shape::Result(id) }
    }
}

/// A closure that captures variables is a block: they are made shared, then curried into it.
fn captures(block: &StmtBlock) -> Option<(String, usize)> {
    let [Stmt::Share(_), Stmt::Expr(curry)] = block.statements() else { return None };
    let Expr::FnCall(call, _) = &**curry else { return None };
    let (closure, captured) = call.args.split_first()?;
    let Expr::DynamicConstant(value, _) = closure else { return None };
    let name = value.clone().try_cast::<FnPtr>()?.fn_name().to_string();
    (call.name == "curry" && name.starts_with(ANONYMOUS)).then_some((name, captured.len()))
}
