//! Hypervisors and the services on them. What is shown of a hypervisor depends on the version:
//! ids are UUIDs from 2.53, and memory is gone from 2.88.

use jiff::Timestamp;
use regex::RegexBuilder;
use serde_json::{Value, json};

use super::{Nova, Resources};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, Version, get};
use crate::lab::exchange::Answer;
use crate::lab::ids::{Id, Ids};
use crate::lab::scenario;
use crate::lab::stamp;
use crate::lab::table::Row;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.1/os-hypervisors", Rule::Admin, "os_compute_api:os-hypervisors:list", list),
    get("/v2.1/os-hypervisors/detail", Rule::Admin, "os_compute_api:os-hypervisors:list-detail", detail),
    get(
        "/v2.1/os-hypervisors/statistics",
        Rule::Admin,
        "os_compute_api:os-hypervisors:statistics",
        statistics,
    ),
    get("/v2.1/os-hypervisors/{}", Rule::Admin, "os_compute_api:os-hypervisors:show", show),
    get("/v2.1/os-services", Rule::Admin, "os_compute_api:os-services:list", services),
];

/// A hypervisor.
pub(crate) struct Host {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) vcpus: u64,
    pub(crate) memory_mb: u64,
    pub(crate) disk_gb: u64,
    pub(crate) reserved_memory_mb: u64,
    pub(crate) ratios: Ratios,
    pub(crate) used: Resources,
    pub(crate) disabled: Option<String>,
    pub(crate) down: bool,
    /// Changes of what is used, as Placement counts them.
    pub(crate) generation: u64,
    pub(super) servers: u64,
    service: Id,
    number: u64,
}

/// How far resources are given out more than once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratios {
    pub(crate) vcpus: f64,
    pub(crate) memory: f64,
    pub(crate) disk: f64,
}

impl Row for Host {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Host {
    pub(super) fn free_memory(&self) -> u64 {
        self.capacity().memory_mb.saturating_sub(self.used.memory_mb)
    }

    fn state(&self) -> &'static str {
        if self.down { "down" } else { "up" }
    }

    fn status(&self) -> &'static str {
        if self.disabled.is_some() { "disabled" } else { "enabled" }
    }

    fn brief(&self, version: Version) -> Value {
        let id = if version >= Version(2, 53) { json!(&*self.id) } else { json!(self.number) };
        json!({"id": id, "hypervisor_hostname": self.name, "state": self.state(), "status": self.status()})
    }

    fn full(&self, version: Version) -> Value {
        let mut shown = self.brief(version);
        let service = if version >= Version(2, 53) { json!(&*self.service) } else { json!(self.number) };
        shown["hypervisor_type"] = "QEMU".into();
        shown["hypervisor_version"] = 8_002_002.into();
        shown["host_ip"] = format!("10.12.8.{}", 10 + self.number).into();
        shown["service"] = json!({"id": service, "host": self.name, "disabled_reason": self.disabled});
        if version >= Version(2, 88) {
            shown["uptime"] = Value::Null;
            return shown;
        }
        let Value::Object(counts) = self.counts() else { return shown };
        for (key, count) in counts {
            shown[key] = count;
        }
        let cpu = json!({"arch": "x86_64", "model": "EPYC", "vendor": "AMD", "features": ["pge", "clflush"],
            "topology": {"cores": self.vcpus, "threads": 1, "sockets": 1}});
        shown["cpu_info"] = if version >= Version(2, 28) { cpu } else { cpu.to_string().into() };
        shown
    }

    /// Nova's own view of what is used: it starts at the reserve.
    fn counts(&self) -> Value {
        let memory = self.used.memory_mb + self.reserved_memory_mb;
        json!({
            "vcpus": self.vcpus, "memory_mb": self.memory_mb, "local_gb": self.disk_gb, "vcpus_used": self.used.vcpus,
            "memory_mb_used": memory, "local_gb_used": self.used.disk_gb,
            "free_ram_mb": self.memory_mb as i64 - memory as i64, "free_disk_gb": self.disk_gb as i64 - self.used.disk_gb as i64,
            "current_workload": 0, "running_vms": self.servers, "disk_available_least": 0,
        })
    }
}

