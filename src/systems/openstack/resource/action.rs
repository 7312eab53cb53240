//! What can be done to a thing beside making, changing and deleting it.

use serde_json::Value;

use crate::systems::http::Method;
use crate::systems::openstack::policy::Needs;

use super::proof::Proof;
use super::row::States;

/// The method an action goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// `GET`: it reads.
    Get,
    /// `POST` that only reads.
    Query,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

/// One action on one thing.
#[derive(Debug)]
pub struct Action {
    /// Its name in scripts: `failover`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// The verb phrase put before the thing's name: `fail over`.
    pub phrase: &'static str,
    /// The method.
    pub via: Via,
    /// The path behind the thing's own.
    pub path: &'static str,
    /// What is sent.
    pub body: Body,
    /// Parts of the query that are always sent.
    pub query: &'static [(&'static str, &'static str)],
    /// What proves that it was done; unstated where it reads.
    pub proof: Proof,
    /// The version of the API it needs, if another than reading.
    pub microversion: Option<&'static str>,
    /// Which roles it takes, if others than the resource's.
    pub needs: Option<Needs>,
    /// The key of its answer that holds what was asked for.
    pub result_key: Option<&'static str>,
    /// How it is taken back.
    pub undo: UndoBy,
    /// It destroys something.
    pub destroys: bool,
    /// What shows that it took effect.
    pub edge: Option<Edge>,
}

/// A call on one thing that destroys, beside the row's own actions: what `scope.request` may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyer {
    /// The method.
    pub method: &'static str,
    /// The path behind the thing's own.
    pub path: &'static str,
    /// The key of the body that means it, where others share the path.
    pub key: Option<&'static str>,
}

impl Destroyer {
    /// A `POST` to `/action` whose body has this key.
    pub(super) const fn action(key: &'static str) -> Self {
        Destroyer { method: "POST", path: "/action", key: Some(key) }
    }
}

/// What an action sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Nothing,
    /// This JSON.
    Json(&'static str),
    /// The caller's map, as it is.
    Args,
    /// A file.
    File,
    /// The caller's map, or this JSON if it is empty, under a key.
    Under(&'static str, &'static str),
}

/// How an action is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoBy {
    /// So.
    By(&'static str),
    /// Not at all.
    Never,
    /// Nobody here knows.
    Unknown,
}

/// What a change must be seen to do: being in the end state is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The field to watch.
    pub field: &'static str,
    /// Values on the way; empty where the change may be too quick to see.
    pub through: &'static [&'static str],
    /// The value in the end.
    pub to: &'static str,
    /// Values that mean failure.
    pub failed: &'static [&'static str],
    /// What the thing is busy with on the way (see [`States::task`]).
    pub task: Option<&'static str>,
}

impl Edge {
    /// Whether a thing as it is now shows that the change took place; `None` where it cannot be told.
    pub fn shown_by(&self, states: &States, item: &Value) -> Option<bool> {
        let (state, task) = (states.of(item), states.task(item));
        let on_the_way = self.through.contains(&state) || task.is_some() && task == self.task;
        if on_the_way {
            return Some(true);
        }
        // where the end is also the beginning, being there says nothing
        let told = self.through.is_empty() && task.is_none() && !self.failed.contains(&state);
        told.then_some(state == self.to)
    }
}

impl Action {
    /// An action to be completed: a `POST` to `/action`.
    pub(super) const BASE: Action = Action {
        name: "",
        doc: "",
        phrase: "",
        via: Via::Post,
        path: "/action",
        body: Body::Nothing,
        query: &[],
        proof: Proof::UNSTATED,
        microversion: None,
        needs: None,
        result_key: None,
        undo: UndoBy::Unknown,
        destroys: false,
        edge: None,
    };

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        matches!(self.via, Via::Get | Via::Query)
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        match self.via {
            Via::Get => Method::GET,
            Via::Query | Via::Post => Method::POST,
            Via::Put => Method::PUT,
        }
    }
}
