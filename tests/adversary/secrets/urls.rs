//! A URL with a user or a password is refused where an operator wrote it, with the line, and stripped where a service
//! says it.

use super::clean;
use super::rig::Rig;

/// A user and a password in a URL; the password is one of the canaries.
const USER: &str = "op:p4ss%20w0rd";

const SCOPE: &str = "name = \"u\"\n[scopes.capi]\ncloud = \"stub\"\nproject = \"p\"\ndomain = \"d\"\n";

fn clouds(auth_url: &str, more: &str) -> String {
    format!(
        "clouds:\n  stub:\n    auth:\n      auth_url: {auth_url}\n      username: op\n      password: x\n      \
         user_domain_name: d\n{more}"
    )
}

#[test]
fn an_operators_url_with_a_password_is_refused_at_its_line() {
    let kube = "name = \"u\"\n[kube.mgmt]\nkubeconfig = \"k\"\n";
    let kubeconfig = |server: &str, proxy: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster:\n    server: {server}\n    \
             {proxy}\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\nusers:\n- name: u\n  user: {{token: t}}\n"
        )
    };
    let good = "https://127.0.0.1:1/x";
    let bad = format!("https://{USER}@127.0.0.1:1/x");
    let ask_cloud = "verify(\"1\", \"Ask\", || site.scope(\"capi\").servers.list());";
    let ask_kube = "verify(\"1\", \"Ask\", || site.kube(\"mgmt\").get(\"pod\", \"x\"));";
    let openrc = SCOPE.replace("cloud = \"stub\"", "openrc = \"openrc\"");
    for (site, file, text, script, line) in [
        (SCOPE, "clouds.yaml", clouds(&bad, ""), ask_cloud, "clouds.yaml:4"),
        (
            SCOPE,
            "clouds.yaml",
            clouds(good, &format!("    compute_endpoint_override: {bad}\n")),
            ask_cloud,
            "clouds.yaml:8",
        ),
        (
            &openrc,
            "openrc",
            format!(
                "export OS_USERNAME=op\nexport OS_AUTH_URL={bad}\nexport OS_PASSWORD=x\nexport OS_USER_DOMAIN_NAME=d\n"
            ),
            ask_cloud,
            "openrc:2",
        ),
        (kube, "k", kubeconfig(&bad, ""), ask_kube, "k:7"),
        (kube, "k", kubeconfig(good, &format!("proxy-url: {bad}")), ask_kube, "k:8"),
        (
            &format!("name = \"u\"\n[endpoints.e]\nurl = \"{bad}\"\n"),
            "x",
            String::new(),
            ask_cloud,
            "site.toml:3",
        ),
        (
            &SCOPE.replace("domain", &format!("proxy = \"{bad}\"\ndomain")),
            "x",
            String::new(),
            ask_cloud,
            "site.toml:5",
        ),
    ] {
        let rig = Rig::new(site);
        rig.file(file, &text);
        rig.file("ask.rhai", script);
        let output = rig.command(&["run", "ask"]).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
        assert_eq!(output.status.code(), Some(7), "{line}: {said}");
        clean(line, said.as_bytes());
        let flat: String =
            said.split_whitespace().filter(|w| !matches!(*w, "│" | "×")).collect::<Vec<_>>().join(" ");
        assert!(flat.contains(line), "{line}: {said}");
        assert!(flat.contains("a user or a password"), "{line}: {said}");
        for kept in super::files(&rig.state()) {
            clean(line, &std::fs::read(kept).unwrap());
        }
    }
}

#[test]
fn a_request_to_a_url_with_a_password_is_refused_and_not_shown() {
    let rig = Rig::new("name = \"u\"\n");
    rig.file(
        "ask.rhai",
        &format!(
            "verify(\"1\", \"Ask\", || {{ try {{ probe::http(\"http://{USER}@127.0.0.1:1/\") }} catch (e) {{ note(e.message); throw e }} }});"
        ),
    );
    let ended = rig.run(&["run", "ask"]).expect(1);
    assert!(ended.told().contains("holds a user or a password"), "{}", ended.stderr);
    clean("stderr", ended.stderr.as_bytes());
    for kept in super::files(&rig.state()).iter().filter(|path| path.extension().is_none_or(|e| e != "rhai"))
    {
        clean("kept", &std::fs::read(kept).unwrap());
    }
}
