//! What a value weighs as a text, with all that is in it. A string that many fields share is one string in memory and
//! many in a text, so the language's own bounds do not see it.

use rhai::{Array, Blob, Dynamic, ImmutableString, Map};

use crate::base::{Error, ErrorKind, Result};
use crate::script::handles;

/// Most bytes of a value that is handed to a primitive, recorded or sent.
pub const LARGEST: usize = 64 << 20;

/// How deep a value may be nested that is handed to a primitive, recorded or sent. With what a record adds it stays
/// below what readers of JSON take.
pub const DEEPEST: usize = 90;

/// Bytes that a number, a bracket or a comma takes, more or less.
const MARK: usize = 8;

/// Why a value does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is nested too deep.
    Deep,
    /// It has too many bytes.
    Large,
}

/// What is left of a bound while a value is gone through.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    bytes: usize,
    levels: usize,
    /// Whether a resource counts with all that the service answered.
    with_answers: bool,
}

impl Room {
    /// A bound in bytes and levels.
    pub fn new(bytes: usize, levels: usize) -> Self {
        Room { bytes, levels, with_answers: true }
    }

    /// The same for what goes through a value and looks into no resource.
    #[must_use]
    pub fn without_answers(self) -> Self {
        Room { with_answers: false, ..self }
    }

    /// Takes bytes of it.
    ///
    /// # Errors
    /// [`Excess::Large`] where so many are not left.
    pub fn take(&mut self, bytes: usize) -> Result<(), Excess> {
        let left = self.bytes.checked_sub(bytes.saturating_add(MARK));
        self.bytes = left.unwrap_or(0);
        left.map(drop).ok_or(Excess::Large)
    }

    /// Goes one level down for some work.
    ///
    /// # Errors
    /// [`Excess::Deep`] where no level is left; those of the work.
    pub fn down<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Excess>) -> Result<T, Excess> {
        self.levels = self.levels.checked_sub(1).ok_or(Excess::Deep)?;
        let done = work(self);
        self.levels += 1;
        done
    }
}

/// Goes through a value, as far as there is room for it.
///
/// # Errors
/// Why it does not fit.
pub fn weigh(value: &Dynamic, room: &mut Room) -> Result<(), Excess> {
    if let Some(map) = value.read_lock::<Map>() {
        return room.down(|room| {
            map.iter().try_for_each(|(key, value)| room.take(key.len()).and_then(|()| weigh(value, room)))
        });
    }
    if let Some(list) = value.read_lock::<Array>() {
        return room.down(|room| list.iter().try_for_each(|value| weigh(value, room)));
    }
    let answers = room.with_answers;
    room.take(match value.read_lock::<ImmutableString>() {
        Some(text) => text.len(),
        None if value.is_blob() => value.read_lock::<Blob>().map_or(0, |blob| blob.len() * MARK),
        None if answers => handles::size(value),
        None => 0,
    })
}

/// Holds that a value can be handed on. `what` says which it is.
///
/// # Errors
/// [`ErrorKind::Script`]: no script goes on with half a value.
pub fn check(value: &Dynamic, what: impl FnOnce() -> String) -> Result<()> {
    weigh(value, &mut Room::new(LARGEST, DEEPEST)).map_err(|excess| {
        let (how, help) = match excess {
            Excess::Deep => (
                format!("is nested deeper than {DEEPEST} levels"),
                "hand on the part that matters; nothing that a cloud answers is so deep",
            ),
            Excess::Large => (
                format!("is larger than {} MiB", LARGEST >> 20),
                "hand on the fields that matter, or a count: a string that many fields share counts in each",
            ),
        };
        Error::new(ErrorKind::Script, format!("{} {how}", what())).help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Dynamic {
        (0..levels).fold(Dynamic::UNIT, |inner, _| Dynamic::from_array(vec![inner]))
    }

    #[test]
    fn depth_is_counted_and_a_value_may_be_as_deep_as_is_said() {
        assert!(check(&nested(DEEPEST), || "x".into()).is_ok());
        let error = check(&nested(DEEPEST + 1), || "`value`".into()).unwrap_err();
        assert_eq!(error.to_string(), "`value` is nested deeper than 90 levels");
        // far more than a stack has room for would be gone through no further than that
        assert_eq!(weigh(&nested(5_000), &mut Room::new(1 << 20, DEEPEST)), Err(Excess::Deep));
    }

    #[test]
    fn a_string_that_many_fields_share_counts_in_each() {
        let shared: Dynamic = "x".repeat(1 << 20).into();
        let map = |n: usize| -> Dynamic {
            (0..n).map(|i| (i.to_string().into(), shared.clone())).collect::<Map>().into()
        };
        assert!(check(&map(63), || "x".into()).is_ok());
        assert_eq!(check(&map(65), || "it".into()).unwrap_err().to_string(), "it is larger than 64 MiB");
    }
}
