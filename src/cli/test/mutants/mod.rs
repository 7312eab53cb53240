//! `rhumb test --mutants`: changes the scripts one small thing at a time and runs the tests over each change. A change that
//! every test passes over is a survivor: if somebody made it by mistake, nobody would notice.

mod accepted;
mod catalogue;
mod first;
mod junit;
mod outcome;
mod pool;
mod progress;
mod recall;
mod sample;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;

use super::file::Wanted;
use super::pages::Pages;
use crate::base::screen::{self, Drawn, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::usage;
use crate::run::conclusion::INCOMPLETE;
use crate::script::mutate::Kind;
use crate::site::{Layers, Site};
use accepted::Accepted;
use catalogue::{Candidate, Catalogue};
use first::First;
use outcome::Outcome;
use progress::Progress;
use recall::Recall;
use sample::Sample;
use work::Fate;

/// Arguments of `rhumb test --mutants`.
#[derive(clap::Args)]
#[group(id = "of-mutants")]
#[command(next_help_heading = "Mutants")]
pub(super) struct Arguments {
    /// Change the scripts one small thing at a time, and list the changes that no test notices
    #[arg(long)]
    mutants: bool,
    /// Only this script: a runbook, a module such as std/octavia, or `runbooks` or `modules` (repeatable). Without it the
    /// site's own scripts, or all where it has none
    #[arg(long, value_name = "SCRIPT", requires = "mutants")]
    of: Vec<String>,
    /// Only changes of these kinds
    #[arg(long, value_name = "KIND", requires = "mutants", value_delimiter = ',', value_parser = kinds())]
    kind: Vec<Kind>,
    /// Only a part of them, drawn by --seed: how many, or so many of a hundred
    #[arg(long, value_name = "N|P%", requires = "mutants")]
    sample: Option<Sample>,
    /// Decides which part is drawn
    #[arg(long, value_name = "N", requires = "sample")]
    seed: Option<u64>,
    /// How many are tried at the same time; as many as there are cores
    #[arg(long, value_name = "N", requires = "mutants")]
    jobs: Option<usize>,
    /// The reviewed list of survivors; mutants.toml beside the tests, where it is there
    #[arg(long, value_name = "FILE", requires = "mutants")]
    accepted: Option<PathBuf>,
    /// For programs: one JSON document
    #[arg(long, requires = "mutants")]
    json: bool,
    /// Write JUnit's XML for CI servers as well
    #[arg(long, value_name = "FILE", requires = "mutants")]
    junit: Option<PathBuf>,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let words = PossibleValuesParser::new(Kind::ALL.iter().map(|kind| kind.word()));
    words.try_map(|word| Kind::ALL.iter().find(|kind| kind.word() == word).copied().ok_or("no such kind"))
}

impl Arguments {
    /// Whether the tests are to be tried, and not the scripts.
    pub(super) fn are_wanted(&self) -> bool {
        self.mutants
    }

    /// The list that is named, or the one beside the tests.
    fn list(&self, tests: &Tests) -> Result<Vec<Accepted>> {
        let beside = match tests.place.is_dir() {
            true => tests.place.join(accepted::NAME),
            false => tests.place.with_file_name(accepted::NAME),
        };
        match &self.accepted {
            Some(path) => accepted::read(path),
            None if beside.is_file() => accepted::read(&beside),
            None => Ok(Vec::new()),
        }
    }
}

/// The tests that are tried.
pub(super) struct Tests {
    files: Vec<PathBuf>,
    site: Option<PathBuf>,
    wanted: Arc<Wanted>,
    /// The file or directory that was named.
    place: PathBuf,
    /// What the runbooks say of themselves.
    pages: Arc<Pages>,
}

impl Tests {
    /// The wanted tests of these files.
    pub(super) fn of(
        files: Vec<PathBuf>,
        site: Option<PathBuf>,
        wanted: Arc<Wanted>,
        place: PathBuf,
    ) -> Self {
        Tests { files, site, wanted, place, pages: Arc::default() }
    }
}

/// Tries them. Exits with 3 where a test fails without a mutant, and with 16 where a mutant survives that nobody has accepted.
pub(super) fn main(arguments: &Arguments, tests: &Tests) -> Result<u8> {
    let layers = match &tests.site {
        Some(site) => Site::load(site, &[])?.layers,
        None => Layers::default(),
    };
    let catalogue = Catalogue::of(&layers)?;
    let list = arguments.list(tests)?;
    accepted::hold(&list, &catalogue)?;
    let chosen = catalogue.select(&arguments.of, &arguments.kind)?;
    let total = chosen.len();
    let chosen = match arguments.sample {
        Some(sample) => sample.draw(arguments.seed.unwrap_or(1), chosen),
        None => chosen,
    };
    if chosen.is_empty() {
        return Err(usage("there is nothing to change").help("leave out --kind or --of"));
    }
    let jobs = arguments.jobs.unwrap_or_else(pool::cores).max(1);
    let first = Arc::new(First::run(tests, &Arc::new(catalogue.marked()), jobs));
    if let Some(exit) = fails(&first) {
        return Ok(exit);
    }
    let progress = Progress::new("mutants", chosen.len());
    let recall = Recall::default();
    let fates = pool::each(jobs, chosen.len(), |n| {
        let fate = work::attempt(tests, &first, &recall, &catalogue, &chosen[n]);
        let survives = matches!(fate, Fate::Survived(_)) && excuse(&list, &catalogue, &chosen[n]).is_none();
        progress.step(survives.then(|| catalogue.line(&chosen[n])).as_ref());
        fate
    });
    progress.end();
    if fates.len() != chosen.len() {
        return Err(Error::new(ErrorKind::Internal, "a thread that tries mutants panicked"));
    }
    let outcome = Outcome::of(&catalogue, &list, chosen.into_iter().zip(fates).collect(), total);
    if let Some(path) = &arguments.junit {
        let io = |e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("cannot write {}", path.display())).from_source(&e)
        };
        std::fs::write(path, junit::render(&outcome)).map_err(io)?;
    }
    match arguments.json {
        true => crate::cli::print_json(&outcome)?,
        false => crate::cli::show(&outcome.draw())?,
    }
    Ok(if outcome.has_survivors() { INCOMPLETE } else { 0 })
}

/// The entry that accepts a mutant.
fn excuse<'l>(list: &'l [Accepted], catalogue: &Catalogue, candidate: &Candidate) -> Option<&'l Accepted> {
    list.iter().find(|entry| entry.is_of(catalogue, candidate))
}

/// Tells which tests fail without any mutant: of those nothing can be learned. The exit code, where there are any.
fn fails(first: &First) -> Option<u8> {
    let failed: Vec<_> =
        first.tests.iter().filter_map(|test| test.failure.as_ref().map(|why| (test, why))).collect();
    if failed.is_empty() {
        return None;
    }
    let mut text =
        drawn!("tests fail without any mutant; mend them first: what they would notice cannot be told\n");
    for (test, why) in &failed {
        text.push(drawn!("  ✗ {}: {}\n", test.file.display(), test.name));
        text.push(drawn!("      {}\n", Drawn::lines(why).hanging(6)));
    }
    screen::complain(&text);
    Some(ErrorKind::Gate.exit_code())
}
