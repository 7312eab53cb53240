//! What a script reaches: projects and files that the site declares. What an author is trusted with instead stands in
//! `docs/security.md`, and is held here.

use std::fs;
use std::path::Path;

use rhumb::base::ErrorKind;
use rhumb::run::{Mode, Past};
use rhumb::site::Site;

use super::stub_cloud::{StubCloud, start};
use super::{run_in, stage::Stage};

const CLOUDS: &str = "clouds:\n  stub:\n    auth:\n      auth_url: http://ADDRESS/identity\n      username: op\n      \
                      password: secret\n      user_domain_name: Default\n";

/// A site over a cloud on loopback, in a directory of its own.
pub(super) fn site(dir: &Path, cloud: &StubCloud, scope: &str) -> Site {
    use std::os::unix::fs::PermissionsExt as _;
    let text = format!(
        "name = \"stage\"\n[scopes.capi]\ncloud = \"stub\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n{scope}\n"
    );
    fs::write(dir.join("site.toml"), text).unwrap();
    let clouds = dir.join("clouds.yaml");
    fs::write(&clouds, CLOUDS.replace("ADDRESS", &cloud.address.to_string())).unwrap();
    fs::set_permissions(&clouds, fs::Permissions::from_mode(0o600)).unwrap();
    Site::load_over(dir, &[], None).unwrap()
}

#[test]
fn a_scope_is_narrowed_to_declared_projects_alone_and_proves_their_roles() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(start(|_, _| (200, serde_json::json!({"servers": []}))));
    let script = r#"
        let scope = site.scope("capi").project("admin", "Default");
        verify("1", "T", || { scope.servers.list(); note(`${scope}`); });
    "#;
    let run = |declared: &str| {
        let dir = tempfile::tempdir().unwrap();
        let site = site(dir.path(), &cloud, declared);
        Stage { site, ..Stage::new(script) }.run()
    };
    let declared = |project: &str, domain: &str, role: &str| {
        format!("projects = [{{ project = \"{project}\", domain = \"{domain}\", roles = [\"{role}\"] }}]")
    };

    for other in
        [String::new(), declared("admin", "capi", "member"), declared("capi-mgmt", "Default", "member")]
    {
        let o = run(&other);
        assert_eq!(o.error.as_ref().unwrap().kind(), ErrorKind::Site, "{other}: {}", o.drawn);
        assert!(
            o.drawn.contains("may not be narrowed to project `admin` of domain `Default`"),
            "{}",
            o.drawn
        );
        assert!(o.drawn.contains("projects = [{ project"), "{}", o.drawn);
        assert!(cloud.seen("").is_empty(), "refused before anything is asked");
    }
    let o = run(&declared("admin", "Default", "member"));
    assert_eq!((o.verdicts().as_str(), o.report.steps[0].notes[0].as_str()), ("1 PASS", "scope capi/admin"));
    // a declared role that the token lacks ends the run
    let before = cloud.seen("/servers").len();
    let o = run(&declared("admin", "Default", "admin"));
    assert_eq!(o.error.as_ref().unwrap().kind(), ErrorKind::ScopeMismatch, "{}", o.drawn);
    assert_eq!(cloud.seen("/servers").len(), before);
}

