//! `rhumb site`: what a site is, whether it is whole, and what it does otherwise than the shipped scripts.

use clap::Subcommand;

use crate::base::{Error, Result};
use crate::script::overlay::Target;
use crate::site::Layers;

use super::{SiteArguments, usage};

mod accept;
mod check;
mod credentials;
mod diff;
mod new;
mod show;

/// What to do with a site.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Write a first site file, from credentials and a look at the cloud; nothing is changed there
    New(new::Arguments),
    /// Show what would run here, and from where: values, handles, steps, functions, waivers, overrides
    Show(show::Arguments),
    /// Find what is missing or wrong: values, handles, scripts, overrides, files; and ask the cloud
    Check(check::Arguments),
    /// Compare what the site overrides with what is shipped now
    Diff(diff::Arguments),
    /// Record, after review, that overrides fit what is shipped now
    Accept(accept::Arguments),
}

/// Does it.
pub(super) fn main(command: Command) -> Result<u8> {
    match command {
        Command::New(arguments) => new::main(&arguments),
        Command::Show(arguments) => show::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Diff(arguments) => diff::main(&arguments),
        Command::Accept(arguments) => accept::main(&arguments),
    }
}

/// Overrides that are meant: all of them, those of a script, or one.
#[derive(clap::Args)]
struct TargetArguments {
    /// A runbook or a module, such as `restart` or `std/octavia`; without it, all
    script: Option<String>,
    /// A step's id, or a function's name
    piece: Option<String>,
}

impl TargetArguments {
    /// Whether a target is meant.
    fn means(&self, target: &Target) -> bool {
        self.script.as_ref().is_none_or(|script| target.is_meant(script, self.piece.as_deref()))
    }

    /// An error where something is named and nothing is meant.
    fn unmatched(&self, known: &[&Target]) -> Error {
        let script = self.script.as_deref().unwrap_or_default();
        let named = [Some(script), self.piece.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let e = usage(format!("the site does not override `{named}`"));
        match known {
            [] => e.help("it overrides nothing"),
            known => {
                let all: Vec<String> = known.iter().map(ToString::to_string).collect();
                e.help(format!("it overrides: {}", all.join(", ")))
            }
        }
    }
}

impl SiteArguments {
    /// The layers of a site that must be named, with its directory.
    pub(super) fn directory(&self) -> Result<(Layers, std::path::PathBuf)> {
        if self.site.is_none() {
            return Err(super::no_site());
        }
        let layers = self.layers()?;
        let directory =
            layers.site_directory().map(std::path::Path::to_path_buf).ok_or_else(super::no_site)?;
        Ok((layers, directory))
    }
}
