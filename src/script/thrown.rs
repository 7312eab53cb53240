//! The bridge between Rhai's errors and ours: what a script may catch, and what it may not.

use rhai::{Dynamic, EvalAltResult, ImmutableString, Position};

use crate::base::{Error, ErrorKind};
use crate::run::{Ending, Unwind, frame};

/// A Rhai error on its way up.
#[derive(Debug)]
pub struct Thrown(pub Box<EvalAltResult>);

/// An error of ours inside a Rhai error, as a script sees it in `catch (e)`.
#[derive(Clone, Debug)]
pub struct Fault(pub Error);

impl From<Error> for Thrown {
    /// An error on its way into a script. The frame keeps it first, unless a script may catch it.
    fn from(error: Error) -> Self {
        frame::meet_error(&error);
        Thrown(Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(Fault(error)), Position::NONE)))
    }
}

impl From<Box<EvalAltResult>> for Thrown {
    fn from(error: Box<EvalAltResult>) -> Self {
        Thrown(error)
    }
}

impl From<Thrown> for Box<EvalAltResult> {
    fn from(thrown: Thrown) -> Self {
        thrown.0
    }
}

/// One call on the way to the error, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function, or `a closure`, or `import`.
    pub name: String,
    /// Logical name of the text the call stands in; empty is the runbook's own.
    pub source: String,
    /// Where the call stands.
    pub position: Position,
}

impl Thrown {
    /// The innermost Rhai error, its source and position, and the calls that led to it.
    pub fn unravel(&self) -> (&EvalAltResult, String, Position, Vec<Call>) {
        let (mut at, mut source, mut calls) = (&*self.0, String::new(), Vec::new());
        loop {
            let (name, inside, inner, position) = match at {
                EvalAltResult::ErrorInFunctionCall(name, inside, inner, p) => {
                    let anonymous = name.starts_with("anon$") || name.is_empty();
                    (if anonymous { "a closure" } else { name }, inside.clone(), inner, *p)
                }
                EvalAltResult::ErrorInModule(path, inner, p) => ("import", path.clone(), inner, *p),
                _ => break,
            };
            calls.push(Call { name: name.to_string(), source: source.clone(), position });
            if !inside.is_empty() {
                source = inside;
            }
            at = inner;
        }
        let mut position = at.position();
        // an error of a primitive has no position of its own: its call does
        if position.is_none()
            && let Some(call) = calls.iter().rev().find(|c| !c.position.is_none())
        {
            (position, source) = (call.position, call.source.clone());
        }
        (at, source, position, calls)
    }

    /// Ends the present step.
    pub fn ending(ending: Ending) -> Self {
        frame::meet(ending);
        Thrown::stopped()
    }

    /// The error of ours in it, unless a script threw something else.
    pub fn fault(&self) -> Option<Error> {
        match self.unravel().0 {
            EvalAltResult::ErrorRuntime(token, _) => token.clone().try_cast::<Fault>().map(|Fault(e)| e),
            _ => None,
        }
    }
}

impl Unwind for Thrown {
    fn stopped() -> Self {
        Thrown(Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE)))
    }

    fn is_stopped(&self) -> bool {
        matches!(self.unravel().0, EvalAltResult::ErrorTerminated(..))
    }

    /// With the script's place.
    fn error(&self) -> Error {
        let (inner, source, position, _) = self.unravel();
        let error = match inner {
            EvalAltResult::ErrorRuntime(token, _) => thrown_by_script(token),
            EvalAltResult::ErrorTerminated(..) => match frame::met() {
                Some(ending) => ending.error(),
                None => Error::new(ErrorKind::Interrupted, "interrupted"),
            },
            other => script_error(other),
        };
        match position.line() {
            Some(line) => error.place(source, line, position.position().unwrap_or(0)),
            None => error,
        }
    }
}

/// `throw` of a script: our error thrown again, or any value.
fn thrown_by_script(token: &Dynamic) -> Error {
    if let Some(Fault(e)) = token.clone().try_cast::<Fault>() {
        return e;
    }
    let text = match token.clone().try_cast::<ImmutableString>() {
        Some(text) => text.to_string(),
        None => super::value::evidence(token).to_string(),
    };
    Error::new(ErrorKind::Failed, text)
}

/// An error of the language itself, without the place that Rhai adds to its text.
fn script_error(error: &EvalAltResult) -> Error {
    let text = match error {
        EvalAltResult::ErrorPropertyNotFound(name, _) => format!("no field `{name}`"),
        other => without_place(other),
    };
    let mut bare = Error::new(ErrorKind::Script, text);
    if let EvalAltResult::ErrorTooManyOperations(..)
    | EvalAltResult::ErrorStackOverflow(..)
    | EvalAltResult::ErrorDataTooLarge(..) = error
    {
        bare = bare.help("a runbook is small: this is a loop or a growth without an end");
    }
    if let EvalAltResult::ErrorPropertyNotFound(..) | EvalAltResult::ErrorIndexNotFound(..) = error {
        bare = bare.help("a field that may be missing is read with `.get(\"name\")`, which gives () then");
    }
    if let EvalAltResult::ErrorDataRace(name, _) = error {
        // what is not a variable of the script Rhai calls `argument #1 of function 'filter'`
        let named = if name.contains(' ') { "THE_VARIABLE" } else { name.as_str() };
        bare = bare.help(format!(
            "a closure may not use the variable whose own method runs it: give the closure another one (`let other = {named};` before the call)"
        ));
    }
    bare
}

/// A Rhai error's text without the place that it appends.
pub(super) fn without_place(error: &EvalAltResult) -> String {
    let text = error.to_string();
    let place = error.position();
    let end = match (place.line(), place.position()) {
        (Some(line), Some(column)) => format!(" (line {line}, position {column})"),
        (Some(line), None) => format!(" (line {line})"),
        _ => return text,
    };
    text.strip_suffix(&end).unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use rhai::Position;

    use super::*;

    #[test]
    fn the_help_of_a_data_race_is_code_that_can_be_written() {
        let help = |name: &str| {
            let race = EvalAltResult::ErrorDataRace(name.into(), Position::NONE);
            script_error(&race).detail().help.clone().unwrap_or_default()
        };
        assert!(help("all").contains("`let other = all;`"), "{}", help("all"));
        let unnamed = help("argument #1 of function 'filter'");
        assert!(unnamed.contains("`let other = THE_VARIABLE;`"), "{unnamed}");
    }
}
