//! Which values of the site a step reads: in its own text, and in that of the functions that it calls.

use std::collections::BTreeSet;

use super::asks::is_site;
use super::facts::BodyKind;
use super::{Node, Step, Survey};

impl Survey {
    /// The values that a step reads, by their names.
    pub fn values_of(&self, step: &Step) -> BTreeSet<&str> {
        let (mut waiting, mut seen, mut names) = (step.runs(), BTreeSet::new(), BTreeSet::new());
        while let Some(node) = waiting.pop() {
            if !seen.insert(node) {
                continue;
            }
            let (layer, body) = node;
            let facts = &self.layers[layer].facts;
            names.extend(self.read_in(node));
            // what is written in it may run in it
            let inside = (0..facts.bodies.len()).filter(|id| facts.bodies[*id].parent == Some(body));
            waiting.extend(inside.map(|id| (layer, id)));
            for call in self.body(node).calls.iter().map(|id| &facts.calls[*id]) {
                waiting.extend(self.targets(layer, call).functions);
                waiting.extend(self.handed_over(layer, call));
            }
        }
        names
    }

    /// The values that texts read outside of steps and functions: whatever comes after may go by them.
    pub fn values_at_top(&self) -> BTreeSet<&str> {
        let tops = self.layers.iter().enumerate().flat_map(|(layer, l)| {
            let top = l.facts.bodies.iter().position(|b| b.kind == BodyKind::TopLevel);
            top.map(|body| self.read_in((layer, body)))
        });
        tops.flatten().collect()
    }

    fn read_in(&self, (layer, body): Node) -> impl Iterator<Item = &str> {
        let fields = self.layers[layer].facts.fields.iter();
        fields.filter(move |f| f.body == body && is_site(&f.of)).map(|f| f.name.as_str())
    }
}
