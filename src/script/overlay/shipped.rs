//! What the shipped layers have: every step and every function, with its text and its fingerprint.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::target::{Piece, Target};
use crate::base::Place;
use crate::base::permit::hex;
use crate::script::modules::SITE;
use crate::script::survey::lexer::{LexemeKind, Page};
use crate::script::survey::{Function, Survey};

/// A step or a function as the shipped layers have it.
#[derive(Clone, Debug, Serialize)]
pub struct Shipped {
    /// What it is.
    pub target: Target,
    /// A step's title, a function's signature.
    pub title: String,
    /// Its text.
    pub text: String,
    /// What tells it from another text of it; see [`fingerprint`].
    pub fingerprint: String,
    /// `embedded` or `installed`.
    pub layer: String,
    /// Where it stands.
    pub place: Place,
    /// Whether other texts cannot call it.
    pub private: bool,
}

/// What tells two texts apart that do other things: the SHA-256 of the text without its comments and its
/// blanks, in lower-case hexadecimal.
pub fn fingerprint(text: &str) -> String {
    let mut digest = Sha256::new();
    for word in words(text) {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    hex(&digest.finalize())
}

/// The words and signs of a text, without comments.
pub(super) fn words(text: &str) -> Vec<&str> {
    let page = Page::of(text);
    page.lexemes.iter().filter(|l| l.kind != LexemeKind::Comment).map(|l| page.str(l)).collect()
}

/// Everything that the shipped layers of the surveyed scripts have, in the order of scripts and texts.
pub fn all(survey: &Survey) -> Vec<Shipped> {
    let mut found = Vec::new();
    for source in 0..survey.sources.len() {
        let name = &survey.sources[source].name;
        if name.starts_with("shipped:") {
            continue; // it is there under its own name
        }
        found.extend(steps(survey, source));
        found.extend(functions(survey, source));
    }
    found
}

fn steps(survey: &Survey, source: usize) -> Vec<Shipped> {
    let runbook = &survey.sources[source].name;
    let shipped = |layer: usize| survey.layers[layer].text.layer != SITE;
    let steps = survey.outline(source).steps;
    let steps = steps.iter().filter(|s| s.id.literal && shipped(s.layer));
    steps
        .map(|step| {
            let text = survey.step_text(step);
            Shipped {
                target: Target::step(runbook, &step.id.text),
                title: step.title.text.clone(),
                text: text.to_string(),
                fingerprint: fingerprint(text),
                layer: survey.layers[step.layer].text.layer.clone(),
                place: survey.place(step.layer, step.at),
                private: false,
            }
        })
        .collect()
}

fn functions(survey: &Survey, source: usize) -> Vec<Shipped> {
    let name = &survey.sources[source].name;
    let mut found: Vec<Shipped> = Vec::new();
    // of an installed layer's and an embedded layer's function of one name, the installed one runs
    for (layer, l) in survey.layers_of(source).rev().filter(|(_, l)| l.text.layer != SITE) {
        for (body, function) in l.facts.functions() {
            let target = target_of(name, function);
            if found.iter().any(|other| other.target == target) {
                continue;
            }
            let text = survey.function_text((layer, body));
            found.push(Shipped {
                target,
                title: function.signature(),
                text: text.to_string(),
                fingerprint: fingerprint(text),
                layer: l.text.layer.clone(),
                place: survey.place(layer, survey.function_at((layer, body))),
                private: function.private,
            });
        }
    }
    found
}

/// A function of a script as a target.
pub(super) fn target_of(script: &str, function: &Function) -> Target {
    Target::function(script, &function.name, function.params.len())
}

/// The shipped piece that was probably meant by one that is gone: of the same kind and script, the one most
/// like what it was; or, where nobody knows what it was, one of a name like it.
pub(super) fn likely<'s>(gone: &Target, was: Option<&str>, shipped: &'s [Shipped]) -> Option<&'s Shipped> {
    let same_kind = |s: &&Shipped| {
        let kind = matches!((&gone.piece, &s.target.piece), (Piece::Step(_), Piece::Step(_)))
            || matches!((&gone.piece, &s.target.piece), (Piece::Function(..), Piece::Function(..)));
        kind && s.target.script == gone.script && s.target != *gone
    };
    let candidates: Vec<&Shipped> = shipped.iter().filter(same_kind).collect();
    let alike = was.and_then(|was| {
        let scored = candidates.iter().map(|s| (likeness(was, &s.text), *s));
        scored.filter(|(score, _)| *score > 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, s)| s)
    });
    alike.or_else(|| {
        let names = candidates.iter().map(|s| s.target.name());
        let near = crate::base::error::nearest(gone.name(), names)?;
        candidates.iter().find(|s| s.target.name() == near).copied()
    })
}

/// How much of their words two texts share: 0 for none, 1 for all.
fn likeness(a: &str, b: &str) -> f64 {
    let (mut a, mut b) = (words(a), words(b));
    a.sort_unstable();
    b.sort_unstable();
    let (mut i, mut j, mut shared) = (0, 0, 0usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    2.0 * shared as f64 / (a.len() + b.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blanks_change_no_fingerprint_and_code_does() {
        let a = fingerprint("fn f(x) {\n    // why\n    x + 1\n}");
        assert_eq!(a, fingerprint("/// what\nfn f(x) { x + 1 }"));
        assert_ne!(a, fingerprint("fn f(x) { x + 2 }"));
        assert_ne!(fingerprint("\"a b\""), fingerprint("\"ab\""));
        assert_ne!(fingerprint("ab"), fingerprint("a b"));
    }

    #[test]
    fn likeness_is_of_words_and_not_of_their_order() {
        assert_eq!(likeness("a b c", "c b a"), 1.0);
        assert_eq!(likeness("a b", "c d"), 0.0);
        assert_eq!(likeness("", ""), 0.0);
        assert!(likeness("gate(\"x\", a == b)", "gate(\"y\", a == b)") > 0.8);
    }
}
