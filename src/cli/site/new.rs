//! `rhumb site new`: a first site file, from credentials and a look at the cloud.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::{Error, ErrorKind, Result, SystemClock};
use crate::cli::{print, usage};
use crate::script::draft::{self, Draft};
use crate::script::overlay::replace;
use crate::script::survey::Survey;
use crate::site::credentials::{CloudEntry, clouds_yaml, openrc};
use crate::site::{CloudSource, Layers, LogicalName};

/// Arguments of `rhumb site new`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The site's name
    name: String,
    /// An openrc; it is read, never run
    #[arg(long, value_name = "FILE", required_unless_present = "clouds")]
    openrc: Option<PathBuf>,
    /// A clouds.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "openrc")]
    clouds: Option<PathBuf>,
    /// The cloud of that file; without it, its only one
    #[arg(long, value_name = "NAME", requires = "clouds")]
    cloud: Option<String>,
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
        return Err(usage(what).help("`rhumb site check` tells what it lacks"));
    }
    let (source, entry) = credentials(arguments)?;
    let draft = look(&name.name, &source, !entry.has_secret())?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    replace(&directory, "site.toml", &draft.text(today))?;
    Layers::new(None, Some(&directory))?;
    let (found, open) = draft.counts();
    print(&format!(
        "{}\nfound out {found}; {open} marked with ?? are for you\nnext: edit it, then: rhumb site check --site {}\n",
        directory.join("site.toml").display(),
        directory.display()
    ))?;
    Ok(0)
}

/// The credentials, read as a run would read them.
fn credentials(arguments: &Arguments) -> Result<(CloudSource, CloudEntry)> {
    if let Some(file) = &arguments.openrc {
        let file = absolute(file)?;
        let entry = openrc::read(&file)?;
        return Ok((CloudSource::Openrc(file), entry));
    }
    let file = arguments.clouds.as_deref().ok_or_else(|| usage("no credentials are named"))?;
    let file = absolute(file)?;
    let name = match &arguments.cloud {
        Some(name) => name.clone(),
        None => match clouds_yaml::names(&file)?.as_slice() {
            [one] => one.clone(),
            [] => return Err(usage(format!("{} has no cloud", file.display()))),
            several => {
                let e = usage(format!("{} has {} clouds", file.display(), several.len()));
                return Err(e.help(format!("say one with --cloud: {}", several.join(", "))));
            }
        },
    };
    let entry = clouds_yaml::read(&file, &name)?;
    Ok((CloudSource::CloudsYaml { file, entry: name }, entry))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|e| usage(format!("{} cannot be read", path.display())).from_source(&e))
}

fn look(name: &str, source: &CloudSource, prompt: bool) -> Result<Draft> {
    let layers = Layers::new(Layers::installed_directory().as_deref(), None)?;
    let names: Vec<String> = layers.list()?.into_iter().map(|l| l.name).collect();
    let survey = Survey::of(&layers, &names)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorKind::Io, "no runtime for requests").from_source(&e))?;
    let clock = Arc::new(SystemClock::new(runtime.handle().clone()));
    let site = draft::login(source, prompt, &layers)?;
    runtime.block_on(draft::look(&site, name, source, prompt, &survey, clock))
}
