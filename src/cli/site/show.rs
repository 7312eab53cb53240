//! `rhumb site show`: what would run here, and from where.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::base::Result;
use crate::cli::{SiteArguments, print_json};
use crate::script::inventory::{Inventory, Script};

const HEAD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const OTHER: Style = AnsiColor::Yellow.on_default().bold();

/// Arguments of `rhumb site show`.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Runbooks and modules; without any, the site as a whole
    scripts: Vec<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    site: SiteArguments,
}

/// Shows it.
pub(super) fn main(arguments: &Arguments) -> Result<u8> {
    let site = arguments.site.load()?;
    for name in &arguments.scripts {
        site.layers.find(name)?;
    }
    let mut inventory = Inventory::of(&site)?;
    let whole = arguments.scripts.is_empty();
    if !whole {
        inventory.scripts.retain(|script| arguments.scripts.contains(&script.name));
    }
    if arguments.json {
        print_json(&inventory)?;
    } else {
        anstream::print!("{}", draw(&inventory, whole));
    }
    Ok(0)
}

fn draw(it: &Inventory, whole: bool) -> String {
    let mut page = String::new();
    if whole {
        site(it, &mut page);
    }
    let _ = writeln!(page, "{HEAD}scripts{HEAD:#}");
    for script in &it.scripts {
        one(script, &mut page);
    }
    if whole {
        excuses(it, &mut page);
    }
    page
}

fn site(it: &Inventory, page: &mut String) {
    let _ = writeln!(
        page,
        "{HEAD}site {}{HEAD:#}  {}\n  {DIM}{}{DIM:#}\n",
        it.name,
        it.description,
        it.layers.join(" < ")
    );
    let _ = writeln!(page, "{HEAD}values{HEAD:#}");
    for value in &it.values {
        let text = value.value.as_ref().map_or("(not set)".to_string(), |v| shorten(&text_of(v)));
        let _ = writeln!(page, "  {:<24} {text:<44} {DIM}{}{DIM:#}", value.name, value.from);
    }
    for (name, extra) in &it.extra {
        let _ = writeln!(
            page,
            "  extra.{name:<18} {:<44} {DIM}{}{DIM:#}",
            shorten(&text_of(&extra.value)),
            extra.from
        );
    }
    let _ = writeln!(page, "\n{HEAD}handles{HEAD:#}");
    for handle in &it.handles {
        let _ = writeln!(
            page,
            "  {:<8} {:<16} {:<62} {DIM}{}{DIM:#}",
            handle.kind, handle.name, handle.what, handle.from
        );
    }
    page.push('\n');
}

fn one(script: &Script, page: &mut String) {
    let layers = script.layers.join(" + ");
    let _ = writeln!(page, "  {HEAD}{}{HEAD:#}  {}  {DIM}{layers}{DIM:#}", script.name, script.title);
    for step in &script.steps {
        let _ = writeln!(
            page,
            "    {:<9} {:<7} {:<48} {DIM}{}{DIM:#}",
            step.id, step.kind, step.title, step.from
        );
        for by in &step.overridden {
            let _ = writeln!(page, "              {OTHER}{by}{OTHER:#}");
        }
    }
    for function in &script.functions {
        let style = if function.replaces { OTHER } else { DIM };
        let what = if function.replaces { " (instead of the shipped one)" } else { "" };
        let _ = writeln!(page, "    {:<66} {style}{}{what}{style:#}", function.signature, function.from);
    }
}

fn excuses(it: &Inventory, page: &mut String) {
    if !it.overrides.is_empty() {
        let _ = writeln!(page, "\n{HEAD}overrides{HEAD:#}");
    }
    for line in &it.overrides {
        let style = if line.drifted { OTHER } else { DIM };
        let _ = writeln!(
            page,
            "  {:<34} {style}{:<16}{style:#} {DIM}{}{DIM:#}",
            line.target.to_string(),
            line.state,
            line.from
        );
    }
    if !it.waivers.is_empty() {
        let _ = writeln!(page, "\n{HEAD}waivers{HEAD:#}");
    }
    for waiver in &it.waivers {
        let _ = writeln!(
            page,
            "  \"{}\" {} until {} ({})  {DIM}{}{DIM:#}",
            waiver.gate, waiver.reason, waiver.until, waiver.owner, waiver.from
        );
    }
    if !it.known_issues.is_empty() {
        let _ = writeln!(page, "\n{HEAD}known issues{HEAD:#}");
    }
    for issue in &it.known_issues {
        let _ = writeln!(page, "  {:<8} {}  {DIM}{}{DIM:#}", issue.id, issue.title, issue.from);
    }
}

fn text_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A value that does not fill the line: a digest and a list are recognised by their beginning.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(44) {
        Some(_) => format!("{}…", text.chars().take(43).collect::<String>()),
        None => text.to_string(),
    }
}
