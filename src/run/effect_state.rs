//! An effect is one state machine. Its state follows from the journal's records, here and nowhere else: a resume, the reports and
//! the audit of a journal go by it. `docs/journal.md` draws it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::record::{Entry, Record};
use crate::base::Intent;

/// Where an effect stands. An approved one is `InDoubt` from its intent on: whether it was sent only the process that was about to
/// send it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was not approved, and not sent.
    Refused,
    /// Nothing of it left this machine.
    Unsent,
    /// The journal stops before its outcome, or no answer came that proves anything.
    InDoubt,
    /// The service took it.
    Done,
    /// The service refused it: nothing was changed.
    Failed,
    /// It was in doubt, and a look found it done.
    Settled,
    /// It was in doubt, and a look found it not done when no late request could arrive any more.
    NotDone,
    /// It was done, and what it was to bring about failed later.
    Broken,
    /// It was done, and what it had made is gone.
    Undone,
    /// It was in doubt, and the resumed run sent it again.
    Repeated,
}

impl State {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            State::Refused | State::Unsent => "not sent",
            State::InDoubt => "in doubt",
            State::Done => "done",
            State::Failed => "failed",
            State::Settled => "found done by a look",
            State::NotDone => "found not done by a look",
            State::Broken => "taken, and failed later",
            State::Undone => "done, and undone later",
            State::Repeated => "sent again after a cut",
        }
    }

    /// Whether it took place, and nothing has undone it.
    pub fn is_done(self) -> bool {
        matches!(self, State::Done | State::Settled)
    }

    /// Whether a step that runs again must reckon with it: it was sent, or may have been.
    fn counts(self) -> bool {
        matches!(self, State::InDoubt | State::Done | State::Settled | State::Broken | State::Undone)
    }
}

/// A request without a file ends by itself within this time: ten seconds to connect, sixty to be answered.
const REQUEST: Duration = Duration::from_secs(70);

/// One effect.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Number of its intent's entry.
    pub entry: u64,
    /// The step.
    pub step: String,
    /// Its place in the step.
    pub call: String,
    /// When it was about to be sent, by the journal.
    pub at: Timestamp,
    /// What was to be sent.
    pub intent: Intent,
    /// Its digest.
    pub digest: String,
    /// Where it stands.
    pub state: State,
    /// What was answered, or found by a look.
    pub value: Value,
    /// The error that it ended with.
    pub error: Value,
    /// The intent that undid it, where this run did.
    pub undone_by: Option<u64>,
    /// The entry by which its state is known: of its intent, or of its last outcome.
    known: u64,
    /// Nothing of it was sent later than this.
    last_sent: Option<Timestamp>,
    /// How often the run had gone on by then.
    cuts: u64,
    /// It has an outcome.
    ended: bool,
    /// Another one stands at its place.
    superseded: bool,
}

impl Effect {
    /// The id of what it made, where it made one thing of a cloud.
    pub fn made(&self) -> Option<&str> {
        let creates = self.intent.system == "openstack" && self.intent.method == "POST";
        if !creates || !self.intent.ids.is_empty() {
            return None;
        }
        let fields = self.value.as_object()?;
        let inner = fields.values().next().filter(|_| fields.len() == 1).unwrap_or(&Value::Null);
        [&self.value, inner].into_iter().find_map(|of| of["id"].as_str().or_else(|| of["uuid"].as_str()))
    }

    /// Whether what it made may be gone by now, and can be looked for.
    pub fn may_be_gone(&self) -> bool {
        self.made().is_some() || self.intent.system == "kubernetes" && self.intent.method == "POST"
    }

    /// Whether it takes something away.
    pub fn removes(&self) -> bool {
        self.intent.method == "DELETE"
    }

    /// Whether it takes a finalizer from an object of Kubernetes: one that is being deleted goes with its last one.
    fn lets_go(&self) -> bool {
        let takes = |op: &Value| {
            op["op"] == "remove" && op["path"].as_str().is_some_and(|p| p.starts_with("/metadata/finalizers"))
        };
        let ops = self.intent.body.as_array();
        self.intent.system == "kubernetes" && ops.is_some_and(|ops| ops.iter().any(takes))
    }

    /// How long from now on a request of it may still arrive, where one may do so for `late` after it was sent. The
    /// time of day may have been set: the answer is never more than `late`.
    pub fn may_arrive_for(&self, late: Duration, now: Timestamp) -> Duration {
        let last = self.last_sent.unwrap_or(now);
        let since = now.duration_since(last).max(jiff::SignedDuration::ZERO);
        late.saturating_sub(since.unsigned_abs())
    }

