//! Records of a journal made of bytes: deep, large and odd ones, of each kind. A property test and a fuzz target use it.

use rhumb::base::{Intent, Undo};
use rhumb::run::record::SourceMark;
use rhumb::run::{Lacking, Record, Selection, StepKind, Verdict};
use serde_json::{Map, Value, json};

/// Texts and keys that readers of JSON, terminals and journals stumble over.
const TEXTS: &[&str] = &[
    "",
    "kind",
    "n",
    "at",
    "prev",
    "step",
    "verdict",
    "value",
    "a.b",
    "a/b~c",
    "$rhumb",
    "$serde_json::private::RawValue",
    "$serde_json::private::Number",
    "[1, 2",
    "null",
    "\u{0}",
    "\n",
    "\u{2028}\u{202e}\u{feff}",
    "\u{fffd}\u{d7ff}\u{e000}\u{10ffff}",
    "\\ud800",
    "\"\\",
    "ä",
];

const NUMBERS: &[f64] = &[
    0.0,
    -0.0,
    1.5,
    0.1,
    1e-320,
    1e308,
    -1e300,
    9_007_199_254_740_993.0,
    f64::EPSILON,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// Bytes that are used up one after the other; behind the end come zeros.
pub struct Bytes<'b>(pub &'b [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.next() % of.len()]
    }

    fn text(&mut self) -> String {
        match self.next() % 8 {
            0 => "long ".repeat(self.next() * 40),
            1 => (0..self.next() % 8).filter_map(|_| char::from_u32(self.next() as u32 * 257)).collect(),
            _ => self.pick(TEXTS).to_string(),
        }
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.next() % 3).map(|_| self.text()).collect()
    }

    fn maybe(&mut self) -> Option<String> {
        (self.next() % 2 == 1).then(|| self.text())
    }

    fn seconds(&mut self) -> f64 {
        self.pick(NUMBERS)
    }

    fn number(&mut self) -> u64 {
        self.pick(&[0, 1, 255, u64::from(u32::MAX), i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX])
    }

    /// A value that may be nested far deeper than a reader of JSON goes.
    pub fn value(&mut self, room: usize) -> Value {
        match self.next() % if room == 0 { 6 } else { 10 } {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => self.pick(&[i64::MIN, -1, i64::MAX]).into(),
            3 => self.number().into(),
            4 => self.seconds().into(),
            5 => self.text().into(),
            6 => (0..self.next() % 4).map(|_| self.value(room - 1)).collect(),
            7 => (0..self.next() % 4)
                .map(|_| (self.text(), self.value(room - 1)))
                .collect::<Map<_, _>>()
                .into(),
            8 => (0..self.next()).fold(self.value(room - 1), |inner, _| json!([inner])),
            _ => {
                let key = self.text();
                (0..self.next()).fold(self.value(room - 1), |inner, _| {
                    Value::Object(Map::from_iter([(key.clone(), inner)]))
                })
            }
        }
    }

    fn verdict(&mut self) -> Verdict {
        match self.next() % 7 {
            0 => Verdict::Pass,
            1 => Verdict::Fail { reason: self.text() },
            2 => Verdict::KnownIssue { id: self.text() },
            3 => Verdict::Waived { reason: self.text(), owner: self.text(), until: self.text() },
            4 => Verdict::Deferred { decision: self.text() },
            5 => Verdict::Skipped { reason: self.text() },
            _ => Verdict::Outstanding { claim: self.text() },
        }
    }

    fn intent(&mut self) -> Intent {
        let undo = match self.next() % 3 {
            0 => Undo::By(self.text()),
            1 => Undo::Never,
            _ => Undo::Unknown,
        };
        Intent {
            system: self.text(),
            handle: self.text(),
            identity: self.text(),
            method: self.text(),
            target: self.text(),
            url: self.text(),
            ids: vec![self.text(), self.text()],
            summary: self.text(),
            body: self.value(3),
            undo,
            destroys: self.next() % 2 == 1,
            replaces: self.value(2),
            was: self.value(2),
        }
    }

    /// A record of any kind.
    pub fn record(&mut self) -> Record {
        let kind = self.next() % KINDS;
        let made = self.of_kind(kind);
        debug_assert_eq!(number(&made), kind);
        made
    }

    /// A record of the kind of this number.
    pub fn of_kind(&mut self, kind: usize) -> Record {
        let step = self.text();
        match kind {
            0 => Record::RunBegin {
                run: self.text(),
                runbook: self.text(),
                site: self.text(),
                mode: self.text(),
                version: self.text(),
                by: self.text(),
                pid: u32::MAX,
                values: self.value(3),
                with: rhumb::base::again::With::of(None, &[self.text()], None),
            },
            1 => {
                Record::RunResume { version: self.text(), by: self.text(), pid: 0, with: Default::default() }
            }
            2 => Record::Selection(Selection::default()),
            3 => Record::Source(SourceMark { name: self.text(), layer: self.text(), sha256: self.text() }),
            4 => Record::Runbook {
                id: self.text(),
                title: self.text(),
                needs: Some(vec![self.text()]),
                overridden: self.maybe(),
            },
            5 => Record::StepBegin {
                step,
                title: self.text(),
                kind: StepKind::Change,
                overridden: self.maybe(),
            },
            6 => Record::Note { step, text: self.text() },
            7 => Record::Fact { step, name: self.text(), value: self.value(4) },
            8 => Record::Gate {
                step,
                claim: self.text(),
                ok: self.next() % 2 == 1,
                observed: self.value(3),
                wanted: self.value(3),
                scopes: self.texts(),
                excused: (self.next() % 2 == 1).then(|| self.verdict()),
            },
            9 => Record::WaitBegin {
                step,
                wait: self.number(),
                title: self.text(),
                every: self.seconds(),
                within: self.seconds(),
            },
            10 => Record::WaitSample {
                wait: self.number(),
                elapsed: self.seconds(),
                state: self.text(),
                tolerated: self.maybe(),
            },
            11 => Record::WaitEnd {
                wait: self.number(),
                elapsed: self.seconds(),
                looks: self.number(),
                tolerated: self.number(),
                error: self.maybe(),
            },
            12 => Record::Intent {
                step,
                call: self.text(),
                digest: self.text(),
                approved: self.text(),
                intent: self.intent(),
            },
            13 => Record::Outcome {
                intent: self.number(),
                value: self.value(4),
                error: self.value(2),
                settled: self.next() % 2 == 1,
            },
            14 => Record::Refusal { step, reason: self.text(), intent: self.intent() },
            15 => Record::Attest { step, claim: self.text(), by: self.maybe(), kept: None },
            16 => Record::Cleanup { step, title: self.text(), error: self.maybe() },
            17 => Record::StepEnd {
                step,
                verdict: self.verdict(),
                seconds: self.seconds(),
                value: self.value(4),
                error: self.value(2),
                recalled: self.next() % 2 == 1,
            },
            _ => Record::RunEnd {
                ok: true,
                exit: 255,
                outcome: None,
                lacks: vec![Lacking { step: self.text(), why: self.text() }],
                seconds: self.seconds(),
                error: self.value(3),
            },
        }
    }
}

