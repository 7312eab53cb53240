# A libvirtd of its own (the session kind, which needs no privileges) with one tiny domain, `jumphost-vm`, whose disk is a
# qcow2 file, so that snapshots are real. It can be started: an emulated machine of 64 MiB that finds nothing to boot.
#
# A session libvirtd must not be root's. Root borrows the user nobody, who cannot look into root's home: hence a state
# directory outside the cache. Root's virsh still reaches its socket.
# shellcheck shell=bash
if [ "$(id -u)" = 0 ]; then
  STATE=${TMPDIR:-/var/tmp}/rhumb-testbed-libvirt-$(cksum <<<"$CACHE" | cut -d' ' -f1)   # short: socket paths end at 108 bytes
  AS=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
else
  STATE=$CACHE/libvirt/state
  AS=()
fi
RUN=$CACHE/libvirt/run LOG=$CACHE/libvirt/log
SOCKET=$STATE/run/libvirt/libvirt-sock
URI="qemu+unix:///session?socket=$SOCKET"
DOMAIN=jumphost-vm
mkdir -p "$RUN" "$LOG"

install_it() {
  debian libvirtd:libvirt-daemon virsh:libvirt-clients qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils
  compgen -G '/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so' >/dev/null || apt_install libvirt-daemon-driver-qemu
}

# as_user COMMAND...   with nothing of our own environment: libvirt reads a dozen variables
as_user() { "${AS[@]}" "${ENVIRONMENT[@]}" "$@"; }
ENVIRONMENT=(env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME="$STATE" XDG_RUNTIME_DIR="$STATE/run" XDG_CACHE_HOME="$STATE/cache" XDG_CONFIG_HOME="$STATE/config")

up() {
  mkdir -p "$STATE"
  [ "$(id -u)" != 0 ] || chown nobody:nogroup "$STATE"
  as_user mkdir -p "$STATE/config/libvirt" "$STATE/run"
  # without this a second daemon, virtlogd, would appear and stay
  # shellcheck disable=SC2016   # expanded by that shell
  as_user sh -c 'echo "stdio_handler = \"file\"" >"$XDG_CONFIG_HOME/libvirt/qemu.conf"'
  start libvirtd "${AS[@]}" "${ENVIRONMENT[@]}" libvirtd --timeout 0
  wait_for libvirtd "an answer at $URI" 60 virsh -q -c "$URI" version
  [ -e "$STATE/$DOMAIN.qcow2" ] || as_user qemu-img create -q -f qcow2 "$STATE/$DOMAIN.qcow2" 1M
  virsh -q -c "$URI" dominfo "$DOMAIN" >/dev/null 2>&1 || virsh -q -c "$URI" define /dev/stdin >/dev/null <<C
<domain type='qemu'>
  <name>$DOMAIN</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$STATE/$DOMAIN.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
C
}

down() {
  ! alive libvirtd || virsh -q -c "$URI" destroy "$DOMAIN" >/dev/null 2>&1 || true   # qemu is no child of libvirtd
  stop libvirtd
}
reset() { rm -rf "$STATE"; }

running() {
  if alive libvirtd; then echo "libvirt: up, $URI"; else echo "libvirt: down"; return 1; fi
}

env_of() {
  printf 'export %s=%q\n' RHUMB_TESTBED_LIBVIRT_URI "$URI" RHUMB_TESTBED_LIBVIRT_DOMAIN "$DOMAIN"
}
