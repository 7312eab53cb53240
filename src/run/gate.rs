//! Gates: claims with their evidence.

use serde_json::Value;

use super::frame::frame;
use super::met::Ending;
use super::record::{Record, StepKind, Verdict};
use super::state::{Run, lock};
use crate::base::secret::mask_json;
use crate::base::{Error, ErrorKind, Result};

impl Run {
    /// Records a claim. One that does not hold fails the step, unless a waiver or a known issue
    /// of the site accepts it.
    pub fn gate(&self, claim: &str, ok: bool, observed: Value, wanted: Value) -> Result<()> {
        self.require_step("a gate")?;
        let Some(frame) = frame() else { return Ok(()) };
        let excused = if ok { None } else { (self.shared().excuse)(&frame.step, claim, &observed) };
        let scopes = lock(&frame.shared().scopes).iter().cloned().collect();
        // no change of the step is journaled between a gate that fails and the end that follows from it
        let mut held = frame.hold();
        self.append(Record::Gate {
            step: frame.step.clone(),
            claim: claim.into(),
            ok,
            observed: observed.clone(),
            wanted: wanted.clone(),
            scopes,
            excused: excused.clone(),
        })?;
        if ok {
            return Ok(());
        }
        if let Some(verdict) = excused {
            lock(&frame.shared().excused).get_or_insert(verdict);
            return Ok(());
        }
        let mut error = Error::new(ErrorKind::Gate, format!("gate: {claim}"));
        if !wanted.is_null() {
            error = error.cause(format!("wanted {}, got {}", brief(&wanted), brief(&observed)));
        } else if !observed.is_null() {
            error = error.cause(format!("seen: {}", brief(&observed)));
        }
        held.meet(Ending::Error(error.clone()));
        Err(error)
    }

    /// Records a claim that could not be looked at, and why. The step goes on; it ends as UNKNOWN unless it meets something worse.
    ///
    /// # Errors
    /// The reason itself in a `change`, which may not go on without knowing; a misplaced call; what keeps the journal from
    /// being written.
    pub fn unknown(&self, claim: &str, why: Error) -> Result<()> {
        self.require_step("a claim")?;
        let Some(frame) = frame().filter(|frame| frame.kind == StepKind::Verify) else { return Err(why) };
        let reason = format!("{claim}: {}", why.detail().what);
        let scopes = lock(&frame.shared().scopes).iter().cloned().collect();
        let mut held = frame.hold();
        self.append(Record::Gate {
            step: frame.step.clone(),
            claim: claim.into(),
            ok: false,
            observed: Value::Null,
            wanted: Value::Null,
            scopes,
            excused: Some(Verdict::Unknown { reason: why.detail().what.clone() }),
        })?;
        held.keep_unseen(Error::new(why.kind(), reason).from_source(&why));
        Ok(())
    }
}

/// A value in one line of bearable length, known secrets masked; the journal has all of it.
pub fn brief(value: &Value) -> String {
    const LONGEST: usize = 300;
    let mut value = value.clone();
    mask_json(&mut value);
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
