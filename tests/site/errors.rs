//! What an operator reads about a site file that is wrong: place, sentence, help, word by word.

use std::path::Path;

use proptest::prelude::*;
use rhumb::site::Site;

use crate::directory::{golden, told};

/// Each text with what is told about it.
fn refusals(texts: &[&str]) -> String {
    let refusal = |text: &&str| match Site::from_embedded(text, "site.toml", &[]) {
        Ok(_) => format!("{text}\n=> this is fine\n"),
        Err(error) => format!("{text}\n=> {}\n", told(&error)),
    };
    texts.iter().map(refusal).collect::<Vec<_>>().join("\n")
}

#[test]
fn texts_that_are_no_site_file() {
    golden(
        "site_no_site_file",
        &refusals(&[
            "",
            "name = \"x\"\nname = \"y\"",
            "name = 'x",
            "[scopes\nname = \"x\"",
            "name = x",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\n[scopes.a]\ncloud = \"b\"",
            "name = \"x\"\nscopes = \"a\"",
        ]),
    );
}

#[test]
fn keys_that_are_unknown_missing_or_of_another_type() {
    golden(
        "site_keys",
        &refusals(&[
            "name = \"x\"\n[scope.admin]\ncloud = \"admin\"",
            "name = \"x\"\nzzz = 1",
            "name = \"x\"\n[scopes.admin]\nclod = \"admin\"",
            "name = \"x\"\n[scopes.admin]\nproject = \"admin\"",
            "name = \"x\"\n[scopes.admin]\ncloud = 7",
            "name = \"x\"\n[scopes.admin]\ncloud = \"\"",
            "name = 7",
            "name = \"Big Site\"",
            "name = \"x\"\n[scopes.\"a b\"]\ncloud = \"admin\"",
            "name = \"x\"\n[hosts.a]\naddress = \"10.0.0.1\"",
            "name = \"x\"\n[hosts.a]\naddress = \"10.0.0.1\"\nuser = \"u\"\nport = 70000",
            "name = \"x\"\n[hosts.a]\naddress = \"10.0.0.1\"\nuser = \"u\"\nconnect_within = \"10\"",
            "name = \"x\"\n[tools.juju]\nprogram = [\"juju\"]",
            "name = \"x\"\n[hosts.a]\naddress = \"a\"\nuser = \"u\"\nhost_keys = \"accept\"",
            "name = \"x\"\n[endpoints.keystone]\nurl = \"10.12.4.50:5000\"",
            "name = \"x\"\n[endpoints.keystone]\nurl = \"https://admin:pw@10.12.4.50:5000\"",
            "name = \"x\"\n[endpoints.keystone]\nurl = \"https://10.12.4.50:5000\"\nexpect = [\"200\"]",
        ]),
    );
}

