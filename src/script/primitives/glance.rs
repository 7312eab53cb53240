//! Images: from a file to an image that can be booted, and what became of one that failed.

use std::sync::Arc;
use std::time::Duration;

use rhai::Dynamic;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::doubt;
use super::openstack::{change_with, create, item};
use crate::base::permit::hex;
use crate::base::{Error, ErrorKind, Intent, Result, again};
use crate::run::settle::Settled;
use crate::run::wait::WaitHooks;
use crate::run::{self, Mode, Transfer, WaitSpec};
use crate::script::adapter::Call;
use crate::script::handles::{Collection, Resource};
use crate::script::host::Host;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::systems::http::{OnSent, Upload};
use crate::systems::openstack::{self, image, resource};

/// The family.
pub const ALL: &[&Primitive] = &[&UPLOAD, &STAGE, &FAILURE];

const PATH: Param = Param::new(
    "path",
    Ty::Text,
    "the file, in full or below `~/`: one that a runbook may read, as `file_sha512` says",
);

const UPLOAD_KEYS: &[Param] = &[
    Param::optional("within", Ty::Duration, "time until the import fails (default 30 min)"),
    Param::optional("every", Ty::Duration, "time between looks at the import (default 5 s)"),
];

const UPLOAD: Primitive = Primitive {
    name: "upload",
    on: On::Type("Collection"),
    params: &[
        Param::new("name", Ty::Text, "the image's name"),
        PATH,
        Param::new(
            "fields",
            Ty::Map,
            "Glance's own fields and any property: `disk_format`, `container_format`, `kube_version`",
        ),
        Param::optional("opts", Ty::Options(UPLOAD_KEYS), "how long the import may take"),
    ],
    returns: "the resource, active",
    effect: Effect::Change,
    doc: "Makes an image of a file: creates it, sends the bytes as a stream, imports them (`glance-direct`, so that a cloud that converts images does), and waits until it is active or its import has failed, with the task's words. An image of that name that is there, alive or dead, is an error of kind `conflict` that says which it is: a dead record is never taken for the image.",
    example: r#"change("1", "Seed", || {
    let images = site.scope("capi-mgmt").images;
    try { images.upload("drill", "/no/such/file", #{ disk_format: "raw", container_format: "bare" }) }
    catch (e) { expect("kind", e.kind, "io") }
});"#,
    body: upload,
};

const STAGE: Primitive = Primitive {
    name: "stage",
    on: On::Type("Resource"),
    params: &[PATH],
    returns: "()",
    effect: Effect::Change,
    doc: "Sends a file's bytes to an image that has none yet, as a stream. They become the image with `import_data`.",
    example: "",
    body: |call| {
        let image: Resource = of_images(call)?;
        let file = file(call.host, &call.text(0), &image.name().unwrap_or_else(|| image.id()))?;
        stage(call.host, &image, file)?;
        Ok(Dynamic::UNIT)
    },
};

const FAILURE: Primitive = Primitive {
    name: "failure",
    on: On::Type("Resource"),
    params: &[],
    returns: "why the image is dead, or () where it is not",
    effect: Effect::Read,
    doc: "Looks at an image again and tells why it will never be active: it was killed or deleted, or its import failed, with the words of the import's task. Glance keeps such an image as `queued`, like one whose bytes are still to come.",
    example: "",
    body: |call| {
        let image: Resource = of_images(call)?;
        let session = &image.from.session;
        call.host.run.used(session.handle());
        let now = call.host.block_on(openstack::get(session, image.from.row, &image.id(), &Map::new()))?;
        Ok(call.host.block_on(image::failure(session, &now))?.map_or(Dynamic::UNIT, Dynamic::from))
    },
};

fn of_images(call: &Call<'_>) -> Result<Resource> {
    let image: Resource = call.receiver()?;
    match image.from.row.name {
        "images" => Ok(image),
        _ => {
            let what =
                format!("`{}` is for images, and this is a {}", call.primitive.name, image.from.row.title);
            Err(Error::new(ErrorKind::Argument, what).scope(image.from.session.handle()))
        }
    }
}

