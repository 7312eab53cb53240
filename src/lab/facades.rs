//! Services that the procedure only knocks at: something answers at their address, and no more.

use serde_json::json;

use super::SERVICES;
use super::exchange::{Answer, Request};
use super::service::Service;
use super::world::World;

/// The endpoints of a scenario that no other service plays.
pub(super) struct Facades;

impl Service for Facades {
    fn name(&self) -> &'static str {
        "facade"
    }

    fn prefix(&self) -> Option<&'static str> {
        None
    }

    fn plays(&self, world: &World, host: &str, port: u16) -> bool {
        let wanted = format!("{host}:{port}");
        let simulated = |kind: &str| SERVICES.apis().any(|api| api.kind == kind);
        world.endpoints.0.iter().any(|(kind, endpoint)| *endpoint == wanted && !simulated(kind))
    }

    fn answer(&self, _: &mut World, request: &Request) -> Answer {
        if request.path.starts_with("/horizon") {
            return Answer::text(
                200,
                "text/html; charset=utf-8",
                "<title>Login - OpenStack Dashboard</title>\n",
            );
        }
        Answer::json(300, json!({"versions": []}))
    }

    fn failure(&self, status: u16, _: &Request) -> Answer {
        Answer::empty(status)
    }

    fn pattern(&self, _: &Request) -> &'static str {
        "/"
    }
}
