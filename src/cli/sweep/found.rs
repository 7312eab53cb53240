//! What a sweep found: a table that is read in a minute, JSON, and scenarios that show it again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, ErrorKind, Result, duration};
use crate::lab::sweep::{Change, Mutant, Noticed};

/// What came of one change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// The run ended otherwise, or named the cause.
    Noticed,
    /// It may pass: a person wrote why.
    Harmless { why: String },
    /// It passed, or sent other changes, as if nothing were.
    Silent { other_changes: bool },
    /// It stopped, and a person wrote why it must not.
    Stops { why: String },
}

/// One change, and what came of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Rated {
    pub(super) mutant: Mutant,
    pub(super) outcome: Outcome,
    /// How the run showed it.
    pub(super) noticed: Noticed,
    /// The run had to be ended from outside.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) endless: bool,
}

/// What a sweep found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    pub(super) runbook: String,
    pub(super) scenario: String,
    /// Changes there are, of fields that are read.
    pub(super) possible: usize,
    /// Changes of fields that nobody reads: they cannot change an outcome, and were not tried.
    pub(super) not_read: usize,
    /// The states among those fields.
    pub(super) states_not_read: Vec<String>,
    pub(super) rated: Vec<Rated>,
    /// How long the first rehearsal took, in seconds as JSON.
    #[serde(serialize_with = "seconds")]
    pub(super) first: Duration,
    /// How long the changes took.
    #[serde(serialize_with = "seconds")]
    pub(super) sweeping: Duration,
    /// How long all of it took.
    #[serde(serialize_with = "seconds")]
    pub(super) whole: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// How bad a silent change is (0 is worst), of what kind of thing, in which field, and what was changed.
type Group = (u8, String, String, Change);

impl Found {
    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.rated.iter().filter(|r| is(&r.outcome)).count()
    }

    /// Whether nothing is silent, and nothing stops though it must not.
    pub(super) fn is_clean(&self) -> bool {
        self.count(|o| matches!(o, Outcome::Silent { .. } | Outcome::Stops { .. })) == 0
    }

    /// The figures, and what is to be looked at, the worst first.
    pub(super) fn draw(&self) -> Drawn {
        let mut text = drawn!(
            "{} in {}: {} changes of {} tried",
            self.runbook,
            self.scenario,
            self.rated.len(),
            self.possible
        );
        text.push(drawn!("\n  {} noticed", self.count(|o| *o == Outcome::Noticed)));
        text.push(drawn!("\n  {} harmless", self.count(|o| matches!(o, Outcome::Harmless { .. }))));
        text.push(drawn!("\n  {} silent", self.count(|o| matches!(o, Outcome::Silent { .. }))));
        text.push(drawn!(
            "\n  {} stop though they must not",
            self.count(|o| matches!(o, Outcome::Stops { .. }))
        ));
        text.push(drawn!("\n  {} not tried: nobody reads these fields\n", self.not_read));
        let speed = self.rated.len() as f64 / self.sweeping.as_secs_f64().max(0.001);
        text.push(drawn!(
            "in {}, {} changes a second; the first rehearsal took {}\n",
            duration::show(self.whole),
            format!("{speed:.1}"),
            duration::show(self.first)
        ));
        if !self.states_not_read.is_empty() {
            text.push(drawn!("\nstates that nobody reads:\n"));
            self.states_not_read.iter().for_each(|state| text.push(drawn!("  {}\n", state)));
        }
        let stops: Vec<&Rated> =
            self.rated.iter().filter(|r| matches!(r.outcome, Outcome::Stops { .. })).collect();
        if !stops.is_empty() {
            text.push(drawn!("\nstops, though it must not:\n"));
            for one in stops {
                let Noticed::Verdict { step, said } = &one.noticed else { continue };
                text.push(drawn!("  {}\n      step {}: {}\n", one.mutant.sentence(), step, said));
            }
        }
        let silent = self.silent();
        if !silent.is_empty() {
            text.push(drawn!("\nsilent, the worst first:\n"));
            for ((_, kind, field, change), all) in silent {
                let other = all.iter().any(|r| r.outcome == Outcome::Silent { other_changes: true });
                let mark = if other { "  sends other changes" } else { "" };
                text.push(drawn!("  {} {} {} ({}){}\n", kind, field, change.word(), all.len(), mark));
                for one in all.iter().take(3) {
                    text.push(drawn!("      {}\n", one.mutant.sentence()));
                }
            }
        }
        text
    }

    /// The silent ones by kind of field and change, the worst first.
    fn silent(&self) -> Vec<(Group, Vec<&Rated>)> {
        let mut groups: BTreeMap<Group, Vec<&Rated>> = BTreeMap::new();
        for one in &self.rated {
            let Outcome::Silent { other_changes } = one.outcome else { continue };
            let m = &one.mutant;
            let rank = match (other_changes, m.change) {
                (true, _) => 0,
                (false, Change::State | Change::Turned | Change::OneInState) => 1,
                (false, Change::Gone | Change::Empty | Change::NextPage | Change::Namesake) => 2,
                (false, _) => 3,
            };
            let kind = format!("{} {}", m.service, m.kind);
            groups.entry((rank, kind, m.pattern(), m.change)).or_default().push(one);
        }
        groups.into_iter().collect()
    }

    /// Writes a scenario for each silent change, and for each that stops though it must not. Returns how many.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]: a file cannot be written.
    pub(super) fn write(&self, dir: &Path) -> Result<usize> {
        let io = |e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("{} cannot be written", dir.display())).from_source(&e)
        };
        std::fs::create_dir_all(dir).map_err(io)?;
        let shown =
            self.rated.iter().filter(|r| matches!(r.outcome, Outcome::Silent { .. } | Outcome::Stops { .. }));
        let mut written = 0;
        for (n, one) in shown.enumerate() {
            let text = self.scenario_of(&one.mutant)?;
            let name = format!("{:04}-{}-{}.toml", n + 1, self.runbook, slug(&one.mutant));
            std::fs::write(dir.join(name), text).map_err(io)?;
            written += 1;
        }
        Ok(written)
    }

    /// A scenario in which the change is made: the world of the sweep with one fault more.
    fn scenario_of(&self, mutant: &Mutant) -> Result<String> {
        let mut table = toml::Table::new();
        table.insert("fault".into(), toml::Value::Array(vec![mutant.fault.clone()]));
        let fault = toml::to_string(&table)
            .map_err(|e| Error::new(ErrorKind::Internal, "a scenario cannot be written").from_source(&e))?;
        let file = Path::new(&self.scenario);
        let mut text = String::new();
        let _ = writeln!(text, "# rhumb rehearse {} --scenario THIS-FILE", self.runbook);
        match file.is_file() {
            // a file can be extended by none: its text goes before
            true => {
                let base = std::fs::read_to_string(file).map_err(|e| {
                    Error::new(ErrorKind::Io, format!("{} cannot be read", file.display())).from_source(&e)
                })?;
                let _ = writeln!(text, "# {}\n{base}", mutant.sentence().replace('\n', " "));
            }
            false => {
                let title = toml::Value::from(mutant.sentence());
                let _ = writeln!(
                    text,
                    "title = {title}\nextends = {}\n",
                    toml::Value::from(self.scenario.as_str())
                );
            }
        }
        text.push_str(&fault);
        Ok(text)
    }
}

/// A mutant as a part of a file's name.
fn slug(mutant: &Mutant) -> String {
    let text = format!("{}-{}-{}-{}", mutant.kind, mutant.field, mutant.change.word(), mutant.becomes);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut slug: String = text.chars().map(plain).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.trim_matches('-').chars().take(80).collect()
}
