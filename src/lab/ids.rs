//! Ids, tokens and addresses that a seed decides.
//!
//! Each kind of thing counts for itself: a request more or less gives no server another id.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::base::permit::hex;

/// An id as services write it. Clones share the text.
pub type Id = Arc<str>;

/// Makes ids. The n-th id of a kind is a function of the seed, the kind and n.
pub struct Ids {
    seed: u64,
    drawn: HashMap<&'static str, u64>,
}

impl Ids {
    /// A generator that a seed decides.
    pub fn new(seed: u64) -> Self {
        Ids { seed, drawn: HashMap::new() }
    }

    fn draw(&mut self, kind: &'static str) -> [u8; 32] {
        let n = self.drawn.entry(kind).or_default();
        *n += 1;
        let n = *n;
        self.hash(kind, n)
    }

    fn hash(&self, kind: &str, n: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(kind.as_bytes());
        hash.update(n.to_be_bytes());
        hash.finalize().into()
    }

    /// A random UUID (version 4), as most services use.
    pub fn uuid(&mut self, kind: &'static str) -> Id {
        uuid(self.draw(kind))
    }

    /// The UUID of a thing that there is once, by its name.
    pub fn named(&self, name: &str) -> Id {
        uuid(self.hash(name, 0))
    }

    /// The same without dashes.
    pub fn named_hex(&self, name: &str) -> Id {
        hex(&self.hash(name, 0)[..16]).into()
    }

    /// 32 hexadecimal digits, as Keystone uses.
    pub fn hex(&mut self, kind: &'static str) -> Id {
        hex(&self.draw(kind)[..16]).into()
    }

    /// Letters and digits for the end of a generated name.
    pub fn suffix(&mut self, kind: &'static str, length: usize) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        self.draw(kind).iter().take(length).map(|b| LETTERS[usize::from(b % 32)] as char).collect()
    }

    /// A secret of 43 characters.
    pub fn secret(&mut self, kind: &'static str) -> String {
        URL_SAFE_NO_PAD.encode(self.draw(kind))
    }

    /// A MAC address in Neutron's range.
    pub fn mac(&mut self) -> String {
        let b = self.draw("mac");
        format!("fa:16:3e:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2])
    }
}

fn uuid(mut bytes: [u8; 32]) -> Id {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes[..16]);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_id_and_kinds_do_not_disturb_each_other() {
        let (mut a, mut b) = (Ids::new(8), Ids::new(8));
        b.uuid("request");
        assert_eq!(a.uuid("server"), b.uuid("server"));
        assert_ne!(a.uuid("server"), a.uuid("port"));
        assert_eq!((a.named("thing"), a.named("thing")), (b.named("thing"), b.named("thing")));
        assert_ne!(Ids::new(9).uuid("server"), Ids::new(8).uuid("server"));
    }

    #[test]
    fn ids_have_the_form_that_clients_check() {
        let mut ids = Ids::new(1);
        let id = ids.uuid("x");
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        assert_eq!(ids.hex("x").len(), 32);
        assert_eq!(ids.suffix("x", 12).len(), 12);
        assert!(ids.mac().starts_with("fa:16:3e:"));
    }
}
