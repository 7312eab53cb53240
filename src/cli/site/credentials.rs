//! The credentials of a new site: named on the command line, or chosen from what lies where such files lie.

use std::io::{BufRead, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::base::screen::{self, Drawn, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::usage;
use crate::site::CloudSource;
use crate::site::credentials::{CloudEntry, clouds_yaml, openrc};

/// Which credentials.
#[derive(clap::Args)]
pub(super) struct Credentials {
    /// An openrc; it is read, never run. Without it and --clouds, a terminal is asked
    #[arg(long, value_name = "FILE")]
    openrc: Option<PathBuf>,
    /// A clouds.yaml
    #[arg(long, value_name = "FILE", conflicts_with = "openrc")]
    clouds: Option<PathBuf>,
    /// The cloud of that file; without it, its only one
    #[arg(long, value_name = "NAME", requires = "clouds")]
    cloud: Option<String>,
}

impl Credentials {
    /// The credentials, read as a run would read them.
    pub(super) fn read(&self) -> Result<(CloudSource, CloudEntry)> {
        if let Some(file) = &self.openrc {
            return read_openrc(file);
        }
        if let Some(file) = &self.clouds {
            return read_cloud(file, |names| self.cloud.clone().map_or_else(|| only(file, names), Ok));
        }
        let found = candidates();
        if !std::io::stdin().is_terminal() {
            let e = usage("no credentials are named: --openrc FILE or --clouds FILE");
            return Err(match found.is_empty() {
                true => e,
                false => e.help(format!("there are {}", list(found.iter().map(|f| f.display())))),
            });
        }
        ask(&found, &mut std::io::stdin().lock(), &mut screen::print)
    }
}

/// Asks for a file, and for a cloud where it has several.
fn ask(
    found: &[PathBuf],
    answers: &mut impl BufRead,
    show: &mut impl FnMut(&Drawn) -> std::io::Result<()>,
) -> Result<(CloudSource, CloudEntry)> {
    let mut question =
        drawn!("Which credentials may it look with? They are read, never run, and not copied.\n");
    for (n, file) in found.iter().enumerate() {
        question.push(drawn!("  {}  {}\n", n + 1, file.display()));
    }
    let prompt =
        if found.is_empty() { "an openrc or a clouds.yaml: " } else { "its number, or another file: " };
    question.push(prompt);
    loop {
        let answer = line(&question, answers, show)?;
        let number = answer.parse::<usize>().ok().and_then(|n| found.get(n.checked_sub(1)?));
        let file = number.cloned().unwrap_or_else(|| at_home(&answer));
        if !file.is_file() {
            question = drawn!("{} is not a file; {}", file.display(), prompt);
            continue;
        }
        if !is_clouds(&file) {
            return read_openrc(&file);
        }
        return read_cloud(&file, |names| match names {
            [] | [_] => only(&file, names),
            several => loop {
                let answer = line(&drawn!("which cloud of it: {}? ", list(several.iter())), answers, show)?;
                if several.contains(&answer) {
                    return Ok(answer);
                }
            },
        });
    }
}

/// A line that somebody typed.
fn line(
    question: &Drawn,
    answers: &mut impl BufRead,
    show: &mut impl FnMut(&Drawn) -> std::io::Result<()>,
) -> Result<String> {
    let wrong = |e: std::io::Error| Error::new(ErrorKind::Io, "the terminal cannot be asked").from_source(&e);
    show(question).map_err(wrong)?;
    let mut text = String::new();
    match answers.read_line(&mut text).map_err(wrong)? {
        0 => Err(usage("no credentials are named: --openrc FILE or --clouds FILE")),
        _ => Ok(text.trim().to_string()),
    }
}

fn read_openrc(file: &Path) -> Result<(CloudSource, CloudEntry)> {
    let file = absolute(file)?;
    let entry = openrc::read(&file)?;
    Ok((CloudSource::Openrc(file), entry))
}

fn read_cloud(
    file: &Path,
    choose: impl FnOnce(&[String]) -> Result<String>,
) -> Result<(CloudSource, CloudEntry)> {
    let file = absolute(file)?;
    let name = choose(&clouds_yaml::names(&file)?)?;
    let entry = clouds_yaml::read(&file, &name)?;
    Ok((CloudSource::CloudsYaml { file, entry: name }, entry))
}

/// The only cloud of a file.
fn only(file: &Path, names: &[String]) -> Result<String> {
    match names {
        [one] => Ok(one.clone()),
        [] => Err(usage(format!("{} has no cloud", file.display()))),
        several => {
            let e = usage(format!("{} has {} clouds", file.display(), several.len()));
            Err(e.help(format!("say one with --cloud: {}", list(several.iter()))))
        }
    }
}

/// What looks like credentials where the ordinary clients and operators keep them.
fn candidates() -> Vec<PathBuf> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let configured = home.as_ref().map(|home| home.join(".config/openstack"));
    let places = [Some(PathBuf::from(".")), home, configured, Some(PathBuf::from("/etc/openstack"))];
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in places.iter().flatten().filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten()
    {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let likely = is_clouds(&path) && name.starts_with("clouds.")
            || name.ends_with("openrc")
            || name.ends_with("openrc.sh");
        if likely
            && path.is_file()
            && !found.iter().any(|f| f.canonicalize().ok() == path.canonicalize().ok())
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_clouds(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn at_home(path: &str) -> PathBuf {
    let below = path.strip_prefix("~/").and_then(|below| Some(std::env::home_dir()?.join(below)));
    below.unwrap_or_else(|| PathBuf::from(path))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|e| usage(format!("{} cannot be read", path.display())).from_source(&e))
}

fn list(items: impl Iterator<Item = impl std::fmt::Display>) -> String {
    items.map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    #[test]
    fn what_is_not_there_is_asked_again_and_a_cloud_of_several_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = |name: &str| {
            format!(
                "  {name}:\n    auth: {{auth_url: 'http://127.0.0.1:1', username: u, password: p, project_name: x}}\n"
            )
        };
        let text = format!("clouds:\n{}{}", cloud("east"), cloud("west"));
        let clouds = file(dir.path(), "clouds.yaml", &text);
        let mut shown = String::new();
        let mut show = |text: &Drawn| {
            shown.push_str(text);
            Ok(())
        };
        let mut typed = "7\n1\nnorth\nwest\n".as_bytes();
        let (source, _) = ask(std::slice::from_ref(&clouds), &mut typed, &mut show).unwrap();
        assert!(matches!(source, CloudSource::CloudsYaml { entry, .. } if entry == "west"));
        assert!(shown.contains(&format!("  1  {}\n", clouds.display())), "{shown}");
        assert!(shown.contains("7 is not a file; its number, or another file: "), "{shown}");
        assert_eq!(shown.matches("which cloud of it: east, west? ").count(), 2, "{shown}");
    }

    #[test]
    fn nobody_answers_and_nothing_is_read() {
        let e = ask(&[], &mut "".as_bytes(), &mut |_: &Drawn| Ok(())).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Usage);
    }
}
