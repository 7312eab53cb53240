//! A wait as a curve of its state over time.
//!
//! Widths are percentages of the page's, heights are pixels: the drawing fits any page without
//! distortion, and needs no script.

use serde::Serialize;

use super::scale::{DROP, Label, Scale, held, round};
use crate::base::duration::show_seconds;
use crate::run::report::WaitReport;

/// A drawing.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    /// Height without the axis, in pixels.
    height: f64,
    /// Pixels from a label's upper edge to its line.
    drop: f64,
    /// What stands beside the lines, from the top.
    labels: Vec<Label>,
    /// Stretches of time spent in a state.
    stretches: Vec<Stretch>,
    /// Steps from one state to the next.
    steps: Vec<Step>,
    /// Looks that met a transient error.
    errors: Vec<Mark>,
    /// Times below.
    ticks: Vec<Tick>,
}

#[derive(Debug, Serialize)]
struct Stretch {
    x1: f64,
    x2: f64,
    y: f64,
    /// The state that the wait ended in.
    last: bool,
}

#[derive(Debug, Serialize)]
struct Step {
    x: f64,
    y1: f64,
    y2: f64,
}

#[derive(Debug, Serialize)]
struct Mark {
    x: f64,
    y: f64,
    text: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    x: f64,
    text: String,
    anchor: &'static str,
}

impl Chart {
    /// The drawing of a wait; `None` where there is nothing to draw: no time passed.
    pub(super) fn of(wait: &WaitReport) -> Option<Self> {
        let held = held(wait);
        if wait.elapsed <= 0.0 || held.is_empty() {
            return None;
        }
        let scale = Scale::of(&held);
        let percent = |seconds: f64| round(100.0 * (seconds / wait.elapsed).clamp(0.0, 1.0));
        let stretches: Vec<_> = held
            .iter()
            .enumerate()
            .map(|(n, h)| Stretch {
                x1: percent(h.from),
                x2: percent(h.to),
                y: scale.y(h.state),
                last: n + 1 == held.len(),
            })
            .collect();
        let steps = stretches.windows(2).map(|w| Step { x: w[1].x1, y1: w[0].y, y2: w[1].y }).collect();
        let errors = wait.samples.iter().filter_map(|s| {
            let error = s.tolerated.as_ref()?;
            let text = format!("{}: {error}", show_seconds(s.elapsed));
            Some(Mark { x: percent(s.elapsed), y: scale.y(&s.state), text })
        });
        Some(Chart {
            height: scale.height(),
            drop: DROP,
            errors: errors.collect(),
            labels: scale.labels(&held),
            ticks: ticks(wait.elapsed),
            stretches,
            steps,
        })
    }
}

/// Four steps at most, at times that people count in, and the end.
fn ticks(elapsed: f64) -> Vec<Tick> {
    const STEPS: &[f64] = &[
        0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0,
        43_200.0, 86_400.0,
    ];
    let step = STEPS.iter().copied().find(|s| elapsed / s <= 4.5).unwrap_or(elapsed);
    let mut ticks = vec![Tick { x: 0.0, text: "0".into(), anchor: "start" }];
    let mut at = step;
    // one too near to the end would be written over it
    while at < elapsed * 0.8 {
        ticks.push(Tick { x: round(100.0 * at / elapsed), text: show_seconds(at), anchor: "middle" });
        at += step;
    }
    ticks.push(Tick { x: 100.0, text: show_seconds(elapsed), anchor: "end" });
    ticks
}

#[cfg(test)]
mod tests {
    use super::super::scale::MOST_LINES;
    use super::*;
    use crate::run::report::SampleReport;
    use jiff::Timestamp;

    fn wait(samples: &[(f64, &str)], elapsed: f64) -> WaitReport {
        let sample = |(at, state): &(f64, &str)| SampleReport {
            elapsed: *at,
            state: state.trim_start_matches('!').to_string(),
            tolerated: state.starts_with('!').then(|| "503".to_string()),
        };
        WaitReport {
            at: Timestamp::UNIX_EPOCH,
            title: "up".into(),
            every: 1.0,
            within: 600.0,
            samples: samples.iter().map(sample).collect(),
            elapsed,
            looks: 9,
            tolerated: 0,
            error: None,
            ended: true,
        }
    }

    #[test]
    fn states_hold_until_the_next_and_the_last_until_the_end() {
        let chart = Chart::of(&wait(&[(0.0, "A"), (30.0, "!A"), (60.0, "B"), (90.0, "A")], 120.0)).unwrap();
        let stretches: Vec<_> = chart.stretches.iter().map(|s| (s.x1, s.x2, s.y)).collect();
        assert_eq!(stretches, [(0.0, 50.0, 19.0), (50.0, 75.0, 47.0), (75.0, 100.0, 19.0)]);
        let labels: Vec<_> = chart.labels.iter().map(|l| (l.text.as_str(), l.time.as_str())).collect();
        assert_eq!(labels, [("A", "1m 30s"), ("B", "30s")]);
        assert_eq!(
            chart.errors.iter().map(|e| (e.x, e.text.as_str())).collect::<Vec<_>>(),
            [(25.0, "30s: 503")]
        );
    }

    #[test]
    fn one_varying_number_is_a_height() {
        let states = [(0.0, "1 of 5 ready"), (10.0, "2 of 5 ready"), (20.0, "5 of 5 ready")];
        let chart = Chart::of(&wait(&states, 40.0)).unwrap();
        assert_eq!(
            chart.labels.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(),
            ["5 of 5 ready", "1 of 5 ready"]
        );
        let heights: Vec<_> = chart.stretches.iter().map(|s| s.y).collect();
        assert_eq!((heights[0], heights[2]), (103.0, 19.0));
        assert!(heights[1] < heights[0] && heights[1] > heights[2]);
    }

    #[test]
    fn many_states_share_a_line() {
        let names: Vec<String> = (0..30u8).map(|n| format!("state {}", char::from(b'A' + n))).collect();
        let samples: Vec<_> = names.iter().enumerate().map(|(n, s)| (n as f64, s.as_str())).collect();
        let chart = Chart::of(&wait(&samples, 30.0)).unwrap();
        assert_eq!(chart.labels.len(), MOST_LINES);
        assert!(chart.stretches.iter().all(|s| s.y < chart.height));
        assert_eq!(chart.labels[MOST_LINES - 1].text, names[29]);
    }

    #[test]
    fn nothing_is_drawn_of_a_wait_that_took_no_time() {
        assert!(Chart::of(&wait(&[(0.0, "A")], 0.0)).is_none());
        assert!(Chart::of(&wait(&[], 9.0)).is_none());
    }

    #[test]
    fn ticks_are_few_and_apart() {
        for elapsed in [0.02, 0.4, 7.0, 42.0, 100.0, 1260.0, 5000.0, 90_000.0, 9e6] {
            let ticks = ticks(elapsed);
            assert!((2..=6).contains(&ticks.len()), "{elapsed}: {ticks:?}");
            assert!(ticks.windows(2).all(|w| w[1].x - w[0].x >= 19.0), "{elapsed}: {ticks:?}");
        }
    }
}
