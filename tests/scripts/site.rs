//! A site directory for a script.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use rhumb::site::Site;
use serde_json::json;

/// A site of these files; `site.toml` is among them.
pub(crate) struct SiteDir(tempfile::TempDir);

impl SiteDir {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        SiteDir(dir)
    }

    /// A site of one scope, `capi`, in a cloud of these tests.
    pub(crate) fn of_cloud(address: SocketAddr) -> Self {
        let auth = json!({
            "auth_url": format!("http://{address}/identity"), "username": "op", "user_domain_name": "Default",
            "password": "secret",
        });
        let toml = format!(
            "name = \"s\"\n[scopes.capi]\ncloud = \"stub\"\nproject = \"capi-mgmt\"\ndomain = \"capi\"\n[run]\nread_below = [{:?}]\n",
            std::env::temp_dir()
        );
        let clouds = json!({"clouds": {"stub": {"auth": auth}}}).to_string();
        SiteDir::new(&[("site.toml", &toml), ("clouds.yaml", &clouds)])
    }

    pub(crate) fn load(&self) -> Site {
        Site::load(self.0.path(), &[]).unwrap()
    }
}

/// A runtime for what a script talks to: the stage has one of its own.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
