//! Effects: the one way from a mutation to the system that carries it out.

use std::path::Path;

use serde_json::Value;

use super::approval::{Answer, Question};
use super::effect_state::{Effect, State};
use super::frame::{Frame, frame, meet_error};
use super::met::Ending;
use super::record::{Record, StepKind};
use super::settle::Settled;
use super::state::{Mode, Run, lock};
use super::step::Unwind;
use crate::base::secret::reread;
use crate::base::{Error, ErrorKind, Intent, Ledger, Mutation, Payload, Permit, Result, again};

struct StepLedger<'a> {
    run: &'a Run,
    frame: &'a Frame,
    call: &'a str,
    in_doubt: bool,
    /// What the operator has said to it already.
    said: Option<Answer>,
}

impl Ledger for StepLedger<'_> {
    fn authorise(&self, intent: &Intent) -> Result<u64> {
        let (run, step) = (self.run, &self.frame.step);
        let shared = run.shared();
        let question = Question { step, title: &self.frame.title, intent, in_doubt: self.in_doubt };
        // one question at a time, and none for a step that a branch has ended by now
        let mut approvals = lock(&shared.approvals);
        let open = self.frame.hold().open();
        let approved = open.and_then(|()| approvals.decide(&question, self.said, shared.approver.as_ref()));
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
    /// On resume, a change that the journal shows done is not sent again, and one in doubt is settled by `look` first. A
    /// change that is answered in no way that proves anything is settled there and then, where a look can tell.
    pub fn effect<M: Mutation>(
        &self,
        mutation: M,
        look: impl FnMut(&Effect) -> Result<Settled>,
        send: impl FnOnce(Permit<M>) -> Result<Payload>,
    ) -> Result<Payload> {
        self.carry_out(mutation, look, send).inspect_err(meet_error)
    }

    fn carry_out<M: Mutation>(
        &self,
        mutation: M,
        mut look: impl FnMut(&Effect) -> Result<Settled>,
        send: impl FnOnce(Permit<M>) -> Result<Payload>,
    ) -> Result<Payload> {
        let intent = mutation.intent().masked();
        let frame = self.may_change(&intent)?;
        let call = frame.next_call();
        let (mut in_doubt, mut said) = (false, None);
        let before = self.before(&frame.step, &call, &intent);
        // the operator wants the step from here on: what it did before the cut is not what it does now
        let wanted = self.begins_anew(&frame.step);
        if let Some(before) =
            before.as_ref().filter(|before| wanted && self.is_another(&frame.step, before, &intent))
        {
            lock(&self.shared().met).insert(before.entry);
            let same = before.digest == intent.digest();
            // what makes something is not made twice: it is looked for, and where it is there that is said
            let there = match (same, before.state) {
                (true, State::InDoubt) if intent.ids.is_empty() => self.settle(before, &mut look)?,
                (true, _) if intent.ids.is_empty() => look(before)?,
                // another one is to be sent now: what became of this one is seen first, or it stays open to the end
                (false, State::InDoubt) => {
                    self.settle_by_witness(before)?;
                    Settled::NotDone
                }
                _ => Settled::Unknown,
            };
            match there {
                Settled::Done(value) => {
                    self.note(&format!("there since before, and not sent again: {}", intent.summary))?;
                    return Ok(value.into());
                }
                Settled::NotDone => {}
                Settled::Again | Settled::Unknown => in_doubt = before.state == State::InDoubt,
            }
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
                    "look at both, then go on with what it does now: `{}`",
                    again::from(&self.id(), &frame.step)
                )));
            }
            self.come_to(&frame.step, &before);
            match self.what_came_of(&before, &mut look)? {
                Settled::Done(mut value) => {
                    // a secret was never recorded: its mask must not be sent in its place
                    reread(&mut value);
                    return Ok(value.into());
                }
                Settled::NotDone | Settled::Again => {}
                Settled::Unknown => {
                    in_doubt = true;
                    self.note(&format!(
                        "in doubt since the cut, and a look cannot tell: {}",
                        intent.summary
                    ))?;
                    said = self.ask_whether_done(&frame, &before)?;
                    if said == Some(Answer::Done) {
                        return Ok(Value::Null.into());
                    }
                }
            }
        }
        let ledger = StepLedger { run: self, frame: &frame, call: &call, in_doubt, said };
        let permit = Permit::obtain(&ledger, mutation)?;
        let record = permit.record();
        let result = send(permit);
        let (value, error) = match &result {
            Ok(answer) => (answer.masked(), Value::Null),
            Err(e) => (Value::Null, serde_json::to_value(e).unwrap_or_default()),
        };
        self.append(Record::Outcome { intent: record, value, error, settled: false })?;
        match result {
            Err(e) => self.after_no_answer(record, e, &mut look),
            answered => answered,
        }
    }

    /// Marks a change from before the cut as come to, with what undid it: that is done once more as well.
    fn come_to(&self, step: &str, before: &Effect) {
        let undone: Vec<u64> = {
            let effects = lock(&self.shared().effects);
            let by = before.undone_by.and_then(|by| effects.at(by));
            by.filter(|by| by.step == step).map(|by| by.entry).into_iter().collect()
        };
        let mut met = lock(&self.shared().met);
        met.insert(before.entry);
        met.extend(undone);
    }

    /// An effect as it stands, by the entry of its intent.
    pub(super) fn effect_at(&self, entry: u64) -> Option<Effect> {
        lock(&self.shared().effects).at(entry).cloned()
    }

    /// All effects of the run as they stand, those of before a cut included.
    pub fn effects(&self) -> Vec<Effect> {
        lock(&self.shared().effects).all().cloned().collect()
    }

    /// The last change of such a kind that the present step sent before the cut, and has not come to again.
    pub fn earlier(&self, is_it: impl Fn(&Intent) -> bool) -> Option<Effect> {
        let frame = frame()?;
        let (effects, met) = (lock(&self.shared().effects), lock(&self.shared().met));
        let open = |e: &&Effect| e.step == frame.step && e.state != State::Undone && !met.contains(&e.entry);
        effects.before_the_cut().filter(open).filter(|e| is_it(&e.intent)).last().cloned()
    }

    /// Whether a look has found that this very change, as the present step sent it last, did not take effect.
    pub fn found_not_done(&self, intent: &Intent) -> bool {
        let Some(frame) = frame() else { return false };
        let (effects, digest) = (lock(&self.shared().effects), intent.digest());
        let last = effects.all().filter(|e| e.step == frame.step && e.digest == digest).last();
        last.is_some_and(|e| e.state == State::NotDone)
    }

    /// What the present step itself removed before the cut, until it comes to that again: as it was then.
    pub fn removed_here(&self, is_it: impl Fn(&Intent) -> bool) -> Option<Value> {
        let frame = frame().filter(|frame| frame.kind == StepKind::Change)?;
        let (effects, met) = (lock(&self.shared().effects), lock(&self.shared().met));
        let mine = |e: &&Effect| e.step == frame.step && e.removes() && !met.contains(&e.entry);
        let gone = effects.before_the_cut().filter(mine).find(|e| is_it(&e.intent))?;
        Some(gone.intent.was.clone()).filter(|was| !was.is_null())
    }

    /// Whether a change of a step that the operator wants anew is another one than the change before the cut: the step had
    /// finished, or it does something else now.
    fn is_another(&self, step: &str, before: &Effect, intent: &Intent) -> bool {
        before.digest != intent.digest() || self.shared().past.finished(step, StepKind::Change).is_some()
    }

    /// Whether the journal shows that this change came next before a cut. Then [`Run::effect`] settles it,
    /// and what looks as if it need not be done was done by it.
    pub fn comes_next(&self, intent: &Intent) -> bool {
        let Some(frame) = frame() else { return false };
        let before = self.before(&frame.step, &frame.peek_call(), intent);
        let anew =
            |before: &Effect| self.begins_anew(&frame.step) && self.is_another(&frame.step, before, intent);
        before.is_some_and(|before| before.digest == intent.digest() && !anew(&before))
    }

    /// Whether this run wrote a file of this machine before it was cut off.
    pub fn wrote_before(&self, path: &Path) -> bool {
        self.shared().past.wrote(&path.display().to_string())
    }

    /// What was sent before the cut, or was about to be, in its order.
    pub fn before_the_cut(&self) -> Vec<Effect> {
        lock(&self.shared().effects).before_the_cut().cloned().collect()
    }

    /// Whether a step finished before the cut, so that it is not come to again.
    pub fn has_finished(&self, step: &str) -> bool {
        self.shared().past.finished(step, StepKind::Change).is_some()
    }

    /// The change before the cut that this one is, or is in the place of.
    ///
    /// A step that goes through what it finds does not find again what it dealt with, so the places of its changes
    /// shift: the same change is the same in any place, and a change of another thing is a new one.
    pub(super) fn before(&self, step: &str, call: &str, intent: &Intent) -> Option<Effect> {
        let (effects, digest) = (lock(&self.shared().effects), intent.digest());
        let met = lock(&self.shared().met);
        let all: Vec<_> =
            effects.before_the_cut().filter(|e| e.step == step && !met.contains(&e.entry)).collect();
        let in_place = all.iter().find(|before| before.call == call).copied();
        let same = || all.iter().filter(|before| before.digest == digest);
        // what was undone and made again is there once
        let again = same().find(|before| before.state != State::Undone);
        if let Some(same) =
            in_place.filter(|e| e.digest == digest && (e.state != State::Undone || again.is_none()))
        {
            return Some(same.clone());
        }
        let same = again.or_else(|| same().next()).copied();
        // what is undone is in nobody's place
        // a thing of the same name can only be another one when the former is gone: its removal is a new change
        let stands = |before: &&&Effect| before.state != State::Undone;
        // a JSON patch tests by itself what it changes, such as one finalizer of several
        let tests = intent.system == "kubernetes" && intent.body.is_array();
        let of_same_thing =
            || !tests && all.iter().filter(stands).any(|before| before.intent.target == intent.target);
        same.or_else(|| in_place.filter(|e| stands(&e) && !e.removes() && of_same_thing())).cloned()
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

impl Unwind for Error {
    fn stopped() -> Self {
        let met = super::frame::met().map(|ending| ending.error());
        met.unwrap_or_else(|| Error::new(ErrorKind::Interrupted, "the step has ended"))
    }

    fn is_stopped(&self) -> bool {
        false
    }

    fn error(&self) -> Error {
        self.clone()
    }
}
