//! The requests, service by service. Everything made is called `contract-...` and is taken away again.

mod cinder;
mod glance;
mod keystone;
mod magnum;
mod neutron;
mod nova;
mod octavia;
mod placement;

use super::{Ask, Step, ask};

/// The contracts there are.
pub(crate) const ALL: [&str; 8] =
    ["keystone", "nova", "placement", "neutron", "glance", "octavia", "magnum", "cinder"];

/// The steps of a contract.
pub(crate) fn of(name: &str) -> Vec<Step> {
    match name {
        "keystone" => keystone::steps(),
        "nova" => nova::steps(),
        "placement" => placement::steps(),
        "neutron" => neutron::steps(),
        "glance" => glance::steps(),
        "octavia" => octavia::steps(),
        "magnum" => magnum::steps(),
        "cinder" => cinder::steps(),
        other => panic!("no contract {other}"),
    }
}

fn get(who: &'static str, service: &'static str, path: &str) -> Ask {
    ask(who, "GET", service, path)
}

fn post(who: &'static str, service: &'static str, path: &str) -> Ask {
    ask(who, "POST", service, path)
}

fn put(who: &'static str, service: &'static str, path: &str) -> Ask {
    ask(who, "PUT", service, path)
}

fn delete(who: &'static str, service: &'static str, path: &str) -> Ask {
    ask(who, "DELETE", service, path)
}

/// Many at once.
fn all(asks: impl IntoIterator<Item = Ask>) -> Vec<Step> {
    asks.into_iter().map(Step::from).collect()
}

/// What no cloud has.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";
