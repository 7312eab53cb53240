//! What all collections of Neutron do alike: filters, fields, sorting, pages, visibility.

use serde_json::{Map, Value, json};

use super::Neutron;
use crate::lab::api::{Call, Listing, Outcome, Refusal, shape};
use crate::lab::exchange::{Answer, Body};
use crate::lab::keystone::Grant;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

/// A kind of thing that Neutron keeps.
pub(super) trait Resource: Row + Sized {
    /// The key around one of them.
    const ONE: &'static str;
    /// The key around many.
    const MANY: &'static str;
    /// What a list can be filtered by.
    const ATTRIBUTES: &'static [&'static str];

    /// Where they are.
    fn table(neutron: &Neutron) -> &Table<Self>;

    /// Whose it is.
    fn project(&self) -> &str;

    /// How it is shown.
    fn show(&self, world: &World, admin: bool) -> Value;

    /// What is said if there is none.
    fn absent(id: &str) -> Refusal;

    /// Whether others than the owner see it.
    fn is_shared(&self) -> bool {
        false
    }
}

fn visible<R: Resource>(row: &R, who: &Grant) -> bool {
    who.is_admin() || row.project() == &*who.project || row.is_shared()
}

/// The resource that the path names, if the token sees it.
pub(super) fn find<'c, R: Resource + 'c>(call: &'c Call<'_>) -> Result<&'c R, Refusal> {
    by_id(call, call.param(0))
}

/// The resource with an id, if the token sees it.
pub(super) fn by_id<'c, R: Resource + 'c>(call: &'c Call<'_>, id: &str) -> Result<&'c R, Refusal> {
    let found = R::table(&call.world.neutron).get(id).filter(|row| visible(*row, &call.who));
    found.ok_or_else(|| R::absent(id))
}

/// The resource that the path names, if the token may change it.
pub(super) fn own<'c, R: Resource + 'c>(call: &'c Call<'_>, policy: &'static str) -> Result<&'c R, Refusal> {
    let row: &R = find(call)?;
    call.allow(call.sees(row.project()), policy)?;
    Ok(row)
}

/// Answers with one resource.
pub(super) fn one<R: Resource>(call: &Call<'_>, status: u16, id: &str) -> Outcome {
    let row: &R = by_id(call, id)?;
    let mut body = Map::new();
    body.insert(R::ONE.into(), row.show(call.world, call.who.is_admin()));
    Ok(Answer::json(status, body.into()))
}

/// `GET` of one.
pub(super) fn show<R: Resource>(call: &mut Call<'_>) -> Outcome {
    let mut answer = one::<R>(call, 200, call.param(0))?;
    if let Body::Json(body) = &mut answer.body {
        Listing::of(call.request, false).keep(&mut body[R::ONE]);
    }
    Ok(answer)
}

/// Fails if a list is filtered by something that it cannot be filtered by.
pub(super) fn filterable(listing: &Listing, attributes: &[&str]) -> Result<(), Refusal> {
    let unknown: Vec<String> = listing.unknown(attributes).iter().map(|k| format!("'{k}'")).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!("[{}] is invalid attribute for filtering", unknown.join(", "));
    Err(Refusal::kind(400, "HTTPBadRequest", message))
}

/// `GET` of many.
pub(super) fn list<R: Resource>(call: &mut Call<'_>) -> Outcome {
    let listing = Listing::of(call.request, false);
    filterable(&listing, R::ATTRIBUTES)?;
    let limit = listing.limit.as_deref().map(|text| {
        text.parse::<usize>().map_err(|_| {
            let message =
                format!("Bad limit request: Limit must be an integer 0 or greater and not '{text}'.");
            Refusal::kind(400, "BadRequest", message)
        })
    });
    // 0 is no limit
    let limit = limit.transpose()?.filter(|n| *n > 0);
    if let Some(marker) = &listing.marker {
        by_id::<R>(call, marker)?;
    }
    let admin = call.who.is_admin();
    let rows =
        R::table(&call.world.neutron).by_id(listing.marker.as_deref().filter(|_| listing.sort.is_empty()));
    let rows = rows.filter(|row| visible(*row, &call.who)).map(|row| row.show(call.world, admin));
    let mut page = listing.page(rows, limit.unwrap_or(usize::MAX)).unwrap_or_default();

    let links = limit.map(|limit| links::<R>(call, &page, limit));
    page.iter_mut().for_each(|row| listing.keep(row));
    let mut body = Map::new();
    body.insert(R::MANY.into(), page.into());
    if let Some(links) = links {
        body.insert(format!("{}_links", R::MANY), links);
    }
    Ok(Answer::json(200, body.into()))
}

fn links<R: Resource>(call: &Call<'_>, page: &[Value], limit: usize) -> Value {
    let id = |row: Option<&Value>| row.and_then(|row| row["id"].as_str().map(str::to_string));
    let mut links = Vec::new();
    if page.len() == limit
        && let Some(last) = id(page.last())
    {
        links.push(json!({"rel": "next", "href": shape::next(call.request, &call.request.path, &last)}));
    }
    let mut previous = match id(page.first()) {
        Some(first) => shape::next(call.request, &call.request.path, &first),
        None => format!("{}{}?{}", call.request.base, call.request.path, call.request.query),
    };
    previous.push_str("&page_reverse=True");
    links.push(json!({"rel": "previous", "href": previous}));
    links.into()
}

/// The object under a key of the body, if it says all it must and nothing that nobody knows.
pub(super) fn body<'a>(
    call: &Call<'a>,
    key: &str,
    required: &[&str],
    known: &[&str],
) -> Result<&'a Map<String, Value>, Refusal> {
    let bad = |message: String| Refusal::kind(400, "HTTPBadRequest", message);
    let given = call.member(key).and_then(Value::as_object);
    let given = given.ok_or_else(|| bad(format!("Unable to find '{key}' in request body")))?;
    if let Some(absent) = required.iter().find(|name| !given.contains_key(**name)) {
        return Err(bad(format!("Failed to parse request. Required attribute '{absent}' not specified")));
    }
    let always = ["project_id", "tenant_id", "tags"];
    let strange = |name: &&String| {
        !known.contains(&name.as_str())
            && !required.contains(&name.as_str())
            && !always.contains(&name.as_str())
    };
    let strange: Vec<String> = given.keys().filter(strange).map(|name| format!("'{name}'")).collect();
    if strange.is_empty() {
        Ok(given)
    } else {
        Err(bad(format!("Unrecognized attribute(s) {}", strange.join(", "))))
    }
}

/// A text of a body, or none.
pub(super) fn text<'v>(given: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    given.get(key).and_then(Value::as_str)
}
