//! What services, proxies and programs repeat. Each file of `answers/` is an answer, as bytes of HTTP with `\n` line ends:
//! those that begin with `keystone-` come in the place of a token, all others from every service. `{{token}}`,
//! `{{password}}` and `{{basic}}` stand for the canaries, `{{password:json}}`, `:url`, `:form` and `:html` for the
//! password in that encoding.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::loopback::{self, Loopback};
use super::rig::Rig;
use super::{PASSWORD, TOKEN, basic, clean, files, forms};

/// Each kind of call, caught and not, with all that a script can do with what came of it.
const RUNBOOK: &str = r#"
    runbook("echo", "What comes back");
    let capi = site.scope("capi");
    let keep = |what, ask| {
        try {
            let came = ask.call();
            note(`${what}: ${came}`);
            fact(what, came);
            gate(what, true, came);
        } catch (e) {
            note(`${what}: ${e}`);
            fact(what, e.message);
            gate(what, true, e.message);
        }
    };
    verify("reads", "Reads", || {
        keep.call("identity", || capi.identity());
        keep.call("list", || capi.servers.list());
        keep.call("find", || capi.servers.find("marker"));
        keep.call("get", || capi.servers.get("0123456789abcdef0123456789abcdef").name);
        keep.call("request", || capi.request("GET", "compute", "/servers"));
        keep.call("balancers", || capi.load_balancers.list());
        keep.call("probe", || probe::http(site.endpoint("there").url));
        keep.call("kube", || site.kube("mgmt").get("pod", "marker"));
        keep.call("tool", || site.tool("cat").query(["clouds.yaml"]).stdout);
        keep.call("tool fails", || site.tool("cat").query(["clouds.yaml", "/no/such/file"]));
    });
    change("writes", "Writes", || {
        keep.call("create", || capi.servers.create(#{ name: "marker", adminPass: "of-a-script-c4nary" }));
        keep.call("keypair", || capi.request("POST", "compute", "/os-keypairs", #{ keypair: #{ name: "marker" } }));
        keep.call("credential", || capi.request("POST", "identity", "/users/op-id/application_credentials",
            #{ application_credential: #{ name: "marker", secret: "of-a-script-c4nary" } }));
        keep.call("tool", || site.tool("cat").run(["clouds.yaml"]).stdout);
    });
    verify("wait", "Wait", #{ on_fail: "continue" }, || {
        poll(#{ title: "it", every: 1.s, within: 1.s, read: || capi.servers.list(), done: |l| false, show: |l| `${l}` });
    });
    verify("last", "Nobody catches it", || {
        let all = capi.servers.list();
        throw `${all[0].name} ${all[0].status}`;
    });
"#;

const SITE: &str = r#"
name = "echo"
[run]
notify = ["./hook"]
[scopes.capi]
cloud = "stub"
project = "capi-mgmt"
domain = "capi"
[kube.mgmt]
kubeconfig = "mgmt.kubeconfig"
[tools.cat]
program = "/bin/cat"
[endpoints.there]
url = "http://{address}/there"
"#;

/// The answers of the folder.
fn answers() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adversary/answers");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|e| e == "http"));
    all.sort();
    all
}

/// An answer as it goes out.
fn played(path: &Path) -> Vec<u8> {
    let mut text = fs::read_to_string(path).unwrap();
    for (name, secret) in [("token", TOKEN), ("password", PASSWORD)] {
        for (encoding, form) in forms(secret) {
            text = text.replace(&format!("{{{{{name}{encoding}}}}}"), &form);
        }
    }
    let text = text.replace("{{basic}}", &basic());
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A token for the project, from a Keystone whose catalog names this server.
fn token(address: &str) -> Vec<u8> {
    let at = |path: &str| json!([{"interface": "public", "region_id": "one", "url": format!("http://{address}{path}")}]);
    let body = json!({"token": {
        "issued_at": "2026-06-10T02:00:00Z", "expires_at": "2026-06-10T03:00:00Z",
        "user": {"id": "op-id", "name": "op", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": "0123456789abcdef0123456789abcdef", "name": "capi-mgmt", "domain": {"id": "capi", "name": "capi"}},
        "roles": [{"id": "r", "name": "member"}, {"id": "l", "name": "load-balancer_member"}],
        "catalog": [
            {"type": "compute", "endpoints": at("/compute/v2.1")}, {"type": "identity", "endpoints": at("/identity")},
            {"type": "load-balancer", "endpoints": at("/lb")},
        ],
    }});
    let headers = format!("content-type: application/json\r\nx-subject-token: {TOKEN}\r\n");
    loopback::answer("201 Created", &headers, &body.to_string())
}

fn server(runtime: &tokio::runtime::Runtime, path: &Path) -> Loopback {
    let (said, of_keystone) =
        (played(path), path.file_name().unwrap().to_string_lossy().starts_with("keystone-"));
    runtime.block_on(loopback::serve(move |_, head| {
        let host = head.lines().find_map(|l| l.strip_prefix("host: ")).unwrap_or_default().to_string();
        match head.starts_with("POST /identity/v3/auth/tokens") && !of_keystone {
            true => token(&host),
            false => said.clone(),
        }
    }))
}

/// A site whose cloud and cluster that server plays.
fn rig(server: &Loopback) -> Rig {
    let address = server.address.to_string();
    let rig = Rig::new(&SITE.replace("{address}", &address));
    let auth = json!({
        "auth_url": format!("http://{address}/identity"), "username": "op", "user_domain_name": "Default",
        "password": PASSWORD,
    });
    rig.file("clouds.yaml", &json!({"clouds": {"stub": {"auth": auth}}}).to_string());
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    });
    rig.file("mgmt.kubeconfig", &kubeconfig.to_string());
    rig.file("echo.rhai", RUNBOOK);
    rig.file("hook", "#!/bin/sh\ncat >> hook.log\n");
    fs::set_permissions(rig.site().join("hook"), fs::Permissions::from_mode(0o700)).unwrap();
    rig
}

/// All that a program's end and its state hold.
fn holds_none(what: &str, rig: &Rig, output: &std::process::Output) {
    clean(&format!("{what}: stdout"), &output.stdout);
    clean(&format!("{what}: stderr"), &output.stderr);
    let kept = files(&rig.state());
    assert!(kept.iter().any(|path| path.ends_with("journal.jsonl")), "{what}: nothing was kept");
    for path in kept.iter().filter(|path| path.extension().is_none_or(|e| e != "rhai")) {
        let bytes = fs::read(path).unwrap();
        clean(&format!("{what}: {}", path.display()), &bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("of-a-script-c4nary"), "{what}: {}", path.display());
    }
}

#[test]
fn what_a_service_repeats_is_in_no_journal_report_hook_or_terminal() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for path in answers() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let server = server(&runtime, &path);
        let rig = rig(&server);
        let output = rig.command(&["run", "echo", "--yes"]).output().unwrap();
        holds_none(&name, &rig, &output);
        let hook = fs::read(rig.site().join("hook.log")).unwrap();
        clean(&format!("{name}: the hook's input"), &hook);
        // it was not for nothing: the answer came, and what follows a first word of it was kept or withheld
        let journal =
            fs::read_to_string(files(&rig.state()).iter().find(|p| p.ends_with("journal.jsonl")).unwrap())
                .unwrap();
        let hidden = journal.contains("***") || journal.contains("words are withheld");
        assert!(hidden, "{name}: nothing was masked:\n{journal}");
        for again in ["show-run", "verify-run", "runs"] {
            let shown =
                rig.command(&[again, "last"][..if again == "runs" { 1 } else { 2 }]).output().unwrap();
            clean(&format!("{name}: {again}"), &shown.stdout);
            clean(&format!("{name}: {again}"), &shown.stderr);
        }
    }
}

#[test]
fn a_session_shows_no_secret_that_a_service_repeats() {
    use std::io::Write as _;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let script = r#"let all = ();
try { all = capi.servers.list(); } catch (e) { all = e.message; }
all
_
:json all
:yaml all
let first = ();
try { first = `${all[0].name} ${all[0]}`; } catch (e) { first = `${e}`; }
first
try { first = site.tool("cat").query(["clouds.yaml"]); } catch (e) { first = e.message; }
first
:json first
capi.servers.get("marker").name
:why
capi.servers.list()
"#;
    for path in answers() {
        let name = format!("repl, {}", path.file_stem().unwrap().to_string_lossy());
        let server = server(&runtime, &path);
        let rig = rig(&server);
        let mut command = rig.command(&["repl"]);
        let piped = std::process::Stdio::piped;
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        holds_none(&name, &rig, &child.wait_with_output().unwrap());
    }
}

/// What the site's files hold is known before anything uses it.
#[test]
fn a_secret_of_the_site_is_masked_in_a_run_that_never_uses_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = server(&runtime, &answers()[0]);
    let rig = rig(&server);
    let site = fs::read_to_string(rig.site().join("site.toml")).unwrap();
    let with_token = "program = \"/bin/cat\"\nenv = { TOKEN = { file = \"token\" } }";
    rig.file("site.toml", &site.replace("program = \"/bin/cat\"", with_token));
    rig.file("token", &format!("{TOKEN}\n"));
    let quoted = serde_json::to_string(PASSWORD).unwrap();
    let echo = format!(
        "verify(\"1\", \"Echo\", || {{ for s in [{quoted}, \"{TOKEN}\"] {{ note(s); fact(s, s); gate(s, true, s); }} }});"
    );
    rig.file("echo.rhai", &echo);
    let output = rig.command(&["run", "echo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    holds_none("the site's own", &rig, &output);
}
