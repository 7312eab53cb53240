//! A server and its states, in Nova's own terms: what the machine is, what is being done to it.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Flavor;
use crate::lab::ids::Id;
use crate::lab::table::Row;
use crate::lab::timeline::Timeline;

/// `vm_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vm {
    Building,
    Active,
    Stopped,
    Error,
    /// Deleted, and kept until Nova reclaims it.
    SoftDeleted,
    /// Seen for a moment before it is gone.
    Deleted,
}

/// `task_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Scheduling,
    Networking,
    Spawning,
    PoweringOff,
    PoweringOn,
    Rebooting,
    RebootingHard,
    Deleting,
}

/// What a server is, and what is being done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    pub(crate) vm: Vm,
    pub(crate) task: Option<Task>,
}

impl Phase {
    pub(crate) const fn new(vm: Vm, task: Task) -> Self {
        Phase { vm, task: Some(task) }
    }

    /// A server that is left alone.
    pub(crate) const fn settled(vm: Vm) -> Self {
        Phase { vm, task: None }
    }

    /// `status`, which Nova derives from the other two.
    pub(crate) fn status(self) -> &'static str {
        match (self.vm, self.task) {
            (Vm::Building, _) => "BUILD",
            (Vm::Active, Some(Task::Rebooting)) => "REBOOT",
            (Vm::Active, Some(Task::RebootingHard)) => "HARD_REBOOT",
            (Vm::Active, _) => "ACTIVE",
            (Vm::Stopped, _) => "SHUTOFF",
            (Vm::Error, _) => "ERROR",
            (Vm::SoftDeleted, _) => "SOFT_DELETED",
            (Vm::Deleted, _) => "DELETED",
        }
    }

    pub(super) fn vm_state(self) -> &'static str {
        match self.vm {
            Vm::Building => "building",
            Vm::Active => "active",
            Vm::Stopped => "stopped",
            Vm::Error => "error",
            Vm::SoftDeleted => "soft-delete",
            Vm::Deleted => "deleted",
        }
    }

    pub(super) fn task_state(self) -> Option<&'static str> {
        self.task.map(|task| match task {
            Task::Scheduling => "scheduling",
            Task::Networking => "networking",
            Task::Spawning => "spawning",
            Task::PoweringOff => "powering-off",
            Task::PoweringOn => "powering-on",
            Task::Rebooting => "rebooting",
            Task::RebootingHard => "rebooting_hard",
            Task::Deleting => "deleting",
        })
    }

    /// `power_state`: 0 unknown, 1 running, 4 shut down.
    pub(super) fn power_state(self) -> u8 {
        match self.vm {
            Vm::Active => 1,
            Vm::Stopped | Vm::SoftDeleted => 4,
            Vm::Building | Vm::Error | Vm::Deleted => 0,
        }
    }
}

/// A server.
pub(crate) struct Server {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) user: Id,
    pub(crate) flavor: Flavor,
    pub(crate) image: Option<Id>,
    pub(crate) key: Option<String>,
    /// Its hypervisor's id, once it has one.
    pub(crate) host: Option<Id>,
    pub(crate) plugs: Vec<Plug>,
    pub(crate) created: Timestamp,
    pub(crate) line: Timeline<Phase>,
    pub(crate) launched: Option<Timestamp>,
    pub(crate) fault: Option<Fault>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) user_data: Option<String>,
    pub(super) description: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) number: u64,
    pub(super) actions: Vec<Action>,
}

/// A server's place on a network.
#[derive(Clone, Debug)]
pub(crate) struct Plug {
    pub(crate) port: Id,
    pub(crate) network: Id,
    pub(crate) address: Option<Ipv4Addr>,
    /// The port was made for it, and goes with it.
    pub(crate) owned: bool,
}

/// Why a server is in ERROR.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: u16,
    pub(crate) message: String,
    pub(crate) created: Timestamp,
}

/// Something that was done to a server.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) request: Id,
    pub(super) user: Id,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) event: &'static str,
    /// What went wrong.
    pub(super) message: Option<&'static str>,
}

impl Row for Server {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Server {
    pub(crate) fn phase(&self, now: Timestamp) -> Phase {
        self.line.at(now)
    }

    /// Since when it is up and left alone, if it is.
    pub(crate) fn up_since(&self, now: Timestamp) -> Option<Timestamp> {
        (self.phase(now).vm == Vm::Active).then(|| self.line.since(now))
    }
}
