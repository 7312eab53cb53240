//! From openrc and clouds.yaml to a session, and what an operator reads where that fails.

use rhumb::base::Secret;
use rhumb::site::Site;
use rhumb::systems::openstack::{
    AppCredential, Authority, Credential, Domain, Interface, Project, Session, User,
};

use crate::directory::{SiteDir, clock, golden, told};

const ADMIN: &str = "name = \"x\"\n[scopes.admin]\n";

const OPENRC: &str = "export OS_AUTH_URL=http://k:5000/v3\nexport OS_USERNAME=admin\n\
                      export OS_USER_DOMAIN_NAME=Default\nexport OS_PASSWORD='hunter2'\n";

const CLOUDS: &str = "clouds:\n  admin:\n    auth:\n      auth_url: http://k:5000\n      username: admin\n      \
                      user_domain_name: Default\n      password: hunter2\n";

fn session(site: &Site) -> Session {
    site.session("admin", clock()).unwrap_or_else(|e| panic!("{}", told(&e)))
}

/// A site whose scope `admin` has these lines and uses this openrc.
fn with_openrc(scope: &str, openrc: &str) -> SiteDir {
    let site = format!("{ADMIN}openrc = \"rc\"\n{scope}");
    SiteDir::new(&[("site.toml", 0o644, &site), ("rc", 0o600, openrc)])
}

/// A site whose scope `admin` has these lines and uses the entry `admin` of this clouds.yaml.
fn with_clouds(scope: &str, clouds: &str) -> SiteDir {
    let site = format!("{ADMIN}cloud = \"admin\"\n{scope}");
    SiteDir::new(&[("site.toml", 0o644, &site), ("clouds.yaml", 0o600, clouds)])
}

/// What is told about each of the cases.
fn refusals(cases: Vec<(&str, SiteDir)>) -> String {
    let tell = |(name, dir): (&str, SiteDir)| match dir.load().session("admin", clock()) {
        Ok(_) => format!("{name}\n=> this is fine\n"),
        Err(error) => {
            let told = dir.told(&error);
            assert!(!told.contains("hunter2"), "{told}");
            format!("{name}\n=> {told}\n")
        }
    };
    cases.into_iter().map(tell).collect::<Vec<_>>().join("\n")
}

fn password(user: &str) -> Credential {
    let user = User::Name { name: user.into(), domain: Domain::Name("Default".into()) };
    Credential::Password { user, password: Secret::new("hunter2") }
}

fn same(a: &Credential, b: &Credential) -> bool {
    match (a, b) {
        (Credential::Password { user, password }, Credential::Password { user: u, password: p }) => {
            user == u && password == p
        }
        _ => false,
    }
}

fn project(name: &str, domain: Option<&str>) -> Authority {
    Authority::Project(Project::Name { name: name.into(), domain: domain.map(|d| Domain::Name(d.into())) })
}

#[test]
fn an_openrc_gives_a_session() {
    let openrc = format!(
        "{OPENRC}export OS_PROJECT_NAME=admin OS_PROJECT_DOMAIN_NAME=Default\nexport OS_REGION_NAME=R1\n\
         export OS_INTERFACE=internalURL OS_CACERT=ca.pem OS_VOLUME_API_VERSION=3 OS_IDENTITY_API_VERSION=3\n\
         export http_proxy=http://proxy:3128\n"
    );
    let dir = with_openrc("", &openrc);
    let session = session(&dir.load());
    let cloud = session.cloud();
    assert!(same(&cloud.credential, &password("admin")));
    assert_eq!(cloud.auth_url, "http://k:5000/v3");
    assert_eq!((cloud.region.as_deref(), cloud.interface), (Some("R1"), Interface::Internal));
    assert_eq!(cloud.http.tls.ca_file, Some(dir.path().join("ca.pem")));
    assert_eq!(cloud.http.proxy, None);
    assert_eq!(session.authority(), &project("admin", Some("Default")));
}

