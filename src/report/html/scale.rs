//! How high a state stands in a wait's curve: each state on its own line, or, where the states are
//! one text with one number in it, the number as height.

use std::collections::HashMap;

use serde::Serialize;

use crate::base::duration::show_seconds;
use crate::run::report::WaitReport;

/// Pixels from one line to the next.
const LINE: f64 = 28.0;

/// Pixels from a line's upper edge to where it is drawn: a narrow page has its text above it.
pub(super) const DROP: f64 = 19.0;

/// Lines of a drawing; states beyond that share one.
pub(super) const MOST_LINES: usize = 7;

/// Lines that a curve of a number is high.
const NUMBER_LINES: usize = 4;

/// What stands beside a line.
#[derive(Debug, Serialize)]
pub(super) struct Label {
    /// The state, or what the line stands for.
    pub(super) text: String,
    /// How long it was in this state; empty where the line is no state.
    pub(super) time: String,
    /// Its upper edge, in pixels.
    pub(super) y: f64,
}

/// A state and the time it was held, in seconds since the wait began.
pub(super) struct Held<'a> {
    pub(super) state: &'a str,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// The states of a wait without gaps; looks that met an error count to the state before.
pub(super) fn held(wait: &WaitReport) -> Vec<Held<'_>> {
    let mut held: Vec<Held<'_>> = Vec::new();
    for sample in &wait.samples {
        if let Some(last) = held.last_mut() {
            last.to = sample.elapsed.max(last.from);
            if last.state == sample.state {
                continue;
            }
        }
        held.push(Held { state: &sample.state, from: sample.elapsed, to: sample.elapsed });
    }
    if let Some(last) = held.last_mut() {
        last.to = wait.elapsed.max(last.from);
    }
    held
}

/// Where a state stands.
pub(super) enum Scale<'a> {
    /// Each on its line, in the order of appearance; `None` is the line of all others.
    Lines(Vec<Option<&'a str>>),
    /// By the number in it.
    Number { column: usize, least: (f64, &'a str), most: (f64, &'a str) },
}

impl<'a> Scale<'a> {
    pub(super) fn of(held: &[Held<'a>]) -> Self {
        let mut states: Vec<&str> = Vec::new();
        for h in held {
            if !states.contains(&h.state) {
                states.push(h.state);
            }
        }
        if states.len() > 2
            && let Some(scale) = Self::number(&states)
        {
            return scale;
        }
        if states.len() <= MOST_LINES {
            return Scale::Lines(states.into_iter().map(Some).collect());
        }
        // the first, the last and those held longest keep a line of their own
        let (first, last) = (states[0], held[held.len() - 1].state);
        let mut by_time: Vec<&str> = states.iter().copied().filter(|s| *s != first && *s != last).collect();
        let times = times(held);
        by_time.sort_by(|a, b| times[b].total_cmp(&times[a]));
        let others = &by_time[(MOST_LINES - 3).min(by_time.len())..];
        let mut lines: Vec<_> = states.iter().copied().filter(|s| !others.contains(s)).map(Some).collect();
        lines.insert(lines.len() - 1, None);
        Scale::Lines(lines)
    }

    /// Where all states are one text around one number that varies.
    fn number(states: &[&'a str]) -> Option<Self> {
        let parts: Vec<Vec<&str>> = states.iter().map(|s| parts(s)).collect();
        let columns = parts.first()?.len();
        if parts.iter().any(|p| p.len() != columns) {
            return None;
        }
        let varying: Vec<usize> =
            (0..columns).filter(|c| parts.iter().any(|p| p[*c] != parts[0][*c])).collect();
        let [column] = varying.as_slice() else { return None };
        let values: Option<Vec<(f64, &'a str)>> =
            parts.iter().zip(states).map(|(p, state)| Some((p[*column].parse().ok()?, *state))).collect();
        let values = values?;
        let least = values.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let most = values.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Scale::Number { column: *column, least, most })
    }

    pub(super) fn height(&self) -> f64 {
        match self {
            Scale::Lines(lines) => LINE * lines.len() as f64,
            Scale::Number { .. } => LINE * NUMBER_LINES as f64,
        }
    }

    pub(super) fn y(&self, state: &str) -> f64 {
        match self {
            Scale::Lines(lines) => {
                let of = |wanted: Option<&str>| lines.iter().position(|line| *line == wanted);
                let line = of(Some(state)).or_else(|| of(None)).unwrap_or_default();
                LINE * line as f64 + DROP
            }
            Scale::Number { column, least: (least, _), most: (most, _) } => {
                let value = parts(state).get(*column).and_then(|p| p.parse().ok()).unwrap_or(*least);
                let share = if most > least { (value - least) / (most - least) } else { 0.0 };
                round((1.0 - share) * (self.height() - LINE) + DROP)
            }
        }
    }

    pub(super) fn labels(&self, held: &[Held<'_>]) -> Vec<Label> {
        match self {
            Scale::Lines(lines) => {
                let times = times(held);
                let label = |(n, line): (usize, &Option<&str>)| {
                    let y = LINE * n as f64;
                    match line {
                        Some(state) => {
                            let time = times.get(state).copied().unwrap_or_default();
                            let time = if time > 0.0 { show_seconds(time) } else { String::new() };
                            Label { text: state.to_string(), time, y }
                        }
                        None => Label { text: "other states".into(), time: String::new(), y },
                    }
                };
                lines.iter().enumerate().map(label).collect()
            }
            Scale::Number { least: (_, least), most: (_, most), .. } => vec![
                Label { text: most.to_string(), time: String::new(), y: 0.0 },
                Label { text: least.to_string(), time: String::new(), y: self.height() - LINE },
            ],
        }
    }
}

/// A text cut before and behind each run of digits.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut digits = None;
    for (n, c) in text.char_indices() {
        let is_digit = c.is_ascii_digit();
        if digits.is_some_and(|d| d != is_digit) {
            parts.push(&text[start..n]);
            start = n;
        }
        digits = Some(is_digit);
    }
    parts.push(&text[start..]);
    parts
}

/// How long each state was held in all.
fn times<'a>(held: &[Held<'a>]) -> HashMap<&'a str, f64> {
    let mut times = HashMap::new();
    for h in held {
        *times.entry(h.state).or_default() += h.to - h.from;
    }
    times
}

/// Two decimals are finer than any page's pixels.
pub(super) fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
