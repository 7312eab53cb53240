//! `:runs`: the runs that are kept, sessions among them.

use super::{Command, Next, kept};
use crate::base::{Error, ErrorKind};
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
        let listed = runs::list(&kept::directory(&shell.session), most)?;
        shell.show(runs::render(&listed).trim_end())?;
        Ok(Next::Line)
    },
};