#[test]
fn a_clouds_yaml_with_profile_and_secure_gives_a_session() {
    let clouds = "clouds:\n  admin:\n    profile: site\n    auth:\n      username: admin\n      project_name: admin\n    \
                  region_name: R2\n    compute_endpoint_override: http://nova:8774/v2.1\n    compute_api_version: '2.1'\n";
    let dir = with_clouds("", clouds);
    dir.write(
        "clouds-public.yaml",
        0o644,
        "public-clouds:\n  site:\n    auth:\n      auth_url: http://k:5000\n      user_domain_name: Default\n    \
         region_name: R1\n    interface: admin\n    verify: false\n",
    );
    dir.write("secure.yaml", 0o600, "clouds:\n  admin:\n    auth:\n      password: hunter2\n");
    let session = session(&dir.load());
    let cloud = session.cloud();
    assert!(same(&cloud.credential, &password("admin")));
    assert_eq!((cloud.region.as_deref(), cloud.interface), (Some("R2"), Interface::Admin));
    assert!(cloud.http.tls.insecure);
    assert_eq!(cloud.endpoint_overrides["compute"], "http://nova:8774/v2.1");
    assert_eq!(session.authority(), &project("admin", None));
}

#[test]
fn the_site_file_narrows_and_overrides() {
    let scope = "project = \"capi-mgmt\"\ndomain = \"capi\"\nregion = \"R9\"\ninterface = \"admin\"\ninsecure = false\n\
                 ca_file = \"site-ca.pem\"\nproxy = \"http://proxy:3128\"\n\
                 endpoint_overrides = { compute = \"http://nova/\" }\npassword = { file = \"pw\" }\n\
                 [roles.overrides]\n\"load_balancers.failover\" = [\"ops\"]\n";
    // both names of the project are set, as Horizon writes them: the site file says which is meant
    let clouds = format!(
        "{CLOUDS}      project_name: admin\n      project_id: 65ce73e6798e4d1e8dd066609b7033ef\n    verify: false\n"
    );
    let dir = with_clouds(scope, &clouds);
    dir.write("pw", 0o600, "from the file\n");
    let session = session(&dir.load());
    let cloud = session.cloud();
    assert_eq!(session.authority(), &project("capi-mgmt", Some("capi")));
    assert_eq!((cloud.region.as_deref(), cloud.interface), (Some("R9"), Interface::Admin));
    assert_eq!(cloud.http.tls.ca_file, Some(dir.path().join("site-ca.pem")));
    assert!(!cloud.http.tls.insecure);
    assert_eq!(cloud.http.proxy.as_deref(), Some("http://proxy:3128"));
    assert_eq!(cloud.endpoint_overrides["compute"], "http://nova/");
    let Credential::Password { password, .. } = &cloud.credential else { panic!("{:?}", cloud.credential) };
    assert_eq!(password.expose(), "from the file");
    let row = rhumb::systems::openstack::resource::find("load_balancers").unwrap();
    let failover = row.operations().into_iter().find(|o| o.verb == "failover").unwrap();
    assert_eq!(cloud.policy.needs(&failover), [["ops"]]);
}

#[test]
fn every_way_to_name_an_authority_is_understood() {
    let of = |scope: &str, auth: &str| {
        session(&with_clouds(scope, &format!("{CLOUDS}{auth}")).load()).authority().clone()
    };
    let by_id = Authority::Project(Project::Id("65ce73e6".into()));
    assert_eq!(of("", "      project_id: 65ce73e6\n"), by_id);
    assert_eq!(of("", "      tenant_id: 65ce73e6\n"), by_id);
    assert_eq!(of("project_id = \"65ce73e6\"", ""), by_id);
    assert_eq!(
        of("", "      project_name: p\n      default_domain: d1\n"),
        Authority::Project(Project::Name { name: "p".into(), domain: Some(Domain::Id("d1".into())) })
    );
    assert_eq!(of("project = \"p\"", "      project_domain_name: other\n"), project("p", None));
    assert_eq!(of("", "      system_scope: all\n"), Authority::System);
    assert_eq!(of("system = true", ""), Authority::System);
    assert_eq!(of("", "      domain_name: capi\n"), Authority::Domain(Domain::Name("capi".into())));
    assert_eq!(of("domain = \"capi\"", ""), Authority::Domain(Domain::Name("capi".into())));
}

#[test]
fn application_credentials_and_tokens_are_bound_to_what_they_are_for() {
    let app = "clouds:\n  admin:\n    auth_type: v3applicationcredential\n    auth:\n      auth_url: http://k\n      \
               application_credential_id: abc\n      application_credential_secret: hunter2\n";
    let dir = with_clouds("", app);
    let app = session(&dir.load());
    assert_eq!(app.authority(), &Authority::OfCredential);
    let Credential::ApplicationCredential { credential, secret } = &app.cloud().credential else { panic!() };
    assert_eq!((credential, secret.expose()), (&AppCredential::Id("abc".into()), "hunter2"));

    let dir = with_openrc("", "OS_AUTH_URL=http://k\nOS_AUTH_TYPE=v3token\nOS_TOKEN=hunter2\n");
    let token = session(&dir.load());
    assert_eq!(token.authority(), &Authority::OfCredential);
    assert!(matches!(&token.cloud().credential, Credential::Token { token } if token.expose() == "hunter2"));
}

