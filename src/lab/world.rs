//! Everything that exists in the lab, and what is going to happen to it.
//!
//! Time passes here only when somebody looks. A state is a [`Timeline`](super::timeline::Timeline);
//! what one thing does to another later on stands on the agenda and is done, each at its own time,
//! before anything later is answered. So the world is a function of its scenario, of the
//! requests it got, and of the time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::cinder::Cinder;
use super::downloads::File;
use super::glance::Glance;
use super::ids::Ids;
use super::keystone::Keystone;
use super::kubernetes::Kubernetes;
use super::machines::Machine;
use super::magnum::Magnum;
use super::neutron::Neutron;
use super::nova::Nova;
use super::octavia::Octavia;
use super::programs::Juju;
use super::scenario::{Endpoints, Quirks, Timings};
use super::vault::Vault;

type Happening = Box<dyn FnOnce(&mut World) + Send>;

/// All state of the lab.
pub struct World {
    now: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), Happening>,
    planned: u64,
    /// Makes ids.
    pub ids: Ids,
    /// How long things take.
    pub timings: Timings,
    /// How this cloud differs from a plain one.
    pub quirks: Quirks,
    /// Where the lab listens: `http://127.0.0.1:4711`.
    pub origin: String,
    /// The addresses that the procedure knows the services by.
    pub endpoints: Endpoints,
    pub(crate) keystone: Keystone,
    pub(crate) nova: Nova,
    pub(crate) neutron: Neutron,
    pub(crate) glance: Glance,
    pub(crate) cinder: Cinder,
    pub(crate) octavia: Octavia,
    pub(crate) magnum: Magnum,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) machines: Vec<Machine>,
    pub(crate) juju: Juju,
    pub(crate) vaults: Vec<Vault>,
    pub(crate) downloads: Vec<File>,
    touched: u64,
}

impl World {
    /// An empty world at a moment.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        World {
            now,
            agenda: BTreeMap::new(),
            planned: 0,
            ids: Ids::new(seed),
            timings: Timings::default(),
            quirks: Quirks::default(),
            origin: String::new(),
            endpoints: Endpoints::default(),
            keystone: Keystone::default(),
            nova: Nova::default(),
            neutron: Neutron::default(),
            glance: Glance::default(),
            cinder: Cinder::default(),
            octavia: Octavia::default(),
            magnum: Magnum::default(),
            kubernetes: Kubernetes::default(),
            machines: Vec::new(),
            juju: Juju::default(),
            vaults: Vec::new(),
            downloads: Vec::new(),
            touched: 0,
        }
    }

    /// Something may be other than before, though no time has passed.
    pub(super) fn touch(&mut self) {
        self.touched += 1;
    }

    /// How often something may have become other. What controllers made of a world holds while this and the time are the same.
    pub(super) fn touched(&self) -> u64 {
        self.touched
    }

    /// The time. While something from the agenda is done, it is the time that was planned for it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts something on the agenda, so long after now. What is due at one time happens in the order of planning.
    pub fn later(&mut self, delay: Duration, happening: impl FnOnce(&mut World) + Send + 'static) {
        let at = self.now.checked_add(delay).unwrap_or(Timestamp::MAX);
        self.planned += 1;
        self.agenda.insert((at, self.planned), Box::new(happening));
    }

    /// Lets time pass until a moment. It never goes back.
    pub fn settle(&mut self, until: Timestamp) {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= until
        {
            let ((at, _), happening) = entry.remove_entry();
            self.now = self.now.max(at);
            self.touch();
            happening(self);
        }
        self.now = self.now.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agenda_is_done_in_the_order_of_time_each_at_its_own() {
        let start = Timestamp::UNIX_EPOCH;
        let mut world = World::new(start, 1);
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let seen = seen.clone();
            move |w: &mut World| seen.lock().unwrap().push((name, w.now().as_second()))
        };
        world.later(Duration::from_secs(30), note("late"));
        let follow_up = note("follow-up");
        let early = note("early");
        world.later(Duration::from_secs(5), move |w| {
            early(w);
            w.later(Duration::from_secs(5), follow_up);
        });
        world.settle(start + Duration::from_secs(20));
        assert_eq!(*seen.lock().unwrap(), [("early", 5), ("follow-up", 10)]);
        assert_eq!(world.now().as_second(), 20);
        world.settle(start); // no way back
        assert_eq!(world.now().as_second(), 20);
        world.settle(start + Duration::from_secs(30));
        assert_eq!(seen.lock().unwrap().last(), Some(&("late", 30)));
    }
}
