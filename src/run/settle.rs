//! Doubt: what becomes of a change that was sent and of which nobody knows whether it took effect. A look settles it, and
//! time; else a person.

use std::time::Duration;

use serde_json::Value;

use super::approval::{Answer, Question};
use super::effect_state::{Effect, State};
use super::frame::{Frame, frame};
use super::grant::Grant;
use super::record::Record;
use super::state::{Run, lock};
use super::wait::{WaitHooks, WaitSpec};
use crate::base::{Error, ErrorKind, Intent, Payload, Result, again, duration};

/// What a look at the world says of a change whose outcome is in doubt.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// It was carried out; this is what it would have answered.
    Done(Value),
    /// It was not carried out, so far.
    NotDone,
    /// It brings about the same however often it is sent.
    Again,
    /// A look cannot tell.
    Unknown,
}

/// What the run asks of the outside about its effects.
pub trait Witness: Send + Sync {
    /// How long after it was sent such a request may still arrive.
    fn late(&self, intent: &Intent) -> Duration;

    /// Whether an effect took place, by what the journal holds of it.
    ///
    /// # Errors
    /// What keeps it from looking.
    fn look(&self, effect: &Effect) -> Result<Settled>;
}

/// Between two looks for what may still arrive.
const EVERY: Duration = Duration::from_secs(5);

/// How long a look may fail before nothing is known.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What to do about a change that nobody can settle now.
const IN_DOUBT: &str = "looks for it first, and asks where a look cannot tell";

impl Run {
    /// Asks a person of a change in doubt that no look can settle, unless it may be sent again anyway. What is done by the
    /// answer, or by what was said beforehand, is journaled.
    pub(super) fn ask_whether_done(&self, frame: &Frame, effect: &Effect) -> Result<Option<Answer>> {
        let (shared, intent) = (self.shared(), &effect.intent);
        let question = Question { step: &frame.step, title: &frame.title, intent, in_doubt: true };
        let (answer, by) = {
            let approvals = lock(&shared.approvals);
            match approvals.said_done(&question) {
                Some(form) => (Some(Answer::Done), format!(" ({form})")),
                None => {
                    let asks = frame.hold().open().is_ok() && approvals.known(&question).is_none();
                    (asks.then(|| shared.approver.ask(&question, None)), String::new())
                }
            }
        };
        if answer == Some(Answer::Done) {
            self.note(&format!("the operator says that it took effect{by}: {}", intent.summary))?;
            self.seen_done(effect)?;
        }
        Ok(answer)
    }

    /// What was to undo a change before the cut, and may have.
    fn removal_in_doubt(&self, of: &Effect) -> Option<Effect> {
        let effects = lock(&self.shared().effects);
        let mut open = effects.before_the_cut().filter(|e| e.state == State::InDoubt && e.step == of.step);
        open.find(|e| e.undoes(of)).cloned()
    }

    /// An error of a change that was sent. Where it leaves doubt and a look can tell, it is settled now.
    pub(super) fn after_no_answer(
        &self,
        record: u64,
        error: Error,
        look: &mut dyn FnMut(&Effect) -> Result<Settled>,
    ) -> Result<Payload> {
        let Some(effect) = self.effect_at(record).filter(|e| e.state == State::InDoubt) else {
            return Err(error);
        };
        // what cannot come late is known by what was made of it here
        let late = self.shared().witness.get().map_or(Duration::ZERO, |w| w.late(&effect.intent));
        if late.is_zero() {
            return Err(error);
        }
        // without a look that can tell, there is nothing to wait for
        let may_tell =
            !self.cancel().is_cancelled() && matches!(look(&effect), Ok(Settled::Done(_) | Settled::NotDone));
        if !may_tell {
            return Err(error.help(self.looks_first()));
        }
        match self.settle(&effect, look) {
            Ok(Settled::Done(value)) => Ok(value.into()),
            Ok(Settled::NotDone) => {
                let what = format!("it did not take effect: {}", effect.intent.summary);
                Err(error
                    .cause(what)
                    .advise(format!("`{}` sends it again, once you approve it", again::resume(&self.id()))))
            }
            Ok(Settled::Again | Settled::Unknown) => Err(error.help(self.looks_first())),
            Err(e) if e.kind() == ErrorKind::Interrupted => Err(e),
            Err(e) => Err(error
                .cause(format!("and whether it took effect is not known: {e}"))
                .help(self.looks_first())),
        }
    }

    /// What is to be done about a change in doubt.
    fn looks_first(&self) -> String {
        format!("it may have taken effect, or may still: `{}` {IN_DOUBT}", again::resume(&self.id()))
    }

