//! What came of all mutants, as data and as a text.

use serde::Serialize;

use super::accepted::Accepted;
use super::catalogue::{Candidate, Catalogue};
use super::excuse;
use super::work::Fate;
use crate::base::screen::{Drawn, drawn};
use crate::script::mutate::{Kind, Operator};

/// One mutant, and what came of it.
#[derive(Serialize)]
pub(super) struct Tried {
    pub(super) script: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
    /// `step 8.0` or `fn room`; empty for the top level.
    pub(super) within: String,
    pub(super) kind: Kind,
    pub(super) operator: Operator,
    pub(super) before: String,
    pub(super) after: String,
    /// `noticed`, `endless`, `survived`, `accepted` or `broken`.
    pub(super) fate: &'static str,
    /// The test that noticed it, the reason why it is accepted or does not compile, or how many tests passed over it.
    pub(super) by: String,
}

/// All of them.
#[derive(Serialize)]
pub(super) struct Outcome {
    /// How many there are in the chosen scripts and of the chosen kinds.
    pub(super) total: usize,
    pub(super) tried: usize,
    /// A test failed over these, also by their time.
    pub(super) noticed: usize,
    /// Of those, the ones that went past a bound.
    pub(super) endless: usize,
    pub(super) survived: usize,
    pub(super) accepted: usize,
    /// They do not compile, and count for nothing.
    pub(super) broken: usize,
    /// Entries of the reviewed list whose mutants a test notices by now.
    pub(super) outdated: Vec<String>,
    pub(super) mutants: Vec<Tried>,
}

impl Outcome {
    pub(super) fn of(
        catalogue: &Catalogue,
        list: &[Accepted],
        tried: Vec<(Candidate, Fate)>,
        total: usize,
    ) -> Self {
        let noticed = |entry: &&Accepted| {
            let mut own = tried.iter().filter(|(c, _)| entry.is_of(catalogue, c)).peekable();
            own.peek().is_some() && own.all(|(_, fate)| !matches!(fate, Fate::Survived(_)))
        };
        let outdated = list.iter().filter(noticed).map(Accepted::place).collect();
        let mutants: Vec<Tried> =
            tried.iter().map(|(candidate, fate)| told(catalogue, list, candidate, fate)).collect();
        let count = |fate: &str| mutants.iter().filter(|m| m.fate == fate).count();
        Outcome {
            total,
            tried: mutants.len(),
            noticed: count("noticed") + count("endless"),
            endless: count("endless"),
            survived: count("survived"),
            accepted: count("accepted"),
            broken: count("broken"),
            outdated,
            mutants,
        }
    }

    pub(super) fn has_survivors(&self) -> bool {
        self.survived > 0
    }

    /// The survivors, and the numbers.
    pub(super) fn draw(&self) -> Drawn {
        let mut text = drawn!("");
        for it in self.mutants.iter().filter(|m| m.fate == "survived") {
            let within = if it.within.is_empty() { String::new() } else { format!(", {}", it.within) };
            text.push(drawn!("{}:{}  {} {}{}: {}\n", it.file, it.line, it.kind, it.operator, within, it.by));
            let after = if it.after.is_empty() { "nothing" } else { &it.after };
            text.push(drawn!(
                "    {}\n  → {}\n",
                Drawn::lines(&it.before).hanging(4),
                Drawn::lines(after).hanging(4)
            ));
        }
        for place in &self.outdated {
            text.push(drawn!("{}: a test notices it by now; take the entry out\n", place));
        }
        let part = if self.tried == self.total { String::new() } else { format!(" of {}", self.total) };
        text.push(drawn!(
            "{}{} mutants: {} noticed ({} by their time), {} survive, {} accepted, {} do not compile\n",
            self.tried,
            part,
            self.noticed,
            self.endless,
            self.survived,
            self.accepted,
            self.broken
        ));
        text
    }
}

fn told(catalogue: &Catalogue, list: &[Accepted], candidate: &Candidate, fate: &Fate) -> Tried {
    let (mutant, target) = (&candidate.mutant, &catalogue.targets[candidate.target]);
    let (fate, by) = match fate {
        Fate::Noticed(test) => ("noticed", test.clone()),
        Fate::Endless(test) => ("endless", test.clone()),
        Fate::Broken(why) => ("broken", why.clone()),
        Fate::Survived(tests) => match (excuse(list, catalogue, candidate), tests) {
            (Some(entry), _) => ("accepted", entry.reason.clone()),
            (None, 0) => ("survived", "no test comes here".to_string()),
            (None, 1) => ("survived", "the test that comes here passes".to_string()),
            (None, n) => ("survived", format!("{n} tests come here and pass")),
        },
    };
    Tried {
        script: target.name.clone(),
        file: target.text.file.clone(),
        line: mutant.at.line,
        column: mutant.at.column,
        within: mutant.within.clone(),
        kind: mutant.kind,
        operator: mutant.operator,
        before: mutant.before.clone(),
        after: mutant.after.clone(),
        fate,
        by,
    }
}
