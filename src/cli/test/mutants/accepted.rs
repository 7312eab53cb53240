//! The reviewed list: survivors that a person looked at, each with the reason why no test notices it.

use std::path::Path;

use super::catalogue::{Candidate, Catalogue};
use crate::base::{Error, ErrorKind, Result};
use crate::site::document::{Node, Spot};

/// The list's name where it lies beside the tests.
pub(super) const NAME: &str = "mutants.toml";

/// What an entry is written with.
const KEYS: &[&str] = &["script", "within", "before", "after", "reason"];

/// One entry.
pub(super) struct Accepted {
    script: String,
    within: Option<String>,
    before: String,
    after: Option<String>,
    pub(super) reason: String,
    spot: Spot,
}

/// Reads a list.
///
/// # Errors
/// [`ErrorKind::Site`] with file, line and column.
pub(super) fn read(path: &Path) -> Result<Vec<Accepted>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::new(ErrorKind::Site, format!("{name} cannot be read")).from_source(&e))?;
    let root = Node::from_toml(&name, &text)?;
    let Some(list) = root.fields(&["accepted"])?.get("accepted") else { return Ok(Vec::new()) };
    list.items()?.iter().map(entry).collect()
}

fn entry(node: &Node) -> Result<Accepted> {
    let fields = node.fields(KEYS)?;
    let before = fields.need("before", "'lb.status == \"ACTIVE\"'")?.prose()?;
    let after = fields.get("after").map(text).transpose()?;
    Ok(Accepted {
        script: fields.need("script", "\"std/octavia\"")?.text()?.to_string(),
        within: fields.owned("within")?,
        before: before.to_string(),
        after,
        reason: fields.need("reason", "\"why no test needs to notice it\"")?.prose()?.to_string(),
        spot: node.spot.clone(),
    })
}

/// A text that may be empty: what was taken out leaves nothing.
fn text(node: &Node) -> Result<String> {
    match &node.shape {
        crate::site::document::Shape::Text(text) => Ok(text.clone()),
        _ => Err(node.mismatch("a text")),
    }
}

impl Accepted {
    /// Whether it is about this mutant.
    pub(super) fn is_of(&self, catalogue: &Catalogue, candidate: &Candidate) -> bool {
        let mutant = &candidate.mutant;
        let same = |said: &Option<String>, is: &str| said.as_deref().is_none_or(|said| said == is);
        catalogue.targets[candidate.target].name == self.script
            && self.before == mutant.before
            && same(&self.after, &mutant.after)
            && same(&self.within, &mutant.within)
    }

    /// `file:line` of the entry.
    pub(super) fn place(&self) -> String {
        self.spot.to_string()
    }
}

/// Holds that each entry is about a mutant that there is.
///
/// # Errors
/// [`ErrorKind::Site`] at the first that is not.
pub(super) fn hold(list: &[Accepted], catalogue: &Catalogue) -> Result<()> {
    let lost = |entry: &&Accepted| !catalogue.candidates.iter().any(|c| entry.is_of(catalogue, c));
    match list.iter().find(lost) {
        None => Ok(()),
        Some(entry) => {
            let what = format!(
                "this entry matches no mutant of `{}`: what it accepted is there no more",
                entry.script
            );
            Err(entry
                .spot
                .error(what)
                .help("take it out, or copy `within`, `before` and `after` from the list of survivors"))
        }
    }
}
