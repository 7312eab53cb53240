//! Which kind of thing a value is: what a call on it changes, in the cloud's words.

use std::collections::BTreeSet;

use super::words::Known;
use crate::script::survey::Survey;
use crate::script::survey::values::{Shape, Value};
use crate::systems::openstack::resource::{self, Resource};

/// Methods that give a thing of the collection they are called on, or things of it.
const GIVE: &[&str] =
    &["get", "find", "create", "ensure", "list", "filter", "refresh", "upload", "extract", "first", "last"];

/// How far a value is followed through variables.
const DEEPEST: usize = 12;

impl Survey {
    /// The row of what a value is; `None` where the text does not tell.
    pub(super) fn row(&self, layer: usize, shape: &Shape, known: &Known) -> Option<&'static Resource> {
        self.row_at(layer, shape, known, DEEPEST)
    }

    fn row_at(&self, layer: usize, shape: &Shape, known: &Known, deep: usize) -> Option<&'static Resource> {
        let deep = deep.checked_sub(1)?;
        let facts = &self.layers[layer].facts;
        match shape {
            Shape::Field(_, name) => by_field(name),
            Shape::Item(of) => self.row_at(layer, &of.shape, known, deep),
            Shape::Result(call) => {
                let call = facts.calls.get(*call)?;
                let of = call.receiver.as_ref().filter(|_| GIVE.contains(&call.name.as_str()))?;
                self.row_at(layer, &of.shape, known, deep)
            }
            Shape::Variable(id) => {
                let binding = facts.bindings.get(*id)?;
                let given = known.get(&binding.name).filter(|_| binding.given).and_then(|g| g.row);
                given
                    .or_else(|| self.row_at(layer, &binding.value, known, deep))
                    .or_else(|| by_word(&binding.name))
            }
            _ => None,
        }
    }

    /// What one thing is called in the text: `servers.get("vm")` is called `"vm"`. Its source.
    pub(super) fn called(&self, layer: usize, value: &Value) -> Option<&Value> {
        let facts = &self.layers[layer].facts;
        let Shape::Result(call) = facts.settled(&value.shape) else { return None };
        let call = facts.calls.get(*call)?;
        let named = ["get", "find", "ensure"].contains(&call.name.as_str()) && call.receiver.is_some();
        call.args.first().filter(|_| named)
    }
}

/// By the name of a field: `tenant.servers`, `left.floating_ips`, and `left.balancers`, which can be one collection only.
fn by_field(name: &str) -> Option<&'static Resource> {
    let whole = resource::all().find(|row| row.name == name);
    whole.or_else(|| only(resource::all().filter(|row| row.name.rsplit('_').next() == Some(name))))
}

/// By the word that scripts have for one: `server`, `lb`, `security_group`.
fn by_word(word: &str) -> Option<&'static Resource> {
    let initials = |title: &str| title.split(' ').filter_map(|w| w.chars().next()).collect::<String>();
    let named = |row: &&Resource| {
        let title = row.title.replace(' ', "_").to_lowercase();
        title == word || row.name == word || (row.title.contains(' ') && initials(row.title) == word)
    };
    only(resource::all().filter(named)).or_else(|| {
        let last = |row: &&Resource| row.title.rsplit(' ').next() == Some(word) && row.verbs.delete;
        only(resource::all().filter(last))
    })
}

/// The only one of them.
fn only(rows: impl Iterator<Item = &'static Resource>) -> Option<&'static Resource> {
    let (mut names, mut found) = (BTreeSet::new(), None);
    for row in rows {
        names.insert(row.name);
        found = Some(row);
    }
    found.filter(|_| names.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_scripts_mean_one_collection_or_none() {
        for (word, name) in [("lb", "load_balancers"), ("server", "servers"), ("floating_ip", "floating_ips")]
        {
            assert_eq!(by_word(word).map(|row| row.name), Some(name), "{word}");
        }
        assert!(by_word("it").is_none());
        assert_eq!(by_field("balancers").map(|row| row.name), Some("load_balancers"));
        assert!(by_field("name").is_none());
    }
}
