//! Reading collections: to the end, and by name without taking the wrong thing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result, is_uuid};

use super::kept::Kept;
use super::page::Page;
use super::paging;
use super::resource::{Item, NameFilter, Resource, get_call, list_call, scalar};
use super::session::Session;

/// Most things of one list.
const MOST_ITEMS: usize = 100_000;
/// Most pages of one list, also where none of them has anything.
const MOST_PAGES: usize = 2_000;
/// Most bytes of one list's pages together.
const MOST_BYTES: usize = 256 << 20;

/// All things of a collection that a filter lets through.
///
/// The filter goes to the service *and* is applied to the answer: a service that does not know a key
/// ignores it and shows everything.
///
/// # Errors
/// [`ErrorKind::Argument`] for a key that none of the things has; [`ErrorKind::Protocol`] for a list without end; and
/// as [`Session::send`].
pub async fn list(
    session: &Session,
    row: &'static Resource,
    filter: &Map<String, Value>,
) -> Result<Vec<Value>> {
    Ok(rows(session, row, filter).await?.iter().map(Kept::whole).collect())
}

/// As [`list`], each thing kept as it came.
///
/// # Errors
/// As [`list`].
pub async fn rows(
    session: &Session,
    row: &'static Resource,
    filter: &Map<String, Value>,
) -> Result<Vec<Kept>> {
    let items = read_all(session, row, filter).await?;
    apply(row, filter, items).map_err(|e| e.scope(session.handle()))
}

/// The thing of a name or an id; `None` if there is none.
///
/// # Errors
/// [`ErrorKind::Ambiguous`] that lists the ids where several have the name; and as [`list`].
pub async fn find(
    session: &Session,
    row: &'static Resource,
    name_or_id: &str,
    filter: &Map<String, Value>,
) -> Result<Option<Value>> {
    if name_or_id.trim().is_empty() {
        return Err(Error::new(ErrorKind::Argument, format!("the name of a {} is empty", row.title))
            .scope(session.handle()));
    }
    let direct = row.verbs.get && (row.name_key.is_none() || is_uuid(name_or_id));
    if direct && let Some(found) = look(session, row, name_or_id, filter).await? {
        return Ok(apply(row, filter, vec![Kept::of(&found)])?.pop().map(|_| found));
    }
    let Some(name_key) = row.name_key.or((!row.verbs.get).then_some(row.id_key)) else { return Ok(None) };
    if !row.verbs.list {
        return Ok(None);
    }
    let mut by_name = filter.clone();
    if let NameFilter::Exact(key) | NameFilter::Regex(key) = row.name_filter {
        by_name.insert(key.to_string(), name_or_id.into());
    }
    let all = read_all(session, row, &by_name).await?;
    let is = |item: &Kept, key: &str| item.text(key).is_some_and(|text| text == name_or_id);
    let named = all.into_iter().filter(|i| is(i, name_key) || is(i, row.id_key)).collect();
    let mut found = apply(row, filter, named)?;
    if found.len() > 1 {
        let ids: Vec<String> = found.iter().filter_map(|i| i.text(row.id_key)).collect();
        let what = format!("{} {}s are called `{name_or_id}`", found.len(), row.title);
        return Err(Error::new(ErrorKind::Ambiguous, what)
            .help(format!("name one by its id: {}", ids.join(", ")))
            .scope(session.handle()));
    }
    let Some(item) = found.pop() else { return Ok(None) };
    match item.text(row.id_key) {
        // gone between the list and the look is gone
        Some(id) if row.list_is_brief && row.verbs.get => look(session, row, &id, filter).await,
        _ => Ok(Some(item.whole())),
    }
}

/// The thing of a name or an id.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is none; and as [`find`].
pub async fn get(
    session: &Session,
    row: &'static Resource,
    name_or_id: &str,
    filter: &Map<String, Value>,
) -> Result<Value> {
    match find(session, row, name_or_id, filter).await? {
        Some(item) => Ok(item),
        None => {
            let target = session.identity().await?.target.describe();
            let what = format!("there is no {} `{name_or_id}` for {target}", row.title);
            Err(Error::new(ErrorKind::NotFound, what).scope(session.handle()))
        }
    }
}

