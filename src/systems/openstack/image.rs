//! Images on their way: bytes are staged as a stream and imported, and one whose import failed stays,
//! with its name, in the state of one that never began.

use serde_json::{Map, Value, json};

use crate::base::{ErrorKind, Result};
use crate::systems::http::Upload;

use super::call::Call;
use super::resource::{Item, action_call, find};
use super::session::Session;

/// `PUT` of a file's bytes to an image that has none.
///
/// # Errors
/// [`ErrorKind::Argument`] for what is no id.
pub fn stage_call(item: Item<'_>, file: Upload) -> Result<Call> {
    let row = find("images")?;
    let mut call = action_call(row, row.action("stage")?, item, &json!({}).into())?;
    call.content_type = Some("application/octet-stream");
    // Glance compares it with what arrived, where it knows the header
    call.headers.push(("x-openstack-image-size".to_string(), file.size().to_string()));
    call.file = Some(file);
    Ok(call)
}

/// `POST` that imports what was staged.
///
/// # Errors
/// [`ErrorKind::Argument`] for what is no id.
pub fn import_call(item: Item<'_>) -> Result<Call> {
    let row = find("images")?;
    let method = json!({ "method": { "name": "glance-direct" } });
    action_call(row, row.action("import_data")?, item, &method.into())
}

/// Why an image will never be active, as its record tells; `None` if it may be.
///
/// After a failed import Glance puts the image back to `queued`, and only `os_glance_failed_import`
/// tells it from one whose bytes are still to come.
pub fn dead(image: &Value) -> Option<String> {
    let status = image["status"].as_str().unwrap_or_default();
    let stores = image["os_glance_failed_import"].as_str().unwrap_or_default();
    match status {
        "killed" | "deleted" => Some(format!("it is {status}")),
        "queued" if !stores.is_empty() => Some(format!("its import into {stores} failed")),
        _ => None,
    }
}

/// Why an image is dead, with what the task of its import says; `None` if it is not.
///
/// # Errors
/// As [`Session::send`], except that a Glance without tasks (before API 2.12), and one that does not show
/// them, leaves their words out.
pub async fn failure(session: &Session, image: &Value) -> Result<Option<String>> {
    let Some(why) = dead(image) else { return Ok(None) };
    let row = find("images")?;
    let id = image["id"].as_str().unwrap_or_default();
    let item = Item { id, name: None, parents: &Map::new() };
    let tasks = match session.read(&action_call(row, row.action("tasks")?, item, &json!({}).into())?).await {
        Ok((tasks, _)) => tasks,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unsupported) => {
            Value::Null
        }
        Err(e) => return Err(e),
    };
    let said = tasks["tasks"].as_array().into_iter().flatten().rev();
    let said = said.filter(|t| t["status"] == "failure").find_map(|t| t["message"].as_str());
    Ok(Some(match said.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("{why}: {message}"),
        None => why,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_import_is_told_from_one_that_never_began() {
        let image = |status: &str, failed: &str| json!({"status": status, "os_glance_failed_import": failed});
        assert_eq!(dead(&image("queued", "")), None);
        assert_eq!(dead(&json!({"status": "queued"})), None);
        assert_eq!(dead(&image("queued", "ceph,file")).unwrap(), "its import into ceph,file failed");
        assert_eq!(dead(&image("killed", "")).unwrap(), "it is killed");
        // one store of several failed, and the image serves all the same
        assert_eq!(dead(&image("active", "ceph")), None);
        assert_eq!(dead(&Value::Null), None);
    }
}
