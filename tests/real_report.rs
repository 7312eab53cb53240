//! The page in a real browser: its policy lets its own script run, the filter filters, hostile texts stay
//! texts, and nothing is complained about.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod diary;
mod markup;

use std::path::{Path, PathBuf};
use std::process::Command;

use markup::Markup;
use rhumb::report::write_all;
use rhumb::run::RunReport;

/// What the browser makes of a page: its document after scripts, and what it had to say.
fn browse(make: fn(&Path) -> RunReport, query: &str) -> (Markup, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let paths = write_all(&dir.path().join("run"), &make(&dir.path().join("run"))).unwrap();
    open(&format!("file://{}{query}", paths.html.display()), dir.path())
}

fn open(address: &str, dir: &Path) -> (Markup, Vec<String>) {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg(address)
        .output()
        .unwrap_or_else(|e| panic!("chromium: {e}: `./test` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().filter(|l| l.contains("CONSOLE")).map(str::to_string).collect();
    // the browser writes texts out with entities that the reader need not know
    let document = String::from_utf8(output.stdout).unwrap().replace("&nbsp;", " ");
    (Markup::parse(&document), said)
}

fn steps_hidden(page: &Markup) -> usize {
    page.attributes.iter().filter(|(element, name, _)| element == "article" && name == "hidden").count()
}

#[test]
fn the_filter_leaves_the_steps_that_match() {
    let (page, said) = browse(diary::accepted, "?q=amphora");
    assert_eq!(said, Vec::<String>::new());
    assert_eq!((page.count("article"), steps_hidden(&page)), (12, 11));
    assert!(page.texts.iter().any(|t| t == "1 of 12 steps"));
    let (page, _) = browse(diary::accepted, "");
    assert_eq!(steps_hidden(&page), 0);
}

#[test]
fn the_filter_unfolds_the_evidence_that_matches() {
    // the checksum stands in folded evidence alone
    let (page, _) = browse(diary::accepted, "?q=7efde4857c9f9da0");
    let open = page.attributes.iter().filter(|(element, name, _)| element == "details" && name == "open");
    assert_eq!((steps_hidden(&page), open.count()), (11, 1));
}

#[test]
fn the_theme_can_be_asked_for() {
    let (page, said) = browse(diary::failed, "?theme=dark");
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(page.values("data-theme"), ["dark"]);
    assert!(page.attributes.contains(&("button".into(), "aria-pressed".into(), "true".into())));
}

#[test]
fn hostile_texts_stay_texts_in_a_browser() {
    let (page, said) = browse(diary::hostile, "");
    assert_eq!(said, Vec::<String>::new(), "nothing was refused either: nothing was tried");
    assert_eq!((page.count("script"), page.count("img")), (2, 0));
    assert_eq!(page.count("article"), diary::HOSTILE.len());
}

/// The page of a rehearsed acceptance: long names, long states, bodies of changes.
fn rehearsed(dir: &Path) -> PathBuf {
    let state = dir.join("state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.args(["rehearse", "phase-08", "--state-dir"]).arg(&state).env_clear();
    assert!(command.output().unwrap().status.success());
    let mut runs = std::fs::read_dir(state.join("rehearsals/runs")).unwrap();
    runs.next().unwrap().unwrap().path().join("report.html")
}

/// Browsers have no window as narrow as a telephone: a frame stands for it, of the page's own origin, so that it can be measured.
#[test]
fn nothing_is_cut_off_on_a_telephone() {
    let kept = |make: fn(&Path) -> RunReport, dir: &Path| write_all(dir, &make(dir)).unwrap().html;
    let dir = tempfile::tempdir().unwrap();
    let pages = [
        rehearsed(dir.path()),
        kept(diary::accepted, &dir.path().join("accepted")),
        kept(diary::failed, &dir.path().join("failed")),
        kept(diary::hostile, &dir.path().join("hostile")),
    ];
    for (n, page) in pages.iter().enumerate() {
        let text = std::fs::read_to_string(page).unwrap().replace('&', "&amp;").replace('"', "&quot;");
        let measure = "const page = this.contentDocument.documentElement, most = page.clientWidth; \
                       const over = e => e.getBoundingClientRect().right > most + 1; \
                       const name = e => e.tagName + '.' + e.getAttribute('class'); \
                       document.body.dataset.overhang = page.scrollWidth == most ? 'none' : \
                       [...page.querySelectorAll('*')].filter(over).map(name).join(' ')";
        let frame =
            format!(r#"<iframe style="width:375px;border:0" onload="{measure}" srcdoc="{text}"></iframe>"#);
        let path = dir.path().join("telephone.html");
        std::fs::write(&path, format!("<!doctype html><meta charset=utf-8><body>{frame}</body>")).unwrap();
        let (frame, _) = open(&format!("file://{}", path.display()), dir.path());
        assert_eq!(frame.values("data-overhang"), ["none"], "page {n}");
    }
}
