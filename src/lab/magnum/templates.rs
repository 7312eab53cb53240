//! Cluster templates.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{invalid, links, named, page};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get, patch, post};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::keystone::Grant;
use crate::lab::stamp;
use crate::lab::table::Row;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v1/clustertemplates", Rule::Reader, "clustertemplate:get_all", list),
    get("/v1/clustertemplates/detail", Rule::Reader, "clustertemplate:detail", list),
    post("/v1/clustertemplates", Rule::Member, "clustertemplate:create", create),
    get("/v1/clustertemplates/{}", Rule::Reader, "clustertemplate:get", show),
    patch("/v1/clustertemplates/{}", Rule::Member, "clustertemplate:update", update),
    delete("/v1/clustertemplates/{}", Rule::Member, "clustertemplate:delete", remove),
];

/// A cluster template.
pub(crate) struct Template {
    pub(crate) id: Id,
    pub(crate) spec: NewTemplate,
    created: Timestamp,
    updated: Option<Timestamp>,
}

/// What a template says.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewTemplate {
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) user: Id,
    /// The image's id.
    pub(crate) image: Id,
    pub(crate) keypair: Option<String>,
    pub(crate) external_network: String,
    pub(crate) master_flavor: String,
    pub(crate) flavor: String,
    pub(crate) network_driver: String,
    pub(crate) dns_nameserver: Option<String>,
    pub(crate) storage_driver: Option<String>,
    pub(crate) labels: Map<String, Value>,
    pub(crate) public: bool,
    pub(crate) hidden: bool,
    pub(crate) master_lb: bool,
    pub(crate) floating_ip: bool,
}

impl Row for Template {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Template {
    /// Makes one.
    pub(crate) fn create(world: &mut World, spec: NewTemplate) -> Id {
        let template =
            Template { id: world.ids.uuid("cluster-template"), spec, created: world.now(), updated: None };
        world.magnum.templates.insert(template)
    }

    fn visible(&self, who: &Grant) -> bool {
        who.is_admin() || self.spec.project == who.project || (self.spec.public && !self.spec.hidden)
    }

