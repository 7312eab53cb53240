//! Times of day in reports: always UTC, to the second.

use jiff::Timestamp;

/// `2026-06-10 02:00:00 UTC`.
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `02:00:00`, beside a date that is told elsewhere.
pub fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// When a run was at work: begin to end with each date told once; `unknown` for an empty journal.
pub fn span(began: Option<Timestamp>, ended: Option<Timestamp>) -> String {
    match (began, ended) {
        (Some(began), Some(ended))
            if began.strftime("%F").to_string() == ended.strftime("%F").to_string() =>
        {
            format!("{} to {} UTC", began.strftime("%Y-%m-%d %H:%M:%S"), time(ended))
        }
        (Some(began), Some(ended)) => format!("{} to {}", stamp(began), stamp(ended)),
        _ => "unknown".into(),
    }
}
