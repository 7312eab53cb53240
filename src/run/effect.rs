//! Effects: the one way from a mutation to the system that carries it out.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::approval::{Answer, Question};
use super::effect_state::{Effect, State};
use super::frame::{Frame, frame, meet_error};
use super::met::Ending;
use super::record::{Record, StepKind};
use super::state::{Mode, Run, lock};
use super::step::Unwind;
use super::wait::{WaitHooks, WaitSpec};
use crate::base::secret::reread;
use crate::base::{Error, ErrorKind, Intent, Ledger, Mutation, Payload, Permit, Result, again, duration};

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
                    "look at both, then go on with what it does now: {}",
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
                    said = self.ask_whether_done(&frame, &intent);
                    if said == Some(Answer::Done) {
                        self.note(&format!("the operator says that it took effect: {}", intent.summary))?;
                        self.seen_done(&before)?;
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

    /// Asks a person of a change in doubt that no look can settle, unless it may be sent again anyway.
    fn ask_whether_done(&self, frame: &Frame, intent: &Intent) -> Option<Answer> {
        let shared = self.shared();
        let question = Question { step: &frame.step, title: &frame.title, intent, in_doubt: true };
        let approvals = lock(&shared.approvals);
        let asks = frame.hold().open().is_ok() && approvals.known(&question).is_none();
        asks.then(|| shared.approver.ask(&question, None))
    }

    /// What was to undo a change before the cut, and may have.
    fn removal_in_doubt(&self, of: &Effect) -> Option<Effect> {
        let effects = lock(&self.shared().effects);
        let mut open = effects.before_the_cut().filter(|e| e.state == State::InDoubt && e.step == of.step);
        open.find(|e| e.undoes(of)).cloned()
    }

    /// An error of a change that was sent. Where it leaves doubt and a look can tell, it is settled now.
    fn after_no_answer(
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

    /// What came of a change from before the cut. `NotDone`: it is to be sent.
    fn what_came_of(
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
    fn settle_by_witness(&self, effect: &Effect) -> Result<Settled> {
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
            match self.ask_whether_done(frame, &effect.intent) {
                Some(Answer::Done) => {
                    self.note(&format!("the operator says that it took effect: {summary}"))?;
                    self.seen_done(&effect)?;
                }
                None | Some(Answer::Nobody) => {
                    let what = format!("nobody knows what became of this before the cut: {summary}");
                    return Err(Error::new(ErrorKind::NeedsApproval, what)
                        .scope(&effect.intent.handle)
                        .help("look, then run it on a terminal, and say there whether it is done"));
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

    /// An effect as it stands, by the entry of its intent.
    fn effect_at(&self, entry: u64) -> Option<Effect> {
        lock(&self.shared().effects).at(entry).cloned()
    }

    /// All effects of the run as they stand, those of before a cut included.
    pub fn effects(&self) -> Vec<Effect> {
        lock(&self.shared().effects).all().cloned().collect()
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
    fn before(&self, step: &str, call: &str, intent: &Intent) -> Option<Effect> {
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

/// What to do about a change that nobody can settle now.
const IN_DOUBT: &str = "looks for it first, and asks where a look cannot tell";

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
