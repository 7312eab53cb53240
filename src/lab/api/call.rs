//! A request on its way through a handler.

use std::sync::Arc;

use serde_json::Value;

use super::{Refusal, Version};
use crate::lab::exchange::{Incoming, Request};
use crate::lab::keystone::Grant;
use crate::lab::world::World;

/// What a handler has to work with.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) request: &'a Request,
    /// Whose token it is.
    pub(crate) who: Arc<Grant>,
    /// The microversion that was agreed on.
    pub(crate) version: Version,
    pub(super) params: Vec<&'a str>,
}

impl<'a> Call<'a> {
    /// The n-th part of the path that the route leaves open.
    pub(crate) fn param(&self, n: usize) -> &'a str {
        self.params.get(n).copied().unwrap_or_default()
    }

    /// The last value of a key in the query.
    pub(crate) fn query(&self, key: &str) -> Option<String> {
        self.request.get(key)
    }

    /// The member of the body's object.
    pub(crate) fn member(&self, key: &str) -> Option<&'a Value> {
        self.request.member(key)
    }

    /// The body as a JSON document.
    pub(crate) fn json(&self) -> Option<&'a Value> {
        match &self.request.body {
            Incoming::Json(body) => Some(body),
            _ => None,
        }
    }

    /// Whether the token sees what a project owns.
    pub(crate) fn sees(&self, project: &str) -> bool {
        self.who.is_admin() || *self.who.project == *project
    }

    /// Fails with a policy's name unless it holds.
    pub(crate) fn allow(&self, holds: bool, policy: &'static str) -> Result<(), Refusal> {
        if holds { Ok(()) } else { Err(Refusal::Policy(policy)) }
    }
}
