//! What a row of the table says.

use serde_json::Value;

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::Method;
use crate::systems::openstack::policy::{Needs, Operation};
use crate::systems::openstack::service::Service;

use super::action::{Action, Destroyer};
use super::proof::Proofs;

/// Query keys that order or cut a list, in every service.
const COMMON_OPTIONS: &[&str] =
    &["limit", "marker", "sort", "sort_key", "sort_dir", "fields", "page_reverse"];

/// One kind of thing in a cloud.
#[derive(Debug)]
pub struct Resource {
    /// The collection's name in scripts: `load_balancers`.
    pub name: &'static str,
    /// One of it, for people: `load balancer`.
    pub title: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Who serves it.
    pub service: &'static Service,
    /// The collection's path under the service's version. `{cluster}` stands for a key of the filter;
    /// `{project_id}` and `{user_id}` for the session's own.
    pub path: &'static str,
    /// Where lists are read if not at `path`.
    pub list_path: Option<&'static str>,
    /// The list's key in an answer.
    pub collection_key: &'static str,
    /// The key around one thing, in answers and bodies; `None` where it stands bare.
    pub item_key: Option<&'static str>,
    /// The field that tells it apart.
    pub id_key: &'static str,
    /// The field people call it by; `None` where it has no name.
    pub name_key: Option<&'static str>,
    /// What people call one without a name: `{binary} on {host}`, of its fields.
    pub label: Option<&'static str>,
    /// How a list is asked for one name.
    pub name_filter: NameFilter,
    /// Query keys of lists that are not fields of the things listed.
    pub options: &'static [&'static str],
    /// The service takes fields of the things as query keys. Where not, they are compared here alone.
    pub sends_filters: bool,
    /// A list shows less of a thing than a look at it.
    pub list_is_brief: bool,
    /// The version of the API that reads need.
    pub microversion: Option<&'static str>,
    /// The version that creating needs, if another.
    pub create_microversion: Option<&'static str>,
    /// The version that deleting needs, if another.
    pub delete_microversion: Option<&'static str>,
    /// What the API allows.
    pub verbs: Verbs,
    /// What proves that it was done.
    pub proofs: Proofs,
    /// Which roles it takes.
    pub roles: Roles,
    /// What else can be done to one of it.
    pub actions: &'static [Action],
    /// What else destroys one of it, or what is in it.
    pub destroyers: &'static [Destroyer],
    /// Its states.
    pub states: Option<States>,
    /// The fields worth a column, in order.
    pub columns: &'static [&'static str],
    /// Fields of requests and answers that are secrets.
    pub secrets: &'static [&'static str],
}

/// How a list is asked for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// The service compares the name: with this query key.
    Exact(&'static str),
    /// The service takes a regular expression: with this query key.
    Regex(&'static str),
    /// The service cannot: the whole list is read.
    None,
}

/// What an API allows on a resource.
#[derive(Clone, Copy, Debug)]
pub struct Verbs {
    /// The collection can be listed.
    pub list: bool,
    /// One of it can be looked at.
    pub get: bool,
    /// One can be made.
    pub create: bool,
    /// One can be changed.
    pub update: Update,
    /// One can be deleted.
    pub delete: bool,
}

/// How a change of fields is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Not at all.
    None,
    /// `PUT` with the fields.
    Put,
    /// `PATCH` with the fields.
    Patch,
    /// `PATCH` with JSON-patch operations that replace each field; paths begin with `/`.
    JsonPatch,
    /// The same in Glance's own content type.
    ImagePatch,
}

impl Verbs {
    /// Nothing can be changed.
    pub const READ: Verbs =
        Verbs { list: true, get: true, create: false, update: Update::None, delete: false };

    /// All five.
    pub const fn all(update: Update) -> Verbs {
        Verbs { list: true, get: true, create: true, update, delete: true }
    }
}

/// Which roles reading and writing take.
#[derive(Clone, Copy, Debug)]
pub struct Roles {
    /// For `list` and `get`.
    pub read: Needs,
    /// For `create`, `update` and `delete`, and for actions that say nothing else.
    pub write: Needs,
}

/// The states of a thing, in one of its fields. Whatever is neither settled nor failed is on its way.
#[derive(Clone, Copy, Debug)]
pub struct States {
    /// The field.
    pub field: &'static str,
    /// Where it rests as wanted.
    pub settled: &'static [&'static str],
    /// Where it rests broken.
    pub failed: &'static [&'static str],
    /// A field that says what it is busy with, and holds nothing while it is at rest in whatever state.
    pub task: Option<&'static str>,
}

