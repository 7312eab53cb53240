//! Effects: the one way from a mutation to the system that carries it out.

use std::path::Path;

use serde_json::Value;

use super::approval::Question;
use super::frame::{Frame, frame, meet_error};
use super::met::Ending;
use super::past::PastCall;
use super::record::{Record, StepKind};
use super::state::{Mode, Run, lock};
use crate::base::secret::reread;
use crate::base::{Error, ErrorKind, Intent, Ledger, Mutation, Payload, Permit, Result, again};

/// What a look at the world says of a change that was cut off.
#[derive(Debug)]
pub enum Settled {
    /// It was carried out; this is what it would have answered.
    Done(Value),
    /// It was not carried out.
    NotDone,
    /// A look cannot tell.
    Unknown,
}

struct StepLedger<'a> {
    run: &'a Run,
    frame: &'a Frame,
    call: &'a str,
    in_doubt: bool,
}

impl Ledger for StepLedger<'_> {
    fn authorise(&self, intent: &Intent) -> Result<u64> {
        let (run, step) = (self.run, &self.frame.step);
        let shared = run.shared();
        let question = Question { step, title: &self.frame.title, intent, in_doubt: self.in_doubt };
        // one question at a time, and none for a step that a branch has ended by now
        let mut approvals = lock(&shared.approvals);
        let open = self.frame.hold().open();
        let approved = open.and_then(|()| approvals.decide(&question, shared.approver.as_ref()));
        let mut held = self.frame.hold();
        // the step may have ended while the question stood
        match approved.and_then(|by| held.open().map(|()| by)) {
            Ok(approved) => run.append(Record::Intent {
                step: step.clone(),
                call: self.call.into(),
                digest: intent.digest(),
                approved,
                intent: intent.clone(),
            }),
            Err(e) => {
                held.meet(Ending::Error(e.clone()));
                run.append(Record::Refusal {
                    step: step.clone(),
                    reason: e.detail().what.clone(),
                    intent: intent.clone(),
                })?;
                Err(e)
            }
        }
    }
}

impl Run {
    /// Approves, journals and sends a change, then journals its outcome.
    ///
    /// On resume, a change that the journal shows done is not sent again, and one in doubt is
    /// settled by `look` first.
    pub fn effect<M: Mutation>(
        &self,
        mutation: M,
        look: impl FnOnce(&Intent) -> Result<Settled>,
        send: impl FnOnce(Permit<M>) -> Result<Payload>,
    ) -> Result<Payload> {
        self.carry_out(mutation, look, send).inspect_err(meet_error)
    }

    fn carry_out<M: Mutation>(
        &self,
        mutation: M,
        look: impl FnOnce(&Intent) -> Result<Settled>,
        send: impl FnOnce(Permit<M>) -> Result<Payload>,
    ) -> Result<Payload> {
        let intent = mutation.intent().masked();
        let frame = self.may_change(&intent)?;
        let call = frame.next_call();
        let mut in_doubt = false;
        let before = self.before(&frame.step, &call, &intent);
        // the operator wants the step from here on: what it did before the cut is not what it does now
        let wanted = self.begins_anew(&frame.step);
        if let Some(before) = before.filter(|before| wanted && self.is_another(&frame.step, before, &intent))
        {
            lock(&self.shared().met).insert(before.entry);
            let same = before.digest == intent.digest();
            // what makes something is not made twice: it is looked for, and where it is there that is said
            let there = match same && intent.ids.is_empty() {
                true => look(&intent)?,
                false => Settled::Unknown,
            };
            if let Settled::Done(value) = there {
                self.note(&format!("there since before, and not sent again: {}", intent.summary))?;
                return Ok(value.into());
            }
            in_doubt = before.done.is_none();
        } else if let Some(before) = before {
            if before.digest != intent.digest() {
                return Err(Error::new(
                    ErrorKind::Drift,
                    format!(
                        "step {} now does another thing than before the cut: {}",
                        frame.step, intent.summary
                    ),
                )
                .cause(format!("before: {} {}", before.intent.method, before.intent.target))
                .help(format!(
                    "look at both, then go on with what it does now: {}",
                    again::from(&self.id(), &frame.step)
                )));
            }
            // what the step itself did away with again must be made once more, and gone once more in the end
            let undone: Vec<u64> =
                self.shared().past.undone_by(&frame.step, before).map(|c| c.entry).collect();
            let mut met = lock(&self.shared().met);
            met.insert(before.entry);
            met.extend(&undone);
            drop(met);
            if let (Some(value), true) = (&before.done, undone.is_empty()) {
                // a secret was never recorded: its mask must not be sent in its place
                let mut value = value.clone();
                reread(&mut value);
                return Ok(value.into());
            }
            if lock(&self.shared().seen_done).contains(&before.entry) {
                return Ok(Value::Null.into());
            }
            match look(&intent)? {
                Settled::Done(value) => {
                    let record = Record::Outcome {
                        intent: before.entry,
                        value: value.clone(),
                        error: Value::Null,
                        settled: true,
                    };
                    self.append(record)?;
                    return Ok(value.into());
                }
                Settled::NotDone => {}
                Settled::Unknown => {
                    in_doubt = true;
                    self.note(&format!(
                        "in doubt since the cut, and a look cannot tell: {}",
                        intent.summary
                    ))?;
                }
            }
        }
        let permit =
            Permit::obtain(&StepLedger { run: self, frame: &frame, call: &call, in_doubt }, mutation)?;
        let record = permit.record();
        let result = send(permit);
        let (value, error) = match &result {
            Ok(answer) => (answer.masked(), Value::Null),
            Err(e) => (Value::Null, serde_json::to_value(e).unwrap_or_default()),
        };
        self.append(Record::Outcome { intent: record, value, error, settled: false })?;
        result
    }

