//! Named slots: how many may do a thing at once, also across runs that have one state directory, such as one
//! failover where there is room for one more amphora. Each slot is a locked file that shows its holder.

use std::path::Path;

use super::frame::frame;
use super::lock::{Attempt, Holder, LockFile};
use super::state::{Mode, Run};
use super::who::who;
use crate::base::{Error, ErrorKind, Result};
use crate::site::is_name;

/// Most that may hold a slot of one name at once.
pub const MOST: u32 = 1000;

/// A slot's name. It becomes a file's, so it is a name and never a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotName(String);

impl SlotName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for what is none.
    pub fn new(name: &str) -> Result<Self> {
        if is_name(name) {
            return Ok(SlotName(name.to_string()));
        }
        let shown: String = name.chars().take(80).collect();
        Err(Error::new(ErrorKind::Argument, format!("`{}` cannot be the name of a slot", shown.escape_debug()))
            .help("a name has lower-case letters, digits, `-` and `_`, begins with a letter or a digit, and has at most 64 characters"))
    }

    /// As a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A held slot. Ends with the value, and with the process however it ends.
#[derive(Debug)]
pub struct Slot {
    #[allow(dead_code, reason = "held for its lock, never read")]
    file: LockFile,
    /// A holder before this one that was cut off.
    pub left: Option<Holder>,
}

/// What came of trying to take a slot.
#[derive(Debug)]
pub enum Taken {
    /// It is taken.
    Slot(Slot),
    /// All are held, by these.
    Busy(Vec<Holder>),
}

impl Run {
    /// Takes one of `count` slots of a name for the present step, if one is free. All share them that name one
    /// directory; without one, all runs whose own directories lie beside this one's.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] for a file that cannot be locked.
    pub fn take_slot(&self, name: &SlotName, count: u32, shared: Option<&Path>) -> Result<Taken> {
        let run = self.directory();
        let directory = match (self.mode(), shared) {
            // a rehearsal keeps nobody out but its own branches
            (Mode::Rehearse, _) => run.join("slots"),
            (_, Some(shared)) => shared.to_path_buf(),
            (_, None) => run.parent().and_then(Path::parent).unwrap_or(&run).join("slots"),
        };
        let holder = Holder {
            run: run.file_name().map_or_else(String::new, |id| id.to_string_lossy().into_owned()),
            by: who(),
            pid: std::process::id(),
            since: self.clock().now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            step: frame().map(|f| f.step.clone()),
        };
        take(&directory, name, count, &holder)
    }
}

/// Takes one of `count` slots of a name, in a directory that all who share them have in common.
fn take(directory: &Path, name: &SlotName, count: u32, holder: &Holder) -> Result<Taken> {
    let mut busy = Vec::new();
    for n in 1..=count.min(MOST) {
        match LockFile::attempt(&directory.join(format!("{}-{n}.lock", name.as_str())), holder)? {
            Attempt::Taken(file, left) => return Ok(Taken::Slot(Slot { file, left })),
            Attempt::Busy(other) => busy.extend(other),
        }
    }
    Ok(Taken::Busy(busy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(run: &str) -> Holder {
        Holder {
            run: run.into(),
            by: "ops@jump".into(),
            pid: 7,
            since: "02:00".into(),
            step: Some("5.2".into()),
        }
    }

    fn amphora() -> SlotName {
        SlotName::new("amphora").unwrap()
    }

    #[test]
    fn as_many_as_there_are_can_be_held_and_the_next_is_told_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let take = |run: &str| take(dir.path(), &amphora(), 2, &holder(run)).unwrap();
        let Taken::Slot(first) = take("r1") else { panic!("one is free") };
        let Taken::Slot(_second) = take("r2") else { panic!("another is free") };
        let Taken::Busy(holders) = take("r3") else { panic!("none is free") };
        assert_eq!(holders, [holder("r1"), holder("r2")]);
        drop(first);
        let Taken::Slot(third) = take("r3") else { panic!("one is free again") };
        assert_eq!(third.left, None);
    }

    #[test]
    fn a_slot_that_a_dead_process_held_is_free_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let text = serde_json::to_string(&holder("dead")).unwrap();
        std::fs::write(dir.path().join("amphora-1.lock"), text).unwrap();
        let Taken::Slot(slot) = take(dir.path(), &amphora(), 1, &holder("r1")).unwrap() else {
            panic!("nobody holds it")
        };
        assert_eq!(slot.left, Some(holder("dead")));
    }

    #[test]
    fn a_name_is_a_name() {
        for name in ["amphora", "0", "a-b_c9", &"x".repeat(64)] {
            assert_eq!(SlotName::new(name).unwrap().as_str(), name);
        }
        let long = "x".repeat(65);
        for name in [
            "",
            ".",
            "..",
            "../../x",
            "/etc/x",
            "a/b",
            "a.b",
            "A",
            "-a",
            "_a",
            "a b",
            "a\0",
            "a\n",
            "ä",
            "a\u{202e}",
            &long,
        ] {
            assert_eq!(SlotName::new(name).unwrap_err().kind(), ErrorKind::Argument, "{name:?}");
        }
    }
}
