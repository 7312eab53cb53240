# The inside of workload clusters: what answers at the API addresses of clusters that Magnum has made. workload.py says what of
# it is real. It stands on caracal and on kubernetes, and does nothing where no cluster is built.
# shellcheck shell=bash
HOME_DIR=$CACHE/workload RUN=$CACHE/workload/run LOG=$CACHE/workload/log LIB=$CACHE/workload/lib
CARACAL=${CARACAL_HOME:-$CACHE/caracal} PKI=$CACHE/kubernetes/data/pki
mkdir -p "$RUN" "$LOG" "$LIB"

install_it() { :; }

up() {
  [ -x "$CARACAL/venv/bin/python" ] && [ -s "$PKI/admin.crt" ] || die "workload: stands on caracal and kubernetes, which are not installed"
  install -m 644 "$TESTBED/workload/workload.py" "$LIB/"
  start workload "$CARACAL/venv/bin/python" -u "$LIB/workload.py" "http://127.0.0.1:${P_MGMT:-17443}" "https://127.0.0.1:${P_KUBERNETES:-26443}" "$PKI"
  wait_for workload "its first round" 60 grep -q "round 1$" "$LOG/workload.log"
}

down() { stop workload; rm -f "$LOG/workload.log"; }
reset() { rm -rf "$HOME_DIR"; }
running() { if alive workload; then echo "workload: up"; else echo "workload: down"; return 1; fi; }
env_of() { printf 'export %s=%q\n' RHUMB_TESTBED_WORKLOAD_LOG "$LOG/workload.log"; }
