//! `rhumb site show`: what would run here, and from where.

use anstyle::{AnsiColor, Style};

use crate::base::Result;
use crate::base::screen::{Drawn, drawn};
use crate::cli::{SiteArguments, print_json, show};
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
        show(&draw(&inventory, whole))?;
    }
    Ok(0)
}

fn draw(it: &Inventory, whole: bool) -> Drawn {
    let mut page = Drawn::default();
    if whole {
        site(it, &mut page);
    }
    page.push(drawn!("{}\n", head("scripts")));
    for script in &it.scripts {
        one(script, &mut page);
    }
    if whole {
        excuses(it, &mut page);
    }
    page
}

fn site(it: &Inventory, page: &mut Drawn) {
    page.push(drawn!(
        "{}  {}\n  {}\n\n",
        head(&format!("site {}", it.name)),
        it.description,
        dim(&it.layers.join(" < "))
    ));
    page.push(drawn!("{}\n", head("values")));
    for value in &it.values {
        let text = value.value.as_ref().map_or("(not set)".to_string(), |v| shorten(&text_of(v)));
        page.push(drawn!("  {:<24} {:<44} {}\n", value.name, text, dim(&value.from)));
    }
    for (name, extra) in &it.extra {
        page.push(drawn!(
            "  extra.{:<18} {:<44} {}\n",
            name,
            shorten(&text_of(&extra.value)),
            dim(&extra.from)
        ));
    }
    page.push(drawn!("\n{}\n", head("handles")));
    for handle in &it.handles {
        page.push(drawn!(
            "  {:<8} {:<16} {:<62} {}\n",
            handle.kind,
            handle.name,
            handle.what,
            dim(&handle.from)
        ));
    }
    page.push(drawn!("\n"));
}

fn one(script: &Script, page: &mut Drawn) {
    let layers = dim(&script.layers.join(" + "));
    page.push(drawn!("  {}  {}  {}\n", head(&script.name), script.title, layers));
    for step in &script.steps {
        page.push(drawn!("    {:<9} {:<7} {:<48} {}\n", step.id, step.kind, step.title, dim(&step.from)));
        for by in &step.overridden {
            page.push(drawn!("              {}\n", drawn!("{}", by).painted(OTHER)));
        }
    }
    for function in &script.functions {
        let style = if function.replaces { OTHER } else { DIM };
        let what = if function.replaces { " (instead of the shipped one)" } else { "" };
        let from = drawn!("{}{}", function.from, what).painted(style);
        page.push(drawn!("    {:<66} {}\n", function.signature, from));
    }
}

fn excuses(it: &Inventory, page: &mut Drawn) {
    if !it.overrides.is_empty() {
        page.push(drawn!("\n{}\n", head("overrides")));
    }
    for line in &it.overrides {
        let style = if line.drifted { OTHER } else { DIM };
        page.push(drawn!(
            "  {:<34} {} {}\n",
            line.target,
            drawn!("{:<16}", line.state).painted(style),
            dim(&line.from)
        ));
    }
    if !it.waivers.is_empty() {
        page.push(drawn!("\n{}\n", head("waivers")));
    }
    for waiver in &it.waivers {
        page.push(drawn!(
            "  \"{}\" {} until {} ({})  {}\n",
            waiver.gate,
            waiver.reason,
            waiver.until,
            waiver.owner,
            dim(&waiver.from)
        ));
    }
    if !it.known_issues.is_empty() {
        page.push(drawn!("\n{}\n", head("known issues")));
    }
    for issue in &it.known_issues {
        page.push(drawn!("  {:<8} {}  {}\n", issue.id, issue.title, dim(&issue.from)));
    }
}

fn head(text: &str) -> Drawn {
    Drawn::line(text).painted(HEAD)
}

fn dim(text: &str) -> Drawn {
    Drawn::line(text).painted(DIM)
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
