//! What a site can change in a shipped script: a step of a runbook, or a function.

use std::fmt;

use serde::Serialize;

use crate::script::modules::is_runbook;

/// A step or a function of a shipped script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Logical name of the script.
    pub script: String,
    /// What of it.
    pub piece: Piece,
}

/// What of a script it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// A step, by its id.
    Step(String),
    /// A function, by its name and the number of its parameters.
    Function(String, usize),
}

impl Target {
    /// A step of a runbook.
    pub fn step(runbook: &str, id: &str) -> Self {
        Target { script: runbook.into(), piece: Piece::Step(id.into()) }
    }

    /// A function.
    pub fn function(script: &str, name: &str, arity: usize) -> Self {
        Target { script: script.into(), piece: Piece::Function(name.into(), arity) }
    }

    /// The id or the name.
    pub fn name(&self) -> &str {
        match &self.piece {
            Piece::Step(name) | Piece::Function(name, _) => name,
        }
    }

    /// Whether these words of a command line mean it: `restart 5.2`, `std/octavia failover`,
    /// `std/octavia failover/2`, or the script alone for all of it.
    pub fn is_meant(&self, script: &str, piece: Option<&str>) -> bool {
        let piece_is = |text: &str| match &self.piece {
            Piece::Step(id) => id == text,
            Piece::Function(name, arity) => name == text || format!("{name}/{arity}") == text,
        };
        self.script == script && piece.is_none_or(piece_is)
    }

    /// Its file in a site directory.
    pub fn file(&self) -> String {
        format!("{}.rhai", self.script)
    }

    /// `step` or `function`.
    pub fn kind(&self) -> &'static str {
        match self.piece {
            Piece::Step(_) => "step",
            Piece::Function(..) => "function",
        }
    }

    /// Whether its script is a runbook; else it is a module.
    pub fn of_runbook(&self) -> bool {
        is_runbook(&self.script)
    }
}

/// As the command line takes it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.piece {
            Piece::Step(id) => write!(f, "{} {id}", self.script),
            Piece::Function(name, arity) => write!(f, "{} {name}/{arity}", self.script),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
