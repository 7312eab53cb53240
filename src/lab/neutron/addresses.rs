//! Subnets as numbers: what is in them, and what of it is free.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// An IPv4 network: `10.20.16.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    first: u32,
    bits: u32,
}

impl Cidr {
    /// Reads `a.b.c.d/n`; bits behind the prefix are dropped.
    pub(crate) fn parse(text: &str) -> Option<Cidr> {
        let (address, bits) = text.split_once('/')?;
        let bits: u32 = bits.parse().ok().filter(|b| *b <= 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Cidr { first: address.to_bits() & Self::mask(bits), bits })
    }

    fn mask(bits: u32) -> u32 {
        u32::MAX.checked_shl(32 - bits).unwrap_or(0)
    }

    fn last(self) -> u32 {
        self.first | !Self::mask(self.bits)
    }

    pub(crate) fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last()).contains(&address.to_bits())
    }

    pub(crate) fn overlaps(self, other: Cidr) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }

    /// The n-th address.
    pub(crate) fn nth(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first.saturating_add(n).min(self.last()))
    }

    /// The last address that a host may have.
    pub(crate) fn last_host(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(if self.bits < 31 { self.last() - 1 } else { self.last() })
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.first), self.bits)
    }
}

/// The addresses of a subnet that are given out, and those that are taken.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(super) first: Ipv4Addr,
    pub(super) last: Ipv4Addr,
    taken: BTreeSet<Ipv4Addr>,
    /// Where the search goes on: an address that was freed is given out again only after all others.
    next: u32,
}

impl Pool {
    pub(crate) fn new(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Pool { first, last, taken: BTreeSet::new(), next: first.to_bits() }
    }

    /// Takes any free address.
    pub(crate) fn take(&mut self) -> Option<Ipv4Addr> {
        let (first, last) = (self.first.to_bits(), self.last.to_bits());
        let found = (self.next..=last)
            .chain(first..self.next)
            .map(Ipv4Addr::from_bits)
            .find(|a| !self.taken.contains(a))?;
        self.next = found.to_bits().saturating_add(1);
        self.taken.insert(found);
        Some(found)
    }

    /// Takes this address; `false` if somebody has it.
    pub(crate) fn claim(&mut self, address: Ipv4Addr) -> bool {
        self.taken.insert(address)
    }

    pub(crate) fn free(&mut self, address: Ipv4Addr) {
        self.taken.remove(&address);
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_knows_its_bounds() {
        let net = Cidr::parse("10.20.16.9/24").unwrap();
        assert_eq!(
            (net.to_string().as_str(), net.nth(1), net.last_host()),
            ("10.20.16.0/24", ip("10.20.16.1"), ip("10.20.16.254"))
        );
        assert!(net.contains(ip("10.20.16.255")) && !net.contains(ip("10.20.17.0")));
        assert!(
            net.overlaps(Cidr::parse("10.20.0.0/16").unwrap())
                && !net.overlaps(Cidr::parse("10.20.17.0/24").unwrap())
        );
        assert!(Cidr::parse("0.0.0.0/0").unwrap().contains(ip("8.8.8.8")));
        for wrong in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "x/8"] {
            assert_eq!(Cidr::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pool_gives_each_address_once_and_freed_ones_last() {
        let mut pool = Pool::new(ip("10.0.0.2"), ip("10.0.0.4"));
        assert!(pool.claim(ip("10.0.0.3")) && !pool.claim(ip("10.0.0.3")));
        assert_eq!(pool.take(), Some(ip("10.0.0.2")));
        pool.free(ip("10.0.0.2"));
        assert_eq!(
            (pool.take(), pool.take(), pool.take()),
            (Some(ip("10.0.0.4")), Some(ip("10.0.0.2")), None)
        );
        assert_eq!(pool.taken(), 3);
    }
}
