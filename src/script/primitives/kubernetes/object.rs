//! What an object tells: fields that may be missing, conditions, containers, taints. Nothing is asked.

use rhai::{Array, Dynamic};
use serde::Serialize;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Result};
use crate::script::handles::Object;
use crate::script::handles::kubernetes::secret;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::value;
use crate::systems::kubernetes::{self, Condition, Container};

/// The family.
pub const ALL: &[&Primitive] = &[
    &FIELD,
    &CONDITIONS,
    &CONDITION,
    &UNMET,
    &FORMER_CONDITIONS,
    &CONTAINERS,
    &TAINTS,
    &SUMMARY,
    &SECRET,
    &RESTARTED,
];

const FIELD: Primitive = Primitive {
    name: "get",
    on: On::Type("Object"),
    params: &[Param::new(
        "path",
        Ty::Text,
        "keys and places of lists, joined by dots: `status.loadBalancer.ingress.0.ip`; where a key holds a dot, a JSON pointer: `/metadata/labels/app.kubernetes.io~1name`",
    )],
    returns: "its value, or () where there is none",
    effect: Effect::None,
    doc: "A field at any depth that may be missing. `object.field` is an error where it is missing.",
    example: r#"verify("1", "Field", || expect("it", site.kube("mgmt").get("namespace", "default").get("status.nope"), ()));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        let path = call.text(0);
        let pointer = if path.starts_with('/') {
            path
        } else {
            path.split('.').map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
        };
        Ok(object.at(&pointer)?.unwrap_or(Dynamic::UNIT))
    },
};

const CONDITIONS: Primitive = Primitive {
    name: "conditions",
    on: On::Type("Object"),
    params: &[],
    returns: "list of maps: name, status, reason, message, severity, since, negative, stale, good",
    effect: Effect::None,
    doc: "The object's conditions, by the newer rules where it has them (Cluster API keeps v1beta2's beside v1beta1's). `negative` is false when all is well; `stale` was written for an earlier spec; `good` says that all is well in the sense of its polarity.",
    example: r#"verify("1", "Node", || {
    let conditions = site.kube("mgmt").list("nodes")[0].conditions();
    gate("no pressure", conditions.filter(|c| c.name == "MemoryPressure").all(|c| c.good), conditions);
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(told(&kubernetes::conditions(object.exposed()))?)
    },
};

const CONDITION: Primitive = Primitive {
    name: "condition",
    on: On::Type("Object"),
    params: &[Param::new("name", Ty::Text, "its type, such as `Ready`")],
    returns: "map: name, status, reason, message, severity, since, negative, stale, good; or () where it has none",
    effect: Effect::None,
    doc: "One condition, by the newer rules if it is among them, else by the older.",
    example: r#"verify("1", "Ready", || gate("it is", site.kube("mgmt").list("nodes")[0].condition("Ready").good));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        match kubernetes::condition(object.exposed(), &call.text(0)) {
            Some(condition) => Ok(value::from_json(&condition_map(&condition))?),
            None => Ok(Dynamic::UNIT),
        }
    },
};

const UNMET: Primitive = Primitive {
    name: "unmet",
    on: On::Type("Object"),
    params: &[],
    returns: "list of conditions, as `conditions` gives them",
    effect: Effect::None,
    doc: "The conditions that do not say that all is well. `Paused` and its like are well when they are False.",
    example: r#"verify("1", "Well", || gate("it is", site.kube("mgmt").list("nodes")[0].unmet().is_empty()));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(told(&kubernetes::unmet(object.exposed()))?)
    },
};

const FORMER_CONDITIONS: Primitive = Primitive {
    name: "former_conditions",
    on: On::Type("Object"),
    params: &[],
    returns: "list of conditions, as `conditions` gives them",
    effect: Effect::None,
    doc: "The conditions by the older rules that an object of Cluster API has beside its newer ones; none on other kinds.",
    example: r#"verify("1", "None", || expect("them", site.kube("mgmt").list("nodes")[0].former_conditions(), []));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(told(&kubernetes::former_conditions(object.exposed()))?)
    },
};

const CONTAINERS: Primitive = Primitive {
    name: "containers",
    on: On::Type("Object"),
    params: &[],
    returns: "list of maps: name, init, ready, restarts, state, reason, message, exit_code, last, stuck, good",
    effect: Effect::None,
    doc: "A pod's containers as the kubelet reports them, init containers first. A pod whose phase is Running may be crash-looping: only its containers tell. `stuck` waits for another reason than a normal start; `good` is ready, or ended with success.",
    example: r#"verify("1", "Pods", || {
    for pod in site.kube("mgmt").list("pods", #{ namespace: "kube-system" }) {
        gate(`${pod.name} is not stuck`, !pod.containers().some(|c| c.stuck), pod.containers());
    }
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        let containers = kubernetes::containers(object.exposed());
        let maps: Result<Array> =
            containers.iter().map(|container| value::from_json(&container_map(container))).collect();
        Ok(maps?.into())
    },
};

