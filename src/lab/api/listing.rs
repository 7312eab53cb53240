//! What a list is asked for: filters, fields, order, page. OpenStack's services agree on the words.

use serde_json::Value;

use crate::lab::exchange::Request;

/// A list's query.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Keys with the values of which one must be met.
    pub(crate) filters: Vec<(String, Vec<String>)>,
    /// Members that are shown; all if empty.
    pub(crate) fields: Vec<String>,
    /// Keys to sort by, each with whether it goes down.
    pub(crate) sort: Vec<(String, bool)>,
    /// The size of a page, as it was written.
    pub(crate) limit: Option<String>,
    /// The last row of the page before.
    pub(crate) marker: Option<String>,
}

impl Listing {
    /// Reads a query. `down` is the direction of a sort key that comes without one.
    pub(crate) fn of(request: &Request, down: bool) -> Self {
        let mut it = Listing::default();
        let mut directions = Vec::new();
        for (key, value) in request.pairs() {
            match key.as_str() {
                "fields" => it.fields.push(value),
                "limit" => it.limit = Some(value),
                "marker" => it.marker = Some(value),
                "sort_key" => it.sort.push((value, down)),
                "sort_dir" => directions.push(value == "desc"),
                "sort" => it.sort.extend(value.split(',').map(|part| match part.split_once(':') {
                    Some((key, direction)) => (key.to_string(), direction == "desc"),
                    None => (part.to_string(), down),
                })),
                "page_reverse" | "member_status" => {}
                _ => match it.filters.iter_mut().find(|(k, _)| *k == key) {
                    Some((_, values)) => values.push(value),
                    None => it.filters.push((key, vec![value])),
                },
            }
        }
        for (n, (_, down)) in it.sort.iter_mut().enumerate() {
            *down = directions.get(n).or(directions.last()).copied().unwrap_or(*down);
        }
        it
    }

    /// Filters that are none of these.
    pub(crate) fn unknown(&self, known: &[&str]) -> Vec<&str> {
        self.filters.iter().map(|(key, _)| key.as_str()).filter(|key| !known.contains(key)).collect()
    }

    /// Whether a row is what the filters ask for.
    pub(crate) fn fits(&self, row: &Value) -> bool {
        self.filters.iter().all(|(key, values)| values.iter().any(|v| fits(&row[key.as_str()], v)))
    }

    /// The page: of rows in their natural order after the marker, or of all rows where a sort is asked for.
    /// `None` if the marker is none of them.
    pub(crate) fn page(&self, rows: impl Iterator<Item = Value>, most: usize) -> Option<Vec<Value>> {
        let rows = rows.filter(|row| self.fits(row));
        if self.sort.is_empty() {
            return Some(rows.take(most).collect());
        }
        let mut all: Vec<Value> = rows.collect();
        for (key, down) in self.sort.iter().rev() {
            all.sort_by_cached_key(|row| row[key.as_str()].to_string());
            if *down {
                all.reverse();
            }
        }
        let from = match &self.marker {
            None => 0,
            Some(id) => all.iter().position(|row| row["id"] == id.as_str())? + 1,
        };
        Some(all.into_iter().skip(from).take(most).collect())
    }

    /// Leaves only the fields that were asked for.
    pub(crate) fn keep(&self, row: &mut Value) {
        if let Some(members) = row.as_object_mut().filter(|_| !self.fields.is_empty()) {
            members.retain(|key, _| self.fields.contains(key));
        }
    }
}

/// Whether a member of a row is what a filter asks for.
pub(crate) fn fits(member: &Value, wanted: &str) -> bool {
    match member {
        Value::String(text) => text == wanted,
        Value::Bool(true) => wanted == "1" || wanted.eq_ignore_ascii_case("true"),
        Value::Bool(false) => wanted == "0" || wanted.eq_ignore_ascii_case("false"),
        Value::Number(n) => n.to_string() == wanted,
        Value::Null => wanted.is_empty(),
        Value::Array(items) => items.iter().any(|item| match wanted.split_once('=') {
            Some((key, value)) if item.is_object() => item[key].as_str() == Some(value),
            _ => fits(item, wanted),
        }),
        Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_meet_members_of_every_type() {
        let row = json!({"name": "a", "up": true, "port": 80, "none": null, "tags": ["x", "y"],
            "fixed_ips": [{"ip_address": "10.0.0.2", "subnet_id": "s"}]});
        for (key, yes, no) in [
            ("name", "a", "A"),
            ("up", "True", "false"),
            ("port", "80", "8"),
            ("none", "", "None"),
            ("tags", "y", "z"),
            ("fixed_ips", "ip_address=10.0.0.2", "ip_address=10.0.0.3"),
        ] {
            assert!(fits(&row[key], yes) && !fits(&row[key], no), "{key}");
        }
    }

    #[test]
    fn a_sorted_page_goes_on_behind_its_marker() {
        let rows = || ["b", "a", "c"].map(|n| json!({"id": n, "name": n})).into_iter();
        let by = |down, marker: Option<&str>| Listing {
            sort: vec![("name".into(), down)],
            marker: marker.map(Into::into),
            ..Listing::default()
        };
        let ids = |page: Option<Vec<Value>>| {
            page.map(|p| p.iter().map(|r| r["id"].as_str().unwrap().to_string()).collect::<String>())
        };
        assert_eq!(ids(by(true, Some("c")).page(rows(), 9)).as_deref(), Some("ba"));
        assert_eq!(ids(by(false, None).page(rows(), 2)).as_deref(), Some("ab"));
        assert_eq!(ids(by(false, Some("x")).page(rows(), 2)), None);
        assert_eq!(ids(Listing::default().page(rows(), 2)).as_deref(), Some("ba"));
    }
}