    /// What came of a change from before the cut. `NotDone`: it is to be sent.
    pub(super) fn what_came_of(
        &self,
        before: &Effect,
        look: &mut dyn FnMut(&Effect) -> Result<Settled>,
    ) -> Result<Settled> {
        let summary = &before.intent.summary;
        let took_place = before.state.is_done() || before.state == State::Broken;
        if took_place && before.may_be_gone() && look(before)? == Settled::NotDone {
            self.gone(before)?;
            self.note(&format!("made before the cut and not there any more: {summary}"))?;
            return Ok(Settled::NotDone);
        }
        // what may have been taken away since is stated anew, once its removal can arrive no more
        if took_place
            && let Some(removal) = self.removal_in_doubt(before)
            && look(before)? == Settled::Again
        {
            let late = self.shared().witness.get().map_or(Duration::ZERO, |w| w.late(&removal.intent));
            let left = removal.may_arrive_for(late, self.clock().now());
            if !left.is_zero() {
                self.look_until(&removal, left, &mut |_| Ok(Settled::Again))?;
            }
            self.note(&format!("stated anew, since its removal is in doubt: {summary}"))?;
            return Ok(Settled::NotDone);
        }
        match before.state {
            State::Done | State::Settled => Ok(Settled::Done(before.value.clone())),
            State::InDoubt => self.settle(before, look),
            State::Broken if before.may_be_gone() => {
                let why = before.error["what"].as_str().unwrap_or_default();
                let what = format!("made before the cut, and failed since: {summary}");
                Err(Error::new(ErrorKind::Conflict, what)
                    .cause(why)
                    .scope(&before.intent.handle)
                    .help(format!("remove it, then `{}`: the step makes it anew", again::resume(&self.id()))))
            }
            State::Broken => {
                let why = before.error["what"].as_str().unwrap_or_default();
                self.note(&format!("to be sent again, since it failed: {summary}: {why}"))?;
                Ok(Settled::NotDone)
            }
            _ => Ok(Settled::NotDone),
        }
    }

    /// Settles a change in doubt: found done, it is done at once; not found, it is looked for until no late request can
    /// arrive any more. Both are journaled.
    ///
    /// # Errors
    /// What keeps it from looking, or from waiting.
    pub fn settle(
        &self,
        effect: &Effect,
        look: &mut dyn FnMut(&Effect) -> Result<Settled>,
    ) -> Result<Settled> {
        let late = self.shared().witness.get().map_or(Duration::ZERO, |w| w.late(&effect.intent));
        let left = effect.may_arrive_for(late, self.clock().now());
        let summary = &effect.intent.summary;
        let seen = match look(effect) {
            Err(e) if !e.kind().is_transient() => {
                return Err(
                    e.context(format!("in doubt, and it cannot be seen whether it took effect: {summary}"))
                );
            }
            Ok(seen @ (Settled::Done(_) | Settled::Unknown)) => seen,
            Ok(seen) if left.is_zero() => seen,
            _ => self.look_until(effect, left, look)?,
        };
        match &seen {
            Settled::Done(value) => self.outcome_seen(effect, value.clone(), Value::Null)?,
            Settled::NotDone => {
                let what = format!(
                    "it did not take effect: not found {} after it was sent at the latest",
                    duration::show(late)
                );
                let error = Error::new(ErrorKind::Failed, what);
                self.outcome_seen(effect, Value::Null, serde_json::to_value(&error).unwrap_or_default())?;
            }
            Settled::Again | Settled::Unknown => {}
        }
        Ok(seen)
    }

    /// Looks again and again, until it is found or `left` has passed.
    fn look_until(
        &self,
        effect: &Effect,
        left: Duration,
        look: &mut dyn FnMut(&Effect) -> Result<Settled>,
    ) -> Result<Settled> {
        let (clock, began) = (self.clock().clone(), self.clock().elapsed());
        let waited = || clock.elapsed().saturating_sub(began);
        let spec = WaitSpec {
            title: format!("a late request may still arrive: {}", effect.intent.summary),
            every: EVERY,
            within: left + PATIENCE,
            warn_after: None,
            tolerate: vec![ErrorKind::Timeout.name().into(), ErrorKind::Protocol.name().into()],
        };
        let hooks = WaitHooks::<Settled, Error> {
            read: &mut || look(effect),
            done: &mut |seen| Ok(matches!(seen, Settled::Done(_) | Settled::Unknown) || waited() >= left),
            failed: &mut |_| Ok(false),
            show: &mut |seen| {
                Ok(match seen {
                    Settled::Done(_) => "it took effect",
                    Settled::NotDone => "no effect is seen",
                    Settled::Again => "to be sent again when none can arrive",
                    Settled::Unknown => "a look cannot tell",
                }
                .to_string())
            },
            cause: &mut || Ok(String::new()),
            rest: &mut |every| every.min(left.saturating_sub(waited())).max(Duration::from_millis(10)),
        };
        self.wait_anywhere(&effect.step, &spec, hooks)
    }

