use std::fs;

use rhumb::base::{ErrorKind, Undo};

use super::approved;
use super::rig::Rig;

/// A site with a runbook that writes to `place`, and the place.
fn rig(body: &str) -> (Rig, std::path::PathBuf) {
    let rig = Rig::new("name = \"files\"\n");
    let place = rig.site().parent().unwrap().join("place");
    let body = body.replace("PLACE", &place.display().to_string());
    rig.file(
        "write.rhai",
        &format!("runbook(\"write\", \"Write\");\nchange(\"1\", \"Write\", || {{ {body} }});"),
    );
    (rig, place)
}

#[test]
fn a_file_that_is_there_is_destroyed_and_shown() {
    let (rig, place) = rig(r#"write_secret("PLACE", "new");"#);
    let new = rig.run(&["run", "write", "--approve", "step:1"]).expect(0);
    let (intent, _) = approved(&new.entries).remove(0);
    assert!(!intent.destroys && intent.replaces.is_null());
    assert_eq!(intent.body["text"], "new", "a text that is no secret is shown");
    // the same again loses nothing
    rig.run(&["run", "write", "--approve", "step:1"]).expect(0);

    fs::write(&place, "the only copy").unwrap();
    let ended = rig.run(&["run", "write", "--approve", "step:1"]);
    let told = ended.expect(i32::from(ErrorKind::NeedsApproval.exit_code())).told();
    assert_eq!(fs::read_to_string(&place).unwrap(), "the only copy");
    let form = format!("id:{}", place.display());
    assert!(told.contains(&format!("--approve {form}")) && told.contains("step:1:destroys"), "{told}");
    let ended = rig.run(&["run", "write", "--approve", &form]).expect(0);
    let (intent, by) = approved(&ended.entries).remove(0);
    assert_eq!((by, intent.undo, intent.destroys), (format!("--approve {form}"), Undo::Never, true));
    assert_eq!(intent.replaces["size"], 13);
    assert_eq!(intent.replaces["sha512"].as_str().unwrap().len(), 128);
    assert!(intent.replaces["modified"].as_str().unwrap().ends_with('Z'));
    assert_eq!(fs::read_to_string(&place).unwrap(), "new");
}

#[test]
fn a_download_over_a_file_destroys_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cloud = runtime.block_on(super::stub_cloud::start(|_, _| (200, serde_json::json!("image"))));
    let (rig, place) = rig(&format!(
        r#"download("http://{}/identity/v3/auth/tokens/image", #{{ to: "PLACE" }});"#,
        cloud.address
    ));
    fs::write(&place, "the only copy").unwrap();
    let needs = i32::from(ErrorKind::NeedsApproval.exit_code());
    rig.run(&["run", "write", "--approve", "step:1"]).expect(needs);
    assert_eq!(fs::read_to_string(&place).unwrap(), "the only copy");
    let ended = rig.run(&["run", "write", "--approve", "step:1:destroys"]);
    let (intent, _) = approved(&ended.entries).remove(0);
    assert_eq!((intent.undo, intent.destroys), (Undo::Never, true));
    assert_eq!(intent.replaces["size"], 13);
}

#[test]
fn a_url_that_would_be_fetched_as_another_is_refused() {
    for url in [
        "http://127.0.0.1:9/a/../b",
        "http://127.0.0.1:9/a/%2e%2e/b",
        "http://127.0.0.1:9/a\\\\..\\\\b",
        "http://127.0.0.1:9/a\\tb",
    ] {
        let (rig, place) = rig(&format!(r#"download("{url}", #{{ to: "PLACE" }});"#));
        let ended = rig.run(&["run", "write", "--yes"]);
        assert_eq!(ended.exit, i32::from(ErrorKind::Argument.exit_code()), "{url}: {}", ended.stderr);
        assert!(approved(&ended.entries).is_empty() && !place.exists(), "{url}");
    }
}
