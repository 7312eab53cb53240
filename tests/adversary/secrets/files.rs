//! What a run keeps is closed to others from the moment that it is there, whatever the umask, and no memory is dumped.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files;
use super::rig::Rig;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A run that looks at its own files, by the rights that they have while it is at work.
fn rig() -> Rig {
    let rig = Rig::new("name = \"m\"\n[tools.sh]\nprogram = \"/bin/sh\"\n");
    rig.file(
        "look.rhai",
        r#"change("1", "Look", || {
            let state = site.tool("sh").query(["-c", "find ../state -printf '%m %y %p\n'"]).stdout;
            note(state);
            note(site.tool("sh").query(["-c", "ulimit -c; ulimit -Hc"]).stdout);
        });"#,
    );
    rig
}

/// The program with no umask at all.
fn unmasked(rig: &Rig, args: &[&str]) -> Command {
    let plain = rig.command(args);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"umask 0; exec "$@""#, "sh"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn directories(below: &Path) -> Vec<PathBuf> {
    let mut found = vec![below.to_path_buf()];
    for entry in fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        found.extend(directories(&entry));
    }
    found
}

#[test]
fn a_run_and_its_reports_are_private_without_an_umask_and_while_it_runs() {
    let rig = rig();
    let ended = rig.end(&mut unmasked(&rig, &["run", "look", "--yes"])).expect(0);
    for path in files(&rig.state()) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for path in directories(&rig.state()) {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
    let notes: Vec<String> = ended
        .entries
        .iter()
        .filter_map(|e| match &e.record {
            rhumb::run::Record::Note { text, .. } => Some(text.clone()),
            _ => None,
        })
        .collect();
    let seen: Vec<&str> = notes[0].lines().collect();
    assert!(seen.iter().any(|line| line.contains("journal.jsonl")), "{seen:?}");
    for line in seen {
        assert!(line.starts_with("600 f ") || line.starts_with("700 d "), "while it runs: {line}");
    }
    assert_eq!(
        notes[1].split_whitespace().collect::<Vec<_>>(),
        ["0", "0"],
        "no core dumps, of programs neither"
    );
}

#[test]
fn a_run_that_was_open_is_closed_when_it_goes_on() {
    let rig = rig();
    rig.file("stuck.rhai", "change(\"1\", \"A\", || 1); verify(\"2\", \"B\", || throw \"no\");");
    rig.run(&["run", "stuck", "--yes"]).expect(1);
    for path in files(&rig.state()) {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    for path in directories(&rig.state().join("runs")) {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    rig.run(&["resume", "--yes"]).expect(1);
    let journal = files(&rig.state()).into_iter().find(|path| path.ends_with("journal.jsonl")).unwrap();
    assert_eq!((mode(&journal), mode(journal.parent().unwrap())), (0o600, 0o700));
    for path in files(&rig.state()).iter().filter(|path| path.to_string_lossy().contains("report")) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
}

/// The kernel gives the memory of a process that is not dumpable to root, in `/proc` too.
#[cfg(target_os = "linux")]
#[test]
fn nobody_looks_into_the_memory_of_a_run() {
    let rig = rig();
    rig.file("wait.rhai", "verify(\"1\", \"W\", || site.tool(\"sh\").query([\"-c\", \"sleep 60\"]));");
    let mut child = rig.command(&["run", "wait"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
    let limit = || of("limits").lines().find(|line| line.starts_with("Max core file size")).map(String::from);
    let none = |line: &String| line.split_whitespace().skip(4).take(2).eq(["0", "0"]);
    let began = std::time::Instant::now();
    while !limit().as_ref().is_some_and(none) && began.elapsed().as_secs() < 20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let limit = limit();
    let owner =
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("/proc/{}/mem", child.id())).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(limit.as_ref().is_some_and(none), "{limit:?}");
    assert_eq!(owner, 0);
}
