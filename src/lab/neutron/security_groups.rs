//! Security groups and their rules.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::resource::{Resource, body, by_id, filterable, list, one, own, show, text};
use super::{Meta, Neutron};
use crate::lab::api::{Call, Listing, Outcome, Refusal, Route, Rule, delete, get, post, put};
use crate::lab::exchange::{Answer, Body};
use crate::lab::ids::Id;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v2.0/security-groups", Rule::Reader, "get_security_group", all),
    post("/v2.0/security-groups", Rule::Member, "create_security_group", create),
    get("/v2.0/security-groups/{}", Rule::Reader, "get_security_group", show::<SecurityGroup>),
    put("/v2.0/security-groups/{}", Rule::Member, "update_security_group", update),
    delete("/v2.0/security-groups/{}", Rule::Member, "delete_security_group", remove),
    get("/v2.0/security-group-rules", Rule::Reader, "get_security_group_rule", rules),
    post("/v2.0/security-group-rules", Rule::Member, "create_security_group_rule", create_rule),
    get("/v2.0/security-group-rules/{}", Rule::Reader, "get_security_group_rule", rule),
    delete("/v2.0/security-group-rules/{}", Rule::Member, "delete_security_group_rule", remove_rule),
];

/// A security group.
pub(crate) struct SecurityGroup {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) project: Id,
    pub(crate) description: String,
    rules: Vec<GroupRule>,
    meta: Meta,
}

/// A rule of a security group.
struct GroupRule {
    id: Id,
    rule: NewRule,
    number: usize,
    meta: Meta,
}

/// What a rule lets through.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NewRule {
    pub(crate) direction: String,
    pub(crate) ethertype: String,
    pub(crate) protocol: Option<String>,
    pub(crate) ports: Option<(u64, u64)>,
    pub(crate) remote_prefix: Option<String>,
    pub(crate) remote_group: Option<Id>,
    pub(crate) description: Option<String>,
}

impl Row for SecurityGroup {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl GroupRule {
    fn new(world: &mut World, rule: NewRule) -> Self {
        world.neutron.rules += 1;
        let number = world.neutron.rules;
        GroupRule { id: world.ids.uuid("security-group-rule"), rule, number, meta: Meta::new(world.now(), 0) }
    }

    /// A rule by itself and as part of its group are not shown alike.
    fn show(&self, group: &SecurityGroup, inside: bool) -> Value {
        let NewRule { direction, ethertype, protocol, ports, remote_prefix, remote_group, description } =
            &self.rule;
        let mut shown = json!({
            "id": &*self.id, "project_id": &*group.project, "tenant_id": &*group.project, "security_group_id": &*group.id,
            "ethertype": ethertype, "direction": direction, "protocol": protocol,
            "port_range_min": ports.map(|p| p.0), "port_range_max": ports.map(|p| p.1), "remote_ip_prefix": remote_prefix,
            "remote_address_group_id": null, "normalized_cidr": remote_prefix, "remote_group_id": remote_group.as_deref(),
        });
        if inside {
            shown["standard_attr_id"] = self.number.into();
            shown["tags"] = json!([]);
        }
        shown["belongs_to_default_sg"] = if inside { Value::Null } else { (group.name == "default").into() };
        shown["description"] = json!(description);
        self.meta.show(&mut shown, &group.project);
        shown
    }
}

impl Resource for SecurityGroup {
    const ONE: &'static str = "security_group";
    const MANY: &'static str = "security_groups";
    const ATTRIBUTES: &'static [&'static str] =
        &["id", "name", "tenant_id", "project_id", "description", "shared", "stateful", "tags"];

    fn table(neutron: &Neutron) -> &Table<Self> {
        &neutron.security_groups
    }

    fn project(&self) -> &str {
        &self.project
    }

    fn show(&self, _: &World, _: bool) -> Value {
        let mut shown = json!({
            "id": &*self.id, "name": self.name, "stateful": true, "tenant_id": &*self.project, "description": self.description,
            "shared": false, "security_group_rules": self.rules.iter().map(|r| r.show(self, true)).collect::<Vec<_>>(), "tags": [],
        });
        self.meta.show(&mut shown, &self.project);
        shown
    }

    fn absent(id: &str) -> Refusal {
        Refusal::kind(404, "SecurityGroupNotFound", format!("Security group {id} does not exist"))
    }
}

impl SecurityGroup {
    /// Makes one that lets everything out.
    pub(crate) fn create(world: &mut World, name: &str, project: &Id, description: &str) -> Id {
        let out = |ethertype: &str| NewRule {
            direction: "egress".into(),
            ethertype: ethertype.into(),
            ..NewRule::default()
        };
        let rules = ["IPv4", "IPv6"].map(|t| GroupRule::new(world, out(t))).into();
        let group = SecurityGroup {
            id: world.ids.uuid("security-group"),
            name: name.into(),
            project: project.clone(),
            description: description.into(),
            rules,
            meta: Meta::new(world.now(), 1),
        };
        world.neutron.security_groups.insert(group)
    }

