//! What scripts ask of their site by name: `site.scope("admin")`, `site.image`.

use super::facts::{Call, Field};
use super::values::{Shape, Value};
use super::{Facts, Survey};

/// Methods of `site` that give a handle, by the table of the site file that declares it.
pub const HANDLES: &[(&str, &str)] =
    &[("scope", "scopes"), ("kube", "kube"), ("host", "hosts"), ("tool", "tools"), ("endpoint", "endpoints")];

/// Whether a value is the site.
pub fn is_site(value: &Value) -> bool {
    matches!(&value.shape, Shape::Global(name) if name == "site")
}

impl Facts {
    /// Handles that are asked for by a name that can be read: the method, the name, and the call.
    pub fn handles_asked(&self) -> impl Iterator<Item = (&'static str, &str, &Call)> {
        self.calls.iter().filter(|call| call.receiver.as_ref().is_some_and(is_site)).filter_map(|call| {
            let (method, _) = HANDLES.iter().find(|(method, _)| *method == call.name)?;
            Some((*method, call.args.first()?.text()?, call))
        })
    }

    /// Projects that a scope is narrowed to, by names that can be read: `admin.project("capi-mgmt", "capi")`.
    pub fn projects_asked(&self) -> impl Iterator<Item = (&str, &str, &Call)> {
        let calls =
            self.calls.iter().filter(|c| c.name == "project" && c.receiver.is_some() && c.args.len() == 2);
        calls.filter_map(|call| Some((call.args[0].text()?, call.args[1].text()?, call)))
    }

    /// Slots that the site must declare, asked for by a name that can be read: `slot("amphora", || ...)`. A call that says
    /// how many there are is content without.
    pub fn slots_asked(&self) -> impl Iterator<Item = (&str, &Call)> {
        let calls =
            self.calls.iter().filter(|c| c.name == "slot" && c.receiver.is_none() && c.path.is_empty());
        let counted = |call: &&Call| match call.args.get(1).map(|options| &options.shape) {
            Some(Shape::Map(options)) => options.iter().any(|option| option.key == "count"),
            _ => false,
        };
        calls.filter(move |c| !counted(c)).filter_map(|call| Some((call.args.first()?.text()?, call)))
    }

    /// Values that are read: `site.image`.
    pub fn values_read(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|f| is_site(&f.of) && !["name", "extra"].contains(&f.name.as_str()))
    }
}

impl Survey {
    /// The names of handles of a kind that any of the scripts asks for, in order.
    pub fn handles_of(&self, method: &str) -> Vec<String> {
        let asked = self.layers.iter().flat_map(|l| l.facts.handles_asked());
        let mut names: Vec<String> =
            asked.filter(|(m, ..)| *m == method).map(|(_, n, _)| n.to_string()).collect();
        names.sort();
        names.dedup();
        names
    }
}