impl Nova {
    /// Adds the hypervisors of one kind.
    pub(crate) fn add_hosts(&mut self, kind: &scenario::Host, ids: &mut Ids) {
        for n in 0..kind.count {
            self.hosts.insert(Host {
                id: ids.uuid("host"),
                name: if kind.count == 1 { kind.name.clone() } else { format!("{}-{n}", kind.name) },
                vcpus: kind.vcpus,
                memory_mb: kind.memory_mb,
                disk_gb: kind.disk_gb,
                reserved_memory_mb: kind.reserved_memory_mb,
                ratios: Ratios { vcpus: 16.0, memory: kind.memory_ratio, disk: kind.disk_ratio },
                used: Resources::default(),
                disabled: None,
                down: false,
                generation: 1,
                servers: 0,
                service: ids.uuid("compute-service"),
                number: self.hosts.len() as u64 + 1,
            });
        }
    }
}

impl Nova {
    /// Disables and stops the services of hosts as their kinds say.
    pub(crate) fn set_services(&mut self, kinds: &[scenario::Host]) {
        let mut hosts = self.hosts.iter_mut();
        for kind in kinds {
            for host in hosts.by_ref().take(kind.count as usize) {
                host.disabled.clone_from(&kind.disabled);
                host.down = kind.down;
            }
        }
    }
}

fn answer(call: &Call<'_>, show: impl Fn(&Host, Version) -> Value) -> Outcome {
    let pattern = call.query("hypervisor_hostname_pattern");
    let pattern =
        pattern.map(|p| RegexBuilder::new(&regex::escape(&p)).case_insensitive(true).build()).transpose();
    let pattern = pattern.map_err(|e| Refusal::said(400, e.to_string()))?;
    let hosts = call.world.nova.hosts.iter().filter(|h| pattern.as_ref().is_none_or(|p| p.is_match(&h.name)));
    let hosts: Vec<Value> = hosts.map(|h| show(h, call.version)).collect();
    Ok(Answer::json(200, json!({"hypervisors": hosts})))
}

fn list(call: &mut Call<'_>) -> Outcome {
    answer(call, Host::brief)
}

fn detail(call: &mut Call<'_>) -> Outcome {
    answer(call, Host::full)
}

fn show(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    let mut hosts = call.world.nova.hosts.iter();
    let host = hosts
        .find(|h| if call.version >= Version(2, 53) { *h.id == *id } else { h.number.to_string() == id });
    let host =
        host.ok_or_else(|| Refusal::said(404, format!("Hypervisor with ID '{id}' could not be found.")))?;
    Ok(Answer::json(200, json!({"hypervisor": host.full(call.version)})))
}

fn statistics(call: &mut Call<'_>) -> Outcome {
    if call.version >= Version(2, 88) {
        return Err(Refusal::NoRoute);
    }
    let mut sum = json!({"count": call.world.nova.hosts.len()});
    for host in call.world.nova.hosts.iter() {
        let Value::Object(counts) = host.counts() else { continue };
        for (key, count) in counts {
            sum[&key] = (sum[&key].as_i64().unwrap_or(0) + count.as_i64().unwrap_or(0)).into();
        }
    }
    Ok(Answer::json(200, json!({"hypervisor_statistics": sum})))
}

fn service(host: &Host, version: Version, now: Timestamp) -> Value {
    let id = if version >= Version(2, 53) { json!(&*host.service) } else { json!(host.number) };
    let mut shown = json!({
        "binary": "nova-compute", "host": host.name, "id": id, "zone": "nova", "status": host.status(), "state": host.state(),
        "updated_at": stamp::micros(now), "disabled_reason": host.disabled,
    });
    if version >= Version(2, 11) {
        shown["forced_down"] = false.into();
    }
    shown
}

fn services(call: &mut Call<'_>) -> Outcome {
    let (binary, host) = (call.query("binary"), call.query("host"));
    let now = call.world.now();
    let hosts = call.world.nova.hosts.iter().filter(|h| host.as_deref().is_none_or(|name| name == h.name));
    let mut rows: Vec<Value> = Vec::new();
    if binary.as_deref().is_none_or(|b| b == "nova-compute") {
        rows.extend(hosts.map(|h| service(h, call.version, now)));
    }
    for control in ["nova-scheduler", "nova-conductor"] {
        if binary.as_deref().is_none_or(|b| b == control) && host.is_none() {
            let id = call.world.ids.named(control);
            let id = if call.version >= Version(2, 53) {
                json!(&*id)
            } else {
                json!(call.world.nova.hosts.len() + 1)
            };
            let mut shown = json!({"binary": control, "host": "nova-cloud-controller-0", "id": id, "zone": "internal",
                "status": "enabled", "state": "up", "updated_at": stamp::micros(now), "disabled_reason": null});
            if call.version >= Version(2, 11) {
                shown["forced_down"] = false.into();
            }
            rows.push(shown);
        }
    }
    Ok(Answer::json(200, json!({"services": rows})))
}
