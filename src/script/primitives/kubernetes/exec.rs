//! Commands in containers.

use super::change::change;
use super::{NAMESPACE, pod};
use crate::script::handles::KubeHandle;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::primitives::machine::{ARGV, RUN_KEYS, command, finish, recorded};
use crate::systems::kubernetes::KubeCall;

/// The family.
pub const ALL: &[&Primitive] = &[&EXEC];

const KEYS: &[Param] = &[
    NAMESPACE,
    Param::optional("container", Ty::Text, "the container; without one the pod's only or default one"),
    RUN_KEYS[0],
    RUN_KEYS[1],
    RUN_KEYS[2],
    RUN_KEYS[3],
    RUN_KEYS[4],
    RUN_KEYS[5],
];

const EXEC: Primitive = Primitive {
    name: "exec",
    on: On::Type("Kube"),
    params: &[
        Param::new("pod", Ty::Any, "the pod's name, or the pod"),
        ARGV,
        Param::optional("opts", Ty::Options(KEYS), "where and how it runs"),
    ],
    returns: "Output: code, stdout, stderr, truncated, duration",
    effect: Effect::Change,
    doc: "Runs a command in a container: approved and journaled first, since nobody can tell what it does. When its time is up the session is closed; Kubernetes has no way to end the process itself.",
    example: r#"change("1", "Exec", || {
    for pod in site.kube("mgmt").list("pods", #{ labels: "app=no-such" }) { site.kube("mgmt").exec(pod, ["true"]); }
});"#,
    body: |call| {
        let kube: KubeHandle = call.receiver()?;
        let (command, options) = command(call, 1, None)?;
        let (namespace, pod) = pod(call, &options)?;
        let container = options.text("container");
        let exec = KubeCall::Exec { namespace, pod, container, command: command.clone() };
        let output = recorded(&change(call.host, &kube, exec, &options)?);
        finish(output, &command, &options, kube.name())
    },
};
