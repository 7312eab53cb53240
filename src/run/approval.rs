//! Who says yes to a change, and for how long the yes lasts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

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
    /// `--approve`: ids of steps, or of the things a change is aimed at.
    pub granted: BTreeSet<String>,
    steps: BTreeSet<String>,
    run: bool,
}

impl Approvals {
    /// What the command line approves: everything under a name, and steps or ids.
    pub fn of(all: Option<&str>, granted: impl IntoIterator<Item = String>) -> Self {
        let (all, granted) = (all.map(str::to_string), granted.into_iter().collect());
        Approvals { all, granted, ..Approvals::default() }
    }

    /// Who approved this change beforehand, if anybody did.
    pub fn known(&self, q: &Question<'_>) -> Option<String> {
        if let Some(by) = self.all.as_ref().filter(|_| !q.in_doubt) {
            return Some(by.clone());
        }
        let target = q.intent.target.split(['/', ' ', '?']).find(|part| self.granted.contains(*part));
        if let Some(id) = target {
            return Some(format!("--approve {id}"));
        }
        if q.intent.destroys || q.in_doubt {
            return None; // one by one, unless approved by id
        }
        if self.granted.contains(q.step) {
            return Some(format!("--approve {}", q.step));
        }
        (self.run || self.steps.contains(q.step)).then(|| "operator".to_string())
    }

    /// Asks where nothing is known, and remembers the answer. Returns who approved.
    pub fn decide(&mut self, q: &Question<'_>, approver: &dyn Approver) -> Result<String> {
        if let Some(by) = self.known(q) {
            approver.ask(q, Some(&by));
            return Ok(by);
        }
        let answer = approver.ask(q, None);
        match answer {
            Answer::Once => {}
            Answer::Step => {
                self.steps.insert(q.step.to_string());
            }
            Answer::Run => self.run = true,
            Answer::No => {
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

/// How a change that nobody can be asked about is approved beforehand.
fn beforehand(q: &Question<'_>) -> String {
    let ids = |part: &&str| part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let id = q.intent.target.split(['/', ' ', '?']).rfind(ids).unwrap_or("ID");
    if q.in_doubt {
        return format!(
            "it may have been sent before the cut: look, then run it on a terminal or name its target: --approve {id}"
        );
    }
    // a session's line is no step that could be named before it is typed
    if q.step.starts_with('[') {
        return format!("type it on a terminal, or begin the session with --approve {id}");
    }
    // a step's approval does not cover what destroys
    let what = if q.intent.destroys { id } else { q.step };
    format!("run it on a terminal, or approve it beforehand: --approve {what}, or --yes for all")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Undo;

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
            identity: String::new(),
            method: "DELETE".into(),
            target: "/servers/abc".into(),
            summary: "delete server abc".into(),
            body: serde_json::Value::Null,
            undo: Undo::Never,
            destroys,
        }
    }

    #[test]
    fn a_yes_for_the_run_does_not_cover_what_destroys() {
        let mut a = Approvals::default();
        let (mild, grave) = (intent(false), intent(true));
        let q = |intent| Question { step: "5.1", title: "", intent, in_doubt: false };
        assert!(a.decide(&q(&mild), &Says(Answer::Run)).is_ok());
        assert!(a.known(&q(&mild)).is_some());
        assert!(a.known(&q(&grave)).is_none());
        a.granted.insert("5.1".into());
        assert!(a.known(&q(&grave)).is_none(), "a step's approval does not cover it either");
        a.granted.insert("abc".into());
        assert_eq!(a.known(&q(&grave)).as_deref(), Some("--approve abc"));
    }

    #[test]
    fn nobody_there_is_not_a_no() {
        let i = intent(false);
        let q = Question { step: "1", title: "", intent: &i, in_doubt: false };
        let kind = |answer| Approvals::default().decide(&q, &Says(answer)).unwrap_err().kind();
        assert_eq!(kind(Answer::Nobody), ErrorKind::NeedsApproval);
        assert_eq!(kind(Answer::No), ErrorKind::Declined);
    }

    #[test]
    fn what_the_help_names_approves_the_change() {
        let id = "11111111-2222-4333-8444-555555555555";
        for (step, destroys, in_doubt, named) in [
            ("1", false, false, "1"),
            ("1", true, false, id),
            ("1", true, true, id),
            ("[3]", false, false, id),
        ] {
            let i = Intent { target: format!("compute /servers/{id}/action"), ..intent(destroys) };
            let q = Question { step, title: "", intent: &i, in_doubt };
            let e = Approvals::default().decide(&q, &Says(Answer::Nobody)).unwrap_err();
            let help = e.detail().help.clone().unwrap();
            assert!(help.contains(&format!("--approve {named}")), "{help}");
            assert!(Approvals::of(None, [named.to_string()]).known(&q).is_some(), "{help}");
        }
    }
}
