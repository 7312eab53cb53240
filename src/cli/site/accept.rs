//! `rhumb site accept`: after review, what is shipped now is what an override was written against.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::TargetArguments;
use crate::base::screen::{Drawn, drawn};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::{SiteArguments, place, show};
use crate::script::overlay::{self, Base, Review, State};

/// Arguments of `rhumb site accept`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    site: SiteArguments,
}

/// Accepts them.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let (layers, directory) = arguments.site.directory()?;
    let review = Review::of(&layers)?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let by = place::who();
    let all = arguments.target.script.is_none();
    let (mut bases, mut said, mut gone, mut meant) = (Vec::new(), Drawn::default(), Vec::new(), 0);
    for drift in &review.overrides {
        let accepts = arguments.target.means(&drift.target);
        meant += usize::from(accepts);
        match (accepts, &drift.shipped) {
            (true, Some(shipped)) if drift.state != State::Unchanged => {
                bases.push(Base::of(shipped, today, &by));
                said.push(drawn!("accepted  {}: {}\n", drift.target, shipped.title));
            }
            (true, None) => {
                gone.push(drift);
                bases.extend(drift.base.clone());
            }
            _ => bases.extend(drift.base.clone()),
        }
    }
    for base in &review.unused {
        let accepts = all || arguments.target.means(&base.target);
        meant += usize::from(accepts);
        match accepts {
            true => said.push(drawn!("dropped   {}: the site does not override it\n", base.target)),
            false => bases.push(base.clone()),
        }
    }
    if meant == 0 && !all {
        let known: Vec<_> = review.overrides.iter().map(|d| &d.target).collect();
        return Err(arguments.target.unmatched(&known));
    }
    if !said.is_empty() {
        overlay::write(&directory, &bases)?;
    }
    let nothing = drawn!("nothing to accept: each override is as it was reviewed\n");
    show(if said.is_empty() { &nothing } else { &said })?;
    match gone.first() {
        None => Ok(0),
        Some(drift) => {
            let what =
                format!("there is no shipped {} any more: nothing can be accepted for it", drift.target);
            let e = Error::new(ErrorKind::Drift, what);
            Err(match &drift.state {
                State::Gone { likely: Some(near) } => {
                    e.help(format!("it is probably `{}` now: change the override to it first", near.name()))
                }
                _ => e.help("change the override, or remove it"),
            })
        }
    }
}
