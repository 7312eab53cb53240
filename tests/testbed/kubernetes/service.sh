# A Kubernetes control plane: etcd, kube-apiserver with TLS and RBAC, and the controller manager (garbage collector, namespaces,
# service accounts, deployments, jobs). No kubelet and no scheduler: nodes and pods are objects whose status a test writes.
# shellcheck shell=bash
HOME_DIR=$CACHE/kubernetes RUN=$CACHE/kubernetes/run LOG=$CACHE/kubernetes/log DATA=$CACHE/kubernetes/data
BIN=$HOME_DIR/bin PKI=$DATA/pki ETC=$HOME_DIR/etc
PORT=${P_KUBERNETES:-26443} ETCD_PORT=${P_ETCD:-22379} ETCD_PEER_PORT=${P_ETCD_PEER:-22380}
SERVER=https://127.0.0.1:$PORT
ADMIN=$ETC/admin.kubeconfig READER=$ETC/reader.kubeconfig
mkdir -p "$RUN" "$LOG" "$DATA" "$ETC"

# --- installing -------------------------------------------------------------------------------------------------------------

install_it() {
  debian curl:curl openssl:openssl
  local want; want=$(cksum <"$TESTBED/kubernetes/build.sh")
  [ -x "$HOME_DIR/client/usr/bin/kubectl" ] || client
  [ "$(cat "$BIN/.installed" 2>/dev/null)" != "$want" ] || return 0
  "$TESTBED/kubernetes/build.sh" "$BIN" >"$LOG/build.log" 2>&1 || { tail -n 5 "$LOG/build.log" >&2; die "building Kubernetes failed; see $LOG/build.log"; }
  echo "$want" >"$BIN/.installed"
}

# kubectl, out of Debian's package: it is installed nowhere else on the machine
client() {
  local into=$HOME_DIR/client get=(apt-get -q -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=300)
  rm -rf "$into"; mkdir -p "$into"
  # the second try is for a machine whose package index is missing or old
  (cd "$into" && { "${get[@]}" download kubernetes-client || { "${get[@]}" update && "${get[@]}" download kubernetes-client; }; } &&
    dpkg-deb -x kubernetes-client_*.deb . && rm kubernetes-client_*.deb) >>"$LOG/client.log" 2>&1 ||
    { tail -n 5 "$LOG/client.log" >&2; die "no kubectl; see $LOG/client.log"; }
}

# --- starting ---------------------------------------------------------------------------------------------------------------

up() {
  claim etcd "$ETCD_PORT" P_ETCD
  claim etcd "$ETCD_PEER_PORT" P_ETCD_PEER
  claim apiserver "$PORT" P_KUBERNETES
  (umask 077; certificates)
  local etcd=http://127.0.0.1:$ETCD_PORT peer=http://127.0.0.1:$ETCD_PEER_PORT
  start etcd "$BIN/etcd" --name testbed --data-dir "$DATA/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "testbed=$peer"
  wait_for etcd "an answer at $etcd" 60 curl --noproxy '*' -sf -o /dev/null "$etcd/health"
  printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' 'rules: [{level: Metadata}]' >"$ETC/audit.yaml"
  # loopback is no address of an endpoint, so none is written for the server itself
  start apiserver "$BIN/kube-apiserver" --etcd-servers="$etcd" --bind-address=127.0.0.1 --secure-port="$PORT" \
    --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.97.0.0/24 \
    --authorization-mode=Node,RBAC --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/server.crt" \
    --tls-private-key-file="$PKI/server.key" --service-account-issuer="$SERVER" --service-account-key-file="$PKI/tokens.key" \
    --service-account-signing-key-file="$PKI/tokens.key" --cert-dir="$RUN" \
    --audit-policy-file="$ETC/audit.yaml" --audit-log-path="$LOG/audit.jsonl" --audit-log-maxsize=500 --audit-log-maxbackup=1
  wait_for apiserver "becoming ready at $SERVER" 120 ask /readyz
  # the server makes it a moment after it calls itself ready
  wait_for apiserver "having its namespace default" 60 ask /api/v1/namespaces/default
  rights
  start controllers "$BIN/kube-controller-manager" --kubeconfig="$ETC/controllers.kubeconfig" --use-service-account-credentials \
    --root-ca-file="$PKI/ca.crt" --service-account-private-key-file="$PKI/tokens.key" --leader-elect=false --port=0 \
    --secure-port=0 --pod-eviction-timeout=24h --node-monitor-grace-period=24h
  wait_for controllers "a token of the default service account" 60 pods_may_come
}
# without it no pod is admitted
pods_may_come() { ask /api/v1/namespaces/default/serviceaccounts/default | grep -q default-token; }

