//! What the page shows, as its template takes it: texts ready to be read, nothing left to compute.

use serde::Serialize;

use super::step::Step;
use crate::base::duration::show_seconds;
use crate::report::evidence::{self, brief, inline};
use crate::report::summary::{self, Exception, Failure, OpenItem, Standing, Summary};
use crate::report::when::{span, stamp};
use crate::run::record::{SourceMark, Verdict};
use crate::run::report::{FactReport, RunReport};
use crate::script::paragraphs::paragraphs;

/// The whole page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    run: String,
    name: String,
    title: String,
    site: String,
    words: &'static str,
    tone: Tone,
    conclusion: String,
    caveat: Option<&'static str>,
    tally: String,
    shares: Vec<Share>,
    about: Vec<(&'static str, String)>,
    head: Option<String>,
    entries: u64,
    version: String,
    why: Vec<String>,
    failures: Vec<Linked<Failure>>,
    lacks: Vec<Linked<OpenItem>>,
    exceptions: Vec<Linked<Exception>>,
    open: Vec<Linked<OpenItem>>,
    would_follow: Vec<Linked<OpenItem>>,
    not_observable: Vec<Linked<OpenItem>>,
    not_reached: Vec<OpenItem>,
    acceptance: Option<String>,
    notes: Vec<String>,
    steps: Vec<Step>,
    facts: Vec<Fact>,
    sources: Vec<SourceMark>,
    values: Vec<(String, String)>,
}

/// How a verdict is coloured. A glyph and a word always say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tone {
    /// It holds.
    Good,
    /// It does not.
    Bad,
    /// It does not, and that is accepted.
    Warn,
    /// Somebody must still do something.
    Open,
    /// It was not judged.
    Idle,
}

impl Tone {
    /// The tone of a step's end.
    pub(super) fn of(verdict: Option<&Verdict>) -> Self {
        match verdict {
            Some(Verdict::Pass) => Tone::Good,
            Some(Verdict::Fail { .. } | Verdict::Unknown { .. }) | None => Tone::Bad,
            Some(Verdict::Waived { .. } | Verdict::KnownIssue { .. }) => Tone::Warn,
            Some(Verdict::Outstanding { .. }) => Tone::Open,
            Some(Verdict::Skipped { .. } | Verdict::Deferred { .. }) => Tone::Idle,
        }
    }
}

/// The part of the steps that ended with one verdict, for the bar at the top.
#[derive(Debug, Serialize)]
struct Share {
    word: String,
    count: usize,
    tone: Tone,
    /// Percent of the bar's width.
    x: f64,
    width: f64,
}

/// Something about a step, with the place of the step in the page.
#[derive(Debug, Serialize)]
struct Linked<T: Serialize> {
    anchor: Option<String>,
    #[serde(flatten)]
    item: T,
}

/// A named value of the run.
#[derive(Debug, Serialize)]
struct Fact {
    name: String,
    value: Evidence,
    step: String,
    anchor: Option<String>,
}

/// A value: short, and whole where that is more.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    short: String,
    whole: Option<String>,
}

impl Evidence {
    /// Characters that stand in a line of a table.
    const LONGEST: usize = 90;

    /// `None` for null: there is no evidence.
    pub(super) fn of(value: &serde_json::Value) -> Option<Self> {
        if value.is_null() {
            return None;
        }
        Some(match brief(value, Self::LONGEST) {
            Some(short) => Evidence { short, whole: Some(evidence::block(value)) },
            None => Evidence { short: inline(value), whole: None },
        })
    }

    /// Whether its short form leaves something out.
    pub(super) fn is_long(&self) -> bool {
        self.whole.is_some()
    }
}

/// A step's place in the page: its id, where that is a name that a link can carry.
pub(super) fn anchor(id: &str, index: usize) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match !id.is_empty() && id.chars().all(plain) {
        true => format!("step-{id}"),
        false => format!("step~{}", index + 1), // `~` keeps it apart from every id
    }
}

