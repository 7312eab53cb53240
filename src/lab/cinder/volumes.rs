//! Volumes and their snapshots. Nothing here attaches them: they are what a cluster's CSI driver left.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::lab::api::{Call, Outcome, Refusal, Route, Rule, delete, get};
use crate::lab::exchange::Answer;
use crate::lab::ids::Id;
use crate::lab::stamp;
use crate::lab::table::{Row, Table};
use crate::lab::world::World;

pub(super) const ROUTES: &[Route] = &[
    get("/v3/{}/volumes", Rule::Reader, "volume:get_all", volumes),
    get("/v3/{}/volumes/detail", Rule::Reader, "volume:get_all", volumes),
    get("/v3/{}/volumes/{}", Rule::Reader, "volume:get", volume),
    delete("/v3/{}/volumes/{}", Rule::Member, "volume:delete", remove_volume),
    get("/v3/{}/snapshots/detail", Rule::Reader, "volume:get_all_snapshots", snapshots),
    get("/v3/{}/snapshots/{}", Rule::Reader, "volume:get_snapshot", snapshot),
    delete("/v3/{}/snapshots/{}", Rule::Member, "volume:delete_snapshot", remove_snapshot),
];

/// How long Cinder takes over a deletion.
const DELETION: Duration = Duration::from_secs(4);
/// Why a volume is not deleted, in Cinder's words.
const NOT_FREE: &str = "Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.";

/// What Cinder has.
#[derive(Default)]
pub(crate) struct Cinder {
    pub(crate) volumes: Table<Disk>,
    pub(crate) snapshots: Table<Disk>,
}

/// A volume, or a snapshot of one.
pub(crate) struct Disk {
    pub(crate) id: Id,
    name: String,
    pub(crate) project: Id,
    pub(crate) metadata: Map<String, Value>,
    /// The volume, of a snapshot.
    of: Option<Id>,
    created: Timestamp,
    deleting: bool,
}

impl Row for Disk {
    fn id(&self) -> &Id {
        &self.id
    }
}

impl Disk {
    /// Makes a volume, or a snapshot of one.
    pub(crate) fn create(
        world: &mut World,
        name: String,
        project: Id,
        metadata: Map<String, Value>,
        of: Option<Id>,
    ) -> Id {
        let id = world.ids.uuid(if of.is_some() { "snapshot" } else { "volume" });
        let disk = Disk { id, name, project, metadata, created: world.now(), deleting: false, of };
        match disk.of {
            Some(_) => world.cinder.snapshots.insert(disk),
            None => world.cinder.volumes.insert(disk),
        }
    }

    fn status(&self) -> &'static str {
        if self.deleting { "deleting" } else { "available" }
    }

    fn show(&self) -> Value {
        let created = stamp::micros(self.created);
        match &self.of {
            Some(volume) => json!({
                "id": &*self.id, "name": self.name, "description": null, "status": self.status(), "size": 1,
                "volume_id": &**volume, "metadata": self.metadata, "created_at": created, "updated_at": null,
            }),
            None => json!({
                "id": &*self.id, "name": self.name, "description": "Created by OpenStack Cinder CSI driver",
                "status": self.status(), "size": 1, "metadata": self.metadata, "attachments": [],
                "availability_zone": "nova", "bootable": "false", "encrypted": false, "multiattach": false,
                "volume_type": "__ceph__", "snapshot_id": null, "source_volid": null, "created_at": created,
                "updated_at": null, "os-vol-tenant-attr:tenant_id": &*self.project,
            }),
        }
    }
}

/// Begins to delete a volume.
///
/// # Errors
/// It has snapshots, or is being deleted.
pub(crate) fn delete_volume(world: &mut World, id: &Id) -> Result<(), Refusal> {
    let held = world.cinder.snapshots.iter().any(|s| s.of.as_ref() == Some(id));
    match world.cinder.volumes.get_mut(id) {
        Some(volume) if !held && !volume.deleting => volume.deleting = true,
        Some(_) => return Err(Refusal::said(400, NOT_FREE)),
        None => return Err(absent("Volume", id)),
    }
    let id = id.clone();
    world.later(DELETION, move |world| drop(world.cinder.volumes.remove(&id)));
    Ok(())
}

/// Begins to delete a snapshot.
///
/// # Errors
/// There is none.
pub(crate) fn delete_snapshot(world: &mut World, id: &Id) -> Result<(), Refusal> {
    world.cinder.snapshots.get_mut(id).ok_or_else(|| absent("Snapshot", id))?.deleting = true;
    let id = id.clone();
    world.later(DELETION, move |world| drop(world.cinder.snapshots.remove(&id)));
    Ok(())
}

fn absent(what: &str, id: &str) -> Refusal {
    Refusal::said(404, format!("{what} {id} could not be found."))
}

fn list(call: &Call<'_>, table: &Table<Disk>, key: &str) -> Answer {
    let name = call.query("name");
    let all = call.query("all_tenants").is_some() && call.who.is_admin();
    let seen = table.iter().filter(|d| all || d.project == call.who.project);
    let rows: Vec<Value> =
        seen.filter(|d| name.as_ref().is_none_or(|n| d.name == *n)).map(Disk::show).collect();
    Answer::json(200, json!({ key: rows }))
}

fn one(call: &Call<'_>, table: &Table<Disk>, what: &str) -> Result<Id, Refusal> {
    let id = call.param(1);
    let found = table.get(id).filter(|d| call.sees(&d.project));
    found.map(|d| d.id.clone()).ok_or_else(|| absent(what, id))
}

fn volumes(call: &mut Call<'_>) -> Outcome {
    Ok(list(call, &call.world.cinder.volumes, "volumes"))
}

fn snapshots(call: &mut Call<'_>) -> Outcome {
    Ok(list(call, &call.world.cinder.snapshots, "snapshots"))
}

fn volume(call: &mut Call<'_>) -> Outcome {
    let id = one(call, &call.world.cinder.volumes, "Volume")?;
    Ok(Answer::json(200, json!({"volume": call.world.cinder.volumes.get(&id).map(Disk::show)})))
}

fn snapshot(call: &mut Call<'_>) -> Outcome {
    let id = one(call, &call.world.cinder.snapshots, "Snapshot")?;
    Ok(Answer::json(200, json!({"snapshot": call.world.cinder.snapshots.get(&id).map(Disk::show)})))
}

fn remove_volume(call: &mut Call<'_>) -> Outcome {
    let id = one(call, &call.world.cinder.volumes, "Volume")?;
    delete_volume(call.world, &id)?;
    Ok(Answer::empty(202))
}

fn remove_snapshot(call: &mut Call<'_>) -> Outcome {
    let id = one(call, &call.world.cinder.snapshots, "Snapshot")?;
    delete_snapshot(call.world, &id)?;
    Ok(Answer::empty(202))
}
