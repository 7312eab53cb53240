//! What of the shipped scripts a site may rely on: `stdlib/stable.toml`, a list that people wrote. What is not in
//! it may change without notice; what is to go is deprecated first.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::target::{Piece, Target};
use crate::base::{Error, ErrorKind, Place, Result};
use crate::script::modules::SITE;
use crate::script::survey::Survey;
use crate::site::Layers;
use crate::site::document::{Entry, Node};

const FILE: &str = "stdlib/stable.toml";

/// The declared surface.
#[derive(Clone, Debug, Default)]
pub struct Surface {
    /// What holds from one release to the next.
    pub stable: BTreeSet<Target>,
    /// What is to go, or is gone.
    pub deprecated: BTreeMap<Target, Deprecation>,
}

/// Why something is to go, and what to use instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deprecation {
    /// The release that first said so.
    pub since: String,
    /// What does its work now.
    pub instead: Option<Target>,
    /// Why.
    pub reason: String,
}

impl Surface {
    /// The surface that the shipped layers declare.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] with the place of what is wrong.
    pub fn of(layers: &Layers) -> Result<Surface> {
        let file = layers
            .shipped_file(FILE)?
            .ok_or_else(|| Error::new(ErrorKind::Internal, format!("{FILE} is in no layer")))?;
        Surface::parse(&file.title, &file.text)
    }

    fn parse(file: &str, text: &str) -> Result<Surface> {
        let root = Node::from_toml(file, text)?;
        let f = root.fields(&["steps", "functions", "deprecated"])?;
        let mut surface = Surface::default();
        for entry in f.get("steps").map_or(Ok(&[][..]), Node::entries)? {
            surface.stable.extend(entry.node.texts()?.iter().map(|id| Target::step(&entry.key, id)));
        }
        for entry in f.get("functions").map_or(Ok(&[][..]), Node::entries)? {
            surface.functions(entry)?;
        }
        for item in f.get("deprecated").map_or(Ok(&[][..]), Node::items)? {
            surface.deprecate(item)?;
        }
        Ok(surface)
    }

    fn functions(&mut self, entry: &Entry) -> Result<()> {
        for node in entry.node.items()? {
            let target = Target::parse_function(&entry.key, node.text()?)
                .ok_or_else(|| node.spot.error("this is no function").help("write \"failover/2\""))?;
            self.stable.insert(target);
        }
        Ok(())
    }

    fn deprecate(&mut self, item: &Node) -> Result<()> {
        let f = item.fields(&["step", "function", "since", "instead", "reason"])?;
        let help = "write step = \"restart 5.2\" or function = \"std/octavia failover/2\"";
        let (kind, node) = f.either(["step", "function"], help)?;
        let read = |node: &Node| -> Result<Target> {
            let text = node.text()?;
            let parts = text.split_once(' ');
            let target = parts.and_then(|(script, piece)| match kind {
                0 => Some(Target::step(script, piece)),
                _ => Target::parse_function(script, piece),
            });
            target.ok_or_else(|| node.spot.error(format!("`{}` names nothing", node.path)).help(help))
        };
        let target = read(node)?;
        let deprecation = Deprecation {
            since: f.need("since", "\"0.2.0\"")?.text()?.to_string(),
            instead: f.get("instead").map(read).transpose()?,
            reason: f.need("reason", "\"why it is to go\"")?.text()?.to_string(),
        };
        if self.stable.contains(&target) {
            let e = item.spot.error(format!("`{target}` is deprecated and declared stable"));
            return Err(e.help("take it out of the list above"));
        }
        self.deprecated.insert(target, deprecation);
        Ok(())
    }
}

/// What the site's own scripts call of the shipped modules, each once, with its first place.
pub fn calls(survey: &Survey) -> BTreeMap<Target, Place> {
    let mut found = BTreeMap::new();
    for (layer, l) in survey.layers.iter().enumerate().filter(|(_, l)| l.text.layer == SITE) {
        for call in l.facts.calls.iter().filter(|call| !call.path.is_empty()) {
            let Some(source) = survey.module_at(layer, &call.path) else { continue };
            let it = &survey.sources[source];
            let shipped = it.layers.iter().any(|id| survey.layers[*id].text.layer != SITE);
            if shipped {
                let script = it.name.trim_start_matches("shipped:");
                let target = Target::function(script, &call.name, call.args.len());
                found.entry(target).or_insert_with(|| survey.place(layer, call.start));
            }
        }
    }
    found
}

impl Target {
    /// A function as lists write it: `failover/2`.
    fn parse_function(script: &str, text: &str) -> Option<Target> {
        let (name, arity) = text.rsplit_once('/')?;
        Some(Target { script: script.into(), piece: Piece::Function(name.into(), arity.parse().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::overlay::Review;

    #[test]
    fn what_is_declared_stable_is_shipped() {
        let layers = Layers::new(None, None).unwrap();
        let (surface, review) = (Surface::of(&layers).unwrap(), Review::of(&layers).unwrap());
        let shipped: BTreeSet<&Target> =
            review.shipped.iter().filter(|s| !s.private).map(|s| &s.target).collect();
        let gone: Vec<String> =
            surface.stable.iter().filter(|t| !shipped.contains(t)).map(ToString::to_string).collect();
        assert!(gone.is_empty(), "sites rely on these; deprecate them in {FILE} first: {gone:?}");
    }

    #[test]
    fn what_is_deprecated_names_what_is_there_instead() {
        let text = r#"
            [functions]
            "std/octavia" = ["failover_and_prove/3"]
            [[deprecated]]
            function = "std/octavia failover/2"
            since = "0.2.0"
            instead = "std/octavia failover_and_prove/3"
            reason = "a failover is proven"
        "#;
        let surface = Surface::parse("stable.toml", text).unwrap();
        let old = Target::function("std/octavia", "failover", 2);
        let instead = surface.deprecated[&old].instead.clone().unwrap();
        assert!(surface.stable.contains(&instead));
        let twice = text.replace("[\"failover_and_prove/3\"]", "[\"failover/2\"]");
        let e = Surface::parse("stable.toml", &twice).unwrap_err();
        assert!(e.to_string().ends_with("is deprecated and declared stable"), "{e}");
        for wrong in
            [text.replace("std/octavia failover/2", "failover"), text.replace("prove/3\"]", "prove\"]")]
        {
            assert!(Surface::parse("stable.toml", &wrong).is_err(), "{wrong}");
        }
    }
}
