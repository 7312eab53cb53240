use super::{Ask, NO_ID, Step, all, get};

const P: &str = "placement";

fn at(path: &str, version: &str) -> Ask {
    get("admin", P, path).at(version)
}

pub(super) fn steps() -> Vec<Step> {
    let room = "/allocation_candidates?resources=VCPU:1,MEMORY_MB:1024,DISK_GB:8";
    let mut steps = all([
        get("", P, "/"),
        get("", P, "/resource_providers"),
        get("member", P, "/resource_providers").at("1.39"),
        get("admin", P, "/resource_providers"),
        get("admin", P, "/no-such").at("1.39"),
        at("/resource_providers?name=compute-1", "1.39").keep("provider", "/resource_providers/0/uuid"),
        at(&format!("/resource_providers/{NO_ID}"), "1.39"),
        get("admin", P, "/resource_providers/{provider}"),
        at("/resource_providers/{provider}", "1.39"),
        at("/resource_providers/{provider}/inventories", "1.39"),
        at("/resource_providers/{provider}/inventories/VCPU", "1.39"),
        at("/resource_providers/{provider}/usages", "1.39"),
        at("/resource_providers/{provider}/aggregates", "1.39"),
        at("/resource_providers/{provider}/allocations", "1.39").status_only(),
        at("/resource_classes", "1.39"),
        at("/resource_providers/{provider}/traits", "1.39"),
        at(room, "1.0"),
        at(room, "1.10"),
        at(room, "1.12"),
        at(&format!("{room}&limit=1"), "1.12").status_only(),
        at(&format!("{room}&required=!COMPUTE_STATUS_DISABLED"), "1.17").status_only(),
        at(room, "1.99"),
        at(&format!("{room}&required=!COMPUTE_STATUS_DISABLED"), "1.39"),
        at("/allocation_candidates?resources=MEMORY_MB:999999", "1.39"),
        at("/allocation_candidates", "1.39"),
        at("/allocation_candidates?resources=FOO:1", "1.39"),
        at("/allocation_candidates?resources=VCPU:0", "1.39"),
        get("member", P, "/allocation_candidates?resources=VCPU:1").at("1.39"),
        at("/traits?name=in:COMPUTE_STATUS_DISABLED", "1.39"),
        get("reader", P, "/usages?project_id={admin-project}").at("1.39"),
        get("reader", P, "/usages?project_id={reader-project}").at("1.9").status_only(),
        get("reader", P, "/usages?project_id={reader-project}").at("1.39").status_only(),
        at(&format!("/allocations/{NO_ID}"), "1.39"),
    ]);
    for version in ["1.16", "1.17", "1.22", "1.29", "1.34", "1.39"] {
        steps.push(at(&format!("{room}&limit=1"), version).into());
    }
    steps
}
