//! Floor 6: the command line. One file a subcommand; each returns an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::base::secret::keep_out_of_dumps;
use crate::base::{Error, ErrorKind, Result, again};
use crate::script::diagnostic::Report;
use crate::site::{Layers, Site};

mod approve;
mod ask;
mod check;
mod conduct;
mod diff_runs;
mod interrupt;
mod lab;
mod lease;
mod lint_md;
mod list;
mod place;
mod pulse;
mod reference;
mod rehearse;
mod repl;
mod resume;
mod run;
mod runs;
mod selection;
mod show;
mod show_run;
mod site;
mod stub;
mod sweep;
mod test;
mod unseen;
mod verify_run;
mod view;
mod watch;

/// Runs operations procedures for OpenStack and Kubernetes clouds as Rhai runbooks.
#[derive(Parser)]
#[command(name = "rhumb", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 passed, 2 usage, 3 a gate failed, 4 needs approval, 5 declined, 6 drift, 7 site file, \
8 script, 9 credentials, 10 unreachable, 11 locked, 12 clean-up failed, 13 refused, 14 journal, 16 incomplete, 130 interrupted; \
docs/exit-codes.md lists all."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a runbook against the site's cloud
    Run(run::Arguments),
    /// Run a runbook in the lab inside the program: no cloud, no network, no configuration
    Rehearse(rehearse::Arguments),
    /// Run *_test.rhai files, which rehearse runbooks and say what must come of it
    Test(test::Arguments),
    /// Find which answers of a cloud a runbook would pass over though it should not
    Sweep(sweep::Arguments),
    /// Practise on a lab with the ordinary clients
    #[command(subcommand)]
    Lab(lab::Command),
    /// Go on with a run that was cut off, ended with an error, or is incomplete
    ///
    /// --from, --only and --skip are of this resume: the next one without them does what they left out. What the run was begun
    /// without stays left out.
    Resume(resume::Arguments),
    /// Look around in a site's cloud, line by line; read-only until it is unlocked
    Repl(repl::Arguments),
    /// List the runbooks and what each is for
    List(list::Arguments),
    /// Show a runbook as prose: of each step why, what must hold, what it changes, how long it takes
    Show(show::Arguments),
    /// Find what is wrong in scripts, without running them
    Check(check::Arguments),
    /// Show, check and review a site
    #[command(subcommand)]
    Site(site::Command),
    /// Begin an override of a shipped step or function, with the shipped text in view
    Override(stub::Arguments),
    /// List the runs that are kept, newest first
    Runs(runs::Arguments),
    /// Show a run again, or write its reports anew
    ShowRun(show_run::Arguments),
    /// Check offline that nobody changed a run's journal
    VerifyRun(verify_run::Arguments),
    /// Tell what changed from one run to another
    DiffRuns(diff_runs::Arguments),
    /// Find what in Markdown runbooks can pass though it should fail
    LintMd(lint_md::Arguments),
    /// Print the reference of every word of runbooks, as Markdown
    Reference,
    /// Explain a word of runbooks, or the code of a finding
    Explain(reference::Explain),
    /// Write definitions for editors that know Rhai (.d.rhai)
    Defs(reference::Into),
    /// Write manual pages
    Man(reference::Into),
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// The site that a command works with.
#[derive(clap::Args)]
struct SiteArguments {
    /// Directory of the site, with its site.toml
    #[arg(long, value_name = "DIR", env = "RHUMB_SITE")]
    site: Option<std::path::PathBuf>,
    /// Set a value of the site for this run (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl SiteArguments {
    /// Loads the site.
    fn load(&self) -> Result<Site> {
        let dir = self.site.as_deref().ok_or_else(no_site)?;
        Site::load(dir, &self.sets)
    }

    /// The layers of scripts: the site's over the shipped ones, where a site is named.
    fn layers(&self) -> Result<Layers> {
        Layers::new(Layers::installed_directory().as_deref(), self.site.as_deref())
    }
}

