//! A site's scopes against the testbed's real Keystone, from its clouds.yaml and from its openrc files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod testbed;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use rhumb::base::{Error, ErrorKind, SystemClock};
use rhumb::site::Site;
use rhumb::systems::http::install_crypto;
use rhumb::systems::openstack::Identity;

const SITE: &str = r#"
name = "site-test"

[scopes.admin]
cloud = "admin"
roles = ["admin"]
user = "admin"

[scopes.narrowed]
cloud = "admin"
project = "capi-mgmt"
domain = "capi"
roles = ["member", "load-balancer_member"]

[scopes.by-name-alone]
cloud = "admin"
project = "capi-mgmt"

[scopes.openrc]
openrc = "member-openrc"
project = "capi-mgmt"
domain = "capi"
user = "capi-user"

[scopes.secret-from-command]
openrc = "member-openrc"
password = { command = ["printf", "secret"] }

[scopes.wrong-password]
openrc = "member-openrc"
password = { command = ["printf", "wrong"] }

[scopes.wrong-role]
cloud = "reader"
roles = ["admin"]

[scopes.wrong-user]
cloud = "member"
user = "admin"

[scopes.no-such-project]
cloud = "member"
project = "site-no-such-project"
domain = "capi"

[scopes.of-others]
cloud = "member"
project = "admin"
domain = "Default"
"#;

struct Testbed {
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Testbed {
    /// A site directory with the testbed's credentials, private as a site's must be.
    fn new() -> Self {
        install_crypto();
        let cloud = testbed::var("CARACAL");
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("site.toml"), SITE).unwrap();
        for file in ["clouds.yaml", "member-openrc"] {
            let copy = dir.path().join(file);
            std::fs::copy(PathBuf::from(&cloud).join(file), &copy).unwrap();
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Testbed { dir, runtime }
    }

    /// Who a scope proves to be.
    fn identity(&self, scope: &str) -> Result<Arc<Identity>, Error> {
        let site = Site::load_over(self.dir.path(), &[], None).unwrap();
        let clock = Arc::new(SystemClock::new(self.runtime.handle().clone()));
        let session = site.session(scope, clock)?;
        self.runtime.block_on(session.identity())
    }
}

#[test]
fn each_way_to_declare_a_scope_proves_itself() {
    let testbed = Testbed::new();
    for (scope, user, project) in [
        ("admin", "admin", "project admin "),
        ("narrowed", "admin", "project capi-mgmt "),
        ("by-name-alone", "admin", "project capi-mgmt "),
        ("openrc", "capi-user", "project capi-mgmt "),
        ("secret-from-command", "capi-user", "project capi-mgmt "),
    ] {
        let identity = testbed.identity(scope).unwrap_or_else(|e| panic!("{scope}: {e}"));
        assert_eq!(identity.user.name, user, "{scope}");
        assert!(identity.target.describe().starts_with(project), "{scope}: {}", identity.line());
        assert_eq!(identity.handle, scope);
    }
}

#[test]
fn what_a_scope_declares_and_its_token_is_not_ends_with_a_word_about_it() {
    let testbed = Testbed::new();
    for (scope, kind) in [
        ("wrong-password", ErrorKind::Credentials),
        ("wrong-role", ErrorKind::ScopeMismatch),
        ("wrong-user", ErrorKind::ScopeMismatch),
        ("no-such-project", ErrorKind::Credentials),
        ("of-others", ErrorKind::Credentials),
    ] {
        let error = testbed.identity(scope).unwrap_err();
        assert_eq!(error.kind(), kind, "{scope}: {error}");
        assert_eq!(error.detail().scope.as_deref(), Some(scope), "{scope}: {error}");
        assert!(error.detail().help.is_some(), "{scope}: {error}");
    }
}

#[test]
fn a_first_site_file_is_found_out_and_checked_against_real_services() {
    let testbed = Testbed::new();
    let run = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_rhumb")).args(args).output().unwrap();
        let told =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.code(), told)
    };
    let clouds = testbed.dir.path().join("clouds.yaml").display().to_string();
    let fresh = tempfile::tempdir().unwrap();
    let site = fresh.path().join("site").display().to_string();
    let (exit, told) =
        run(&["site", "new", "fresh", "--clouds", &clouds, "--cloud", "admin", "--directory", &site]);
    assert_eq!(exit, Some(0), "{told}");
    let text = std::fs::read_to_string(fresh.path().join("site/site.toml")).unwrap();
    for line in
        ["project = \"capi-mgmt\"", "external_network = { value = \"provider-ext\"", "[endpoints.octavia]"]
    {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    // a project that is there, and one that is not
    for (project, expected, said) in [
        ("admin", 0, "2 scopes proven, 1 names looked up"),
        ("site-no-such-project", 7, "there is no \"site-no-such-project\" among the projects of scope admin"),
    ] {
        let set = format!("octavia_project={project}");
        let (exit, told) =
            run(&["site", "check", "amphora-sweep", "--online", "--site", &site, "--set", &set]);
        assert_eq!(exit, Some(expected), "{told}");
        assert!(
            told.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "").contains(said),
            "{told}"
        );
    }
}