    fn show(&self, world: &World, base: &str) -> Value {
        let spec = &self.spec;
        let distro = world.glance.images.get(&spec.image).and_then(|i| i.property("os_distro"));
        json!({
            "uuid": &*self.id, "name": spec.name, "coe": "kubernetes", "image_id": &*spec.image, "flavor_id": spec.flavor,
            "master_flavor_id": spec.master_flavor, "dns_nameserver": spec.dns_nameserver, "keypair_id": spec.keypair,
            "external_network_id": spec.external_network, "fixed_network": null, "fixed_subnet": null,
            "network_driver": spec.network_driver, "apiserver_port": null, "docker_volume_size": null, "cluster_distro": distro,
            "links": links(base, &format!("clustertemplates/{}", self.id)), "http_proxy": null, "https_proxy": null, "no_proxy": null,
            "volume_driver": null, "registry_enabled": false, "labels": spec.labels, "tls_disabled": false, "public": spec.public,
            "server_type": "vm", "insecure_registry": null, "docker_storage_driver": spec.storage_driver,
            "master_lb_enabled": spec.master_lb, "floating_ip_enabled": spec.floating_ip, "project_id": &*spec.project,
            "user_id": &*spec.user, "hidden": spec.hidden, "tags": null, "driver": null, "created_at": stamp::offset(self.created),
            "updated_at": self.updated.map(stamp::offset),
        })
    }
}

/// The template of an id or a name.
pub(super) fn find<'c>(call: &'c Call<'_>, ident: &str) -> Result<&'c Template, Refusal> {
    let seen = |t: &Template| t.visible(&call.who);
    named(
        &call.world.magnum.templates,
        ident,
        seen,
        |t| &t.spec.name,
        ("ClusterTemplate", "ClusterTemplates"),
    )
}

fn list(call: &mut Call<'_>) -> Outcome {
    let seen = |t: &Template| t.visible(&call.who);
    page(call, &call.world.magnum.templates, "clustertemplates", seen, |t| {
        t.show(call.world, &call.request.base)
    })
}

fn show(call: &mut Call<'_>) -> Outcome {
    let shown = find(call, call.param(0))?.show(call.world, &call.request.base);
    Ok(Answer::json(200, shown))
}

const KNOWN: &[&str] = &[
    "name",
    "coe",
    "server_type",
    "image_id",
    "external_network_id",
    "master_flavor_id",
    "flavor_id",
    "master_lb_enabled",
    "floating_ip_enabled",
    "network_driver",
    "dns_nameserver",
    "docker_storage_driver",
    "labels",
    "public",
    "hidden",
    "keypair_id",
    "fixed_network",
    "fixed_subnet",
    "docker_volume_size",
    "volume_driver",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "registry_enabled",
    "tls_disabled",
    "insecure_registry",
    "apiserver_port",
    "tags",
    "driver",
    "user_id",
    "project_id",
];

const NETWORK_DRIVERS: &[&str] = &["flannel", "calico", "cilium"];

/// Reads and checks a template as Magnum does: the image decides which driver it is for.
fn spec(call: &Call<'_>, given: &Map<String, Value>) -> Result<NewTemplate, Refusal> {
    let world = &call.world;
    let text = |key: &str| given.get(key).and_then(Value::as_str).map(str::to_string);
    let flag = |key: &str, default: bool| given.get(key).and_then(Value::as_bool).unwrap_or(default);
    if let Some(strange) = given.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Refusal::said(
            400,
            format!("Unknown attribute for argument cluster_template: {strange}"),
        ));
    }
    let missing = |field: &str| invalid(field, "None", "Mandatory field missing.");
    let image = text("image_id").ok_or_else(|| missing("image_id"))?;
    let external = text("external_network_id").unwrap_or_default();
    text("coe").ok_or_else(|| missing("coe"))?;
    let image = world.glance.image_named(&image);
    let distro = image.and_then(|i| i.property("os_distro"));
    if distro != Some("ubuntu") && distro != Some("flatcar") {
        let distro = if image.is_some() { distro.unwrap_or("None") } else { "Unset" };
        return Err(Refusal::said(400, format!("Cluster type (vm, {distro}, kubernetes) not supported.")));
    }
    for key in ["flavor_id", "master_flavor_id"] {
        if let Some(flavor) = text(key).filter(|f| world.nova.flavor_named(f).is_none()) {
            return Err(Refusal::said(400, format!("Unable to find flavor {flavor}.")));
        }
    }
    if !external.is_empty() && !world.neutron.network_named(&external).is_some_and(|n| n.external) {
        return Err(Refusal::said(400, format!("Unable to find external network {external}.")));
    }
    let network_driver = text("network_driver").unwrap_or_else(|| "calico".into());
    if !NETWORK_DRIVERS.contains(&network_driver.as_str()) {
        return Err(Refusal::said(
            400,
            format!(
                "Network driver type {network_driver} is not supported, expecting a flannel/calico/cilium/unspecified network driver."
            ),
        ));
    }
    if (flag("public", false) || flag("hidden", false)) && !call.who.is_admin() {
        return Err(Refusal::said(403, "Not authorized to set public or hidden flag for cluster template."));
    }
    Ok(NewTemplate {
        name: text("name").unwrap_or_default(),
        project: call.who.project.clone(),
        user: call.who.user.clone(),
        image: image.map(|i| i.id.clone()).unwrap_or_default(),
        keypair: text("keypair_id"),
        external_network: external,
        master_flavor: text("master_flavor_id").unwrap_or_default(),
        flavor: text("flavor_id").unwrap_or_default(),
        network_driver,
        dns_nameserver: text("dns_nameserver"),
        storage_driver: text("docker_storage_driver"),
        labels: given.get("labels").and_then(Value::as_object).cloned().unwrap_or_default(),
        public: flag("public", false),
        hidden: flag("hidden", false),
        master_lb: flag("master_lb_enabled", false),
        floating_ip: flag("floating_ip_enabled", true),
    })
}

fn create(call: &mut Call<'_>) -> Outcome {
    let empty = Map::new();
    let spec = spec(call, call.json().and_then(Value::as_object).unwrap_or(&empty))?;
    let id = Template::create(call.world, spec);
    let shown = find(call, &id)?.show(call.world, &call.request.base);
    let own = format!("{}/v1/clustertemplates/{id}", call.request.base);
    Ok(Answer::json(201, shown).header("location", &own))
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = find(call, call.param(0))?.id.clone();
    let steps = call.json().and_then(Value::as_array).cloned().unwrap_or_default();
    let now = call.world.now();
    if let Some(template) = call.world.magnum.templates.get_mut(&id) {
        for step in &steps {
            let value = step["value"].as_str().unwrap_or_default().to_string();
            let changed = match step["path"].as_str().unwrap_or_default() {
                "/name" if template.spec.name != value => {
                    Some(std::mem::replace(&mut template.spec.name, value))
                }
                "/flavor_id" if template.spec.flavor != value => {
                    Some(std::mem::replace(&mut template.spec.flavor, value))
                }
                _ => None,
            };
            template.updated = changed.map(|_| now).or(template.updated);
        }
    }
    let shown = find(call, &id)?.show(call.world, &call.request.base);
    Ok(Answer::json(200, shown))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let template = find(call, call.param(0))?;
    call.allow(call.sees(&template.spec.project), "clustertemplate:delete")?;
    let id = template.id.clone();
    if call.world.magnum.clusters.iter().any(|c| c.template == id) {
        return Err(Refusal::said(
            400,
            format!("ClusterTemplate {id} is referenced by one or multiple clusters."),
        ));
    }
    call.world.magnum.templates.remove(&id);
    Ok(Answer::empty(204))
}
