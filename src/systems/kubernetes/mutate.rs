//! Carrying out a change: only with a permit, which holds it.

use serde_json::Value;

use crate::base::{Error, ErrorKind, Intent, Mutation, Payload, Permit, Result, Undo};

use super::ask::Ask;
use super::call::KubeCall;
use super::handle::Kube;
use super::plan::{Action, Plan};
use super::redact::{in_answer, payload};

/// A change bound to the cluster it is for, ready to be approved.
#[derive(Clone, Debug)]
pub struct BoundKubeCall {
    kube: Kube,
    identity: String,
    plan: Plan,
}

impl BoundKubeCall {
    /// The same, with what its author knows of taking it back.
    #[must_use]
    pub fn undone_by(mut self, how: impl Into<String>) -> Self {
        self.plan.undo = Undo::By(how.into());
        self
    }

    /// The same, said to destroy something.
    #[must_use]
    pub fn destroying(mut self) -> Self {
        self.plan.destroys = true;
        self
    }
}

impl Mutation for BoundKubeCall {
    fn intent(&self) -> Intent {
        self.plan.intent(self.kube.name(), &self.identity, self.kube.connection().server())
    }
}

impl Kube {
    /// Binds a change to this cluster: finds its resource and proves the handle. Sends no change.
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMismatch`] if the handle is not what the site file declares;
    /// [`ErrorKind::Unsupported`] if the kind or its version is not served;
    /// [`ErrorKind::Argument`] if a name or a manifest is not one; and those of any read.
    pub async fn bind(&self, call: KubeCall) -> Result<BoundKubeCall> {
        let identity = self.prove().await?.to_string();
        let plan = self.plan(call).await?;
        Ok(BoundKubeCall { kube: self.clone(), identity, plan })
    }

    /// Carries out a change, once, through the handle it was bound with. It is never sent again
    /// by itself, whatever the answer.
    ///
    /// Returns the object as the cluster now has it, the `Status` of a deletion, or of a command
    /// its [`Output`](crate::systems::command::Output) as JSON.
    ///
    /// # Errors
    /// * [`ErrorKind::Conflict`]: it exists already, fields belong to another manager, or the
    ///   object is no longer what was read;
    /// * [`ErrorKind::Invalid`]: with one cause per field;
    /// * [`ErrorKind::Timeout`]: it was sent and got no answer, so nobody knows;
    /// * those of any read.
    pub async fn mutate(permit: Permit<BoundKubeCall>) -> Result<Payload> {
        let BoundKubeCall { kube, plan, .. } = permit.spend();
        match plan.action {
            Action::Ask(ask) => kube.told(&ask).await,
            Action::Exec { namespace, pod, container, command } => {
                let output = kube.exec(&namespace, &pod, container.as_deref(), &command).await?;
                let value = serde_json::to_value(&output).map_err(|e| {
                    Error::new(ErrorKind::Internal, "a command's output cannot be told").from_source(&e)
                })?;
                let secrets =
                    if command.is_tainted() { vec!["/stdout".into(), "/stderr".into()] } else { vec![] };
                Ok(Payload::new(value, secrets))
            }
        }
    }

    /// What the cluster would make of a change: it goes through validation and admission, and
    /// nothing is stored.
    ///
    /// # Errors
    /// Those that [`Kube::mutate`] would have; [`ErrorKind::Unsupported`] for a command.
    pub async fn dry_run(&self, call: KubeCall) -> Result<Payload> {
        let ask = self.plan(call).await?.dry().map_err(|e| e.scope(self.name()))?;
        self.told(&ask).await
    }

    async fn plan(&self, call: KubeCall) -> Result<Plan> {
        let here = |e: Error| e.scope(self.name());
        let resource = self.resource(&call.kind().map_err(here)?).await?;
        Plan::new(call, &resource, self.namespace()).map_err(here)
    }

    /// Sends a request and takes its answer, in which the secrets of the request are secrets too.
    async fn told(&self, ask: &Ask) -> Result<Payload> {
        let answer = payload(self.json(ask).await?);
        let Some(body) = ask.body.as_ref().filter(|b| b.is_tainted()) else { return Ok(answer) };
        let value: Value = answer.expose().clone();
        let secrets = in_answer(body).into_iter().chain(answer.secrets().map(String::from));
        Ok(Payload::new(value, secrets.collect::<Vec<_>>()))
    }
}