#[test]
fn scopes_of_one_cloud_share_it_and_ask_once() {
    let site = "name = \"x\"\n\
                [scopes.a]\ncloud = \"admin\"\nproject = \"p\"\npassword = { command = [\"./count\"] }\n\
                [scopes.b]\ncloud = \"admin\"\nproject = \"q\"\npassword = { command = [\"./count\"] }\n";
    let dir = SiteDir::new(&[("site.toml", 0o644, site), ("clouds.yaml", 0o600, CLOUDS)]);
    let log = dir.path().join("asked");
    dir.write("count", 0o755, &format!("#!/bin/sh\necho x >> {}\necho s3cret\n", log.display()));
    let site = site.replace("./count", &dir.path().join("count").to_string_lossy());
    dir.write("site.toml", 0o644, &site);
    let site = dir.load();
    for scope in ["a", "b", "a"] {
        site.session(scope, clock()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "x\n");
}

#[test]
fn the_environment_says_nothing() {
    // the tests of this binary run with nonsense in the environment of their own making: a child process
    let dir = with_clouds("project = \"p\"", CLOUDS);
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "credentials::the_site_file_narrows_and_overrides",
            "credentials::a_clouds_yaml_with_profile_and_secure_gives_a_session",
            "credentials::an_openrc_gives_a_session",
        ])
        .current_dir(dir.path())
        .envs([
            ("OS_CLOUD", "nonsense"),
            ("OS_PROJECT_NAME", "nonsense"),
            ("OS_PROJECT_ID", "nonsense"),
            ("OS_AUTH_URL", "http://nonsense"),
            ("OS_CLIENT_CONFIG_FILE", "/nonsense"),
            ("KUBECONFIG", "/nonsense"),
            ("HTTPS_PROXY", "http://nonsense"),
            ("http_proxy", "http://nonsense"),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("3 passed"), "{text}");
}

#[test]
fn openrc_files_that_do_more_than_set_variables() {
    let horizon = "#!/usr/bin/env bash\nexport OS_AUTH_URL=http://k:5000\n\
                   export OS_PROJECT_ID=65ce73e6798e4d1e8dd066609b7033ef\nexport OS_PROJECT_NAME=\"admin\"\n\
                   export OS_USER_DOMAIN_NAME=\"Default\"\n\
                   if [ -z \"$OS_USER_DOMAIN_NAME\" ]; then unset OS_USER_DOMAIN_NAME; fi\n\
                   unset OS_TENANT_ID\nexport OS_USERNAME=\"admin\"\n\
                   echo \"Please enter your OpenStack Password for project $OS_PROJECT_NAME as user $OS_USERNAME: \"\n\
                   read -sr OS_PASSWORD_INPUT\nexport OS_PASSWORD=$OS_PASSWORD_INPUT\n";
    let kolla = "# Clear any old environment that may conflict.\n\
                 for key in $( set | awk '{FS=\"=\"}  /^OS_/ {print $1}' ); do unset $key ; done\n\
                 export OS_USERNAME='admin'\n";
    let charm = "_OS_PARAMS=$(env | awk 'BEGIN {FS=\"=\"} /^OS_/ {print $1;}' | paste -sd ' ')\n\
                 for param in $_OS_PARAMS\ndo\n    unset $param\ndone\n";
    golden(
        "openrc_that_does_more",
        &refusals(vec![
            ("downloaded from Horizon", with_openrc("", horizon)),
            ("written by kolla-ansible", with_openrc("", kolla)),
            ("written by charms", with_openrc("", charm)),
            ("a command", with_openrc("", "export OS_PASSWORD=$(pass show hunter2)\n")),
            ("a variable", with_openrc("", "export OS_USERNAME=admin\nexport OS_PASSWORD=${hunter2}\n")),
            ("a home directory", with_openrc("", "export OS_CACERT=~/ca.pem\n")),
            ("another file", with_openrc("", "source base-openrc\n")),
            ("a space around =", with_openrc("", "export OS_PASSWORD = hunter2\n")),
            ("two words", with_openrc("", "OS_PASSWORD=correct hunter2\n")),
            ("an open quote", with_openrc("", "export OS_USERNAME=admin\nexport OS_PASSWORD='hunter2\n")),
        ]),
    );
}

