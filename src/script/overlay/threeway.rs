//! Three texts side by side: what an override was written against, what is shipped now, and what the site has.

use anstyle::{AnsiColor, Style};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::base::screen::{self, Drawn, drawn};

const CHANGED: Style = AnsiColor::Yellow.on_default().bold();
const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// A row of the three columns; a text that has nothing there has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row<'t> {
    /// Of the base.
    pub base: Option<&'t str>,
    /// Of what is shipped.
    pub shipped: Option<&'t str>,
    /// Of the site.
    pub site: Option<&'t str>,
}

impl Row<'_> {
    /// Whether what is shipped differs from the base here.
    pub fn changed(&self) -> bool {
        let trimmed = |line: Option<&str>| line.unwrap_or_default().trim().to_string();
        trimmed(self.base) != trimmed(self.shipped)
    }
}

/// Puts the lines of three texts beside each other: those that are alike in one row.
pub fn align<'t>(base: &'t str, shipped: &'t str, site: &'t str) -> Vec<Row<'t>> {
    let lines = |text: &'t str| text.lines().collect::<Vec<_>>();
    let (base, shipped, site) = (lines(base), lines(shipped), lines(site));
    let mut rows = Vec::new();
    let (mut done, mut seen) = (0, 0);
    for (b, s) in common(&base, &shipped).into_iter().chain([(base.len(), shipped.len())]) {
        // between two lines that are alike: what went, beside what came
        let (went, came) = (&base[done..b], &shipped[seen..s]);
        for n in 0..went.len().max(came.len()) {
            rows.push(Row { base: went.get(n).copied(), shipped: came.get(n).copied(), site: None });
        }
        if let (Some(base), Some(shipped)) = (base.get(b), shipped.get(s)) {
            rows.push(Row { base: Some(base), shipped: Some(shipped), site: None });
        }
        (done, seen) = (b + 1, s + 1);
    }
    beside(rows, &site)
}

/// Adds the site's lines: beside lines of the base that are alike, the others where there is room.
fn beside<'t>(rows: Vec<Row<'t>>, site: &[&'t str]) -> Vec<Row<'t>> {
    let of_base: Vec<&str> = rows.iter().map(|r| r.base.unwrap_or("\0")).collect();
    let pairs = common(&of_base, site);
    let mut all = Vec::new();
    let (mut row, mut line) = (0, 0);
    for (r, l) in pairs.into_iter().chain([(rows.len(), site.len())]) {
        let (free, own) = (&rows[row..r], &site[line..l]);
        for n in 0..free.len().max(own.len()) {
            let of_rows = free.get(n).copied().unwrap_or_default();
            all.push(Row { site: own.get(n).copied(), ..of_rows });
        }
        if let (Some(of_rows), Some(own)) = (rows.get(r), site.get(l)) {
            all.push(Row { site: Some(own), ..*of_rows });
        }
        (row, line) = (r + 1, l + 1);
    }
    all
}

/// The lines that two texts have in common but for their indentation, in order, as pairs of their numbers.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let trimmed = |lines: &[&'_ str]| lines.iter().map(|l| l.trim().to_string()).collect::<Vec<_>>();
    let mut pairs = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &trimmed(a), &trimmed(b)) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            pairs.extend((0..len).map(|n| (old_index + n, new_index + n)));
        }
    }
    pairs.retain(|(line, _)| !a[*line].trim().is_empty());
    pairs
}

/// Draws the rows under three headings, `width` columns wide; a line that is too long goes on below.
pub fn draw(rows: &[Row<'_>], headings: [&str; 3], width: usize) -> Drawn {
    let column = (width.saturating_sub(8) / 3).max(16);
    let mut page = Drawn::default();
    let bar = Drawn::line("│").painted(DIM);
    let mut put = |mark: &str, cells: [&str; 3], style: Style| {
        let cells = cells.map(|text| fold(text, column));
        for n in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let [a, b, c] = cells.each_ref().map(|cell| pad(cell.get(n).map_or("", String::as_str), column));
            let mark = if n == 0 { mark } else { " " };
            let (a, b) = (drawn!("{} {}", mark, a).painted(style), Drawn::line(&b).painted(style));
            page.push(drawn!("{} {}{} {}{}\n", a, bar, b, bar, c.trim_end()));
        }
    };
    put(" ", headings, HEAD);
    put(" ", [&"─".repeat(column); 3], DIM);
    for row in rows {
        let mark = match (row.base, row.shipped) {
            (Some(_), None) => "-",
            (None, Some(_)) => "+",
            _ if row.changed() => "~",
            _ => " ",
        };
        let cells = [row.base, row.shipped, row.site].map(Option::unwrap_or_default);
        put(mark, cells, if row.changed() { CHANGED } else { Style::new() });
    }
    page
}

/// A line in pieces of at most `column` columns.
fn fold(line: &str, column: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut taken = 0;
    for c in screen::line(&line.replace('\t', "    ")).chars() {
        let wide = console::measure_text_width(c.encode_utf8(&mut [0; 4]));
        if taken + wide > column {
            pieces.push("  ".into());
            taken = 2;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        taken += wide;
    }
    pieces
}

fn pad(text: &str, column: usize) -> String {
    let wide = console::measure_text_width(text);
    format!("{text}{}", " ".repeat(column.saturating_sub(wide)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[Row<'_>]) -> String {
        let cell = |c: Option<&str>| c.unwrap_or("").to_string();
        rows.iter().map(|r| format!("{}|{}|{}\n", cell(r.base), cell(r.shipped), cell(r.site))).collect()
    }

    #[test]
    fn what_is_alike_stands_in_one_row_and_what_changed_beside_each_other() {
        let rows = align("a\nb\nc", "a\nB\nc", "x\na\nc");
        assert_eq!(plain(&rows), "||x\na|a|a\nb|B|\nc|c|c\n");
        assert_eq!(rows.iter().filter(|r| r.changed()).count(), 1);
    }

    #[test]
    fn lines_that_went_or_came_have_a_row_of_their_own() {
        assert_eq!(plain(&align("a\nb", "a\nb\nc", "")), "a|a|\nb|b|\n|c|\n");
        assert_eq!(plain(&align("a\nb", "b", "")), "a||\nb|b|\n");
        assert_eq!(plain(&align("", "", "s")), "||s\n");
        assert_eq!(plain(&align("    a", "a", "  a")), "    a|a|  a\n");
        assert!(!align("    a", "a", "").iter().any(Row::changed));
    }

    #[test]
    fn a_long_line_goes_on_below() {
        let long = "x".repeat(60);
        let page = draw(&align(&long, &long, "s"), ["base", "shipped", "site"], 100);
        let drawn = page.plain().into_owned();
        assert_eq!(drawn.matches('x').count(), 120);
        assert!(drawn.lines().all(|l| console::measure_text_width(l) <= 100), "{drawn}");
    }
}
