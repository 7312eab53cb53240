//! What can be done to a script, and to what.

use std::fmt;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// It is taken out.
    Removed,
    /// It means the opposite.
    Negated,
    /// It asks for less: it always holds, or never does, or holds at the next value too.
    Weakened,
    /// It is another value.
    Changed,
    /// A body does nothing.
    Emptied,
}

impl Operator {
    /// Every one of them.
    pub const ALL: &[Operator] =
        &[Operator::Removed, Operator::Negated, Operator::Weakened, Operator::Changed, Operator::Emptied];

    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Operator::Removed => "removed",
            Operator::Negated => "negated",
            Operator::Weakened => "weakened",
            Operator::Changed => "changed",
            Operator::Emptied => "emptied",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What kind of thing it is done to. A comparison inside of a gate is of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A `gate`, with all that it looks at.
    Gate,
    /// An `expect`, with all that it looks at.
    Expect,
    /// What a wait ends by: `done`, `failed`, `within`.
    Wait,
    /// What decides whether something runs: `when`, `needs`, `on_fail`, `if`, `while`.
    Condition,
    /// A step's body.
    Body,
    /// A comparison anywhere else.
    Comparison,
    /// A value that is written out, anywhere else.
    Literal,
}

impl Kind {
    /// Every one of them.
    pub const ALL: &[Kind] =
        &[Kind::Gate, Kind::Expect, Kind::Wait, Kind::Condition, Kind::Body, Kind::Comparison, Kind::Literal];

    /// The word in lists and options.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gate => "gate",
            Kind::Expect => "expect",
            Kind::Wait => "wait",
            Kind::Condition => "condition",
            Kind::Body => "body",
            Kind::Comparison => "comparison",
            Kind::Literal => "literal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
