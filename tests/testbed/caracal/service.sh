# A real OpenStack 2024.1 (Caracal) control plane: Keystone, Placement, Nova, Neutron, Glance, Cinder API, Octavia and Magnum
# with magnum-capi-helm, from PyPI, with Debian's RabbitMQ and MariaDB. README.md says what in it is real.
# shellcheck shell=bash
HERE=$TESTBED/caracal
export CARACAL_HOME=${CARACAL_HOME:-$CACHE/caracal}
V=$CARACAL_HOME/venv ETC=$CARACAL_HOME/etc RUN=$CARACAL_HOME/run LOG=$CARACAL_HOME/log DATA=$CARACAL_HOME/data
LIB=$CARACAL_HOME/lib                                         # our Python files, so that nothing running depends on the work tree
# one fake nova-compute each; what runs was told at its start
HOSTS=${CARACAL_HOSTS:-$(cat "$RUN/hosts" 2>/dev/null || echo compute-0 compute-1 compute-2)}
P_AMQP=${P_AMQP:-25672} P_EPMD=${P_EPMD:-24369} P_HM=${P_HM:-5555}
P_KEYSTONE=${P_KEYSTONE:-5000} P_PLACEMENT=${P_PLACEMENT:-8778} P_NOVA=${P_NOVA:-8774} P_GLANCE=${P_GLANCE:-9292} P_CINDER=${P_CINDER:-8776}
P_NEUTRON=${P_NEUTRON:-9696} P_OCTAVIA=${P_OCTAVIA:-9876} P_MAGNUM=${P_MAGNUM:-9511} P_MGMT=${P_MGMT:-17443}
export P_AMQP P_HM P_KEYSTONE P_PLACEMENT P_NOVA P_GLANCE P_CINDER P_NEUTRON P_OCTAVIA P_MAGNUM P_MGMT
PASS=secret                                                   # every password of this loopback-only cloud
SOCK=$RUN/mysql.sock
MQ="rabbit://guest:guest@127.0.0.1:$P_AMQP/"
SERVICES=(mariadb epmd rabbitmq keystone placement glance neutron nova-api nova-conductor nova-scheduler cinder octavia-api
  octavia-worker octavia-health heartbeat mgmt magnum-api magnum-conductor)
for host in $HOSTS; do SERVICES+=("nova-$host"); done
mkdir -p "$ETC" "$RUN" "$LOG" "$DATA" "$LIB"
export PATH=$V/bin:$PATH PYTHONWARNINGS=ignore
# the services talk to each other on loopback, and the client tools must not meet somebody's cloud
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY "${!OS_@}"
# shellcheck source=tests/testbed/caracal/configure.sh
. "$HERE/configure.sh"

# --- installing -------------------------------------------------------------------------------------------------------------

install_it() {
  debian /usr/lib/rabbitmq/bin/rabbitmq-server:rabbitmq-server mariadbd:mariadb-server curl:curl openssl:openssl qemu-img:qemu-utils cc:build-essential
  install_programs
  [ -e "$DATA/.databases" ] || make_databases
}

