//! The programs of any machine.

use std::time::Duration;

use jiff::Timestamp;

use super::{Reply, k8s_snap, libvirt};
use crate::lab::world::World;

/// Runs a command.
pub(super) fn run(world: &mut World, host: &str, words: &[&str]) -> Reply {
    match words {
        ["sudo", rest @ ..] => {
            let rest = rest.strip_prefix(&["-n"]).unwrap_or(rest);
            unless_absent(run(world, host, rest), 1, |program| {
                format!("sudo: {program}: command not found\n")
            })
        }
        ["timeout", limit, rest @ ..] if limit.starts_with(|c: char| c.is_ascii_digit()) => {
            run(world, host, rest)
        }
        ["sh" | "bash", "-c" | "-lc", script] => {
            let absent = |program: &str| format!("bash: line 1: {program}: command not found\n");
            unless_absent(script_of(world, host, script), ABSENT, absent)
        }
        ["sleep", seconds] => {
            let takes = Duration::from_secs(seconds.parse().unwrap_or(0));
            Reply { takes, ..Reply::default() }
        }
        ["true"] => Reply::default(),
        ["false"] => Reply::failed(1, ""),
        ["test", "-e", path] if k8s_snap::has(world, host, path) => Reply::default(),
        ["test", "-e", _] => Reply::failed(1, ""),
        ["echo", words @ ..] => Reply::said(format!("{}\n", words.join(" "))),
        ["hostname"] => Reply::said(format!("{}\n", name(world, host))),
        ["uname", "-n"] => Reply::said(format!("{}\n", name(world, host))),
        ["whoami"] => Reply::said("ubuntu\n"),
        ["uptime"] => Reply::said(uptime(world, host)),
        ["k8s", rest @ ..] | ["/snap/bin/k8s", rest @ ..] => k8s_snap::run(world, host, rest),
        ["virsh", rest @ ..] => libvirt::run(world, host, rest),
        // a command of ours hangs on `timeout`, which says so
        [program, ..] => Reply::failed(ABSENT, format!("{MISSING}'{program}': No such file or directory\n")),
        [] => Reply::failed(2, "nothing to run\n"),
    }
}

/// What a program that is not there ends with.
const ABSENT: i32 = 127;
const MISSING: &str = "timeout: failed to run command ";

/// What came of a command, unless its program is not there: then whatever was to run it says so in its own words.
fn unless_absent(reply: Reply, code: i32, words: impl Fn(&str) -> String) -> Reply {
    let quoted = reply.stderr.strip_prefix(MISSING).and_then(|rest| rest.split('\'').nth(1));
    match quoted {
        Some(program) if reply.code == ABSENT => Reply::failed(code, words(program)),
        _ => reply,
    }
}

/// A script of one command: what it is in the procedures. A knock at a port is bash's own.
fn script_of(world: &mut World, host: &str, script: &str) -> Reply {
    let script = script.trim();
    if let Some((address, port)) = knock(script) {
        return match crate::lab::answers(world, address, port) {
            true => Reply::default(),
            false => Reply::failed(124, ""), // packets go nowhere, and `timeout` ends it
        };
    }
    let words: Vec<&str> = script.split_whitespace().collect();
    run(world, host, &words)
}

/// The place that `exec 3<>/dev/tcp/ADDRESS/PORT` knocks at.
fn knock(script: &str) -> Option<(&str, u16)> {
    let (_, place) = script.split_once("/dev/tcp/")?;
    let place = place.split([' ', ';', '\'']).next()?;
    let (address, port) = place.split_once('/')?;
    Some((address, port.parse().ok()?))
}

fn name(world: &World, host: &str) -> String {
    world.machine(host).and_then(|m| m.server.clone()).unwrap_or_else(|| host.to_string())
}

/// As procps prints it.
fn uptime(world: &World, host: &str) -> String {
    let since = world.machine(host).and_then(|m| m.up_since(world)).unwrap_or(Timestamp::MIN);
    // a machine outside of the cloud has been up for weeks
    let minutes = match since == Timestamp::MIN {
        true => 41 * 24 * 60,
        false => world.now().duration_since(since).as_mins(),
    };
    let up = match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, m) => format!("{m} min"),
        (0, h, m) => format!("{h}:{m:02}"),
        (d, h, m) => format!("{d} days, {h}:{m:02}"),
    };
    let [one, five, fifteen] = k8s_snap::load(world, host);
    let time = world.now().strftime("%H:%M:%S");
    format!(" {time} up {up},  0 users,  load average: {one:.2}, {five:.2}, {fifteen:.2}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knock_is_read_from_bash_words() {
        assert_eq!(knock("exec 3<>/dev/tcp/10.12.4.50/5000"), Some(("10.12.4.50", 5000)));
        assert_eq!(knock("exec 3<>/dev/tcp/10.12.4.50/5000 && echo VIP-OK"), Some(("10.12.4.50", 5000)));
        assert_eq!(knock("echo hello"), None);
    }
}
