//! `rhumb show-run`: a run's report again, from its journal.

use super::place::KeptArguments;
use super::{layout, print, show, usage};
use crate::base::Result;
use crate::base::screen::{self, Stream};
use crate::report::{Paths, acceptance, agree, html, json, junit, markdown, prose, terminal, write_all};
use crate::run::RunReport;
use crate::script::promised;

/// Arguments of `rhumb show-run`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The run: its id, a part of it that no other has, a directory, `last`, or `last-session`
    #[arg(default_value = "last")]
    run: String,
    /// As what to show it
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Terminal)]
    form: Form,
    /// Write all its reports anew, into its directory
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    kept: KeptArguments,
}

/// What a report can be shown as.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// The summary that ends a run
    Terminal,
    /// The acceptance summary
    Markdown,
    /// The page to hand over
    Html,
    /// XML for CI servers
    Junit,
    /// Everything, for programs
    Json,
    /// The bar of an acceptance, one line an item, to be pasted into the log
    Acceptance,
}

/// Shows it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let dir = arguments.kept.run(&arguments.run)?;
    // reports that are about to be made anew need not agree with the journal
    let mut report = if arguments.write { RunReport::load(&dir)? } else { agree::load(&dir)? };
    match promised::kept_in(&dir) {
        Some(kept) => prose::explain(&mut report, &kept),
        None => arguments.kept.layers().into_iter().for_each(|layers| prose::explain(&mut report, &layers)),
    }
    let paths = if arguments.write { write_all(&dir, &report)? } else { Paths::of(&dir) };
    let text = match arguments.form {
        Form::Terminal => {
            let (width, colours) = layout(Stream::Out);
            let reports = paths.html.is_file().then_some(&paths);
            let options = terminal::Options { width, colours, reports };
            return show(&terminal::render(&report, &options)).map(|()| 0);
        }
        Form::Markdown => markdown::render(&report),
        Form::Html => html::render(&report)?,
        Form::Junit => junit::render(&report),
        Form::Json => screen::json(&json::render(&report)?).into_owned(),
        Form::Acceptance => acceptance::render(&report).ok_or_else(|| {
            usage(format!("run {} has no acceptance summary", report.run)).help(
                "its runbook says what it accepts (`runbook(..., #{ accepts: ... })`), and its text must be the one of then; \
                 `--site` names the site whose texts it had",
            )
        })?,
    };
    print(&text)?;
    Ok(0)
}
