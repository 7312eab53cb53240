//! Placement: what the hypervisors have, what is used of it, and where something would fit. It
//! counts the same hosts that Nova's scheduler fills.

use serde_json::{Map, Value, json};

use super::api::{Api, Call, Microversions, Outcome, Refusal, Route, Rule, Version, get, shape};
use super::exchange::{Answer, Request};
use super::nova::{Host, Resources};
use super::stamp;

pub(super) const API: Api = Api {
    name: "placement",
    kind: "placement",
    prefix: "/placement",
    root: "",
    routes: &[ROUTES],
    microversions: Some(Microversions { service: "placement", legacy: None, min: MIN, max: MAX }),
    shape: refuse,
    finish,
};

const MIN: Version = Version(1, 0);
/// The last of 2024.1.
const MAX: Version = Version(1, 39);

const ROUTES: &[Route] = &[
    get("/", Rule::Open, "", versions),
    get("/resource_providers", Rule::Service, "placement:resource_providers:list", providers),
    get("/resource_providers/{}", Rule::Service, "placement:resource_providers:show", provider),
    get(
        "/resource_providers/{}/inventories",
        Rule::Service,
        "placement:resource_providers:inventories:list",
        inventories,
    ),
    get(
        "/resource_providers/{}/inventories/{}",
        Rule::Service,
        "placement:resource_providers:inventories:show",
        inventory,
    ),
    get("/resource_providers/{}/usages", Rule::Service, "placement:resource_providers:usages", usages),
    get(
        "/resource_providers/{}/traits",
        Rule::Service,
        "placement:resource_providers:traits:list",
        provider_traits,
    ),
    get(
        "/resource_providers/{}/aggregates",
        Rule::Service,
        "placement:resource_providers:aggregates:list",
        aggregates,
    ),
    get(
        "/resource_providers/{}/allocations",
        Rule::Service,
        "placement:resource_providers:allocations:list",
        allocations,
    ),
    get("/allocation_candidates", Rule::Service, "placement:allocation_candidates:list", candidates),
    get("/allocations/{}", Rule::Service, "placement:allocations:list", consumer),
    get("/usages", Rule::Reader, "placement:usages", project_usages),
    get("/traits", Rule::Service, "placement:traits:list", traits),
    get("/resource_classes", Rule::Service, "placement:resource_classes:list", classes),
];

/// WebOb's sentence for a status, before the service's own.
fn preamble(status: u16) -> &'static str {
    match status {
        400 => {
            "The server could not comply with the request since it is either malformed or otherwise incorrect."
        }
        403 => "Access was denied to this resource.",
        404 => shape::NOT_FOUND,
        406 => {
            "The resource could not be generated that was acceptable to your browser (content of type application/json. "
        }
        _ => "The server has either erred or is incapable of performing the requested operation.",
    }
}

fn refuse(refusal: &Refusal, request: &Request) -> Answer {
    let status = refusal.status();
    let (mut code, mut range) = ("placement.undefined_code", None);
    let said = match refusal {
        Refusal::NoToken => return shape::unauthorized(request),
        Refusal::NoRoute => String::new(),
        Refusal::Policy(policy) => format!("Policy does not allow {policy} to be performed."),
        Refusal::NoVersion { asked, min, max } => {
            range = Some((max, min));
            format!("Invalid microversion: Unacceptable version header: {asked}")
        }
        Refusal::BadVersion(text) => format!("Invalid microversion: invalid version string: {text}"),
        Refusal::Said { kind, message, .. } => {
            if !kind.is_empty() {
                code = match kind.as_ref() {
                    "placement.query.missing_value" => "placement.query.missing_value",
                    _ => code,
                };
            }
            message.clone()
        }
        Refusal::NoMethod(_) => "The method specified is not allowed for this resource.".into(),
    };
    let end = if range.is_some() { "" } else { "  " };
    let detail = format!("{}\n\n {said}{end}", preamble(status));
    let mut error = json!({"status": status, "title": shape::title(status), "detail": detail});
    // codes came with 1.23
    let version = API.microversions.as_ref().and_then(|m| m.negotiate(request).ok());
    if version.is_some_and(|v| v >= Version(1, 23)) {
        error["code"] = code.into();
    }
    error["request_id"] = (*request.id).into();
    if let Some((max, min)) = range {
        error["max_version"] = max.to_string().into();
        error["min_version"] = min.to_string().into();
    }
    Answer::json(status, json!({"errors": [error]}))
}

