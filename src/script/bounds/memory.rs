//! The memory of a run. What scripts hold is bounded by what the process has grown since the run began: there are many
//! ways to hold something, and one kernel that counts it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use crate::base::{Error, ErrorKind};

/// How much a process may grow in a run.
const GROWTH: usize = 512 << 20;

/// How much more it may grow, each time that the bound was reached: clean-ups run behind it.
const RESERVE: usize = 64 << 20;

/// Operations of a thread between two looks at the clock. One operation makes a string at most.
const OPERATIONS: u32 = 8;

/// Microseconds between two looks at the memory, which cost some of them.
const PAUSE: u64 = 2_000;

thread_local! {
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// The memory that a run may take.
#[derive(Debug)]
pub struct Memory {
    began: Instant,
    /// When it was looked at, in microseconds since the beginning.
    looked: AtomicU64,
    /// Bytes that the process may have.
    most: AtomicUsize,
}

impl Default for Memory {
    /// What a run may take that begins now: half of what the process may have, if that is little.
    fn default() -> Self {
        let now = resident().unwrap_or(0);
        let allowed = allowed().map_or(GROWTH, |all| (all.saturating_sub(now) / 2).min(GROWTH));
        Memory { began: Instant::now(), looked: AtomicU64::new(0), most: AtomicUsize::new(now + allowed) }
    }
}

impl Memory {
    /// Whether the bound is reached; asked at each operation of a script. Once it was, there is some more room, so
    /// that the clean-ups can run.
    ///
    /// # Errors
    /// [`ErrorKind::Script`].
    pub fn ask(&self) -> Result<(), Error> {
        let turn = TURN.with(|turn| turn.replace((turn.get() + 1) % OPERATIONS));
        if turn != 0 {
            return Ok(());
        }
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.looked.load(Ordering::Relaxed)) < PAUSE {
            return Ok(());
        }
        self.looked.store(now, Ordering::Relaxed);
        let (Some(has), most) = (resident(), self.most.load(Ordering::Relaxed)) else { return Ok(()) };
        if has <= most {
            return Ok(());
        }
        self.most.store(has + RESERVE, Ordering::Relaxed);
        let what = format!("this run takes more than {} MiB of memory", most >> 20);
        Err(Error::new(ErrorKind::Script, what)
            .help("a runbook is small: this is a growth without an end; keep the fields that matter"))
    }
}

/// Bytes that the process has in memory.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

/// Bytes that the process may have: by its limits, and in a container.
fn allowed() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    limit.into_iter().chain(group).min().and_then(|all| usize::try_from(all).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_that_is_reached_leaves_room_for_the_clean_ups() {
        let memory = Memory { most: AtomicUsize::new(1 << 20), ..Memory::default() };
        std::thread::sleep(std::time::Duration::from_millis(3));
        let errors: Vec<Error> = (0..OPERATIONS * 2).filter_map(|_| memory.ask().err()).collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].to_string(), "this run takes more than 1 MiB of memory");
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert!((0..OPERATIONS).all(|_| memory.ask().is_ok()));
    }

    #[test]
    fn the_kernel_tells_what_the_process_has() {
        let before = resident().unwrap();
        let held = vec![1u8; 64 << 20];
        assert!(resident().unwrap() > before + (48 << 20), "{}", held.len());
    }
}
