//! A terminal that tells all that happened to it besides text.

use std::fmt::Debug;

use vt100::{Callbacks, Parser, Screen};

/// What a terminal did that no text of the host asks for.
#[derive(Default)]
pub struct Events(Vec<String>);

impl Events {
    fn add(&mut self, what: &str, detail: impl Debug) {
        self.0.push(format!("{what} {detail:?}"));
    }
}

impl Callbacks for Events {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.add("bell", ());
    }
    fn visual_bell(&mut self, _: &mut Screen) {
        self.add("visual bell", ());
    }
    fn resize(&mut self, _: &mut Screen, to: (u16, u16)) {
        self.add("resize", to);
    }
    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.add("icon", name);
    }
    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.add("title", title);
    }
    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.add("clipboard", data);
    }
    fn paste_from_clipboard(&mut self, _: &mut Screen, data: &[u8]) {
        self.add("paste", data);
    }
    fn unhandled_char(&mut self, _: &mut Screen, c: char) {
        self.add("character", c);
    }
    fn unhandled_control(&mut self, _: &mut Screen, byte: u8) {
        self.add("control", byte);
    }
    fn unhandled_escape(&mut self, _: &mut Screen, _: Option<u8>, _: Option<u8>, byte: u8) {
        self.add("escape", byte);
    }
    fn unhandled_csi(
        &mut self,
        _: &mut Screen,
        a: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        c: char,
    ) {
        self.add("sequence", (a, parameters, c));
    }
    fn unhandled_osc(&mut self, _: &mut Screen, parameters: &[&[u8]]) {
        self.add("command", parameters);
    }
}

/// A terminal of some size that was sent these bytes.
pub fn shown(bytes: &[u8], rows: usize, columns: usize) -> Parser<Events> {
    let size = |n: usize| u16::try_from(n).unwrap();
    let mut terminal = Parser::new_with_callbacks(size(rows), size(columns), 0, Events::default());
    terminal.process(bytes);
    terminal
}

/// Its rows, without blanks at their ends.
pub fn rows(terminal: &Parser<Events>) -> Vec<String> {
    let (_, columns) = terminal.screen().size();
    let mut rows: Vec<String> =
        terminal.screen().rows(0, columns).map(|row| row.trim_end().to_string()).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

/// Fails unless nothing happened to a terminal but text.
pub fn only_text(terminal: &Parser<Events>, from: &str) {
    let screen = terminal.screen();
    assert!(terminal.callbacks().0.is_empty(), "{from}: {:?}", terminal.callbacks().0);
    let modes = [
        ("alternate screen", screen.alternate_screen()),
        ("application keypad", screen.application_keypad()),
        ("application cursor", screen.application_cursor()),
        ("hidden cursor", screen.hide_cursor()),
        ("bracketed paste", screen.bracketed_paste()),
        ("mouse", screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None),
        ("colour", screen.fgcolor() != vt100::Color::Default || screen.bgcolor() != vt100::Color::Default),
        ("style", screen.bold() || screen.dim() || screen.italic() || screen.underline() || screen.inverse()),
    ];
    for (mode, on) in modes {
        assert!(!on, "{from}: the terminal is left with {mode}");
    }
}

/// Fails unless a page consists of printable text, colours and line feeds, and a terminal shows exactly its lines.
pub fn holds_its_lines(page: &str, from: &str) {
    let mut rest = page;
    while let Some(at) = rest.find(|c: char| c != '\n' && rhumb::base::screen::is_hidden(c)) {
        let colour = rest[at..].strip_prefix("\u{1b}[").and_then(|rest| {
            let end = rest.find(|c: char| !matches!(c, '0'..='9' | ';'))?;
            rest[end..].strip_prefix('m')
        });
        rest =
            colour.unwrap_or_else(|| panic!("{from}: {:?}", rest[at..].chars().take(40).collect::<String>()));
    }
    // the emulator draws nothing for the sign that stands for bytes of no text
    let page = page.replace('\u{fffd}', "?");
    let plain = console::strip_ansi_codes(&page);
    let lines: Vec<&str> = plain.trim_end_matches('\n').split('\n').map(str::trim_end).collect();
    let widest = lines.iter().map(|line| console::measure_text_width(line)).max().unwrap_or(0);
    // the line discipline sends the carriage back
    let terminal = shown(page.replace('\n', "\r\n").as_bytes(), lines.len() + 1, widest.max(20) + 2);
    only_text(&terminal, from);
    let rows = rows(&terminal);
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(rows.get(n).map_or("", String::as_str), *line, "{from}, line {n}");
    }
    assert!(rows.len() <= lines.len(), "{from}: {rows:?}");
}