# One virtualenv for everything: the 2024.1 upper constraints make the services installable side by side.
install_programs() {
  local want; want=$(cat "$HERE/constraints.txt" "$HERE"/plugins/* | cksum)
  [ "$(cat "$V/.installed" 2>/dev/null)" != "$want" ] || return 0
  python_venv "$V"
  # setuptools<81 while building: the old sdists import pkg_resources
  printf 'setuptools<81\n' >"$ETC/build-constraints.txt"
  rm -rf "$RUN/plugins"; cp -r "$HERE/plugins" "$RUN/plugins"   # built in a copy: the build litters its folder
  {
    pip install -q 'setuptools<81' wheel
    PIP_CONSTRAINT=$ETC/build-constraints.txt pip install -q -c "$HERE/constraints.txt" 'setuptools<81' \
      keystone openstack-placement nova neutron glance cinder octavia magnum magnum-capi-helm \
      gunicorn PyMySQL python-openstackclient python-octaviaclient python-magnumclient
    pip install -q --no-deps --force-reinstall --no-build-isolation "$RUN/plugins"
  } >"$LOG/pip.log" 2>&1 || { tail -n 5 "$LOG/pip.log" >&2; die "pip failed; see $LOG/pip.log"; }
  # nova looks for hypervisor drivers in its own package only
  cp "$HERE/plugins/caracal_virt.py" "$(python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/nova/virt/"
  echo "$want" >"$V/.installed"
}

# Databases with their tables, Keystone's keys and its first admin (up seeds the rest through the APIs). An interrupted one
# starts over.
make_databases() {
  stop mariadb 30
  rm -rf "$DATA" "$ETC/octavia-amp.conf"; mkdir -p "$DATA"
  configure
  mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$DATA/mysql" --auth-root-authentication-method=normal --skip-test-db >"$LOG/mariadb-install.log" 2>&1
  start_database
  local d
  for d in keystone placement nova_api nova nova_cell0 neutron glance cinder octavia magnum; do
    mariadb --no-defaults -S "$SOCK" -u root -e "CREATE DATABASE IF NOT EXISTS $d CHARACTER SET utf8"
  done
  local nova=(nova-manage --config-file "$ETC/nova.conf") keystone=(keystone-manage --config-file "$ETC/keystone.conf")
  local me=(--keystone-user "$(id -un)" --keystone-group "$(id -gn)") url=http://127.0.0.1:$P_KEYSTONE/v3
  # two lanes, about equally long, for two cores
  (
    # the cells are templates filled in from nova.conf: other ports or another cache directory need no update
    migrate "${nova[@]}" api_db sync
    migrate "${nova[@]}" cell_v2 map_cell0 --database_connection '{scheme}://{username}@{hostname}/nova_cell0?{query}'
    migrate "${nova[@]}" cell_v2 create_cell --name=cell1 --database_connection '{scheme}://{username}@{hostname}/{path}?{query}' \
      --transport-url '{scheme}://{username}:{password}@{hostname}:{port}/{path}'
    migrate "${nova[@]}" db sync
    migrate cinder-manage --config-file "$ETC/cinder.conf" db sync
    migrate magnum-db-manage --config-file "$ETC/magnum.conf" upgrade
  ) & local lane=$!
  migrate "${keystone[@]}" db_sync
  migrate "${keystone[@]}" fernet_setup "${me[@]}"
  migrate "${keystone[@]}" credential_setup "${me[@]}"
  migrate "${keystone[@]}" bootstrap --bootstrap-password $PASS --bootstrap-region-id RegionOne \
    --bootstrap-public-url "$url" --bootstrap-internal-url "$url" --bootstrap-admin-url "$url"
  migrate env OS_PLACEMENT_CONFIG_DIR="$ETC" placement-manage --config-file "$ETC/placement.conf" db sync
  migrate glance-manage --config-file "$ETC/glance-api.conf" db_sync
  migrate octavia-db-manage --config-file "$ETC/octavia.conf" upgrade head
  migrate neutron-db-manage --config-file "$ETC/neutron.conf" upgrade heads
  wait "$lane"
  stop mariadb 30
  touch "$DATA/.databases"
}
migrate() { echo "== $*" >>"$LOG/migrate.log"; "$@" >>"$LOG/migrate.log" 2>&1 || die "$1 failed; see $LOG/migrate.log"; }

# --- starting ---------------------------------------------------------------------------------------------------------------

db() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$SOCK&charset=utf8"; }

start_database() {
  start mariadb mariadbd --no-defaults --user="$(id -un)" --datadir="$DATA/mysql" --socket="$SOCK" --skip-networking \
    --pid-file="$DATA/mariadbd.pid" --skip-log-bin --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync --skip-innodb-doublewrite \
    --innodb-buffer-pool-size=128M --innodb-log-file-size=64M --performance-schema=OFF --max-connections=1000
  wait_for mariadb "answering a ping" 120 mariadb-admin --no-defaults -S "$SOCK" -u root ping
}

start_broker() {   # Debian's rabbitmq under our own user, folders and ports, by a node name that no other broker uses
  local d=$DATA/rabbit; mkdir -p "$d"
  [ -s "$d/.erlang.cookie" ] || { head -c 24 /dev/urandom | base64 | tr -dc A-Z0-9a-z >"$d/.erlang.cookie"; chmod 400 "$d/.erlang.cookie"; }
  printf 'listeners.tcp.1 = 127.0.0.1:%s\ntotal_memory_available_override_value = 2GB\n' "$P_AMQP" >"$ETC/rabbitmq.conf"
  : >"$ETC/rabbitmq-env.conf"; echo '[].' >"$ETC/rabbitmq-plugins"
  start epmd epmd -address 127.0.0.1 -port "$P_EPMD"   # ours, so that we can stop it; the broker would leave a daemon behind
  start rabbitmq env HOME="$d" RABBITMQ_NODENAME="caracal@localhost" RABBITMQ_MNESIA_BASE="$d/mnesia" RABBITMQ_LOG_BASE="$LOG" \
    RABBITMQ_CONFIG_FILE="$ETC/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$ETC/rabbitmq-env.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/rabbitmq-plugins" \
    RABBITMQ_PID_FILE="$DATA/rabbitmq.pid" RABBITMQ_DIST_PORT=$((P_AMQP + 1)) ERL_EPMD_PORT="$P_EPMD" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

# gunicorn NAME PORT APPLICATION [VAR=VALUE...]   its requests go to log/NAME.access.log
gunicorn() {
  local name=$1 port=$2 application=$3 workers=1 threads=4; shift 3
  # Two threads of one Keystone give one user's application credential the roles of another's token: it is refused with a 400
  # (seen in one request of four under load). Its processes share nothing.
  [ "$name" != keystone ] || workers=2 threads=1
  start "$name" env "$@" "$V/bin/gunicorn" --worker-class gthread --workers $workers --threads $threads --timeout 300 --keep-alive 5 --pythonpath "$LIB" \
    --access-logfile "$LOG/$name.access.log" --access-logformat '%(t)s "%(r)s" %(s)s %({x-openstack-request-id}o)s' \
    -b "127.0.0.1:$port" "wsgi:app($application)"
}

claim_ports() {
  claim epmd "$P_EPMD" P_EPMD; claim rabbitmq "$P_AMQP" P_AMQP; claim rabbitmq $((P_AMQP + 1)) P_AMQP
  claim keystone "$P_KEYSTONE" P_KEYSTONE; claim placement "$P_PLACEMENT" P_PLACEMENT; claim glance "$P_GLANCE" P_GLANCE
  claim neutron "$P_NEUTRON" P_NEUTRON; claim nova-api "$P_NOVA" P_NOVA; claim cinder "$P_CINDER" P_CINDER
  claim octavia-api "$P_OCTAVIA" P_OCTAVIA; claim mgmt "$P_MGMT" P_MGMT; claim magnum-api "$P_MAGNUM" P_MAGNUM
}

# seed STEP   once; prints nothing
seed() { [ -e "$DATA/.seeded-$1" ] || { python "$LIB/seed.py" "$1" >>"$LOG/seed.log" 2>&1 || die "seeding $1 failed; see $LOG/seed.log"; touch "$DATA/.seeded-$1"; }; }

up() {
  claim_ports
  echo "$HOSTS" >"$RUN/hosts"
  cp "$HERE"/*.py "$LIB/"
  alive keystone || configure
  start_broker   # the slowest to get ready; whoever needs it tries again by itself
  start_database
  gunicorn keystone "$P_KEYSTONE" '"keystone", "keystone.server.wsgi:initialize_public_application"' \
    OS_KEYSTONE_CONFIG_FILES="$ETC/keystone.conf" OS_KEYSTONE_CONFIG_DIR="$ETC"
  gunicorn placement "$P_PLACEMENT" '"placement", "placement.wsgi:init_application"' OS_PLACEMENT_CONFIG_DIR="$ETC"
  wait_for keystone "an answer" 300 answers "http://127.0.0.1:$P_KEYSTONE/v3"
  start glance glance-api --config-file "$ETC/glance-api.conf"
  start neutron neutron-server --config-file "$ETC/neutron.conf"
  seed identity
  wait_for rabbitmq "listening" 300 listening "$P_AMQP"
  start nova-api nova-api-os-compute --config-file "$ETC/nova.conf"
  start nova-conductor nova-conductor --config-file "$ETC/nova.conf"
  start nova-scheduler nova-scheduler --config-file "$ETC/nova.conf"
  wait_for placement "an answer" 300 answers "http://127.0.0.1:$P_PLACEMENT/"
  local h
  for h in $HOSTS; do
    mkdir -p "$DATA/$h"; printf '[DEFAULT]\nhost = %s\nstate_path = %s\n' "$h" "$DATA/$h" >"$ETC/$h.conf"
    start "nova-$h" nova-compute --config-file "$ETC/nova.conf" --config-file "$ETC/$h.conf"
  done
  gunicorn cinder "$P_CINDER" "'cinder', 'cinder.wsgi.wsgi:initialize_application', '--config-file', '$ETC/cinder.conf'"
  start mgmt python "$LIB/fakemgmt.py" serve "127.0.0.1:$P_MGMT" "$DATA/mgmt.json"
  start magnum-api magnum-api --config-file "$ETC/magnum.conf"
  start magnum-conductor env PATH="$ETC/bin:$PATH" magnum-conductor --config-file "$ETC/magnum.conf"
  wait_for glance "an answer" 300 answers "http://127.0.0.1:$P_GLANCE/"
  wait_for neutron "an answer" 300 answers "http://127.0.0.1:$P_NEUTRON/"
  wait_for nova-api "an answer" 300 answers "http://127.0.0.1:$P_NOVA/"
  if [ ! -e "$ETC/octavia-amp.conf" ]; then   # Octavia starts with the ids of what is made for it here
    seed amphora
    mv "$CARACAL_HOME/octavia-amp.conf" "$ETC/"
    configure_octavia
  fi
  gunicorn octavia-api "$P_OCTAVIA" "'octavia-api', 'octavia.api.app:setup_app', '--config-file', '$ETC/octavia.conf'"
  start octavia-worker octavia-worker --config-file "$ETC/octavia.conf"
  start octavia-health octavia-health-manager --config-file "$ETC/octavia.conf"
  start heartbeat python "$LIB/heartbeat.py" "$SOCK" "127.0.0.1:$P_HM" $PASS
  wait_for cinder "an answer" 300 answers "http://127.0.0.1:$P_CINDER/"
  wait_for octavia-api "an answer" 300 answers "http://127.0.0.1:$P_OCTAVIA/"
  wait_for magnum-api "an answer" 300 answers "http://127.0.0.1:$P_MAGNUM/"
  # shellcheck disable=SC2086   # a list of words
  python "$LIB/seed.py" wait-computes $HOSTS
  seed tenant
  seed addresses
  python "$LIB/fixture.py" restore >/dev/null   # a killed test may have left the hosts down or full
  running >/dev/null || { running >&2; die "not everything kept running; the logs are in $LOG"; }
}

# --- stopping and telling ---------------------------------------------------------------------------------------------------

down() {
  local s
  for s in "${SERVICES[@]}"; do
    case $s in mariadb | rabbitmq | epmd) ;; *) stop "$s" & ;; esac
  done
  wait
  stop rabbitmq 30 & stop mariadb 30 & wait
  stop epmd
  rm -f "$RUN/hosts"
}

reset() { rm -rf "$DATA" "$ETC" "$CARACAL_HOME"/{clouds.yaml,*-openrc,mute}; }

running() {
  local s dead=()
  for s in "${SERVICES[@]}"; do alive "$s" || dead+=("$s"); done
  case ${#dead[@]} in
    0) echo "caracal: up, http://127.0.0.1:$P_KEYSTONE/v3" ;;
    "${#SERVICES[@]}") echo "caracal: down"; return 1 ;;
    *) echo "caracal: not running: ${dead[*]}"; return 1 ;;
  esac
}

env_of() {
  printf 'export %s=%q\n' RHUMB_TESTBED_CARACAL "$CARACAL_HOME" RHUMB_TESTBED_CARACAL_FIXTURE "$HERE/fixture.py" \
    RHUMB_TESTBED_CARACAL_LOG "$LOG" RHUMB_TESTBED_OPENSTACK "$V/bin/openstack"
}
