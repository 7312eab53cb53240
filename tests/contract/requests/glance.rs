use serde_json::{Value, json};

use super::{Ask, NO_ID, Step, all, ask, delete, get, post};

const G: &str = "image";
const STATES: &[&str] = &["/status"];

fn stage(who: &'static str, bytes: &[u8]) -> Ask {
    ask(who, "PUT", G, "/v2/images/{image}/stage").bytes(bytes)
}

fn import(who: &'static str, body: Value) -> Ask {
    post(who, G, "/v2/images/{image}/import").json(body)
}

fn direct() -> Value {
    json!({"method": {"name": "glance-direct"}})
}

fn patch(who: &'static str, steps: Value) -> Ask {
    ask(who, "PATCH", G, "/v2/images/{image}")
        .json(steps)
        .header("content-type", "application/openstack-images-v2.1-json-patch")
}

/// The first bytes of a qcow2 disk of a MiB; qemu-img takes no less than a whole one.
fn qcow2() -> Vec<u8> {
    let mut disk = vec![0u8; 196_616];
    let mut put = |at: usize, bytes: &[u8]| disk[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb");
    put(4, &3u32.to_be_bytes());
    put(20, &16u32.to_be_bytes());
    put(24, &(1u64 << 20).to_be_bytes());
    put(36, &1u32.to_be_bytes());
    put(40, &0x30000u64.to_be_bytes());
    put(48, &0x10000u64.to_be_bytes());
    put(56, &1u32.to_be_bytes());
    put(96, &4u32.to_be_bytes());
    put(100, &104u32.to_be_bytes());
    put(0x10000, &0x20000u64.to_be_bytes());
    for n in 0..4 {
        put(0x20000 + 2 * n, &1u16.to_be_bytes());
    }
    disk
}

pub(super) fn steps() -> Vec<Step> {
    let new = |extra: Value| {
        let mut image = json!({"name": "contract-image", "disk_format": "raw", "container_format": "bare"});
        extra.as_object().unwrap().iter().for_each(|(k, v)| image[k] = v.clone());
        post("member", G, "/v2/images").json(image)
    };
    let show = || get("member", G, "/v2/images/{image}");
    let mut steps = all([
        get("", G, "/"),
        get("", G, "/versions"),
        get("", G, "/v2/images"),
        get("member", G, "/v2/no-such"),
        get("member", G, "/v2/info/stores"),
        get("member", G, "/v2/info/import"),
        get("member", G, "/v2/schemas/image").status_only(),
        get("member", G, "/v2/schemas/images").status_only(),
        get("member", G, "/v2/images?name=contract-none"),
        get("member", G, "/v2/images/no-such"),
        get("member", G, &format!("/v2/images/{NO_ID}")),
        get("member", G, &format!("/v2/images?marker={NO_ID}")),
        get("member", G, "/v2/images?limit=x"),
        get("member", G, "/v2/images?bogus=1"),
        get("member", G, "/v2/tasks"),
        post("reader", G, "/v2/images").json(json!({"name": "contract-image"})),
        new(json!({"visibility": "public"})),
        new(json!({"id": "nonsense"})).status_only(),
        new(json!({"disk_format": "nonsense"})).status_only(),
        new(json!({"name": 1})).status_only(),
        new(json!({"os_distro": "ubuntu", "kube_version": "v1.34.8", "tags": ["t"]})).keep("image", "/id"),
        show(),
        get("member", G, "/v2/images/{image}/file"),
        get("member", G, "/v2/images/{image}/tasks"),
        import("member", direct()),
        stage("reader", b"x"),
        ask("member", "PUT", G, "/v2/images/{image}/stage")
            .bytes(b"x")
            .header("content-type", "text/plain")
            .status_only(),
        stage("member", &[7; 200_000]),
        show(),
        stage("member", &[7; 200_000]),
        import("member", json!({"method": {"name": "nonsense"}})),
        import("member", json!({})),
        import("reader", direct()),
        import("member", direct()),
    ]);
    steps.push(show().until(STATES, &["active", "killed"]));
    steps.extend(all([
        get("member", G, "/v2/images?name=contract-image").status_only(),
        get("member", G, "/v2/images?name=contract-image&limit=1").status_only(),
        stage("member", b"x"),
        ask("member", "PUT", G, "/v2/images/{image}/file").bytes(b"x"),
        get("member", G, "/v2/images/{image}/members"),
        patch("member", json!([{"op": "add", "path": "/foo", "value": "bar"}, {"op": "replace", "path": "/name", "value": "contract-image-2"}])).status_only(),
        patch("member", json!([{"op": "replace", "path": "/no-such", "value": "bar"}])),
        patch("member", json!([{"op": "remove", "path": "/foo"}])).status_only(),
        patch("member", json!([{"op": "replace", "path": "/status", "value": "queued"}])),
        patch("member", json!([{"op": "replace", "path": "/visibility", "value": "public"}])),
        patch("member", json!({})),
        ask("member", "PATCH", G, "/v2/images/{image}").json(json!({})),
        patch("reader", json!([{"op": "add", "path": "/foo", "value": "bar"}])),
        patch("member", json!([{"op": "replace", "path": "/protected", "value": true}])).status_only(),
        delete("member", G, "/v2/images/{image}"),
        patch("member", json!([{"op": "replace", "path": "/protected", "value": false}])).status_only(),
        delete("reader", G, "/v2/images/{image}"),
        delete("member", G, "/v2/images/{image}"),
        show(),
        delete("member", G, "/v2/images/{image}"),
        // bytes that are no qcow2 fail; the record stays and holds the name
        new(json!({"disk_format": "qcow2"})).silent().keep("image", "/id"),
        stage("member", &[9; 7000]),
        import("member", direct()),
    ]));
    steps.push(show().until(&["/status"], &["queued"]));
    steps.extend(all([
        // Glance names its task until it lets go of it, a moment later
        show().except(&["os_glance_import_task"]),
        get("member", G, "/v2/images/{image}/tasks"),
        delete("member", G, "/v2/images/{image}"),
        // a qcow2 becomes raw
        new(json!({"disk_format": "qcow2"})).silent().keep("image", "/id"),
        stage("member", &qcow2()),
        import("member", direct()),
    ]));
    steps.push(show().until(&["/status", "/disk_format"], &["active"]));
    steps.extend(all([
        // Glance may not let go of its task yet
        delete("member", G, "/v2/images/{image}").silent(),
        new(json!({})).silent().keep("image", "/id"),
        ask("member", "PUT", G, "/v2/images/{image}/file").bytes(b"zzz"),
        show(),
        delete("member", G, "/v2/images/{image}"),
    ]));
    steps
}
