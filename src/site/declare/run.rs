//! `[run]`: how runs of a site exclude each other, whom they tell, and where they leave their journals.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::check_name;
use crate::base::Result;
use crate::site::document::{Entry, Node, Shape};
use crate::site::paths::Paths;

/// How runs of a site behave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunPolicy {
    /// What keeps two runs apart.
    pub lock: Lock,
    /// How many may hold a named slot at once, such as one amphora of headroom.
    pub slots: BTreeMap<String, u32>,
    /// Where the slots are kept, for sites that share them; without it beside the site's runs.
    pub slots_dir: Option<PathBuf>,
    /// The program that is told of runs that need approval, fail or end, with its arguments.
    pub notify: Option<Vec<String>>,
    /// Where journals and reports go; without one the user's state directory.
    pub state_dir: Option<PathBuf>,
    /// Directories whose files runbooks may read.
    pub read_below: Vec<PathBuf>,
    /// How long clean-up may take, unless none is said.
    pub cleanup_within: Option<Duration>,
    /// How long after a cut a request may still arrive.
    pub late: Late,
}

/// How long a request may lie in queues after its sender is gone, before the service takes it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Late {
    any: Option<Duration>,
    of: BTreeMap<String, Duration>,
}

impl Late {
    /// OpenStack behind haproxy, as the charms set it up: 9 s in its queue and four times 9 s to connect (`timeout queue`,
    /// `timeout connect`, `retries 3`), 90 s until it gives the service up (`timeout server`), and 45 s in the queue of
    /// mod_wsgi's processes (`queue-timeout`).
    pub const CLOUD: Duration = Duration::from_secs(180);

    /// Kubernetes: 60 s until the API server drops a request (`--request-timeout`), and 50 s in a balancer before it (Octavia's
    /// `timeout_member_data`), rounded up.
    pub const KUBERNETES: Duration = Duration::from_secs(120);

    /// For a service's type, or `kubernetes`.
    pub fn of(&self, service: &str) -> Duration {
        let usual = if service == "kubernetes" { Self::KUBERNETES } else { Self::CLOUD };
        self.of.get(service).copied().or(self.any).unwrap_or(usual)
    }

    fn read(node: &Node) -> Result<Self> {
        if !matches!(node.shape, Shape::Table(_)) {
            return Ok(Late { any: Some(node.duration()?), of: BTreeMap::new() });
        }
        let mut late = Late::default();
        for entry in node.entries()? {
            let time = entry.node.duration()?;
            match entry.key.as_str() {
                "default" => late.any = Some(time),
                service => drop(late.of.insert(service.to_string(), time)),
            }
        }
        Ok(late)
    }
}

/// What keeps two runs apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// A file in the state directory: runs of this machine.
    #[default]
    File,
    /// A Kubernetes Lease: runs of all machines.
    Lease {
        /// The cluster, by its name in the site file.
        kube: String,
        /// The Lease's namespace.
        namespace: String,
        /// The Lease's name.
        name: String,
    },
}

impl RunPolicy {
    pub(in crate::site) fn read(node: &Node, site: &str, paths: &Paths) -> Result<Self> {
        let f = node.fields(&[
            "lock",
            "slots",
            "slots_dir",
            "notify",
            "state_dir",
            "read_below",
            "cleanup_within",
            "late_within",
        ])?;
        Ok(RunPolicy {
            lock: f.get("lock").map(|n| lock(n, site)).transpose()?.unwrap_or_default(),
            slots: f.get("slots").map(slots).transpose()?.unwrap_or_default(),
            slots_dir: f.get("slots_dir").map(|n| paths.resolve(n)).transpose()?,
            notify: f.get("notify").map(|n| notify(n, paths)).transpose()?,
            state_dir: f.get("state_dir").map(|n| paths.resolve(n)).transpose()?,
            read_below: match f.get("read_below") {
                Some(node) => node.items()?.iter().map(|n| paths.resolve(n)).collect::<Result<_>>()?,
                None => Vec::new(),
            },
            cleanup_within: f.get("cleanup_within").map(Node::duration).transpose()?,
            late: f.get("late_within").map(Late::read).transpose()?.unwrap_or_default(),
        })
    }
}

fn notify(node: &Node, paths: &Paths) -> Result<Vec<String>> {
    let mut argv = node.argv()?;
    if let ([program, ..], Some(first)) = (&mut argv[..], node.items()?.first()) {
        *program = paths.program(first)?;
    }
    Ok(argv)
}

fn lock(node: &Node, site: &str) -> Result<Lock> {
    let help = "write lock = \"file\", or lock = { kube = \"NAME\", namespace = \"NAMESPACE\" } for a Lease";
    match &node.shape {
        Shape::Text(text) if text == "file" => Ok(Lock::File),
        Shape::Text(_) => {
            Err(node.spot.error(format!("`{}` is \"file\" or says where a Lease is", node.path)).help(help))
        }
        _ => {
            let f = node.fields(&["kube", "namespace", "name"])?;
            Ok(Lock::Lease {
                kube: f.need("kube", "\"mgmt\"")?.text()?.to_string(),
                namespace: f.need("namespace", "\"rhumb\"")?.text()?.to_string(),
                name: f.owned("name")?.unwrap_or_else(|| format!("rhumb-{site}")),
            })
        }
    }
}

fn slots(node: &Node) -> Result<BTreeMap<String, u32>> {
    let read = |entry: &Entry| {
        check_name(&entry.key, &entry.spot)?;
        let count = entry.node.integer(1..=1000)?;
        Ok((entry.key.clone(), u32::try_from(count).unwrap_or(1)))
    };
    node.entries()?.iter().map(read).collect()
}