#[test]
fn credentials_that_are_not_enough_or_contradict_themselves() {
    let both = format!("{OPENRC}OS_PROJECT_NAME=admin\nOS_PROJECT_ID=65ce73e6798e4d1e8dd066609b7033ef\n");
    let tenants = format!("{OPENRC}OS_PROJECT_NAME=admin\nOS_TENANT_NAME=demo\n");
    let domains = format!("{OPENRC}OS_USER_DOMAIN_ID=default\nOS_PROJECT_NAME=admin\n");
    let beside = format!("{OPENRC}OS_PROJECT_NAME=admin\nOS_DOMAIN_NAME=Default\n");
    let v2 = format!("{OPENRC}OS_PROJECT_NAME=admin\nOS_IDENTITY_API_VERSION=2.0\n");
    let none = OPENRC.replace("export OS_PASSWORD='hunter2'\n", "OS_PROJECT_NAME=admin\n");
    let prompt = "password = { prompt = \"Password\" }";
    golden(
        "contradicting_credentials",
        &refusals(vec![
            ("project id and name", with_openrc("", &both)),
            ("two names of a project that differ", with_openrc("", &tenants)),
            ("user domain id and name", with_openrc("", &domains)),
            ("project and domain", with_openrc("", &beside)),
            ("no project", with_openrc("", OPENRC)),
            ("no password", with_openrc("", &none)),
            ("a password that nobody can be asked for", with_openrc(prompt, &none)),
            ("no user", with_openrc("", "OS_AUTH_URL=http://k\n")),
            ("no user domain", with_openrc("", "OS_AUTH_URL=http://k\nOS_USERNAME=admin\n")),
            ("no auth_url", with_openrc("", &OPENRC.replace("OS_AUTH_URL", "OS_AUTH_URI"))),
            ("auth_url that is no Keystone", with_openrc("project = \"p\"", &OPENRC.replace("/v3", "/v2.0"))),
            ("version 2", with_openrc("", &v2)),
            ("an auth_type of a browser", with_openrc("", "OS_AUTH_TYPE=v3oidcpassword\n")),
            ("an interface", with_openrc("", &format!("{OPENRC}OS_INTERFACE=pubic\n"))),
        ]),
    );
}

#[test]
fn a_clouds_yaml_that_is_wrong() {
    let auth = |key: &str| CLOUDS.replace("      password: hunter2\n", &format!("      {key}\n"));
    let absent = SiteDir::new(&[("site.toml", 0o644, &format!("{ADMIN}cloud = \"admin\"\n"))]);
    let linked = with_clouds("", CLOUDS);
    linked.write("secure.yaml", 0o644, "clouds:\n  admin:\n    auth:\n      password: hunter2\n");
    let profile = with_clouds("", &format!("{CLOUDS}    profile: vexxhost\n"));
    let both =
        format!("{CLOUDS}      project_name: admin\n      project_id: 65ce73e6798e4d1e8dd066609b7033ef\n");
    let open = with_clouds("project = \"p\"", CLOUDS);
    open.write("clouds.yaml", 0o644, CLOUDS);
    golden(
        "wrong_clouds_yaml",
        &refusals(vec![
            ("absent", absent),
            ("no such cloud", with_clouds("", &CLOUDS.replace("  admin:", "  admn:"))),
            ("empty", with_clouds("", "")),
            ("no YAML", with_clouds("", "clouds:\n  admin: [\n")),
            ("a password that YAML misreads", with_clouds("", &auth("password: *hunter2"))),
            ("a password that is a number", with_clouds("", &auth("password: 20261122"))),
            ("a misspelt key", with_clouds("", &auth("pasword: hunter2"))),
            ("a misspelt setting", with_clouds("project = \"p\"", &format!("{CLOUDS}    regoin_name: R1\n"))),
            ("a profile of a vendor", profile),
            ("project id and name", with_clouds("", &both)),
            ("readable by others", open),
            ("secure.yaml readable by others", linked),
            ("a client certificate", with_clouds("", &format!("{CLOUDS}    cert: me.pem\n"))),
            ("a list", with_clouds("", "- admin\n")),
        ]),
    );
}

#[test]
fn a_built_in_site_opens_no_file() {
    let site = Site::from_embedded(&format!("{ADMIN}cloud = \"admin\"\n"), "shipped:site.toml", &[]).unwrap();
    let error = site.session("admin", clock()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "a built-in site has no clouds.yaml");
}
