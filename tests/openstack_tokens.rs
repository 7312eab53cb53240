//! Tokens and identities: what a handle proves, and how long it goes unnoticed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as a test does")]

mod stub_cloud;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rhumb::base::{Clock, ErrorKind, Secret};
use rhumb::systems::http::Method;
use rhumb::systems::openstack::{
    AppCredential, Authority, Call, Cloud, Credential, Declared, Project, RequestRecord, Session, Target,
    Witness,
};
use serde_json::{Value, json};
use stub_cloud::{Seen, StubCloud, clock, named, start};

fn servers() -> Call {
    Call::new("compute", Method::GET, "/servers")
}

fn no_servers(_: &Seen, _: usize) -> (u16, Value) {
    (200, json!({"servers": []}))
}

#[tokio::test]
async fn a_handle_proves_its_project_and_sends_nothing_before_it_is_used() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session();
    assert_eq!(cloud.seen("").len(), 0);
    let identity = session.identity().await.unwrap();
    assert_eq!(
        identity.line(),
        "project capi-mgmt (01234567…) domain capi, user op, roles member,reader, token until 03:00Z"
    );
    let scope = &cloud.seen("/auth/tokens")[0].body["auth"]["scope"];
    assert_eq!(*scope, json!({"project": {"name": "capi-mgmt", "domain": {"name": "capi"}}}));
}

#[tokio::test]
async fn a_401_renews_once_at_the_same_scope_and_goes_on() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session();
    session.send(&servers()).await.unwrap();
    cloud.stage().tokens.clear(); // Keystone forgot them all
    session.send(&servers()).await.unwrap();

    let asked = cloud.seen("/auth/tokens");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].body, asked[1].body);
    let tokens: Vec<String> = cloud.seen("/servers").into_iter().map(|s| s.token).collect();
    assert_eq!(tokens, ["token-1", "token-1", "token-2"]);
}

#[tokio::test]
async fn a_second_401_is_an_error_and_not_a_circle() {
    let cloud = start(|_, _| (401, json!({"error": {"message": "no"}}))).await;
    let (session, _) = cloud.session();
    let e = session.send(&servers()).await.unwrap_err();
    assert_eq!((e.kind(), e.detail().scope.as_deref()), (ErrorKind::Unauthorized, Some("capi")));
    assert_eq!((cloud.seen("/servers").len(), cloud.seen("/auth/tokens").len()), (2, 2));
}

