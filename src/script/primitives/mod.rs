//! The primitives, one file a family. Each family is a list of descriptors.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Engine, Module};

use super::adapter::TypeIds;
use super::handles::{
    self, Collection, HostHandle, KubeHandle, Object, Resource, Scope, SiteHandle, ToolHandle,
};
use super::host::Host;
use super::primitive::Primitive;

pub mod capacity;
pub(super) mod doubt;
pub mod files;
pub mod flow;
pub mod gates;
pub mod glance;
pub mod hosts;
pub mod kubernetes;
pub mod machine;
pub mod magnum;
pub mod neutron;
pub mod openstack;
pub mod overlay;
pub mod probe;
pub mod settle;
pub mod site;
pub mod slots;
pub mod text;
pub mod waits;

/// The end of a Rust type's name, and its name in scripts.
pub const TYPE_NAMES: &[(&str, &str)] = &[
    ("span::Span", "Duration"),
    ("secret::Secret", "Secret"),
    ("thrown::Fault", "Error"),
    ("openstack::Scope", "Scope"),
    ("openstack::Collection", "Collection"),
    ("openstack::Resource", "Resource"),
    ("kubernetes::KubeHandle", "Kube"),
    ("kubernetes::Object", "Object"),
    ("site::SiteHandle", "Site"),
    ("site::Endpoint", "Endpoint"),
    ("machine::HostHandle", "Host"),
    ("machine::ToolHandle", "Tool"),
    ("machine::CommandOutput", "Output"),
];

/// Every primitive, in the order of the reference.
pub fn all() -> Vec<&'static Primitive> {
    let fixed = [
        flow::ALL,
        settle::ALL,
        gates::ALL,
        waits::ALL,
        text::ALL,
        site::ALL,
        machine::ALL,
        hosts::ALL,
        probe::ALL,
        files::ALL,
        magnum::ALL,
        glance::ALL,
        neutron::ALL,
        capacity::ALL,
        slots::ALL,
        overlay::ALL,
    ];
    fixed.into_iter().flatten().copied().chain(openstack::all()).chain(kubernetes::all()).collect()
}

/// The types that primitives are called on.
pub fn type_ids() -> TypeIds {
    TypeIds::from([
        ("Site", TypeId::of::<SiteHandle>()),
        ("Scope", TypeId::of::<Scope>()),
        ("Collection", TypeId::of::<Collection>()),
        ("Resource", TypeId::of::<Resource>()),
        ("Kube", TypeId::of::<KubeHandle>()),
        ("Object", TypeId::of::<Object>()),
        ("Host", TypeId::of::<HostHandle>()),
        ("Tool", TypeId::of::<ToolHandle>()),
    ])
}

/// Registers the types of ours: how they print, compare, and answer for fields.
pub fn register_types(engine: &mut Engine) {
    text::register_secret(engine);
    gates::register_fault(engine);
    handles::openstack::register(engine);
    handles::kubernetes::register(engine);
    handles::machine::register(engine);
    handles::site::register(engine);
}

/// The module that makes `site` visible everywhere, inside functions as well.
pub fn site_module(host: &Arc<Host>) -> Module {
    let mut module = Module::new();
    module.set_var("site", host.site.clone());
    module
}
