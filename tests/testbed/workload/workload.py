"""The inside of workload clusters.

  workload.py MANAGEMENT_API KUBERNETES_API PKI

The API server, its admission and its controllers are real: the testbed's own Kubernetes, one for all clusters. For each cluster
that is built, a tunnel listens at its API address, a floating IP of 127.24.0.0/16, which is this machine's. It ends TLS as the
cluster's own API server would: with a certificate of the authority that Magnum made for the cluster, and for clients that this
authority knows; behind it everybody is the server's administrator.

Played: nodes (an object for each machine), their kubelets (pods are placed and run at once), what the addons do, agnhost (it
answers with the names of the pods behind a Service), and the cloud controller. What that one asks of the cloud is real: a load
balancer of Octavia's and a floating IP, with the cluster's own application credential, and both are taken away again.
"""
import asyncio, base64, datetime, http.server, ipaddress, json, os, socket, socketserver, ssl, sys, tempfile, threading, time, traceback, urllib.error, urllib.request

MGMT, API, PKI = sys.argv[1:4]
OWNER, CLEANUP = "testbed.rhumb/cluster", "service.kubernetes.io/load-balancer-cleanup"
SPACES = ("kube-system", "default")      # pods elsewhere are other tests'
now = lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
say = lambda *words: print(now(), *words, flush=True)


def admin_tls():
    tls = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
    tls.load_cert_chain(f"{PKI}/admin.crt", f"{PKI}/admin.key")
    return tls


TLS = admin_tls()


