//! Kubernetes: objects of any kind, by what the cluster serves.
//!
//! A [`Kube`] handle is one context of one kubeconfig. It lists, gets and follows objects, reads
//! logs, and carries out a [`KubeCall`] once it is bound, approved and journaled. Requests are
//! built by pure functions (`plan`, `path`) and sent once (`connection`); what an answer means is
//! decided in one place (`refusal`).
//!
//! ```no_run
//! # use std::time::Duration;
//! # use rhumb::base::{Ledger, Permit, Result};
//! # use rhumb::systems::kubernetes::*;
//! # use serde_json::json;
//! # async fn example(spec: KubeSpec, ledger: &dyn Ledger) -> Result<()> {
//! let kube = Kube::new(&spec, None, None)?.in_namespace("default");
//! for pod in kube.list(&Selection::of("pods".parse()?).labelled("app=rr")).await? {
//!     println!("{:?}", containers(pod.expose()));
//! }
//! let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}});
//! let change = kube.bind(KubeCall::Apply { manifest: manifest.into(), force: false }).await?;
//! Kube::mutate(Permit::obtain(ledger, change)?).await?;
//!
//! let mut service = kube.follow(Selection::from(&ObjectRef::new("service".parse()?, "rr"))).await?;
//! loop {
//!     let seen = service.look(Duration::from_secs(30)).await?;
//!     // ... look at seen.objects; if seen.closed, sleep on the clock before looking again
//! #   break;
//! }
//! # Ok(())
//! # }
//! ```

mod ask;
mod call;
mod conditions;
mod connection;
mod containers;
mod discovery;
mod elsewhere;
mod events;
mod exec;
mod follow;
mod handle;
mod identity;
mod kind;
mod kubeconfig;
mod lease;
mod mutate;
mod path;
mod plan;
mod proof;
mod read;
mod redact;
mod refusal;
mod resource;
mod select;
mod served;
mod spec;
mod summary;
mod taints;
mod transport;

pub use call::{FIELD_MANAGER, KubeCall, Patch, Propagation};
pub use conditions::{Condition, condition, conditions, former_conditions, unmet};
pub use containers::{Container, Ended, Restarted, containers, restarted};
pub use follow::{Follow, Seen};
pub use handle::Kube;
pub use identity::Identity;
pub use kind::KindName;
pub use lease::{LEASE, Lease};
pub use mutate::BoundKubeCall;
pub use read::LogPart;
pub use redact::{redacts, secrets};
pub use resource::Resource;
pub use select::{Namespace, ObjectRef, Selection};
pub use served::{Group, GroupVersion, Served};
pub use spec::{Expected, KubeSpec, KubeconfigSource};
pub use summary::summary;
pub use taints::{Taint, taints};
