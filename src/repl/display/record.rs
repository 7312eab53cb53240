//! One thing as its fields: those worth a column first, then the others, then its conditions.

use anstyle::Style;
use serde_json::Value;
use textwrap::core::display_width;

use super::{Look, conditions, json, state, table};
use crate::base::screen::{self, Drawn, drawn};
use crate::systems::openstack::Resource as Row;

const NAME: Style = Style::new().bold();

/// The widest column that names of fields take.
const NAMES: usize = 28;

/// A JSON object as lines of `name  value`.
pub fn draw(body: &Value, row: Option<&Row>, look: &Look) -> Drawn {
    let Some(fields) = body.as_object() else { return json::bare(body).into() };
    let rank = |name: &str| row.and_then(|r| r.columns.iter().position(|c| *c == name)).unwrap_or(usize::MAX);
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort_by_key(|name| rank(name));
    let wide = |name: &str| display_width(&screen::line(name));
    let widest = names.iter().map(|n| wide(n)).max().unwrap_or(0).min(NAMES);
    let mut lines = Vec::new();
    for name in names {
        let value = &fields[name];
        let mut text = screen::line(&json::bare(value)).into_owned();
        if let Some(room) = look.width {
            text = table::cut(&text, room.saturating_sub(widest + 2).max(20));
        }
        let text = match state::style(row, name, value) {
            Some(style) => look.paint(style, text),
            None => text.into(),
        };
        let blanks = " ".repeat(widest.saturating_sub(wide(name)) + 2);
        lines.push(drawn!("{}{}{}", look.paint(NAME, name.as_str()), blanks, text));
    }
    if lines.is_empty() {
        lines.push("#{}".into());
    }
    let told = conditions::draw(body, look);
    lines.extend(told.map(|table| drawn!("\n{}", table)));
    Drawn::join(lines, "\n")
}