fn upload(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let images: Collection = call.receiver()?;
    if images.row.name != "images" {
        let what = format!("`upload` is for images, and these are {}", images.row.name.replace('_', " "));
        return Err(Error::new(ErrorKind::Argument, what).scope(images.session.handle()).into());
    }
    let (host, name, options) = (call.host, call.text(0), call.options(3));
    let file = file(host, &call.text(1), &name)?;
    let mut fields = call.map(2);
    fields.insert("name".into(), name.clone().into());
    host.run.used(images.session.handle());
    let ours_to_choose = !fields.contains_key("id");
    if ours_to_choose && let Some(id) = id_from_before(host, &images, &name)? {
        fields.insert("id".into(), id.into());
    }
    let anew = |mut fields: rhai::Map| {
        if ours_to_choose {
            fields.insert("id".into(), new_id(host, &name).into());
        }
        value::payload(&fields.into())
    };
    let later = fields.clone();
    let fields = value::payload(&fields.into());
    // one that was made before a cut is this call's own
    let wanted = host.block_on(images.session.intent(&resource::create_call(images.row, &fields)?))?;
    if !host.run.comes_next(&wanted) {
        refuse_others(host, &images, &name)?;
    }
    let mut made = create(host, &images, fields)?;
    if is_stuck(host, &made, &file)? {
        bury(host, &made)?;
        made = create(host, &images, anew(later))?;
    }
    stage(host, &made, file)?;
    import(host, &made)?;
    follow(host, &made, options.duration("within"), options.duration("every"))
}

/// The id to make an image with. Glance takes one of its client's: then a look for the image of a lost answer finds this one
/// and no other. On resume it is that of before the cut, unless that image is gone: its id is not taken again. `None` where an
/// earlier version left the choice to Glance.
fn id_from_before(host: &Host, images: &Collection, name: &str) -> Result<Option<String>> {
    let create = resource::create_call(images.row, &json!({ "name": name }).into())?;
    let target = host.block_on(images.session.intent(&create))?.target;
    let is_it = |i: &Intent| i.method == "POST" && i.target == target && i.body["name"] == name;
    let Some(earlier) = host.run.earlier(is_it) else { return Ok(Some(new_id(host, name))) };
    if let Some(made) = earlier.made()
        && host.block_on(openstack::find(&images.session, images.row, made, &Map::new()))?.is_none()
    {
        host.run.gone(&earlier)?;
        host.run.note(&format!("image {made} is not there any more: it is made anew"))?;
        return Ok(Some(new_id(host, name)));
    }
    Ok(earlier.intent.body["id"].as_str().map(str::to_string))
}

/// An id that no other image has. In a rehearsal it is the same each time.
fn new_id(host: &Host, name: &str) -> String {
    let mut of = format!("{name} {} {}", host.run.clock().now(), host.run.effects().len());
    if host.run.mode() != Mode::Rehearse {
        of = format!("{of} {} {}", host.run.directory().display(), std::process::id());
    }
    let text = hex(&Sha256::digest(of));
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..32])
}

/// An image of the name that is there already, alive or dead, is in the way.
fn refuse_others(host: &Host, images: &Collection, name: &str) -> Result<()> {
    let of_name = Map::from_iter([("name".to_string(), Value::from(name))]);
    let there = host.block_on(openstack::list(&images.session, images.row, &of_name))?;
    let (mut causes, mut alive) = (Vec::new(), false);
    for other in &there {
        let (id, status) =
            (other["id"].as_str().unwrap_or_default(), other["status"].as_str().unwrap_or_default());
        let state = match host.block_on(image::failure(&images.session, other))? {
            Some(why) => format!("dead: {why}"),
            None => {
                alive = alive || status == "active";
                match status {
                    "queued" => "queued: no bytes have come".to_string(),
                    status => status.to_string(),
                }
            }
        };
        causes.push(format!("image {id} is {state}"));
    }
    if causes.is_empty() {
        return Ok(());
    }
    let help = match alive {
        true => "use the one that is active, or give the new one another name",
        false => "delete what is dead or was never finished, then upload again",
    };
    let e = Error::new(ErrorKind::Conflict, format!("there is an image `{name}` already"));
    let e = causes.into_iter().fold(e, Error::cause);
    Err(e.help(help).scope(images.session.handle()))
}

/// A file to be sent, followed by whoever watches.
fn file(host: &Host, path: &str, name: &str) -> Result<Upload> {
    let path = host.readable(path)?;
    let size = Upload::of(&path, None)?.size();
    let (run, began, title) = (host.run.clone(), host.run.clock().elapsed(), format!("upload {name}"));
    let on_sent: OnSent = Arc::new(move |done| {
        let elapsed = run.clock().elapsed().saturating_sub(began);
        run.transferring(&Transfer { title: title.clone(), done, total: Some(size), elapsed });
    });
    Upload::of(&path, Some(on_sent))
}

