//! When a read is tried again. A change never is.

use std::time::Duration;

use crate::base::{ErrorKind, Result};

use super::answer::Answer;

/// How often and how long reads are tried. Few and short: whoever polls tolerates a busy service anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Requests in all; 1 is no retry.
    pub tries: u32,
    /// The first pause, in real time; each further one is three times as long.
    pub pause: Duration,
    /// Most real time for all pauses. A `Retry-After` beyond it ends the tries.
    pub budget: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { tries: 3, pause: Duration::from_millis(200), budget: Duration::from_secs(2) }
    }
}

impl Retry {
    /// One request, whatever comes.
    pub const NEVER: Retry = Retry { tries: 1, pause: Duration::ZERO, budget: Duration::ZERO };

    /// How long to pause after try number `tried` (from 1) ended so, with `paused` spent before;
    /// `None` where the outcome stands.
    pub(in crate::systems) fn pause_after(
        &self,
        tried: u32,
        paused: Duration,
        outcome: &Result<Answer>,
    ) -> Option<Duration> {
        if tried >= self.tries {
            return None;
        }
        let asked = match outcome {
            Ok(answer) => matches!(answer.status, 429 | 502..=504)
                .then(|| retry_after(answer))
                .map(Option::unwrap_or_default),
            Err(error) => (error.kind() == ErrorKind::Unreachable).then_some(Duration::ZERO),
        }?;
        let pause = asked.max(self.pause.saturating_mul(3u32.saturating_pow(tried - 1)));
        (paused + pause <= self.budget).then_some(pause)
    }
}

/// The seconds of a `Retry-After` header. A date in it is taken as "not soon".
fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header("retry-after")?;
    Some(text.trim().parse().map_or(Duration::MAX, Duration::from_secs))
        .map(|d| d.min(Duration::from_secs(86_400)))
}
