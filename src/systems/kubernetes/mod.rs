//! Kubernetes: objects of any kind, by what the cluster serves.
//!
//! A [`Kube`] handle is one context of one kubeconfig. It lists, gets and follows objects, reads
//! logs, and carries out a [`KubeCall`] once it is bound, approved and journaled. Requests are
//! built by pure functions (`plan`, `path`) and sent once (`connection`); what an answer means is
//! decided in one place (`refusal`).

mod ask;
mod call;
mod conditions;
mod connection;
mod containers;
mod discovery;
mod events;
mod exec;
mod follow;
mod handle;
mod identity;
mod kind;
mod kubeconfig;
mod mutate;
mod path;
mod plan;
mod read;
mod redact;
mod refusal;
mod resource;
mod select;
mod served;
mod spec;
mod taints;
mod transport;

pub use call::{FIELD_MANAGER, KubeCall, Patch, Propagation};
pub use conditions::{Condition, condition, conditions, former_conditions, unmet};
pub use containers::{Container, Ended, Restarted, containers, restarted};
pub use follow::{Follow, Seen};
pub use handle::Kube;
pub use identity::Identity;
pub use kind::KindName;
pub use mutate::BoundKubeCall;
pub use read::LogPart;
pub use redact::{redacts, secrets};
pub use resource::Resource;
pub use select::{Namespace, ObjectRef, Selection};
pub use served::{Group, GroupVersion, Served};
pub use spec::{Expected, KubeSpec, KubeconfigSource};
pub use taints::{Taint, taints};
