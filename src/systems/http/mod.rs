//! HTTP as every system here uses it: no proxy, no redirect and no trust that was not stated; a
//! bounded body; and errors that say which of name, connection, certificate or answer was wrong.

mod address;
mod answer;
mod body;
mod chain;
mod client;
mod failure;
mod incoming;
mod request;
mod retry;
mod settings;
mod upload;
mod witness;

pub use address::{Address, segment, segments, target};
pub use answer::Answer;
pub(in crate::systems) use chain::in_chain;
pub use client::{Http, install_crypto};
pub use incoming::{Failure, Incoming};
pub use request::Request;
pub use reqwest::header::HeaderMap;
pub use reqwest::{Method, Url};
pub use retry::Retry;
pub(crate) use settings::NOBODY_THERE;
pub(in crate::systems) use settings::is_loopback;
pub use settings::{Dialer, HttpSettings, Tls};
pub use upload::{OnSent, Upload};
pub use witness::{RequestRecord, Witness};
