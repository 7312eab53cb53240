//! Which host a server goes to: what Placement counts, and what Nova's filters and weighers make of it.

use std::ops::{Add, Sub};

use super::{Host, Nova};
use crate::lab::ids::Id;

/// Processors, memory and disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) vcpus: u64,
    pub(crate) memory_mb: u64,
    pub(crate) disk_gb: u64,
}

impl Add for Resources {
    type Output = Resources;

    fn add(self, other: Resources) -> Resources {
        Resources {
            vcpus: self.vcpus + other.vcpus,
            memory_mb: self.memory_mb + other.memory_mb,
            disk_gb: self.disk_gb + other.disk_gb,
        }
    }
}

impl Sub for Resources {
    type Output = Resources;

    fn sub(self, other: Resources) -> Resources {
        Resources {
            vcpus: self.vcpus.saturating_sub(other.vcpus),
            memory_mb: self.memory_mb.saturating_sub(other.memory_mb),
            disk_gb: self.disk_gb.saturating_sub(other.disk_gb),
        }
    }
}

impl Host {
    /// What can be given out, as Placement counts it: int((total - reserved) * ratio).
    pub(crate) fn capacity(&self) -> Resources {
        let count =
            |total: u64, reserved: u64, ratio: f64| (total.saturating_sub(reserved) as f64 * ratio) as u64;
        Resources {
            vcpus: count(self.vcpus, 0, self.ratios.vcpus),
            memory_mb: count(self.memory_mb, self.reserved_memory_mb, self.ratios.memory),
            disk_gb: count(self.disk_gb, 0, self.ratios.disk),
        }
    }

    /// Whether something fits, by capacity and by what a single server may be (`max_unit`).
    pub(crate) fn fits(&self, asked: Resources) -> bool {
        let (capacity, sum) = (self.capacity(), self.used + asked);
        sum.vcpus <= capacity.vcpus
            && sum.memory_mb <= capacity.memory_mb
            && sum.disk_gb <= capacity.disk_gb
            && asked.vcpus <= self.vcpus
            && asked.memory_mb <= self.memory_mb
            && asked.disk_gb <= self.disk_gb
    }
}

impl Nova {
    /// Takes the room on the host with the most free memory; `None` is NoValidHost.
    pub(super) fn schedule(&mut self, asked: Resources) -> Option<Id> {
        if self.refusals > 0 {
            self.refusals -= 1;
            return None;
        }
        let candidates = self.hosts.iter_mut().filter(|h| !h.down && h.disabled.is_none() && h.fits(asked));
        // of equals the first, so that the same requests always give the same cloud
        let best = candidates.fold(None::<&mut Host>, |best, host| match best {
            Some(best) if best.free_memory() >= host.free_memory() => Some(best),
            _ => Some(host),
        })?;
        best.used = best.used + asked;
        best.servers += 1;
        best.generation += 1;
        Some(best.id.clone())
    }

    /// Gives the room on a host back.
    pub(super) fn release(&mut self, host: &str, resources: Resources) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.used = host.used - resources;
            host.servers = host.servers.saturating_sub(1);
            host.generation += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::ids::Ids;
    use crate::lab::scenario::Host as Kind;

    fn nova(kinds: &str) -> Nova {
        #[derive(serde::Deserialize)]
        struct Hosts {
            host: Vec<Kind>,
        }
        let (mut nova, mut ids) = (Nova::default(), Ids::new(1));
        for kind in toml::from_str::<Hosts>(kinds).unwrap().host {
            nova.add_hosts(&kind, &mut ids);
        }
        nova
    }

    const AMPHORA: Resources = Resources { vcpus: 1, memory_mb: 1024, disk_gb: 8 };

    #[test]
    fn capacity_is_what_placement_says_not_what_the_runbook_says() {
        let nova = nova(
            "[[host]]\nname = 'a'\nvcpus = 16\nmemory_mb = 32768\ndisk_gb = 1000\nreserved_memory_mb = 8192",
        );
        let host = nova.hosts.iter().next().unwrap();
        // the runbook's total * ratio - reserved would be 40960
        assert_eq!(host.capacity().memory_mb, 36_864);
        assert_eq!(host.capacity().vcpus, 256);
    }

    #[test]
    fn servers_spread_and_the_last_one_finds_no_host() {
        let mut nova = nova(
            "[[host]]\nname = 'h'\ncount = 2\nvcpus = 8\nmemory_mb = 2048\ndisk_gb = 100\nreserved_memory_mb = 0",
        );
        let names: Vec<String> = (0..6)
            .map(|_| nova.schedule(AMPHORA).unwrap())
            .collect::<Vec<_>>()
            .iter()
            .map(|id| nova.hosts.get(id).unwrap().name.clone())
            .collect();
        assert_eq!(names, ["h-0", "h-1", "h-0", "h-1", "h-0", "h-1"]);
        assert_eq!(nova.schedule(AMPHORA), None);
        let host = nova.hosts.iter().next().unwrap().id.clone();
        nova.release(&host, AMPHORA);
        assert_eq!(nova.schedule(AMPHORA), Some(host));
    }

    #[test]
    fn one_server_is_never_larger_than_a_host() {
        let mut nova = nova("[[host]]\nname = 'h'\nvcpus = 8\nmemory_mb = 4096\ndisk_gb = 100");
        assert_eq!(nova.schedule(Resources { vcpus: 1, memory_mb: 4097, disk_gb: 1 }), None);
        nova.refusals = 1;
        assert_eq!(nova.schedule(AMPHORA), None);
        assert!(nova.schedule(AMPHORA).is_some());
    }
}
