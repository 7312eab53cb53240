//! `rhumb override`: begins an override of a shipped step or function, with the shipped text in view.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{SiteArguments, place, show, usage};
use crate::base::error::nearest;
use crate::base::screen::drawn;
use crate::base::{Error, ErrorKind, Result, again};
use crate::script::overlay::stub::{self, Stub};
use crate::script::overlay::{self, Base, Piece, Review, Shipped};
use crate::site::Layers;

/// Arguments of `rhumb override`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A runbook or a module, such as `restart` or `std/octavia`
    script: String,
    /// A step's id, or a function's name
    piece: String,
    /// Add to the step before its body, instead of replacing it
    #[arg(long, conflicts_with = "after")]
    before: bool,
    /// Add to the step after its body, instead of replacing it
    #[arg(long)]
    after: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Writes it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let (layers, directory) = arguments.site.directory()?;
    let review = Review::of(&layers)?;
    let shipped = find(&review, arguments)?;
    let how = match (arguments.before, arguments.after) {
        (true, _) => Stub::Before,
        (_, true) => Stub::After,
        _ => Stub::Replace,
    };
    if how != Stub::Replace && matches!(shipped.target.piece, Piece::Function(..)) {
        return Err(usage("--before and --after are for steps")
            .help("a function is replaced; it may call the shipped one"));
    }
    if let Some(drift) = review.overrides.iter().find(|d| d.target == shipped.target)
        && how == Stub::Replace
        && let Some(written) = drift.site.iter().find(|w| ["replaced", "skipped"].contains(&w.how))
    {
        let what = format!("{} is {} already", shipped.target, written.how);
        return Err(usage(what).help(format!("edit it: {}:{}", written.place.file, written.place.line)));
    }
    write(&layers, &directory, shipped, how)?;
    let mut bases: Vec<Base> =
        review.overrides.iter().filter_map(|d| d.base.clone()).chain(review.unused.clone()).collect();
    if !bases.iter().any(|base| base.target == shipped.target) {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        bases.push(Base::of(shipped, today, &place::who()));
        overlay::write(&directory, &bases)?;
    }
    let file = directory.join(shipped.target.file());
    let check = match shipped.target.of_runbook() {
        true => again::command(&["site", "check", &shipped.target.script]),
        false => again::command(&["site", "check"]),
    };
    show(&drawn!(
        "{} now runs from {}\nwhat it was written against is in {}\nnext: edit it, then `{}`\n",
        shipped.target,
        file.display(),
        directory.join(overlay::FILE).display(),
        check,
    ))?;
    Ok(0)
}

/// The shipped step or function that is meant.
fn find<'r>(review: &'r Review, arguments: &Arguments) -> Result<&'r Shipped> {
    let (script, piece) = (arguments.script.as_str(), arguments.piece.as_str());
    let meant: Vec<&Shipped> =
        review.shipped.iter().filter(|s| s.target.is_meant(script, Some(piece))).collect();
    match meant.as_slice() {
        [one] => Ok(one),
        [] => {
            let of_script: Vec<&Shipped> =
                review.shipped.iter().filter(|s| s.target.script == script).collect();
            let Some(first) = of_script.first() else {
                let mut scripts: Vec<&str> =
                    review.shipped.iter().map(|s| s.target.script.as_str()).collect();
                scripts.dedup();
                let e = usage(format!("no runbook and no module `{script}` is shipped"));
                return Err(match nearest(script, scripts) {
                    Some(near) => e.help(format!("did you mean `{near}`?")),
                    None => e.help(format!(
                        "`{}` shows the runbooks; modules go by names such as std/octavia",
                        again::command(&["list"])
                    )),
                });
            };
            let e = usage(format!("the shipped `{script}` has no {} `{piece}`", first.target.kind()));
            let names: Vec<&str> = of_script.iter().map(|s| s.target.name()).collect();
            Err(match nearest(piece, names.iter().copied()) {
                Some(near) => e.help(format!("did you mean `{near}`?")),
                None => e.help(format!("it has: {}", names.join(", "))),
            })
        }
        several => {
            let names: Vec<String> = several.iter().map(|s| s.target.to_string()).collect();
            Err(usage(format!("`{script} {piece}` could be several"))
                .help(format!("say one: {}", names.join(", "))))
        }
    }
}

fn write(layers: &Layers, directory: &Path, shipped: &Shipped, how: Stub) -> Result<()> {
    let name = shipped.target.file();
    let old = layers.site_file(&name)?;
    let text = stub::add(old.as_ref().map(|file| &*file.text), shipped, how);
    overlay::replace(directory, &name, &text)?;
    // what was written must be found, or it would be an override of nothing
    let found = Review::of(layers)?.overrides.iter().any(|d| d.target == shipped.target);
    if !found {
        match old {
            Some(old) => overlay::replace(directory, &name, &old.text)?,
            None => drop(std::fs::remove_file(directory.join(&name))),
        }
        let what = format!("{name} does not compile with one override more");
        return Err(Error::new(ErrorKind::Script, what)
            .help(format!("`{}` tells why", again::command(&["check", &shipped.target.script]))));
    }
    Ok(())
}