    /// Journals what a look found of a change.
    fn outcome_seen(&self, effect: &Effect, value: Value, error: Value) -> Result<()> {
        self.append(Record::Outcome { intent: effect.entry, value, error, settled: true }).map(drop)
    }

    /// Journals that a change in doubt was seen to have taken place. It is not sent again.
    pub fn seen_done(&self, effect: &Effect) -> Result<()> {
        self.outcome_seen(effect, Value::Null, Value::Null)
    }

    /// Journals that what a change was to bring about has failed since.
    pub fn seen_failed(&self, effect: &Effect, what: &str) -> Result<()> {
        let error = Error::new(ErrorKind::Failed, what);
        self.outcome_seen(effect, Value::Null, serde_json::to_value(&error).unwrap_or_default())
    }

    /// Journals that what a change had made is there no more.
    pub fn gone(&self, effect: &Effect) -> Result<()> {
        lock(&self.shared().met).insert(effect.entry);
        let error = Error::new(ErrorKind::NotFound, "what it made is not there any more");
        self.outcome_seen(effect, Value::Null, serde_json::to_value(&error).unwrap_or_default())
    }

    /// Settles an effect in doubt by what the journal holds of it. Where a look cannot tell it stays open.
    pub(super) fn settle_by_witness(&self, effect: &Effect) -> Result<Settled> {
        let Some(witness) = self.shared().witness.get() else { return Ok(Settled::Unknown) };
        let seen = self.settle(effect, &mut |effect| witness.look(effect))?;
        if seen == Settled::Unknown {
            let summary = &effect.intent.summary;
            self.note(&format!("in doubt since the cut, and a look cannot tell: {summary}"))?;
        }
        Ok(seen)
    }

    fn unsettled(&self, step: &str) -> Vec<Effect> {
        let effects = lock(&self.shared().effects);
        let mine = |e: &&Effect| e.step == step && e.state == State::InDoubt && !effects.is_moot(e);
        effects.before_the_cut().filter(mine).cloned().collect()
    }

    /// Settles what a step that has ended well had left in doubt before the cut, and did not come to again: by a look, else by
    /// what a person says.
    ///
    /// # Errors
    /// [`ErrorKind::NeedsApproval`]: no look can tell, and nobody says what became of it.
    pub(super) fn close_doubts(&self, frame: &Frame) -> Result<()> {
        for effect in self.unsettled(&frame.step) {
            if self.settle_by_witness(&effect)? != Settled::Unknown {
                continue;
            }
            let summary = &effect.intent.summary;
            match self.ask_whether_done(frame, &effect)? {
                Some(Answer::Done) => {}
                None | Some(Answer::Nobody) => {
                    let what = format!("nobody knows what became of this before the cut: {summary}");
                    return Err(Error::new(ErrorKind::NeedsApproval, what)
                        .scope(&effect.intent.handle)
                        .help(format!(
                            "look, then run it on a terminal, and say there whether it is done; or, where it is: --approve {}",
                            Grant::Done(frame.step.clone())
                        )));
                }
                Some(_) => {
                    self.note(&format!("the operator says that it took no effect: {summary}"))?;
                    let error = Error::new(ErrorKind::Failed, "it did not take effect: the operator says so");
                    let error = serde_json::to_value(&error).unwrap_or_default();
                    self.outcome_seen(&effect, Value::Null, error)?;
                }
            }
        }
        Ok(())
    }

    /// Says who looks at what is in doubt, and how long requests may be late.
    pub fn set_witness(&self, witness: Box<dyn Witness>) {
        let _ = self.shared().witness.set(witness);
    }

    /// Settles this very change, where the journal shows that it came next before a cut and is in doubt.
    ///
    /// # Errors
    /// As [`Run::settle`].
    pub fn settle_next(
        &self,
        intent: &Intent,
        look: &mut dyn FnMut(&Effect) -> Result<Settled>,
    ) -> Result<Option<Settled>> {
        let Some(frame) = frame() else { return Ok(None) };
        let before = self.before(&frame.step, &frame.peek_call(), intent);
        let open = before.filter(|e| e.digest == intent.digest() && e.state == State::InDoubt);
        open.map(|effect| self.settle(&effect, look)).transpose()
    }
}