const TAINTS: Primitive = Primitive {
    name: "taints",
    on: On::Type("Object"),
    params: &[],
    returns: "list of maps: key, value, effect, meaning",
    effect: Effect::None,
    doc: "A node's taints, told apart by who puts them on and who takes them off; `meaning` is () for one that is not Kubernetes' own.",
    example: r#"verify("1", "Taints", || {
    for node in site.kube("mgmt").list("nodes") {
        let waits = node.taints().filter(|t| t.key.ends_with("/uninitialized"));
        gate(`${node.name} is initialised`, waits.is_empty(), waits);
    }
});"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(value::from_json(&json(&kubernetes::taints(object.exposed())))?)
    },
};

const SUMMARY: Primitive = Primitive {
    name: "summary",
    on: On::Type("Object"),
    params: &[],
    returns: "map: name, and what an operator looks at first in this kind",
    effect: Effect::None,
    doc: "The object in one line, for `show`, notes and evidence: a pod's readiness, restarts and what its containers wait for; a node's state and taints; a service's addresses; of other kinds the phase and the conditions that are not met. One that is being deleted tells its finalizers.",
    example: r#"verify("1", "Nodes", || fact("nodes", site.kube("mgmt").list("nodes").map(|n| n.summary())));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(value::from_json(&Value::Object(kubernetes::summary(object.exposed())))?)
    },
};

const SECRET: Primitive = Primitive {
    name: "secret",
    on: On::Type("Object"),
    params: &[Param::new("key", Ty::Text, "a key of its data")],
    returns: "Secret",
    effect: Effect::None,
    doc: "A value of an object of kind Secret, decoded. It prints as `***`, and goes where a secret goes: into `kube(...)`, the input of a command, the body of a request.",
    example: r#"verify("1", "Absent", || expect("it", site.kube("mgmt").find("secret", "no-such")?.secret("value"), ()));"#,
    body: |call| {
        let object: Object = call.receiver()?;
        Ok(Dynamic::from(secret(&object, &call.text(0))?))
    },
};

const RESTARTED: Primitive = Primitive {
    name: "restarted",
    on: On::Global,
    params: &[
        Param::new("before", Ty::List, "pods as they were"),
        Param::new("after", Ty::List, "the same pods later"),
    ],
    returns: "list of maps: pod, container, before, after, last",
    effect: Effect::None,
    doc: "The containers that were restarted between two looks at the same pods. A pod that only the later look shows counts from zero; `last` is how the run before ended.",
    example: r#"verify("1", "Quiet", || {
    let pods = site.kube("mgmt").list("pods", #{ namespace: "kube-system" });
    expect("restarts", restarted(pods, site.kube("mgmt").list("pods", #{ namespace: "kube-system" })), []);
});"#,
    body: |call| {
        let (before, after) = (objects(call.arg(0), "before")?, objects(call.arg(1), "after")?);
        let found =
            kubernetes::restarted(before.iter().map(Object::exposed), after.iter().map(Object::exposed));
        Ok(value::from_json(&json(&found))?)
    },
};

fn objects(list: Option<&Dynamic>, what: &str) -> Result<Vec<Object>> {
    let list = list.and_then(|l| l.clone().try_cast::<Array>()).unwrap_or_default();
    let cast = |item: Dynamic| {
        let got = crate::script::engine::type_name(&item);
        item.try_cast::<Object>().ok_or_else(|| {
            Error::new(
                ErrorKind::Argument,
                format!("`{what}` is a list of objects, and one of it is a {got}"),
            )
        })
    };
    list.into_iter().map(cast).collect()
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn told(conditions: &[Condition]) -> Result<Dynamic> {
    value::from_json(&conditions.iter().map(condition_map).collect())
}

fn condition_map(condition: &Condition) -> Value {
    with(json(condition), &[("good", condition.is_good())])
}

fn container_map(container: &Container) -> Value {
    with(json(container), &[("stuck", container.is_stuck()), ("good", container.is_good())])
}

/// A map with what a type computes beside its fields.
fn with(mut map: Value, computed: &[(&str, bool)]) -> Value {
    for (name, value) in computed {
        map[*name] = json!(value);
    }
    map
}