def ask(base, method, path, body=None, kind="application/json"):
    """The answer, or None for what is not there."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, method=method, data=data, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30, context=TLS if base == API else None) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        if e.code == 404:
            return None
        raise RuntimeError(f"{method} {path}: {e.code} {e.read()[:300]}") from None


kube = lambda method, path, body=None, kind="application/json": ask(API, method, path, body, kind)
items = lambda answer: answer["items"] if answer else []


def apply(path, body):
    kube("PATCH", f"{path}?fieldManager=testbed&force=true", body, "application/apply-patch+yaml")


# --- the API address ----------------------------------------------------------------------------------------------------------

def serving_certificate(address, ca, ca_key):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa
    authority, signer = x509.load_pem_x509_certificate(ca), s.load_pem_private_key(ca_key, None)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    at = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kube-apiserver")]))
            .issuer_name(authority.subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(at - datetime.timedelta(hours=1)).not_valid_after(at + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(signer, hashes.SHA256()))
    return made.public_bytes(s.Encoding.PEM) + key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())


# One loop carries for all tunnels: two threads may not read and write one TLS connection.
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


class Tunnel:
    def __init__(self, address, ca, ca_key):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as chain:
            chain.write(serving_certificate(address, ca, ca_key)); chain.flush()
            tls.load_cert_chain(chain.name)
        tls.load_verify_locations(cadata=ca.decode())
        tls.verify_mode = ssl.CERT_REQUIRED
        listening = asyncio.start_server(carry, sock=socket.create_server((address, 6443)), ssl=tls)
        self.server = asyncio.run_coroutine_threadsafe(listening, LOOP).result()

    def close(self):
        LOOP.call_soon_threadsafe(self.server.close)


async def carry(near, back):
    host, port = API.removeprefix("https://").split(":")
    try:
        far, there = await asyncio.open_connection(host, int(port), ssl=TLS, server_hostname=host)
    except OSError as e:
        say("tunnel:", e)
        return back.close()

    async def copy(source, sink):
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        sink.close()
    await asyncio.gather(copy(near, there), copy(far, back))


# --- nodes and pods -------------------------------------------------------------------------------------------------------------

def addons():
    pod = lambda name: {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "image": "played/" + name}]}}
    spec = lambda name: {"selector": {"matchLabels": {"app": name}}, "template": pod(name)}
    for name in ("calico-node", "openstack-cloud-controller-manager", "openstack-cinder-csi-nodeplugin"):
        yield "daemonsets", {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec(name)}
    for name in ("coredns", "openstack-cinder-csi-controllerplugin"):
        yield "deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 1, **spec(name)}}


def node(cluster, machine, version):
    labels = {OWNER: cluster}
    if "-control-plane-" in machine:
        labels["node-role.kubernetes.io/control-plane"] = ""
    kube("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": machine, "labels": labels}})
    ready = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "played", "lastHeartbeatTime": now(), "lastTransitionTime": now()}]
    status = {"conditions": ready, "nodeInfo": {"kubeletVersion": version, "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "",
              "osImage": "played", "containerRuntimeVersion": "", "kubeProxyVersion": version, "operatingSystem": "linux", "architecture": "amd64"}}
    kube("PATCH", f"/api/v1/nodes/{machine}/status", {"status": status}, "application/merge-patch+json")


COUNTER = iter(range(1, 1 << 30))


def kubelets(nodes):
    """Places and runs what is to run, and lets go of what is to end."""
    for space in SPACES:
        for pod in items(kube("GET", f"/api/v1/namespaces/{space}/pods")):
            meta, spec, name = pod["metadata"], pod["spec"], pod["metadata"]["name"]
            path = f"/api/v1/namespaces/{space}/pods/{name}"
            if meta.get("deletionTimestamp") or spec.get("nodeName") and spec["nodeName"] not in nodes:
                kube("DELETE", path, {"gracePeriodSeconds": 0})
            elif not spec.get("nodeName"):
                terms = spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", [])
                fields = [f for t in terms for f in t.get("matchFields", [])]
                to = fields[0]["values"][0] if fields else sorted(nodes)[-1]
                kube("POST", path + "/binding", {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                                                 "target": {"apiVersion": "v1", "kind": "Node", "name": to}})
            elif pod["status"].get("phase") != "Running":
                n = next(COUNTER)
                run = [{"name": c["name"], "image": c["image"], "imageID": c["image"], "containerID": f"played://{n}", "ready": True, "started": True,
                        "restartCount": 0, "state": {"running": {"startedAt": now()}}} for c in spec["containers"]]
                conditions = [{"type": t, "status": "True", "lastTransitionTime": now()} for t in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
                kube("PATCH", path + "/status", {"status": {"phase": "Running", "conditions": conditions, "containerStatuses": run, "startTime": now(),
                     "podIP": f"10.244.{n // 250 % 250}.{n % 250 + 1}"}}, "application/merge-patch+json")


# --- the cloud controller ---------------------------------------------------------------------------------------------------------

class Agnhost(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        pods = sorted(p["metadata"]["name"] for p in items(kube("GET", f"/api/v1/namespaces/{self.server.space}/pods?labelSelector={self.server.selector}"))
                      if p["status"].get("phase") == "Running")
        self.server.asked += 1
        body = pods[self.server.asked % len(pods)].encode() if pods else b""
        self.send_response(200 if pods else 503); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)

    def log_message(self, *_):
        pass


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, asked = True, 0


class Service:
    """One Service of type LoadBalancer, on a thread of its own: a balancer takes its time."""
    at_work, webs = set(), {}

    def __init__(self, cluster, space, name):
        self.cluster, self.space, self.name = cluster, space, name
        self.path = f"/api/v1/namespaces/{space}/services/{name}"
        self.balancer = f"kube_service_{cluster.name}_{space}_{name}"
        if self.balancer not in Service.at_work:
            Service.at_work.add(self.balancer)
            threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            service = kube("GET", self.path)
            if service and service["metadata"].get("deletionTimestamp"):
                self.remove(service)
            elif service and not (service["status"].get("loadBalancer") or {}).get("ingress"):
                self.make(service)
            elif service and self.balancer not in Service.webs:
                self.serve(service["status"]["loadBalancer"]["ingress"][0]["ip"], service)
        except Exception:
            traceback.print_exc(); sys.stderr.flush()
            time.sleep(2)
        finally:
            Service.at_work.discard(self.balancer)

    def settled(self, cloud, ident):
        while (lb := cloud.load_balancer.find_load_balancer(ident)) and lb.provisioning_status.startswith("PENDING"):
            time.sleep(0.5)
        return lb

    def make(self, service):
        if CLEANUP not in service["metadata"].get("finalizers", []):
            kube("PATCH", self.path, {"metadata": {"finalizers": [CLEANUP]}}, "application/merge-patch+json")
        cloud = self.cluster.cloud()
        lb = cloud.load_balancer.find_load_balancer(self.balancer)
        if not lb:
            subnet = cloud.network.find_subnet(f"k8s-clusterapi-cluster-{self.cluster.space}-{self.cluster.name}")
            of = f"Kubernetes external service {self.space}/{self.name} from cluster {self.cluster.name}"
            lb = cloud.load_balancer.create_load_balancer(name=self.balancer, vip_subnet_id=subnet.id, provider="amphora", description=of)
        lb = self.settled(cloud, lb.id)
        if not lb or lb.provisioning_status != "ACTIVE":
            return
        if not lb.listeners:
            cloud.load_balancer.create_listener(name=f"listener_0_{self.balancer}", load_balancer_id=lb.id, protocol="TCP", protocol_port=80)
            lb = self.settled(cloud, lb.id)
        ip = next(cloud.network.ips(port_id=lb.vip_port_id), None) or cloud.network.create_ip(
            floating_network_id=cloud.network.find_network("provider-ext").id, port_id=lb.vip_port_id,
            description=f"Floating IP for Kubernetes external service {self.space}/{self.name} from cluster {self.cluster.name}")
        self.serve(ip.floating_ip_address, service)
        kube("PATCH", self.path + "/status", {"status": {"loadBalancer": {"ingress": [{"ip": ip.floating_ip_address}]}}}, "application/merge-patch+json")

    def serve(self, address, service):
        web = Web((address, service["spec"]["ports"][0]["port"]), Agnhost)
        web.space, web.selector = self.space, ",".join(f"{k}%3D{v}" for k, v in service["spec"]["selector"].items())
        threading.Thread(target=web.serve_forever, daemon=True).start()
        Service.webs[self.balancer] = web

    def remove(self, service):
        if web := Service.webs.pop(self.balancer, None):
            web.shutdown(); web.server_close()
        cloud = self.cluster.cloud()
        lb = cloud.load_balancer.find_load_balancer(self.balancer)
        if lb:
            for ip in list(cloud.network.ips(port_id=lb.vip_port_id)):
                cloud.network.delete_ip(ip)
            if not self.settled(cloud, lb.id).provisioning_status.startswith("DELETE"):
                cloud.load_balancer.delete_load_balancer(lb.id, cascade=True)
            while cloud.load_balancer.find_load_balancer(self.balancer):
                time.sleep(0.5)
        left = [f for f in service["metadata"].get("finalizers", []) if f != CLEANUP]
        kube("PATCH", self.path, {"metadata": {"finalizers": left}}, "application/merge-patch+json")


# --- clusters ---------------------------------------------------------------------------------------------------------------------

class Cluster:
    all = {}

    def __init__(self, space, name, address):
        self.space, self.name, self.address, self.connection = space, name, address, None
        ca = self.secret(f"{name}-ca")
        self.tunnel = Tunnel(address, base64.b64decode(ca["tls.crt"]), base64.b64decode(ca["tls.key"]))
        say("cluster", name, "answers at", address)

    def secret(self, name):
        return ask(MGMT, "GET", f"/api/v1/namespaces/{self.space}/secrets/{name}")["data"]

    def cloud(self):
        import openstack, yaml
        if not self.connection:
            c = yaml.safe_load(base64.b64decode(self.secret(f"{self.name}-cloud-credentials")["clouds.yaml"]))["clouds"]["openstack"]
            self.connection = openstack.connect(auth=c["auth"], auth_type=c["auth_type"], region_name=c["region_name"], load_yaml_config=False, load_envvars=False)
        return self.connection

    def keep(self, version):
        wanted = [m["metadata"]["name"] for m in items(ask(MGMT, "GET", f"/apis/cluster.x-k8s.io/v1beta1/namespaces/{self.space}/machines"
                                                                        f"?labelSelector=cluster.x-k8s.io/cluster-name={self.name}"))]
        nodes = {n["metadata"]["name"] for n in items(kube("GET", f"/api/v1/nodes?labelSelector={OWNER}={self.name}"))}
        for machine in wanted:
            if machine not in nodes:
                node(self.name, machine, version)
        for kind, addon in addons():
            apply(f"/apis/apps/v1/namespaces/kube-system/{kind}/{addon['metadata']['name']}", addon)
        for service in items(kube("GET", "/api/v1/namespaces/default/services")):
            if service["spec"]["type"] == "LoadBalancer":
                Service(self, "default", service["metadata"]["name"])
        return set(wanted)

    def end(self):
        say("cluster", self.name, "is gone")
        self.tunnel.close()
        for n in items(kube("GET", f"/api/v1/nodes?labelSelector={OWNER}={self.name}")):
            kube("DELETE", f"/api/v1/nodes/{n['metadata']['name']}")


def round_of_all(version):
    built = {}
    for infra in items(ask(MGMT, "GET", "/apis/infrastructure.cluster.x-k8s.io/v1beta1/openstackclusters")):
        meta, status = infra["metadata"], infra.get("status", {})
        if status.get("built") and not meta.get("deletionTimestamp"):
            built[meta["name"]] = (meta["namespace"], status["apiServerLoadBalancer"]["ip"])
    for name in [n for n in Cluster.all if n not in built]:
        Cluster.all.pop(name).end()
        if not Cluster.all:
            for kind, addon in addons():
                kube("DELETE", f"/apis/apps/v1/namespaces/kube-system/{kind}/{addon['metadata']['name']}")
            kubelets(set())
    nodes = set()
    for name, (space, address) in built.items():
        if address.startswith("127.") and name not in Cluster.all:
            Cluster.all[name] = Cluster(space, name, address)
    for cluster in Cluster.all.values():
        nodes |= cluster.keep(version)
    if nodes:
        kubelets(nodes)


def main():
    version, n = None, 0
    while True:
        try:
            version = version or kube("GET", "/version")["gitVersion"]
            round_of_all(version)
            n += 1
            if n == 1:
                say("round 1")
        except Exception:
            traceback.print_exc(); sys.stderr.flush()
        time.sleep(1)


main()