# ask PATH [CURL OPTIONS...]   as the administrator
ask() {
  curl --noproxy '*' -sS --fail-with-body --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" "$SERVER$1" "${@:2}"
}

# One authority for the server, whom it believes, and who they are; made once, and kept as long as the data.
certificates() {
  mkdir -p "$PKI"
  if [ ! -s "$PKI/reader.crt" ]; then
    # of an elliptic key in this format the server cannot take the public half
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$PKI/tokens.key" 2>>"$LOG/pki.log"
    key ca
    openssl req -x509 -new -key "$PKI/ca.key" -out "$PKI/ca.crt" -days 3650 -subj /CN=testbed-ca \
      -addext keyUsage=critical,keyCertSign,cRLSign 2>>"$LOG/pki.log"
    certificate server /CN=kube-apiserver serverAuth "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
    certificate admin /O=system:masters/CN=testbed-admin clientAuth
    certificate controllers /CN=system:kube-controller-manager clientAuth
    certificate reader /O=testbed-readers/CN=testbed-reader clientAuth
  fi
  kubeconfig admin >"$ADMIN"
  kubeconfig controllers >"$ETC/controllers.kubeconfig"
  kubeconfig reader >"$READER"
}
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$PKI/$1.key" 2>>"$LOG/pki.log"; }
# certificate NAME SUBJECT USE [ALTERNATIVE NAMES]
certificate() {
  key "$1"
  printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n%s' "$3" "${4:+subjectAltName=$4}" >"$PKI/$1.ext"
  openssl req -new -key "$PKI/$1.key" -subj "$2" 2>>"$LOG/pki.log" |
    openssl x509 -req -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -CAcreateserial -days 3650 -extfile "$PKI/$1.ext" -out "$PKI/$1.crt" 2>>"$LOG/pki.log"
}

kubeconfig() {
  cat <<C
apiVersion: v1
kind: Config
current-context: testbed-$1
contexts: [{name: testbed-$1, context: {cluster: testbed, user: $1}}]
clusters: [{name: testbed, cluster: {server: "$SERVER", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
C
}

# What the second identity may do: read the ConfigMaps of `default`, and nothing else.
rights() {
  local rbac=/apis/rbac.authorization.k8s.io/v1/namespaces/default api=rbac.authorization.k8s.io
  put "$rbac/roles/testbed-reader" <<C
{"apiVersion": "$api/v1", "kind": "Role", "metadata": {"name": "testbed-reader"},
 "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]}
C
  put "$rbac/rolebindings/testbed-reader" <<C
{"apiVersion": "$api/v1", "kind": "RoleBinding", "metadata": {"name": "testbed-reader"},
 "roleRef": {"apiGroup": "$api", "kind": "Role", "name": "testbed-reader"},
 "subjects": [{"apiGroup": "$api", "kind": "Group", "name": "testbed-readers"}]}
C
}
put() { ask "$1?fieldManager=testbed&force=true" -o /dev/null -X PATCH -H 'Content-Type: application/apply-patch+yaml' --data-binary @-; }

# --- the rest ---------------------------------------------------------------------------------------------------------------

down() { stop controllers; stop apiserver 10; stop etcd 10; }
reset() { rm -rf "$DATA" "$ETC"; }

running() {
  local name
  for name in etcd apiserver controllers; do
    alive "$name" || { echo "kubernetes: down, without $name"; return 1; }
  done
  echo "kubernetes: up, $SERVER"
}

env_of() {
  printf 'export %s=%q\n' RHUMB_TESTBED_KUBECONFIG "$ADMIN" RHUMB_TESTBED_KUBECONFIG_READER "$READER" \
    RHUMB_TESTBED_KUBERNETES_ASK "$TESTBED/kubernetes/ask.sh" RHUMB_TESTBED_KUBERNETES_AUDIT "$LOG/audit.jsonl" \
    RHUMB_TESTBED_KUBECTL "$HOME_DIR/client/usr/bin/kubectl"
}