    /// The `default` group of a project, which comes to be when it is first looked for.
    pub(crate) fn default_of(world: &mut World, project: &Id) -> Id {
        if let Some(group) = world.neutron.default_groups.get(project) {
            return group.clone();
        }
        let id = SecurityGroup::create(world, "default", project, "Default security group");
        for ethertype in ["IPv4", "IPv6"] {
            let within = NewRule {
                direction: "ingress".into(),
                ethertype: ethertype.into(),
                remote_group: Some(id.clone()),
                ..NewRule::default()
            };
            SecurityGroup::permit(world, &id, within);
        }
        world.neutron.default_groups.insert(project.clone(), id.clone());
        id
    }

    /// What Nova's proxy makes of it: rules for what comes in.
    pub(crate) fn as_nova_shows_it(&self, neutron: &Neutron) -> Value {
        let inward = self.rules.iter().filter(|r| r.rule.direction == "ingress").map(|r| {
            let from = r.rule.remote_group.as_ref().and_then(|id| neutron.security_groups.get(id));
            let group = from.map_or_else(|| json!({}), |g| json!({"name": g.name, "tenant_id": &*g.project}));
            let range = r.rule.remote_prefix.as_ref().map_or_else(|| json!({}), |cidr| json!({"cidr": cidr}));
            json!({"id": &*r.id, "parent_group_id": &*self.id, "ip_protocol": r.rule.protocol, "group": group, "ip_range": range,
                "from_port": r.rule.ports.map(|p| p.0), "to_port": r.rule.ports.map(|p| p.1)})
        });
        json!({"id": &*self.id, "description": self.description, "name": self.name, "tenant_id": &*self.project,
            "rules": inward.collect::<Vec<_>>()})
    }

    /// Adds a rule.
    pub(crate) fn permit(world: &mut World, id: &str, rule: NewRule) -> Option<Id> {
        let rule = GroupRule::new(world, rule);
        let rule_id = rule.id.clone();
        let now = world.now();
        let group = world.neutron.security_groups.get_mut(id)?;
        group.rules.push(rule);
        group.meta.touch(now);
        Some(rule_id)
    }

    /// Takes one away.
    ///
    /// # Errors
    /// A port is in it.
    pub(crate) fn delete(world: &mut World, id: &str) -> Result<(), Refusal> {
        if world.neutron.ports.iter().any(|p| p.groups.iter().any(|g| **g == *id)) {
            return Err(Refusal::kind(409, "SecurityGroupInUse", format!("Security Group {id} in use.")));
        }
        world.neutron.default_groups.retain(|_, group| **group != *id);
        world.neutron.security_groups.remove(id);
        Ok(())
    }
}

fn all(call: &mut Call<'_>) -> Outcome {
    let project = call.who.project.clone();
    SecurityGroup::default_of(call.world, &project);
    list::<SecurityGroup>(call)
}

fn create(call: &mut Call<'_>) -> Outcome {
    let given = body(call, "security_group", &[], &["name", "description", "stateful"])?;
    let project = call.who.project.clone();
    let (name, description) =
        (text(given, "name").unwrap_or_default(), text(given, "description").unwrap_or_default());
    SecurityGroup::default_of(call.world, &project);
    let id = SecurityGroup::create(call.world, name, &project, description);
    let mut answer = one::<SecurityGroup>(call, 201, &id)?;
    // only the answer to its creation knows that of its rules
    if let Body::Json(shown) = &mut answer.body
        && let Some(rules) = shown["security_group"]["security_group_rules"].as_array_mut()
    {
        rules.iter_mut().for_each(|rule| rule["belongs_to_default_sg"] = (name == "default").into());
    }
    Ok(answer)
}

fn update(call: &mut Call<'_>) -> Outcome {
    let id = own::<SecurityGroup>(call, "update_security_group")?.id.clone();
    let given = body(call, "security_group", &[], &["name", "description", "stateful"])?;
    let now = call.world.now();
    if let Some(group) = call.world.neutron.security_groups.get_mut(&id) {
        if let Some(name) = text(given, "name") {
            group.name = name.into();
        }
        if let Some(description) = text(given, "description") {
            group.description = description.into();
        }
        group.meta.touch(now);
    }
    one::<SecurityGroup>(call, 200, &id)
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let group = own::<SecurityGroup>(call, "delete_security_group")?;
    let (id, name) = (group.id.clone(), group.name.clone());
    SecurityGroup::delete(call.world, &id)?;
    if name == "default" && !call.who.is_admin() {
        return Err(Refusal::kind(
            409,
            "SecurityGroupCannotRemoveDefault",
            "Insufficient rights for removing default security group.",
        ));
    }
    Ok(Answer::empty(204))
}

