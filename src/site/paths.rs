//! Paths that a site file names.

use std::path::{Path, PathBuf};

use super::document::Node;
use crate::base::Result;

/// Where relative paths of a site file start.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    site: Option<PathBuf>,
}

impl Paths {
    /// Paths of the site in a directory; an embedded site has none.
    pub(super) fn of(site: Option<&Path>) -> Self {
        Paths { site: site.map(Path::to_path_buf) }
    }

    /// Whether the site has a directory, so that the files it names are opened.
    pub(super) fn can_be_opened(&self) -> bool {
        self.site.is_some()
    }

    /// The site directory, or the root where there is none.
    pub(super) fn directory(&self) -> PathBuf {
        self.site.clone().unwrap_or_else(|| PathBuf::from("/"))
    }

    /// A file of the site directory.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.site.as_ref().map_or_else(|| PathBuf::from(name), |site| site.join(name))
    }

    /// A path as a site file writes it: absolute, below `~/`, or relative to the site directory. In a
    /// built-in site it stays as it is: such a site is only ever rehearsed, and nothing opens it.
    pub(super) fn resolve(&self, node: &Node) -> Result<PathBuf> {
        let text = node.text()?;
        let Some(site) = &self.site else { return Ok(PathBuf::from(text)) };
        if let Some(below) = text.strip_prefix("~/") {
            let home = std::env::home_dir().filter(|home| home.is_absolute());
            return home.map(|home| home.join(below)).ok_or_else(|| {
                let error = node.spot.error(format!("`{}`: there is no home directory", node.path));
                error.help("write the path in full")
            });
        }
        // joining an absolute path gives that path
        Ok(site.join(text))
    }

    /// A program: a name to look up in `PATH`, or a path.
    pub(super) fn program(&self, node: &Node) -> Result<String> {
        let text = node.text()?;
        if !text.contains('/') {
            return Ok(text.to_string());
        }
        Ok(self.resolve(node)?.to_string_lossy().into_owned())
    }
}
