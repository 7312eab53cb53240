//! Keystone.

use crate::systems::openstack::policy::{ADMIN, ANYONE, IDENTITY_READ};
use crate::systems::openstack::service::IDENTITY;

use super::proof::Proofs;
use super::row::{NameFilter, Resource, Roles, Update, Verbs};

const KEYSTONE: Resource = Resource {
    service: &IDENTITY,
    roles: Roles { read: IDENTITY_READ, write: ADMIN },
    verbs: Verbs::all(Update::Patch),
    proofs: Proofs::of(&[201], &[200], &[204]),
    ..Resource::BASE
};

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "projects",
        title: "project",
        doc: "Projects of the cloud.",
        path: "/projects",
        collection_key: "projects",
        item_key: Some("project"),
        options: &["tags", "tags-any", "not-tags", "not-tags-any"],
        columns: &["id", "name", "domain_id", "enabled"],
        ..KEYSTONE
    },
    Resource {
        name: "domains",
        title: "domain",
        doc: "Domains, which hold users and projects.",
        path: "/domains",
        collection_key: "domains",
        item_key: Some("domain"),
        columns: &["id", "name", "enabled"],
        ..KEYSTONE
    },
    Resource {
        name: "users",
        title: "user",
        doc: "Users of the cloud.",
        path: "/users",
        collection_key: "users",
        item_key: Some("user"),
        columns: &["id", "name", "domain_id", "enabled"],
        secrets: &["password", "original_password"],
        ..KEYSTONE
    },
    Resource {
        name: "roles",
        title: "role",
        doc: "Roles that users may have.",
        path: "/roles",
        collection_key: "roles",
        item_key: Some("role"),
        ..KEYSTONE
    },
    Resource {
        name: "role_assignments",
        title: "role assignment",
        doc: "Who has which role where; `include_names: true` tells names, `effective: true` follows groups and implied roles.",
        path: "/role_assignments",
        collection_key: "role_assignments",
        // an assignment has no id of its own
        id_key: "links",
        name_key: None,
        name_filter: NameFilter::None,
        options: &[
            "user.id",
            "group.id",
            "role.id",
            "scope.project.id",
            "scope.domain.id",
            "scope.system",
            "effective",
            "include_names",
            "include_subtree",
        ],
        verbs: Verbs { get: false, ..Verbs::READ },
        columns: &["role", "user", "group", "scope"],
        ..KEYSTONE
    },
    Resource {
        name: "application_credentials",
        title: "application credential",
        doc: "The user's own application credentials, in all projects.",
        path: "/users/{user_id}/application_credentials",
        collection_key: "application_credentials",
        item_key: Some("application_credential"),
        verbs: Verbs { update: Update::None, ..Verbs::all(Update::None) },
        roles: Roles { read: ANYONE, write: ANYONE },
        columns: &["id", "name", "project_id", "unrestricted", "expires_at"],
        secrets: &["secret"],
        ..KEYSTONE
    },
    Resource {
        name: "services",
        title: "service",
        doc: "The services in the catalog.",
        path: "/services",
        collection_key: "services",
        item_key: Some("service"),
        columns: &["id", "name", "type", "enabled"],
        ..KEYSTONE
    },
    Resource {
        name: "endpoints",
        title: "endpoint",
        doc: "Where the services are.",
        path: "/endpoints",
        collection_key: "endpoints",
        item_key: Some("endpoint"),
        name_key: None,
        label: Some("{interface} {url}"),
        name_filter: NameFilter::None,
        columns: &["id", "service_id", "interface", "region_id", "url"],
        ..KEYSTONE
    },
];
