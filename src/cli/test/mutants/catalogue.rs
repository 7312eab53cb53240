//! The texts that are changed, with all their mutants.

use rhai::{Engine, Scope};

use crate::base::error::nearest;
use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, Result};
use crate::cli::usage;
use crate::script::modules::{self, Shelf, Text};
use crate::script::mutate::marks::Marks;
use crate::script::mutate::shelf::Instead;
use crate::script::mutate::{self, Kind, Mutant};
use crate::script::primitives;
use crate::script::survey::known;
use crate::site::Layers;

/// A text.
pub(super) struct Target {
    /// Its logical name.
    pub(super) name: String,
    pub(super) text: Text,
    marked: String,
}

/// A mutant of one of the texts.
#[derive(Clone)]
pub(super) struct Candidate {
    /// The number of its text.
    pub(super) target: usize,
    pub(super) mutant: Mutant,
    /// The mark of the block that it is in.
    pub(super) mark: i64,
}

/// All of them.
pub(super) struct Catalogue {
    pub(super) targets: Vec<Target>,
    pub(super) candidates: Vec<Candidate>,
    engine: Engine,
}

impl Catalogue {
    /// The mutants of all scripts of these layers.
    pub(super) fn of(layers: &Layers) -> Result<Self> {
        let (mut targets, mut candidates, mut first) = (Vec::new(), Vec::new(), 1);
        for name in Shelf::names(layers)? {
            let texts = layers.texts(&name)?;
            let texts = if modules::is_runbook(&name) { modules::of_runbook(texts) } else { texts };
            for text in texts {
                let (marks, marked) = Marks::of(&text.text, first);
                first = marks.end();
                let target = targets.len();
                candidates.extend(mutate::of(&text.text).into_iter().map(|mutant| {
                    let mark = marks.at(mutant.bytes.start);
                    Candidate { target, mutant, mark }
                }));
                targets.push(Target { name: name.clone(), text, marked });
            }
        }
        Ok(Catalogue { targets, candidates, engine: known::compiler(true, &primitives::all()) })
    }

    /// The texts with marks in them.
    pub(super) fn marked(&self) -> Instead {
        let place = |t: &Target| ((t.name.clone(), t.text.layer.clone()), t.marked.clone());
        self.targets.iter().map(place).collect()
    }

    /// The texts with one mutant in them.
    pub(super) fn mutated(&self, candidate: &Candidate) -> Instead {
        let target = &self.targets[candidate.target];
        let place = (target.name.clone(), target.text.layer.clone());
        Instead::from([(place, candidate.mutant.apply(&target.text.text))])
    }

    /// A mutant in a line: where it is, and what it does.
    pub(super) fn line(&self, candidate: &Candidate) -> Drawn {
        let (mutant, file) = (&candidate.mutant, &self.targets[candidate.target].text.file);
        let one = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (before, after) = (one(&mutant.before), one(&mutant.after));
        drawn!(
            "survives: {}:{}  {} {}: {} → {}\n",
            file,
            mutant.at.line,
            mutant.kind,
            mutant.operator,
            before,
            after
        )
    }

    /// Why a mutant does not compile, if it does not.
    pub(super) fn broken(&self, candidate: &Candidate) -> Option<String> {
        let target = &self.targets[candidate.target];
        let mut variables = Scope::new();
        variables.push_constant("site", ());
        let text = candidate.mutant.apply(&target.text.text);
        self.engine.compile_with_scope(&variables, text).err().map(|e| e.to_string())
    }

    /// The mutants of these scripts and kinds. Without a name: of the site's own scripts where it has any, else of all.
    ///
    /// # Errors
    /// A name that is none.
    pub(super) fn select(&self, names: &[String], kinds: &[Kind]) -> Result<Vec<Candidate>> {
        for name in names {
            self.names(name)?;
        }
        let has_own = self.targets.iter().any(|t| t.text.layer == modules::SITE);
        let wanted = |c: &&Candidate| {
            let target = &self.targets[c.target];
            let by_name = match names {
                [] => !has_own || target.text.layer == modules::SITE,
                names => names.iter().any(|name| is_named(name, target)),
            };
            by_name && (kinds.is_empty() || kinds.contains(&c.mutant.kind))
        };
        Ok(self.candidates.iter().filter(wanted).cloned().collect())
    }

    fn names(&self, name: &str) -> Result<()> {
        if self.targets.iter().any(|target| is_named(name, target)) {
            return Ok(());
        }
        let error: Error = usage(format!("there is no script `{name}` to change"));
        let known = self.targets.iter().map(|target| target.name.as_str());
        Err(match nearest(name, known.chain(GROUPS.iter().copied())) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("name a runbook or module as `rhumb list` does, or `runbooks`, or `modules`"),
        })
    }
}

/// Names for several scripts.
const GROUPS: &[&str] = &["runbooks", "modules"];

fn is_named(name: &str, target: &Target) -> bool {
    match name {
        "runbooks" => modules::is_runbook(&target.name),
        "modules" => !modules::is_runbook(&target.name),
        name => target.name == name,
    }
}
