//! `virsh` on the hypervisor that the cloud's own machines run on.

use jiff::Timestamp;

use super::{Machine, Reply};
use crate::lab::world::World;

/// A virtual machine of libvirt's.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) name: String,
    /// Its snapshots with their times, oldest first.
    pub(crate) snapshots: Vec<(String, Timestamp)>,
}

impl Domain {
    pub(super) fn new(name: &str, snapshots: &[String], now: Timestamp) -> Domain {
        let snapshots = snapshots.iter().map(|snapshot| (snapshot.clone(), now)).collect();
        Domain { name: name.to_string(), snapshots }
    }
}

/// The value of an option: `--domain NAME`.
fn option<'w>(words: &[&'w str], name: &str) -> Option<&'w str> {
    words.iter().position(|w| *w == name).and_then(|at| words.get(at + 1)).copied()
}

/// Runs a command of virsh.
pub(super) fn run(world: &mut World, host: &str, words: &[&str]) -> Reply {
    let now = world.now();
    let (uri, words) = match words {
        ["--connect" | "-c", uri, rest @ ..] => (*uri, rest),
        rest => ("qemu:///session", rest),
    };
    let Some(machine) = world.machines.iter_mut().find(|m| m.host == host) else {
        return Reply::failed(1, "error: failed to connect to the hypervisor\n");
    };
    // the user's own session knows no machine of the system's
    let mut none =
        Machine { domains: Vec::new(), host: String::new(), address: String::new(), port: 0, server: None };
    let machine = if uri == "qemu:///system" { machine } else { &mut none };
    let Some((verb, rest)) = words.split_first() else { return Reply::failed(1, "error: no command\n") };
    if *verb == "list" {
        return list(machine, rest.contains(&"--name"));
    }
    let name = option(rest, "--domain").or(rest.first().copied()).unwrap_or_default();
    let Some(domain) = machine.domains.iter_mut().find(|d| d.name == name) else {
        return Reply::failed(
            1,
            format!(
                "error: failed to get domain '{name}'\nerror: Domain not found: no domain with matching name '{name}'\n"
            ),
        );
    };
    match *verb {
        "domstate" => Reply::said("running\n\n"),
        "snapshot-list" => {
            Reply::said(domain.snapshots.iter().map(|(n, _)| format!("{n}\n")).collect::<String>() + "\n")
        }
        "snapshot-create-as" => {
            let wanted = option(rest, "--name").map(str::to_string);
            let wanted = wanted.unwrap_or_else(|| now.as_second().to_string());
            if domain.snapshots.iter().any(|(n, _)| *n == wanted) {
                return Reply::failed(
                    1,
                    format!("error: operation failed: domain {name} already has snapshot {wanted}\n"),
                );
            }
            domain.snapshots.push((wanted.clone(), now));
            Reply::said(format!("Domain snapshot {wanted} created\n"))
        }
        "snapshot-delete" => {
            let wanted = option(rest, "--snapshotname").unwrap_or_default();
            let before = domain.snapshots.len();
            domain.snapshots.retain(|(n, _)| n != wanted);
            match domain.snapshots.len() < before {
                true => Reply::said(format!("Domain snapshot {wanted} deleted\n\n")),
                false => Reply::failed(
                    1,
                    format!(
                        "error: Domain snapshot not found: no domain snapshot with matching name '{wanted}'\n"
                    ),
                ),
            }
        }
        other => Reply::failed(1, format!("error: unknown command: '{other}'\n")),
    }
}

fn list(machine: &Machine, names: bool) -> Reply {
    if names {
        return Reply::said(
            machine.domains.iter().map(|d| format!("{}\n", d.name)).collect::<String>() + "\n",
        );
    }
    let mut text = String::from(" Id   Name                State\n------------------------------------\n");
    for (n, domain) in machine.domains.iter().enumerate() {
        text.push_str(&format!(" {:<4} {:<19} running\n", n + 1, domain.name));
    }
    Reply::said(text + "\n")
}
