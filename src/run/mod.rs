//! Floor 3: one run of one runbook. Steps, gates, waits, approvals, effects and the journal that
//! all of them write; nothing of Rhai and nothing of any cloud.
//!
//! The journal is the run: the terminal view, every report and resume are folds over its records.

pub mod approval;
mod attest;
pub mod audit;
mod bounds;
pub mod cancel;
pub mod conclusion;
pub mod effect;
pub mod effect_state;
mod fold;
pub mod frame;
pub mod gate;
pub mod grant;
pub mod head;
pub mod journal;
pub mod lock;
mod lock_file;
mod met;
pub mod notify;
pub mod past;
pub mod readable;
pub mod record;
pub mod report;
mod selection;
pub mod settle;
pub mod slot;
pub mod sources;
pub mod state;
pub mod step;
pub mod transfer;
pub mod wait;
pub mod who;

pub use approval::{Answer, Approvals, Approver};
pub use cancel::Cancel;
pub use conclusion::{Conclusion, Grounds, Lacking, Outcome, SESSION};
pub use effect_state::{Effect, Effects};
pub use grant::Grant;
pub use journal::Journal;
pub use met::Ending;
pub use notify::Notifier;
pub use past::Past;
pub use record::{Entry, Record, StepKind, Verdict};
pub use report::RunReport;
pub use selection::{Earlier, Selection, is_left_out};
pub use state::{Mode, Observer, Run, RunSettings};
pub use step::{OnFail, StepSpec, Unwind};
pub use transfer::Transfer;
pub use wait::{WaitSpec, Waiting};
