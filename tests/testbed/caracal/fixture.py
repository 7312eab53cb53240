#!/usr/bin/env python3
"""Puts the cloud into the states that tests want, on demand. Every verb prints one JSON object: what it made or found.

    fixture.py server NAME                  a server in capi-mgmt, ACTIVE
    fixture.py loadbalancer NAME [--tree]   a load balancer in capi-mgmt, ACTIVE; --tree adds a listener, pool and member
    fixture.py orphan [--age SECONDS]       an amphora-shaped server of the service project that Octavia does not know
    fixture.py lookalikes [--age SECONDS]   servers that resemble an orphan and must be left alone
    fixture.py many-servers COUNT           COUNT servers in capi-mgmt that exist in Nova's database alone, for long lists; 0: none
    fixture.py delete server|loadbalancer ID...
    fixture.py creator                      a user of capi-mgmt who may make clusters and lacks load-balancer_member (D-039), as
                                            an entry of clouds.yaml; there is one, and it stays
    fixture.py restore                      hosts, room and token life as they were (each start does it)
    fixture.py clean                        that, and all clusters, servers and load balancers are deleted, whoever made them

    fixture.py headroom none|restored       fill every hypervisor (no allocation candidates) / give the room back
    fixture.py hypervisors down|up          force every nova-compute down / up: Nova schedules nothing on it
    fixture.py hypervisors disabled|enabled the same through the administrative switch (COMPUTE_STATUS_DISABLED in Placement)
    fixture.py loadbalancer-error ID        drive a load balancer to ERROR by a failover that finds no host
    fixture.py loadbalancer-status-in-database ID STATUS    write provisioning_status straight into Octavia's database
    fixture.py token-life SECONDS|default   how long new Keystone tokens live (applied by a reload, nothing stops)

    fixture.py log-offsets                  where each service's request log ends now
    fixture.py requests SERVICE [--since OFFSET]    the requests that reached SERVICE after that point

It needs Python's standard library alone, so that a test pays for the call and not for importing an SDK. --age backdates
a server in Nova's database, because no API can: sweeping rules that spare young servers could not be tried otherwise.
"""
import argparse
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

CACHE = pathlib.Path(os.environ.get("RHUMB_TESTBED_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rhumb-testbed")
HOME = pathlib.Path(os.environ.get("RHUMB_TESTBED_CARACAL") or os.environ.get("CARACAL_HOME") or CACHE / "caracal")
# the project that owns amphorae has no entry in clouds.yaml: operators have none either
SERVICE_AUTH = dict(username="octavia", password="secret", user_domain_name="Default", project_name="service", project_domain_name="Default")
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open   # loopback, whatever *_proxy says


class Cloud:
    """One scope: a token, and the endpoints of its catalog."""

    def __init__(self, auth, keystone):
        domain = lambda name: {"name": name}
        user = dict(name=auth["username"], password=auth["password"], domain=domain(auth["user_domain_name"]))
        project = dict(name=auth["project_name"], domain=domain(auth["project_domain_name"]))
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}}
        answer, headers = send("POST", keystone + "/auth/tokens", body, {})
        self.token, self.expires = headers["X-Subject-Token"], answer["token"]["expires_at"]
        self.issued, self.project = answer["token"]["issued_at"], answer["token"]["project"]["id"]
        self.urls = {s["type"]: next(e["url"] for e in s["endpoints"] if e["interface"] == "public") for s in answer["token"]["catalog"]}

    def call(self, method, service, path, body=None, version=None, absent=False):
        """The decoded answer. absent=True turns a 404 into None instead of an error."""
        headers = {"X-Auth-Token": self.token, **({"OpenStack-API-Version": version} if version else {})}
        try:
            return send(method, self.urls[service] + path, body, headers)[0]
        except HttpError as e:
            if absent and e.status == 404:
                return None
            raise

    def find(self, service, path, key, name):
        found = self.call("GET", service, f"{path}?name={urllib.parse.quote(name)}")[key]
        return next((x for x in found if x["name"] == name), None)


