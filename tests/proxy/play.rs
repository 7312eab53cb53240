//! What a proxy does with a request.

use std::time::Duration;

/// What is played with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Play {
    /// It goes on, and its answer comes back.
    Pass,
    /// It goes on after this time by the proxy's clock, whatever became of who sent it.
    Late { after: Duration, told: Told },
    /// It goes on; the connection is reset before a byte of the answer.
    LostAnswer,
    /// It goes on; the answer ends in the middle of its head.
    CutHead,
    /// It goes on; the answer ends in the middle of its body.
    CutBody,
    /// Half of it goes on, and both connections are reset; of one without a body half of the head.
    CutRequest,
    /// It goes nowhere; the connection is reset.
    Reset,
    /// It goes nowhere; the answer is the page of a captive portal, with 200.
    Html,
    /// It goes on twice; the answer is that of the first.
    Twice,
    /// It goes nowhere; the answer is 503 with `Retry-After`.
    Busy { retry_after: u64 },
    /// It goes on; the answer is 502 all the same.
    BadGateway,
}

impl Play {
    /// Whether the request reaches the service, now or later.
    pub(crate) fn forwards(self) -> bool {
        !matches!(self, Play::Reset | Play::CutRequest | Play::Html | Play::Busy { .. })
    }
}

/// What who sent a late request hears meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The connection is reset.
    Reset,
    /// 504.
    GatewayTimeout,
    /// Nothing, until the answer comes. In virtual time that is for those who are killed meanwhile: it stands still
    /// while anybody waits for an answer.
    Nothing,
}

fn page(status: &str, headers: &str, text: &str) -> Vec<u8> {
    let body = format!("<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(super) fn html() -> Vec<u8> {
    page("200 OK", "", "Log in to the network")
}

pub(super) fn busy(retry_after: u64) -> Vec<u8> {
    page("503 Service Unavailable", &format!("retry-after: {retry_after}\r\n"), "No server is available")
}

pub(super) fn bad_gateway() -> Vec<u8> {
    page("502 Bad Gateway", "", "502 Bad Gateway")
}

pub(super) fn gateway_timeout() -> Vec<u8> {
    page("504 Gateway Time-out", "", "504 Gateway Time-out")
}
