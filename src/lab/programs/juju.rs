//! `juju`: the status of a model in the shape of juju 3, and commands on its units.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::lab::machines::Reply;
use crate::lab::scenario::{self, Application};
use crate::lab::world::World;

const VERSION: &str = "3.6.8";

/// A model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Juju {
    pub(crate) model: String,
    /// How many machines it has.
    pub(crate) machines: u32,
    /// Those of them that are down.
    pub(crate) down: Vec<String>,
    pub(crate) applications: Vec<Application>,
    since: Option<Timestamp>,
}

impl Juju {
    pub(crate) fn of(told: &scenario::Juju, applications: &[Application], now: Timestamp) -> Juju {
        Juju {
            model: told.model.clone(),
            machines: told.machines,
            down: told.down.clone(),
            applications: applications.to_vec(),
            since: Some(now),
        }
    }
}

/// Runs a command of juju.
pub(super) fn run(world: &mut World, words: &[&str]) -> Reply {
    let Some((verb, rest)) = words.split_first() else { return Reply::failed(2, "ERROR no command\n") };
    let (model, rest) = model_of(rest);
    if let Some(model) = model
        && model.rsplit(['/', ':']).next() != Some(world.juju.model.as_str())
    {
        return Reply::failed(1, format!("ERROR model {model} not found\n"));
    }
    match (*verb, rest.as_slice()) {
        ("status", options) if options.iter().any(|o| o.contains("json")) => {
            Reply::said(format!("{}\n", status(world)))
        }
        ("status", _) => Reply::failed(2, "ERROR this rehearsal's juju knows --format=json only\n"),
        ("ssh", [unit, command @ ..]) => ssh(world, unit, &command.join(" ")),
        (other, _) => Reply::failed(2, format!("ERROR unrecognized command: juju {other}\n")),
    }
}

/// Takes `--model NAME` out of the words.
fn model_of<'w>(words: &[&'w str]) -> (Option<&'w str>, Vec<&'w str>) {
    let mut rest = words.to_vec();
    let at = rest.iter().position(|w| ["-m", "--model"].contains(w) || w.starts_with("--model="));
    let Some(at) = at else { return (None, rest) };
    let word = rest.remove(at);
    match word.strip_prefix("--model=") {
        Some(model) => (Some(model), rest),
        None if at < rest.len() => (Some(rest.remove(at)), rest),
        None => (None, rest),
    }
}

fn state(current: &str, message: &str, since: &str) -> Value {
    match message {
        "" => json!({"current": current, "since": since}),
        message => json!({"current": current, "message": message, "since": since}),
    }
}

/// The machine of an application's unit: one of the first, in turn.
fn machine_of(juju: &Juju, unit: u32) -> String {
    (unit % juju.machines.max(1)).to_string()
}

fn unit(juju: &Juju, application: &Application, n: u32, since: &str) -> Value {
    let machine = machine_of(juju, n);
    let lost = juju.down.contains(&machine);
    let agent = if lost { "lost" } else { application.agent.as_str() };
    let (workload, message) = match lost {
        true => ("unknown", format!("agent lost, see 'juju show-status-log {}/{n}'", application.name)),
        false => (application.workload.as_str(), application.message.clone()),
    };
    let address = format!("10.12.8.{}", 60 + n);
    let mut shown = json!({
        "workload-status": state(workload, &message, since),
        "juju-status": {"current": agent, "since": since, "version": VERSION},
        "machine": machine, "public-address": address,
    });
    // of those that do not lead nothing is said
    if n == 0 {
        shown["leader"] = true.into();
    }
    let subordinates: Map<String, Value> = application
        .subordinates
        .iter()
        .map(|name| {
            let mut status = json!({
                "workload-status": state("active", "Unit is ready", since),
                "juju-status": {"current": agent, "since": since, "version": VERSION}, "public-address": address,
            });
            if n == 0 {
                status["leader"] = true.into();
            }
            (format!("{name}/{n}"), status)
        })
        .collect();
    if !subordinates.is_empty() {
        shown["subordinates"] = subordinates.into();
    }
    shown
}

fn status(world: &World) -> Value {
    let juju = &world.juju;
    let since = juju.since.unwrap_or(world.now()).strftime("%d %b %Y %H:%M:%SZ").to_string();
    let machine = |n: u32| {
        let down = juju.down.contains(&n.to_string());
        let (agent, message) =
            if down { ("down", "agent is not communicating with the server") } else { ("started", "") };
        let mut agent = state(agent, message, &since);
        agent["version"] = VERSION.into();
        json!({
            "juju-status": agent, "hostname": format!("machine-{n}"), "dns-name": format!("10.12.8.{}", 20 + n),
            "ip-addresses": [format!("10.12.8.{}", 20 + n)], "instance-id": format!("machine-{n}"),
            "machine-status": state(if down { "down" } else { "running" }, "", &since),
            "modification-status": state("applied", "", &since), "base": {"name": "ubuntu", "channel": "22.04"},
        })
    };
    let machines: Map<String, Value> = (0..juju.machines).map(|n| (n.to_string(), machine(n))).collect();
    let mut applications = Map::new();
    for application in &juju.applications {
        let units: Map<String, Value> = (0..application.units)
            .map(|n| (format!("{}/{n}", application.name), unit(juju, application, n, &since)))
            .collect();
        let name = application.name.as_str();
        applications.insert(
            name.into(),
            json!({
                "charm": name, "charm-name": name, "charm-origin": "charmhub", "exposed": false,
                "base": {"name": "ubuntu", "channel": "22.04"},
                "application-status": state(&application.workload, &application.message, &since), "units": units,
            }),
        );
        for subordinate in &application.subordinates {
            // a subordinate has no units of its own: they stand under their principals
            applications.entry(subordinate.clone()).or_insert_with(|| {
                json!({"charm": subordinate, "charm-name": subordinate, "charm-origin": "charmhub", "exposed": false,
                    "application-status": state("active", "Unit is ready", &since), "subordinate-to": [name]})
            });
        }
    }
    json!({
        "model": {"name": juju.model, "type": "iaas", "controller": "lab", "cloud": "maas", "version": VERSION,
            "model-status": state("available", "", &since), "sla": "unsupported"},
        "machines": machines, "applications": applications, "storage": {},
        "controller": {"timestamp": world.now().strftime("%H:%M:%SZ").to_string()},
    })
}