#[tokio::test]
async fn many_callers_ask_keystone_once() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session();
    let all_at_once = || async {
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let session = session.clone();
                tokio::spawn(async move { session.send(&servers()).await.map(|a| a.status) })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), 200);
        }
    };
    all_at_once().await;
    assert_eq!(cloud.seen("/auth/tokens").len(), 1);
    cloud.stage().tokens.clear();
    all_at_once().await;
    assert_eq!(cloud.seen("/auth/tokens").len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_when_less_than_two_minutes_are_left() {
    let cloud = start(no_servers).await;
    let (session, clock) = cloud.session();
    for (seconds, asked) in [(0, 1), (3479, 1), (3481, 2), (3481 + 3479, 2), (3481 + 3481, 3)] {
        clock.advance_to(Duration::from_secs(seconds));
        session.send(&servers()).await.unwrap();
        assert_eq!(cloud.seen("/auth/tokens").len(), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_short_lived_token_is_used_for_half_of_its_life() {
    let cloud = start(no_servers).await;
    cloud.stage().token_life = 20;
    let (session, clock) = cloud.session();
    for (seconds, asked) in [(0, 1), (9, 1), (11, 2)] {
        clock.advance_to(Duration::from_secs(seconds));
        session.send(&servers()).await.unwrap();
        assert_eq!(cloud.seen("/auth/tokens").len(), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn keystone_may_be_away_while_the_token_still_serves() {
    let cloud = start(no_servers).await;
    let (session, clock) = cloud.session();
    session.send(&servers()).await.unwrap();
    cloud.stage().keystone_is_away = true;
    clock.advance_to(Duration::from_secs(3550));
    session.send(&servers()).await.unwrap();
    // then it is a cloud that is away for a moment, which a poll tolerates
    clock.advance_to(Duration::from_secs(3601));
    assert_eq!(session.send(&servers()).await.unwrap_err().kind(), ErrorKind::Transient);
    cloud.stage().keystone_is_away = false;
    session.send(&servers()).await.unwrap();
}

#[tokio::test]
async fn a_first_token_that_cannot_be_had_is_a_fault_of_the_credentials() {
    let cloud = start(no_servers).await;
    cloud.stage().keystone_is_away = true;
    let (session, _) = cloud.session();
    let e = session.identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert!(
        e.to_string().starts_with("handle `capi` gets no token: Keystone of cloud `stub` does not answer"),
        "{e}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_wrong_project() {
    let cloud = start(no_servers).await;
    let authority = Authority::Project(named("capi-mgmt", Some("capi")));
    let wrong = Arc::new(cloud.cloud("guess"));
    let session = Session::new("capi", wrong, authority, Declared::default(), clock()).unwrap();
    let e = session.identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert!(e.to_string().starts_with("Keystone gives no token to user op (domain Default)"), "{e}");
    assert_eq!(
        e.detail().help.as_deref(),
        Some("check the user, its domain, the password of cloud `stub`, and the user's role on the project")
    );
    assert!(e.to_string().contains("The request you have made requires authentication"), "{e}");
    assert_eq!(cloud.seen("/auth/tokens").len(), 1, "each try counts towards a lock of the account");
    assert!(!format!("{e:?}").contains("guess"));

    let (session, _) = cloud.session_for(named("nowhere", Some("capi")), Declared::default());
    let e = session.identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    let either =
        "where user op (domain Default) has no role on project nowhere of domain capi, or it does not exist";
    assert!(e.to_string().contains(either), "{e}");
}

#[tokio::test]
async fn what_keystone_says_of_a_user_is_said_on() {
    let said = |message: &str, receipt: Value| match message {
        "" => receipt,
        _ => json!({"error": {"code": 401, "message": message, "title": "Unauthorized"}}),
    };
    let receipt =
        json!({"receipt": {"methods": ["password"]}, "required_auth_methods": [["password", "totp"]]});
    for (message, words, help) in [
        (
            "The password is expired and needs to be changed for user: u1.",
            "password is expired",
            "openstack user password set",
        ),
        ("The account is locked for user: u1.", "account is locked", "lockout_duration"),
        ("", "must show more: password and totp", "v3applicationcredential"),
    ] {
        let cloud = start(no_servers).await;
        cloud.stage().refusal = Some(said(message, receipt.clone()));
        let (session, _) = cloud.session();
        let e = session.identity().await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Credentials);
        assert!(e.to_string().contains(words), "{e}");
        assert!(e.detail().help.as_deref().unwrap().contains(help), "{e:?}");
        assert_eq!(cloud.seen("/auth/tokens").len(), 1);
        assert!(!format!("{e:?}").contains("secret"));
    }
}

#[tokio::test]
async fn a_project_without_its_domain_is_found_among_ones_own() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session_for(named("capi-mgmt", None), Declared::default());
    assert_eq!(session.identity().await.unwrap().project_id(), Some("0123456789abcdef0123456789abcdef"));
    let scope = &cloud.seen("/auth/tokens").pop().unwrap().body["auth"]["scope"];
    assert_eq!(*scope, json!({"project": {"id": "0123456789abcdef0123456789abcdef"}}));

    let (session, _) = cloud.session_for(named("twin", None), Declared::default());
    let e = session.identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert_eq!(e.to_string(), "user op (domain Default) has several projects named twin");
    assert!(e.detail().help.as_ref().unwrap().contains("twin-1"), "{:?}", e.detail().help);

    let (session, _) = cloud.session_for(named("nowhere", None), Declared::default());
    let e = session.identity().await.unwrap_err();
    assert!(e.to_string().contains("has no role on project nowhere"), "{e}");
}

#[tokio::test]
async fn a_token_that_is_not_what_was_declared_is_a_scope_mismatch() {
    let cloud = start(no_servers).await;
    let text = |t: &str| Some(t.to_string());
    let declared = [
        (Declared { user: text("bob"), ..Declared::default() }, "user bob", "user op"),
        (
            Declared { project: text("other"), ..Declared::default() },
            "project other",
            "project capi-mgmt (01234567…) domain capi",
        ),
        (
            Declared { domain: text("Default"), ..Declared::default() },
            "domain Default",
            "project capi-mgmt (01234567…) domain capi",
        ),
        (
            Declared { roles: vec!["member".into(), "admin".into()], ..Declared::default() },
            "role admin",
            "member, reader (project capi-mgmt (01234567…) domain capi, user op)",
        ),
    ];
    for (declared, wanted, proven) in declared {
        let (session, _) = cloud.session_for(named("capi-mgmt", Some("capi")), declared);
        let e = session.send(&servers()).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::ScopeMismatch);
        assert_eq!(
            e.to_string(),
            format!("handle `capi` is declared for {wanted}, but its token is for {proven}")
        );
    }
    assert_eq!(cloud.seen("/servers").len(), 0);
}

#[tokio::test]
async fn a_renewal_that_lands_elsewhere_is_a_scope_mismatch() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session();
    session.send(&servers()).await.unwrap();
    cloud.stage().tokens.clear();
    cloud.stage().wrong_project = Some("elsewhere");
    let e = session.send(&servers()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::ScopeMismatch);
    assert_eq!(cloud.seen("/servers").len(), 2, "nothing is sent with the other token");
}

#[tokio::test]
async fn narrowing_makes_a_new_handle_and_leaves_the_old_one_alone() {
    let cloud = start(no_servers).await;
    let (session, _) = cloud.session();
    let admin = session.narrow("admin", named("admin", Some("Default")), &[]).unwrap();
    let targets = [
        session.identity().await.unwrap(),
        admin.identity().await.unwrap(),
        session.identity().await.unwrap(),
    ];
    let names: Vec<&str> = targets
        .iter()
        .map(|i| match &i.target {
            Target::Project(p) => p.name.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["capi-mgmt", "admin", "capi-mgmt"]);
    assert_eq!((session.handle(), admin.handle()), ("capi", "admin"));
}

fn app_cred(cloud: &StubCloud) -> Arc<Cloud> {
    let credential = AppCredential::Id("abc".into());
    let credential = Credential::ApplicationCredential { credential, secret: Secret::new("secret") };
    Arc::new(Cloud::new("stub", format!("http://{}/identity/v3", cloud.address), credential))
}

#[tokio::test]
async fn an_application_credential_serves_for_its_own_project_alone() {
    let cloud = start(no_servers).await;
    let new = |authority| Session::new("app", app_cred(&cloud), authority, Declared::default(), clock());
    let session = new(Authority::OfCredential).unwrap();
    let e = session.narrow("other", named("admin", Some("Default")), &[]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
    assert_eq!(new(Authority::System).unwrap_err().kind(), ErrorKind::Credentials);
    assert_eq!(cloud.seen("").len(), 0, "refused before any request");

    assert_eq!(session.identity().await.unwrap().project_id(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(cloud.seen("/auth/tokens")[0].body["auth"].get("scope"), None);
    // a project that is declared is compared with the token's
    new(Authority::Project(named("capi-mgmt", Some("capi")))).unwrap().identity().await.unwrap();
    let other = new(Authority::Project(Project::Id("admin-id".into()))).unwrap();
    assert_eq!(other.identity().await.unwrap_err().kind(), ErrorKind::ScopeMismatch);
}

#[tokio::test]
async fn a_password_without_a_project_is_a_fault_of_the_site() {
    let cloud = start(no_servers).await;
    let session = Session::new(
        "x",
        Arc::new(cloud.cloud("secret")),
        Authority::OfCredential,
        Declared::default(),
        clock(),
    );
    assert_eq!(session.unwrap_err().kind(), ErrorKind::Site);
}

#[tokio::test]
async fn an_auth_url_that_is_not_keystones_says_so() {
    let cloud = start(no_servers).await;
    let session = |url: String| {
        let mut other = cloud.cloud("secret");
        other.auth_url = url;
        Session::new(
            "x",
            Arc::new(other),
            Authority::Project(named("capi-mgmt", Some("capi"))),
            Declared::default(),
            clock(),
        )
    };
    assert_eq!(session("keystone:5000".into()).unwrap_err().kind(), ErrorKind::Site);
    assert_eq!(session("http://h/v2.0".into()).unwrap_err().kind(), ErrorKind::Site);
    let e = session(format!("http://{}/nova", cloud.address)).unwrap().identity().await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Credentials);
}

#[derive(Default)]
struct Log(Mutex<Vec<RequestRecord>>);

impl Witness for Log {
    fn request(&self, record: &RequestRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

#[tokio::test]
async fn a_witness_is_told_of_every_request_and_of_no_secret() {
    let cloud = start(no_servers).await;
    let log = Arc::new(Log::default());
    let session = cloud.session().0.witnessed(log.clone());
    session.send(&servers()).await.unwrap();
    let records = log.0.lock().unwrap().clone();
    let seen: Vec<_> = records
        .iter()
        .map(|r| {
            (r.method.as_str(), r.service.as_str(), r.status, r.handle.as_str(), r.request_id.as_deref())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("POST", "identity", Some(201), "capi", Some("req-stub")),
            ("GET", "compute", Some(200), "capi", Some("req-stub"))
        ]
    );
    assert!(records[1].url.ends_with("/compute/v2.1/servers"));
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains("secret") && !all.contains("token-1"), "{all}");
}

/// The clock is the only time that counts: a machine whose clock is wrong still renews in time.
#[tokio::test]
async fn keystones_clock_and_ours_may_differ() {
    let cloud = start(no_servers).await;
    let wrong = Arc::new(rhumb::base::SimClock::new("2031-01-01T00:00:00Z".parse().unwrap()));
    let authority = Authority::Project(named("capi-mgmt", Some("capi")));
    let session = Session::new(
        "capi",
        Arc::new(cloud.cloud("secret")),
        authority,
        Declared::default(),
        wrong as Arc<dyn Clock>,
    )
    .unwrap();
    session.send(&servers()).await.unwrap();
    session.send(&servers()).await.unwrap();
    assert_eq!(cloud.seen("/auth/tokens").len(), 1);
}