fn finish(answer: &mut Answer, request: &Request, version: Version) {
    if version >= MIN && !matches!(answer.status, 401 | 406) {
        answer.set_header("openstack-api-version", &format!("placement {version}"));
        if !matches!(answer.status, 403 | 404) {
            answer.set_header("vary", "openstack-api-version");
        }
    }
    answer.set_header("x-openstack-request-id", &request.id);
}

/// From 1.15 on every answer says how fresh it is.
fn fresh(call: &Call<'_>, body: Value) -> Outcome {
    let answer = Answer::json(200, body);
    if call.version < Version(1, 15) {
        return Ok(answer);
    }
    Ok(answer.header("last-modified", &stamp::http(call.world.now())).header("cache-control", "no-cache"))
}

fn versions(_: &mut Call<'_>) -> Outcome {
    let version = json!({"id": "v1.0", "max_version": MAX.to_string(), "min_version": MIN.to_string(), "status": "CURRENT",
        "links": [{"rel": "self", "href": ""}]});
    Ok(Answer::json(200, json!({"versions": [version]})))
}

fn find<'c>(call: &'c Call<'_>) -> Result<&'c Host, Refusal> {
    let id = call.param(0);
    call.world
        .nova
        .hosts
        .get(id)
        .ok_or_else(|| Refusal::said(404, format!("No resource provider with uuid {id} found")))
}

fn show(host: &Host, version: Version) -> Value {
    let own = format!("/resource_providers/{}", host.id);
    let mut links = vec![json!({"rel": "self", "href": own})];
    for (rel, since) in
        [("inventories", 0), ("usages", 0), ("aggregates", 1), ("traits", 6), ("allocations", 11)]
    {
        if version >= Version(1, since) {
            links.push(json!({"rel": rel, "href": format!("{own}/{rel}")}));
        }
    }
    let mut shown =
        json!({"uuid": &*host.id, "name": host.name, "generation": host.generation, "links": links});
    if version >= Version(1, 14) {
        shown["parent_provider_uuid"] = Value::Null;
        shown["root_provider_uuid"] = (*host.id).into();
    }
    shown
}

fn providers(call: &mut Call<'_>) -> Outcome {
    let (name, uuid) = (call.query("name"), call.query("uuid"));
    let fits = |h: &&Host| {
        name.as_deref().is_none_or(|n| n == h.name) && uuid.as_deref().is_none_or(|u| *u == *h.id)
    };
    let rows: Vec<Value> = call.world.nova.hosts.iter().filter(fits).map(|h| show(h, call.version)).collect();
    fresh(call, json!({"resource_providers": rows}))
}

fn provider(call: &mut Call<'_>) -> Outcome {
    let shown = show(find(call)?, call.version);
    fresh(call, shown)
}

