//! Tables that fit the terminal: ids are shortened first, then the widest columns, then the last ones left out.

use anstyle::Style;
use serde_json::Value;
use textwrap::core::display_width;

use super::{Look, json, state};
use crate::base::screen::{self, Drawn, drawn};
use crate::systems::openstack::Resource as Row;

/// What stands beside the point.
pub const DIM: Style = Style::new().dimmed();
const HEAD: Style = Style::new().bold();

/// Blanks between columns.
const GAP: usize = 2;
/// Columns are not made narrower than this; the last ones are left out before.
const NARROWEST: usize = 10;
/// Nor the names of things.
const NARROWEST_NAME: usize = 24;
/// What is left of an id that is shortened.
const SHORT_ID: usize = 8;

/// A table of JSON objects.
pub fn draw(columns: &[String], rows: &[Value], of: Option<&Row>, look: &Look) -> Drawn {
    let cells = rows.iter().map(|row| columns.iter().map(|c| cell(row, c)).collect()).collect();
    let heads = columns.iter().map(|c| screen::line(head(c)).into_owned()).collect();
    let mut table = Table { heads, cells, kept: Vec::new() };
    // a column that is empty everywhere says nothing
    table.kept =
        (0..columns.len()).filter(|n| *n == 0 || table.cells.iter().any(|row| row[*n] != "-")).collect();
    let left_out = look.width.map(|room| table.fit(room)).unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(|n| table.width(n)).collect();
    let number = |n: usize| {
        rows.iter().all(|r| matches!(field(r, &columns[n]), None | Some(Value::Number(_) | Value::Null)))
    };
    let line = |parts: Vec<(usize, &str, Option<Style>)>| {
        let mut text = Drawn::default();
        for (n, part, style) in parts {
            let blanks = " ".repeat(widths[n] - display_width(part));
            let painted = style.map_or_else(|| Drawn::line(part), |s| look.paint(s, part));
            match number(n) {
                true => text.push(drawn!("{}{}", blanks, painted)),
                false => text.push(drawn!("{}{}", painted, blanks)),
            }
            text.push(" ".repeat(GAP));
        }
        text.trimmed()
    };
    let mut lines =
        vec![line(table.kept.iter().map(|n| (*n, table.heads[*n].as_str(), Some(HEAD))).collect())];
    for (row, cells) in rows.iter().zip(&table.cells) {
        let parts = table.kept.iter().map(|n| {
            let style = field(row, &columns[*n]).and_then(|v| state::style(of, &columns[*n], v));
            (*n, cells[*n].as_str(), style)
        });
        lines.push(line(parts.collect()));
    }
    if !left_out.is_empty() {
        lines.push(look.paint(DIM, format!("no room for {}; `:yaml` shows all", left_out.join(", "))));
    }
    Drawn::join(lines, "\n")
}

struct Table {
    heads: Vec<String>,
    cells: Vec<Vec<String>>,
    /// The columns that are drawn.
    kept: Vec<usize>,
}

impl Table {
    fn width(&self, n: usize) -> usize {
        let widest = self.cells.iter().map(|row| display_width(&row[n])).max().unwrap_or(0);
        widest.max(display_width(&self.heads[n]))
    }

    fn total(&self) -> usize {
        self.kept.iter().map(|n| self.width(*n) + GAP).sum::<usize>().saturating_sub(GAP)
    }

    /// Makes it fit: shortens ids, then cuts the widest columns, then leaves the last ones out. Returns these.
    fn fit(&mut self, room: usize) -> Vec<String> {
        if self.total() > room {
            self.cells.iter_mut().flatten().for_each(shorten_id);
        }
        let mut left_out = Vec::new();
        while self.total() > room {
            let narrowest = |n: &usize| match self.heads[*n].as_str() {
                "name" => NARROWEST_NAME,
                head => NARROWEST.max(display_width(head)),
            };
            let wide = self.kept.iter().copied().filter(|n| self.width(*n) > narrowest(n));
            match wide.max_by_key(|n| self.width(*n)) {
                Some(widest) => {
                    let (now, least) = (self.width(widest), narrowest(&widest));
                    // in small steps, so that two wide columns give alike
                    let wanted = now.saturating_sub((self.total() - room).min(4)).max(least);
                    self.cells.iter_mut().for_each(|row| row[widest] = cut_inside(&row[widest], wanted));
                }
                None if self.kept.len() > 1 => {
                    left_out.extend(self.kept.pop().map(|n| self.heads[n].clone()))
                }
                None => break,
            }
        }
        left_out.reverse();
        left_out
    }
}

