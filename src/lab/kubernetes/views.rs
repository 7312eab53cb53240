//! Objects as their versions show them.

use serde_json::{Value, json};

use super::kinds::Kind;

/// An object as one of the versions of its kind shows it. Cluster API keeps two sets of conditions: each
/// version has its own in front and the other's aside.
pub(super) fn as_version(mut object: Value, kind: &Kind, version: &str) -> Value {
    object["apiVersion"] = kind.api_version(version).into();
    if version == "v1beta1" && kind.versions.first() == Some(&"v1beta2") {
        let status = &mut object["status"];
        let newer = status["conditions"].take();
        let older = status["deprecated"]["v1beta1"]["conditions"].take();
        if let Some(members) = status.as_object_mut() {
            members.remove("deprecated");
            members.insert("v1beta2".into(), json!({"conditions": newer}));
            members.insert("conditions".into(), if older.is_null() { json!([]) } else { older });
        }
    }
    object
}

/// What a change through a version means for the object as it is kept.
pub(super) fn as_kept(mut object: Value, kind: &Kind, version: &str) -> Value {
    object["apiVersion"] = kind.kept().into();
    if version == "v1beta1" && kind.versions.first() == Some(&"v1beta2") {
        let status = &mut object["status"];
        let older = status["conditions"].take();
        let newer = status["v1beta2"]["conditions"].take();
        if let Some(members) = status.as_object_mut() {
            members.remove("v1beta2");
            members.insert("conditions".into(), newer);
            members.insert("deprecated".into(), json!({"v1beta1": {"conditions": older}}));
        }
    }
    object
}
