//! The conditions of a Kubernetes object: which hold, since when, and what they say.

use serde_json::Value;

use super::{Look, state, table};
use crate::base::screen::{self, Drawn, drawn};

/// Conditions that are bad where they hold.
const BAD_IF_TRUE: &[&str] =
    &["pressure", "unavailable", "failed", "degraded", "stalled", "paused", "deleting"];

/// An object's conditions as lines; nothing where it has none.
pub fn draw(body: &Value, look: &Look) -> Option<Drawn> {
    let all = body.pointer("/status/conditions").or_else(|| body.get("conditions"))?.as_array()?;
    let text = |c: &Value, key: &str| {
        screen::line(c.get(key).and_then(Value::as_str).unwrap_or_default()).into_owned()
    };
    let widest = all.iter().map(|c| text(c, "type").chars().count()).max()?;
    let lines = all.iter().map(|c| {
        let (kind, holds) = (text(c, "type"), text(c, "status"));
        let bad = BAD_IF_TRUE.iter().any(|word| kind.to_ascii_lowercase().contains(word));
        let style = match holds.as_str() {
            "True" if bad => state::BAD,
            "False" if !bad => state::BAD,
            "Unknown" => state::MOVING,
            _ => state::GOOD,
        };
        let said = [text(c, "reason"), text(c, "message")];
        let said = said.iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>().join(": ");
        let line = format!("{kind:<widest$}  {holds:<7}  ");
        let said =
            look.width.map_or(said.clone(), |w| table::cut(&said, w.saturating_sub(line.len()).max(20)));
        let kind = format!("{kind:<widest$}");
        drawn!("{}  {}  {}", kind, look.paint(style, format!("{holds:<7}")), said).trimmed()
    });
    Some(Drawn::join(lines, "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_that_does_not_hold_stands_out_with_its_reason() {
        let body = json!({"status": {"conditions": [
            {"type": "Ready", "status": "False", "reason": "LoadBalancer", "message": "timed out"},
            {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory"},
        ]}});
        let text = draw(&body, &Look { width: Some(80), colours: true }).unwrap();
        let bad = state::BAD;
        assert!(text.contains(&format!("{bad}False  {bad:#}  LoadBalancer: timed out")), "{text:?}");
        assert!(text.contains(&format!("{}False", state::GOOD)), "{text:?}");
        assert!(draw(&json!({}), &Look { width: None, colours: false }).is_none());
    }
}
