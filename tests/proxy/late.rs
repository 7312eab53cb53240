//! Requests that are on their way for a while.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rhumb::base::{CancellationToken, Clock};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// A way that late requests go, one behind the other.
pub(super) struct Lane {
    clock: Arc<dyn Clock>,
    runtime: Handle,
    queue: Arc<(Mutex<Queue>, Condvar)>,
}

#[derive(Default)]
struct Queue {
    /// When each is due, by its number.
    due: BTreeMap<u64, Duration>,
    next: u64,
}

impl Lane {
    pub(super) fn new(clock: Arc<dyn Clock>, runtime: Handle) -> Lane {
        Lane { clock, runtime, queue: Arc::default() }
    }

    pub(super) fn held(&self) -> usize {
        self.queue.0.lock().unwrap().due.len()
    }

    /// Does something after a time, and behind all that was held before. What came of it is sent.
    pub(super) fn hold<T: Send + 'static>(
        &self,
        after: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        // it takes part in the clock from now on, or time would jump over it
        self.clock.enter();
        let (number, wait) = {
            let mut queue = self.queue.0.lock().unwrap();
            let now = self.clock.elapsed();
            let before = queue.due.values().next_back().copied().unwrap_or_default();
            let (number, due) = (queue.next, before.max(now + after));
            queue.next += 1;
            queue.due.insert(number, due);
            (number, due - now)
        };
        let (clock, runtime, queue) = (self.clock.clone(), self.runtime.clone(), self.queue.clone());
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || {
            let _ = clock.sleep(wait, &CancellationToken::new());
            let (lock, gone) = &*queue;
            let mut held = lock.lock().unwrap();
            while held.due.keys().next() != Some(&number) {
                held = gone.wait(held).unwrap();
            }
            drop(held);
            let _ = tell.send(runtime.block_on(work));
            lock.lock().unwrap().due.remove(&number);
            gone.notify_all();
            clock.leave();
        });
        told
    }
}
