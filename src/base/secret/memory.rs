//! What the machine may see of this process's memory.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Has no core dump written of this process and of the programs that it starts, and keeps other processes of the same
/// user from looking into its memory. What the machine refuses stays as it was: a run need not fail for that.
pub fn keep_out_of_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // a dump that goes to a program (`core_pattern` with a pipe) does not ask for the limit
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
