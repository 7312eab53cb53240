//! What a person has looked at: mutants that may pass, and answers that must not stop a run.

use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::legal::is_like;
use super::mutant::Mutant;
use crate::base::{Error, ErrorKind, Result};

/// The tables that are shipped: one for all runbooks, and one for each that was swept.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/runbooks/sweep");
/// The table for all runbooks.
const COMMON: &str = "common";

/// What a person has looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reviewed {
    /// Its entries excuse no change after which the run sends other changes, unless they say so themselves: the table of a
    /// runbook that destroys.
    same_changes: bool,
    /// Changes over which a run may pass, since they do not matter to it.
    #[serde(rename = "harmless")]
    pub harmless: Vec<Review>,
    /// Changes that must not stop a run.
    #[serde(rename = "idle")]
    pub idle: Vec<Idle>,
}

/// Changes over which a run may pass. What is not said is any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Review {
    /// The runbooks; empty: all.
    pub runbooks: Vec<String>,
    /// The scenarios in which it is looked for; empty: all.
    pub scenarios: Vec<String>,
    /// The service.
    pub service: Option<String>,
    /// The kind of thing; `*` in it stands for anything.
    pub thing: Option<String>,
    /// What the thing is called, or a part of it.
    pub name: Option<String>,
    /// The field; `*` is any number of members. Empty: the thing itself.
    pub field: Option<String>,
    /// How it is changed, in the words of the reports.
    pub change: Vec<String>,
    /// What it was.
    pub was: Vec<String>,
    /// What it becomes.
    pub becomes: Vec<String>,
    /// Whether it may also send other changes than without it, as one that deletes a thing less. Without a word: it may, unless
    /// the table says `same_changes`.
    pub other_changes: Option<bool>,
    /// Why that is no fault of the runbook.
    pub why: String,
}

/// Changes that must not stop a run.
pub type Idle = Review;

impl Reviewed {
    /// The shipped tables. An entry in the file of a runbook is for that runbook, unless it says otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: one of them cannot be read.
    pub fn shipped() -> Result<Reviewed> {
        SHIPPED.files().try_fold(Reviewed::default(), |all, file| {
            let of = file.path().file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            let name = format!("runbooks/sweep/{of}.toml");
            let mut table = Reviewed::parse(&name, file.contents_utf8().unwrap_or_default())?;
            for entry in table.harmless.iter_mut().chain(&mut table.idle).filter(|_| of != COMMON) {
                if entry.runbooks.is_empty() {
                    entry.runbooks.push(of.to_string());
                }
            }
            Ok(all.with(table))
        })
    }

    /// A table.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: it is no such table, or an entry gives no reason.
    pub fn parse(file: &str, text: &str) -> Result<Reviewed> {
        let wrong = |what: String| Error::new(ErrorKind::Site, format!("{file}: {what}"));
        let mut read: Reviewed =
            toml::from_str(text).map_err(|e: toml::de::Error| wrong(e.message().to_string()))?;
        for entry in &mut read.harmless {
            entry.other_changes.get_or_insert(!read.same_changes);
        }
        for entry in read.harmless.iter().chain(&read.idle) {
            if entry.why.trim().len() < 12 {
                return Err(wrong(format!("the entry {} says no `why`", entry.describe()))
                    .help("say in a sentence why the run may pass over it: the next reader must be able to disagree"));
            }
        }
        Ok(read)
    }

    /// With the entries of another table behind.
    #[must_use]
    pub fn with(mut self, other: Reviewed) -> Reviewed {
        self.harmless.extend(other.harmless);
        self.idle.extend(other.idle);
        self
    }

    /// The entries that are looked for in a scenario (its name, or its file).
    #[must_use]
    pub fn within(&self, scenario: &str) -> Reviewed {
        let name = Path::new(scenario).file_stem().and_then(|s| s.to_str()).unwrap_or(scenario);
        let here = |entry: &&Review| entry.scenarios.is_empty() || entry.scenarios.iter().any(|s| s == name);
        let kept = |all: &[Review]| all.iter().filter(here).cloned().collect();
        Reviewed { same_changes: self.same_changes, harmless: kept(&self.harmless), idle: kept(&self.idle) }
    }

    /// The entries for a runbook by name, each of which must fit one mutant at least. `mutants` are all that there are, with those
    /// of fields that nobody reads.
    ///
    /// # Errors
    /// [`ErrorKind::Site`]: entries that name the runbook fit none. All of them are listed.
    pub fn hold(&self, runbook: &str, mutants: &[Mutant]) -> Result<()> {
        let named = |entry: &&Review| entry.runbooks.iter().any(|r| r == runbook);
        let fits_none = |entry: &&Review| !mutants.iter().any(|m| entry.fits(runbook, m));
        let all = self.harmless.iter().chain(&self.idle).filter(named).filter(fits_none);
        let all: Vec<String> = all.map(Review::describe).collect();
        if all.is_empty() {
            return Ok(());
        }
        let what = match all.as_slice() {
            [one] => format!("the reviewed entry {one} fits no mutant of {runbook}"),
            more => {
                format!("{} reviewed entries fit no mutant of {runbook}: {}", more.len(), more.join("; "))
            }
        };
        Err(Error::new(ErrorKind::Site, what)
            .help("nothing answers so any more: take the entry out, or mend its words"))
    }

