//! A kubeconfig of a Magnum cluster, made here as `openstack coe cluster config` makes it, and
//! without a file: Magnum certifies a key that never leaves this process.

use serde_json::{Map, Value, json};

use crate::base::{Error, ErrorKind, Result, Secret};
use crate::systems::certificate::{ClientKey, is_address};

use super::resource::{Item, create_call, find, get_call};
use super::session::Session;

/// A kubeconfig for user `admin` of a cluster, by the cluster's id.
///
/// It asks Magnum to sign a certificate, which alters nothing of the cluster and leaves no trace there
/// but the service's log; so it is a read.
///
/// # Errors
/// * [`ErrorKind::NotFound`] for a cluster that is gone;
/// * [`ErrorKind::Protocol`] where the cluster has no API address yet, or what is signed is not for the key;
/// * [`ErrorKind::Forbidden`] for anyone but the cluster's creator and administrators;
/// * and as [`Session::send`].
pub async fn kubeconfig(session: &Session, cluster: &str) -> Result<Secret> {
    let here = |e: Error| e.scope(session.handle());
    let item = |id| Item { id, name: None, parents: &EMPTY };
    let (known, _) = session.read(&get_call(find("clusters")?, item(cluster))?).await?;
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_string();
    let (id, name, server) = (text(&known, "uuid"), text(&known, "name"), text(&known, "api_address"));
    is_address(&name, &server).map_err(here)?;

    let certificates = find("certificates")?;
    let for_creators = |e: Error| denied(e, &name);
    let authority = session.read(&get_call(certificates, item(&id))?).await.map_err(for_creators)?.0;
    let key = ClientKey::generate().map_err(here)?;
    let mut sign = create_call(certificates, &json!({ "cluster_uuid": id, "csr": key.request() }).into())?;
    sign.reads = true;
    sign.summary = format!("sign a client certificate for cluster {name}");
    let signed = session.read(&sign).await.map_err(for_creators)?.0;
    key.kubeconfig(&name, &server, &text(&authority, "pem"), &text(&signed, "pem")).map_err(here)
}

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// What Magnum's refusal means: its policy knows the creator, where an operator expects the project.
fn denied(error: Error, cluster: &str) -> Error {
    match error.kind() {
        ErrorKind::Forbidden => error
            .advise(
                "Magnum gives certificates of a cluster to the user who created it, and to administrators: ask in \
                 that user's scope, or take the kubeconfig that Cluster API keeps in the management cluster, in \
                 secret STACK_ID-kubeconfig under `value`",
            )
            .context(format!("no kubeconfig of cluster {cluster}")),
        _ => error,
    }
}
