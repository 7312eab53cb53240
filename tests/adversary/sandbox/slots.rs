//! A slot is a name: no file but a lock file of its own directory is made, emptied or locked.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rhumb::run::Mode;

use super::run_in;

/// What lies below a directory, with what it holds.
fn below(dir: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match path.is_dir() {
            true => below(&path),
            false => vec![format!("{}: {:?}", path.display(), fs::read(&path).unwrap_or_default())],
        })
        .collect();
    all.sort();
    all
}

fn site(slots: &Path) -> String {
    format!("name = \"stage\"\n[run]\nslots = {{ amphora = 1 }}\nslots_dir = {:?}\n", slots)
}

#[test]
fn what_is_no_name_makes_and_empties_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let slots = dir.path().join("slots");
    fs::create_dir(&slots).unwrap();
    fs::write(dir.path().join("victim-1.lock"), "precious").unwrap();
    let before = below(dir.path());
    let absolute = format!("{}/victim", dir.path().display());
    let new = format!("{}/new/deep/x", dir.path().display());
    let names = [
        absolute.as_str(),
        &new,
        "../victim",
        "../new/x",
        "a/b",
        "",
        ".",
        "..",
        "A",
        "a.b",
        "a b",
        "-a",
        "ä",
    ];
    for name in names {
        for mode in [Mode::Run, Mode::Observe, Mode::Rehearse] {
            let script = format!("verify(\"1\", \"T\", || slot({name:?}, #{{ count: 1 }}, || 1));");
            let o = run_in(&site(&slots), mode, &script);
            let said = o.verdicts();
            assert!(
                said.starts_with("1 FAIL") && said.contains("cannot be the name of a slot"),
                "{name}: {said}"
            );
            assert_eq!(below(dir.path()), before, "{name} in {mode:?}");
        }
    }
}

#[test]
fn a_number_of_slots_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    for count in ["0", "-1", "1001", "4000000000", "9223372036854775807"] {
        let script = format!("verify(\"1\", \"T\", || slot(\"x\", #{{ count: {count} }}, || 1));");
        let o = run_in(&site(dir.path()), Mode::Run, &script);
        assert!(o.verdicts().contains("a number from 1 to 1000"), "{}", o.verdicts());
    }
}

#[test]
fn a_link_in_the_directory_of_slots_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (slots, victim) = (dir.path().join("slots"), dir.path().join("victim"));
    fs::create_dir(&slots).unwrap();
    fs::write(&victim, "precious").unwrap();
    let lock = slots.join("amphora-1.lock");
    let held = r#"verify("1", "T", || slot("amphora", || 1));"#;
    let links: [(&str, &dyn Fn()); 3] = [
        ("symbolic", &|| symlink(&victim, &lock).unwrap()),
        ("dangling", &|| symlink(dir.path().join("nothing"), &lock).unwrap()),
        ("hard", &|| fs::hard_link(&victim, &lock).unwrap()),
    ];
    for (kind, link) in links {
        link();
        let o = run_in(&site(&slots), Mode::Run, held);
        assert!(o.verdicts().contains("cannot lock"), "{kind}: {}", o.verdicts());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{kind}");
        assert!(!dir.path().join("nothing").exists());
        fs::remove_file(&lock).unwrap();
    }
    // what holds something else is somebody's file
    fs::write(&lock, "precious").unwrap();
    let o = run_in(&site(&slots), Mode::Run, held);
    assert!(o.verdicts().contains("it holds something else"), "{}", o.verdicts());
    assert_eq!(fs::read_to_string(&lock).unwrap(), "precious");
}

#[test]
fn a_directory_that_several_users_share_works_for_them_all() {
    let dir = tempfile::tempdir().unwrap();
    for (directory, file) in [(0o2770, 0o660), (0o1777, 0o666)] {
        let slots = dir.path().join(format!("{directory:o}"));
        fs::create_dir(&slots).unwrap();
        fs::set_permissions(&slots, fs::Permissions::from_mode(directory)).unwrap();
        let o = run_in(&site(&slots), Mode::Run, r#"verify("1", "T", || slot("amphora", || 1));"#);
        assert_eq!(o.verdicts(), "1 PASS");
        let lock = fs::metadata(slots.join("amphora-1.lock")).unwrap();
        assert_eq!(lock.mode() & 0o777, file, "{directory:o}");
        assert_eq!(lock.gid(), fs::metadata(&slots).unwrap().gid());
    }
}

#[test]
fn a_rehearsal_uses_slots_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let slots = dir.path().join("slots");
    let o = run_in(&site(&slots), Mode::Rehearse, r#"verify("1", "T", || slot("amphora", || 1));"#);
    assert_eq!(o.verdicts(), "1 PASS");
    assert!(!slots.exists());
}
