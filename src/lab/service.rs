//! What a simulated service is to the lab: a name, a prefix, and answers.

use super::exchange::{Answer, Request};
use super::follow::{Mark, More};
use super::world::World;

/// A simulated service. Its state lives in the [`World`]; it holds none itself.
pub trait Service: Sync {
    /// The project's name, as fault decks and counters use it: `nova`.
    fn name(&self) -> &'static str;

    /// What its paths begin with on the lab's own listener: `/compute`. Nothing where it has addresses alone.
    fn prefix(&self) -> Option<&'static str>;

    /// Whether it is what answers at an address of the procedure at this time.
    fn plays(&self, world: &World, host: &str, port: u16) -> bool;

    /// Answers a request.
    fn answer(&self, world: &mut World, request: &Request) -> Answer;

    /// What has come since a mark of an answer that goes on (see [`Body::Flow`](super::Body::Flow)).
    fn more(&self, _: &mut World, _: &Request, mark: Mark) -> More {
        More { text: String::new(), mark, ended: true }
    }

    /// An error of this service, in the shape of its errors, that a fault deck asked for.
    fn failure(&self, status: u16, request: &Request) -> Answer;

    /// The pattern that a request's path matches, so that requests can be counted by it.
    fn pattern(&self, request: &Request) -> &'static str;
}
