# A real OpenSSH server with throwaway keys that stands in for the management VM: the commands of bin/ come first on the PATH
# of its sessions (fake k8s, juju, uptime, sudo; their state is in $FAKE). `ssh -F ssh_config NAME` reaches it as mgmt and as
# target-1, target-2 and so on, which is how one server plays fifty.
# shellcheck shell=bash
HOME_DIR=$CACHE/ssh RUN=$CACHE/ssh/run LOG=$CACHE/ssh/log FAKE=$CACHE/ssh/fake
PORT=${P_SSH:-22022}
mkdir -p "$RUN" "$LOG" "$FAKE"

install_it() { debian sshd:openssh-server ssh:openssh-client; }

up() {
  claim sshd "$PORT" P_SSH
  # sshd run by root insists on its privilege separation directory
  [ "$(id -u)" != 0 ] || install -d -m 0755 /run/sshd
  chmod 700 "$HOME_DIR"
  [ -f "$HOME_DIR/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C testbed-host -f "$HOME_DIR/host_key"
  [ -f "$HOME_DIR/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C testbed-user -f "$HOME_DIR/id_ed25519"
  install -m 600 "$HOME_DIR/id_ed25519.pub" "$HOME_DIR/authorized_keys"
  printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cut -d' ' -f1,2 "$HOME_DIR/host_key.pub")" >"$HOME_DIR/known_hosts"
  rm -rf "${HOME_DIR:?}/bin"; cp -r "$TESTBED/ssh/bin" "$TESTBED/ssh/juju-status.json" "$HOME_DIR/"

  cat >"$HOME_DIR/sshd_config" <<C
Port $PORT
AddressFamily inet
ListenAddress 127.0.0.1
HostKey $HOME_DIR/host_key
PidFile none
AuthorizedKeysFile $HOME_DIR/authorized_keys
AllowUsers $(id -un)
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
# the cache directory may lie below a world-writable one
StrictModes no
MaxSessions 64
MaxStartups 128:30:256
PrintMotd no
PrintLastLog no
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv PATH=$HOME_DIR/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin FAKE_STATE=$FAKE
C
  cat >"$HOME_DIR/ssh_config" <<C
Host mgmt target-*
  HostName 127.0.0.1
  Port $PORT
  User $(id -un)
  IdentityFile $HOME_DIR/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile $HOME_DIR/known_hosts
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 10
C
  local sshd; sshd=$(command -v sshd)   # it wants to be called by its full path
  "$sshd" -t -f "$HOME_DIR/sshd_config"
  start sshd "$sshd" -D -e -f "$HOME_DIR/sshd_config"
  wait_for sshd "listening on port $PORT" 30 listening "$PORT"
}

down() { stop sshd; }
reset() { rm -rf "$HOME_DIR"; }

running() {
  if alive sshd; then echo "ssh: up, port $PORT"; else echo "ssh: down"; return 1; fi
}

env_of() {
  printf 'export %s=%q\n' RHUMB_TESTBED_SSH_CONFIG "$HOME_DIR/ssh_config" RHUMB_TESTBED_SSH_PORT "$PORT" RHUMB_TESTBED_SSH_USER "$(id -un)" \
    RHUMB_TESTBED_SSH_KEY "$HOME_DIR/id_ed25519" RHUMB_TESTBED_SSH_KNOWN_HOSTS "$HOME_DIR/known_hosts" RHUMB_TESTBED_SSH_FAKE "$FAKE" \
    RHUMB_TESTBED_SSH_BIN "$HOME_DIR/bin" RHUMB_TESTBED_SSH_LOG "$LOG/sshd.log"
}
