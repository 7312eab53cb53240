//! What was meant by a name that nothing goes by: at three in the morning a typing error should say so.

use super::candidates;
use super::cursor::{Cursor, Typing};
use super::session::Session;
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind};

/// Help with an error that a text of the session came to; `None` where there is none to give.
pub fn help(session: &Session, text: &str, error: &Error) -> Option<String> {
    let what = Some(error.detail()).filter(|d| d.kind == ErrorKind::Script)?.what.as_str();
    let variable = ["Variable not found: ", "Syntax error: Undefined variable: "];
    if let Some(name) = variable.iter().find_map(|beginning| what.strip_prefix(beginning)) {
        let there = session.variables().iter().any(|v| v == name) || session.handles().get(name).is_some();
        return match there {
            true => Some(format!(
                "a `fn` sees only what it is called with: give it `{name}`, or write a closure: `let f = |a| …;`"
            )),
            false => near(session, text, name),
        };
    }
    // the types of the arguments stand behind the name
    near(session, text, what.strip_prefix("Function not found: ")?.split(' ').next()?)
}

/// The nearest name that could stand where this one was typed.
fn near(session: &Session, text: &str, path: &str) -> Option<String> {
    let name = path.rsplit("::").next()?;
    let identifier = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let at = text.find(name).filter(|_| identifier)?;
    let typing = Cursor::at(text, at + name.len()).typing;
    let there = candidates::there(session, &typing);
    let names: Vec<&str> = there.iter().map(|n| n.trim_end_matches(['(', ')', ':'])).collect();
    let whole = |name: &str| match &typing {
        Typing::Function(module) => format!("{module}::{name}"),
        _ => name.to_string(),
    };
    match names.contains(&name) {
        true => Some(format!("it takes other arguments: `help {}` tells which", whole(name))),
        false => nearest(name, names).map(|near| format!("did you mean `{}`?", whole(near))),
    }
}
