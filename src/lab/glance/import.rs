//! From bytes to an image: stage, import, tasks; and the direct upload, which converts nothing.

use std::time::Duration;

use serde_json::{Value, json};

use super::image::ImportTask;
use super::images::{find, own};
use super::{Image, STORE, State};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, get, post, put};
use crate::lab::exchange::{Answer, Digests, Incoming};
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    put("/v2/images/{}/stage", Rule::Member, "modify_image", stage),
    put("/v2/images/{}/file", Rule::Member, "upload_image", upload),
    get("/v2/images/{}/file", Rule::Reader, "download_image", download),
    post("/v2/images/{}/import", Rule::Member, "modify_image", import),
    get("/v2/images/{}/tasks", Rule::Reader, "get_image", tasks),
];

/// The ways to import.
pub(super) const METHODS: [&str; 3] = ["glance-direct", "web-download", "copy-image"];

/// From the 202 until the task begins its work.
const PICKED_UP: Duration = Duration::from_secs(1);

fn bytes<'a>(call: &Call<'a>) -> Result<&'a Digests, Refusal> {
    match &call.request.body {
        Incoming::Stream(digests) => Ok(digests),
        _ => {
            let kind = call.request.header("content-type").unwrap_or("None");
            Err(Refusal::said(415, format!("The request media type {kind} is not supported by this server.")))
        }
    }
}

/// The image in the path, if it has no bytes yet and may take some.
fn waiting<'c>(call: &'c Call<'_>, policy: &'static str, towards: &str) -> Result<&'c Image, Refusal> {
    let image = own(call, policy)?;
    let now = call.world.now();
    match image.state(now) {
        State::Queued | State::Failed => Ok(image),
        _ => Err(Refusal::said(
            409,
            format!("Image status transition from {} to {towards} is not allowed", image.status(now)),
        )),
    }
}

fn stage(call: &mut Call<'_>) -> Outcome {
    let digests = bytes(call)?.clone();
    let id = waiting(call, "modify_image", "uploading")?.id.clone();
    let now = call.world.now();
    if let Some(image) = call.world.glance.images.get_mut(&id) {
        image.content = Some(digests);
        image.line.set(now, State::Staged);
    }
    Ok(Answer::empty(204))
}

fn upload(call: &mut Call<'_>) -> Outcome {
    let digests = bytes(call)?.clone();
    let id = waiting(call, "upload_image", "saving")?.id.clone();
    let now = call.world.now();
    if let Some(image) = call.world.glance.images.get_mut(&id) {
        image.virtual_size = virtual_size(image.disk_format.as_deref(), &digests);
        image.content = Some(digests);
        image.line.set(now, State::Active);
    }
    Ok(Answer::empty(204))
}

/// The lab keeps no bytes: what could be given back is only that there are none.
fn download(call: &mut Call<'_>) -> Outcome {
    let image = find(call)?;
    match image.state(call.world.now()) {
        State::Active | State::Imported => {
            Err(Refusal::said(410, "This lab keeps the hash of an image, not its bytes."))
        }
        _ => Ok(Answer::empty(204)),
    }
}

/// What a disk is once unpacked, if the first bytes tell.
fn virtual_size(format: Option<&str>, digests: &Digests) -> Option<u64> {
    match format {
        Some("raw") => Some(digests.bytes.next_multiple_of(512)),
        Some("qcow2") if digests.head.starts_with(b"QFI\xfb") => {
            digests.head.get(24..32)?.try_into().ok().map(u64::from_be_bytes)
        }
        _ => None,
    }
}

