//! Work on several threads at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads, unless the command line says otherwise.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Does something for each number below `count`. What comes of it is in the order of the numbers.
pub(super) fn each<T: Send>(jobs: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let worker = || {
            let mut own = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return own;
                }
                own.push((n, work(n)));
            }
        };
        let threads: Vec<_> = (0..jobs.clamp(1, count.max(1))).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, what)| what).collect()
}
