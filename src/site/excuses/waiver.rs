//! `waivers.toml`: gates that a site lets pass for a while, each with a reason and an owner.

use jiff::civil::Date;

use super::pattern;
use crate::base::Result;
use crate::site::document::{Node, Spot};

/// A gate that a site lets pass for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The claim of the gate; `*` stands for anything.
    pub gate: String,
    /// The only runbook it covers.
    pub runbook: Option<String>,
    /// The only step it covers.
    pub step: Option<String>,
    /// Why it may fail.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it holds.
    pub expires: Date,
    /// Where it is written.
    pub spot: Spot,
}

impl Waiver {
    /// Reads a `waivers.toml`; `file` is its name in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Site`](crate::base::ErrorKind::Site) with the place of what is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Waiver>> {
        let root = Node::from_toml(file, text)?;
        let items = root.fields(&["waivers"])?.get("waivers").map_or(Ok(&[][..]), Node::items)?;
        items.iter().map(Waiver::read).collect()
    }

    fn read(node: &Node) -> Result<Waiver> {
        let f = node.fields(&["gate", "runbook", "step", "reason", "owner", "expires"])?;
        let gate = f.need("gate", "\"the claim that may fail\"")?;
        if gate.text()?.chars().all(|c| c == '*') {
            let error = gate.spot.error(format!("`{}` would waive every gate", gate.path));
            return Err(error.help("name the claim; `*` stands for a part of it"));
        }
        Ok(Waiver {
            gate: gate.text()?.to_string(),
            runbook: f.owned("runbook")?,
            step: f.owned("step")?,
            reason: f.need("reason", "\"why it may fail\"")?.prose()?.to_string(),
            owner: f.need("owner", "\"who answers for it\"")?.text()?.to_string(),
            expires: date(f.need("expires", "2026-12-31")?)?,
            spot: node.spot.clone(),
        })
    }

    pub(super) fn covers(&self, runbook: &str, step: &str, claim: &str) -> bool {
        self.runbook.as_ref().is_none_or(|r| r == runbook)
            && self.step.as_ref().is_none_or(|s| s == step)
            && pattern::matches(&self.gate, claim)
    }
}

/// A day, as TOML writes dates or as a text.
pub(super) fn date(node: &Node) -> Result<Date> {
    node.text()?.parse().map_err(|_| {
        node.spot
            .error(format!("`{}` is not a day", node.path))
            .help("write year-month-day, such as 2026-12-31")
    })
}
