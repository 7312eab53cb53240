//! Sites that are refused, as the program tells it: each with the file and, where it has one, the line.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::directory::golden;
use crate::rig::Rig;

const SITE: &str = "name = \"odd\"\nrunbooks = [\"mine\"]\n[values]\nmgmt_server = \"vm\"\n[scopes.capi-mgmt]\ncloud = \"c\"\nproject = \"p\"\n";
const CLOUDS: &str = "clouds:\n  c:\n    auth:\n      auth_url: http://127.0.0.1:1/v3\n      username: u\n      user_domain_name: d\n      password: hunter2\n";

const MINE: &str = r#"//! Mine.
runbook("mine", "Mine");
let tenant = site.scope("capi-mgmt");
verify("1", "It is there", || gate("it is there", tenant.servers.find(site.mgmt_server) != ()));
"#;

/// A site that is whole.
fn whole() -> Rig {
    let rig = Rig::new(SITE);
    rig.file("clouds.yaml", CLOUDS);
    rig.file("mine.rhai", MINE);
    rig
}

/// What `site check` says of a site that is odd, and its exit code.
fn told(what: &str, odd: impl FnOnce(&Rig)) -> String {
    let rig = whole();
    odd(&rig);
    let ended = rig.run(&["site", "check", "--offline"]);
    let home = rig.site().parent().unwrap().canonicalize().unwrap();
    let said = format!("{}{}", ended.stdout, ended.stderr);
    let said = said.split("\nsite odd").next().unwrap_or_default();
    assert!(!said.contains("hunter2"), "a secret is told: {said}");
    let said = said.replace(&*home.to_string_lossy(), "HOME");
    let said: String = said.lines().map(|l| format!("{}\n", l.trim_end())).collect();
    format!("=> {what}: exit code {}\n{}\n\n", ended.exit, said.trim_end())
}

#[test]
fn a_whole_site_passes() {
    whole().run(&["site", "check", "--offline"]).expect(0);
}

#[test]
fn what_is_refused_is_told_with_its_place() {
    let toml = |from: &'static str, to: &'static str| {
        move |rig: &Rig| {
            assert!(SITE.contains(from));
            rig.file("site.toml", &SITE.replace(from, to));
        }
    };
    let script = |text: &'static str| {
        move |rig: &Rig| rig.file("own.rhai", &format!("//! Own.\n{text}\nrunbook(\"own\", \"Own\");\n"))
    };
    let mut page = String::new();
    for told in [
        told("a value of the wrong type", toml("mgmt_server = \"vm\"", "node_count = \"two\"")),
        told("an unknown value", toml("mgmt_server", "mgmt_sever")),
        told("an unknown key", toml("[values]", "[valeus]")),
        told("a value that is missing", toml("mgmt_server = \"vm\"", "")),
        told("a scope that is missing", toml("[scopes.capi-mgmt]", "[scopes.capi]")),
        told("a runbook that is not there", toml("\"mine\"", "\"mien\"")),
        told("an import by a path upwards", script("import \"../other/std\" as other;")),
        told("an import by an absolute path", script("import \"/etc/passwd\" as other;")),
        told("a cyclic import", |rig| {
            rig.file("lib/a.rhai", "import \"lib/b\" as b;\nfn a() { b::b() }\n");
            rig.file("lib/b.rhai", "import \"lib/a\" as a;\nfn b() { a::a() }\n");
        }),
        told("a link out of the layer", |rig| {
            fs::write(rig.site().join("../outside.rhai"), "fn f() { 1 }\n").unwrap();
            fs::create_dir(rig.site().join("lib")).unwrap();
            symlink(rig.site().join("../outside.rhai"), rig.site().join("lib/inside.rhai")).unwrap();
        }),
        told("a script that everybody may write to", |rig| {
            fs::set_permissions(rig.site().join("mine.rhai"), fs::Permissions::from_mode(0o666)).unwrap();
        }),
        told("a secret that others may read", |rig| {
            fs::set_permissions(rig.site().join("clouds.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
        }),
        told("another site inside", |rig| rig.file("east/site.toml", "name = \"east\"\n")),
        told("a site inside another", |rig| {
            fs::write(rig.site().join("../site.toml"), "name = \"outer\"\n").unwrap()
        }),
        told("a waiver of a step that is not there", |rig| {
            rig.file(
                "waivers.toml",
                "[[waivers]]\ngate = \"x\"\nrunbook = \"mine\"\nstep = \"3\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2099-01-01\n",
            );
        }),
        told("a waiver of a gate that is not there", |rig| {
            rig.file(
                "waivers.toml",
                "[[waivers]]\ngate = \"it was there\"\nrunbook = \"mine\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2099-01-01\n",
            );
        }),
        told("a waiver that has run out", |rig| {
            rig.file(
                "waivers.toml",
                "[[waivers]]\ngate = \"it is there\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2020-01-01\n",
            );
        }),
    ] {
        let _ = write!(page, "{told}");
    }
    golden("refused", &page);
}
