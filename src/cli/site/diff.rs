//! `rhumb site diff`: each override beside what it was written against and what is shipped now.

use anstyle::{AnsiColor, Style};

use super::TargetArguments;
use crate::base::screen::{Drawn, Stream, drawn};
use crate::base::{ErrorKind, Result, again};
use crate::cli::{SiteArguments, layout, print_json, show};
use crate::script::overlay::{Drift, Review, State, threeway};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Arguments of `rhumb site diff`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Show the texts of overrides that are unchanged, too
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Compares them. Drift has an exit code of its own.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let (layers, _) = arguments.site.directory()?;
    let mut review = Review::of(&layers)?;
    let known: Vec<_> = review.overrides.iter().map(|d| d.target.clone()).collect();
    review.overrides.retain(|drift| arguments.target.means(&drift.target));
    review.unused.retain(|base| arguments.target.means(&base.target));
    if review.overrides.is_empty() && review.unused.is_empty() && arguments.target.script.is_some() {
        return Err(arguments.target.unmatched(&known.iter().collect::<Vec<_>>()));
    }
    if arguments.json {
        print_json(&review)?;
    } else {
        let (width, _) = layout(Stream::Out);
        show(&draw(&review, arguments.all, width.max(100)))?;
    }
    Ok(if review.has_drift() { ErrorKind::Drift.exit_code() } else { 0 })
}

fn draw(review: &Review, all: bool, width: usize) -> Drawn {
    let mut page = Drawn::default();
    if review.overrides.is_empty() {
        page.push(drawn!("the site overrides no shipped step and no shipped function\n"));
    }
    for drift in &review.overrides {
        page.push(head(drift));
        if drift.state != State::Unchanged || all {
            page.push(drawn!("\n{}{}", texts(drift, width), advice(drift)));
        }
    }
    for base in &review.unused {
        let state = Drawn::line("not overridden any more").painted(ODD);
        page.push(drawn!("{}  {}: {}\n", state, base.target, base.title));
    }
    page
}

fn head(drift: &Drift) -> Drawn {
    let style = match drift.state {
        State::Unchanged => GOOD,
        State::Gone { .. } => BAD,
        _ => ODD,
    };
    let title =
        drift.shipped.as_ref().map(|s| s.title.as_str()).or(drift.base.as_ref().map(|b| b.title.as_str()));
    let title = title.map(|t| format!(": {t}")).unwrap_or_default();
    let places: Vec<String> =
        drift.site.iter().map(|w| format!("{} by {}:{}", w.how, w.place.file, w.place.line)).collect();
    let state = drawn!("{:<16}", drift.state.words()).painted(style);
    let reviewed =
        drift.base.as_ref().map(|b| format!(", reviewed {} by {}", b.reviewed, b.by)).unwrap_or_default();
    let places = drawn!("{}{}", places.join(", "), reviewed).painted(DIM);
    drawn!("{} {}{}\n                 {}\n", state, drift.target, title, places)
}

fn texts(drift: &Drift, width: usize) -> Drawn {
    let base = drift.base.as_ref().map_or("", |b| b.text.as_str());
    let shipped = drift.shipped.as_ref().map_or("", |s| s.text.as_str());
    let site = drift.site.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join("\n");
    // where nobody knows what it was written against, nothing can have changed
    let rows = threeway::align(if drift.base.is_none() { shipped } else { base }, shipped, &site);
    let was = match &drift.base {
        Some(base) => format!("base ({})", base.release),
        None => "base: not recorded".to_string(),
    };
    let now = match &drift.shipped {
        Some(shipped) => format!("shipped ({})", shipped.layer),
        None => "shipped: gone".to_string(),
    };
    drawn!("{}\n", threeway::draw(&rows, [&was, &now, "site"], width))
}

fn advice(drift: &Drift) -> Drawn {
    let target = &drift.target;
    let text = match &drift.state {
        State::Unchanged => return Drawn::default(),
        State::Unrecorded | State::Changed => {
            let accept = again::words(&["site", "accept"], &target.to_string());
            format!("when the site's text is right for what is shipped now: {accept}")
        }
        State::Gone { likely: Some(near) } => format!(
            "it is probably `{}` now: change the override to it, look at this again, then: {}",
            near.name(),
            again::command(&["site", "accept"])
        ),
        State::Gone { likely: None } => {
            "nothing shipped is like it: remove the override, or find what it is for now".into()
        }
    };
    drawn!("{} {}\n\n", Drawn::line("→").painted(ODD), text)
}