/// What a list of rules can be filtered by.
const RULE_ATTRIBUTES: &[&str] = &[
    "id",
    "project_id",
    "tenant_id",
    "security_group_id",
    "remote_group_id",
    "remote_address_group_id",
    "direction",
    "protocol",
    "port_range_min",
    "port_range_max",
    "ethertype",
    "remote_ip_prefix",
    "normalized_cidr",
    "description",
    "revision_number",
];

fn rules(call: &mut Call<'_>) -> Outcome {
    let listing = Listing::of(call.request, false);
    filterable(&listing, RULE_ATTRIBUTES)?;
    let groups = call.world.neutron.security_groups.iter().filter(|g| call.sees(&g.project));
    let mut rows: Vec<Value> = groups.flat_map(|g| g.rules.iter().map(|r| r.show(g, false))).collect();
    rows.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
    let mut page = listing.page(rows.into_iter(), usize::MAX).unwrap_or_default();
    page.iter_mut().for_each(|row| listing.keep(row));
    Ok(Answer::json(200, json!({"security_group_rules": page})))
}

/// An address, or a network in CIDR notation.
fn is_prefix(text: &str) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|l| l.parse::<u8>().is_ok_and(|l| l <= most))
}

/// What a rule cannot say.
fn check_rule(rule: &NewRule) -> Result<(), Refusal> {
    if !["ingress", "egress"].contains(&&*rule.direction) {
        let message =
            format!("Invalid input for direction. Reason: {} is not in valid_values.", rule.direction);
        return Err(Refusal::kind(400, "HTTPBadRequest", message));
    }
    if rule.ports.is_some_and(|(from, to)| from > to) {
        let message = "For TCP/UDP protocols, port_range_min must be <= port_range_max";
        return Err(Refusal::kind(400, "SecurityGroupInvalidPortRange", message));
    }
    match rule.remote_prefix.as_deref().filter(|prefix| !is_prefix(prefix)) {
        Some(prefix) => {
            let message = format!("Invalid CIDR {prefix} given as IP prefix.");
            Err(Refusal::kind(400, "InvalidCIDR", message))
        }
        None => Ok(()),
    }
}

/// The group and the place in it of the rule that the path names.
fn find_rule(call: &Call<'_>) -> Result<(Id, usize), Refusal> {
    let id = call.param(0);
    let groups = call.world.neutron.security_groups.iter().filter(|g| call.sees(&g.project));
    let mut found = groups.filter_map(|g| Some((g.id.clone(), g.rules.iter().position(|r| *r.id == *id)?)));
    found.next().ok_or_else(|| {
        Refusal::kind(404, "SecurityGroupRuleNotFound", format!("Security group rule {id} does not exist"))
    })
}

fn show_rule(call: &Call<'_>, status: u16, group: &str, place: usize) -> Outcome {
    let group = call.world.neutron.security_groups.get(group).ok_or_else(|| SecurityGroup::absent(group))?;
    let shown = group.rules.get(place).map(|r| r.show(group, false));
    Ok(Answer::json(status, json!({"security_group_rule": shown})))
}

fn rule(call: &mut Call<'_>) -> Outcome {
    let (group, place) = find_rule(call)?;
    show_rule(call, 200, &group, place)
}

fn create_rule(call: &mut Call<'_>) -> Outcome {
    const KNOWN: &[&str] = &[
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
        "remote_address_group_id",
        "description",
    ];
    let given = body(call, "security_group_rule", &["direction", "security_group_id"], KNOWN)?;
    let group: &SecurityGroup = by_id(call, text(given, "security_group_id").unwrap_or_default())?;
    let id = group.id.clone();
    let port = |key: &str| given.get(key).and_then(Value::as_u64);
    let rule = NewRule {
        direction: text(given, "direction").unwrap_or("ingress").into(),
        ethertype: text(given, "ethertype").unwrap_or("IPv4").into(),
        protocol: text(given, "protocol").map(Into::into),
        ports: port("port_range_min").zip(port("port_range_max")),
        remote_prefix: text(given, "remote_ip_prefix").map(Into::into),
        remote_group: text(given, "remote_group_id").map(Id::from),
        description: Some(text(given, "description").unwrap_or_default().into()),
    };
    check_rule(&rule)?;
    if let Some(same) = group.rules.iter().find(|r| {
        NewRule { description: None, ..r.rule.clone() } == NewRule { description: None, ..rule.clone() }
    }) {
        return Err(Refusal::kind(
            409,
            "SecurityGroupRuleExists",
            format!("Security group rule already exists. Rule id is {}.", same.id),
        ));
    }
    let place = group.rules.len();
    SecurityGroup::permit(call.world, &id, rule);
    show_rule(call, 201, &id, place)
}

fn remove_rule(call: &mut Call<'_>) -> Outcome {
    let (group, place) = find_rule(call)?;
    let now = call.world.now();
    if let Some(group) = call.world.neutron.security_groups.get_mut(&group) {
        group.rules.remove(place);
        group.meta.touch(now);
    }
    Ok(Answer::empty(204))
}
