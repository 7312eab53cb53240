//! Creating, finding and deleting images.

use serde_json::{Value, json};

use super::{Image, State, import};
use crate::lab::api::{self, Call, Listing, Outcome, Refusal, Route, Rule, delete, get, post};
use crate::lab::exchange::{Answer, encode};
use crate::lab::ids::Id;

pub(super) const ROUTES: &[Route] = &[
    get("/v2/images", Rule::Reader, "get_images", list),
    post("/v2/images", Rule::Member, "add_image", create),
    get("/v2/images/{}", Rule::Reader, "get_image", show),
    delete("/v2/images/{}", Rule::Member, "delete_image", remove),
    get("/v2/images/{}/members", Rule::Reader, "get_members", members),
];

/// `limit_param_default` and `api_limit_max`.
const PAGE: (usize, usize) = (25, 1000);

/// The image that the path names, if the token sees it.
pub(super) fn find<'c>(call: &'c Call<'_>) -> Result<&'c Image, Refusal> {
    let id = call.param(0);
    let found = call.world.glance.images.get(id).filter(|i| i.visible(&call.who));
    found.ok_or_else(|| Refusal::said(404, format!("No image found with ID {id}")))
}

/// The same, if the token may change it.
pub(super) fn own<'c>(call: &'c Call<'_>, policy: &'static str) -> Result<&'c Image, Refusal> {
    let image = find(call)?;
    call.allow(call.sees(&image.owner), policy)?;
    Ok(image)
}

fn show(call: &mut Call<'_>) -> Outcome {
    let image = find(call)?;
    Ok(Answer::json(200, image.show(call.world.now())))
}

fn members(call: &mut Call<'_>) -> Outcome {
    find(call)?;
    Ok(Answer::json(200, json!({"members": [], "schema": "/v2/schemas/members"})))
}

/// Filters that are no members of an image.
fn fits(shown: &Value, key: &str, wanted: &str) -> bool {
    match key {
        "tag" => api::fits(&shown["tags"], wanted),
        "size_min" => shown["size"].as_u64() >= wanted.parse().ok(),
        "size_max" => shown["size"].as_u64() <= wanted.parse().ok(),
        _ => match wanted.strip_prefix("in:") {
            Some(many) => many.split(',').any(|one| api::fits(&shown[key], one.trim_matches('"'))),
            None => !shown[key].is_null() && api::fits(&shown[key], wanted),
        },
    }
}

fn list(call: &mut Call<'_>) -> Outcome {
    let mut listing = Listing::of(call.request, true);
    let limit = match &listing.limit {
        None => PAGE.0,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::said(400, "limit param must be an integer"))?
            .min(PAGE.1),
    };
    let mut filters = std::mem::take(&mut listing.filters);
    let now = call.world.now();
    if !filters.iter().any(|(k, _)| k == "os_hidden") {
        filters.push(("os_hidden".into(), vec!["false".into()]));
    }
    let community = filters.iter().any(|(k, v)| k == "visibility" && v.iter().any(|v| v == "community"));
    let listed = |image: &&Image| {
        let foreign = image.visibility == "community" && image.owner != call.who.project;
        image.visible(&call.who) && (!foreign || community)
    };
    let wanted = |shown: &Value| {
        filters.iter().all(|(key, values)| values.iter().all(|value| fits(shown, key, value)))
    };
    let absent = || {
        Refusal::said(
            400,
            format!("No image found with ID {}", listing.marker.as_deref().unwrap_or_default()),
        )
    };
    let marker = listing.marker.as_deref().filter(|_| listing.sort.is_empty());
    let rows = call.world.glance.images.before(marker).ok_or_else(absent)?;
    let page =
        listing.page(rows.filter(listed).map(|i| i.show(now)).filter(wanted), limit).ok_or_else(absent)?;

    let pairs: Vec<(String, String)> = call.request.pairs().filter(|(k, _)| k != "marker").collect();
    let query = |pairs: &[(String, String)]| {
        let text: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
        if text.is_empty() { "/v2/images".to_string() } else { format!("/v2/images?{}", text.join("&")) }
    };
    let mut body = json!({"images": page, "first": query(&pairs), "schema": "/v2/schemas/images"});
    if let Some(last) = page.last().filter(|_| page.len() == limit) {
        let marker = ("marker".to_string(), last["id"].as_str().unwrap_or_default().to_string());
        let next: Vec<(String, String)> = pairs.into_iter().chain([marker]).collect();
        body["next"] = query(&next).into();
    }
    Ok(Answer::json(200, body))
}

fn schema_error(message: impl std::fmt::Display) -> Refusal {
    Refusal::said(400, format!("Provided object does not match schema 'image': {message}"))
}

