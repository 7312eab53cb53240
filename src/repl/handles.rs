//! The site's handles under names that a line can use without declaring them: `capi_mgmt.servers`.

use std::collections::BTreeMap;

use crate::script::primitive::On;
use crate::script::primitives;
use crate::site::Site;

/// The handles of a site, by the names that they go by in lines.
#[derive(Clone, Debug, Default)]
pub struct Handles(BTreeMap<String, Handle>);

/// A handle that the site declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// How a script asks for it: `scope`, `kube`, `host` or `tool`.
    pub kind: &'static str,
    /// Its name in the site file.
    pub name: String,
}

impl Handles {
    /// The handles that a site declares. Where two would have one name, the later kind is told apart: `capi_mgmt_host`.
    pub fn of(site: &Site) -> Self {
        let mut all = BTreeMap::new();
        let bound = |kind: &str| primitives::all().iter().any(|p| p.on == On::Type("Site") && p.name == kind);
        let mut add = |kind: &'static str, names: Vec<String>| {
            for name in names.into_iter().filter(|_| bound(kind)) {
                let mut word: String =
                    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                if word.starts_with(|c: char| c.is_ascii_digit()) {
                    word.insert_str(0, kind);
                }
                if all.contains_key(&word) {
                    word = format!("{word}_{kind}");
                }
                all.insert(word, Handle { kind, name });
            }
        };
        add("scope", site.scopes().map(|s| s.name.clone()).collect());
        add("kube", site.kubes().map(|k| k.name.clone()).collect());
        add("host", site.hosts().map(|h| h.name.clone()).collect());
        add("tool", site.tools().map(|t| t.name.clone()).collect());
        Handles(all)
    }

    /// The statement that gives a handle to a line.
    pub fn declaration(&self, word: &str) -> Option<String> {
        let handle = self.0.get(word)?;
        Some(format!("let {word} = site.{}(\"{}\");", handle.kind, handle.name))
    }

    /// A handle by its name in lines.
    pub fn get(&self, word: &str) -> Option<&Handle> {
        self.0.get(word)
    }

    /// All names, with what they stand for.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Handle)> {
        self.0.iter().map(|(word, handle)| (word.as_str(), handle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_handles_of_one_name_are_told_apart() {
        let text = "name = \"s\"\n[scopes.capi-mgmt]\ncloud = \"c\"\n[hosts.capi-mgmt]\naddress = \"10.0.0.1\"\nuser = \"u\"\n";
        let handles = Handles::of(&Site::from_embedded(text, "s", &[]).unwrap());
        let declared = |word| handles.declaration(word).unwrap();
        assert_eq!(declared("capi_mgmt"), "let capi_mgmt = site.scope(\"capi-mgmt\");");
        assert_eq!(declared("capi_mgmt_host"), "let capi_mgmt_host = site.host(\"capi-mgmt\");");
        assert_eq!(handles.declaration("other"), None);
    }
}