/// The inventories of a host by resource class.
fn records(host: &Host) -> [(&'static str, Value); 3] {
    let record = |total: u64, reserved: u64, ratio: f64| json!({"total": total, "reserved": reserved, "min_unit": 1, "max_unit": total, "step_size": 1, "allocation_ratio": ratio});
    [
        ("VCPU", record(host.vcpus, 0, host.ratios.vcpus)),
        ("MEMORY_MB", record(host.memory_mb, host.reserved_memory_mb, host.ratios.memory)),
        ("DISK_GB", record(host.disk_gb, 0, host.ratios.disk)),
    ]
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    members.into_iter().map(|(key, value)| (key.to_string(), value)).collect::<Map<_, _>>().into()
}

fn counted(resources: Resources) -> [(&'static str, u64); 3] {
    [("VCPU", resources.vcpus), ("MEMORY_MB", resources.memory_mb), ("DISK_GB", resources.disk_gb)]
}

fn inventories(call: &mut Call<'_>) -> Outcome {
    let host = find(call)?;
    let body = json!({"resource_provider_generation": host.generation, "inventories": object(records(host))});
    fresh(call, body)
}

fn inventory(call: &mut Call<'_>) -> Outcome {
    let (host, class) = (find(call)?, call.param(1));
    let found = records(host).into_iter().find(|(name, _)| *name == class);
    let (_, mut record) =
        found.ok_or_else(|| Refusal::said(404, format!("No inventory of class {class} for {}", host.id)))?;
    record["resource_provider_generation"] = host.generation.into();
    fresh(call, record)
}

fn usages(call: &mut Call<'_>) -> Outcome {
    let host = find(call)?;
    let used = object(counted(host.used).map(|(name, n)| (name, n.into())));
    let body = json!({"resource_provider_generation": host.generation, "usages": used});
    fresh(call, body)
}

const TRAITS: [&str; 3] = ["COMPUTE_NET_ATTACH_INTERFACE", "COMPUTE_NODE", "COMPUTE_TRUSTED_CERTS"];
/// The trait of a host whose service is disabled.
const DISABLED: &str = "COMPUTE_STATUS_DISABLED";

fn traits_of(host: &Host) -> Vec<&'static str> {
    let disabled = host.disabled.is_some().then_some(DISABLED);
    TRAITS.into_iter().chain(disabled).collect()
}

fn provider_traits(call: &mut Call<'_>) -> Outcome {
    let host = find(call)?;
    let body = json!({"traits": traits_of(host), "resource_provider_generation": host.generation});
    fresh(call, body)
}

fn aggregates(call: &mut Call<'_>) -> Outcome {
    let generation = find(call)?.generation;
    fresh(call, json!({"aggregates": [], "resource_provider_generation": generation}))
}

fn allocations(call: &mut Call<'_>) -> Outcome {
    let host = find(call)?;
    let own = call.world.nova.servers.iter().filter(|s| s.host.as_ref() == Some(&host.id));
    let mut rows = Map::new();
    for server in own {
        let resources = object(counted(server.flavor.resources()).map(|(name, n)| (name, n.into())));
        let mut row = json!({"resources": resources});
        if call.version >= Version(1, 28) {
            row["consumer_generation"] = 1.into();
        }
        rows.insert(server.id.to_string(), row);
    }
    let body = json!({"allocations": rows, "resource_provider_generation": host.generation});
    fresh(call, body)
}

fn consumer(call: &mut Call<'_>) -> Outcome {
    let server = call.world.nova.servers.get(call.param(0));
    let placed = server.and_then(|s| Some((s, call.world.nova.hosts.get(s.host.as_ref()?)?)));
    let Some((server, host)) = placed else { return fresh(call, json!({"allocations": {}})) };
    let resources = object(counted(server.flavor.resources()).map(|(name, n)| (name, n.into())));
    let mut allocations = Map::new();
    allocations.insert(host.id.to_string(), json!({"resources": resources, "generation": host.generation}));
    let mut body = json!({"allocations": allocations});
    if call.version >= Version(1, 12) {
        body["project_id"] = (*server.project).into();
        body["user_id"] = (*server.user).into();
    }
    if call.version >= Version(1, 28) {
        body["consumer_generation"] = 1.into();
    }
    fresh(call, body)
}

/// `VCPU:1,MEMORY_MB:1024,DISK_GB:8`.
fn asked(call: &Call<'_>) -> Result<Resources, Refusal> {
    let text = call.query("resources").ok_or_else(|| {
        Refusal::kind(
            400,
            "placement.query.missing_value",
            "There must be at least one resources or resources[$S] parameter.",
        )
    })?;
    let mut asked = Resources::default();
    for part in text.split(',') {
        let (class, amount) = part.split_once(':').unwrap_or((part, ""));
        let amount: u64 = amount.parse().map_err(|_| {
            Refusal::said(400, format!("Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: {text}."))
        })?;
        let slot = match class {
            "VCPU" => &mut asked.vcpus,
            "MEMORY_MB" => &mut asked.memory_mb,
            "DISK_GB" => &mut asked.disk_gb,
            _ => {
                return Err(Refusal::said(
                    400,
                    format!("Invalid resource class in resources parameter: No such resource class {class}."),
                ));
            }
        };
        if amount == 0 {
            return Err(Refusal::said(
                400,
                format!("Requested resource {class} requires amount >= 1. Got: 0."),
            ));
        }
        *slot = amount;
    }
    Ok(asked)
}

fn candidates(call: &mut Call<'_>) -> Outcome {
    if call.version < Version(1, 10) {
        // unlike a path that was never there, it depends on the version
        return Ok(refuse(&Refusal::NoRoute, call.request).header("vary", "openstack-api-version"));
    }
    let forbids = call.query("required").is_some_and(|r| r.contains('!'));
    for (key, since, given) in [
        ("limit", Version(1, 16), call.query("limit").is_some()),
        ("required", Version(1, 17), call.query("required").is_some()),
        ("required", Version(1, 22), forbids),
    ] {
        if given && call.version < since {
            let message = format!(
                "Invalid query string parameters: Additional properties are not allowed ('{key}' was unexpected)"
            );
            return Err(Refusal::said(400, message));
        }
    }
    let asked = asked(call)?;
    let required: Vec<String> = call
        .request
        .pairs()
        .filter(|(k, _)| k == "required")
        .flat_map(|(_, v)| v.split(',').map(Into::into).collect::<Vec<String>>())
        .collect();
    let fits = |host: &&Host| {
        let have = traits_of(host);
        let suits = |wanted: &String| match wanted.strip_prefix('!') {
            Some(forbidden) => !have.contains(&forbidden),
            None => have.contains(&wanted.as_str()),
        };
        host.fits(asked) && required.iter().all(suits)
    };
    let most = call.query("limit").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let hosts: Vec<&Host> = call.world.nova.hosts.iter().filter(fits).take(most).collect();
    let resources = object(counted(asked).map(|(name, n)| (name, n.into())));
    let resources: Map<String, Value> = match resources {
        Value::Object(members) => members.into_iter().filter(|(_, n)| n.as_u64() != Some(0)).collect(),
        _ => Map::new(),
    };
    let (mut requests, mut summaries) = (Vec::new(), Map::new());
    for host in hosts {
        let id = host.id.to_string();
        let mut request = match call.version >= Version(1, 12) {
            true => {
                let mut by_provider = Map::new();
                by_provider.insert(id.clone(), json!({"resources": resources}));
                json!({"allocations": by_provider})
            }
            false => json!({"allocations": [{"resource_provider": {"uuid": id}, "resources": resources}]}),
        };
        if call.version >= Version(1, 34) {
            request["mappings"] = json!({"": [id]});
        }
        requests.push(request);
        let (capacity, used) = (counted(host.capacity()), counted(host.used));
        let each = capacity.into_iter().zip(used).map(|((name, capacity), (_, used))| {
            (name.to_string(), json!({"capacity": capacity, "used": used}))
        });
        let mut summary = json!({"resources": each.collect::<Map<_, _>>()});
        if call.version >= Version(1, 17) {
            summary["traits"] = json!(traits_of(host));
        }
        if call.version >= Version(1, 29) {
            summary["parent_provider_uuid"] = Value::Null;
            summary["root_provider_uuid"] = id.as_str().into();
        }
        summaries.insert(id, summary);
    }
    fresh(call, json!({"allocation_requests": requests, "provider_summaries": summaries}))
}

fn project_usages(call: &mut Call<'_>) -> Outcome {
    let project = call.query("project_id").ok_or_else(|| {
        Refusal::kind(
            400,
            "placement.query.missing_value",
            "Invalid query string parameters: 'project_id' is a required property",
        )
    })?;
    call.allow(call.sees(&project), "placement:usages")?;
    let own = call.world.nova.servers.iter().filter(|s| *s.project == *project && s.host.is_some());
    let (count, sum) = own.fold((0, Resources::default()), |(n, sum), s| (n + 1, sum + s.flavor.resources()));
    let mut used = object(counted(sum).map(|(name, n)| (name, n.into())));
    if call.version >= Version(1, 38) {
        used["consumer_count"] = count.into();
        return fresh(call, json!({"usages": if count == 0 { json!({}) } else { json!({"unknown": used}) }}));
    }
    fresh(call, json!({"usages": if count == 0 { json!({}) } else { used }}))
}

fn traits(call: &mut Call<'_>) -> Outcome {
    let all: Vec<&str> = TRAITS.into_iter().chain([DISABLED]).collect();
    let asked = call.query("name");
    let asked = asked.as_deref().and_then(|n| n.strip_prefix("in:"));
    let found: Vec<&str> =
        all.into_iter().filter(|t| asked.is_none_or(|names| names.split(',').any(|n| n == *t))).collect();
    fresh(call, json!({"traits": found}))
}

fn classes(call: &mut Call<'_>) -> Outcome {
    let class = |name: &str| json!({"name": name, "links": [{"rel": "self", "href": format!("/resource_classes/{name}")}]});
    let all = ["VCPU", "MEMORY_MB", "DISK_GB"].map(class);
    fresh(call, json!({"resource_classes": all}))
}