/// What an image tells of a transfer to it whose answer never came.
///
/// Glance takes bytes for an image that is `queued` alone. It is `uploading` from then on, also when all of them have come, and its
/// `size` is set then. A client that is cut off puts it back to `queued`, unless the server is lost with it: then it stays.
fn transferred(host: &Host, image: &Resource, size: u64) -> Result<Settled> {
    let now = look(host, image)?;
    Ok(match now["status"].as_str().unwrap_or_default() {
        "uploading" if now["size"] == size => Settled::Done(Value::Null),
        "queued" | "uploading" => Settled::NotDone,
        _ => Settled::Done(Value::Null),
    })
}

/// Whether an image of before a cut has a part of its bytes, and takes no others any more. It has to be made anew then.
fn is_stuck(host: &Host, image: &Resource, file: &Upload) -> Result<bool> {
    let (id, name, session) = (image.id(), image.name(), &image.from.session);
    let request = image::stage_call(item(image, &id, name.as_deref()), file.clone())?;
    let intent = host.block_on(session.intent(&request))?;
    let settled = host.run.settle_next(&intent, &mut |_| transferred(host, image, file.size()))?;
    let never_came =
        settled.map_or_else(|| host.run.found_not_done(&intent), |seen| seen == Settled::NotDone);
    Ok(never_came && look(host, image)?["status"] == "uploading")
}

/// Deletes an image whose bytes came in part.
fn bury(host: &Host, image: &Resource) -> Result<()> {
    let (id, name, session) = (image.id(), image.name(), &image.from.session);
    host.run.note(&format!(
        "the transfer to image {id} was cut off, and it takes no bytes any more: it is deleted and made anew"
    ))?;
    let request = resource::delete_call(image.from.row, item(image, &id, name.as_deref()), &Map::new())?;
    let subject = request.subject.clone();
    change_with(host, session, request, |effect| doubt::of_thing(host, session, &subject, effect)).map(drop)
}

/// Sends the bytes.
fn stage(host: &Host, image: &Resource, file: Upload) -> Result<()> {
    let (id, name, session) = (image.id(), image.name(), &image.from.session);
    if is_stuck(host, image, &file)? {
        let what = format!("the transfer to image {id} was cut off, and it takes no bytes any more");
        return Err(Error::new(ErrorKind::Conflict, what)
            .help(format!(
                "delete image {id}, then `{}`: the step makes it anew",
                again::resume(&host.run.id())
            ))
            .scope(session.handle()));
    }
    let size = file.size();
    let request = image::stage_call(item(image, &id, name.as_deref()), file)?;
    change_with(host, session, request, |_| transferred(host, image, size)).map(drop)
}

fn import(host: &Host, image: &Resource) -> Result<()> {
    let (id, name, session) = (image.id(), image.name(), &image.from.session);
    let seen = |_: &run::Effect| {
        Ok(match look(host, image)?["status"].as_str().unwrap_or_default() {
            "uploading" => Settled::NotDone,
            _ => Settled::Done(Value::Null),
        })
    };
    let request = image::import_call(item(image, &id, name.as_deref()))?;
    change_with(host, session, request, seen).map(drop)
}

fn look(host: &Host, image: &Resource) -> Result<Value> {
    host.block_on(openstack::get(&image.from.session, image.from.row, &image.id(), &Map::new()))
}

/// Follows an import until the image is active, or dead.
fn follow(
    host: &Host,
    image: &Resource,
    within: Option<Duration>,
    every: Option<Duration>,
) -> Result<Dynamic, Thrown> {
    let (id, session) = (image.id(), &image.from.session);
    let look = || host.block_on(openstack::get(session, image.from.row, &id, &Map::new()));
    let spec = WaitSpec {
        title: format!("image {} is imported", image.name().unwrap_or_default()),
        every: every.unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(10)),
        within: within.unwrap_or(Duration::from_secs(30 * 60)),
        warn_after: None,
        tolerate: Vec::new(),
    };
    let hooks = WaitHooks {
        read: &mut || look().map_err(Thrown::from),
        done: &mut |seen: &Value| Ok(seen["status"] == "active"),
        failed: &mut |seen: &Value| Ok(image::dead(seen).is_some()),
        show: &mut |seen: &Value| Ok(seen["status"].as_str().unwrap_or_default().to_string()),
        cause: &mut || {
            let failure = look().and_then(|now| host.block_on(image::failure(session, &now)));
            Ok(failure?.unwrap_or_default())
        },
        rest: &mut |every| every,
    };
    let active = host.run.wait(&spec, hooks)?;
    Ok(Dynamic::from(image.from.item(&active)))
}
