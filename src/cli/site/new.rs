//! `rhumb site new`: a first site file, from credentials and a look at the cloud.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::credentials::Credentials;
use crate::base::screen::drawn;
use crate::base::{Result, SystemClock, again};
use crate::cli::conduct::runtime;
use crate::cli::{show, usage};
use crate::script::draft::{self, Draft};
use crate::script::overlay::replace;
use crate::script::survey::Survey;
use crate::site::{CloudSource, Layers, LogicalName};

/// Arguments of `rhumb site new`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The site's name
    name: String,
    #[command(flatten)]
    credentials: Credentials,
    /// The directory to make; without it, one of the site's name, here
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Writes it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let name = LogicalName::parse(&arguments.name).ok().filter(|n| !n.shipped && !n.name.contains('/'));
    let name = name.ok_or_else(|| {
        let e = usage(format!("`{}` cannot name a site", arguments.name.escape_debug()));
        e.help("a name has lower-case letters, digits, `-` and `_`")
    })?;
    let directory = arguments.directory.clone().unwrap_or_else(|| PathBuf::from(&name.name));
    if directory.join("site.toml").exists() {
        let what = format!("{} exists already", directory.join("site.toml").display());
        let check = again::plain(&["site", "check", "--site", &directory.display().to_string()]);
        return Err(usage(what).help(format!("`{check}` tells what it lacks")));
    }
    let (source, entry) = arguments.credentials.read()?;
    let draft = look(&name.name, &source, !entry.has_secret())?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    replace(&directory, "site.toml", &draft.text(today))?;
    Layers::new(None, Some(&directory))?;
    let (found, open) = draft.counts();
    show(&drawn!(
        "{}\n{} things found; {} are for you to fill in: they are marked ??\nnext: edit it, then: {}\n",
        directory.join("site.toml").display(),
        found,
        open,
        again::plain(&["site", "check", "--site", &directory.display().to_string()])
    ))?;
    Ok(0)
}

fn look(name: &str, source: &CloudSource, prompt: bool) -> Result<Draft> {
    let layers = Layers::new(Layers::installed_directory().as_deref(), None)?;
    let names: Vec<String> = layers.list()?.into_iter().map(|l| l.name).collect();
    let survey = Survey::of(&layers, &names)?;
    let runtime = runtime()?;
    let clock = Arc::new(SystemClock::new(runtime.handle().clone()));
    let site = draft::login(source, prompt, &layers)?;
    runtime.block_on(draft::look(&site, name, source, prompt, &survey, clock))
}
