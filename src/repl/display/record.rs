//! One thing as its fields: those worth a column first, then the others, then its conditions.

use anstyle::Style;
use serde_json::Value;
use textwrap::core::display_width;

use super::{Look, conditions, json, state, table};
use crate::systems::openstack::Resource as Row;

const NAME: Style = Style::new().bold();

/// The widest column that names of fields take.
const NAMES: usize = 28;

/// A JSON object as lines of `name  value`.
pub fn draw(body: &Value, row: Option<&Row>, look: &Look) -> String {
    let Some(fields) = body.as_object() else { return json::bare(body) };
    let rank = |name: &str| row.and_then(|r| r.columns.iter().position(|c| *c == name)).unwrap_or(usize::MAX);
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort_by_key(|name| rank(name));
    let widest = names.iter().map(|n| display_width(n)).max().unwrap_or(0).min(NAMES);
    let mut lines = Vec::new();
    for name in names {
        let value = &fields[name];
        let mut text = json::bare(value).replace('\n', "⏎");
        if let Some(room) = look.width {
            text = table::cut(&text, room.saturating_sub(widest + 2).max(20));
        }
        if let Some(style) = state::style(row, name, value) {
            text = look.paint(style, &text);
        }
        let blanks = " ".repeat(widest.saturating_sub(display_width(name)) + 2);
        lines.push(format!("{}{blanks}{text}", look.paint(NAME, name)));
    }
    if lines.is_empty() {
        lines.push("#{}".into());
    }
    let told = conditions::draw(body, look);
    lines.extend(told.map(|table| format!("\n{table}")));
    lines.join("\n")
}
