//! The site on which phase-08 runs whole on the testbed, and the terminal at which somebody runs it, signs, and goes on
//! with what was killed.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's support fails as a test does")]

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rhumb::run::{Entry, Record};
use serde_json::{Value, json};

use crate::rig::{Ended, Rig};
use crate::testbed::{Made, Server, Snapshot, fixture, stdout, var};

/// Who signs what only a person can say.
const SIGNS: &str = "Ada Lovelace";

/// A name of this run's own: what a killed run left must not be taken for it.
pub(crate) fn name(of: &str) -> String {
    format!("whole-{of}-{}", std::process::id())
}

/// The testbed as a site on which every step of phase-08 has something to ask. It takes away what it made.
pub(crate) struct Whole {
    pub(crate) rig: Rig,
    _publisher: Server,
    _files: tempfile::TempDir,
    _server: Made,
    _snapshot: Snapshot,
}

impl Whole {
    pub(crate) fn new() -> Whole {
        let files = tempfile::tempdir().unwrap();
        let at = |file: &str| files.path().join(file).display().to_string();
        stdout("qemu-img", ["create", "-q", "-f", "qcow2", &at("kube.qcow2"), "8M"]);
        let digest = stdout("sha512sum", [at("kube.qcow2")])[..128].to_string();
        let publisher = Server::of_files(files.path());
        let url = publisher.url();
        fs::write(files.path().join("juju-status.json"), model().to_string()).unwrap();
        let made = Made::of("server", &fixture(["server", &name("mgmt")]));
        let snapshot = Snapshot::take(name("baseline"));

        let dir = files.path().to_path_buf();
        let rig = Rig::new(&site("127.0.0.1", &url, &digest, &dir));
        rig.file("clouds.yaml", &fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap());
        let whole = Whole { rig, _publisher: publisher, _files: files, _server: made, _snapshot: snapshot };

        // the tenant's VM has a floating IP, which is this machine's: its sshd answers there
        let given = whole.drill(&format!(
            r#"let port = tenant.ports.list(#{{ device_id: "{id}" }})[0];
               let ip = tenant.floating_ips.create(#{{ floating_network_id: tenant.networks.get("provider-ext").id, port_id: port.id,
                                                       description: "{of}" }});
               fact("address", ip.floating_ip_address);"#,
            id = whole._server.id,
            of = name("vm"),
        ));
        let facts = &given.report.steps[0].facts;
        let address = facts.iter().find(|f| f.name == "address").unwrap().value.as_str().unwrap().to_string();
        let known = fs::read_to_string(var("SSH_KNOWN_HOSTS")).unwrap();
        whole.rig.file("known_hosts", &known.replace("127.0.0.1", &address));
        whole.rig.file("site.toml", &site(&address, &url, &digest, &dir));
        carry(&address, var("SSH_PORT").parse().unwrap());
        whole
    }

    /// Runs a step of the test's own on the same site.
    pub(crate) fn drill(&self, body: &str) -> Ended {
        let text = format!(
            "runbook(\"drill\", \"Of this test\");\nlet admin = site.scope(\"admin\");\nlet tenant = site.scope(\"capi-mgmt\");\n\
             change(\"1\", \"Drill\", || {{ {body} }});\n"
        );
        self.rig.file("drill.rhai", &text);
        self.rig.run(&["run", "drill", "--yes"]).expect(0)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let script = format!(
            r#"let c = tenant.clusters.find("{cluster}");
               if c != () {{
                   if !c.status.starts_with("DELETE_") {{ c.delete(); }}
                   poll(#{{ title: "the cluster is gone", every: 3.s, within: 4.min, read: || tenant.clusters.find("{cluster}"), done: |c| c == () }});
               }}
               for ip in tenant.floating_ips.list().filter(|ip| ip.get("description") == "{vm}") {{ ip.delete(); }}
               for thing in [tenant.cluster_templates.find("{template}"), tenant.images.find("{image}")] {{ if thing != () {{ thing.delete(); }} }}"#,
            cluster = name("c"),
            vm = name("vm"),
            template = name("template"),
            image = name("image"),
        );
        let tidied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(self.drill(&script))));
        if let (Err(why), false) = (tidied, std::thread::panicking()) {
            std::panic::resume_unwind(why);
        }
    }
}

