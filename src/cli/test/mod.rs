//! `rhumb test`: `*_test.rhai` files that rehearse runbooks and say what must come of it. Each rehearsal has a lab of its
//! own; files run at the same time.

mod file;
mod mutants;
mod pages;
mod rehearsal;
mod stage;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::usage;
use crate::base::screen::{self, Drawn, drawn};
use crate::base::{Error, ErrorKind, Result};
use file::{Case, Outcome, Rehearse, Wanted};
use rehearsal::Rehearsals;

/// What test files end with.
const SUFFIX: &str = "_test.rhai";

/// Arguments of `rhumb test`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A directory with *_test.rhai files, or one such file
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    place: PathBuf,
    /// The site whose runbooks, overrides and values are tested; without it the directory, where it is one
    #[arg(long, value_name = "DIR", env = "RHUMB_SITE")]
    site: Option<PathBuf>,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    #[command(flatten)]
    mutants: mutants::Arguments,
}

/// Runs the tests. Exits with 3 where one fails, and with 8 where a file cannot be read as a script; with mutants, with 16
/// where no test fails and some mutant is noticed by none.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let mut files = Vec::new();
    collect(&arguments.place, &mut files)?;
    if files.is_empty() {
        let what = format!("{} holds no *{SUFFIX}", arguments.place.display());
        return Err(usage(what).help("a test is: test(\"what must be\", || { let r = rehearse(\"park\"); assert(\"it passes\", r.passed); });"));
    }
    files.sort();
    let own = arguments.place.join("site.toml").is_file().then(|| arguments.place.clone());
    let site = arguments.site.clone().or(own);
    let only = arguments.only.clone();
    let wanted: Arc<Wanted> =
        Arc::new(move |name: &str| only.as_ref().is_none_or(|only| name.contains(only.as_str())));
    if arguments.mutants.are_wanted() {
        let tests = mutants::Tests::of(files, site, wanted, arguments.place.clone());
        return mutants::main(&arguments.mutants, &tests);
    }
    let rehearsals = Rehearsals::over(site);
    let rehearse: Arc<Rehearse> =
        Arc::new(move |beside: &Path, runbook: &str, options: &_| rehearsals.play(beside, runbook, options));
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(files.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = file::run(path, &rehearse, &wanted);
                    show(&outcome);
                    if let Ok(mut all) = outcomes.lock() {
                        all.push(outcome);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    Ok(conclude(&outcomes))
}

/// The test files below a place.
fn collect(place: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |e: std::io::Error| {
        Error::new(ErrorKind::Usage, format!("{} cannot be read", place.display())).from_source(&e)
    };
    if place.is_file() {
        files.push(place.to_path_buf());
        return Ok(());
    }
    for entry in std::fs::read_dir(place).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            collect(&path, files)?;
        } else if kind.is_file() && path.to_string_lossy().ends_with(SUFFIX) {
            files.push(path);
        }
    }
    Ok(())
}

/// Prints one file's tests, all at once.
fn show(outcome: &Outcome) {
    let mut text = drawn!("{}\n", outcome.path.display());
    for Case { name, failure, took } in &outcome.cases {
        let mark = if failure.is_none() { '✓' } else { '✗' };
        text.push(drawn!("  {} {}  {}\n", mark, name, crate::base::duration::show(*took)));
        if let Some(why) = failure {
            text.push(drawn!("      {}\n", Drawn::lines(why).hanging(6)));
        }
    }
    if let Some(broken) = &outcome.broken {
        text.push(drawn!("  ✗ {}\n", Drawn::lines(broken).hanging(6)));
    }
    // what came of them decides the exit code, whether somebody reads it or not
    let _ = screen::print(&text);
}

/// The last line, and the exit code.
fn conclude(outcomes: &[Outcome]) -> u8 {
    let cases = outcomes.iter().flat_map(|o| &o.cases);
    let (count, failed) = cases.fold((0, 0), |(n, bad), c| (n + 1, bad + usize::from(c.failure.is_some())));
    let broken = outcomes.iter().filter(|o| o.broken.is_some()).count();
    let passed = count - failed;
    let _ = screen::print(&drawn!(
        "\n{} files: {} passed, {} failed, {} not run to their end\n",
        outcomes.len(),
        passed,
        failed,
        broken
    ));
    match (failed, broken) {
        (0, 0) => 0,
        (_, 0) => ErrorKind::Gate.exit_code(),
        _ => ErrorKind::Script.exit_code(),
    }
}