/// A field by its name; `status.phase` is one inside another, unless a field is called so.
fn field<'v>(row: &'v Value, column: &str) -> Option<&'v Value> {
    row.get(column).or_else(|| column.split('.').try_fold(row, |v, key| v.get(key)))
}

fn cell(row: &Value, column: &str) -> String {
    match field(row, column) {
        None => "-".into(),
        Some(Value::String(text)) if text.is_empty() => "-".into(),
        Some(value) => screen::line(&json::bare(value)).into_owned(),
    }
}

/// `OS-EXT-STS:task_state` is `task_state`.
fn head(column: &str) -> &str {
    column.rsplit(':').next().unwrap_or(column)
}

fn shorten_id(cell: &mut String) {
    let uuid = cell.len() == 36 && cell.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if uuid {
        cell.truncate(SHORT_ID);
        cell.push('…');
    }
}

/// A text of at most some columns, its beginning and its end: names of one family differ at their ends.
pub fn cut_inside(text: &str, columns: usize) -> String {
    let letters = text.chars().count();
    if display_width(text) <= columns || display_width(text) != letters {
        return cut(text, columns);
    }
    let tail = columns / 2;
    let head: String = text.chars().take(columns.saturating_sub(tail + 1)).collect();
    let end: String = text.chars().skip(letters - tail).collect();
    format!("{head}…{end}")
}

/// A text of at most some columns: its beginning.
pub fn cut(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_string();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if display_width(&kept) + display_width(c.encode_utf8(&mut [0; 4])) + 1 > columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::openstack::resource;
    use serde_json::json;

    fn load_balancers() -> (Vec<String>, Vec<Value>) {
        let row = resource::find("load_balancers").unwrap();
        let rows = vec![json!({
            "id": "0f968008-8429-4ac3-8b82-452e126982cf", "name": "k8s-clusterapi-cluster-magnum-capi-kubeapi",
            "vip_address": "192.168.4.17", "provisioning_status": "ERROR", "operating_status": "ONLINE",
            "provider": "amphora", "project_id": "c33f5e12f9b3a0fc822222848d3403de",
        })];
        (row.columns.iter().map(|c| (*c).to_string()).collect(), rows)
    }

    #[test]
    fn a_wide_table_is_made_to_fit_eighty_columns() {
        let (columns, rows) = load_balancers();
        let row = resource::find("load_balancers").ok();
        let text = draw(&columns, &rows, row, &Look { width: Some(80), colours: false }).to_string();
        assert!(text.lines().all(|l| display_width(l) <= 80), "{text}");
        assert!(text.contains("0f968008…") && text.contains("ERROR"), "{text}");
        assert!(text.ends_with("no room for vip_address, provider, project_id; `:yaml` shows all"), "{text}");
        let whole = draw(&columns, &rows, row, &Look { width: None, colours: false }).to_string();
        assert!(whole.contains("0f968008-8429-4ac3-8b82-452e126982cf"), "{whole}");
    }

    #[test]
    fn a_bad_state_is_red_and_nothing_is_without_colours() {
        let (columns, rows) = load_balancers();
        let row = resource::find("load_balancers").ok();
        let text = draw(&columns, &rows, row, &Look { width: None, colours: true }).to_string();
        assert!(text.contains(&format!("{}ERROR", state::BAD)), "{text:?}");
        assert!(!draw(&columns, &rows, row, &Look { width: None, colours: false }).contains('\u{1b}'));
    }
}
