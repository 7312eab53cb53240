//! What an expression is, without evaluating it: from the values of variables, the rows of the
//! resources and the descriptors of the primitives.

use rhai::Dynamic;

use super::session::Session;
use crate::script::engine;
use crate::script::handles::{Collection, KubeHandle, Resource, Scope};
use crate::script::primitive::On;
use crate::script::primitives;
use crate::script::survey::lexer::{LexemeKind, Page};
use crate::systems::openstack::Resource as Row;
use crate::systems::openstack::resource;

/// What an expression is.
#[derive(Clone)]
pub enum Thing {
    /// A value that is at hand.
    Value(Dynamic),
    /// A scope that is not at hand yet, by its name.
    Scope(String),
    /// A cluster that is not at hand yet, by its name.
    Cluster(String),
    /// A collection of a scope: the handle and the row.
    Collection(Option<String>, &'static Row),
    /// A resource of a row.
    Resource(&'static Row),
    /// A list of something.
    List(Box<Thing>),
    /// A value of a type, by its name in scripts.
    Typed(&'static str),
}

/// Methods that give a list of the same.
const KEEPS: &[&str] = &["filter", "sort", "reverse", "extract", "dedup"];

impl Thing {
    /// What an expression's text is, as far as it can be told.
    pub fn of(session: &Session, text: &str) -> Option<Thing> {
        let page = Page::of(text);
        let mut n = 1;
        let first = page.lexemes.first()?;
        let mut thing = match first.kind {
            LexemeKind::Text => Thing::Typed("string"),
            LexemeKind::Number => Thing::Typed("integer"),
            LexemeKind::Word => {
                let name = page.str(first);
                match session.variable(name) {
                    Some(value) => Thing::Value(value),
                    None => match session.handles().get(name) {
                        Some(handle) if handle.kind == "scope" => Thing::Scope(handle.name.clone()),
                        Some(handle) if handle.kind == "kube" => Thing::Cluster(handle.name.clone()),
                        Some(handle) => returned(On::Type("Site"), handle.kind)?,
                        None => {
                            let called = page.lexemes.get(1).is_some_and(|l| page.str(l) == "(");
                            n = page.closing(1).filter(|_| called)? + 1;
                            returned(On::Global, name)?
                        }
                    },
                }
            }
            _ => return None,
        };
        while let Some(lexeme) = page.lexemes.get(n) {
            match page.str(lexeme) {
                "." => {
                    let name = page.str(page.lexemes.get(n + 1)?);
                    n += 2;
                    let called = page.lexemes.get(n).is_some_and(|l| page.str(l) == "(");
                    let argument = page.lexemes.get(n + 1).filter(|l| called && l.kind == LexemeKind::Text);
                    let argument = argument.map(|l| page.str(l).trim_matches('"'));
                    thing = match called {
                        true => {
                            n = page.closing(n)? + 1;
                            thing.method(name, argument)?
                        }
                        false => thing.field(name)?,
                    };
                }
                "[" => {
                    let item = page.lexemes.get(n + 1).and_then(|l| page.str(l).parse::<usize>().ok());
                    n = page.closing(n)? + 1;
                    thing = thing.item(item.unwrap_or(0))?;
                }
                _ => return None,
            }
        }
        Some(thing)
    }

    /// Its type's name in scripts.
    pub fn type_name(&self) -> &'static str {
        match self {
            Thing::Value(value) => engine::type_name(value),
            Thing::Scope(_) => "Scope",
            Thing::Cluster(_) => "Kube",
            Thing::Collection(..) => "Collection",
            Thing::Resource(_) => "Resource",
            Thing::List(_) => "list",
            Thing::Typed(name) => name,
        }
    }

    /// The row of a collection or a resource.
    pub fn row(&self) -> Option<&'static Row> {
        match self {
            Thing::Collection(_, row) | Thing::Resource(row) => Some(row),
            Thing::Value(value) => {
                let collection = value.read_lock::<Collection>().map(|c| c.row);
                collection.or_else(|| value.read_lock::<Resource>().map(|r| r.from.row))
            }
            _ => None,
        }
    }

    /// The handle of a collection.
    pub fn handle(&self) -> Option<String> {
        match self {
            Thing::Collection(handle, _) => handle.clone(),
            Thing::Value(value) => value.read_lock::<Collection>().map(|c| c.session.handle().to_string()),
            _ => None,
        }
    }

    /// The way into a cluster, where it is one.
    pub fn cluster(&self, session: &Session) -> Option<KubeHandle> {
        match self {
            Thing::Cluster(name) => session.host.site.kube(name).ok(),
            Thing::Value(value) => value.read_lock::<KubeHandle>().map(|kube| kube.clone()),
            _ => None,
        }
    }

    fn field(&self, name: &str) -> Option<Thing> {
        let row = || resource::find(name).ok();
        match self {
            Thing::Scope(handle) => Some(Thing::Collection(Some(handle.clone()), row()?)),
            Thing::Typed("Scope") => Some(Thing::Collection(None, row()?)),
            Thing::Value(value) => {
                if let Some(scope) = value.read_lock::<Scope>() {
                    return Some(Thing::Collection(Some(scope.0.handle().to_string()), row()?));
                }
                if let Some(resource) = value.read_lock::<Resource>() {
                    return resource.field(name).ok().flatten().map(Thing::Value);
                }
                value.read_lock::<rhai::Map>().and_then(|map| map.get(name).cloned()).map(Thing::Value)
            }
            _ => None,
        }
    }

    fn item(&self, n: usize) -> Option<Thing> {
        match self {
            Thing::List(of) => Some((**of).clone()),
            Thing::Value(value) => value.read_lock::<rhai::Array>()?.get(n).cloned().map(Thing::Value),
            _ => None,
        }
    }

    fn method(&self, name: &str, argument: Option<&str>) -> Option<Thing> {
        match (self.type_name(), name) {
            ("Collection", "list") => Some(Thing::List(Box::new(Thing::Resource(self.row()?)))),
            ("Collection", "get" | "find" | "create" | "ensure") | ("Resource", "refresh") => {
                Some(Thing::Resource(self.row()?))
            }
            ("Resource", "children") => Some(Thing::Collection(None, resource::find(argument?).ok()?)),
            ("Site", "scope") => Some(Thing::Scope(argument?.to_string())),
            ("Site", "kube") => Some(Thing::Cluster(argument?.to_string())),
            ("list", name) if KEEPS.contains(&name) => Some(self.clone()),
            (ty, name) => returned(On::Type(ty), name),
        }
    }
}

/// What a primitive returns.
fn returned(on: On, name: &str) -> Option<Thing> {
    let primitive = primitives::all().into_iter().find(|p| p.on == on && p.name == name)?;
    let word = primitive.returns.split([' ', ',', ':', ';']).next().unwrap_or_default();
    let ours = primitives::TYPE_NAMES.iter().map(|(_, name)| *name);
    let known = ours.chain(["string", "integer", "list", "map", "bool"]).find(|name| *name == word)?;
    Some(Thing::Typed(known))
}
