use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rhumb::base::{ErrorKind, Intent, Ledger, Mutation as _, Permit, Result};
use rhumb::systems::http::{Address, Method, Url, segment, segments, target};
use rhumb::systems::openstack::{Call, Session};

use super::rig::Rig;
use super::{A, B, approved, changes, cloud};

struct Willing;

impl Ledger for Willing {
    fn authorise(&self, _: &Intent) -> Result<u64> {
        Ok(1)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_could_be_read_as_another_is_refused_and_nothing_is_sent() {
    let cloud = cloud().await;
    let rig = Rig::played(&cloud.address.to_string());
    let cases: Vec<&str> =
        include_str!("../paths/refused.txt").lines().filter(|l| !l.starts_with('#')).collect();
    for (n, case) in cases.iter().enumerate() {
        let path = case.replace("{A}", A).replace("{B}", B);
        rig.file(
            "drop.rhai",
            &format!(
                "runbook(\"drop\", \"Drop\");\nchange(\"1\", \"Drop\", || site.scope(\"capi\").request(\"DELETE\", \"network\", \"{path}\"));"
            ),
        );
        let approve = format!("step:1,step:1:destroys,id:{A},id:{B}");
        let ended = rig.run(&["run", "drop", "--approve", &approve]);
        assert_eq!(ended.exit, i32::from(ErrorKind::Argument.exit_code()), "{n} {case}: {}", ended.stderr);
        assert!(ended.told().contains("the path"), "{case}: {}", ended.stderr);
        assert_eq!(changes(&cloud), [""; 0], "{case}");
    }
    assert!(cases.len() > 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_is_shown_and_journaled_as_it_is_sent() {
    let cloud = cloud().await;
    let rig = Rig::played(&cloud.address.to_string());
    rig.file(
        "drop.rhai",
        &format!(
            "runbook(\"drop\", \"Drop\");\nchange(\"1\", \"Drop\", || {{\n  let scope = site.scope(\"capi\");\n  \
             scope.request(\"DELETE\", \"network\", \"/networks/{A}?force=a%26cascade%3Dtrue\");\n  \
             scope.networks.get(\"{A}\").delete(#{{ force: \"a&cascade=true\" }});\n}});"
        ),
    );
    let ended = rig.run(&["run", "drop", "--approve", &format!("id:{A}")]).expect(0);
    let sent = changes(&cloud);
    assert_eq!(sent, vec![format!("DELETE /network/v2.0/networks/{A}?force=a%26cascade%3Dtrue"); 2]);
    for (intent, by) in approved(&ended.entries) {
        assert_eq!(intent.target, format!("network /networks/{A}?force=a%26cascade%3Dtrue"));
        assert_eq!(
            intent.url,
            format!("http://{}/network/v2.0/networks/{A}?force=a%26cascade%3Dtrue", cloud.address)
        );
        assert_eq!((by, intent.ids), (format!("--approve id:{A}"), vec![A.to_string()]));
    }
}

/// Pieces of which paths are made that lead astray.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "networks",
    "servers",
    "v2.0",
    A,
    B,
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "\\",
    "%20",
    "%25",
    "%61",
    "%",
    ";",
    "?",
    "&",
    "=",
    "#",
    "@",
    ":",
    "+",
    "a b",
    "\t",
    "\n",
    "\u{7f}",
    "é",
    "%C3%A9",
    "%ff",
    "{project_id}",
    "{user_id}",
    "{x}",
    "|",
    "^",
    "'",
    "\"",
    "[",
    "]",
    "//",
    "action",
    "a",
];

/// Every text is refused, or what is shown of it is, byte for byte, what a server on loopback receives.
#[test]
fn what_is_shown_is_what_is_sent() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cloud = runtime.block_on(cloud());
    let (session, _) = cloud.session();
    let piece = proptest::sample::select(PIECES).prop_map(String::from);
    let text = prop_oneof![
        6 => proptest::collection::vec(piece, 0..10).prop_map(|pieces| format!("/{}", pieces.concat())),
        1 => "\\PC{0,12}",
    ];
    let method = proptest::sample::select(vec![Method::DELETE, Method::PUT, Method::POST]);
    let (sent, refused) = (Arc::new(std::sync::Mutex::new(0)), Arc::new(std::sync::Mutex::new(0)));
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(method, text), |(method, text)| {
        let bound = Call::written("network".into(), method, &text)
            .and_then(|call| runtime.block_on(session.bind(call)));
        let bound = match bound {
            Ok(bound) => bound,
            Err(e) => {
                prop_assert!(matches!(e.kind(), ErrorKind::Argument | ErrorKind::Refused), "{e}");
                *refused.lock().unwrap() += 1;
                return Ok(());
            }
        };
        let intent = bound.intent();
        // what no API has is answered by nothing that an API documents
        let answered = runtime.block_on(Session::mutate(Permit::obtain(&Willing, bound).unwrap()));
        prop_assert!(answered.is_ok() || answered.is_err_and(|e| e.kind() == ErrorKind::Protocol));
        let seen = changes(&cloud).pop().unwrap();
        let base = format!("http://{}", cloud.address);
        prop_assert_eq!(
            format!("{} {}", intent.method, intent.url),
            seen.replacen(' ', &format!(" {base}"), 1)
        );
        let target = intent.target.strip_prefix("network ").unwrap();
        prop_assert!(intent.url.ends_with(target), "{} {}", intent.url, target);
        prop_assert!(intent.url.starts_with(&format!("{base}/network/")), "{}", intent.url);
        // the id that an approval may name is a segment of what arrived
        let path = seen.split(' ').nth(1).unwrap().split('?').next().unwrap().to_string();
        let names: Vec<String> = segments(&path).into_iter().map(|s| s.to_lowercase()).collect();
        for id in &intent.ids {
            let last = id.rsplit('/').next().unwrap().to_lowercase();
            prop_assert!(names.contains(&last), "{} of {}", id, path);
        }
        *sent.lock().unwrap() += 1;
        Ok(())
    });
    outcome.unwrap();
    let (sent, refused) = (*sent.lock().unwrap(), *refused.lock().unwrap());
    assert!(sent > 100 && refused > 100, "{sent} sent, {refused} refused");
}

proptest! {
    #![proptest_config(Config { cases: 20_000, failure_persistence: None, ..Config::default() })]

    /// The same of the URL's builder alone, and of what decodes its path once more on the way (`fuzz/fuzz_targets/request_paths.rs`).
    #[test]
    fn nothing_on_the_way_makes_another_path_of_it(
        text in proptest::collection::vec(proptest::sample::select(PIECES), 0..10).prop_map(|pieces| pieces.concat()),
    ) {
        const BASE: &str = "https://cloud.example:9696/network/v2.0";
        if let Ok(one) = segment(&text) {
            let address = Address::below(BASE, &format!("/x/{one}"), &[]).unwrap();
            prop_assert_eq!(segments(address.target()), ["x", text.as_str()]);
        }
        let Ok(call) = Call::written("network".into(), Method::DELETE, &text) else { return Ok(()) };
        let Ok(address) = Address::below(BASE, &call.path, &call.query) else { return Ok(()) };
        let slash = if call.path.starts_with('/') { "" } else { "/" };
        prop_assert_eq!(address.target(), format!("{slash}{}", target(&call.path, &call.query)));
        prop_assert_eq!(address.url().as_str(), format!("{BASE}{}", address.target()));
        prop_assert_eq!(&Url::parse(address.url().as_str()).unwrap(), address.url());
        for decoded in segments(address.target().split('?').next().unwrap()) {
            let again = segments(&decoded).join("/");
            for part in [decoded.as_ref(), again.as_str()] {
                prop_assert!(!matches!(part, "." | ".."), "{}", text);
                prop_assert!(!part.contains(['/', '\\']) && !part.contains(char::is_control), "{}", text);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_not_sent_to_a_catalog_that_moved() {
    let cloud = cloud().await;
    let other = super::stub_cloud::start(|_, _| (204, serde_json::Value::Null)).await;
    let (session, clock) = cloud.session();
    let bound = session
        .bind(Call::written("network".into(), Method::DELETE, &format!("/networks/{A}")).unwrap())
        .await
        .unwrap();
    let permit = Permit::obtain(&Willing, bound).unwrap();
    cloud.stage().moved_to = Some(other.address);
    clock.advance_to(std::time::Duration::from_secs(3601));
    assert_eq!(Session::mutate(permit).await.unwrap_err().kind(), ErrorKind::ScopeMismatch);
    assert!(changes(&cloud).is_empty() && changes(&other).is_empty());
}
