//! The primitives, one file a family. Each family is a list of descriptors.

use std::sync::Arc;

use rhai::{Engine, Module};

use super::adapter::TypeIds;
use super::host::Host;
use super::primitive::Primitive;

pub mod flow;
pub mod gates;
pub mod handles;
pub mod settle;
pub mod text;
pub mod waits;

pub use handles::SiteHandle;

/// The end of a Rust type's name, and its name in scripts.
pub const TYPE_NAMES: &[(&str, &str)] = &[("Span", "Duration"), ("Secret", "Secret"), ("Fault", "Error")];

/// Every primitive, in the order of the reference.
pub fn all() -> Vec<&'static Primitive> {
    [flow::ALL, settle::ALL, gates::ALL, waits::ALL, text::ALL].into_iter().flatten().copied().collect()
}

/// The types that primitives are called on.
pub fn type_ids() -> TypeIds {
    TypeIds::new()
}

/// Registers the types of ours: how they print, compare, and answer for fields.
pub fn register_types(engine: &mut Engine, host: &Arc<Host>) -> TypeIds {
    let _ = host;
    text::register_secret(engine);
    gates::register_fault(engine);
    type_ids()
}

/// The module that makes `site` visible everywhere, inside functions as well.
pub fn site_module(host: &Arc<Host>) -> Module {
    let mut module = Module::new();
    module.set_var("site", host.site.clone());
    module
}
