//! A kubeconfig is taken or refused; no refusal quotes a credential.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::Secret;
use rhumb::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource};
use serde_json::Value;

/// The token and the password of the seeds.
const CREDENTIAL: &str = "q7VxK9zP";

/// Where a credential may stand. What stands elsewhere is a name, an address or a program, and a refusal says which.
const SECRET: [&str; 7] =
    ["token", "password", "client-key-data", "client-certificate-data", "args", "env", "config"];

thread_local! {
    // a client is made in a runtime, and asks nothing here
    static RUNTIME: tokio::runtime::Runtime = {
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers")
    };
}

fuzz_target!(|text: &str| {
    let source = KubeconfigSource::Fetched(Secret::new(text.to_string()));
    let spec = KubeSpec { name: "k".into(), source, context: None, expected: Expected::default() };
    RUNTIME.with(|runtime| {
        let _inside = runtime.enter();
        if let Err(e) = Kube::new(&spec, None, None)
            && !serde_saphyr::from_str(text).is_ok_and(|document| names_it(&document))
        {
            let said = format!("{e} {:?}", e.detail());
            assert!(!said.contains(CREDENTIAL), "the error quotes the file: {said}");
        }
    });
});

/// Whether the fuzzer has put the credential where a name belongs.
fn names_it(part: &Value) -> bool {
    match part {
        Value::String(text) => text.contains(CREDENTIAL),
        Value::Array(parts) => parts.iter().any(names_it),
        Value::Object(parts) => parts.iter().any(|(key, part)| {
            key.contains(CREDENTIAL) || (!SECRET.contains(&key.as_str()) && names_it(part))
        }),
        _ => false,
    }
}
