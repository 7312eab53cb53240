//! `:watch`: an expression evaluated again and again, with what changed marked.

use std::time::{Duration, Instant};

use super::{Command, Next};
use crate::base::screen::{self, Drawn, Stream, drawn};
use crate::base::{ErrorKind, Result, duration};
use crate::repl::display::{self, Look, difference, table};
use crate::repl::shell::Shell;

/// How often, unless it is said.
const EVERY: Duration = Duration::from_secs(5);

/// The shortest time that a picture of a lab's virtual time stays.
const PICTURE: Duration = Duration::from_millis(500);

/// Watches a value.
pub const WATCH: Command = Command {
    name: "watch",
    arguments: "EXPRESSION [5s]",
    brief: "a value again and again, what changed marked",
    doc: "Shows a value again and again and marks what changed; Ctrl-C ends it.",
    run: watch,
};

fn watch(shell: &mut Shell, text: &str) -> Result<Next> {
    let (expression, every) = match text.rsplit_once(char::is_whitespace) {
        Some((expression, last)) => match duration::parse(last) {
            Ok(every) if !every.is_zero() => (expression.trim(), every),
            _ => (text, EVERY),
        },
        None => (text, EVERY),
    };
    let mut before: Option<Drawn> = None;
    loop {
        let value = match shell.evaluate(expression) {
            Err(e) if e.kind() == ErrorKind::Interrupted => return Ok(Next::Line),
            result => result?,
        };
        let look = shell.look();
        let words = |v: &_| shell.session.words(v);
        let plain = display::draw(&value, &Look { colours: false, ..look }, &words);
        let drawn = match before.as_ref().filter(|before| look.colours && **before != plain) {
            Some(before) => difference::mark(before, &plain),
            None => display::draw(&value, &look, &words),
        };
        picture(
            shell,
            &drawn,
            &format!("{expression}, every {}", duration::show(every)),
            before.as_ref() == Some(&plain),
        )?;
        before = Some(plain);
        let (run, began) = (shell.session.run(), Instant::now());
        if run.clock().sleep(every, &run.cancel().token()).is_err() {
            screen::complain(&drawn!("watched\n"));
            return Ok(Next::Line);
        }
        // a lab's time jumps; people's does not
        std::thread::sleep(PICTURE.min(every).saturating_sub(began.elapsed()));
        if run.cancel().is_cancelled() {
            return Ok(Next::Line);
        }
    }
}

/// On a terminal the screen anew; in a script what is new.
fn picture(shell: &Shell, value: &Drawn, title: &str, same: bool) -> Result<()> {
    let now = shell.session.run().clock().now().strftime("%H:%M:%SZ").to_string();
    let look = shell.look();
    if !shell.terminal {
        return if same { Ok(()) } else { shell.show(&drawn!("{}\n{}", now, value)) };
    }
    let title = screen::line(&format!("{now} {title}; Ctrl-C ends")).into_owned();
    let title = look.paint(table::DIM, table::cut(&title, look.width.unwrap_or(80)));
    let rows = Stream::Out.size().map_or(24, |(lines, _)| lines).saturating_sub(2);
    let shown = Drawn::join(value.split().take(rows), "\n");
    screen::picture(&drawn!("{}\n{}\n", title, shown));
    Ok(())
}