const FORMATS: [&str; 12] =
    ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop", "luks"];

/// Sets a member of an image, as both creation and PATCH do.
pub(super) fn set(image: &mut Image, key: &str, value: &Value) -> Result<(), Refusal> {
    let text = || value.as_str().map(str::to_string);
    let number = || value.as_u64().ok_or_else(|| schema_error(format!("{value} is not of type 'integer'")));
    let flag = || value.as_bool().ok_or_else(|| schema_error(format!("{value} is not of type 'boolean'")));
    match key {
        "name" | "disk_format" | "container_format" if !value.is_string() && !value.is_null() => {
            return Err(schema_error(format!("{value} is not of type 'null', 'string'")));
        }
        "name" => image.name = text(),
        "disk_format" => {
            if let Some(format) = value.as_str().filter(|f| !FORMATS.contains(f)) {
                return Err(schema_error(format!("'{format}' is not one of the formats")));
            }
            image.disk_format = text();
        }
        "container_format" => image.container_format = text(),
        "visibility" => {
            image.visibility = text()
                .filter(|v| ["public", "shared", "private", "community"].contains(&v.as_str()))
                .ok_or_else(|| {
                    schema_error(format!(
                        "{value} is not one of ['community', 'public', 'private', 'shared']"
                    ))
                })?;
        }
        "protected" => image.protected = flag()?,
        "os_hidden" => image.hidden = flag()?,
        "min_disk" => image.min_disk = number()?,
        "min_ram" => image.min_ram = number()?,
        "tags" => {
            image.tags =
                value.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
        }
        "owner" => image.owner = text().map_or_else(|| image.owner.clone(), |o| o.into()),
        _ => {
            let value = text().ok_or_else(|| schema_error(format!("{value} is not of type 'string'")))?;
            match image.properties.iter_mut().find(|(k, _)| k == key) {
                Some((_, old)) => *old = value,
                None => image.properties.push((key.into(), value)),
            }
        }
    }
    Ok(())
}

/// What no client may set.
pub(super) const READ_ONLY: [&str; 14] = [
    "status",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "size",
    "virtual_size",
    "created_at",
    "updated_at",
    "self",
    "file",
    "schema",
    "stores",
    "direct_url",
    "locations",
];

fn create(call: &mut Call<'_>) -> Outcome {
    let given =
        call.json().and_then(Value::as_object).ok_or_else(|| Refusal::said(400, "Expected a JSON object"))?;
    if given.get("visibility").is_some_and(|v| v == "public") {
        call.allow(call.who.is_admin(), "publicize_image")?;
    }
    let id = match given.get("id").map(|id| id.as_str().unwrap_or_default()) {
        None => call.world.ids.uuid("image"),
        Some(id) if id.len() == 36 => Id::from(id),
        Some(id) => {
            return Err(schema_error(format!(
                "'{id}' does not match '^([0-9a-fA-F]){{8}}-([0-9a-fA-F]){{4}}-([0-9a-fA-F]){{4}}-([0-9a-fA-F]){{4}}-([0-9a-fA-F]){{12}}$'"
            )));
        }
    };
    if call.world.glance.images.contains(&id) {
        return Err(Refusal::said(409, format!("Image ID {id} already exists!")));
    }
    let now = call.world.now();
    let mut image = Image::new(id.clone(), call.who.project.clone(), now);
    for (key, value) in given.iter().filter(|(key, _)| *key != "id") {
        if READ_ONLY.contains(&key.as_str()) || key.starts_with("os_glance") {
            return Err(Refusal::said(403, format!("Attribute '{key}' is read-only.")));
        }
        set(&mut image, key, value)?;
    }
    let shown = image.show(now);
    call.world.glance.images.insert(image);
    Ok(Answer::json(201, shown)
        .header("location", &format!("{}/v2/images/{id}", call.request.base))
        .header("openstack-image-import-methods", &import::METHODS.join(","))
        .header("openstack-image-store-ids", super::STORE))
}

fn remove(call: &mut Call<'_>) -> Outcome {
    let id = call.param(0);
    let image = find(call).map_err(|_| Refusal::said(404, format!("Failed to find image {id} to delete")))?;
    call.allow(call.sees(&image.owner), "delete_image")?;
    if image.protected {
        return Err(Refusal::said(403, format!("Image {id} is protected and cannot be deleted.")));
    }
    if matches!(image.state(call.world.now()), State::Accepted | State::Importing) {
        return Err(Refusal::said(409, "Image has active task"));
    }
    call.world.glance.images.remove(id);
    Ok(Answer::empty(204))
}