impl Page {
    pub(super) fn of(report: &RunReport) -> Self {
        let summary = Summary::of(report);
        let anchor_of = |step: &str| {
            let n = report.steps.iter().position(|s| s.id == step)?;
            Some(anchor(step, n))
        };
        let facts = report.facts.iter().map(|f| ("", f));
        let facts = facts.chain(report.steps.iter().flat_map(|s| s.facts.iter().map(|f| (s.id.as_str(), f))));
        let fact = |(step, f): (&str, &FactReport)| Fact {
            name: f.name.clone(),
            value: Evidence::of(&f.value).unwrap_or(Evidence { short: "null".into(), whole: None }),
            anchor: anchor_of(step),
            step: step.to_string(),
        };
        Page {
            run: report.run.clone(),
            name: summary::name(report).to_string(),
            title: report.title.clone(),
            site: report.site.clone(),
            words: summary.standing.words(),
            tone: match summary.standing {
                Standing::Passed => Tone::Good,
                Standing::Excepted => Tone::Warn,
                Standing::Incomplete | Standing::NeedsApproval | Standing::Declined => Tone::Open,
                Standing::Failed | Standing::Interrupted | Standing::Cut => Tone::Bad,
            },
            conclusion: summary.conclusion(),
            caveat: summary::caveat(report),
            tally: Summary::tally(report),
            shares: shares(report),
            about: about(report),
            head: report.head.clone(),
            entries: report.entries,
            version: report.version.clone(),
            why: paragraphs(&report.why),
            failures: linked(&summary.failures, |f| anchor_of(&f.step)),
            lacks: linked(&summary.lacks, |l| anchor_of(&l.step)),
            exceptions: linked(&summary.exceptions, |e| anchor_of(&e.step)),
            open: linked(&summary.open, |o| anchor_of(&o.step)),
            would_follow: linked(&summary.would_follow, |o| anchor_of(&o.step)),
            not_observable: linked(&summary.not_observable, |o| anchor_of(&o.step)),
            not_reached: summary.not_reached.clone(),
            acceptance: crate::report::acceptance::render(report),
            notes: report.notes.clone(),
            steps: Step::all(report),
            facts: facts.map(fact).collect(),
            sources: report.sources.clone(),
            values: evidence::leaves(&report.values)
                .into_iter()
                .map(|(name, value)| (name, inline(value)))
                .collect(),
        }
    }
}

fn linked<T: Clone + Serialize>(items: &[T], anchor: impl Fn(&T) -> Option<String>) -> Vec<Linked<T>> {
    items.iter().map(|item| Linked { anchor: anchor(item), item: item.clone() }).collect()
}

fn about(report: &RunReport) -> Vec<(&'static str, String)> {
    let mut about = vec![
        ("Site", report.site.clone()),
        ("Runbook", report.runbook.clone()),
        ("Run", report.run.clone()),
        ("By", report.by.clone()),
        ("When", span(report.began, report.ended)),
        ("At work", show_seconds(summary::seconds(report))),
    ];
    let resumed = report.resumes.iter().map(|r| ("Resumed", format!("{} by {}", stamp(r.at), r.by)));
    about.extend(resumed);
    about
}

fn shares(report: &RunReport) -> Vec<Share> {
    let all = report.steps.len().max(1) as f64;
    let mut x = 0.0;
    let mut share = |word: &str, count: usize, tone: Tone| {
        let width = 100.0 * count as f64 / all;
        x += width;
        Share { word: word.to_string(), count, tone, x: x - width, width }
    };
    let tone = |word: &str| {
        let of = |s: &&crate::run::report::StepReport| s.verdict.as_ref().is_some_and(|v| v.word() == word);
        Tone::of(report.steps.iter().find(of).and_then(|s| s.verdict.as_ref()))
    };
    let mut shares: Vec<_> = report.tally().into_iter().map(|(word, n)| share(word, n, tone(word))).collect();
    let unfinished = report.steps.iter().filter(|s| s.verdict.is_none()).count();
    if unfinished > 0 {
        shares.push(share("unfinished", unfinished, Tone::Bad));
    }
    shares
}
