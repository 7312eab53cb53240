//! What is written into a journal can be read, whatever it is.

use proptest::prelude::*;
use rhumb::run::{Record, readable};
use serde_json::{Value, json};

use super::records::{Bytes, KINDS, number, round_trip};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 1024 }))]

    #[test]
    fn every_record_is_read_as_it_was_shown(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = Bytes(&bytes);
        let mut records: Vec<Record> = (0..KINDS).map(|kind| bytes.of_kind(kind)).collect();
        records.push(bytes.record());
        let kinds: Vec<usize> = records.iter().map(number).collect();
        let read = round_trip(records);
        prop_assert_eq!(read.iter().map(number).collect::<Vec<_>>(), kinds);
    }
}

fn fact(value: Value) -> Record {
    Record::Fact { step: "1".into(), name: "x".into(), value }
}

fn value_of(record: &Record) -> &Value {
    match record {
        Record::Fact { value, .. } | Record::Outcome { value, .. } => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_deeper_than_is_said_is_kept_whole_and_deeper_things_say_that_they_were_cut() {
    let nested = |levels: usize| (0..levels).fold(json!("core"), |inner, _| json!([inner]));
    for levels in [1, 89, readable::DEEPEST - 1] {
        assert_eq!(value_of(&round_trip(vec![fact(nested(levels))])[0]), &nested(levels), "{levels}");
    }
    for levels in [readable::DEEPEST, 126, 127, 128, 130, 1_000] {
        let outcome =
            Record::Outcome { intent: 1, value: nested(levels), error: Value::Null, settled: false };
        for record in round_trip(vec![outcome, fact(nested(levels))]) {
            let text = value_of(&record).to_string();
            assert!(text.contains(readable::CUT) && !text.contains("core"), "{levels}: {text}");
        }
    }
}

#[test]
fn keys_that_mean_something_to_the_reader_are_kept_under_another_name() {
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for inner in [json!(1), json!("[1, 2"), json!("1"), json!([])] {
            let read = round_trip(vec![fact(json!({ key: inner, "a.b": 1 }))]);
            assert!(read[0] != fact(Value::Null), "{key} {inner}");
        }
    }
}

#[test]
fn numbers_at_the_edges_come_back_as_they_were() {
    let numbers = json!([i64::MIN, i64::MAX, u64::MAX, 0.1, -0.0, 1e308, 5e-324, 1.5]);
    assert_eq!(value_of(&round_trip(vec![fact(numbers.clone())])[0]), &numbers);
    let wait = |every| Record::WaitBegin { step: "1".into(), wait: 1, title: "x".into(), every, within: 1.0 };
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(round_trip(vec![wait(odd)]), [wait(0.0)], "a time that is none");
    }
}