#[test]
fn a_declaration_of_projects_is_whole() {
    for (declared, says) in [
        (r#"[{ project = "a", domain = "d" }]"#, "roles"),
        (r#"[{ project = "a", domain = "d", roles = [] }]"#, "names no role"),
        (r#"[{ project = "a", roles = ["member"] }]"#, "domain"),
        (r#"[{ domain = "d", roles = ["member"] }]"#, "project"),
        (
            r#"[{ project = "a", domain = "d", roles = ["m"] }, { project = "a", domain = "e", roles = ["m"] }]"#,
            "twice",
        ),
    ] {
        let text = format!("name = \"stage\"\n[scopes.admin]\ncloud = \"a\"\nprojects = {declared}\n");
        let error = Site::from_embedded(&text, "stage", &[]).unwrap_err();
        assert!(error.to_string().contains(says), "{declared}: {error}");
    }
}

#[test]
fn only_declared_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (open, shut) = (dir.path().join("open"), dir.path().join("shut"));
    for directory in [&open, &shut] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("file"), "x").unwrap();
    }
    std::os::unix::fs::symlink(shut.join("file"), open.join("link")).unwrap();
    std::os::unix::fs::symlink(&shut, open.join("through")).unwrap();
    let site = format!("name = \"stage\"\n[run]\nread_below = [{:?}]\n", open);
    let digest = |path: &str, mode| {
        run_in(&site, mode, &format!("verify(\"1\", \"T\", || note(`${{file_sha512({path:?}) != ()}}`));"))
    };
    let inside = |name: &str| open.join(name).display().to_string();
    for mode in [Mode::Run, Mode::Observe] {
        for (path, there) in [(inside("file"), "true"), (inside("absent"), "false")] {
            let o = digest(&path, mode);
            assert_eq!(
                (o.verdicts().as_str(), o.report.steps[0].notes[0].as_str()),
                ("1 PASS", there),
                "{path}"
            );
        }
        let outside = shut.join("file").display().to_string();
        let absent = shut.join("absent").display().to_string();
        for path in [
            &inside("link"),
            &inside("through/file"),
            &inside("../shut/file"),
            &outside,
            &absent,
            "/etc/passwd",
        ] {
            let o = digest(path, mode);
            assert!(
                o.verdicts().contains("no file that runbooks of this site may read"),
                "{path}: {}",
                o.verdicts()
            );
            assert_eq!(o.error.unwrap().kind(), ErrorKind::Refused);
        }
    }
    // in a rehearsal all files are its own, and none of these is there
    let o = digest("/etc/passwd", Mode::Rehearse);
    assert_eq!((o.verdicts().as_str(), o.report.steps[0].notes[0].as_str()), ("1 PASS", "false"));
}

#[test]
fn a_run_reads_what_it_wrote_and_what_a_value_names() {
    let dir = tempfile::tempdir().unwrap();
    let wrote = dir.path().join("wrote").display().to_string();
    let o = run_in(
        "name = \"stage\"",
        Mode::Run,
        &format!(
            "change(\"1\", \"T\", || {{ write_secret({wrote:?}, \"x\"); gate(\"read\", file_sha512({wrote:?}).size == 1); }});"
        ),
    );
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
    let image = dir.path().join("image");
    fs::write(&image, "x").unwrap();
    let site = format!("name = \"stage\"\n[values]\nimage_file = {:?}\n", image);
    let o = run_in(
        &site,
        Mode::Run,
        "verify(\"1\", \"T\", || gate(\"read\", file_sha512(site.image_file).size == 1));",
    );
    assert_eq!(o.verdicts(), "1 PASS", "{}", o.drawn);
}

#[test]
fn a_run_that_goes_on_reads_what_it_wrote_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let wrote = dir.path().join("wrote").display().to_string();
    let script = format!(
        "change(\"1\", \"T\", || {{ write_secret({wrote:?}, \"x\"); }});
         verify(\"2\", \"T\", || gate(\"read\", file_sha512({wrote:?}).size == 1));"
    );
    let before = Stage::new(&script).run();
    assert_eq!(before.verdicts(), "1 PASS, 2 PASS", "{}", before.drawn);
    let after = Stage { past: Past::of(&before.entries), ..Stage::new(&script) }.run();
    assert_eq!(after.verdicts(), "1 PASS, 2 PASS", "{}", after.drawn);
    // a file of another run is none of this one's
    let other = Stage::new(&script[script.find("verify").unwrap()..]).run();
    assert!(other.verdicts().starts_with("2 FAIL"), "{}", other.verdicts());
}

#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let site = format!("name = \"stage\"\n[run]\nread_below = [{:?}, \"/dev\"]\n", dir.path());
    let began = std::time::Instant::now();
    for path in [pipe.display().to_string(), "/dev/zero".into(), dir.path().display().to_string()] {
        let o = run_in(&site, Mode::Run, &format!("verify(\"1\", \"T\", || file_sha512({path:?}));"));
        assert!(o.verdicts().contains("is no plain file"), "{path}: {}", o.verdicts());
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

/// What a probe sends is a GET without a credential: it holds no authority, so an author may look anywhere.
#[test]
fn a_probe_sends_no_credential_and_takes_no_secret() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let n = connection.read(&mut request).unwrap();
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/secret\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(moved.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..n]).to_ascii_lowercase()
    });
    let o = super::verify(&format!(
        "let seen = probe::http(\"http://{address}/path\"); gate(\"it is not followed\", seen.status == 302, seen);"
    ));
    assert_eq!(o.verdicts(), "1 PASS");
    let request = server.join().unwrap();
    assert!(request.starts_with("get /path http/1.1"), "{request}");
    for header in ["authorization", "x-auth-token", "cookie", "proxy-authorization", "content-length"] {
        assert!(!request.contains(&format!("\n{header}:")), "{request}");
    }
}

/// A kubeconfig of a script leads to a server, and to nothing of this machine.
#[test]
fn a_kubeconfig_of_a_script_names_no_file_no_program_and_no_proxy() {
    let config = |user: &str, cluster: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{{"name":"a","context":{{"cluster":"a","user":"a"}}}}],"clusters":[{{"name":"a","cluster":{{"server":"https://127.0.0.1:1"{cluster}}}}}],"users":[{{"name":"a","user":{{{user}}}}}]}}"#
        )
    };
    for (user, cluster) in [
        (r#""tokenFile":"/etc/passwd""#, ""),
        (r#""client-certificate":"/etc/passwd","client-key":"/etc/passwd""#, ""),
        (r#""exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"touch"}"#, ""),
        (r#""token":"x""#, r#","certificate-authority":"/etc/passwd""#),
        (r#""token":"x""#, r#","proxy-url":"http://127.0.0.1:1""#),
        (r#""token":"x""#, r#","insecure-skip-tls-verify":true"#),
    ] {
        let o = super::verify(&format!("kube(`{}`).list(\"pods\");", config(user, cluster)));
        assert!(o.error.is_some(), "{user} {cluster}: {}", o.verdicts());
        assert!(!o.drawn.contains("root:"), "{}", o.drawn);
        assert_ne!(o.error.unwrap().kind(), ErrorKind::Unreachable, "{user} {cluster}: it came to a request");
    }
}