impl States {
    /// Its state.
    pub fn of<'a>(&self, item: &'a Value) -> &'a str {
        item[self.field].as_str().unwrap_or_default()
    }

    /// What it is busy with, beside its state.
    pub fn task<'a>(&self, item: &'a Value) -> Option<&'a str> {
        item[self.task?].as_str()
    }

    /// Whether nothing is on its way to it: it is where it stays until somebody asks for a change.
    pub fn at_rest(&self, item: &Value) -> bool {
        match self.task {
            Some(_) => self.task(item).is_none(),
            None => [self.settled, self.failed].iter().any(|states| states.contains(&self.of(item))),
        }
    }
}

impl Resource {
    /// A row to be completed by others: what most rows have in common.
    pub(super) const BASE: Resource = Resource {
        name: "",
        title: "",
        doc: "",
        service: &crate::systems::openstack::service::COMPUTE,
        path: "",
        list_path: None,
        collection_key: "",
        item_key: None,
        id_key: "id",
        name_key: Some("name"),
        label: None,
        name_filter: NameFilter::Exact("name"),
        options: &[],
        sends_filters: true,
        list_is_brief: false,
        microversion: None,
        create_microversion: None,
        delete_microversion: None,
        verbs: Verbs::READ,
        proofs: Proofs::UNSTATED,
        roles: Roles {
            read: crate::systems::openstack::policy::ANYONE,
            write: crate::systems::openstack::policy::MEMBER,
        },
        actions: &[],
        destroyers: &[],
        states: None,
        columns: &["id", "name"],
        secrets: &[],
    };

    /// Everything that can be done to it, with the roles that takes.
    pub fn operations(&'static self) -> Vec<Operation> {
        let v = &self.verbs;
        let own = [
            ("list", v.list),
            ("get", v.get),
            ("create", v.create),
            ("update", v.update != Update::None),
            ("delete", v.delete),
        ];
        let own = own.into_iter().filter(|(_, on)| *on).map(|(verb, _)| self.operation(verb));
        own.chain(self.actions.iter().map(|a| self.action_operation(a))).collect()
    }

    pub(super) fn operation(&self, verb: &'static str) -> Operation {
        let needs = if matches!(verb, "list" | "get") { self.roles.read } else { self.roles.write };
        Operation { resource: self.name, verb, needs }
    }

    pub(super) fn action_operation(&self, action: &Action) -> Operation {
        let own = if action.reads() { self.roles.read } else { self.roles.write };
        Operation { resource: self.name, verb: action.name, needs: action.needs.unwrap_or(own) }
    }

    /// One of its actions.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], with the nearest name.
    pub fn action(&self, name: &str) -> Result<&'static Action> {
        self.actions.iter().find(|a| a.name == name).ok_or_else(|| {
            let e = Error::new(ErrorKind::Argument, format!("a {} has no action `{name}`", self.title));
            match nearest(name, self.actions.iter().map(|a| a.name)) {
                Some(meant) => e.help(format!("did you mean `{meant}`?")),
                None => e,
            }
        })
    }

    /// What people call one of it: by its name, else by what its label says of it.
    pub fn called(&self, field: impl Fn(&str) -> Option<String>) -> Option<String> {
        let filled = |key: &str| field(key).filter(|text| !text.is_empty());
        self.name_key.and_then(filled).or_else(|| {
            let mut text = String::new();
            let mut left = self.label?;
            while let Some((before, behind)) = left.split_once('{') {
                let (key, rest) = behind.split_once('}')?;
                text.push_str(before);
                text.push_str(&filled(key)?);
                left = rest;
            }
            Some(text + left)
        })
    }

    /// Keys that its path takes from a filter, such as `cluster` of `/clusters/{cluster}/nodegroups`.
    pub fn parents(&self) -> impl Iterator<Item = &'static str> {
        let keys = self.path.split('{').skip(1).filter_map(|p| p.split_once('}')).map(|(key, _)| key);
        keys.filter(|key| !matches!(*key, "project_id" | "user_id"))
    }

    /// Whether a query key orders, cuts or widens a list, and is no field of the things listed.
    pub fn is_option(&self, key: &str) -> bool {
        self.options.contains(&key) || COMMON_OPTIONS.contains(&key)
    }

    pub(super) fn unsupported(&self, verb: &str) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!("the API of {} has no `{verb}` for {}", self.service.name, self.name),
        )
    }

    /// The method and the content type of an update.
    pub(super) fn update_method(&self) -> Option<(Method, Option<&'static str>)> {
        match self.verbs.update {
            Update::None => None,
            Update::Put => Some((Method::PUT, None)),
            Update::Patch => Some((Method::PATCH, None)),
            Update::JsonPatch => Some((Method::PATCH, Some("application/json"))),
            Update::ImagePatch => Some((Method::PATCH, Some("application/openstack-images-v2.1-json-patch"))),
        }
    }
}
