//! The sorts of findings. Each says what can pass though it should fail, and which word of Rhumb's replaces it.

use serde::Serialize;

/// A sort of finding.
#[derive(Debug, Serialize)]
pub struct Code {
    /// Its name; stable, for programs and waivers.
    #[serde(rename = "code")]
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What can pass though it should fail, and why.
    pub passes: &'static str,
    /// What to write instead, in a runbook of Rhumb's.
    pub instead: &'static str,
    /// The primitives that `instead` speaks of, as the reference names them.
    pub words: &'static [&'static str],
}

macro_rules! codes {
    ($($id:ident: $name:literal, $title:literal, $passes:literal, $instead:literal, [$($word:literal),*];)*) => {
        $(#[doc = $title] pub const $id: Code = Code {
            name: $name, title: $title, passes: $passes, instead: $instead, words: &[$($word),*],
        };)*
        /// Every sort, in the order of their names.
        pub const ALL: &[&Code] = &[$(&$id),*];
    };
}

codes! {
    ANY_OF_IS_ENOUGH: "any-of-is-enough", "One match of several is enough",
        "`grep` with alternatives succeeds when one of them is there, in whatever state. Three components of which two are \
missing, or crash-looping, look the same as three that work.",
        "One `gate` a component, over the containers of its pods: ready, not waiting, not restarting.",
        ["gate", "Kube.list", "Object.containers", "restarted"];
    CHANGE_UNPROVEN: "change-unproven", "A change is taken for done by a state that may be older",
        "The command's exit status is not looked at. Where the request is refused (403, 409), the object is still in the state \
that counts as success, and the loop reports a success that never was.",
        "Name the edge: accepted, then seen changing, then done, and something that must differ afterwards. \
`octavia::failover_and_prove` does it for a load balancer; in general, read before, call, then `poll` and `gate`. A refused \
call ends the step by itself.",
        ["change", "poll", "gate"];
    CONTRADICTING_LITERAL: "contradicting-literal", "Two runbooks give one thing different values",
        "Whichever is stale still is a valid id or address of something: commands go to another project or host, and answer.",
        "Declare it once: a scope's project by name and domain, other values in `[values]` of the site file. Ids are resolved at \
each run.",
        ["Site.scope", "Scope.project"];
    DELETION_NOT_AWAITED: "deletion-not-awaited", "A deletion is not followed to its end",
        "The command returns when the deletion is accepted. What is still there afterwards (a load balancer, its ports) blocks the \
next deletion, or stays for good.",
        "`poll` until `find` gives (): only not-found means gone.",
        ["poll", "Collection.find", "Resource.delete"];
    DROPPED_FIELD: "dropped-field", "A field that current services no longer have",
        "Nova left out memory, disk and processor figures of hypervisors with microversion 2.88, and the client hides the columns \
then. The filter prints nothing, which reads as nothing being wrong.",
        "Ask the scheduler itself: `scope.allocation_candidates.list(...)`; `octavia::room_for_amphora` is made of it.",
        ["Collection.list", "gate"];
    ERRORS_HIDDEN: "errors-hidden", "Errors are thrown away",
        "Without standard error, `401`, `403`, a wrong scope and a wrong name look like `not there` or `not yet`.",
        "`find` gives () for what is absent and raises everything else; `poll` tolerates only busy services and lost connections.",
        ["Collection.find", "poll"];
    FAILURE_MAY_NOT_COME: "failure-may-not-come", "The failure state that is waited for may never come",
        "The Cluster API driver of Magnum has no time-out of its own: a cluster whose load balancer or machines cannot be made \
stays CREATE_IN_PROGRESS, and the wait learns nothing.",
        "`poll` with `within`, `warn_after` and a `cause` that asks what stands in the way: the conditions of the cluster's \
objects (`Object.unmet`).",
        ["poll", "Object.conditions", "Object.unmet"];
    FINALIZERS_EMPTIED: "finalizers-emptied", "All finalizers are removed at once",
        "Each finalizer stands for somebody's unfinished clean-up: with the stuck one go those that would have removed load \
balancers, floating IPs, security groups and volumes.",
        "`object.remove_finalizer(name)`: one by name, tested before it is taken out.",
        ["Object.remove_finalizer"];
    HARDCODED_ID: "hardcoded-id", "An id or address is written into a command",
        "It changes at each rebuild. What it then names is nothing, or something else.",
        "A handle or a value of the site file: `site.scope(name)` resolves the project by name, `site.host(name)` and \
`site.endpoint(name)` the address, and shows which file said so.",
        ["Site.scope", "Site.host", "Site.endpoint"];
    HEADROOM_BY_HAND: "headroom-by-hand", "The scheduler's arithmetic done by hand",
        "Placement counts (total - reserved) x ratio, not total x ratio - reserved, and Nova's `used` already holds the reserve: \
the answer is off by whole machines, in both directions.",
        "Ask the scheduler itself: `scope.allocation_candidates.list(...)`; `octavia::room_for_amphora` is made of it.",
        ["Collection.list", "gate"];
    HEALTH_WITHOUT_VERSION: "health-without-version", "Health is judged without the driver's version",
        "HEALTHY is right for one version of the driver, and a known cosmetic UNHEALTHY for another. Where nothing selects between \
them, a broken cluster passes as the cosmetic case, or a good one fails.",
        "`gate` on HEALTHY; a known issue with its signature and versions in the site's known-issues.toml makes the other case \
KNOWN-ISSUE instead of PASS.",
        ["gate"];
    HOST_KEY_UNCHECKED: "host-key-unchecked", "The host's key is not checked",
        "Whatever answers at the address is believed: another machine with a re-used floating IP passes every check that is run \
on it.",
        "`site.host(name)`: the site file declares the host and the keys it may show.",
        ["Site.host", "Host.query"];
    INVERTED_FILTER: "inverted-filter", "What is left after `grep -v` is taken for what is wrong",
        "A line that holds a good word and a bad one is dropped with the good lines; an empty or failed answer passes as well. \
`juju status` in its one-line format holds the agent's status and the workload's on one line: idle and blocked is dropped.",
        "Read data, not lines: `site.tool(\"juju\").query([\"status\", \"--format=json\"])`, `parse_json`, and a `gate` a unit on both \
statuses.",
        ["Tool.query", "parse_json", "gate"];
    KUBECONFIG_ON_DISK: "kubeconfig-on-disk", "An admin kubeconfig is written with whatever mode the shell gives",
        "The umask decides who can read the key; `coe cluster config` needs a SHELL variable, and has a new certificate signed at \
each call. A fragment of a failed command stays in the file and is used by the next one.",
        "`kube(cluster.kubeconfig())`: key and request are made in memory, and nothing is written. Where a file is wanted, \
`cluster.write_kubeconfig(path)` writes it at once with mode 0600.",
        ["Resource.kubeconfig", "kube", "Resource.write_kubeconfig"];
    LOOP_CANNOT_END: "loop-cannot-end", "A loop that neither succeeds nor fails",
        "There is no way out of the loop: it always takes its whole time, and then what follows runs, whatever was seen.",
        "`poll(#{ title, every, within, read, done, failed })`: it ends when the thing is so, and fails when the time is over.",
        ["poll"];
    PHASE_AS_HEALTH: "phase-as-health", "A pod's phase is taken for its health",
        "A pod whose container crashes again and again has the phase Running, so the filter shows nothing.",
        "`object.containers()` says ready, waiting reason and restarts; `restarted(before, after)` compares two looks.",
        ["Object.containers", "restarted", "gate"];
    PROMPT_STARVED: "prompt-starved", "A prompt would meet a closed input",
        "Where a login has run out, the program asks on its input, which is empty: the message that follows speaks of a lost \
connection, and sends the reader after an outage that is none.",
        "`site.tool(name)` or `site.host(name)`: a prompt that met a closed input is recognised, and told as that.",
        ["Site.tool", "Tool.query"];
    RELEASE_CLAIM: "release-claim", "What a release can do is claimed in prose",
        "It was true of one version, or never: nothing checks it, and steps are built upon it.",
        "Ask the service: `expect` and `gate` on what the API answers (`kube.serves(...)`, a template's fields), or a value of the \
site file with where it came from.",
        ["expect", "gate", "Kube.serves"];
    SCOPE_BY_ENVIRONMENT: "scope-by-environment", "The scope is whatever the shell carries",
        "The variables outlive the block. A block that is pasted alone, or after one that failed, runs in another project's scope: \
lists are empty, and what is refused is taken for what is absent.",
        "`site.scope(name)`: a handle that is passed on. Its token is compared with the declared project, user and roles before the \
first change.",
        ["Site.scope", "Scope.identity"];
    TLS_UNCHECKED: "tls-unchecked", "The certificate is not checked",
        "Anything that answers on the address passes, also a proxy's error page or another service.",
        "`site.endpoint(name)` with its CA in the site file, and `probe::http` with the statuses that count.",
        ["Site.endpoint", "probe::http"];
    UNCHECKED_SUBSTITUTION: "unchecked-substitution", "An id comes from a command that may have failed",
        "When the command fails, the variable is empty and the next line goes on: an empty project id, namespace or address means \
another one, not none.",
        "`get` raises not-found; `site.scope(name)` resolves the project and proves it. There is no empty handle.",
        ["Collection.get", "Site.scope"];
    WAIT_FALLS_THROUGH: "wait-falls-through", "A wait that gives up goes on as if it had succeeded",
        "After its last turn the loop ends with success, and what follows runs on something that is not there.",
        "`poll(#{ title, every, within, read, done, failed })`: when the time is over the step fails.",
        ["poll"];
    WAIT_WITHOUT_DEADLINE: "wait-without-deadline", "A wait without a deadline",
        "When the state never comes, nobody is told: the block waits until a person notices.",
        "`poll(#{ ... within: 20.min })`, or `kube.wait(...)` for an object: both end, and say what they saw last.",
        ["poll", "Kube.wait"];
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_sorted_and_every_word_is_a_primitive() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        let paths: Vec<String> = crate::script::primitives::all().iter().map(|p| p.path()).collect();
        for code in ALL {
            for word in code.words {
                assert!(paths.iter().any(|p| p == word), "{}: {word}", code.name);
            }
        }
    }
}
