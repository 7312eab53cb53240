# Shared by the services of the testbed (sourced, not run): where things live, and how they are installed, started and stopped.
# A service sets RUN and LOG, its folders for pid files and logs, before it calls start, alive or stop.
# shellcheck shell=bash
set -euo pipefail
# shellcheck disable=SC2034   # for the services
TESTBED=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${RHUMB_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rhumb-testbed}
# sbin: Debian keeps sshd, mariadbd and libvirtd there, and an ordinary user's PATH does not
export PATH=$PATH:/usr/sbin:/sbin TZ=UTC

die() { echo "testbed: $*" >&2; exit 1; }

# --- installing -----------------------------------------------------------------------------------------------------------

# debian COMMAND:PACKAGE...   installs the packages whose command is missing. One after the other, looking again each time:
# apt may take an installed package away for the sake of another (a newer qemu-utils for qemu-system-x86)
debian() {
  local pair
  for pair in "$@"; do
    command -v "${pair%:*}" >/dev/null || apt_install "${pair#*:}"
  done
}
apt_install() {
  [ "$(id -u)" = 0 ] || die "needs the Debian package $1; install it as root: apt-get install $1"
  # RUNLEVEL=1: the package scripts must not start their own copy of the server
  local get=(env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q)
  # the second try is for a machine whose package index is missing or old
  "${get[@]}" install -y --no-install-recommends "$1" >>"$CACHE/apt.log" 2>&1 </dev/null ||
    { "${get[@]}" update && "${get[@]}" install -y --no-install-recommends "$1"; } >>"$CACHE/apt.log" 2>&1 </dev/null ||
    { tail -n 5 "$CACHE/apt.log" >&2; die "apt-get install $1 failed; see $CACHE/apt.log"; }
}

# python_venv DIR   a virtualenv of Python 3.11, the newest that OpenStack 2024.1 supports
python_venv() {
  [ ! -x "$1/bin/python" ] || return 0
  python3.11 -c 'import ensurepip' 2>/dev/null || { apt_install python3.11-venv; apt_install python3.11-dev; }
  python3.11 -m venv "$1"
}

# --- starting and stopping --------------------------------------------------------------------------------------------------

# A pid with the clock tick it was started at: together they name one process, even after the number was given away again.
identity() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"            # what follows the command name, which may hold blanks
  [ "${fields[0]}" != Z ] && echo "$1 ${fields[19]}"
}
remember() { identity "$2" >"$RUN/$1.pid" || true; }                          # remember NAME PID
alive() { [ -s "$RUN/$1.pid" ] && [ "$(cat "$RUN/$1.pid")" = "$(identity "$(pid_of "$1")")" ]; }
pid_of() { cut -d' ' -f1 "$RUN/$1.pid"; }

# start NAME COMMAND...   in the background, as the leader of its own session, its output in $LOG/NAME.log. In $RUN, because the
# caller's directory may vanish (a checkout of another branch is enough), and then a server that looks where it is fails
start() {
  local name=$1; shift
  ! alive "$name" || return 0
  (cd "$RUN" && exec setsid nohup "$@") >>"$LOG/$name.log" 2>&1 </dev/null 9>&- &   # 9 is the driver's lock
  remember "$name" $!
}

# stop NAME [SECONDS]   TERM to the whole session, KILL to what is left of it after SECONDS
stop() {
  local pid i
  alive "$1" || { rm -f "$RUN/$1.pid"; return 0; }
  pid=$(pid_of "$1")
  kill -TERM -- "-$pid" 2>/dev/null || true
  for ((i = ${2:-3} * 10; i > 0; i--)); do kill -0 -- "-$pid" 2>/dev/null || break; sleep 0.1; done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$RUN/$1.pid"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# claim NAME PORT VARIABLE   NAME is about to listen on PORT: nobody else may
claim() {
  ! alive "$1" && listening "$2" || return 0
  local owner
  owner=$(ss -Hltnp "sport = :$2" 2>/dev/null | grep -o 'users:.*' || true)
  die "port $2, wanted by $1, is taken by a program that this testbed did not start${owner:+ ($owner)}; stop it or set $3"
}

# wait_for NAME WHAT SECONDS COMMAND...   until COMMAND succeeds; ends early when NAME dies
wait_for() {
  local name=$1 what=$2 end=$((SECONDS + $3)); shift 3
  until "$@" >/dev/null 2>&1; do
    if ! alive "$name" || [ $SECONDS -ge $end ]; then
      tail -n 8 "$LOG/$name.log" >&2 || true
      die "$name: $what did not happen; see $LOG/$name.log"
    fi
    sleep 0.2
  done
}
# any HTTP answer will do: it is the connection that fails while a service starts
answers() { curl --noproxy '*' -s -o /dev/null --max-time 10 "$1"; }
