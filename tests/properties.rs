//! Whatever stands in a file of the operator's or comes from a service, it is read or refused, never a panic; and what
//! was written is read back. openrc files have their own properties, against bash, in `openrc.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use rhumb::base::{ErrorKind, Secret, duration};
use rhumb::run::{Journal, Record, journal};
use rhumb::site::Site;
use rhumb::site::credentials::clouds_yaml;
use rhumb::site::document::Node;
use rhumb::systems::kubernetes::{Expected, KindName, Kube, KubeSpec, KubeconfigSource};

/// Text put together from the words of a format, so that it comes deep into its reader.
fn soup(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![6 => proptest::sample::select(words).prop_map(String::from), 1 => "\\PC{0,6}"];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const YAML: &[&str] = &[
    "clouds:\n",
    "  a:\n",
    "    auth:\n",
    "      auth_url: ",
    "http://x/v3\n",
    "      password: p\n",
    "profile: ",
    "a\n",
    "- ",
    "? ",
    ": ",
    "&x ",
    "*x ",
    "<<: ",
    "|\n",
    ">\n",
    "---\n",
    "...\n",
    "!!binary ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "#",
    "\t",
    "  ",
    "\n",
    "~",
    "0x10",
    "1e400",
    "-.inf",
    "\u{feff}",
    "\r\n",
    "auth_type: v3token\n",
    "region_name: [a, b]\n",
];

const TOML: &[&str] = &[
    "name = \"x\"\n",
    "[scopes.a]\n",
    "[[scopes.a]]\n",
    "cloud = \"a\"\n",
    "openrc = \"x\"\n",
    "project = ",
    "\"p\"\n",
    "roles = [",
    "]\n",
    "[hosts.h]\n",
    "address = \"::1\"\n",
    "port = 99999999999\n",
    "user = \"u\"\n",
    "[values]\n",
    "[run]\n",
    "lock = { kube = \"m\" }\n",
    "slots = { a = 0 }\n",
    "[kube.m]\n",
    "kubeconfig = \"k\"\n",
    "\"\"\"",
    "'''",
    "=",
    ".",
    "\n",
    "inf\n",
    "1979-05-27\n",
    "{",
    "}",
    "[extra]\n",
    "a.b.c = 1\n",
    "cleanup_within = \"1h\"\n",
    "password = { env = \"A\" }\n",
    "[endpoints.e]\n",
    "url = \"http://[\"\n",
    "expect = [200, -1]\n",
    "jump = \"h\"\n",
    "#",
    "\u{feff}",
    "\r\n",
];

const KUBECONFIG: &[&str] = &[
    "apiVersion: v1\n",
    "kind: Config\n",
    "current-context: a\n",
    "contexts:\n",
    "clusters:\n",
    "users:\n",
    "- name: a\n",
    "  context: {cluster: a, user: a}\n",
    "  cluster:\n",
    "    server: https://127.0.0.1:6443\n",
    "    server: ://\n",
    "    certificate-authority-data: AAAA\n",
    "    certificate-authority-data: '%'\n",
    "    proxy-url: ':'\n",
    "  user:\n",
    "    token: t\n",
    "    client-key-data: LS0t\n",
    "    exec: {command: x}\n",
    "    auth-provider: {name: gcp}\n",
    "    tls-server-name: ' '\n",
    "- name: b\n",
    "\n",
    "  ",
    "{",
    "}",
    "*a",
    "&a ",
    "---\n",
    "insecure-skip-tls-verify: true\n",
];

const MARKDOWN: &[&str] = &[
    "```\n",
    "```bash\n",
    "```yaml\n",
    "~~~\n",
    "( {\n",
    "} )\n",
    "for i in $(seq 1 9); do\n",
    "while true; do ",
    "sleep 5\n",
    "done\n",
    "break\n",
    "openstack loadbalancer failover x\n",
    "P=$(openstack project show p -c id)\n",
    "2>/dev/null",
    " \\\n",
    "|",
    "||",
    "grep -vE 'a|b'",
    "kubectl get pods -A ",
    "kubectl delete svc x\n",
    "\n\n",
    "# ",
    "----\n",
    "é",
    "\u{202e}",
    "\r\n",
    "export OS_PROJECT_ID=",
    "0123456789abcdef0123456789abcdef",
    "dead 10.0.0.1 ",
    "project p ",
    "set -e\n",
];

const RHAI: &[&str] = &[
    "runbook(\"x\", \"X\");\n",
    "verify(\"1\", \"T\", ",
    "change(\"2\", \"T\", #{",
    "|| {",
    "})",
    ";\n",
    "poll(#{ every: 1.s, ",
    "within: 1.min",
    "read: || 1",
    ", ",
    "let x = ",
    "const Y = ",
    "fn f(a) { ",
    "}",
    "import \"std/octavia\" as o;\n",
    "o::broken(x)",
    "site.scope(\"a\")",
    ".servers",
    ".list()",
    "`${",
    "}`",
    "if x { ",
    "} else ",
    "switch x { 1 => 2 }",
    "for i in 0..3 { ",
    "//! head\n",
    "/// doc\n",
    "/*",
    "*/",
    "\"",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "#{",
    "override_step(\"1\", |o| o.call());\n",
    "gate(\"c\", true)",
    "defer(\"d\", || 1)",
    "::",
    "?.",
    "??",
    "é",
];

fn few() -> ProptestConfig {
    ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() }
}

