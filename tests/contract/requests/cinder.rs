use super::{Step, all, get};

pub(super) fn steps() -> Vec<Step> {
    let v = "volume";
    all([
        get("", v, "/").status_only(),
        get("", v, "/v3/").status_only(),
        get("", v, "/v3/{member-project}/types"),
        get("member", v, "/v3/{member-project}/types").except(&["description"]),
        get("member", v, "/v3/{member-project}/volumes"),
        get("member", v, "/v3/{member-project}/volumes/detail"),
        get("member", v, "/v3/{member-project}/snapshots/detail"),
    ])
}
