//! `rhumb site check`: whether a site is whole.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::screen::{Drawn, Stream, drawn};
use crate::base::{ErrorKind, Result, SystemClock};
use crate::cli::conduct::runtime;
use crate::cli::{SiteArguments, layout, print_json, show};
use crate::script::diagnostic::Report;
use crate::script::site_check::{Area, Asked, Finding, Grade, SiteCheck, confirm};
use crate::site::Site;

const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Arguments of `rhumb site check`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The runbooks that the site must be whole for; without any, those it says it is for, or all
    runbooks: Vec<String>,
    /// Ask the cloud in any case, also for secrets that must be typed in
    #[arg(long)]
    online: bool,
    /// Do not ask the cloud
    #[arg(long, conflicts_with = "online")]
    offline: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Checks it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let site = arguments.site.load()?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let mut checked = SiteCheck::of(&site, &arguments.runbooks, today)?;
    if arguments.offline {
        checked.skip(Area::Cloud, "not asked");
    } else if checked.count(Grade::Error) > 0 && !arguments.online {
        checked.skip(Area::Cloud, "not asked before the rest is right");
    } else {
        ask(&site, &mut checked, if arguments.online { Asked::Surely } else { Asked::IfReachable })?;
    }
    if arguments.json {
        print_json(&checked)?;
    } else {
        let (width, colours) = layout(Stream::Out);
        show(&draw(&checked, width, colours))?;
    }
    Ok(match (checked.count(Grade::Error), checked.count(Grade::Drift)) {
        (0, 0) => 0,
        (0, _) => ErrorKind::Drift.exit_code(),
        _ => ErrorKind::Site.exit_code(),
    })
}

fn ask(site: &Site, checked: &mut SiteCheck, asked: Asked) -> Result<()> {
    let runtime = runtime()?;
    let clock = Arc::new(SystemClock::new(runtime.handle().clone()));
    let confirmed = runtime.block_on(confirm(site, &checked.runbooks, clock, asked));
    // a look at a name that never answers must not keep the process
    runtime.shutdown_background();
    if confirmed.proven == 0 {
        checked.skip(Area::Cloud, &confirmed.looked);
    } else {
        checked.looked.insert(Area::Cloud, confirmed.looked);
    }
    checked.findings.extend(confirmed.findings);
    checked.findings.sort_by_key(|f| (f.grade, f.area));
    Ok(())
}

fn draw(checked: &SiteCheck, width: usize, colours: bool) -> Drawn {
    let mut page = Drawn::default();
    for finding in &checked.findings {
        page.push(drawn!("{}\n", report(finding, checked).draw(width, colours)));
    }
    page.push(drawn!("site {}, for {}\n\n", checked.site, checked.runbooks.join(", ")));
    for area in Area::ALL {
        let of = |grade| checked.findings.iter().filter(|f| f.area == area && f.grade == grade).count();
        let (errors, drifts, warnings) = (of(Grade::Error), of(Grade::Drift), of(Grade::Warning));
        let (style, mark) = match (errors, drifts, warnings) {
            (0, 0, 0) if checked.skipped.contains(&area) => (DIM, "-"),
            (0, 0, 0) => (GOOD, "✓"),
            (0, ..) => (ODD, "!"),
            _ => (BAD, "✗"),
        };
        let counts = [(errors, "wrong"), (drifts, "drifted"), (warnings, "to know")];
        let counts: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let looked = checked.looked.get(&area).map(String::as_str).unwrap_or_default();
        let rest = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
        let (mark, rest) = (Drawn::line(mark).painted(style), Drawn::line(&rest).painted(style));
        page.push(drawn!("  {} {:<10} {}{}\n", mark, area.word(), looked, rest));
    }
    page
}

/// A finding that points into its text, where that is one of the site's scripts and documents.
fn report(finding: &Finding, checked: &SiteCheck) -> Report {
    let severity = match finding.grade {
        Grade::Error => miette::Severity::Error,
        Grade::Drift | Grade::Warning => miette::Severity::Warning,
    };
    let report = |message: &str| Report::new(severity, finding.area.word(), message, finding.help.clone());
    match &finding.place {
        None => report(&finding.message),
        Some(place) => match checked.texts.get(&place.file) {
            Some(text) => {
                report(&finding.message).pointing(&place.file, text, place.line, place.column, "here")
            }
            None => report(&format!("{place}: {}", finding.message)),
        },
    }
}
