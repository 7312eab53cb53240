//! Changing an image with a JSON patch.

use serde_json::Value;

use super::images::{READ_ONLY, own, set};
use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, patch};
use crate::lab::exchange::Answer;

pub(super) const ROUTES: &[Route] = &[patch("/v2/images/{}", Rule::Member, "modify_image", change)];

const TYPES: [&str; 2] =
    ["application/openstack-images-v2.0-json-patch", "application/openstack-images-v2.1-json-patch"];

fn change(call: &mut Call<'_>) -> Outcome {
    let kind = call.request.header("content-type").unwrap_or_default();
    if !TYPES.contains(&kind) {
        let mut answer = crate::lab::api::shape::page(
            415,
            &format!("The request media type {kind} is not supported by this server."),
        );
        answer.set_header("accept-patch", &TYPES.join(", "));
        return Ok(answer);
    }
    let changes = call.json().and_then(Value::as_array);
    let changes = changes
        .ok_or_else(|| Refusal::said(400, "Request body must be a JSON array of operation objects."))?;
    let id = own(call, "modify_image")?.id.clone();
    for step in changes {
        let key = step["path"].as_str().and_then(|p| p.strip_prefix('/')).unwrap_or_default();
        if READ_ONLY.contains(&key) || key.starts_with("os_glance") {
            return Err(Refusal::said(403, format!("Attribute '{key}' is read-only.")));
        }
        if key == "visibility" && step["value"] == "public" {
            call.allow(call.who.is_admin(), "publicize_image")?;
        }
    }
    let now = call.world.now();
    let Some(image) = call.world.glance.images.get_mut(&id) else { return Err(Refusal::NoRoute) };
    for step in changes {
        let key = step["path"].as_str().and_then(|p| p.strip_prefix('/')).unwrap_or_default();
        let known = image.show(now).get(key).is_some();
        let absent = || {
            Refusal::said(
                409,
                format!(
                    "There was a conflict when trying to complete your request.\n\n Property {key} does not exist."
                ),
            )
        };
        match step["op"].as_str().unwrap_or_default() {
            "replace" if !known => return Err(absent()),
            "add" | "replace" => set(image, key, &step["value"])?,
            "remove" => {
                let place = image.properties.iter().position(|(k, _)| k == key);
                image.properties.remove(place.ok_or_else(absent)?);
            }
            other => {
                return Err(Refusal::said(
                    400,
                    format!("Operations must be JSON objects with one of add, replace, remove, not {other}."),
                ));
            }
        }
    }
    image.updated = now;
    Ok(Answer::json(200, image.show(now)))
}