fn site(address: &str, url: &str, digest: &str, files: &Path) -> String {
    let clouds: Value =
        serde_json::from_str(&fs::read_to_string(format!("{}/clouds.yaml", var("CARACAL"))).unwrap())
            .unwrap();
    let host = |name: &str, address: &str, known: &str| {
        format!(
            "[hosts.{name}]\naddress = \"{address}\"\nport = {}\nuser = \"{}\"\nidentity_file = \"{}\"\nknown_hosts = \"{known}\"\n",
            var("SSH_PORT"),
            var("SSH_USER"),
            var("SSH_KEY")
        )
    };
    format!(
        r#"
        name = "testbed"
        [scopes.admin]
        cloud = "admin"
        project = "admin"
        domain = "Default"
        roles = ["admin"]
        [scopes.capi-mgmt]
        cloud = "member"
        project = "capi-mgmt"
        domain = "capi"
        {mgmt}
        {tenant}
        [tools.juju]
        program = "{bin}/juju"
        env = {{ FAKE_STATE = "{files}", FAKE_ETC = "{caracal}/etc", FAKE_BIN = "{caracal}/venv/bin" }}
        [kube.capi-mgmt]
        kubeconfig = "{caracal}/etc/mgmt.kubeconfig"
        [endpoints.keystone]
        url = "{keystone}"
        [values]
        image = "{image}"
        image_url = "{url}/kube.qcow2"
        image_sha512 = "{digest}"
        image_file = "{files}/download.qcow2"
        kube_version = "v1.20.2"
        template = "{template}"
        external_network = "provider-ext"
        workload_cidr = "10.20.16.0/24"
        master_flavor = "gp.mid"
        worker_flavor = "capi.node"
        cluster = "{cluster}"
        keypair = "capi-mgmt-key"
        node_count = 1
        reserved_host_memory = "512MiB"
        magnum_driver_version = "1.4.0"
        magnum_health_period = "5s"
        soak = "5s"
        core_endpoints = ["keystone"]
        tenant_probe_host = "tenant"
        vault_units = ["{vault}"]
        snapshot_host = "capi-mgmt"
        snapshot_domains = ["{domain}"]
        snapshot_name = "{snapshot}"
        libvirt_uri = '{libvirt}'
        octavia_project = "service"
        octavia_services = [] # they run without systemd, and its amphorae are no machines
        mgmt_server = "{server}"
        kubeconfig_file = "{files}/kubeconfig"
        clean_delete = true
        "#,
        mgmt = host("capi-mgmt", "127.0.0.1", &var("SSH_KNOWN_HOSTS")),
        tenant = host("tenant", address, "known_hosts"),
        bin = var("SSH_BIN"),
        caracal = var("CARACAL"),
        files = files.display(),
        keystone = clouds["clouds"]["admin"]["auth"]["auth_url"].as_str().unwrap(),
        image = name("image"),
        template = name("template"),
        cluster = name("c"),
        vault = var("VAULT_ADDR"),
        domain = var("LIBVIRT_DOMAIN"),
        snapshot = name("baseline"),
        libvirt = var("LIBVIRT_URI"),
        server = name("mgmt"),
    )
}

/// The model of the played juju: what the testbed's own has, all of it well, and a unit of Magnum's.
fn model() -> Value {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testbed/ssh/juju-status.json"))
        .unwrap();
    let mut status: Value = serde_json::from_str(&text).unwrap();
    let well = json!({"current": "active", "message": "Unit is ready"});
    let mut vault = status["applications"]["vault"].clone();
    vault["application-status"] = well.clone();
    vault["units"]["vault/0"]["workload-status"] = well;
    let mut magnum = vault.clone();
    magnum["units"] = json!({"magnum/0": vault["units"]["vault/0"]});
    status["applications"]["vault"] = vault;
    status["applications"]["magnum"] = magnum;
    status
}

