//! Records of a journal, written and read again: whatever they hold, what is read is what was shown.

#![no_main]

#[path = "../../tests/adversary/sandbox/records.rs"]
mod records;

use libfuzzer_sys::fuzz_target;
use records::{Bytes, round_trip};

/// Records of one input; more only costs time.
const MOST: usize = 16;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let mut made = Vec::new();
    while !bytes.0.is_empty() && made.len() < MOST {
        made.push(bytes.record());
    }
    round_trip(made);
});
