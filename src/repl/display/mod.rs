//! Values as people read them: lists of resources as tables, one thing as its fields, states in colours.

mod conditions;
pub mod difference;
pub mod json;
pub mod pager;
mod record;
pub mod state;
pub mod table;

use rhai::{Array, Dynamic, ImmutableString};
use serde_json::Value;

use crate::base::screen::{Drawn, drawn};
use crate::script::handles::{Collection, CommandOutput, Object, Resource, Scope};
use crate::script::value;
use crate::systems::kubernetes;
use crate::systems::openstack::Resource as Row;
use crate::systems::openstack::resource;

/// Where values are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns to draw into; nothing means as many as it takes.
    pub width: Option<usize>,
    /// Whether to colour.
    pub colours: bool,
}

impl Look {
    /// Paints a text.
    pub fn paint(&self, style: anstyle::Style, text: impl Into<Drawn>) -> Drawn {
        let text = text.into();
        if self.colours { text.painted(style) } else { text }
    }
}

/// A value, drawn; nothing for `()`. `words` says what a value of another type prints as.
pub fn draw(value: &Dynamic, look: &Look, words: &dyn Fn(&Dynamic) -> String) -> Drawn {
    let value = value.flatten_clone();
    if value.is_unit() {
        return Drawn::default();
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return match text.contains('\n') {
            true => Drawn::lines(text.trim_end()),
            false => Drawn::line(&format!("{:?}", text.as_str())),
        };
    }
    if let Some(list) = value.read_lock::<Array>() {
        return draw_list(&list, look);
    }
    if let Some(resource) = value.read_lock::<Resource>() {
        return record::draw(&resource.shown(), Some(resource.from.row), look);
    }
    if let Some(collection) = value.read_lock::<Collection>() {
        return describe_collection(&collection, look);
    }
    if let Some(scope) = value.read_lock::<Scope>() {
        return describe_scope(&scope, look);
    }
    if let Some(output) = value.read_lock::<CommandOutput>() {
        let failed = (output.0.code != 0).then(|| format!("exit code {}", output.0.code));
        let parts =
            [output.0.stdout.trim_end(), output.0.stderr.trim_end(), failed.as_deref().unwrap_or_default()];
        return Drawn::join(parts.into_iter().filter(|p| !p.is_empty()).map(Drawn::lines), "\n");
    }
    match json::seen(&value) {
        Value::Object(body) if !body.contains_key(value::TAG) => {
            record::draw(&Value::Object(body), None, look)
        }
        _ => Drawn::lines(&words(&value)),
    }
}

fn draw_list(list: &Array, look: &Look) -> Drawn {
    let Some(first) = list.first() else { return "nothing: an empty list".into() };
    let row: Option<&'static Row> = first.read_lock::<Resource>().map(|r| r.from.row);
    let same = |v: &Dynamic| v.read_lock::<Resource>().map(|r| r.from.row.name) == row.map(|r| r.name);
    // an object of Kubernetes is far too large for a line
    let in_a_line = |v: &Dynamic| match v.read_lock::<Object>() {
        Some(object) => Value::Object(kubernetes::summary(&object.shown())),
        None => json::seen(v),
    };
    // a secret or a duration is no thing with columns
    let thing = |v: &Value| v.as_object().is_some_and(|map| !map.contains_key(value::TAG));
    let bodies: Vec<Value> = list.iter().map(in_a_line).collect();
    if list.iter().all(same) && bodies.iter().all(thing) {
        let columns = match row {
            Some(row) => row.columns.iter().map(|c| (*c).to_string()).collect(),
            None => columns(&bodies),
        };
        let mut text = table::draw(&columns, &bodies, row, look);
        if bodies.len() > 9 {
            text.push(drawn!("\n{}", look.paint(table::DIM, format!("{} rows", bodies.len()))));
        }
        return text;
    }
    let items: Vec<Drawn> = bodies.iter().map(|body| json::inline(body).into()).collect();
    let line = drawn!("[{}]", Drawn::join(items.iter().cloned(), ", "));
    match look.width {
        Some(width) if line.len() > width => Drawn::join(items, "\n"),
        _ => line,
    }
}

/// The columns of maps: every key that any has, what people call a thing first.
fn columns(bodies: &[Value]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for key in bodies.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys) {
        if !all.contains(key) {
            all.push(key.clone());
        }
    }
    all.sort_by_key(|key| ["id", "namespace", "name"].iter().position(|k| k == key).unwrap_or(3));
    all
}

fn describe_collection(collection: &Collection, look: &Look) -> Drawn {
    let row = collection.row;
    let verbs: Vec<&str> = row.operations().iter().map(|o| o.verb).collect();
    let name = format!("{} of {}", row.name, collection.session.handle());
    let text = drawn!("{}: {}\nit has {}", name, row.doc, verbs.join(", "));
    wrapped(&text, look)
}

fn describe_scope(scope: &Scope, look: &Look) -> Drawn {
    let session = &scope.0;
    let names: Vec<&str> =
        resource::all().filter(|row| row.parents().next().is_none()).map(|r| r.name).collect();
    let text = drawn!("scope {}: {}\nit has {}", session.handle(), session.authority(), names.join(" "));
    wrapped(&text, look)
}

/// A text within the columns there are.
pub fn wrapped(text: &Drawn, look: &Look) -> Drawn {
    text.filled(look.width, "", "")
}

/// A line within the columns there are, broken at blanks alone, so that ids stay in one piece; what it goes on in is
/// indented by `hang`.
pub fn folded(line: &Drawn, look: &Look, hang: usize) -> Drawn {
    line.filled(look.width, "", &" ".repeat(hang))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: Some(80), colours: false };

    #[test]
    fn plain_values_read_as_they_are_written() {
        let drawn = |v: Dynamic| draw(&v, &PLAIN, &|v| v.to_string()).to_string();
        assert_eq!(drawn(Dynamic::UNIT), "");
        assert_eq!(drawn(42.into()), "42");
        assert_eq!(drawn("a".into()), "\"a\"");
        assert_eq!(drawn("a\nb\n".into()), "a\nb");
        assert_eq!(drawn(Dynamic::from(vec![Dynamic::from(1_i64), "x".into()])), "[1, \"x\"]");
        assert_eq!(drawn(Dynamic::from(Array::new())), "nothing: an empty list");
    }

    #[test]
    fn maps_of_one_kind_are_a_table() {
        let map = |name: &str, n: i64| {
            let pairs: [(&str, Dynamic); 2] = [("count", n.into()), ("name", name.into())];
            Dynamic::from(pairs.into_iter().map(|(k, v)| (k.into(), v)).collect::<rhai::Map>())
        };
        let text = draw(&Dynamic::from(vec![map("one", 1), map("two", 22)]), &PLAIN, &|v| v.to_string());
        assert_eq!(&*text, "name  count\none       1\ntwo      22");
    }
}