    /// Whether it removed what another one had made or set.
    pub(super) fn undoes(&self, other: &Effect) -> bool {
        let path = |intent: &Intent| intent.target.split('?').next().unwrap_or_default().to_string();
        let (gone, made) = (path(&self.intent), path(&other.intent));
        let id = gone.rsplit('/').next().unwrap_or_default();
        let named = |value: &Value| !id.is_empty() && (value["id"] == id || value["uuid"] == id);
        let of_answer =
            || named(&other.value) || other.value.as_object().is_some_and(|o| o.values().any(named));
        self.entry > other.entry
            && self.removes()
            && !other.removes()
            && self.intent.system == other.intent.system
            && (gone == made && self.intent.handle == other.intent.handle || of_answer())
    }

    /// The last moment at which it can have been sent by a process that was cut off before `resumed`.
    fn cut(&mut self, resumed: Timestamp) {
        let by_itself = self.at.checked_add(REQUEST).unwrap_or(Timestamp::MAX);
        let streams = self.intent.body.get("file").is_some();
        let last = if streams { resumed } else { resumed.min(by_itself) };
        self.last_sent.get_or_insert(last.max(self.at));
    }
}

/// All effects of a run, in the order of their intents.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    all: Vec<Effect>,
    cuts: u64,
}

/// Whether nobody knows, after this error of a change, if the service acted. What never left this machine is certain.
fn leaves_doubt(error: &Value) -> bool {
    const DOUBTFUL: &[&str] = &["interrupted", "unreachable", "timeout", "transient", "protocol"];
    error["unsent"] != true && DOUBTFUL.contains(&error["kind"].as_str().unwrap_or_default())
}

