//! The `ssh_config` a master connection is started with. It is the only one `ssh` reads.

use std::fmt::Write as _;
use std::path::Path;

use super::super::command::quote;
use super::HostSpec;

/// The name a configuration gives to the host itself, whatever the site calls it.
pub(super) const TARGET: &str = "target";

/// What the connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To run commands.
    LogIn,
    /// To see the host's key and go: no credential is shown to a host that is not known yet.
    SeeKey,
}

/// The configuration for one host. `jump` is the control socket of the connection to the host
/// on the way, which is made first so that its own failures can be told.
pub(super) fn ssh_config(
    host: &HostSpec,
    known_hosts: &Path,
    jump: Option<&Path>,
    purpose: Purpose,
) -> String {
    let mut text = entry(host, known_hosts);
    if purpose == Purpose::SeeKey {
        // the first value of an option counts, so these stand before those of the entry
        let none = "\n  PreferredAuthentications none\n  IdentityFile none\n  IdentityAgent none\n";
        text = text.replacen('\n', none, 1);
    }
    if let Some(socket) = jump {
        // in a session of its own, for Ctrl-C would take it away from the clean-up that follows; and
        // over that connection or not at all
        let socket = socket.to_string_lossy().replace('%', "%%");
        let socket = quote(&socket);
        let through = format!("setsid ssh -F /dev/null -o ProxyCommand=false -S {socket} -W [%h]:%p jump");
        let _ = writeln!(text, "  ProxyCommand {through}");
    }
    text
}

fn entry(host: &HostSpec, known_hosts: &Path) -> String {
    let identity = host.identity_file.as_deref().map_or("none".to_owned(), quoted);
    let (agent, only) = match (host.allow_agent, &host.identity_file) {
        (false, _) => ("none", "yes"),
        (true, Some(_)) => ("SSH_AUTH_SOCK", "yes"),
        (true, None) => ("SSH_AUTH_SOCK", "no"),
    };
    format!(
        "Host {TARGET}\n  \
           HostName {address}\n  \
           Port {port}\n  \
           User {user}\n  \
           ConnectTimeout {timeout}\n  \
           UserKnownHostsFile {known_hosts}\n  \
           GlobalKnownHostsFile /dev/null\n  \
           UpdateHostKeys no\n  \
           HashKnownHosts no\n  \
           VerifyHostKeyDNS no\n  \
           IdentityFile {identity}\n  \
           IdentitiesOnly {only}\n  \
           IdentityAgent {agent}\n  \
           PreferredAuthentications publickey\n  \
           BatchMode yes\n  \
           ForwardAgent no\n  \
           ServerAliveInterval 15\n  \
           ServerAliveCountMax 3\n  \
           LogLevel INFO\n",
        address = host.address.replace('%', "%%"),
        port = host.port,
        user = host.user,
        timeout = host.connect_timeout.as_secs().max(1),
        known_hosts = quoted(known_hosts),
    )
}

/// A path as one value; [`HostSpec::validate`] has refused what cannot be said.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mgmt() -> HostSpec {
        HostSpec {
            identity_file: Some("/site/keys/mgmt 50%".into()),
            ..HostSpec::new("capi mgmt *", "10.20.0.10", "ubuntu", "/site/known_hosts")
        }
    }

    #[test]
    fn everything_a_connection_depends_on_is_said() {
        insta::assert_snapshot!(ssh_config(&mgmt(), Path::new("/site/known_hosts"), None, Purpose::LogIn), @r#"
        Host target
          HostName 10.20.0.10
          Port 22
          User ubuntu
          ConnectTimeout 10
          UserKnownHostsFile "/site/known_hosts"
          GlobalKnownHostsFile /dev/null
          UpdateHostKeys no
          HashKnownHosts no
          VerifyHostKeyDNS no
          IdentityFile "/site/keys/mgmt 50%%"
          IdentitiesOnly yes
          IdentityAgent none
          PreferredAuthentications publickey
          BatchMode yes
          ForwardAgent no
          ServerAliveInterval 15
          ServerAliveCountMax 3
          LogLevel INFO
        "#);
    }

    #[test]
    fn a_jump_uses_the_connection_that_is_there_and_no_other() {
        let socket = Some(Path::new("/run/c 5%/master"));
        let text = ssh_config(&mgmt(), Path::new("/site/known_hosts"), socket, Purpose::LogIn);
        let through = "setsid ssh -F /dev/null -o ProxyCommand=false -S '/run/c 5%%/master' -W [%h]:%p jump";
        assert_eq!(text.lines().last(), Some(format!("  ProxyCommand {through}").as_str()));
    }

    #[test]
    fn the_agent_is_used_only_where_it_is_allowed() {
        let agent = |allow_agent, identity_file| {
            let host = HostSpec { allow_agent, identity_file, ..mgmt() };
            let text = ssh_config(&host, &host.known_hosts, None, Purpose::LogIn);
            text.lines().filter(|l| l.contains("Identit")).map(|l| l.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(agent(false, None), ["IdentityFile none", "IdentitiesOnly yes", "IdentityAgent none"]);
        assert_eq!(
            agent(true, None),
            ["IdentityFile none", "IdentitiesOnly no", "IdentityAgent SSH_AUTH_SOCK"]
        );
        assert_eq!(
            agent(true, Some("/k".into()))[1..],
            ["IdentitiesOnly yes", "IdentityAgent SSH_AUTH_SOCK"]
        );
    }

    #[test]
    fn an_unknown_host_is_shown_no_credential() {
        let host = HostSpec { allow_agent: true, ..mgmt() };
        let text = ssh_config(&host, &host.known_hosts, None, Purpose::SeeKey);
        let first = |option: &str| {
            text.lines().find_map(|l| l.trim().strip_prefix(option)).map(|v| v.trim().to_owned()).unwrap()
        };
        assert_eq!(first("PreferredAuthentications"), "none");
        assert_eq!(first("IdentityAgent"), "none");
        assert_eq!(first("IdentityFile"), "none");
    }
}
