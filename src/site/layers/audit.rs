//! Every file of a site directory at once: what keeps it from being believed.

use std::path::Path;

use super::shelf::Directory;
use super::{Layers, LogicalName};
use crate::base::{Error, ErrorKind, Result};
use crate::site::trust;

/// What an audit looked at.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// How many files.
    pub files: usize,
    /// What is wrong with them; each names its file.
    pub wrong: Vec<Error>,
}

impl Layers {
    /// Looks at every file of the site directory: who owns it, who may write to it, where links lead, and
    /// whether a script could be named. Running stops at the first of these; this tells all.
    pub fn audit(&self) -> Audit {
        let mut audit = Audit::default();
        if let Some(site) = &self.site {
            look(site, site.root(), "", 0, &mut audit);
        }
        audit
    }
}

fn look(site: &Directory, dir: &Path, below: &str, depth: usize, audit: &mut Audit) {
    let mut wrong = |result: Result<()>| audit.wrong.extend(result.err());
    if depth > super::shelf::DEEPEST {
        return wrong(Err(Error::new(ErrorKind::Site, format!("{} is nested too deeply", dir.display()))));
    }
    wrong(trust::guard_directory(dir));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => {
            let what = format!("{} cannot be read: {e}", dir.display());
            return wrong(Err(Error::new(ErrorKind::Site, what)));
        }
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_string();
        if name.starts_with('.') {
            continue;
        }
        let inner = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if path.is_dir() && !path.is_symlink() {
            audit.wrong.extend(site.refuse_other_site(&path).err());
            look(site, &path, &inner, depth + 1, audit);
        } else {
            audit.files += 1;
            audit.wrong.extend(file(site, &path, &inner).err());
        }
    }
}

fn file(site: &Directory, path: &Path, inner: &str) -> Result<()> {
    let real = path
        .canonicalize()
        .map_err(|e| Error::new(ErrorKind::Site, format!("{} cannot be read: {e}", path.display())))?;
    site.hold_inside(path, &real)?;
    trust::guard_file(&real)?;
    if let Some(name) = inner.strip_suffix(".rhai") {
        LogicalName::parse(name).map_err(|e| {
            e.with_kind(ErrorKind::Site).context(format!("no import could name {}", path.display()))
        })?;
    }
    Ok(())
}
