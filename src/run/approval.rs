//! Who says yes to a change, and for how long the yes lasts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::grant::Grant;
use crate::base::{Error, ErrorKind, Intent, Result};

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The step's id.
    pub step: &'a str,
    /// The step's title.
    pub title: &'a str,
    /// What would be sent.
    pub intent: &'a Intent,
    /// It may have been sent already, before a cut, and a look cannot tell.
    pub in_doubt: bool,
}

/// What the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// This call.
    Once,
    /// This call and the step's others that destroy nothing.
    Step,
    /// This call and all others that destroy nothing.
    Run,
    /// It took effect before the cut: it is done, and not sent again. Only of what is in doubt.
    Done,
    /// Do not send it.
    No,
    /// There is nobody to ask.
    Nobody,
}

/// Somebody who can be asked.
pub trait Approver: Send + Sync {
    /// Shows the change and asks. The change is shown even where the answer is known
    /// (`known`), so that what happens is always seen.
    fn ask(&self, question: &Question<'_>, known: Option<&str>) -> Answer;

    /// Asks the operator to sign a claim off by name. `None`: not signed, or nobody there.
    fn attest(&self, claim: &str) -> Option<String>;
}

/// What is approved so far: from the command line, then by the operator's answers.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    /// `--yes` and rehearsals: everything, under this name.
    pub all: Option<String>,
    /// `--approve`: steps, what destroys in them, and things.
    pub granted: BTreeSet<Grant>,
    steps: BTreeSet<String>,
    run: bool,
}

impl Approvals {
    /// What the command line approves: everything under a name, and what is named.
    pub fn of(all: Option<&str>, granted: impl IntoIterator<Item = Grant>) -> Self {
        let (all, granted) = (all.map(str::to_string), granted.into_iter().collect());
        Approvals { all, granted, ..Approvals::default() }
    }

    /// Who approved this change beforehand, if anybody did.
    pub fn known(&self, q: &Question<'_>) -> Option<String> {
        if let Some(by) = self.all.as_ref().filter(|_| !q.in_doubt) {
            return Some(by.clone());
        }
        let granted = |grant: Grant| self.granted.contains(&grant).then(|| format!("--approve {grant}"));
        if let Some(by) = q.intent.ids.iter().find_map(|id| granted(Grant::Id(id.clone()))) {
            return Some(by);
        }
        if q.in_doubt {
            return granted(Grant::Again(q.step.to_string())); // no approval from before the cut covers it
        }
        if q.intent.destroys {
            return granted(Grant::Destroys(q.step.to_string()));
        }
        let by = granted(Grant::Step(q.step.to_string()));
        by.or_else(|| (self.run || self.steps.contains(q.step)).then(|| "operator".to_string()))
    }

    /// The form that says beforehand that a change in doubt took effect, if one does.
    pub fn said_done(&self, q: &Question<'_>) -> Option<String> {
        let done = Grant::Done(q.step.to_string());
        (q.in_doubt && self.granted.contains(&done)).then(|| format!("--approve {done}"))
    }

    /// The steps of which it is said that what is in doubt took effect.
    pub fn steps_said_done(&self) -> impl Iterator<Item = &str> {
        self.granted.iter().filter_map(|grant| match grant {
            Grant::Done(step) => Some(step.as_str()),
            _ => None,
        })
    }

    /// Asks where nothing is known and nothing was `said` yet, and remembers the answer. Returns who approved.
    pub fn decide(
        &mut self,
        q: &Question<'_>,
        said: Option<Answer>,
        approver: &dyn Approver,
    ) -> Result<String> {
        if let Some(by) = self.known(q) {
            approver.ask(q, Some(&by));
            return Ok(by);
        }
        let answer = said.unwrap_or_else(|| approver.ask(q, None));
        match answer {
            Answer::Once => {}
            Answer::Step => {
                self.steps.insert(q.step.to_string());
            }
            Answer::Run => self.run = true,
            Answer::No | Answer::Done => {
                return Err(Error::new(ErrorKind::Declined, format!("declined: {}", q.intent.summary))
                    .scope(&q.intent.handle));
            }
            Answer::Nobody => {
                return Err(Error::new(
                    ErrorKind::NeedsApproval,
                    format!("step {} needs an approval: {}", q.step, q.intent.summary),
                )
                .scope(&q.intent.handle)
                .help(beforehand(q)));
            }
        }
        Ok("operator".into())
    }
}

