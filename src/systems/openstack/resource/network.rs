//! Neutron.

use crate::systems::openstack::service::NETWORK;

use super::action::{Action, Body, UndoBy, Via};
use super::proof::{Proof, Proofs, Shape};
use super::row::{NameFilter, Resource, States, Update, Verbs};

const NEUTRON: Resource = Resource {
    service: &NETWORK,
    options: &["fixed_ips", "tags", "tags-any", "not-tags", "not-tags-any"],
    verbs: Verbs::all(Update::Put),
    proofs: Proofs::of(&[201], &[200], &[204]),
    ..Resource::BASE
};

const STATUS: Option<States> =
    Some(States { field: "status", settled: &["ACTIVE", "DOWN"], failed: &["ERROR"], task: None });

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "networks",
        title: "network",
        doc: "Networks that the project can see; `router:external` tells the cloud's own.",
        path: "/networks",
        collection_key: "networks",
        item_key: Some("network"),
        states: STATUS,
        columns: &["id", "name", "status", "router:external", "shared", "project_id"],
        ..NEUTRON
    },
    Resource {
        name: "subnets",
        title: "subnet",
        doc: "Address ranges of networks.",
        path: "/subnets",
        collection_key: "subnets",
        item_key: Some("subnet"),
        columns: &["id", "name", "network_id", "cidr", "gateway_ip"],
        ..NEUTRON
    },
    Resource {
        name: "ports",
        title: "port",
        doc: "Attachments to networks; `device_owner` tells whose.",
        path: "/ports",
        collection_key: "ports",
        item_key: Some("port"),
        states: STATUS,
        columns: &["id", "name", "status", "network_id", "device_owner", "device_id", "fixed_ips"],
        ..NEUTRON
    },
    Resource {
        name: "routers",
        title: "router",
        doc: "Routers between networks.",
        path: "/routers",
        collection_key: "routers",
        item_key: Some("router"),
        actions: &[
            Action {
                name: "add_interface",
                doc: "Connects a subnet or a port: `#{ subnet_id: id }` or `#{ port_id: id }`.",
                phrase: "connect to",
                via: Via::Put,
                path: "/add_router_interface",
                body: Body::Args,
                proof: Proof { statuses: &[200], body: Shape::Id("id") },
                undo: UndoBy::By("remove the interface"),
                ..Action::BASE
            },
            Action {
                name: "remove_interface",
                doc: "Disconnects a subnet or a port: `#{ subnet_id: id }` or `#{ port_id: id }`.",
                phrase: "disconnect from",
                via: Via::Put,
                path: "/remove_router_interface",
                body: Body::Args,
                proof: Proof { statuses: &[200], body: Shape::Id("id") },
                undo: UndoBy::By("add the interface"),
                destroys: true,
                ..Action::BASE
            },
            Action {
                name: "clear_gateway",
                doc: "Takes the router off the external network.",
                phrase: "clear the gateway of",
                via: Via::Put,
                path: "",
                body: Body::Json(r#"{"router": {"external_gateway_info": {}}}"#),
                proof: Proof::thing(&[200]),
                undo: UndoBy::By("set external_gateway_info again; the address may differ"),
                destroys: true,
                ..Action::BASE
            },
        ],
        states: STATUS,
        columns: &["id", "name", "status", "external_gateway_info", "project_id"],
        ..NEUTRON
    },
    Resource {
        name: "floating_ips",
        title: "floating IP",
        doc: "Addresses of an external network, found by address or id.",
        path: "/floatingips",
        collection_key: "floatingips",
        item_key: Some("floatingip"),
        name_key: Some("floating_ip_address"),
        name_filter: NameFilter::Exact("floating_ip_address"),
        states: STATUS,
        columns: &["id", "floating_ip_address", "status", "fixed_ip_address", "port_id"],
        ..NEUTRON
    },
    Resource {
        name: "security_groups",
        title: "security group",
        doc: "Sets of packet filter rules.",
        path: "/security-groups",
        collection_key: "security_groups",
        item_key: Some("security_group"),
        columns: &["id", "name", "description", "project_id"],
        ..NEUTRON
    },
    Resource {
        name: "security_group_rules",
        title: "security group rule",
        doc: "Packet filter rules.",
        path: "/security-group-rules",
        collection_key: "security_group_rules",
        item_key: Some("security_group_rule"),
        name_key: None,
        label: Some("{direction} {protocol} of security group {security_group_id}"),
        name_filter: NameFilter::None,
        verbs: Verbs { update: Update::None, ..Verbs::all(Update::None) },
        columns: &[
            "id",
            "security_group_id",
            "direction",
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_ip_prefix",
        ],
        ..NEUTRON
    },
];