#[test]
fn scopes_that_could_mean_two_things() {
    golden(
        "site_scopes",
        &refusals(&[
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\nopenrc = \"rc\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\nproject = \"p\"\nproject_id = \"674171fd28d446d3a37073b6a761e910\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\nproject_id = \"674171fd28d446d3a37073b6a761e910\"\ndomain = \"d\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\nsystem = true\nproject = \"p\"",
            "name = \"x\"\n[scopes.a]\nopenrc = \"rc\"\nclouds_file = \"clouds.yaml\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\ninterface = \"pubic\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\npassword = \"hunter2\"",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\npassword = { env = \"PW\", file = \"pw\" }",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\npassword = { environment = \"PW\" }",
            "name = \"x\"\n[scopes.a]\ncloud = \"a\"\nroles = \"admin\"",
        ]),
    );
}

#[test]
fn values_of_another_type() {
    golden(
        "site_values",
        &refusals(&[
            "name = \"x\"\n[values]\nimgae = \"ubuntu\"",
            "name = \"x\"\n[values]\nfrobnicate = 1",
            "name = \"x\"\n[values]\nimage = 5",
            "name = \"x\"\n[values]\nnode_count = \"2\"",
            "name = \"x\"\n[values]\nnode_count = { value = \"2\", from = \"phase-08\" }",
            "name = \"x\"\n[values]\nnode_count = { value = 2, form = \"phase-08\" }",
            "name = \"x\"\n[values]\ncluster_within = \"an hour\"",
            "name = \"x\"\n[values]\ncluster_within = 60",
            "name = \"x\"\n[values]\nreserved_host_memory = 8192",
            "name = \"x\"\n[values]\nworkload_cidr = \"10.20.16.5/24\"",
            "name = \"x\"\n[values]\nworkload_cidr = \"10.20.16.0\"",
            "name = \"x\"\n[values]\ndns_nameservers = [\"8.8.8.8\", \"dns\"]",
            "name = \"x\"\n[values]\ndns_nameservers = \"8.8.8.8\"",
            "name = \"x\"\n[values]\nimage_sha512 = \"7efde4857c9f\"",
            "name = \"x\"\n[values]\nexternal_network_id = \"0d00ddc1\"",
            "name = \"x\"\n[values]\nnetwork_driver = \"flannel\"",
            "name = \"x\"\n[values]\ntemplate_labels = { a = 1 }",
        ]),
    );
}

#[test]
fn names_of_handles_that_are_not_declared() {
    golden(
        "site_undeclared_handles",
        &refusals(&[
            "name = \"x\"\n[values]\ntenant_probe_host = \"capi-mgmt\"",
            "name = \"x\"\n[endpoints.keystone]\nurl = \"http://k/\"\n[values]\ncore_endpoints = [\"keystone\", \"keystne\"]",
            "name = \"x\"\n[kube.mgmt]\nhost = \"mgnt\"\nprint = [\"k8s\"]\n[hosts.mgmt]\naddress = \"a\"\nuser = \"u\"",
            "name = \"x\"\n[kube.mgmt]\nkubeconfig = \"k\"\nhost = \"h\"",
            "name = \"x\"\n[kube.mgmt]\nhost = \"h\"",
            "name = \"x\"\n[kube.mgmt]\nhost = \"h\"\nprint = []",
            "name = \"x\"\n[kube.mgmt]\nhost = \"h\"\nprint = [\"k8s\"]\nallow_exec = true\n[hosts.h]\naddress = \"a\"\nuser = \"u\"",
            "name = \"x\"\n[hosts.a]\naddress = \"a\"\nuser = \"u\"\njump = \"b\"",
            "name = \"x\"\n[hosts.a]\naddress = \"a\"\nuser = \"u\"\njump = \"b\"\n[hosts.b]\naddress = \"b\"\nuser = \"u\"\njump = \"a\"",
            "name = \"x\"\n[run]\nlock = \"lease\"",
            "name = \"x\"\n[run]\nlock = { kube = \"mgmt\", namespace = \"rhumb\" }",
            "name = \"x\"\n[run]\nnotify = \"mail\"",
            "name = \"x\"\n[run]\nslots = { amphora = 0 }",
        ]),
    );
}

#[test]
fn a_handle_that_a_script_asks_for_and_the_site_lacks() {
    let site = "name = \"x\"\n[scopes.admin]\ncloud = \"a\"\n[scopes.capi-mgmt]\ncloud = \"a\"";
    let site = Site::from_embedded(site, "site.toml", &[]).unwrap();
    let asked = [
        site.scope("capi-mgnt").map(|_| ()),
        site.scope("zzz").map(|_| ()),
        site.kube("mgmt").map(|_| ()),
        site.host("a\nb").map(|_| ()),
        site.tool("juju").map(|_| ()),
        site.endpoint("keystone").map(|_| ()),
        site.values().get("imgae").map(|_| ()),
        site.values().get("image").map(|_| ()),
    ];
    golden("site_handles_asked_for", &asked.map(|r| told(&r.unwrap_err())).join("\n"));
}

#[test]
fn directories_that_are_no_site() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let make = |name: &str, text: &str| {
        let site = root.join(name);
        std::fs::create_dir_all(&site).unwrap();
        std::fs::write(site.join("site.toml"), text).unwrap();
        site
    };
    let open = make("open", "name = \"open\"");
    std::fs::set_permissions(open.join("site.toml"), std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::create_dir(root.join("empty")).unwrap();
    std::fs::create_dir(root.join("linked")).unwrap();
    symlink(open.join("site.toml"), root.join("linked/site.toml")).unwrap();
    make("outer", "name = \"outer\"");
    make("outer/inner", "name = \"inner\"");
    let waived = make("waived", "name = \"waived\"");
    std::fs::write(waived.join("waivers.toml"), "[[waivers]]\ngate = \"x\"\nowner = \"o\"\n").unwrap();
    let binary = make("binary", "");
    std::fs::write(binary.join("site.toml"), b"name = \"x\"\n# \xff\n").unwrap();

    let names =
        ["absent", "empty", "open", "linked", "outer/inner", "waived", "binary", "waived/waivers.toml"];
    let tell = |name: &str| {
        let error = Site::load_over(&root.join(name), &[], None).unwrap_err();
        format!("{name}: {}", told(&error).replace(&*root.to_string_lossy(), "SITES"))
    };
    golden("site_directories", &names.map(tell).join("\n"));
}

#[test]
fn a_wrong_set_is_the_command_lines_fault() {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sites/roosevelt");
    let sets = ["node_count=two", "nodes=2", "node_count", "core_endpoints=keystone,keystne"];
    let tell = |set: &str| told(&Site::load_over(&site, &[set.to_string()], None).unwrap_err());
    golden("site_wrong_set", &sets.map(tell).join("\n"));
}

#[test]
fn role_requirements_of_operations_that_do_not_exist() {
    golden(
        "site_roles",
        &refusals(&[
            "name = \"x\"\n[roles.overrides]\n\"load_balancers.failovr\" = [\"admin\"]",
            "name = \"x\"\n[roles.overrides]\n\"load_balncers.failover\" = [\"admin\"]",
            "name = \"x\"\n[roles.overrides]\n\"load_balancers.failover\" = \"admin\"",
            "name = \"x\"\n[roles]\nadmin = [\"admin\"]",
        ]),
    );
}

/// A good site file that has everything.
const WHOLE: &str = include_str!("../../examples/sites/roosevelt/site.toml");

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_site_or_an_error_with_its_place(text in "(\\PC|\n){0,80}") {
        if let Err(error) = Site::from_embedded(&text, "site.toml", &[]) {
            prop_assert!(error.detail().place.is_some(), "{}", error);
        }
    }

    #[test]
    fn a_site_file_with_a_piece_cut_out_or_put_in_is_read_or_refused(
        at in 0..WHOLE.len(), cut in 0..40usize, put in "[ -~\n]{0,10}",
    ) {
        let start = (0..=at).rev().find(|n| WHOLE.is_char_boundary(*n)).unwrap();
        let end = (start + cut).min(WHOLE.len());
        prop_assume!(WHOLE.is_char_boundary(end));
        let text = format!("{}{put}{}", &WHOLE[..start], &WHOLE[end..]);
        if let Err(error) = Site::from_embedded(&text, "site.toml", &[]) {
            prop_assert!(error.detail().place.is_some(), "{}", error);
        }
    }

    #[test]
    fn any_set_is_taken_or_the_command_lines_fault(name in "[a-z_]{0,12}|node_count|workload_cidr|dns_nameservers|template_labels", text in "\\PC{0,20}") {
        if let Err(error) = Site::from_embedded("name = \"x\"", "site.toml", &[format!("{name}={text}")]) {
            prop_assert_eq!(error.kind(), rhumb::base::ErrorKind::Usage);
        }
    }
}
