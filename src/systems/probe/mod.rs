//! Looks at a port or a URL from here. A probe has no credential and changes nothing; what it
//! finds closed or broken is a finding, not an error.

mod http;
mod tcp;

pub use http::{HttpLook, HttpProbe, http, http_sample};
pub use tcp::{TcpFault, TcpProbe, tcp};
