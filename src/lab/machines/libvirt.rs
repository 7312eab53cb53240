//! `virsh` on the hypervisor that the cloud's own machines run on.

use jiff::Timestamp;

use super::Reply;
use crate::lab::world::World;

/// A virtual machine of libvirt's.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    name: String,
    running: bool,
    /// Oldest first.
    snapshots: Vec<Snapshot>,
}

#[derive(Clone, Debug)]
struct Snapshot {
    name: String,
    taken: Timestamp,
    /// What the machine was at that time.
    running: bool,
}

impl Domain {
    pub(super) fn new(name: &str, snapshots: &[String], now: Timestamp) -> Domain {
        let taken = |name: &String| Snapshot { name: name.clone(), taken: now, running: true };
        Domain { name: name.to_string(), running: true, snapshots: snapshots.iter().map(taken).collect() }
    }
}

/// The value of an option: `--domain NAME`.
fn option<'w>(words: &[&'w str], name: &str) -> Option<&'w str> {
    words.iter().position(|w| *w == name).and_then(|at| words.get(at + 1)).copied()
}

/// What virsh prints where it fails: an empty line, and why.
fn error(why: impl std::fmt::Display) -> Reply {
    Reply { stdout: "\n".into(), ..Reply::failed(1, format!("error: {why}\n")) }
}

/// Runs a command of virsh.
pub(super) fn run(world: &mut World, host: &str, words: &[&str]) -> Reply {
    let now = world.now();
    let (uri, words) = match words {
        ["--connect" | "-c", uri, rest @ ..] => (*uri, rest),
        rest => ("qemu:///session", rest),
    };
    let Some((verb, rest)) = words.split_first() else { return Reply::failed(1, "error: no command\n") };
    let machine = world.machines.iter_mut().find(|m| m.host == host);
    // the user's own session knows no machine of the system's
    let system = machine.filter(|_| uri == "qemu:///system").map(|m| &mut m.domains);
    let mut none = Vec::new();
    let domains = system.unwrap_or(&mut none);
    if *verb == "list" {
        return list(domains, rest);
    }
    const OF_A_DOMAIN: [&str; 6] =
        ["domstate", "start", "destroy", "snapshot-list", "snapshot-create-as", "snapshot-delete"];
    if !OF_A_DOMAIN.contains(verb) {
        return Reply::failed(1, format!("error: unknown command: '{verb}'\n"));
    }
    let name = option(rest, "--domain").or(rest.first().copied()).unwrap_or_default();
    let Some(domain) = domains.iter_mut().find(|d| d.name == name) else {
        return error(format_args!("failed to get domain '{name}'"));
    };
    match *verb {
        "domstate" => Reply::said(format!("{}\n\n", state(domain.running))),
        "start" | "destroy" => turn(domain, *verb == "start"),
        "snapshot-list" => snapshots(domain, rest.contains(&"--name")),
        "snapshot-create-as" => take(domain, option(rest, "--name"), now),
        _ => drop_snapshot(domain, option(rest, "--snapshotname").unwrap_or_default()),
    }
}

fn state(running: bool) -> &'static str {
    if running { "running" } else { "shut off" }
}

fn turn(domain: &mut Domain, on: bool) -> Reply {
    let name = &domain.name;
    match (on, domain.running) {
        (true, true) => error("Domain is already active"),
        (false, false) => error(format_args!(
            "Failed to destroy domain '{name}'\nerror: Requested operation is not valid: domain is not running"
        )),
        _ => {
            domain.running = on;
            Reply::said(format!("Domain '{name}' {}\n\n", if on { "started" } else { "destroyed" }))
        }
    }
}

fn take(domain: &mut Domain, name: Option<&str>, now: Timestamp) -> Reply {
    let name = name.map_or_else(|| now.as_second().to_string(), str::to_string);
    if domain.snapshots.iter().any(|s| s.name == name) {
        return error(format_args!("operation failed: domain moment {name} already exists"));
    }
    let said = format!("Domain snapshot {name} created\n");
    domain.snapshots.push(Snapshot { name, taken: now, running: domain.running });
    Reply::said(said)
}

fn drop_snapshot(domain: &mut Domain, name: &str) -> Reply {
    let before = domain.snapshots.len();
    domain.snapshots.retain(|s| s.name != name);
    match domain.snapshots.len() < before {
        true => Reply::said(format!("Domain snapshot {name} deleted\n\n")),
        false => {
            error(format_args!("Domain snapshot not found: no domain snapshot with matching name '{name}'"))
        }
    }
}

/// Lines, or with `names` only the first word of each.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> Reply {
    let head = head.map(str::to_string);
    let width = |n: usize| rows.iter().chain([&head]).map(|row| row[n].len()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!(" {}\n", cells.join("   ").trim_end())
    };
    let rule = "-".repeat(widths.iter().sum::<usize>() + 3 * N);
    let body: String = rows.iter().map(line).collect();
    Reply::said(format!("{}{rule}\n{body}\n", line(&head)))
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> Reply {
    Reply::said(names.map(|name| format!("{name}\n")).collect::<String>() + "\n")
}

fn snapshots(domain: &Domain, only_names: bool) -> Reply {
    if only_names {
        return names(domain.snapshots.iter().map(|s| s.name.as_str()));
    }
    let row = |s: &Snapshot| {
        let state = if s.running { "running" } else { "shutoff" };
        [s.name.clone(), s.taken.strftime("%Y-%m-%d %H:%M:%S +0000").to_string(), state.to_string()]
    };
    table(["Name", "Creation Time", "State"], domain.snapshots.iter().map(row).collect())
}

fn list(domains: &[Domain], words: &[&str]) -> Reply {
    let shown = || domains.iter().filter(|d| d.running || words.contains(&"--all"));
    if words.contains(&"--name") {
        return names(shown().map(|d| d.name.as_str()));
    }
    let row = |(n, domain): (usize, &Domain)| {
        let id = if domain.running { (n + 1).to_string() } else { "-".into() };
        [id, domain.name.clone(), state(domain.running).to_string()]
    };
    table(["Id", "Name", "State"], shown().enumerate().map(row).collect())
}
