//! Times as the services write them. They agree on ISO 8601 and on nothing else.

use jiff::Timestamp;

/// `2026-06-10T02:00:00`: Octavia.
pub(crate) fn plain(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// `2026-06-10T02:00:00Z`: Nova, Neutron, Glance.
pub(crate) fn zulu(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-06-10T02:00:00.000000`: Nova's extensions.
pub(crate) fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// `2026-06-10T02:00:00.000000Z`: Keystone's tokens.
pub(crate) fn micros_zulu(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

/// `2026-06-10T02:00:00+00:00`: Magnum.
pub(crate) fn offset(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// `Wed, 10 Jun 2026 02:00:00 GMT`: HTTP headers.
pub(crate) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
