//! How a run ends. It follows from the verdicts of its steps and from the error that ended it: the run derives it once,
//! when it ends, and everybody who reads its journal derives it again and holds it against what the journal says.

use serde::Deserialize as _;
use serde_json::Value;

use super::record::Verdict;
use crate::base::ErrorKind;

/// The runbook's name in the journal of a session, whose lines are tried out: how they end is not how it ends.
pub const SESSION: &str = "repl";

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// Whether it passed.
    pub ok: bool,
    /// Its exit code.
    pub exit: u8,
}

impl Conclusion {
    /// What follows from the last verdict of each step and from the error that ended the run, as the journal keeps it
    /// (null: none did). `None` for an error of a kind that this version does not know: the run did not pass.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>, error: &Value) -> Option<Self> {
        let failed = || verdicts.into_iter().any(|verdict| matches!(verdict, Verdict::Fail { .. }));
        let exit = match error {
            Value::Null if failed() => ErrorKind::Gate.exit_code(),
            Value::Null => 0,
            error => ErrorKind::deserialize(&error["kind"]).ok()?.exit_code(),
        };
        Some(Conclusion { ok: exit == 0, exit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_ends_as_its_steps_and_its_error_say() {
        let failed = Verdict::Fail { reason: "x".into() };
        let skipped = Verdict::Skipped { reason: "x".into() };
        let of =
            |verdicts: &[Verdict], error: Value| Conclusion::of(verdicts, &error).map(|c| (c.ok, c.exit));
        assert_eq!(of(&[], Value::Null), Some((true, 0)));
        assert_eq!(of(&[Verdict::Pass, skipped], Value::Null), Some((true, 0)));
        assert_eq!(of(&[Verdict::Pass, failed.clone()], Value::Null), Some((false, 3)));
        assert_eq!(of(&[failed], json!({"kind": "declined"})), Some((false, 5)));
        assert_eq!(of(&[Verdict::Pass], json!({"kind": "io"})), Some((false, 74)));
        assert_eq!(of(&[Verdict::Pass], json!({"kind": "of-next-year"})), None);
    }
}
