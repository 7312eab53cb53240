//! Somebody who knows the cloud, and who types what a run prints.

use std::sync::Arc;

use regex::Regex;
use rhumb::base::{Clock, Intent, Ledger, Permit, Result};
use rhumb::run::approval::Question;
use rhumb::run::{Answer, Selection};
use rhumb::systems::openstack::Session;
use rhumb::systems::openstack::resource::{self, Item};
use serde_json::{Map, Value};

use super::world::{World, runtime};

/// What a run that could not go on told its operator to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Advice {
    /// Delete these first: the collection, and the id.
    pub(crate) delete: Vec<(String, String)>,
    /// Go on from this step.
    pub(crate) from: Option<String>,
}

impl Advice {
    /// Reads what was printed. The commands are those of the text; everything else is a plain `rhumb resume`.
    pub(crate) fn of(printed: &str) -> Advice {
        let pattern = |text| Regex::new(text).unwrap();
        let delete = pattern(
            r"delete (?:the )?(image|cluster|server|network|load balancer) ([0-9a-f]{8}-[0-9a-f-]{27})|openstack (image|coe cluster|server|network|loadbalancer) delete (?:--\S+ )*([0-9a-f]{8}-[0-9a-f-]{27})",
        );
        let mut all: Vec<(String, String)> = Vec::new();
        for found in delete.captures_iter(printed) {
            let part = |n| found.get(n).map(|m: regex::Match<'_>| m.as_str().to_string());
            let (what, id) = (part(1).or_else(|| part(3)), part(2).or_else(|| part(4)));
            let (Some(what), Some(id)) = (what, id) else { continue };
            let collection = match what.as_str() {
                "coe cluster" | "cluster" => "clusters",
                "load balancer" | "loadbalancer" => "load_balancers",
                "image" => "images",
                "server" => "servers",
                _ => "networks",
            };
            if !all.iter().any(|(_, known)| *known == id) {
                all.push((collection.into(), id));
            }
        }
        let from = pattern(r"`rhumb resume[^`]*--from ([^\s`]+)").captures(printed).map(|c| c[1].to_string());
        Advice { delete: all, from }
    }
}

/// Who is asked, and who types.
pub(super) struct Operator<'w>(pub(super) &'w Arc<World>);

impl Operator<'_> {
    /// Answers for a change that nobody knows the fate of: the operator looks, and looks again once nothing is on its way
    /// any more.
    pub(super) fn answer(&self, question: &Question<'_>) -> Answer {
        let (world, intent) = (self.0, question.intent);
        assert!(question.in_doubt, "all else is approved beforehand: {}", intent.summary);
        while world.proxy().held() > 0 {
            world.pause(std::time::Duration::from_secs(5));
        }
        let path = intent.target.split_once(' ').map_or(intent.target.as_str(), |(_, path)| path);
        let same = |body: &[u8]| {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            intent.body.is_null() || body.is_null() || body == intent.body
        };
        let sent = world
            .accepted()
            .iter()
            .any(|c| c.method == intent.method && c.path.ends_with(path) && same(&c.body));
        let ran =
            world.commands().iter().any(|line| *line == format!("{}: {}", intent.handle, intent.target));
        let done = sent
            || intent.method == "run"
                && (ran || world.commands().iter().any(|l| l.ends_with(&intent.target)));
        world.was_asked(format!(
            "{} {}, and it is {}",
            intent.method,
            intent.target,
            if done { "done" } else { "not done" }
        ));
        if done { Answer::Done } else { Answer::Once }
    }

    /// Does what the run told before it is resumed. What selects its steps.
    pub(super) fn follow(&self, advice: &Advice) -> Selection {
        for (collection, id) in &advice.delete {
            self.delete(collection, id);
        }
        self.undouble();
        let because = "as it was printed";
        Selection::new(advice.from.clone(), Vec::new(), Vec::new(), because).unwrap()
    }

    /// Removes what the network made a second time of one request: no client can know of it.
    fn undouble(&self) {
        for copy in self.0.accepted().iter().filter(|c| c.copy && c.method == "POST") {
            let answer: Value = serde_json::from_slice(&copy.answer).unwrap_or_default();
            let inner = answer.as_object().and_then(|o| o.values().next().cloned()).unwrap_or_default();
            let id = [&answer["id"], &answer["uuid"], &inner["id"]].into_iter().find_map(Value::as_str);
            let collection = copy.path.rsplit('/').next().unwrap_or_default();
            if let (Some(id), "networks" | "images" | "clusters") = (id, collection) {
                self.delete(collection, id);
            }
        }
    }

    /// Deletes something as an operator would: past the proxy, and past the run.
    fn delete(&self, collection: &str, id: &str) {
        let world = self.0;
        if !world.removes(id) {
            return;
        }
        let clock: Arc<dyn Clock> = world.rehearsal.clock.clone();
        let session = world.site().session("capi-mgmt", clock).unwrap();
        let row = resource::find(collection).unwrap();
        let item = Item { id, name: None, parents: &Map::new() };
        let call = resource::delete_call(row, item, &Map::new()).unwrap();
        let bound = runtime().block_on(session.bind(call)).unwrap();
        let permit = Permit::obtain(&Himself, bound).unwrap();
        let gone = runtime().block_on(Session::mutate(permit));
        world.tell(format!("the operator deletes {collection} {id}: {:?}", gone.map(|answer| answer.status)));
    }
}

/// He asks nobody.
struct Himself;

impl Ledger for Himself {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(0)
    }
}