/// The form that approves this change and as little else as can be said.
pub fn narrowest(step: &str, intent: &Intent, in_doubt: bool) -> Grant {
    match intent.ids.first() {
        Some(id) if in_doubt || intent.destroys => Grant::Id(id.clone()),
        _ if in_doubt => Grant::Again(step.to_string()),
        _ => of_step(step, intent),
    }
}

/// The form that approves it with the others of its kind in the step.
fn of_step(step: &str, intent: &Intent) -> Grant {
    match intent.destroys {
        true => Grant::Destroys(step.to_string()),
        false => Grant::Step(step.to_string()),
    }
}

/// How a change that nobody can be asked about is approved beforehand: by what [`Approvals::known`] takes.
fn beforehand(q: &Question<'_>) -> String {
    let id = q.intent.ids.first().map(|id| format!("--approve {}", Grant::Id(id.clone())));
    if q.in_doubt {
        let look = "it may have been sent before the cut: look, then run it on a terminal, and say there whether it is done";
        let form = narrowest(q.step, q.intent, true);
        let done = Grant::Done(q.step.to_string());
        return format!(
            "{look}, or say that it is done: --approve {done}, or approve that it is sent again: --approve {form}"
        );
    }
    // a session's line is no step that could be named before it is typed
    if q.step.starts_with('[') {
        let typed = "type it on a terminal";
        return id.map_or_else(|| typed.to_string(), |id| format!("{typed}, or begin the session with {id}"));
    }
    let step = of_step(q.step, q.intent);
    // of what destroys one is safer than all of the step
    let one = id.filter(|_| q.intent.destroys).map(|id| format!("{id} (this one), ")).unwrap_or_default();
    format!("run it on a terminal, or approve it beforehand: {one}--approve {step}, or --yes for all")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Undo;

    const ID: &str = "11111111-2222-4333-8444-555555555555";

    struct Says(Answer);
    impl Approver for Says {
        fn ask(&self, _: &Question<'_>, _: Option<&str>) -> Answer {
            self.0
        }
        fn attest(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn intent(destroys: bool) -> Intent {
        Intent {
            system: "openstack".into(),
            handle: "admin".into(),
            method: "DELETE".into(),
            target: format!("compute /servers/{ID}"),
            ids: vec![ID.into()],
            summary: format!("delete server {ID}"),
            undo: Undo::Never,
            destroys,
            ..Intent::default()
        }
    }

    #[test]
    fn a_yes_for_the_run_does_not_cover_what_destroys() {
        let mut a = Approvals::default();
        let (mild, grave) = (intent(false), intent(true));
        let q = |intent| Question { step: "5.1", title: "", intent, in_doubt: false };
        assert!(a.decide(&q(&mild), None, &Says(Answer::Run)).is_ok());
        assert!(a.known(&q(&mild)).is_some());
        assert!(a.known(&q(&grave)).is_none());
        a.granted.insert(Grant::Step("5.1".into()));
        assert!(a.known(&q(&grave)).is_none(), "a step's approval does not cover it either");
        a.granted.insert(Grant::Destroys("5.2".into()));
        assert!(a.known(&q(&grave)).is_none(), "nor does another step's");
        a.granted.insert(Grant::Destroys("5.1".into()));
        assert_eq!(a.known(&q(&grave)).as_deref(), Some("--approve step:5.1:destroys"));
        a.granted.insert(Grant::Id(ID.into()));
        assert_eq!(a.known(&q(&grave)).as_deref(), Some(format!("--approve id:{ID}").as_str()));
    }

    #[test]
    fn an_id_is_what_a_change_is_aimed_at_and_never_a_word_of_it() {
        let other = "22222222-2222-4333-8444-555555555555";
        let command = Intent {
            system: "ssh".into(),
            method: "run".into(),
            target: format!("virsh undefine {ID}"),
            summary: format!("run `virsh undefine {ID}`"),
            destroys: true,
            ..Intent::default()
        };
        let within = Intent {
            target: format!("network /networks/{ID}/x/{other}"),
            ids: vec![other.into()],
            ..intent(true)
        };
        for i in [command, within] {
            let q = Question { step: "1", title: "", intent: &i, in_doubt: false };
            assert!(Approvals::of(None, [Grant::Id(ID.into())]).known(&q).is_none(), "{}", i.target);
        }
    }

    #[test]
    fn nobody_there_is_not_a_no() {
        let i = intent(false);
        let q = Question { step: "1", title: "", intent: &i, in_doubt: false };
        let kind = |answer| Approvals::default().decide(&q, None, &Says(answer)).unwrap_err().kind();
        assert_eq!(kind(Answer::Nobody), ErrorKind::NeedsApproval);
        assert_eq!(kind(Answer::No), ErrorKind::Declined);
    }

    #[test]
    fn what_the_help_names_approves_the_change() {
        for step in ["1", "5.1", "a b", "x:destroys", "[3]", "1,2"] {
            for (destroys, in_doubt, ids) in [
                (false, false, 1),
                (true, false, 1),
                (true, true, 1),
                (true, true, 0),
                (false, true, 0),
                (true, false, 0),
                (false, false, 0),
            ] {
                let i = Intent { ids: vec![ID.to_string(); ids], ..intent(destroys) };
                let q = Question { step, title: "", intent: &i, in_doubt };
                let e = Approvals::default().decide(&q, None, &Says(Answer::Nobody)).unwrap_err();
                let help = e.detail().help.clone().unwrap();
                let mut printed = help
                    .split("--approve ")
                    .skip(1)
                    .map(|rest| rest.split([' ', ',']).next().unwrap().parse::<Grant>().unwrap());
                let line = step.starts_with('[') && ids == 0;
                assert!(line || help.contains("--approve "), "{help}");
                let covers = |all: Approvals| all.known(&q).or_else(|| all.said_done(&q)).is_some();
                assert!(printed.all(|grant| covers(Approvals::of(None, [grant]))), "{help}");
            }
        }
    }

    #[test]
    fn a_change_in_doubt_is_approved_by_its_own_form_alone() {
        let i = Intent { ids: Vec::new(), ..intent(true) };
        let q = Question { step: "1", title: "", intent: &i, in_doubt: true };
        let e = Approvals::default().decide(&q, None, &Says(Answer::Nobody)).unwrap_err();
        assert!(e.detail().help.clone().unwrap().ends_with("--approve step:1:again"));
        let all = [Grant::Step("1".into()), Grant::Destroys("1".into())];
        assert!(Approvals::of(Some("--yes"), all).known(&q).is_none());
        assert!(Approvals::of(None, [Grant::Again("2".into())]).known(&q).is_none());
        assert!(Approvals::of(None, [Grant::Again("1".into())]).known(&q).is_some());
        let done = Approvals::of(None, [Grant::Done("1".into())]);
        assert_eq!(done.said_done(&q).as_deref(), Some("--approve step:1:done"));
        assert!(done.known(&q).is_none(), "it lets nothing be sent");
        let sure = Question { in_doubt: false, ..q };
        assert!(done.said_done(&sure).is_none() && done.known(&sure).is_none());
        assert!(Approvals::of(None, [Grant::Again("1".into())]).known(&sure).is_none());
    }
}
