//! What all collections of Octavia do alike.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Octavia, Provisioning};
use crate::lab::api::{Call, Listing, Outcome, Refusal, Rule, shape};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::timeline::Timeline;
use crate::lab::world::World;

/// A kind of thing that Octavia keeps.
pub(super) trait Resource: Row + Sized {
    /// The key around one of them.
    const ONE: &'static str;
    /// The key around many.
    const MANY: &'static str;
    /// What an absent one is called.
    const NAME: &'static str;

    /// Where they are.
    fn table(octavia: &Octavia) -> &Table<Self>;

    /// Whose it is.
    fn project<'o>(&'o self, octavia: &'o Octavia) -> &'o str;

    /// How it is shown.
    fn show(&self, world: &World) -> Value;
}

/// What every part of a load balancer keeps about itself.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(super) created: Timestamp,
    pub(super) line: Timeline<Provisioning>,
}

impl Life {
    pub(super) fn new(now: Timestamp) -> Self {
        Life { created: now, line: Timeline::new(now, Provisioning::PendingCreate) }
    }

    /// `updated_at`, which is null until something was done.
    pub(super) fn updated(&self, now: Timestamp) -> Option<String> {
        let since = self.line.since(now);
        (since > self.created || self.line.at(now) != Provisioning::PendingCreate)
            .then(|| stamp::plain(since))
    }

    pub(super) fn is(&self, now: Timestamp, status: Provisioning) -> bool {
        self.line.at(now) == status
    }
}

/// Whether a token sees what a project owns.
pub(super) fn sees(call: &Call<'_>, project: &str) -> bool {
    *call.who.project == *project
        || call.who.may(Rule::LbAdmin)
        || call.who.has("load-balancer_global_observer")
}

pub(super) fn absent<R: Resource>(id: &str) -> Refusal {
    Refusal::said(404, format!("{} {id} not found.", R::NAME))
}

/// The resource with an id, if the token sees it.
pub(super) fn by_id<'c, R: Resource + 'c>(call: &'c Call<'_>, id: &str) -> Result<&'c R, Refusal> {
    let octavia = &call.world.octavia;
    let found = R::table(octavia).get(id).ok_or_else(|| absent::<R>(id))?;
    call.allow(sees(call, found.project(octavia)), "")?;
    Ok(found)
}

/// The resource that the path names.
pub(super) fn find<'c, R: Resource + 'c>(call: &'c Call<'_>) -> Result<&'c R, Refusal> {
    by_id(call, call.param(0))
}

/// Answers with one resource.
pub(super) fn one<R: Resource>(call: &Call<'_>, status: u16, id: &str) -> Outcome {
    let row: &R = by_id(call, id)?;
    let mut body = Map::new();
    body.insert(R::ONE.into(), row.show(call.world));
    Ok(Answer::json(status, body.into()))
}

/// `GET` of one.
pub(super) fn show<R: Resource>(call: &mut Call<'_>) -> Outcome {
    one::<R>(call, 200, call.param(0))
}

/// `GET` of many.
pub(super) fn list<R: Resource>(call: &mut Call<'_>) -> Outcome {
    page::<R>(call, &listing(call), |_| true)
}

/// What a list is asked for, in the words of what is shown.
pub(super) fn listing(call: &Call<'_>) -> Listing {
    let mut listing = Listing::of(call.request, false);
    // these two name one project by two names
    for (key, _) in &mut listing.filters {
        if key == "tenant_id" {
            *key = "project_id".into();
        }
    }
    listing
}

/// A page of what the token sees and what belongs here.
pub(super) fn page<R: Resource>(call: &Call<'_>, listing: &Listing, belongs: impl Fn(&R) -> bool) -> Outcome {
    let octavia = &call.world.octavia;
    let wrong = || Refusal::said(400, "One or more arguments are either duplicate or invalid");
    let limit = listing.limit.as_deref().map(str::parse::<usize>).transpose().map_err(|_| {
        Refusal::said(400, "Validation failure: limit should be an integer greater or equal to 1.")
    })?;
    let absent = || absent::<R>(listing.marker.as_deref().unwrap_or_default());
    let marker = listing.marker.as_deref().filter(|_| listing.sort.is_empty());
    let rows = R::table(octavia).after(marker).ok_or_else(absent)?;
    let rows =
        rows.filter(|row| belongs(row) && sees(call, row.project(octavia))).map(|row| row.show(call.world));
    let mut rows = rows.peekable();
    if let Some(first) = rows.peek()
        && listing.filters.iter().any(|(key, _)| first.get(key).is_none())
    {
        return Err(wrong());
    }
    let mut page = listing.page(rows, limit.unwrap_or(usize::MAX)).ok_or_else(absent)?;
    let mut links = json!([]);
    if limit.is_some_and(|limit| page.len() == limit)
        && let Some(last) = page.last().and_then(|row| row["id"].as_str())
    {
        links = json!([{"href": shape::next(call.request, &call.request.path, last), "rel": "next"}]);
    }
    page.iter_mut().for_each(|row| listing.keep(row));
    let mut body = Map::new();
    body.insert(R::MANY.into(), page.into());
    body.insert(format!("{}_links", R::MANY), links);
    Ok(Answer::json(200, body.into()))
}

/// The object under a key of the body.
pub(super) fn body<'a>(call: &Call<'a>, key: &str) -> Result<&'a Map<String, Value>, Refusal> {
    let given = call.member(key).and_then(Value::as_object);
    given.ok_or_else(|| {
        Refusal::said(
            400,
            format!("Invalid input for field/attribute {key}. Value: 'None'. Mandatory field missing."),
        )
    })
}

/// A member of a body that must be there.
pub(super) fn needed<'v>(given: &'v Map<String, Value>, key: &str) -> Result<&'v Value, Refusal> {
    let missing = || {
        Refusal::said(
            400,
            format!("Invalid input for field/attribute {key}. Value: 'None'. Mandatory field missing."),
        )
    };
    given.get(key).filter(|v| !v.is_null()).ok_or_else(missing)
}

/// One of a few words that must be there.
pub(super) fn choice(given: &Map<String, Value>, key: &str, all: &[&str]) -> Result<String, Refusal> {
    let word = needed(given, key)?.as_str().unwrap_or_default();
    if all.contains(&word) {
        return Ok(word.into());
    }
    Err(Refusal::said(
        400,
        format!(
            "Invalid input for field/attribute {key}. Value: '{word}'. Value should be one of: {}",
            all.join(", ")
        ),
    ))
}

/// A text of a body, or none.
pub(super) fn text(given: &Map<String, Value>, key: &str) -> String {
    given.get(key).and_then(Value::as_str).unwrap_or_default().into()
}

/// Fails unless the load balancer of a part can be changed now.
pub(super) fn mutable(call: &Call<'_>, lb: &str) -> Result<(), Refusal> {
    let found = call.world.octavia.load_balancers.get(lb);
    match found.is_some_and(|lb| lb.life.is(call.world.now(), Provisioning::Active)) {
        true => Ok(()),
        false => Err(Refusal::said(409, format!("Load Balancer {lb} is immutable and cannot be updated."))),
    }
}

/// References by id.
pub(super) fn refs<'i>(ids: impl IntoIterator<Item = &'i Id>) -> Value {
    ids.into_iter().map(|id| json!({"id": &**id})).collect()
}
