//! The procedures' own lines, run by bash with played programs and nothing else of this machine's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

/// How lines ended.
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
}

/// Runs lines of a procedure. `programs` are names with the bash text that plays each; `sleep` takes no time.
pub(crate) fn bash(programs: &[(&str, &str)], lines: &str) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("sleep", "exit 0")].iter().chain(programs) {
        let path = dir.path().join(name);
        fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let output: Output = Command::new("/bin/bash")
        .args(["-c", lines])
        .env_clear()
        .env("PATH", path)
        .env("HOME", dir.path())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ended {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}