    /// Whether a change of a step that the operator wants anew is another one than the change before the cut: the step had
    /// finished, or it does something else now.
    fn is_another(&self, step: &str, before: &PastCall, intent: &Intent) -> bool {
        before.digest != intent.digest() || self.shared().past.finished(step, StepKind::Change).is_some()
    }

    /// Whether the journal shows that this change came next before a cut. Then [`Run::effect`] settles it,
    /// and what looks as if it need not be done was done by it.
    pub fn comes_next(&self, intent: &Intent) -> bool {
        let Some(frame) = frame() else { return false };
        let before = self.before(&frame.step, &frame.peek_call(), intent);
        let anew =
            |before: &PastCall| self.begins_anew(&frame.step) && self.is_another(&frame.step, before, intent);
        before.is_some_and(|before| before.digest == intent.digest() && !anew(before))
    }

    /// Whether this run wrote a file of this machine before it was cut off.
    pub fn wrote_before(&self, path: &Path) -> bool {
        self.shared().past.wrote(&path.display().to_string())
    }

    /// What steps that did not finish had sent before the cut, in its order.
    pub fn unfinished(&self) -> Vec<PastCall> {
        self.shared().past.unfinished().into_iter().cloned().collect()
    }

    /// Journals that a change in doubt was seen to have taken place. It is not sent again.
    pub fn seen_done(&self, call: &PastCall) -> Result<()> {
        let (intent, value) = (call.entry, Value::Null);
        self.append(Record::Outcome { intent, value, error: Value::Null, settled: true })?;
        lock(&self.shared().seen_done).insert(intent);
        Ok(())
    }

    /// The change before the cut that this one is, or is in the place of.
    ///
    /// A step that goes through what it finds does not find again what it dealt with, so the places of its changes
    /// shift: the same change is the same in any place, and a change of another thing is a new one.
    fn before(&self, step: &str, call: &str, intent: &Intent) -> Option<&PastCall> {
        let (past, digest) = (&self.shared().past, intent.digest());
        let met = lock(&self.shared().met);
        let in_place = past.call(step, call).filter(|before| !met.contains(&before.entry));
        if in_place.is_some_and(|before| before.digest == digest) {
            return in_place;
        }
        let mut all: Vec<_> = past.of_step(step).filter(|before| !met.contains(&before.entry)).collect();
        all.sort_by_key(|before| before.entry);
        let same = all.iter().find(|before| before.digest == digest).copied();
        let of_same_thing = || all.iter().any(|before| before.intent.target == intent.target);
        same.or_else(|| in_place.filter(|_| of_same_thing()))
    }

    /// Refuses what may not change anything here.
    fn may_change(&self, intent: &Intent) -> Result<std::sync::Arc<Frame>> {
        let refused = |why: String, help: &str| {
            Err(Error::new(ErrorKind::Refused, format!("{why}: {}", intent.summary))
                .scope(&intent.handle)
                .help(help))
        };
        let Some(frame) = frame() else {
            return refused("a change outside of a step".into(), "put it into a `change` step");
        };
        if let Some(how) = &*lock(&self.shared().read_only) {
            return refused("reading only".into(), how);
        }
        if frame.kind == StepKind::Verify {
            let why = format!("step {} is a `verify`, which may only read", frame.step);
            return refused(why, "make the step a `change`, or move the call into one");
        }
        if self.mode() == Mode::Observe {
            return refused("observing".into(), "run it without --observe");
        }
        Ok(frame)
    }
}