/// A file that only its owner may read, as files of credentials are.
fn private(dir: &Path, name: &str, text: &[u8]) -> std::path::PathBuf {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = dir.join(name);
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    file.write_all(text).unwrap();
    path
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn any_duration_or_size_is_read_or_refused(text in "\\PC*|[0-9. ]{0,24}(ms|s|min|h|d|GiB|kB)?( ?[0-9.]+[a-z]{1,3})*") {
        for kind in [duration::parse(&text).err(), duration::parse_size(&text).err()].into_iter().flatten() {
            prop_assert_eq!(kind.kind(), ErrorKind::Argument);
        }
    }

    #[test]
    fn a_duration_that_is_shown_is_read_as_what_is_shown(ms in 0u64..315_000_000_000) {
        let shown = duration::show(Duration::from_millis(ms));
        let read = duration::parse(&shown).unwrap();
        prop_assert_eq!(duration::show(read), shown.clone());
        // what is left out is less than a fiftieth, or below a second
        let lost = Duration::from_millis(ms).abs_diff(read);
        prop_assert!(lost < Duration::from_secs(1) || lost * 23 <= Duration::from_millis(ms), "{shown}");
    }

    #[test]
    fn a_size_with_its_unit_is_a_product(n in 0u64..8000, unit in 0usize..4) {
        let (name, factor) = [("B", 1u64), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)][unit];
        for text in [format!("{n}{name}"), format!(" {n} {name} ")] {
            prop_assert_eq!(duration::parse_size(&text).unwrap(), n * factor);
        }
    }

    #[test]
    fn any_document_is_read_or_refused(text in prop_oneof![soup(YAML), soup(TOML), "\\PC*"]) {
        let _ = Node::from_yaml("x.yaml", &text);
        let _ = Node::from_toml("x.toml", &text);
    }

    #[test]
    fn any_site_file_is_taken_or_refused(text in soup(TOML)) {
        for text in [text.clone(), format!("name = \"x\"\n{text}")] {
            if let Err(e) = Site::from_embedded(&text, "site.toml", &[]) {
                prop_assert_eq!(e.kind(), ErrorKind::Site, "{}", e);
            }
        }
    }

    #[test]
    fn any_clouds_yaml_is_read_or_refused(text in soup(YAML), behind in soup(YAML)) {
        let dir = tempfile::tempdir().unwrap();
        for text in [text.clone(), format!("clouds:\n  a:\n{behind}")] {
            let path = private(dir.path(), "clouds.yaml", text.as_bytes());
            let _ = clouds_yaml::names(&path);
            let _ = clouds_yaml::read(&path, "a");
        }
    }

    #[test]
    fn what_a_clouds_yaml_says_is_read_back(project in "[ -~é]{1,20}", password in "[ -~é]{1,20}") {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let text = format!(
            "clouds:\n  a:\n    auth:\n      auth_url: https://k/v3\n      username: u\n      project_name: {}\n      password: {}\n",
            quoted(&project), quoted(&password),
        );
        let dir = tempfile::tempdir().unwrap();
        let path = private(dir.path(), "clouds.yaml", text.as_bytes());
        prop_assert_eq!(clouds_yaml::names(&path).unwrap(), ["a"]);
        let entry = clouds_yaml::read(&path, "a").unwrap();
        prop_assert_eq!(entry.text("project_name"), Some(project.as_str()));
        prop_assert_eq!(entry.secret("password").map(|s| s.expose().to_string()), Some(password));
    }

    #[test]
    fn any_kubeconfig_is_taken_or_refused(text in prop_oneof![4 => soup(KUBECONFIG), 1 => soup(YAML)], file in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _inside = runtime.enter();
        let dir = tempfile::tempdir().unwrap();
        let source = match file {
            true => KubeconfigSource::File { path: private(dir.path(), "config", text.as_bytes()), allow_exec: false },
            false => KubeconfigSource::Fetched(Secret::new(text)),
        };
        let spec = KubeSpec { name: "k".into(), source, context: None, expected: Expected::default() };
        let _ = Kube::new(&spec, None, None);
    }

    #[test]
    fn a_kubeconfig_that_is_whole_is_taken_as_it_is(name in "[a-z][a-z0-9-]{0,12}", port in 1u16.., namespace in "[a-z]{1,9}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let _inside = runtime.enter();
        let text = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
            "clusters": [{"name": "c", "cluster": {"server": format!("https://127.0.0.1:{port}")}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        });
        let source = KubeconfigSource::Fetched(Secret::new(text.to_string()));
        let kube = Kube::new(&KubeSpec { name: "k".into(), source, context: None, expected: Expected::default() }, None, None);
        let kube = kube.unwrap();
        prop_assert_eq!(kube.namespace(), namespace);
        prop_assert!(kube.server().starts_with(&format!("https://127.0.0.1:{port}")) || port == 443, "{}", kube.server());
    }

    #[test]
    fn any_kind_of_kubernetes_is_read_or_refused(text in "\\PC*|[a-zA-Z0-9./-]{0,30}") {
        let _ = text.parse::<KindName>();
    }

    #[test]
    fn any_bytes_are_read_as_a_journal_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in "\\PC*\n") {
        let dir = tempfile::tempdir().unwrap();
        for bytes in [bytes.as_slice(), json.as_bytes()] {
            let path = private(dir.path(), "journal.jsonl", bytes);
            if let Err(e) = journal::read(&path) {
                prop_assert_eq!(e.kind(), ErrorKind::Journal);
            }
        }
    }

    #[test]
    fn a_journal_is_read_back_and_no_changed_byte_goes_unseen(
        texts in proptest::collection::vec("\\PC{0,20}|[\\x00-\\x7f]{0,20}", 1..5),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut written = Vec::new();
        let mut it = Journal::create(&dir.path().join("run"), false).unwrap();
        for text in &texts {
            let record = Record::Note { step: "1".into(), text: text.clone() };
            written.push(it.append(Timestamp::UNIX_EPOCH, record).unwrap());
        }
        let path = it.path().to_path_buf();
        prop_assert_eq!(&journal::read(&path).unwrap().entries, &written);

        // the last line is held by nothing behind it, so that the head is kept elsewhere (docs/journal.md)
        let mut bytes = std::fs::read(&path).unwrap();
        let head = journal::read(&path).unwrap().last_hash;
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(read) = journal::read(&path) {
            prop_assert!(read.last_hash != head, "byte {} may be changed unseen", at);
        }
    }

    #[test]
    fn any_markdown_is_read(text in soup(MARKDOWN)) {
        let texts = [rhumb::lint::Text { file: "x.md".into(), text: text.clone() }];
        let linted = rhumb::lint::lint(&texts);
        for finding in &linted.findings {
            prop_assert!(finding.line <= text.matches('\n').count() + 1);
        }
        let _ = linted.draw(80, true);
    }

    #[test]
    fn any_script_is_surveyed(text in soup(RHAI)) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("site.toml"), "name = \"x\"\n").unwrap();
        std::fs::write(dir.path().join("any.rhai"), text).unwrap();
        let layers = rhumb::site::Layers::new(None, Some(dir.path())).unwrap();
        let checked = rhumb::script::check::check(&layers, &["any".to_string()]).unwrap();
        let _ = checked.draw(80, false);
    }
}
