//! Floor 2: what a site is: its scopes, clusters, hosts, tools and endpoints, the values of the procedures,
//! the layers its scripts come from, and what it excuses.
//!
//! Everything here comes from the site directory and from files that it names. Nothing is taken from
//! `OS_*`, `KUBECONFIG`, proxy variables or the working directory.

mod access;
mod at_hand;
pub mod credentials;
mod declare;
pub mod document;
mod excuses;
mod extra;
mod file;
mod layers;
mod paths;
pub mod trust;
mod values;
mod wiring;

pub use access::Reach;
pub use declare::{
    CloudDecl, CloudSource, EndpointDecl, HostDecl, HostKeys, KubeDecl, KubeSource, Late, Lock, Narrow,
    ProjectDecl, RunPolicy, ScopeDecl, ToolDecl, Variable, is_name,
};
pub use excuses::{Excuse, Excuses, Failure, KnownIssue, Requirement, Signature, Waiver};
pub use extra::{Extra, ExtraValue};
pub use file::Site;
pub use layers::{Audit, Layer, Layers, Listing, LogicalName, ScriptKind, Source};
pub use values::{Kind, Lookup, Origin, SameAs, Schema, Setting, Value, ValueDecl, Values};
pub use wiring::{Machine, Wiring};
