//! OpenStack, as one small client for every service: sessions that prove who they are, calls built by
//! pure functions, resources as rows of a table.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use rhumb::base::{Clock, Result, Secret};
//! # use rhumb::systems::openstack::*;
//! # async fn example(clock: Arc<dyn Clock>) -> Result<()> {
//! let user = User::Name { name: "admin".into(), domain: Domain::Name("Default".into()) };
//! let password = Credential::Password { user, password: Secret::new("…") };
//! let cloud = Arc::new(Cloud::new("prod", "https://keystone.example:5000", password));
//! let project = Project::Name { name: "capi-mgmt".into(), domain: Some(Domain::Name("capi".into())) };
//! let capi = Session::new("capi-mgmt", cloud, Authority::Project(project), Declared::default(), clock)?;
//! let servers = list(&capi, resource::find("servers")?, &Default::default()).await?;
//! # Ok(())
//! # }
//! ```

mod authority;
mod blockers;
mod call;
mod catalog;
mod cloud;
mod collection;
mod exchange;
mod fault;
mod identity;
pub mod image;
mod kept;
mod keystone;
mod kubeconfig;
mod limits;
mod page;
mod paging;
pub mod policy;
pub mod resource;
pub mod service;
mod session;
mod token;
mod version;
mod witness;

pub use authority::{Authority, Declared, Project};
pub use blockers::{Blocker, blockers};
pub use call::{BoundCall, Call, Subject};
pub use catalog::{Catalog, Endpoint};
pub use cloud::{AppCredential, Cloud, Credential, Domain, Interface, User};
pub use collection::{find, get, list, rows};
pub use identity::{Identity, InDomain, Named, Target};
pub use kept::{Kept, fields_read, watch_reads};
pub use kubeconfig::kubeconfig;
pub use limits::limits;
pub use policy::{Needs, Operation, Policy};
pub use resource::{Action, Resource};
pub use service::takes_versions;
pub use session::Session;
pub use token::OwnProject;
pub use version::{Version, Versions};

pub use super::http::{RequestRecord, Witness};
