//! Where scripts come from: the binary, below an installed directory, below the site directory.
//!
//! Scripts are known by logical names; a name without `/` is a runbook, one with `/` a module.

mod audit;
mod name;
mod shelf;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::shelf::{Directory, Layout};
use crate::base::error::nearest;
use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Result, again};

pub use audit::Audit;
pub use name::LogicalName;

/// A layer, from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// In the binary.
    Embedded,
    /// In a directory of the machine.
    Installed,
    /// In the site directory.
    Site,
}

impl Layer {
    /// The word for it in journals and reports.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Embedded => "embedded",
            Layer::Installed => "installed",
            Layer::Site => "site",
        }
    }
}

/// A text of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The logical name, or the path in the source tree of what is no script.
    pub logical: String,
    /// The layer it comes from.
    pub layer: Layer,
    /// Its file; what the binary holds has none.
    pub file: Option<PathBuf>,
    /// What it is called in errors: the file, or `shipped:` and its path in the source tree.
    pub title: String,
    /// The text.
    pub text: Arc<str>,
}

impl Source {
    /// What tells two texts apart: SHA-256 in lower-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes()))
    }

    fn embedded(logical: &str, file: &str, text: &str) -> Source {
        let title = format!("shipped:{file}");
        Source { logical: logical.into(), layer: Layer::Embedded, file: None, title, text: text.into() }
    }

    fn of(logical: &str, layer: Layer, (file, text): (PathBuf, String)) -> Source {
        let title = file.display().to_string();
        Source { logical: logical.into(), layer, file: Some(file), title, text: text.into() }
    }
}

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptKind {
    /// A procedure, to be run.
    Runbook,
    /// Functions, to be imported.
    Module,
}

/// A script, with the layers that have a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The logical name.
    pub name: String,
    /// What it is for.
    pub kind: ScriptKind,
    /// Its layers, from the lowest.
    pub layers: Vec<Layer>,
}

/// The layers of scripts.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    installed: Option<Directory>,
    site: Option<Directory>,
}

impl Layers {
    /// Layers over an installed directory and a site directory, each where there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a directory that others may write to, and for a site inside another.
    pub fn new(installed: Option<&Path>, site: Option<&Path>) -> Result<Layers> {
        let installed = installed.map(|path| Directory::open(path, Layout::Shipped)).transpose()?;
        let site = site.map(|path| Directory::open(path, Layout::Site)).transpose()?;
        if let Some(site) = &site
            && let Some(outer) = site.root().ancestors().skip(1).find(|dir| dir.join("site.toml").exists())
        {
            let what = format!("{} is inside another site, {}", site.root().display(), outer.display());
            return Err(Error::new(ErrorKind::Site, what)
                .help("two sites' files must not mix: move one of them beside the other"));
        }
        Ok(Layers { installed, site })
    }

    /// The installed directory that is used unless another is named: `rhumb` below the user's data
    /// directory, or `/usr/share/rhumb`.
    pub fn installed_directory() -> Option<PathBuf> {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
        let own = data.map(|path| path.join("rhumb"));
        own.into_iter().chain([PathBuf::from("/usr/share/rhumb")]).find(|path| path.is_dir())
    }

    /// The texts of a logical name from the lowest layer; empty where there is none. With `shipped:` before
    /// it the site's layer is left out.
    ///
    /// # Errors
    /// [`ErrorKind::Script`] for what is no name, [`ErrorKind::Site`] for a file that may not be believed.
    pub fn stack(&self, name: &str) -> Result<Vec<Source>> {
        let LogicalName { name, shipped } = LogicalName::parse(name)?;
        let mut stack = Vec::new();
        stack.extend(shelf::embedded(&name).map(|(file, text)| Source::embedded(&name, &file, text)));
        if let Some(installed) = &self.installed {
            stack.extend(installed.find(&name)?.map(|found| Source::of(&name, Layer::Installed, found)));
        }
        if let Some(site) = self.site.as_ref().filter(|_| !shipped) {
            stack.extend(site.find(&name)?.map(|found| Source::of(&name, Layer::Site, found)));
        }
        Ok(stack)
    }

    /// The text of a logical name in its highest layer.
    ///
    /// # Errors
    /// Those of [`Layers::stack`], and [`ErrorKind::Script`] where there is none, with the likely name.
    pub fn find(&self, name: &str) -> Result<Source> {
        match self.stack(name)?.pop() {
            Some(source) => Ok(source),
            None => {
                let logical = LogicalName::parse(name)?.name;
                let module = logical.contains('/');
                let error = Error::new(
                    ErrorKind::Script,
                    format!("there is no {} `{name}`", if module { "module" } else { "runbook" }),
                );
                let names: Vec<String> = self.list()?.into_iter().map(|l| l.name).collect();
                Err(match nearest(&logical, names.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!("`{}` shows what there is", again::command(&["list"]))),
                })
            }
        }
    }

    /// A file that is no script, by its path in the source tree (`runbooks/values.toml`), from the higher of
    /// the shipped layers.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a file that may not be believed.
    pub fn shipped_file(&self, path: &str) -> Result<Option<Source>> {
        if let Some(installed) = &self.installed
            && let Some(found) = installed.read(path)?
        {
            return Ok(Some(Source::of(path, Layer::Installed, found)));
        }
        Ok(shelf::embedded_file(path).map(|text| Source::embedded(path, path, text)))
    }

    /// A file of the site directory that is no script, such as `waivers.toml`.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a file that may not be believed.
    pub fn site_file(&self, name: &str) -> Result<Option<Source>> {
        let Some(site) = &self.site else { return Ok(None) };
        Ok(site.read(name)?.map(|found| Source::of(name, Layer::Site, found)))
    }

    /// The installed directory, without symbolic links.
    pub fn installed(&self) -> Option<&Path> {
        self.installed.as_ref().map(Directory::root)
    }

    /// The site directory, without symbolic links.
    pub fn site_directory(&self) -> Option<&Path> {
        self.site.as_ref().map(Directory::root)
    }

    /// Every script, by name. Tests (`*_test.rhai`) are none.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] for a file that could never be named, a link out of its layer, another site inside.
    pub fn list(&self) -> Result<Vec<Listing>> {
        let mut names: BTreeMap<String, Vec<Layer>> = BTreeMap::new();
        let mut add = |name: String, layer| names.entry(name).or_default().push(layer);
        shelf::embedded_names().into_iter().for_each(|name| add(name, Layer::Embedded));
        for (directory, layer) in [(&self.installed, Layer::Installed), (&self.site, Layer::Site)] {
            let Some(directory) = directory else { continue };
            for name in directory.names()? {
                LogicalName::parse(&name).map_err(|e| {
                    let file = directory.root().join(format!("{name}.rhai"));
                    e.with_kind(ErrorKind::Site).context(format!("no import could name {}", file.display()))
                })?;
                add(name, layer);
            }
        }
        let kind = |name: &str| if name.contains('/') { ScriptKind::Module } else { ScriptKind::Runbook };
        let scripts = names.into_iter().filter(|(name, _)| !name.ends_with("_test"));
        Ok(scripts.map(|(name, layers)| Listing { kind: kind(&name), name, layers }).collect())
    }
}

#[cfg(test)]
mod tests;
