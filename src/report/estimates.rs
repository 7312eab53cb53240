//! What is usual here: how long a wait or a step took in earlier runs of the same runbook on the
//! same site.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use super::runs;
use crate::base::Result;
use crate::base::duration::show_seconds;
use crate::run::record::Verdict;
use crate::run::report::RunReport;

/// How many earlier runs are looked at: enough for a median, few enough to read in a moment.
pub const RUNS: usize = 12;

/// What something usually takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The middle one, in seconds.
    pub median: f64,
    /// The shortest, in seconds.
    pub least: f64,
    /// The longest, in seconds.
    pub most: f64,
    /// How many times it was measured.
    pub times: usize,
}

impl Usual {
    /// From measured seconds; `None` from none.
    pub fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.retain(|s| s.is_finite());
        seconds.sort_by(f64::total_cmp);
        let (least, most) = (*seconds.first()?, *seconds.last()?);
        let (half, odd) = (seconds.len() / 2, seconds.len() % 2 == 1);
        let median = if odd { seconds[half] } else { f64::midpoint(seconds[half - 1], seconds[half]) };
        Some(Usual { median, least, most, times: seconds.len() })
    }
}

impl fmt::Display for Usual {
    /// `last time 3m 30s`, `usually 3m 30s`, or with a range that tells something
    /// `usually 3m 30s (2m to 9m)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.times == 1 { "last time" } else { "usually" };
        write!(f, "{word} {}", show_seconds(self.median))?;
        let wide = self.most - self.least > 0.25 * self.median;
        if self.times > 1 && wide {
            write!(f, " ({} to {})", show_seconds(self.least), show_seconds(self.most))?;
        }
        Ok(())
    }
}

/// Runbook, step, and the title of a wait or nothing for the step itself.
type Key = (String, String, Option<String>);

/// What is usual for the waits and steps of some runs.
#[derive(Clone, Debug, Default)]
pub struct Estimates(HashMap<Key, Vec<f64>>);

impl Estimates {
    /// From earlier runs. Only what ended well is measured, and only in real time: rehearsals,
    /// steps recalled from a journal and steps that ran into a cut tell nothing.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a RunReport>) -> Self {
        let mut seconds: HashMap<Key, Vec<f64>> = HashMap::new();
        for report in reports.into_iter().filter(|r| r.mode != "rehearse") {
            for step in &report.steps {
                let key = |title: Option<&str>| {
                    (report.runbook.clone(), step.id.clone(), title.map(str::to_string))
                };
                if step.verdict.as_ref().is_some_and(Verdict::carries) {
                    seconds.entry(key(None)).or_default().push(step.seconds);
                }
                for wait in step.waits.iter().filter(|w| w.ended && w.error.is_none()) {
                    seconds.entry(key(Some(&wait.title))).or_default().push(wait.elapsed);
                }
            }
        }
        Estimates(seconds)
    }

    /// From the newest [`RUNS`] runs of a runbook on a site among the runs' directories. Runs whose
    /// journals cannot be read are left out.
    pub fn of_earlier(dir: &Path, runbook: &str, site: &str) -> Result<Self> {
        let mut reports = Vec::new();
        for run in runs::directories(dir)? {
            let known = runs::opening(&run).is_some_and(|o| o.runbook == runbook && o.site == site);
            if known && let Ok(report) = RunReport::load(&run) {
                reports.push(report);
            }
            if reports.len() == RUNS {
                break;
            }
        }
        Ok(Self::of(&reports))
    }

    /// What a wait usually takes.
    pub fn wait(&self, runbook: &str, step: &str, title: &str) -> Option<Usual> {
        self.get((runbook.into(), step.into(), Some(title.into())))
    }

    /// What a step usually takes.
    pub fn step(&self, runbook: &str, step: &str) -> Option<Usual> {
        self.get((runbook.into(), step.into(), None))
    }

    fn get(&self, key: Key) -> Option<Usual> {
        Usual::of(self.0.get(&key)?.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_what_is_known() {
        for (seconds, words) in [
            (vec![210.0], "last time 3m 30s"),
            (vec![200.0, 220.0], "usually 3m 30s"),
            (vec![600.0, 210.0, 60.0], "usually 3m 30s (1m to 10m)"),
            (vec![210.0, f64::NAN], "last time 3m 30s"),
        ] {
            assert_eq!(Usual::of(seconds).unwrap().to_string(), words);
        }
        assert_eq!(Usual::of(vec![]), None);
    }
}
