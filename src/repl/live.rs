//! Which live names stand where the cursor is: those of a collection, of a kind, or the kinds themselves.

use super::cursor::Typing;
use super::session::Session;
use super::thing::Thing;
use crate::script::handles::KubeHandle;
use crate::script::primitive::{On, Ty};
use crate::script::primitives;
use crate::systems::openstack::Resource as Row;

/// What names are of.
#[derive(Clone)]
pub enum Live {
    /// A collection of a scope.
    Things(String, &'static Row),
    /// The kinds that a cluster serves.
    Kinds(KubeHandle),
    /// A kind of a cluster, and whether the namespace can be said next.
    Objects(KubeHandle, String, bool),
}

impl Live {
    /// What is asked for by name where something is typed.
    pub fn at(session: &Session, typing: &Typing) -> Option<Live> {
        let (receiver, function, first) = match typing {
            Typing::Argument(receiver, function) => (receiver, function, None),
            Typing::Second(receiver, function, first) => (receiver, function, Some(first)),
            _ => return None,
        };
        let thing = Thing::of(session, receiver)?;
        if let Some(kube) = thing.cluster(session) {
            return Live::of_cluster(kube, function, first);
        }
        match (thing.type_name(), function.as_str(), first) {
            ("Collection", "get" | "find" | "ensure", None) => {
                Some(Live::Things(thing.handle()?, thing.row()?))
            }
            _ => None,
        }
    }

    /// What a call takes by name is in the names of its parameters.
    fn of_cluster(kube: KubeHandle, function: &str, first: Option<&String>) -> Option<Live> {
        let takes = primitives::all().into_iter().find(|p| p.on == On::Type("Kube") && p.name == function)?;
        let param = |n: usize| takes.params.get(n).map(|param| param.name);
        let options = |n: usize| takes.params.get(n).is_some_and(|param| matches!(param.ty, Ty::Options(_)));
        match (first, param(0), param(1)) {
            (None, Some("kind"), _) => Some(Live::Kinds(kube)),
            (None, Some("pod"), _) => Some(Live::Objects(kube, "pods".into(), options(1))),
            (Some(kind), Some("kind"), Some("name")) => Some(Live::Objects(kube, kind.clone(), options(2))),
            _ => None,
        }
    }

    /// The handle, and what of it.
    pub fn key(&self) -> (String, String) {
        match self {
            Live::Things(handle, row) => (format!("scope {handle}"), row.name.into()),
            Live::Kinds(kube) => (kube.to_string(), String::new()),
            Live::Objects(kube, kind, _) => (kube.to_string(), kind.to_lowercase()),
        }
    }
}