class HttpError(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def send(method, url, body, headers):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(url, data, {"Content-Type": kind, "Accept": "application/json", **headers}, method=method)
    try:
        with OPEN(request, timeout=120) as r:
            text = r.read()
            return (json.loads(text) if text.strip() else None), r.headers
    except urllib.error.HTTPError as e:
        raise HttpError(e.code, f"{method} {url}: {e.code} {e.read().decode(errors='replace')[:600]}") from None


def cloud(name):
    clouds = json.loads((HOME / "clouds.yaml").read_text())["clouds"]   # the seed writes JSON, which is YAML
    keystone = clouds["admin"]["auth"]["auth_url"]
    return Cloud(SERVICE_AUTH if name == "service" else clouds[name]["auth"], keystone)


def until(what, probe, within=180, every=0.5):
    """The first true value of probe(), or an error that says what was awaited."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(every)
    sys.exit(f"fixture: waited {within} s in vain until {what}")


def database(name, statement):
    """Runs statements; rows as lists of strings."""
    run = subprocess.run(["mariadb", "--no-defaults", "-S", HOME / "run/mysql.sock", "-u", "root", "-NB", name, "-e", statement],
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"fixture: {run.stderr.strip()}")
    return [line.split("\t") for line in run.stdout.splitlines()]


# --- servers ----------------------------------------------------------------------------------------------------------------

def boot(c, name, flavor, network, age=0):
    image = c.call("GET", "image", "/v2/images?name=fixture")["images"][0]["id"]
    flavors = c.call("GET", "compute", "/flavors")["flavors"]
    body = dict(name=name, imageRef=image, flavorRef=next(f["id"] for f in flavors if f["name"] == flavor),
                networks=[{"uuid": c.find("network", "/v2.0/networks", "networks", network)["id"]}])
    ident = c.call("POST", "compute", "/servers", {"server": body})["server"]["id"]

    def settled():
        s = c.call("GET", "compute", f"/servers/{ident}")["server"]
        return s["status"] in ("ACTIVE", "ERROR") and s
    server = until(f"server {name} is built", settled)
    if server["status"] == "ERROR":
        sys.exit(f"fixture: server {name} ended in ERROR: {server.get('fault', {}).get('message')}")
    if age:
        database("nova", f"UPDATE instances SET created_at = created_at - INTERVAL {int(age)} SECOND WHERE uuid = '{ident}'")
        server = c.call("GET", "compute", f"/servers/{ident}")["server"]
    return dict(id=ident, name=name, status=server["status"], project_id=server["tenant_id"], created=server["created"])


def server(a):
    c = cloud(a.cloud)
    return boot(c, a.name, a.flavor, "capi-mgmt-net", a.age)


def many_servers(a):
    """Copies the rows of one real server. The copies have no host, so that no nova-compute looks for them; their names are
    many-1, many-2 and so on, by which they are found again."""
    columns = lambda schema, table: [c for c, in database(schema, f"SELECT column_name FROM information_schema.columns "
                                                          f"WHERE table_schema = '{schema}' AND table_name = '{table}' AND column_name != 'id'")]
    parts = [("nova", "instances", "uuid"), ("nova_api", "instance_mappings", "instance_uuid")]
    parts += [("nova", t, "instance_uuid") for t in ("instance_extra", "instance_info_caches", "instance_system_metadata")]
    for schema, table, key in reversed(parts):   # the instances last: the others refer to them
        database("nova", f"DELETE FROM {schema}.{table} WHERE {key} IN (SELECT uuid FROM nova.instances WHERE display_name LIKE 'many-%')")
    if a.count:
        model = boot(cloud("member"), "model-of-many", "gp.small", "capi-mgmt-net")["id"]
        statements = [f"CREATE TEMPORARY TABLE copies AS SELECT seq, UUID() AS uuid FROM seq_1_to_{a.count}"]
        for schema, table, key in parts:
            new = {key: "copies.uuid", "display_name": "CONCAT('many-', seq)", "hostname": "CONCAT('many-', seq)",
                   **dict.fromkeys(("host", "node", "launched_on", "compute_id"), "NULL")}
            into = columns(schema, table)
            statements.append(f"INSERT INTO {schema}.{table} ({', '.join(f'`{c}`' for c in into)}) SELECT "
                              f"{', '.join(new.get(c, f'`{c}`') for c in into)} FROM {schema}.{table} AS model, copies WHERE model.{key} = '{model}'")
        database("nova", "; ".join(statements))
        delete_servers(cloud("member"), [model])
    return {"servers": int(database("nova", "SELECT COUNT(*) FROM instances WHERE display_name LIKE 'many-%' AND deleted = 0")[0][0])}


def amphora_like(c, name, age):
    return boot(c, name, "charm-octavia", "lb-mgmt-net", age)


def orphan(a):
    return amphora_like(cloud("service"), f"amphora-{uuid.uuid4()}", a.age)


def lookalikes(a):
    """Each breaks one condition of the orphan rule: the owner, or the exact form of the name."""
    member = cloud("member")
    return dict(other_project=boot(member, f"amphora-{uuid.uuid4()}", "charm-octavia", "capi-mgmt-net", a.age),
                other_name=amphora_like(cloud("service"), f"amphora-{uuid.uuid4()}-debug", a.age))


# --- what clusters are made from --------------------------------------------------------------------------------------------

def template(_):
    """An image for nodes and a cluster template of it, unless they are there. `clean` leaves both."""
    c = cloud("member")
    templates = c.call("GET", "container-infra", "/clustertemplates")["clustertemplates"]
    found = next((t for t in templates if t["name"] == "lab-tmpl"), None)
    if not found:
        images = c.call("GET", "image", "/v2/images?name=lab-kube")["images"]
        image = next(iter(images), None) or c.call("POST", "image", "/v2/images", dict(
            name="lab-kube", disk_format="raw", container_format="bare", os_distro="ubuntu", kube_version="v1.32.13"))
        if image["status"] == "queued":
            c.call("PUT", "image", f"/v2/images/{image['id']}/file", bytes(1 << 20))
        found = c.call("POST", "container-infra", "/clustertemplates", dict(
            name="lab-tmpl", coe="kubernetes", server_type="vm", image_id=image["id"], external_network_id="provider-ext",
            master_flavor_id="gp.mid", flavor_id="capi.node", master_lb_enabled=True, floating_ip_enabled=True,
            network_driver="calico", docker_storage_driver="overlay2", dns_nameserver="8.8.8.8"))
    return dict(id=found["uuid"], name=found["name"])


# --- load balancers ---------------------------------------------------------------------------------------------------------

LB = "/v2/lbaas/loadbalancers"


def lb_settled(c, ident, within=300):
    """The load balancer once no worker holds it, or True where it is gone."""
    def probe():
        lb = c.call("GET", "load-balancer", f"{LB}/{ident}", absent=True)
        return lb is None or not lb["loadbalancer"]["provisioning_status"].startswith("PENDING") and lb["loadbalancer"]
    return until(f"load balancer {ident} is no longer PENDING", probe, within)


def describe(lb):
    amphorae = cloud("admin").call("GET", "load-balancer", f"/v2/octavia/amphorae?loadbalancer_id={lb['id']}")["amphorae"]
    keep = ("id", "name", "provisioning_status", "operating_status", "vip_address", "project_id")
    return {**{k: lb[k] for k in keep}, "amphorae": [{k: x[k] for k in ("id", "compute_id", "status")} for x in amphorae]}


def loadbalancer(a):
    c = cloud(a.cloud)
    subnet = c.find("network", "/v2.0/subnets", "subnets", "capi-mgmt-subnet")["id"]
    body = dict(name=a.name, vip_subnet_id=subnet, provider="amphora")
    if a.tree:   # Octavia takes the whole tree in one request
        member = dict(address="10.20.0.200", protocol_port=6443, name=f"{a.name}-member")
        pool = dict(name=f"{a.name}-pool", protocol="TCP", lb_algorithm="ROUND_ROBIN", members=[member])
        body["listeners"] = [dict(name=f"{a.name}-listener", protocol="TCP", protocol_port=6443, default_pool=pool)]
    made = c.call("POST", "load-balancer", LB, {"loadbalancer": body})["loadbalancer"]
    lb = lb_settled(c, made["id"])
    if lb["provisioning_status"] != "ACTIVE":
        sys.exit(f"fixture: load balancer {a.name} ended in {lb['provisioning_status']}")
    return describe(lb)


def loadbalancer_error(a):
    """What an operator meets after a power cut: the failover was accepted, then no host was found."""
    admin = cloud("admin")
    set_services(admin, {"forced_down": True})
    try:
        admin.call("PUT", "load-balancer", f"{LB}/{a.id}/failover")
        lb = lb_settled(admin, a.id)
    finally:
        set_services(admin, {"forced_down": False})
    if lb["provisioning_status"] != "ERROR":
        sys.exit(f"fixture: load balancer {a.id} ended in {lb['provisioning_status']}, not in ERROR")
    return describe(lb)


def loadbalancer_status_in_database(a):
    if not re.fullmatch(r"[0-9a-f-]{36}", a.id):
        sys.exit("fixture: not an id")
    database("octavia", f"UPDATE load_balancer SET provisioning_status = '{a.status}' WHERE id = '{a.id}'")
    return describe(cloud("admin").call("GET", "load-balancer", f"{LB}/{a.id}")["loadbalancer"])


# --- compute hosts ----------------------------------------------------------------------------------------------------------

def compute_services(c):
    return c.call("GET", "compute", "/os-services?binary=nova-compute", version="compute 2.53")["services"]


def set_services(c, change):
    for s in compute_services(c):
        c.call("PUT", "compute", f"/os-services/{s['id']}", change, version="compute 2.53")


def hypervisors(a):
    admin = cloud("admin")
    set_services(admin, {"down": {"forced_down": True}, "up": {"forced_down": False},
                         "disabled": {"status": "disabled", "disabled_reason": "fixture"}, "enabled": {"status": "enabled"}}[a.state])
    key, wanted = ("state", a.state) if a.state in ("up", "down") else ("status", a.state)
    services = until(f"every nova-compute is {a.state}", lambda: all(s[key] == wanted for s in compute_services(admin)) and compute_services(admin))
    return {"services": [{k: s[k] for k in ("host", "state", "status")} for s in services]}


def headroom(a):
    """Takes what memory is left on every hypervisor with allocations in Placement, or gives it back.

    A hypervisor that is down or disabled still has its inventory; only a full one gives no allocation candidates."""
    admin, version = cloud("admin"), "placement 1.28"
    get = lambda path: admin.call("GET", "placement", path, version=version)
    for rp in get("/resource_providers")["resource_providers"]:
        memory = get(f"/resource_providers/{rp['uuid']}/inventories")["inventories"]["MEMORY_MB"]
        # one allocation may not exceed max_unit, the size without overcommitment: several consumers share the rest. Their
        # ids derive from the provider's, so that a later call finds them
        fillers = [str(uuid.uuid5(uuid.UUID(rp["uuid"]), f"filler {n}")) for n in range(math.ceil(memory["allocation_ratio"]))]
        for consumer in fillers:
            admin.call("DELETE", "placement", f"/allocations/{consumer}", version=version, absent=True)
        if a.state == "restored":
            continue
        free = int((memory["total"] - memory["reserved"]) * memory["allocation_ratio"])
        free -= get(f"/resource_providers/{rp['uuid']}/usages")["usages"]["MEMORY_MB"]
        for consumer in fillers:
            take = min(free, memory["max_unit"])
            free -= take
            if take > 0:
                admin.call("PUT", "placement", f"/allocations/{consumer}", version=version, body=dict(
                    allocations={rp["uuid"]: {"resources": {"MEMORY_MB": take}}},
                    project_id=admin.project, user_id=admin.project, consumer_generation=None))
    left = get("/allocation_candidates?resources=VCPU:1,MEMORY_MB:1024,DISK_GB:8")["allocation_requests"]
    return dict(headroom=a.state, allocation_candidates=len(left))


# --- Keystone ---------------------------------------------------------------------------------------------------------------

def token_life(a):
    """Gunicorn starts fresh workers on HUP, and a fresh worker reads keystone.conf again."""
    conf = HOME / "etc/keystone.conf"
    seconds = 3600 if a.seconds == "default" else int(a.seconds)
    text = re.sub(r"^expiration = .*\n", "", conf.read_text(), flags=re.M)
    if a.seconds != "default":
        text = text.replace("[token]\n", f"[token]\nexpiration = {seconds}\n")
    conf.write_text(text)
    os.kill(int((HOME / "run/keystone.pid").read_text().split()[0]), signal.SIGHUP)
    stamp = lambda text: time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ"))

    def applied():   # again and again: an old worker may still take a request, or drop one as it goes
        try:
            tokens = [cloud("admin") for _ in range(4)]
        except OSError:
            return False
        return all(abs(stamp(c.expires) - stamp(c.issued) - seconds) <= 1 for c in tokens)
    until(f"tokens live {seconds} s", applied, within=60, every=0.2)
    return {"token_life": seconds}


# --- what reached a service -------------------------------------------------------------------------------------------------

# gunicorn serves these and writes an access log; the others write their requests into their own log
ACCESS = {"keystone": "keystone.access", "placement": "placement.access", "octavia": "octavia-api.access", "cinder": "cinder.access",
          "nova": "nova-api", "neutron": "neutron", "glance": "glance", "magnum": "magnum-api"}
REQUEST = re.compile(r'"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.\d"\s+(?:status: )?(\d{3})')
COLOURS = re.compile(r"\x1b\[[0-9;]*m")   # Magnum's server colours what is no plain GET


def log_file(service):
    return HOME / "log" / f"{ACCESS[service]}.log"


def log_offsets(_):
    return {s: log_file(s).stat().st_size if log_file(s).exists() else 0 for s in ACCESS}


def requests(a):
    with open(log_file(a.service), errors="replace") as f:
        f.seek(a.since)
        text = f.read()
    return {"requests": [dict(method=m, path=p, status=int(s)) for m, p, s in REQUEST.findall(COLOURS.sub("", text))], "offset": a.since + len(text.encode(errors="replace"))}


# --- taking away ------------------------------------------------------------------------------------------------------------

def delete_servers(c, idents):
    for ident in idents:
        c.call("DELETE", "compute", f"/servers/{ident}", absent=True)
    for ident in idents:
        until(f"server {ident} is gone", lambda: c.call("GET", "compute", f"/servers/{ident}", absent=True) is None)


def delete_loadbalancers(c, idents):
    for ident in idents:
        if lb_settled(c, ident):
            c.call("DELETE", "load-balancer", f"{LB}/{ident}?cascade=true", absent=True)
    for ident in idents:
        until(f"load balancer {ident} is gone", lambda: (c.call("GET", "load-balancer", f"{LB}/{ident}", absent=True) or {"loadbalancer": {
            "provisioning_status": "DELETED"}})["loadbalancer"]["provisioning_status"] == "DELETED", within=300)


def delete_clusters(c, idents, within=300):
    for ident in idents:
        c.call("DELETE", "container-infra", f"/clusters/{ident}", absent=True)
    for ident in idents:
        until(f"cluster {ident} is gone", lambda: c.call("GET", "container-infra", f"/clusters/{ident}", absent=True) is None, within)


def of_clusters(c, kind):
    """What a cluster's controllers made in the network, by how they name or describe it."""
    found = c.call("GET", "network", f"/v2.0/{kind}")[kind.replace("-", "_")]
    return [x for x in found if x.get("name", "").startswith("k8s-cluster") or " cluster " in x["description"]]


def ports_of(c, network):
    return c.call("GET", "network", f"/v2.0/ports?network_id={network['id']}")["ports"]


def delete_strangers(c):
    """What is in a cluster's network and neither a node's nor the router's: its controllers leave it and wait."""
    for network in of_clusters(c, "networks"):
        for port in ports_of(c, network):
            if not port["device_owner"]:
                c.call("DELETE", "network", f"/v2.0/ports/{port['id']}", absent=True)


def delete_networks(c):
    """The networks of clusters that are gone, with all there is of them."""
    networks = of_clusters(c, "networks")
    for ip in of_clusters(c, "floatingips"):
        c.call("DELETE", "network", f"/v2.0/floatingips/{ip['id']}", absent=True)
    for port in [p for n in networks for p in ports_of(c, n)]:
        if port["device_owner"] == "network:router_interface":
            c.call("PUT", "network", f"/v2.0/routers/{port['device_id']}/remove_router_interface", {"port_id": port["id"]})
        else:
            c.call("DELETE", "network", f"/v2.0/ports/{port['id']}", absent=True)
    for kind in ("routers", "networks", "security-groups"):
        for it in of_clusters(c, kind):
            c.call("DELETE", "network", f"/v2.0/{kind}/{it['id']}", absent=True)
    return [n["id"] for n in networks]


def release_clusters():
    """Takes the finalizers of what is being deleted on the management cluster: their controllers wait with a credential that
    may not look at load balancers (`creator`), and would wait for ever."""
    server = re.search(r'server: "([^"]+)"', (HOME / "etc/mgmt.kubeconfig").read_text())[1]
    at = f"{server}/apis/infrastructure.cluster.x-k8s.io/v1beta1/"
    for it in send("GET", at + "openstackclusters", None, {})[0]["items"]:
        if "deletionTimestamp" in it["metadata"]:
            patch = json.dumps([{"op": "remove", "path": "/metadata/finalizers"}]).encode()
            send("PATCH", f"{at}namespaces/{it['metadata']['namespace']}/openstackclusters/{it['metadata']['name']}", patch,
                 {"Content-Type": "application/json-patch+json"})


def delete(a):
    {"server": delete_servers, "loadbalancer": delete_loadbalancers}[a.kind](cloud("admin"), a.ids)
    return {"deleted": a.ids}


# --- users ------------------------------------------------------------------------------------------------------------------

def creator(_):
    """Magnum freezes a creator's roles into the cluster's application credential, so what this one makes wedges at its load
    balancer, and again when it is to be deleted."""
    admin = cloud("admin")
    get = lambda path, key, name: next(x for x in admin.call("GET", "identity", f"/{path}")[key] if x["name"] == name)["id"]
    auth = json.loads((HOME / "clouds.yaml").read_text())["clouds"]["member"]
    auth["auth"]["username"] = "capi-creator"
    domain, project = get("domains", "domains", "capi"), cloud("member").project
    user = next(iter(admin.call("GET", "identity", f"/users?name=capi-creator&domain_id={domain}")["users"]), None) or admin.call(
        "POST", "identity", "/users", {"user": dict(name="capi-creator", domain_id=domain, password=auth["auth"]["password"])})["user"]
    for role in ("member", "reader"):
        admin.call("PUT", "identity", f"/projects/{project}/users/{user['id']}/roles/{get('roles', 'roles', role)}")
    c = Cloud(auth["auth"], auth["auth"]["auth_url"])
    if not c.call("GET", "compute", "/os-keypairs/capi-mgmt-key", absent=True):
        key = cloud("member").call("GET", "compute", "/os-keypairs/capi-mgmt-key")["keypair"]["public_key"]
        c.call("POST", "compute", "/os-keypairs", {"keypair": dict(name="capi-mgmt-key", public_key=key)})
    return auth


def restore(_):
    if "\nexpiration" in (HOME / "etc/keystone.conf").read_text():   # a start has written it anew, without
        token_life(argparse.Namespace(seconds="default"))
    admin = cloud("admin")
    set_services(admin, {"forced_down": False})
    set_services(admin, {"status": "enabled"})
    return headroom(argparse.Namespace(state="restored"))


def abandon_pending(c):
    """A worker that was killed leaves its load balancers PENDING for ever, and no API takes them out of it."""
    for lb in c.call("GET", "load-balancer", LB)["loadbalancers"]:
        try:
            lb_settled(c, lb["id"], within=60)
        except SystemExit:
            database("octavia", f"UPDATE load_balancer SET provisioning_status = 'ERROR' WHERE id = '{lb['id']}'")


def clean(_):
    restore(_)
    many_servers(argparse.Namespace(count=0))
    admin, owner = cloud("admin"), cloud("member")
    abandon_pending(admin)
    clusters = [c["uuid"] for c in owner.call("GET", "container-infra", "/clusters")["clusters"]]
    for ident in clusters:   # asked first, so that nothing is built anew in the place of what goes
        owner.call("DELETE", "container-infra", f"/clusters/{ident}", absent=True)
    lbs = [lb["id"] for lb in admin.call("GET", "load-balancer", LB)["loadbalancers"]]
    delete_loadbalancers(admin, lbs)   # by the administrator: a cluster of `creator` cannot take its own away
    delete_strangers(admin)
    try:
        delete_clusters(owner, clusters, within=60)
    except SystemExit:
        release_clusters()
        delete_clusters(owner, clusters)
    servers = [s["id"] for s in admin.call("GET", "compute", "/servers?all_tenants=1")["servers"]]
    delete_servers(admin, servers)
    networks = delete_networks(admin)
    return dict(deleted=dict(clusters=clusters, loadbalancers=lbs, networks=networks, servers=servers))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = p.add_subparsers(required=True, metavar="VERB")

    def verb(name, run, *arguments):
        v = verbs.add_parser(name)
        v.set_defaults(run=run)
        for names, options in arguments:
            v.add_argument(*names, **options)
    arg = lambda *names, **options: (names, options)
    age = arg("--age", type=int, default=0, metavar="SECONDS")
    project = arg("--cloud", default="member", help="an entry of clouds.yaml scoped to capi-mgmt")
    verb("server", server, arg("name"), project, arg("--flavor", default="gp.small"), age)
    verb("many-servers", many_servers, arg("count", type=int, metavar="COUNT"))
    verb("orphan", orphan, age)
    verb("lookalikes", lookalikes, age)
    verb("template", template)
    verb("loadbalancer", loadbalancer, arg("name"), project, arg("--tree", action="store_true"))
    verb("loadbalancer-error", loadbalancer_error, arg("id"))
    verb("loadbalancer-status-in-database", loadbalancer_status_in_database, arg("id"),
         arg("status", choices=["ACTIVE", "ERROR", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE"]))
    verb("hypervisors", hypervisors, arg("state", choices=["down", "up", "disabled", "enabled"]))
    verb("headroom", headroom, arg("state", choices=["none", "restored"]))
    verb("token-life", token_life, arg("seconds", metavar="SECONDS|default"))
    verb("log-offsets", log_offsets)
    verb("requests", requests, arg("service", choices=sorted(ACCESS)), arg("--since", type=int, default=0, metavar="OFFSET"))
    verb("delete", delete, arg("kind", choices=["server", "loadbalancer"]), arg("ids", nargs="+"))
    verb("creator", creator)
    verb("restore", restore)
    verb("clean", clean)
    a = p.parse_args()
    try:
        print(json.dumps(a.run(a), indent=1))
    except (HttpError, urllib.error.URLError, OSError) as e:
        sys.exit(f"fixture: {e}")


if __name__ == "__main__":
    main()