    /// Why a run may pass over a mutant; `other_changes`: after which it sends others.
    pub fn harmless(&self, runbook: &str, mutant: &Mutant, other_changes: bool) -> Option<&str> {
        let excuses = |e: &&Review| !other_changes || e.other_changes.unwrap_or(true);
        self.harmless.iter().find(|e| excuses(e) && e.fits(runbook, mutant)).map(|e| e.why.as_str())
    }

    /// Why a mutant must not stop a run.
    pub fn idle(&self, runbook: &str, mutant: &Mutant) -> Option<&str> {
        self.idle.iter().find(|e| e.fits(runbook, mutant)).map(|e| e.why.as_str())
    }
}

impl Review {
    /// Whether it means a mutant.
    pub fn fits(&self, runbook: &str, mutant: &Mutant) -> bool {
        let among = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w == word);
        let was = mutant.was.as_str().map_or_else(|| mutant.was.to_string(), str::to_string);
        among(&self.runbooks, runbook)
            && self.service.as_deref().is_none_or(|s| s == mutant.service)
            && self.thing.as_deref().is_none_or(|t| is_kind(t, &mutant.kind))
            && self.name.as_deref().is_none_or(|n| mutant.name.contains(n))
            && self.field.as_deref().is_none_or(|f| is_like(f, &mutant.field) || f == mutant.pattern())
            && among(&self.change, mutant.change.word())
            && among(&self.was, &was)
            && among(&self.becomes, &mutant.becomes)
    }

    fn describe(&self) -> String {
        let parts = [
            ("service", &self.service),
            ("thing", &self.thing),
            ("name", &self.name),
            ("field", &self.field),
        ];
        let said = parts.iter().filter_map(|(key, value)| Some(format!("{key} = \"{}\"", value.as_ref()?)));
        let change = (!self.change.is_empty()).then(|| format!("change = {:?}", self.change));
        format!("`{}`", said.chain(change).collect::<Vec<_>>().join(", "))
    }
}

/// Whether a kind is as a pattern says, in which `*` stands for anything.
fn is_kind(pattern: &str, kind: &str) -> bool {
    let exact = format!("^{}$", pattern.split('*').map(regex::escape).collect::<Vec<_>>().join(".*"));
    regex::Regex::new(&exact).is_ok_and(|exact| exact.is_match(kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::sweep::Change;

    fn mutant(field: &str, becomes: &str) -> Mutant {
        Mutant {
            service: "nova".into(),
            kind: "server".into(),
            name: "capi-mgmt-v2".into(),
            field: field.into(),
            change: Change::State,
            was: json!("ACTIVE"),
            becomes: becomes.into(),
            turn: None,
            idle: None,
            fault: toml::Value::Boolean(true),
        }
    }

    const ENTRY: &str = "[[harmless]]\nrunbooks = ['park']\nservice = 'nova'\nthing = 'server'\nfield = 'status'\nbecomes = ['PAUSED']\nwhy = 'a reason that a person wrote'\n";

    #[test]
    fn an_entry_fits_what_it_says_and_nothing_else() {
        let table = Reviewed::parse("t", ENTRY).unwrap();
        let why = |runbook, mutant: &Mutant| table.harmless(runbook, mutant, false).is_some();
        assert!(why("park", &mutant("status", "PAUSED")));
        assert!(!why("restart", &mutant("status", "PAUSED")));
        assert!(!why("park", &mutant("status", "ERROR")));
        assert!(!why("park", &mutant("OS-EXT-STS:vm_state", "PAUSED")));
    }

    #[test]
    fn a_table_of_what_destroys_excuses_other_changes_only_where_an_entry_says_so() {
        let excuses = |text: &str| {
            let table = Reviewed::parse("t", text).unwrap();
            let why = |other| table.harmless("park", &mutant("status", "PAUSED"), other).is_some();
            (why(false), why(true))
        };
        assert_eq!(excuses(ENTRY), (true, true));
        assert_eq!(excuses(&format!("same_changes = true\n{ENTRY}")), (true, false));
        let said = format!("same_changes = true\n{ENTRY}other_changes = true\n");
        assert_eq!(excuses(&said), (true, true));
    }

    #[test]
    fn an_entry_of_another_scenario_neither_excuses_nor_must_fit() {
        let table = Reviewed::parse("t", &format!("{ENTRY}scenarios = ['large']\n")).unwrap();
        assert!(table.within("large").harmless("park", &mutant("status", "PAUSED"), false).is_some());
        let elsewhere = table.within("tests/rehearsals/states/small.toml");
        assert!(elsewhere.harmless("park", &mutant("status", "PAUSED"), false).is_none());
        elsewhere.hold("park", &[]).unwrap();
        assert!(table.within("a/large.toml").hold("park", &[]).is_err());
    }

    #[test]
    fn an_entry_that_fits_nothing_or_says_no_reason_is_refused() {
        let table = Reviewed::parse("t", ENTRY).unwrap();
        table.hold("park", &[mutant("status", "PAUSED")]).unwrap();
        table.hold("restart", &[]).unwrap();
        let e = table.hold("park", &[mutant("status", "ERROR")]).unwrap_err();
        assert!(e.to_string().contains("fits no mutant of park"), "{e}");
        let e = Reviewed::parse("t", "[[harmless]]\nservice = 'nova'\n").unwrap_err();
        assert!(e.to_string().contains("says no `why`"), "{e}");
        Reviewed::shipped().unwrap();
    }
}
