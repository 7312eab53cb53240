//! What was seen in a session, as gates of a step that sees it again.

use serde_json::Value;

/// The longest text that a gate compares.
const LONGEST: usize = 80;

/// Fields that say whether a thing is as it should be.
const STATES: &[&str] = &["status", "provisioning_status", "operating_status", "health_status", "state"];

/// What a line's value was, as much of it as a gate can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing, or nothing that a gate could compare.
    Nothing,
    /// A text, a number or a truth value.
    Plain(Value),
    /// A list of so many.
    List(usize),
    /// A thing with these states.
    Thing(Vec<(String, String)>),
}

impl Seen {
    /// What a value shows.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Bool(_) | Value::Number(_) => Seen::Plain(value.clone()),
            Value::String(text) if text.len() <= LONGEST && !text.contains('\n') => {
                Seen::Plain(value.clone())
            }
            Value::Array(list) => Seen::List(list.len()),
            Value::Object(map) => {
                let states = STATES
                    .iter()
                    .filter_map(|key| Some(((*key).to_string(), map.get(*key)?.as_str()?.to_string())));
                Seen::Thing(states.collect())
            }
            _ => Seen::Nothing,
        }
    }

    /// The gates that hold where it is seen again, on a variable `it`.
    pub fn gates(&self, title: &str) -> Vec<String> {
        match self {
            Seen::Nothing => Vec::new(),
            Seen::Plain(Value::Bool(true)) => vec![format!("gate({title:?}, it);")],
            Seen::Plain(value) => vec![format!("expect({title:?}, it, {value});")],
            Seen::List(n) => vec![format!("expect({:?}, it.len(), {n});", format!("{title}: how many"))],
            Seen::Thing(states) if states.is_empty() => vec![format!("gate({title:?}, it != ());")],
            Seen::Thing(states) => states
                .iter()
                .map(|(field, state)| format!("expect({field:?}, it.{field}, {state:?});"))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_seen_is_claimed() {
        let gates = |v: Value| Seen::of(&v).gates("t");
        assert_eq!(gates(json!(true)), ["gate(\"t\", it);"]);
        assert_eq!(gates(json!("ACTIVE")), ["expect(\"t\", it, \"ACTIVE\");"]);
        assert_eq!(gates(json!([1, 2])), ["expect(\"t: how many\", it.len(), 2);"]);
        assert_eq!(
            gates(json!({"id": "x", "status": "ACTIVE"})),
            ["expect(\"status\", it.status, \"ACTIVE\");"]
        );
        assert!(gates(json!(null)).is_empty());
    }
}