fn import(call: &mut Call<'_>) -> Outcome {
    let bad = |message: String| Refusal::said(400, message);
    let method =
        call.member("method").ok_or_else(|| bad("Import request requires a 'method' field.".into()))?;
    let method = method["name"]
        .as_str()
        .ok_or_else(|| bad("Import request requires a 'name' field.".into()))?
        .to_string();
    let image = own(call, "modify_image")?;
    let (id, now) = (image.id.clone(), call.world.now());
    if !METHODS.contains(&method.as_str()) {
        return Err(bad(format!("Unknown import method name '{method}'.")));
    }
    match (image.state(now), method.as_str()) {
        (State::Accepted | State::Importing, _) => return Err(Refusal::said(409, "Image has active task")),
        (State::Staged, "glance-direct") | (State::Queued | State::Failed, "web-download") => {}
        (State::Queued | State::Failed, "glance-direct") => {
            return Err(Refusal::said(
                409,
                "Image needs to be staged before 'glance-direct' method can be used",
            ));
        }
        (State::Active | State::Imported, "copy-image") => return Ok(Answer::empty(202)),
        (_, method) => {
            return Err(Refusal::said(
                409,
                format!("Image needs to be in 'queued' state to use '{method}' method"),
            ));
        }
    }
    let task = ImportTask {
        id: call.world.ids.uuid("import-task"),
        request: call.request.id.clone(),
        user: call.who.user.clone(),
        start: now,
        method,
    };
    Image::import(call.world, &id, task);
    Ok(Answer::empty(202))
}

impl Image {
    /// Lets the import run; how it ends is decided when it does.
    fn import(world: &mut World, id: &Id, task: ImportTask) {
        let now = world.now();
        let work = world.timings.image_import.saturating_sub(PICKED_UP);
        if let Some(image) = world.glance.images.get_mut(id) {
            image.line.plan(now, [(Duration::ZERO, State::Accepted), (PICKED_UP, State::Importing)]);
            image.task = Some(task);
        }
        let id = id.clone();
        world.later(PICKED_UP + work, move |world| finish(world, &id));
    }
}

/// The end of an import. A web-download never gets its bytes: the servers of images refuse
/// Glance's user agent.
fn finish(world: &mut World, id: &str) {
    let (now, convert_to) = (world.now(), world.quirks.convert_to.clone());
    let unlucky = world.glance.failures > 0;
    world.glance.failures = world.glance.failures.saturating_sub(1);
    let Some(image) = world.glance.images.get_mut(id) else { return };
    if image.state(now) != State::Importing {
        return;
    }
    let readable = |content: &Digests| match image.disk_format.as_deref() {
        Some("qcow2") => content.head.starts_with(b"QFI\xfb"),
        _ => true,
    };
    let Some(content) = image.content.clone().filter(|content| !unlucky && readable(content)) else {
        image.content = None;
        image.line.set(now, State::Failed);
        return;
    };
    image.virtual_size = virtual_size(image.disk_format.as_deref(), &content);
    if !convert_to.is_empty() && image.disk_format.as_deref().is_some_and(|format| format != convert_to) {
        image.content = Some(converted(&content, image.virtual_size));
        image.disk_format = Some(convert_to);
    }
    image.line.plan(now, [(Duration::ZERO, State::Imported), (PICKED_UP, State::Active)]);
}

/// What a conversion leaves: other bytes, so other hashes than those that were staged.
fn converted(content: &Digests, virtual_size: Option<u64>) -> Digests {
    Digests::of(&format!("converted {}", content.sha512), virtual_size.unwrap_or(content.bytes))
}

fn tasks(call: &mut Call<'_>) -> Outcome {
    let image = find(call)?;
    let now = call.world.now();
    let Some(task) = &image.task else { return Ok(Answer::json(200, json!({"tasks": []}))) };
    let (state, updated) = (image.state(now), image.line.since(now));
    let status = match state {
        State::Failed => "failure",
        State::Active => "success",
        _ => "processing",
    };
    let ended = matches!(state, State::Failed | State::Active);
    let expires = updated + Duration::from_secs(48 * 3600);
    let mib = image.content.as_ref().map_or(0, |c| c.bytes >> 20);
    let message = if state == State::Failed {
        "Task failed due to Internal Error".to_string()
    } else {
        format!("Copied {mib} MiB")
    };
    let shown = json!({
        "id": &*task.id, "type": "api_image_import", "status": status, "owner": &*image.owner,
        "expires_at": if ended { json!(stamp::micros(expires)) } else { Value::Null },
        "created_at": stamp::micros(task.start), "updated_at": stamp::micros(updated), "deleted_at": null, "deleted": false,
        "image_id": &*image.id, "request_id": &*task.request, "user_id": &*task.user,
        "input": {"image_id": &*image.id, "import_req": {"method": {"name": task.method}}, "backend": [STORE]},
        "result": null, "message": message,
    });
    Ok(Answer::json(200, json!({"tasks": [shown]})))
}
