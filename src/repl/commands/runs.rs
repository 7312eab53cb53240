//! `:runs`: the runs that are kept, sessions among them.

use super::{Command, Next, kept};
use crate::base::{Drawn, Error, ErrorKind};
use crate::repl::display;
use crate::report::runs;

/// How many are listed, unless it is said.
const MOST: usize = 10;

/// Lists runs.
pub const RUNS: Command = Command {
    name: "runs",
    arguments: "[COUNT]",
    brief: "the last runs of this site, and how they ended",
    doc: "The last runs of this site, sessions among them, and how they ended. `:why RUN` tells what one failed on.",
    run: |shell, count| {
        let most = match count {
            "" => MOST,
            number => number
                .parse()
                .map_err(|_| Error::new(ErrorKind::Usage, format!("`{number}` is no number of runs")))?,
        };
        // the session's own is under way
        let own = shell.session.run().directory();
        let own = own.file_name().unwrap_or_default().to_string_lossy();
        let mut listed = runs::list(&kept::directory(&shell.session), most.saturating_add(1))?;
        listed.retain(|run| run.opening.run != own);
        listed.truncate(most);
        if listed.is_empty() {
            shell.say("there are none yet")?;
        }
        let look = shell.look();
        let page = runs::render(&listed).trimmed();
        shell.show(&Drawn::join(page.split().map(|line| display::folded(&line, &look, 4)), "\n"))?;
        Ok(Next::Line)
    },
};