/// A look at one by its id; `None` if there is none.
async fn look(
    session: &Session,
    row: &'static Resource,
    id: &str,
    parents: &Map<String, Value>,
) -> Result<Option<Value>> {
    let call = get_call(row, Item { id, name: None, parents })?;
    match session.read(&call).await {
        Ok((mut body, _)) => Ok(Some(match row.item_key {
            Some(key) => body.get_mut(key).map(Value::take).ok_or_else(|| missing(key, &body, session))?,
            None => body,
        })),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

async fn read_all(
    session: &Session,
    row: &'static Resource,
    filter: &Map<String, Value>,
) -> Result<Vec<Kept>> {
    let mut call = match row.name_filter {
        NameFilter::Regex(key) if filter.get(key).is_some_and(Value::is_string) => {
            let mut anchored = filter.clone();
            let name = filter[key].as_str().unwrap_or_default();
            anchored.insert(key.to_string(), format!("^{}$", literal(name)).into());
            list_call(row, &anchored)?
        }
        _ => list_call(row, filter)?,
    };
    let (mut items, mut bytes) = (Vec::new(), 0);
    let mut pages = BTreeSet::new();
    loop {
        let (page, size) = session.read_as(&call, |answer| Page::read(answer, row)).await?;
        bytes += size;
        let next = paging::next(&page.rest, row.collection_key).map_err(|e| e.scope(session.handle()))?;
        items.extend(page.things.ok_or_else(|| missing(row.collection_key, &page.rest, session))?);
        let Some(query) = next else { return Ok(items) };
        let too_much = items.len() > MOST_ITEMS || bytes > MOST_BYTES || pages.len() > MOST_PAGES;
        if too_much || !pages.insert(query.clone()) {
            let why = if too_much { "is too long" } else { "goes in a circle" };
            let what =
                format!("the list of {} {why}, after {} of them", row.name.replace('_', " "), items.len());
            return Err(Error::new(ErrorKind::Protocol, what)
                .help("ask for less: a filter")
                .scope(session.handle()));
        }
        call.query = query;
    }
}

fn missing(key: &str, body: &Value, session: &Session) -> Error {
    let keys = body.as_object().map(|o| o.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    Error::new(ErrorKind::Protocol, format!("the answer has no `{key}`"))
        .cause(format!(
            "it has {}",
            keys.filter(|k| !k.is_empty()).unwrap_or_else(|| "no keys at all".to_string())
        ))
        .scope(session.handle())
}

/// Keeps what the filter lets through.
fn apply(row: &Resource, filter: &Map<String, Value>, mut items: Vec<Kept>) -> Result<Vec<Kept>> {
    let is_field = |key: &str| !row.parents().any(|p| p == key) && !row.is_option(key);
    for (key, wanted) in filter.iter().filter(|(key, _)| is_field(key)) {
        if !items.is_empty() && items.iter().all(|i| !i.has(key)) {
            let fields = items.first().map(Kept::names).unwrap_or_default();
            let fields = fields.iter().map(String::as_str);
            let e = Error::new(
                ErrorKind::Argument,
                format!("{} cannot be filtered by `{key}`", row.name.replace('_', " ")),
            );
            return Err(match nearest(key, fields.chain(row.options.iter().copied())) {
                Some(meant) => e.help(format!("did you mean `{meant}`?")),
                None => e.help("none of them has such a field, and the API would ignore it"),
            });
        }
        items.retain(|item| item.field(key).is_some_and(|value| matches(&value, wanted)));
    }
    Ok(items)
}

/// Whether a field has a wanted value: one of them, where several are wanted.
fn matches(value: &Value, wanted: &Value) -> bool {
    if let Value::Array(any) = wanted {
        return any.iter().any(|w| matches(value, w));
    }
    let Some(wanted) = scalar(wanted) else { return false };
    match value {
        Value::Array(values) => values.iter().any(|v| is(v, &wanted)),
        value => is(value, &wanted),
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match value {
        // a flavor or an image inside a server
        Value::Object(inner) => {
            inner.get("id").or_else(|| inner.get("name")).and_then(Value::as_str) == Some(wanted)
        }
        Value::Bool(truth) => wanted.eq_ignore_ascii_case(&truth.to_string()),
        value => scalar(value).is_some_and(|text| text == wanted),
    }
}

/// A name as a regular expression that matches it alone.
fn literal(name: &str) -> String {
    name.chars()
        .flat_map(|c| {
            (c.is_ascii_punctuation() && !matches!(c, '-' | '_')).then_some('\\').into_iter().chain([c])
        })
        .collect()
}
