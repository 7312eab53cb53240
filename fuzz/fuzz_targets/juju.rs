//! `juju status --format=json` through the shipped module: any document is judged or refused, within bounds, and none in
//! which a unit is not well is judged as settled.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rhai::{AST, Array, Engine, Scope};
use rhumb::script::{engine, value};
use serde_json::Value;

static JUJU: LazyLock<(Engine, AST)> = LazyLock::new(|| {
    let engine = engine::bare();
    let module = engine.compile(include_str!("../../stdlib/juju.rhai")).expect("the module compiles");
    (engine, module)
});

fuzz_target!(|text: &str| {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return };
    let Ok(status) = value::from_json(&document) else { return };
    let (engine, module) = &*JUJU;
    let allowed: Array = vec!["active".into()];
    let judged = engine.call_fn::<Array>(&mut Scope::new(), module, "unsettled", (status, allowed));
    if let Ok(odd) = judged {
        assert!(!odd.is_empty() || all_well(&document), "settled: {document}");
    }
});

/// Looks at each unit without the module.
fn all_well(document: &Value) -> bool {
    let each = |value: &Value, key: &str| -> Vec<Value> {
        value
            .get(key)
            .and_then(Value::as_object)
            .map(|found| found.values().cloned().collect())
            .unwrap_or_default()
    };
    let mut units: Vec<Value> =
        each(document, "applications").iter().flat_map(|a| each(a, "units")).collect();
    while let Some(unit) = units.pop() {
        let state = |of: &str| unit.get(of).and_then(|s| s.get("current")).and_then(Value::as_str);
        if state("workload-status") != Some("active") || state("juju-status") != Some("idle") {
            return false;
        }
        units.extend(each(&unit, "subordinates"));
    }
    true
}