/// How many kinds of records there are.
pub const KINDS: usize = 19;

/// The number of a record's kind. A new kind does not compile before it is here, and made above.
pub fn number(record: &Record) -> usize {
    match record {
        Record::RunBegin { .. } => 0,
        Record::RunResume { .. } => 1,
        Record::Selection(_) => 2,
        Record::Source(_) => 3,
        Record::Runbook { .. } => 4,
        Record::StepBegin { .. } => 5,
        Record::Note { .. } => 6,
        Record::Fact { .. } => 7,
        Record::Gate { .. } => 8,
        Record::WaitBegin { .. } => 9,
        Record::WaitSample { .. } => 10,
        Record::WaitEnd { .. } => 11,
        Record::Intent { .. } => 12,
        Record::Outcome { .. } => 13,
        Record::Refusal { .. } => 14,
        Record::Attest { .. } => 15,
        Record::Cleanup { .. } => 16,
        Record::StepEnd { .. } => 17,
        Record::RunEnd { .. } => 18,
    }
}

/// Writes records into a journal and reads them again: what was shown when it was written is what is read.
///
/// # Panics
/// What is read is something else, or cannot be read.
#[allow(clippy::expect_used, reason = "it is a test's")]
pub fn round_trip(records: Vec<Record>) -> Vec<Record> {
    use rhumb::run::{Journal, journal};
    let dir = tempfile::tempdir().expect("a directory");
    let mut it = Journal::create(&dir.path().join("run"), false).expect("a journal");
    let at = "2026-06-10T02:00:00Z".parse().expect("a time");
    let shown: Vec<_> =
        records.into_iter().map(|record| it.append(at, record).expect("any record is written")).collect();
    let read = journal::read(it.path()).expect("what was written is read").entries;
    assert_eq!(read, shown, "what is read is what was shown");
    read.into_iter().map(|entry| entry.record).collect()
}
