//! One HTML file to hand over: style, script and drawings inside, nothing fetched, readable without
//! script, on paper, in the dark.
//!
//! What a cloud or an operator said is escaped where the template engine writes it, and a content security policy
//! with the fingerprints of the page's own style and script keeps anything else from running.

mod chart;
mod scale;
mod step;
mod view;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, HtmlEscape, UndefinedBehavior, context, escape_formatter};
use sha2::{Digest as _, Sha256};

use self::view::Page;
use super::evidence::{first_code, visible};
use crate::base::{Error, ErrorKind, Result};
use crate::run::report::RunReport;

const STYLE: &str = include_str!("style.css");
const THEME: &str = include_str!("theme.js");
const SCRIPT: &str = include_str!("script.js");

/// The page. An error is a defect of its templates.
pub fn render(report: &RunReport) -> Result<String> {
    page(report).map_err(|e| Error::new(ErrorKind::Internal, "the page cannot be made").from_source(&e))
}

fn page(report: &RunReport) -> std::result::Result<String, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    templates.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(&*visible(text))),
        _ => escape_formatter(out, state, value),
    });
    templates.add_filter("prose", prose);
    templates.add_template("page.html", include_str!("page.html"))?;
    templates.add_template("step.html", include_str!("step.html"))?;
    templates.add_template("parts.html", include_str!("parts.html"))?;
    templates.get_template("page.html")?.render(context! {
        page => Serde(Page::of(report)),
        style => STYLE,
        theme => THEME,
        script => SCRIPT,
        policy => policy(),
    })
}

/// A sentence in which what stands between back-ticks is code.
fn prose(text: &str) -> Value {
    let text = visible(text);
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    while let Some((before, code, after)) = first_code(rest) {
        let _ = write!(html, "{}<code>{}</code>", HtmlEscape(before), HtmlEscape(code));
        rest = after;
    }
    let _ = write!(html, "{}", HtmlEscape(rest));
    Value::from_safe_string(html)
}

/// Only what this page carries may style it or run in it; nothing may be fetched.
fn policy() -> String {
    let mark = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {} {}; img-src data:; base-uri 'none'; form-action 'none'",
        mark(STYLE),
        mark(THEME),
        mark(SCRIPT)
    )
}