/// A command on a unit's machine. The shell there reads it; what is known is a look for an option in a file, and for the
/// version of a Python package.
fn ssh(world: &World, unit: &str, command: &str) -> Reply {
    let (application, n) = unit.split_once('/').unwrap_or((unit, "0"));
    let known = world.juju.applications.iter().find(|a| a.name == application);
    let number: u32 = n.parse().unwrap_or(u32::MAX);
    let Some(known) = known.filter(|a| number < a.units) else {
        return Reply::failed(1, format!("ERROR opening environment: unit {unit:?} not found\n"));
    };
    if world.juju.down.contains(&machine_of(&world.juju, number)) {
        return Reply::failed(255, format!("ERROR ssh: connect to host {unit} port 22: No route to host\n"));
    }
    let command = command.trim_start_matches("sudo ");
    if let Some(package) = package(command) {
        return Reply::said(version(world, &known.name, package).map_or("\n".into(), |v| v + "\n"));
    }
    if let Some(names) = command.strip_prefix("systemctl is-active ") {
        return Reply::said(services(&known.name, names));
    }
    match option(command) {
        Some(name) => {
            Reply::said(value(world, &known.name, number, &name).map_or(String::new(), |v| v + "\n"))
        }
        None if command.starts_with("true") => Reply::default(),
        None => Reply::failed(127, format!("bash: {command}: command not found\n")),
    }
}

/// The option that a `sed -n 's/^...NAME...=...//p'` or a `grep NAME` looks for.
fn option(command: &str) -> Option<String> {
    let is_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
    let text = command.replace("[[:space:]]*", " ");
    let name = match text.split_once("s/^ ") {
        Some((_, rest)) => rest.chars().take_while(is_name).collect::<String>(),
        None => text.strip_prefix("grep ")?.split(' ').find(|w| !w.starts_with('-'))?.to_string(),
    };
    (!name.is_empty()).then_some(name)
}

/// What a charm wrote into its service's configuration.
fn value(world: &World, application: &str, unit: u32, name: &str) -> Option<String> {
    let host = world.nova.hosts.iter().nth(usize::try_from(unit).ok()?);
    match (application, name) {
        ("nova-compute", "reserved_host_memory_mb") => host.map(|h| h.reserved_memory_mb.to_string()),
        ("magnum", "default_helm_chart_version") => Some(world.quirks.chart.clone()),
        _ => None,
    }
}

/// The states of systemd's services on an application's machines, a line each: those of the name of the application run.
fn services(application: &str, names: &str) -> String {
    let names = names.split(['|', ';']).next().unwrap_or_default().split_whitespace();
    let state = |name: &str| if name.starts_with(application) { "active\n" } else { "inactive\n" };
    names.map(state).collect()
}

/// The package that a line of Python looks for among the `distributions(name="NAME")`.
fn package(command: &str) -> Option<&str> {
    let (_, rest) = command.strip_prefix("python3 -c ")?.split_once("distributions(name=\"")?;
    rest.split_once('"').map(|(name, _)| name)
}

/// The version of a Python package on an application's machines.
fn version(world: &World, application: &str, package: &str) -> Option<String> {
    (application == "magnum" && package == "magnum-capi-helm").then(|| world.quirks.driver.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_read_from_sed_and_from_grep() {
        let sed =
            "sed -n 's/^[[:space:]]*reserved_host_memory_mb[[:space:]]*=[[:space:]]*//p' /etc/nova/nova.conf";
        assert_eq!(option(sed).as_deref(), Some("reserved_host_memory_mb"));
        assert_eq!(
            option("grep -i reserved_host_memory /etc/nova/nova.conf").as_deref(),
            Some("reserved_host_memory")
        );
        assert_eq!(option("reboot"), None);
    }

    #[test]
    fn a_package_is_read_from_a_line_of_python() {
        let look = r#"python3 -c 'from importlib.metadata import *; print(*[d.version for d in distributions(name="x-y")][:1])'"#;
        assert_eq!(package(look), Some("x-y"));
        assert_eq!(package("python3 -V"), None);
    }

    #[test]
    fn a_model_is_named_before_or_behind() {
        assert_eq!(model_of(&["--format=json", "--model", "m"]), (Some("m"), vec!["--format=json"]));
        assert_eq!(model_of(&["--model=c:m"]), (Some("c:m"), vec![]));
        assert_eq!(model_of(&["--model"]), (None, vec![]));
    }
}