/// The program's arguments, for manual pages, completions and the tests of the documents.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The program.
pub fn main() -> ExitCode {
    keep_out_of_dumps();
    // a defect may quote what others wrote, too
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture().to_string();
        let said = Drawn::lines(&format!("{panic}\n{trace}")).hanging(4);
        screen::complain(&drawn!("a defect in rhumb: {}\n", said));
    }));
    again::started_with(std::env::args_os().filter_map(|word| word.into_string().ok()));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => return misused(&e),
    };
    let result = match arguments.command {
        Command::Run(arguments) => run::main(arguments),
        Command::Rehearse(arguments) => rehearse::main(&arguments),
        Command::Test(arguments) => test::main(&arguments),
        Command::Sweep(arguments) => sweep::main(&arguments),
        Command::Lab(command) => lab::main(command),
        Command::Resume(arguments) => resume::main(arguments),
        Command::Repl(arguments) => repl::main(arguments),
        Command::List(arguments) => list::main(&arguments),
        Command::Show(arguments) => show::main(&arguments),
        Command::Check(arguments) => check::main(arguments),
        Command::Site(command) => site::main(command),
        Command::Override(arguments) => stub::main(&arguments),
        Command::Runs(arguments) => runs::main(&arguments),
        Command::ShowRun(arguments) => show_run::main(&arguments),
        Command::VerifyRun(arguments) => verify_run::main(&arguments),
        Command::DiffRuns(arguments) => diff_runs::main(&arguments),
        Command::LintMd(arguments) => lint_md::main(&arguments),
        Command::Reference => reference::main(),
        Command::Explain(arguments) => reference::explain(&arguments),
        Command::Defs(arguments) => reference::defs(&arguments),
        Command::Man(arguments) => reference::man(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "rhumb", &mut script);
            print(&String::from_utf8_lossy(&script)).map(|()| 0)
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            complain(&Report::plain(&e));
            ExitCode::from(e.kind().exit_code())
        }
    }
}

/// Help, the version, or what is wrong with the command line.
fn misused(error: &clap::Error) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let settings = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RHUMB_"));
    let hidden = |word: &OsString| word.to_string_lossy().contains(screen::is_hidden);
    // clap quotes them between colours of its own, which cannot be told from theirs
    let text = match words.iter().any(hidden) || settings.map(|(_, value)| value).any(|value| hidden(&value))
    {
        true => {
            let words = words.iter().map(|word| screen::line(&word.to_string_lossy()).into_owned());
            let again = Arguments::try_parse_from(words).err();
            Drawn::lines(&again.as_ref().unwrap_or(error).render().to_string())
        }
        false => Drawn::by_library(&error.render().ansi().to_string()),
    };
    match error.use_stderr() {
        true => {
            screen::complain(&text);
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        false => ExitCode::from(show(&text).map_or_else(|e| e.kind().exit_code(), |()| 0)),
    }
}

/// Draws an error on standard error.
fn complain(report: &Report) {
    let (width, colours) = layout(Stream::Error);
    screen::complain(&report.draw(width, colours));
}

/// Columns to draw into, and whether the stream takes colours.
fn layout(stream: Stream) -> (usize, bool) {
    match stream.columns() {
        Some(columns) => (columns.clamp(40, 120), std::env::var_os("NO_COLOR").is_none()),
        None => (100, false),
    }
}

/// Shows a text on standard output.
fn show(text: &Drawn) -> Result<()> {
    screen::print(text).map_err(|e| unwritable(&e))
}

/// Writes a whole document to standard output.
fn print(text: &str) -> Result<()> {
    screen::document(text).map_err(|e| unwritable(&e))
}

/// Writes data to standard output as JSON.
fn print_json(data: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(data)
        .map_err(|e| Error::new(ErrorKind::Internal, "cannot be written as JSON").from_source(&e))?;
    print(&format!("{}\n", screen::json(&text)))
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot write to standard output").from_source(error)
}

/// A command that needs a site, and none is named.
fn no_site() -> Error {
    usage("no site is named").help("--site DIR, or RHUMB_SITE, names the directory with the site.toml")
}

/// An error of the command line itself.
fn usage(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, what)
}