impl Effects {
    /// The effects of a journal's entries. What no run writes is left out: [`audit`](super::audit) tells it.
    pub fn of(entries: &[Entry]) -> Self {
        let mut effects = Effects::default();
        for entry in entries {
            let _ = effects.take(entry);
        }
        effects
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What it says that no run writes after the records before it.
    pub fn take(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.record {
            Record::RunResume { .. } => {
                self.cuts += 1;
                for effect in self.all.iter_mut().filter(|e| e.state == State::InDoubt) {
                    effect.cut(entry.at);
                }
            }
            Record::Intent { step, call, digest, intent, .. } => {
                for before in self.all.iter_mut().filter(|e| e.step == *step && e.call == *call) {
                    // another change at its place says nothing of what is in doubt
                    if before.state == State::InDoubt && before.digest != *digest {
                        continue;
                    }
                    before.superseded = true;
                    if before.state == State::InDoubt {
                        before.state = State::Repeated;
                    }
                }
                self.begin(entry, (step, call, digest), intent, State::InDoubt);
            }
            Record::Refusal { step, intent, .. } => {
                self.begin(entry, (step, "", ""), intent, State::Refused);
            }
            Record::Outcome { intent, value, error, settled } => {
                return self.end(entry, *intent, value, error, *settled);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        entry: &Entry,
        (step, call, digest): (&str, &str, &str),
        intent: &Intent,
        state: State,
    ) {
        self.all.push(Effect {
            entry: entry.n,
            step: step.into(),
            call: call.into(),
            at: entry.at,
            intent: intent.clone(),
            digest: digest.into(),
            state,
            value: Value::Null,
            error: Value::Null,
            undone_by: None,
            known: entry.n,
            last_sent: None,
            cuts: self.cuts,
            ended: false,
            superseded: false,
        });
    }

    fn end(
        &mut self,
        entry: &Entry,
        intent: u64,
        value: &Value,
        error: &Value,
        settled: bool,
    ) -> Result<(), String> {
        let (cuts, at) = (self.cuts, entry.at);
        let Some(effect) = self.all.iter_mut().find(|e| e.entry == intent && e.state != State::Refused)
        else {
            return Err(format!("it is the outcome of line {intent}, which is no intent"));
        };
        let open = effect.state == State::InDoubt;
        effect.state = match (settled, error.is_null()) {
            (false, _) if effect.ended => return Err(format!("line {intent} has two outcomes")),
            (false, _) if effect.cuts != cuts => {
                return Err(format!("line {intent} is answered after a cut"));
            }
            (true, _) if open && !effect.ended && effect.cuts == cuts => {
                return Err(format!(
                    "line {intent} is settled by a look after a cut or a lost answer, and there was none"
                ));
            }
            (false, true) => State::Done,
            (false, false) if leaves_doubt(error) => State::InDoubt,
            (false, false) if error["unsent"] == true => State::Unsent,
            (false, false) => State::Failed,
            (true, true) if open => State::Settled,
            (true, false) if open => State::NotDone,
            // what a later look finds of one that was done
            (true, false)
                if (effect.state.is_done() || effect.state == State::Broken)
                    && error["kind"] == "not-found" =>
            {
                State::Undone
            }
            (true, false) if effect.state.is_done() => State::Broken,
            (true, _) => return Err(format!("line {intent} has two outcomes")),
        };
        (effect.ended, effect.known) = (true, entry.n);
        if effect.state == State::InDoubt {
            effect.last_sent = Some(at.max(effect.at));
        }
        if error.is_null() {
            (effect.value, effect.error) = (value.clone(), Value::Null);
        } else {
            effect.error = error.clone();
        }
        if effect.state.is_done() && effect.removes() {
            let gone = effect.clone();
            for made in self.all.iter_mut().filter(|made| made.state.is_done() && gone.undoes(made)) {
                (made.state, made.undone_by) = (State::Undone, Some(gone.entry));
            }
        }
        Ok(())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Effect> {
        self.all.iter()
    }

    /// The one whose intent is this entry.
    pub fn at(&self, entry: u64) -> Option<&Effect> {
        self.all.iter().find(|effect| effect.entry == entry)
    }

    /// Those that a step which runs again must reckon with: of before the last cut, each place's last one.
    pub fn before_the_cut(&self) -> impl Iterator<Item = &Effect> {
        self.all.iter().filter(|e| e.cuts < self.cuts && !e.superseded && e.state.counts())
    }

    /// What is in doubt at this moment, by its step, in a sentence each.
    pub(super) fn in_doubt(&self) -> Vec<(&str, &str)> {
        let open = self.so_far().filter(|e| e.state == State::InDoubt && !self.is_moot(e));
        open.map(|e| (e.step.as_str(), e.intent.summary.as_str())).collect()
    }

    /// Whether it was asked of a thing that this run had made and that is gone: it has no effect any more.
    pub(super) fn is_moot(&self, effect: &Effect) -> bool {
        let gone = self.all.iter().filter(|e| e.state == State::Undone).filter_map(Effect::made);
        gone.into_iter().any(|id| effect.intent.target.contains(id))
    }

    /// The same, of a journal that has not gone on yet.
    pub(super) fn so_far(&self) -> impl Iterator<Item = &Effect> {
        self.all.iter().filter(|e| !e.superseded && e.state.counts())
    }

    /// A step that had finished runs anew, from this entry on: what it did before is not what it does now. What is in doubt
    /// stays so.
    pub(super) fn anew(&mut self, step: &str, from: u64) {
        let done = |e: &&mut Effect| e.step == step && e.entry < from && e.state != State::InDoubt;
        self.all.iter_mut().filter(done).for_each(|e| e.superseded = true);
    }

    /// The steps whose work is not there any more, though they finished: what they made has failed for good, or was removed by
    /// others than this run.
    pub fn reopens(&self, step: &str) -> bool {
        let lost = |e: &Effect| match e.state {
            State::Broken => e.made().is_some(),
            State::Undone => e.undone_by.is_none(),
            _ => false,
        };
        let again = |e: &Effect| {
            self.all.iter().any(|l| l.entry > e.entry && l.step == e.step && l.digest == e.digest)
        };
        self.all.iter().any(|e| e.step == step && !e.superseded && lost(e) && !again(e))
    }

    /// What another step has removed since an entry: what was seen before cannot be seen again. One that was in doubt may
    /// have taken effect at any time until that was known.
    pub fn removed_since(&self, step: &str, entry: u64) -> Option<&Effect> {
        let mut makers: HashMap<u64, &str> = HashMap::new();
        for made in self.all.iter().filter(|e| e.undone_by.is_some()) {
            makers.insert(made.undone_by.unwrap_or_default(), &made.step);
        }
        // what a step takes away of its own was not there for others
        let own = |e: &Effect| makers.get(&e.entry).is_some_and(|maker| *maker == e.step);
        let takes = |e: &Effect| e.removes() || e.lets_go();
        let gone =
            |e: &&Effect| e.known > entry && e.step != step && takes(e) && e.state.is_done() && !own(e);
        self.all.iter().find(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + second).unwrap()
    }

    /// The effects of these records, a second apart.
    fn of(records: Vec<Record>) -> (Effects, Vec<String>) {
        let (mut effects, mut faults) = (Effects::default(), Vec::new());
        for (n, record) in records.into_iter().enumerate() {
            let entry = Entry { n: n as u64 + 1, at: at(n as i64), prev: String::new(), record };
            faults.extend(effects.take(&entry).err());
        }
        (effects, faults)
    }

    fn intent(method: &str, target: &str) -> Record {
        let intent = Intent {
            system: "openstack".into(),
            handle: "h".into(),
            method: method.into(),
            target: target.into(),
            ..Intent::default()
        };
        let (step, call) = ("1".to_string(), "1".to_string());
        Record::Intent { step, call, digest: intent.digest(), approved: "x".into(), intent }
    }

    fn outcome(value: Value, error: Value, settled: bool) -> Record {
        Record::Outcome { intent: 1, value, error, settled }
    }

    fn resume() -> Record {
        Record::RunResume { version: "1".into(), by: "x".into(), pid: 1, with: Default::default() }
    }

    #[test]
    fn every_state_follows_from_the_records() {
        let create = || intent("POST", "network /networks");
        let answer = || outcome(json!({"network": {"id": "n1"}}), Value::Null, false);
        let error = |kind: &str| outcome(Value::Null, json!({"kind": kind}), false);
        let found = |error: Value| outcome(json!({"id": "n1"}), error, true);
        for (records, state) in [
            (vec![create()], State::InDoubt),
            (vec![create(), answer()], State::Done),
            (vec![create(), error("conflict")], State::Failed),
            (vec![create(), error("protocol")], State::InDoubt),
            (
                vec![create(), outcome(Value::Null, json!({"kind": "unreachable", "unsent": true}), false)],
                State::Unsent,
            ),
            (vec![create(), error("timeout"), found(Value::Null)], State::Settled),
            (vec![create(), resume(), found(Value::Null)], State::Settled),
            (vec![create(), resume(), found(json!({"kind": "failed"}))], State::NotDone),
            (vec![create(), answer(), resume(), found(json!({"kind": "failed"}))], State::Broken),
            (vec![create(), answer(), resume(), found(json!({"kind": "not-found"}))], State::Undone),
            (
                vec![
                    create(),
                    answer(),
                    resume(),
                    found(json!({"kind": "failed"})),
                    found(json!({"kind": "not-found"})),
                ],
                State::Undone,
            ),
            (vec![create(), resume(), create()], State::Repeated),
        ] {
            let (effects, faults) = of(records.clone());
            assert_eq!((effects.at(1).unwrap().state, &faults), (state, &vec![]), "{records:?}");
        }
        for records in [
            vec![create(), answer(), answer()],
            vec![create(), found(Value::Null)],
            vec![create(), resume(), answer()],
            vec![create(), error("conflict"), resume(), found(Value::Null)],
            vec![resume(), answer()],
        ] {
            assert_eq!(of(records.clone()).1.len(), 1, "{records:?}");
        }
    }

    #[test]
    fn a_deletion_undoes_what_was_made_whichever_handle_sent_it() {
        let mut delete = intent("DELETE", "network /networks/n1");
        if let Record::Intent { step, intent, .. } = &mut delete {
            (*step, intent.handle) = ("2".into(), "admin".into());
        }
        let made = outcome(json!({"network": {"id": "n1"}}), Value::Null, false);
        let gone = Record::Outcome { intent: 3, value: Value::Null, error: Value::Null, settled: false };
        let (effects, faults) = of(vec![intent("POST", "network /networks"), made, delete, gone]);
        assert!(faults.is_empty());
        assert_eq!(
            (effects.at(1).unwrap().state, effects.at(1).unwrap().undone_by),
            (State::Undone, Some(3))
        );
        assert!(!effects.reopens("1"), "this run removed it itself");
        assert!(effects.removed_since("0", 0).is_some() && effects.removed_since("2", 0).is_none());
    }

    #[test]
    fn an_object_goes_with_its_last_finalizer() {
        let taken = |op: &str| {
            let mut patch = intent("PATCH", "/apis/x/openstackclusters/c");
            if let Record::Intent { intent, .. } = &mut patch {
                intent.system = "kubernetes".into();
                intent.body = json!([{"op": "test", "path": "/metadata/uid", "value": "u"}, {"op": op, "path": "/metadata/finalizers/0"}]);
            }
            let (effects, _) = of(vec![patch, outcome(json!({}), Value::Null, false)]);
            effects.removed_since("0", 0).is_some()
        };
        assert!(taken("remove") && !taken("add"));
    }

    #[test]
    fn a_late_request_is_reckoned_with_for_a_bounded_time() {
        let late = Duration::from_secs(180);
        let (effects, _) = of(vec![intent("POST", "network /networks"), resume()]);
        let effect = effects.at(1).unwrap();
        // from the resume on: until then the process may have lived
        assert_eq!(effect.may_arrive_for(late, at(1)), late);
        assert_eq!(effect.may_arrive_for(late, at(61)), Duration::from_secs(120));
        assert_eq!(effect.may_arrive_for(late, at(1000)), Duration::ZERO);
        // the clock was set back
        assert_eq!(effect.may_arrive_for(late, at(-9000)), late);
        // resumed a day later: the request ended by itself long before
        let mut effect = effect.clone();
        effect.last_sent = None;
        effect.cut(at(86_400));
        assert_eq!(effect.may_arrive_for(late, at(86_400)), Duration::ZERO);
        // a stream has no such end
        effect.intent.body = json!({"file": "/srv/x", "size": 1});
        effect.last_sent = None;
        effect.cut(at(86_400));
        assert_eq!(effect.may_arrive_for(late, at(86_400)), late);
    }
}
