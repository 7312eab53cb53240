//! Placement.

use crate::systems::openstack::policy;
use crate::systems::openstack::service::PLACEMENT;

use super::row::{NameFilter, Resource, Roles, Verbs};

const ROW: Resource = Resource {
    service: &PLACEMENT,
    sends_filters: false,
    // 1.10 has candidates, 1.22 forbidden traits
    microversion: Some("1.22"),
    roles: Roles { read: policy::PLACEMENT, write: policy::PLACEMENT },
    verbs: Verbs { get: false, ..Verbs::READ },
    name_key: None,
    name_filter: NameFilter::None,
    ..Resource::BASE
};

const CANDIDATE_OPTIONS: &[&str] =
    &["resources", "required", "member_of", "in_tree", "group_policy", "root_required"];

pub(super) const ROWS: &[Resource] = &[
    Resource {
        name: "resource_providers",
        title: "resource provider",
        doc: "What has something to give: hypervisors, mostly.",
        path: "/resource_providers",
        collection_key: "resource_providers",
        id_key: "uuid",
        name_key: Some("name"),
        name_filter: NameFilter::Exact("name"),
        options: &["name", "member_of", "resources", "in_tree", "required"],
        verbs: Verbs::READ,
        columns: &["uuid", "name", "generation"],
        ..ROW
    },
    Resource {
        name: "allocation_candidates",
        title: "allocation candidate",
        doc: "Ways to take `resources: \"VCPU:1,MEMORY_MB:1024\"` at once, `required: \"!COMPUTE_STATUS_DISABLED\"`. None is what NoValidHost means.",
        path: "/allocation_candidates",
        collection_key: "allocation_requests",
        id_key: "allocations",
        options: CANDIDATE_OPTIONS,
        columns: &["allocations"],
        ..ROW
    },
    Resource {
        name: "provider_summaries",
        title: "provider summary",
        doc: "Capacity and use of the providers that could give `resources`.",
        path: "/allocation_candidates",
        collection_key: "provider_summaries",
        id_key: "resource_provider",
        options: CANDIDATE_OPTIONS,
        columns: &["resource_provider", "resources", "traits"],
        ..ROW
    },
    Resource {
        name: "inventories",
        title: "inventory",
        doc: "What a provider has: `#{ resource_provider: uuid }`. Capacity is (total - reserved) * allocation_ratio.",
        path: "/resource_providers/{resource_provider}/inventories",
        collection_key: "inventories",
        id_key: "resource_class",
        columns: &["resource_class", "total", "reserved", "allocation_ratio", "max_unit"],
        ..ROW
    },
    Resource {
        name: "usages",
        title: "usage",
        doc: "What is taken of a provider, as `value`: `#{ resource_provider: uuid }`.",
        path: "/resource_providers/{resource_provider}/usages",
        collection_key: "usages",
        id_key: "resource_class",
        columns: &["resource_class", "value"],
        ..ROW
    },
    Resource {
        name: "allocations",
        title: "allocation",
        doc: "Who took what of a provider: `#{ resource_provider: uuid }`.",
        path: "/resource_providers/{resource_provider}/allocations",
        collection_key: "allocations",
        id_key: "consumer",
        columns: &["consumer", "resources"],
        ..ROW
    },
];
