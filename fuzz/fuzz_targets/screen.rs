//! Names to a terminal screen: whatever a service, a file or a script states, no byte outside of printable text, colours of the
//! host and line feeds reaches a terminal, and no line that the host did not write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::{Error, ErrorKind, screen};
use rhumb::lint;
use rhumb::repl::display::{self, Look, table};
use rhumb::script::diagnostic::Report;
use rhumb::script::value;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let text = &*String::from_utf8_lossy(bytes);
    let line = screen::line(text);
    assert!(!line.contains(screen::is_hidden), "{line:?}");
    assert_eq!(screen::line(&line), line, "what people see is seen as it is");

    let document = serde_json::to_string(text).expect("a text is JSON");
    let shown = screen::json(&document);
    assert!(!shown.contains(screen::is_hidden), "{shown:?}");
    assert_eq!(serde_json::from_str::<String>(&shown).expect("it stays JSON"), text);

    let error = Error::new(ErrorKind::Failed, text).cause(text).help(text).scope(text).place(text, 1, 1);
    sound(
        &Report::plain(&error)
            .pointing(text, text, 1 + bytes.len() % 3, bytes.len() % 7, "here")
            .draw(80, true),
        None,
    );

    let look = Look { width: Some(80), colours: true };
    let rows = [json!({"id": "1", "name": text, "status": text}), json!({"id": text, "name": "web"})];
    let columns = ["id", "name", "status"].map(String::from);
    sound(&table::draw(&columns, &rows, None, &look), Some(3 + 1));
    let thing = json!({"name": text, "status": text, "conditions": [{"type": text, "message": text}]});
    sound(&display::draw(&value::from_json(&thing).expect("a value"), &look, &|v| v.to_string()), Some(5));

    sound(&lint::lint(&[lint::Text { file: text.into(), text: text.into() }]).draw(80, true), None);
});

/// Fails unless a page is printable text, colours and at most so many lines.
fn sound(page: &str, most: Option<usize>) {
    let mut rest = page;
    while let Some(at) = rest.find(|c: char| c != '\n' && screen::is_hidden(c)) {
        let parameters = rest[at..].strip_prefix("\u{1b}[").expect("a colour");
        let end = parameters.find(|c: char| !matches!(c, '0'..='9' | ';')).expect("the end of a colour");
        rest = parameters[end..].strip_prefix('m').expect("a colour and no other sequence");
    }
    assert!(most.is_none_or(|most| page.lines().count() <= most), "{page}");
}
