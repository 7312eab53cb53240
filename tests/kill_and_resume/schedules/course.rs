//! The course of a run under a schedule: it begins, dies or fails, and somebody goes on with it as the run itself says,
//! until it has passed or nothing more leads on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rhumb::base::Clock;
use rhumb::base::screen::Drawn;
use rhumb::report::terminal;
use rhumb::run::approval::Question;
use rhumb::run::journal::{self, FILE};
use rhumb::run::{
    Answer, Approvals, Approver, Entry, Journal, Mode, Observer, Past, Record, Run, RunReport, RunSettings,
    Selection,
};
use rhumb::script::Host;
use rhumb::script::handles::SiteHandle;
use rhumb::script::runbook::evaluate;

use super::life::{Life, Outside};
use super::operator::{Advice, Operator};
use super::world::{World, runtime};

/// How one life of a run ended.
pub(super) enum Ending {
    Killed,
    Passed,
    /// With what was printed at its end.
    Failed(String),
}

/// Watches the journal; the life may end with any record.
struct Killer(Arc<Life>);

impl Observer for Killer {
    fn entry(&self, entry: &Entry) {
        if self.0.world.recorded(&summary(entry)) {
            self.0.end();
        }
        self.0.lives();
    }
}

fn summary(entry: &Entry) -> String {
    let record = serde_json::to_value(&entry.record).unwrap_or_default();
    let word = |key: &str| record[key].as_str().unwrap_or_default().to_string();
    format!("{} {} {} {} {}", entry.n, word("kind"), word("step"), word("method"), word("target"))
        .trim()
        .to_string()
}

struct Asked(Arc<Life>);

impl Approver for Asked {
    fn ask(&self, question: &Question<'_>, known: Option<&str>) -> Answer {
        if known.is_some() {
            return Answer::Once;
        }
        Operator(&self.0.world).answer(question)
    }

    fn attest(&self, _: &str) -> Option<String> {
        Some("the operator".into())
    }
}

/// How a run is gone on with.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    resumed: bool,
    selection: Selection,
}

/// Goes on until the run has passed. What went wrong where it cannot.
pub(super) fn follow(world: &Arc<World>, pauses: &[Duration]) -> Result<(), String> {
    let mut way = Way::default();
    // what was printed last, how much was to go wrong then, and how often that led nowhere
    let mut last = (String::new(), 0, 0);
    for pause in pauses {
        let mut pause = *pause;
        match live(world, &way) {
            Ending::Passed => {
                // what is late still comes
                world.pause(Duration::from_secs(3600));
                world.tell("the run has passed".into());
                return Ok(());
            }
            Ending::Killed => way = Way::default(),
            Ending::Failed(printed) => {
                let rule = |line: &str| line.chars().all(|c| "─ ".contains(c));
                let told: Vec<&str> = printed.lines().map(str::trim).filter(|line| !rule(line)).collect();
                world.tell(format!("it ended: {}", told.join(" | ")));
                let advice = Advice::of(&printed);
                world.tell(format!("the operator follows: {advice:?}"));
                way.selection = Operator(world).follow(&advice);
                let (first, to_come) =
                    (told.iter().take(3).map(|s| s.to_string()).collect(), world.to_come());
                let again = if (&last.0, last.1) == (&first, to_come) { last.2 + 1 } else { 0 };
                if again == 2 {
                    return Err(format!("it cannot go on: {}", told.join(" | ")));
                }
                // whoever meets the same again takes his time
                if again > 0 {
                    pause = pause.max(Duration::from_secs(1200));
                }
                last = (first, to_come, again);
            }
        }
        world.pause(pause);
        way.resumed = world.run_dir().join(FILE).exists();
        world.tell(if way.resumed { "resume".into() } else { "run".into() });
    }
    Err("it did not come to its end".into())
}

/// One life.
fn live(world: &Arc<World>, way: &Way) -> Ending {
    let life = Life::new(world);
    world.cast(Some(life.clone()));
    // a death unwinds this thread too
    let ended = catch_unwind(AssertUnwindSafe(|| conduct(&life, way)));
    world.cast(None);
    life.bury();
    match ended {
        _ if life.is_dead() => Ending::Killed,
        Ok(ending) => ending,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn conduct(life: &Arc<Life>, way: &Way) -> Ending {
    let world = &life.world;
    let outside = Outside(life.clone());
    let clock: Arc<dyn Clock> = Arc::new(outside.clone());
    let site = world.site().clone().rewired(Arc::new(outside));
    let dir = world.run_dir();
    let refused = |e: &rhumb::base::Error| Ending::Failed(terse(e));
    let (journal, past, mut selection) = if way.resumed {
        let report = match RunReport::load(&dir) {
            Ok(report) => report,
            Err(e) => return refused(&e),
        };
        if report.end.as_ref().is_some_and(|end| end.ok) {
            return Ending::Passed;
        }
        match Journal::reopen(&dir) {
            Ok((journal, entries)) => (journal, Past::of(&entries), report.selection.unwrap_or_default()),
            Err(e) => return refused(&e),
        }
    } else {
        (Journal::create(&dir, false).unwrap(), Past::default(), Selection::default())
    };
    if !way.selection.is_all() {
        selection = way.selection.clone();
    }
    let library = world.book.library(&site);
    let handle = SiteHandle::new(site, clock.clone());
    let settings = RunSettings {
        mode: Mode::Run,
        clock,
        journal,
        observer: Arc::new(Killer(life.clone())),
        approver: Box::new(Asked(life.clone())),
        approvals: Approvals::of(Some("--yes"), []),
        excuse: Box::new(|_, _, _| None),
        past,
        selection,
        cancel: life.cancel.clone(),
        cleanup_within: Duration::from_secs(1200),
    };
    let (version, by, pid) = ("test".to_string(), "test".to_string(), 1);
    let first = match way.resumed {
        true => Record::RunResume { version, by, pid, with: Default::default() },
        false => Record::RunBegin {
            run: "r".into(),
            runbook: world.book.name.into(),
            site: handle.name().into(),
            mode: "run".into(),
            version,
            by,
            pid,
            values: handle.values(),
            with: Default::default(),
        },
    };
    let run = match Run::begin(settings, first) {
        Ok(run) => run,
        Err(e) => return refused(&e),
    };
    let host = Host::new(run.clone(), handle, library, runtime().clone());
    let ended = evaluate(world.book.name, &host);
    let finished = run.finish(ended.error.as_ref());
    life.lives();
    let report = RunReport::of(&journal::read(&dir.join(FILE)).unwrap().entries);
    match finished {
        Ok((true, _)) => Ending::Passed,
        _ => {
            let options = terminal::Options { width: 1000, colours: false, reports: None };
            let drawn = ended.report.map(|report| report.draw(1000, false)).unwrap_or_default();
            Ending::Failed(format!(
                "{}\n{}",
                drawn_text(&drawn),
                drawn_text(&terminal::render(&report, &options))
            ))
        }
    }
}

fn drawn_text(drawn: &Drawn) -> String {
    drawn.to_string()
}

fn terse(e: &rhumb::base::Error) -> String {
    format!("{e}\nhelp: {}", e.detail().help.clone().unwrap_or_default())
}
