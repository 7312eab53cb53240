//! A kubeconfig is taken or refused; no refusal quotes a credential.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rhumb::base::Secret;
use rhumb::systems::kubernetes::{Expected, Kube, KubeSpec, KubeconfigSource};

/// The token and the password of the seeds.
const CREDENTIAL: &str = "q7VxK9zP";

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
        if let Err(e) = Kube::new(&spec, None, None) {
            let said = format!("{e} {:?}", e.detail());
            assert!(!said.contains(CREDENTIAL), "the error quotes the file: {said}");
        }
    });
});