/// Carries what comes to a port of this address to the same port of 127.0.0.1, as long as the process lives.
fn carry(address: &str, port: u16) {
    let listener = TcpListener::bind((address, port)).unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            for (from, to) in [(&near, &far), (&far, &near)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || {
                    let mut part = [0; 16384];
                    while let Ok(n @ 1..) = from.read(&mut part) {
                        if to.write_all(&part[..n]).is_err() {
                            break;
                        }
                    }
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                });
            }
        }
    });
}

/// A terminal (tmux) with somebody at it who approves, and signs what only a person can say.
pub(crate) struct Desk<'w> {
    whole: &'w Whole,
    /// How many commands were typed: each has a tmux server of its own, since one that ends takes what is begun meanwhile along.
    commands: Cell<u32>,
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.server(), "kill-server"]).output();
    }
}

/// When a command is killed: so long after the journal has come to this.
type Moment<'m> = (&'m dyn Fn(&[Entry]) -> bool, Duration);

/// How a command at the desk ended.
pub(crate) enum Left {
    /// By itself, with this exit code.
    Exit(i32),
    /// It was killed.
    Killed,
}

impl<'w> Desk<'w> {
    pub(crate) fn at(whole: &'w Whole) -> Desk<'w> {
        Desk { whole, commands: Cell::new(0) }
    }

    /// The tmux server of the last command.
    fn server(&self) -> String {
        format!("rhumb-whole-{}-{}", std::process::id(), self.commands.get())
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("tmux").args(["-f", "/dev/null", "-L", &self.server()]).args(arguments).output();
        let output = output.unwrap_or_else(|e| panic!("tmux (tests/testbed installs it): {e}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a command as it is printed, answers what it asks, and kills it (SIGKILL) `after` the journal has come to
    /// where `moment` says.
    pub(crate) fn run(&self, line: &str, within: Duration, moment: Option<Moment<'_>>) -> Left {
        let rig = &self.whole.rig;
        let bin = Path::new(env!("CARGO_BIN_EXE_rhumb")).parent().unwrap();
        let known = rig.journal().len();
        let shell = format!(
            "env -i HOME={home} TERM=xterm PATH={bin}:/usr/bin:/bin RHUMB_SITE={site} RHUMB_STATE={state} {line}; echo left $?; sleep 900",
            home = rig.site().display(),
            bin = bin.display(),
            site = rig.site().display(),
            state = rig.state().display(),
        );
        self.tmux(&["kill-server"]);
        self.commands.set(self.commands.get() + 1);
        self.tmux(&["new-session", "-d", "-x", "240", "-y", "60", &shell]);
        let end = Instant::now() + within;
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            let last = screen.trim_end().lines().last().unwrap_or_default();
            if let Some((moment, after)) = moment {
                let entries = rig.journal();
                if entries.len() > known && moment(&entries[known..]) {
                    std::thread::sleep(after);
                    let pid = pid(&rig.journal()).to_string();
                    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
                    return Left::Killed;
                }
            }
            if last.contains("send it?") && last.ends_with(':') {
                self.type_in("yes");
            } else if last.ends_with("leave it open:") {
                self.type_in(SIGNS);
            } else if let Some((_, code)) = screen.rsplit_once("left ")
                && let Ok(code) = code.trim().parse()
            {
                return Left::Exit(code);
            }
            assert!(Instant::now() < end, "`{line}` does not end:\n{screen}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn type_in(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
        std::thread::sleep(Duration::from_millis(300));
    }

    /// The screen of the last command.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-2000"])
    }
}

/// The process that wrote the journal last.
fn pid(entries: &[Entry]) -> u32 {
    let of = |entry: &Entry| match &entry.record {
        Record::RunBegin { pid, .. } | Record::RunResume { pid, .. } => Some(*pid),
        _ => None,
    };
    entries.iter().rev().find_map(of).unwrap()
}
