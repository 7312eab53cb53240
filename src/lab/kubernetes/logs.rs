//! Logs of containers: when one began, that it is at work at each minute, and why it ended.

use jiff::Timestamp;
use serde_json::Value;

use super::place::Place;
use super::refusal::Refusal;
use super::store::{Key, Store};
use crate::lab::exchange::{Answer, Body, Flow, Request};
use crate::lab::follow::{Mark, More};

/// Between two lines of a container that is at work, seconds.
const MINUTE: i64 = 60;
/// So many of those lines are kept, as a log that is rotated keeps its end.
const KEPT: i64 = 10;

/// A line, and when it was written.
type Line = (Timestamp, String);

fn when(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn started(container: &Value, at: &Value) -> Option<Line> {
    let of = |key: &str| container[key].as_str().unwrap_or_default();
    Some((when(at)?, format!("I {} started, {}", of("name"), of("image"))))
}

/// The last line of a container that ended.
fn last_words(container: &Value, end: &Value) -> Option<Line> {
    let name = container["name"].as_str().unwrap_or_default();
    Some((when(&end["finishedAt"])?, format!("E {name} cannot go on: exit code {}", end["exitCode"])))
}

/// What a container that runs has written.
fn at_work(container: &Value, now: Timestamp) -> Vec<Line> {
    let at = &container["state"]["running"]["startedAt"];
    let (Some(first), Some(began)) = (started(container, at), when(at)) else { return Vec::new() };
    let name = container["name"].as_str().unwrap_or_default();
    let minutes = now.duration_since(began).as_secs() / MINUTE;
    let line = |minute: i64| {
        let second = began.as_second() + minute * MINUTE;
        Some((Timestamp::from_second(second).ok()?, format!("I {name} is at work, minute {minute}")))
    };
    let kept = (minutes - KEPT + 1).max(1)..=minutes;
    std::iter::once(first).chain(kept.filter_map(line)).collect()
}

/// What a container wrote that ended.
fn of_ended(container: &Value) -> Vec<Line> {
    let end = &container["lastState"]["terminated"];
    started(container, &end["startedAt"]).into_iter().chain(last_words(container, end)).collect()
}

fn container<'s>(store: &'s Store, place: &Place<'_>, request: &Request) -> Result<&'s Value, Refusal> {
    let pod = store.get(&Key::new(place.kind, place.namespace, place.name));
    let pod = pod.ok_or_else(|| Refusal::not_found(place.kind, place.name))?;
    let all = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = request.get("container").filter(|name| !name.is_empty());
    let found = match &wanted {
        Some(name) => all.iter().find(|c| c["name"] == **name),
        None => all.first(),
    };
    found.ok_or_else(|| {
        let name = wanted.unwrap_or_default();
        Refusal::bad(format!("container {name} is not valid for pod {}", place.name))
    })
}

fn text<'l>(lines: impl Iterator<Item = &'l Line>, request: &Request) -> String {
    let stamped = request.get("timestamps").is_some_and(|t| t == "true");
    lines
        .map(|(at, line)| match stamped {
            true => format!("{} {line}\n", crate::lab::stamp::zulu(*at)),
            false => format!("{line}\n"),
        })
        .collect()
}

fn mark(at: Timestamp) -> Mark {
    Mark { at: u64::try_from(at.as_second()).unwrap_or_default(), begun: true }
}

/// A container's log as it is.
///
/// # Errors
/// There is no such pod or container, or it has not started.
pub(super) fn begin(
    store: &Store,
    place: &Place<'_>,
    request: &Request,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let container = container(store, place, request)?;
    let name = container["name"].as_str().unwrap_or_default();
    let waits = container["state"]["waiting"]["reason"].as_str();
    if waits == Some("ContainerCreating") {
        return Err(Refusal::bad(format!(
            "container \"{name}\" in pod \"{}\" is waiting to start: ContainerCreating",
            place.name
        )));
    }
    let previous = request.get("previous").is_some_and(|p| p == "true");
    if previous && container["lastState"]["terminated"].is_null() {
        return Err(Refusal::bad(format!(
            "previous terminated container \"{name}\" in pod \"{}\" not found",
            place.name
        )));
    }
    let ended = previous || waits.is_some();
    let mut lines = if ended { of_ended(container) } else { at_work(container, now) };
    let since = match request.get("sinceSeconds").and_then(|s| s.parse::<i64>().ok()) {
        Some(seconds) => Timestamp::from_second(now.as_second().saturating_sub(seconds)).ok(),
        None => request.get("sinceTime").and_then(|t| t.parse().ok()),
    };
    lines.retain(|(at, _)| since.is_none_or(|since| *at >= since));
    let tail = request.get("tailLines").and_then(|t| t.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let text = text(lines.iter().skip(lines.len().saturating_sub(tail)), request);
    if ended || request.get("follow").is_none_or(|f| f != "true") {
        return Ok(Answer::text(200, "text/plain", text));
    }
    let flow = Flow { kind: "text/plain", text, mark: mark(now), lasts: None };
    Ok(Answer { body: Body::Flow(flow), ..Answer::empty(200) })
}

/// What the container has written since, until it ends.
pub(super) fn more(store: &Store, place: &Place<'_>, request: &Request, since: Mark, now: Timestamp) -> More {
    let Ok(container) = container(store, place, request) else {
        return More { text: String::new(), mark: since, ended: true };
    };
    let is_new = |(at, _): &&Line| mark(*at).at > since.at;
    let began = when(&container["state"]["running"]["startedAt"]);
    // one that was started again is another: the log that is followed is the one before
    let ended = began.is_none_or(|began| mark(began).at > since.at);
    let lines = if ended {
        last_words(container, &container["lastState"]["terminated"]).into_iter().collect()
    } else {
        at_work(container, now)
    };
    More { text: text(lines.iter().filter(is_new), request), mark: mark(now), ended }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_keeps_its_beginning_and_its_last_minutes() {
        let container =
            json!({"name": "web", "image": "i", "state": {"running": {"startedAt": "2026-06-10T02:00:00Z"}}});
        let after = |time: &str| -> Vec<String> {
            at_work(&container, time.parse().unwrap()).into_iter().map(|(_, line)| line).collect()
        };
        assert_eq!(after("2026-06-10T02:00:59Z"), ["I web started, i"]);
        assert_eq!(
            after("2026-06-10T02:02:00Z")[1..],
            ["I web is at work, minute 1", "I web is at work, minute 2"]
        );
        let long = after("2026-06-11T02:00:00Z");
        assert_eq!((long.len(), long.last().unwrap().as_str()), (11, "I web is at work, minute 1440"));
    }
}
