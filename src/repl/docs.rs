//! What a name is for: from the descriptors, the rows, and the doc comments of modules.

use std::sync::Arc;

use super::candidates;
use super::commands;
use super::session::Session;
use super::thing::Thing;
use super::uses;
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::script::paragraphs::paragraphs;
use crate::script::primitive::{On, Primitive, Ty};
use crate::script::primitives;
use crate::systems::openstack::Resource as Row;
use crate::systems::openstack::resource;

/// A function of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documented {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<String>,
    /// Its doc comment.
    pub doc: String,
}

impl Documented {
    /// `broken(admin)`.
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.params.join(", "))
    }
}

/// The functions of a compiled module that others may call.
pub fn of_functions(ast: &rhai::AST) -> Arc<Vec<Documented>> {
    let public =
        ast.iter_functions().filter(|f| f.access == rhai::FnAccess::Public && !f.name.starts_with("anon$"));
    let mut all: Vec<Documented> = public
        .map(|f| Documented {
            name: f.name.to_string(),
            params: f.params.iter().map(ToString::to_string).collect(),
            doc: f
                .comments
                .iter()
                .flat_map(|c| c.lines())
                .map(|l| l.trim().trim_start_matches('/').trim())
                .collect::<Vec<_>>()
                .join("\n"),
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Arc::new(all)
}

/// The signature of a call, for a hint. `of` is what stands before its name, with its `.` or `::`.
pub fn signature(session: &Session, of: &str, name: &str) -> Option<String> {
    if let Some(module) = of.strip_suffix("::") {
        let fixed = primitives::all()
            .into_iter()
            .find(|p| p.name == name && matches!(p.on, On::Module(m) if m == module));
        return fixed.map(line).or_else(|| {
            session.documented(module).iter().find(|f| f.name == name).map(Documented::signature)
        });
    }
    if let Some(receiver) = of.strip_suffix('.') {
        let thing = Thing::of(session, receiver)?;
        return candidates::methods(&thing).into_iter().find(|p| p.name == name).map(line);
    }
    let own = session.functions().into_iter().find(|(own, _)| own == name);
    let own = own.map(|(name, params)| format!("{name}({})", params.join(", ")));
    own.or_else(|| primitives::all().into_iter().find(|p| p.on == On::Global && p.name == name).map(line))
}

/// `get(name_or_id, [filter]) -> a resource`.
fn line(primitive: &Primitive) -> String {
    let signature = primitive.signature();
    let bare = signature.rsplit_once('.').map_or(signature.as_str(), |(_, bare)| bare);
    match primitive.returns {
        "()" | "" => bare.to_string(),
        returns => format!("{bare} -> {returns}"),
    }
}

/// A page about a name, as `help` takes it.
///
/// # Errors
/// Nothing goes by that name.
pub fn page(session: &Session, topic: &str) -> Result<String> {
    let topic = topic.trim().trim_end_matches("()");
    if let Some(command) =
        commands::ALL.iter().find(|c| topic.trim_start_matches(':') == c.name && topic.starts_with(':'))
    {
        return Ok(format!(":{} {}\n\n{}", command.name, command.arguments, command.doc));
    }
    if let Some((module, name)) = topic.split_once("::") {
        return of_module(session, module, name);
    }
    if let Some(row) = resource::all().find(|row| row.name == topic) {
        return Ok(of_row(session, row, topic));
    }
    if let Some((receiver, name)) = topic.rsplit_once('.') {
        if let Some(row) = resource::all().find(|row| row.name == name) {
            return Ok(of_row(session, row, topic));
        }
        if let Some(thing) = Thing::of(session, receiver)
            && let Some(primitive) = candidates::methods(&thing).into_iter().find(|p| p.name == name)
        {
            return Ok(of_primitive(primitive, thing.row()));
        }
    }
    let named: Vec<&Primitive> =
        primitives::all().into_iter().filter(|p| p.name == topic || p.path() == topic).collect();
    if !named.is_empty() {
        return Ok(named.iter().map(|p| of_primitive(p, None)).collect::<Vec<_>>().join("\n\n"));
    }
    if session.module(topic).is_some() {
        return of_module(session, topic, "");
    }
    if let Some(thing) = Thing::of(session, topic) {
        let mut members = candidates::of_thing(&thing);
        members.sort();
        return Ok(format!("{topic} is a {}; it has\n{}", thing.type_name(), members.join("  ")));
    }
    let modules = session.modules();
    let known = primitives::all().into_iter().map(|p| p.name).chain(resource::all().map(|r| r.name));
    let known: Vec<&str> = known.chain(modules.iter().map(String::as_str)).collect();
    let e = Error::new(ErrorKind::Usage, format!("nothing goes by `{topic}`"));
    Err(match nearest(topic, known) {
        Some(near) => e.help(format!("did you mean `{near}`?")),
        None => e.help("`help` lists what there is"),
    })
}

fn of_module(session: &Session, module: &str, name: &str) -> Result<String> {
    let fixed: Vec<&Primitive> =
        primitives::all().into_iter().filter(|p| matches!(p.on, On::Module(m) if m == module)).collect();
    let functions = session.documented(module);
    if fixed.is_empty() && functions.is_empty() {
        return Err(Error::new(ErrorKind::Usage, format!("there is no module `{module}`"))
            .help(format!("there are {}", session.modules().join(", "))));
    }
    if name.is_empty() {
        let mut lines: Vec<String> = fixed.iter().map(|p| format!("{}  {}", p.signature(), p.doc)).collect();
        lines.extend(functions.iter().map(|f| {
            let first = f.doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
            format!("{module}::{}\n    {first}", f.signature())
        }));
        return Ok(lines.join("\n"));
    }
    let pages: Vec<String> = fixed.iter().filter(|p| p.name == name).map(|p| of_primitive(p, None)).collect();
    let own = functions.iter().filter(|f| f.name == name);
    let pages: Vec<String> = pages.into_iter().chain(own.map(|f| of_function(session, module, f))).collect();
    if !pages.is_empty() {
        return Ok(pages.join("\n\n"));
    }
    let e = Error::new(ErrorKind::Usage, format!("`{module}` has no function `{name}`"));
    let begun: Vec<String> = functions
        .iter()
        .filter(|f| f.name.starts_with(name))
        .map(|f| format!("`{module}::{}`", f.name))
        .collect();
    if !begun.is_empty() {
        return Err(e.help(format!("did you mean {}?", begun.join(" or "))));
    }
    Err(match nearest(name, functions.iter().map(|f| f.name.as_str())) {
        Some(near) => e.help(format!("did you mean `{module}::{near}`?")),
        None => e.help(format!("`help {module}` lists them")),
    })
}

/// A function of a module: what it is for, and how the runbooks call it.
fn of_function(session: &Session, module: &str, function: &Documented) -> String {
    let mut page =
        format!("{module}::{}\n\n{}", function.signature(), paragraphs(&function.doc).join("\n\n"));
    let uses = uses::of(session, module, &function.name);
    if !uses.is_empty() {
        page.push_str("\n\nexamples");
    }
    for (runbook, call) in uses {
        page.push_str(&format!("\n    {call}  // {runbook}"));
    }
    page
}

/// A collection: what it is, what can be done, as whom, and how.
fn of_row(session: &Session, row: &'static Row, topic: &str) -> String {
    let policy = &session.host.site.site().policy;
    let mut page = format!("{topic}: {}\n\nit has", row.doc);
    for operation in row.operations() {
        let roles = policy.needs(&operation).first().map(|all| all.join(" and ")).unwrap_or_default();
        let roles = if roles.is_empty() { String::new() } else { format!("  (role {roles})") };
        let doc = row
            .actions
            .iter()
            .find(|a| a.name == operation.verb)
            .map(|a| format!("  {}", a.doc))
            .unwrap_or_default();
        page.push_str(&format!("\n    {}{roles}{doc}", operation.verb));
    }
    if let Some(states) = row.states {
        let (settled, failed) = (states.settled.join(", "), states.failed.join(", "));
        page.push_str(&format!("\n\n{} rests at {settled}; it is broken at {failed}", states.field));
    }
    let collection = if topic.contains('.') { topic.to_string() } else { format!("admin.{topic}") };
    page.push_str(&format!(
        "\n\nexamples\n    {collection}.list()\n    {collection}.list().filter(|it| it.{} == \"x\")\n    {collection}.get(\"NAME\")",
        row.states.map_or(row.name_key.unwrap_or(row.id_key), |s| s.field)
    ));
    if let Some(action) = row.actions.iter().find(|a| !a.reads()) {
        page.push_str(&format!("\n    {collection}.get(\"NAME\").{}()", action.name));
    }
    page
}

fn of_primitive(primitive: &Primitive, row: Option<&'static Row>) -> String {
    let action = row.and_then(|row| row.actions.iter().find(|a| a.name == primitive.name));
    let doc = action.map_or(primitive.doc, |a| a.doc);
    let mut page =
        format!("{} -> {}\n{}\n\n{doc}", primitive.signature(), primitive.returns, primitive.effect.name());
    for param in primitive.params {
        let kind = param.ty.name();
        let optional = if param.required { "" } else { ", may be left out" };
        page.push_str(&format!("\n    {} ({kind}{optional}): {}", param.name, param.doc));
        if let Ty::Options(keys) = param.ty {
            for key in keys {
                page.push_str(&format!("\n        {} ({}): {}", key.name, key.ty.name(), key.doc));
            }
        }
    }
    if !primitive.example.is_empty() {
        page.push_str(&format!("\n\nexample\n    {}", primitive.example.replace('\n', "\n    ")));
    }
    page
}
