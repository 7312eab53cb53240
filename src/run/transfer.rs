//! How far a file has come that is on its way, for whoever watches. It is not journaled: what came of it is.

use std::time::Duration;

use super::state::Run;
use crate::base::duration;
use crate::base::secret::masked;

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What is on its way: `upload ubuntu.qcow2`.
    pub title: String,
    /// Bytes that have come.
    pub done: u64,
    /// Bytes of the whole, where it is known.
    pub total: Option<u64>,
    /// Since it began.
    pub elapsed: Duration,
}

impl Transfer {
    /// `1.2 GiB of 3.0 GiB (40%), 96.1 MiB/s`
    pub fn shown(&self) -> String {
        let mut text = duration::show_size(self.done);
        if let Some(total) = self.total {
            text.push_str(&format!(" of {}", duration::show_size(total)));
            if let Some(percent) = self.done.saturating_mul(100).checked_div(total) {
                text.push_str(&format!(" ({percent}%)"));
            }
        }
        match self.elapsed.as_millis() {
            0 => text,
            millis => {
                let rate = u128::from(self.done).saturating_mul(1000) / millis;
                let rate = u64::try_from(rate).unwrap_or(u64::MAX);
                format!("{text}, {}/s", duration::show_size(rate))
            }
        }
    }
}

impl Run {
    /// Shows how far a file has come.
    pub fn transferring(&self, transfer: &Transfer) {
        let title = masked(transfer.title.clone());
        self.shared().observer.transferring(&Transfer { title, ..transfer.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_told_in_a_few_words() {
        let elapsed = Duration::from_secs(2);
        let of = |done, total| Transfer { title: "x".into(), done, total, elapsed }.shown();
        assert_eq!(of(512 << 20, Some(1 << 30)), "512.0 MiB of 1.0 GiB (50%), 256.0 MiB/s");
        assert_eq!(of(10, None), "10 B, 5 B/s");
        assert_eq!(of(0, Some(0)), "0 B of 0 B, 0 B/s");
    }
}
