//! The runbooks that schedules are played with: shipped ones, and a small one for each kind of change.

use std::path::Path;
use std::sync::Arc;

use rhumb::base::Result;
use rhumb::script::modules::{Library, Shelf, Text};
use rhumb::site::Site;

use crate::player::SITE;

/// A runbook and where it is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Book {
    pub(crate) name: &'static str,
    pub(crate) scenario: &'static str,
    /// A text of the tests' own; a shipped one has none.
    text: Option<&'static str>,
    /// What a site adds to a shipped one.
    overlay: Option<&'static str>,
    sets: &'static [&'static str],
}

const fn shipped(name: &'static str, scenario: &'static str) -> Book {
    Book { name, scenario, text: None, overlay: None, sets: &[] }
}

const fn own(name: &'static str, scenario: &'static str, text: &'static str) -> Book {
    Book { name, scenario, text: Some(text), overlay: None, sets: &[] }
}

pub(super) const PARK: Book = shipped("park", "phase-08");
pub(super) const RESTART: Book = shipped("restart", "restart");
pub(super) const FAILOVER: Book = shipped("lb-failover", "broken-balancer");
pub(super) const STUCK_DELETE: Book = shipped("stuck-delete", "wedged-delete");
pub(super) const SWEEP: Book = shipped("amphora-sweep", "restart");

/// Without the items of D-011 that only look, and with the deletion at its end.
pub(super) const PHASE_08: Book = Book {
    overlay: Some(
        r#"
        for id in ["D-011.1", "D-011.2", "D-011.3", "D-011.5", "D-011.6a"] { skip_step(id, "the short form"); }
        override_step("exit", || note("the short form"));
        override_needs(["8.2", "D-011.4a", "D-011.4b"], "the short form");
        "#,
    ),
    sets: &["clean_delete=true"],
    ..shipped("phase-08", "phase-08")
};

/// A network's name is not unique: a second POST makes a second one.
pub(super) const NETWORK: Book = own(
    "network",
    "phase-08",
    r#"
    runbook("network", "Create what has no unique name");
    let tenant = site.scope("capi-mgmt");
    change("1", "Create a network", || tenant.networks.create(#{ name: "drill" }).id);
    change("2", "And another, unless it is there", || tenant.networks.ensure("drill-2", #{}).id);
    verify("3", "There is one of each", || {
        for name in ["drill", "drill-2"] { expect(name, tenant.networks.list(#{ name: name }).len(), 1); }
    });
    "#,
);

pub(super) const OBJECTS: Book = own(
    "objects",
    "phase-08",
    r#"
    import "std/kubernetes" as kubernetes;
    runbook("objects", "Apply, create and delete objects of Kubernetes");
    let kube = site.kube("capi-mgmt").namespace("default");
    fn text(name) { #{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: name }, data: #{ a: "1" } } }
    change("1", "Apply", || { kube.apply(text("drill-applied")); });
    change("2", "Create", || { kube.create(text("drill-created")); });
    change("3", "Delete, and see it go", || kubernetes::remove(kube, "configmaps", "drill-created", 3.min));
    verify("4", "One is left", || {
        expect("applied", kube.get("configmaps", "drill-applied").data.a, "1");
        expect("created", kube.find("configmaps", "drill-created"), ());
    });
    "#,
);

/// What is deferred is a change as well.
pub(super) const CLEAN_UP: Book = own(
    "clean-up",
    "phase-08",
    r#"
    import "std/kubernetes" as kubernetes;
    runbook("clean-up", "A drill that cleans up");
    let kube = site.kube("capi-mgmt").namespace("default");
    change("1", "Drill", || {
        defer("remove it", || kubernetes::remove(kube, "configmaps", "drill", 3.min));
        kube.apply(#{ apiVersion: "v1", kind: "ConfigMap", metadata: #{ name: "drill" }, data: #{ a: "1" } });
        poll(#{ title: "it is there", every: 5.s, within: 1.min, read: || kube.find("configmaps", "drill"), done: |o| o != () });
    });
    verify("2", "Nothing is left", || expect("left", kube.find("configmaps", "drill"), ()));
    verify("3", "Somebody has looked", || attest("nothing of the drill is left"));
    "#,
);

pub(super) const UPLOAD: Book = own(
    "upload",
    "phase-08",
    r#"
    runbook("upload", "Upload an image");
    let images = site.scope("capi-mgmt").images;
    change("1", "Upload", || {
        images.upload("drill", site.image_file, #{ disk_format: "raw", container_format: "bare" }).id
    });
    verify("2", "There is one, and it is active", || {
        expect("images", images.list(#{ name: "drill" }).map(|i| i.status), ["active"]);
    });
    "#,
);

pub(super) const CLUSTER: Book = own(
    "cluster",
    "phase-08",
    r#"
    import "std/magnum" as magnum;
    runbook("cluster", "Create a cluster, and delete it");
    let tenant = site.scope("capi-mgmt");
    change("1", "Create", || {
        tenant.clusters.ensure(site.cluster, #{
            cluster_template_id: tenant.cluster_templates.get(site.template).uuid, keypair: site.keypair,
            master_count: 1, node_count: 1 });
        magnum::wait_shown(tenant, site.cluster, 5.min).uuid
    });
    let cluster = verify("2", "It is complete", || {
        poll(#{ title: `${site.cluster} is complete`, every: 30.s, within: 60.min,
                read: || tenant.clusters.get(site.cluster), done: |c| c.status == "CREATE_COMPLETE",
                failed: |c| c.status.ends_with("FAILED"), show: |c| c.status })
    });
    // what lets one in is a secret, and in no journal
    let inside = verify("2.1", "It lets one in", || kube(cluster.kubeconfig(), #{ name: "inside", server: cluster.api_address }));
    verify("2.2", "It has nodes", || gate("nodes", !inside.list("nodes").is_empty()));
    change("3", "Delete it, and see it go", || {
        tenant.clusters.get(site.cluster).delete();
        magnum::wait_gone(tenant, site.cluster, 30.min, || "");
    });
    verify("4", "Nothing is left", || {
        expect("clusters", tenant.clusters.list().len(), 0);
    });
    "#,
);

/// A deletion that takes its time, and that nothing but the wait behind it proves.
pub(super) const SERVER: Book = own(
    "server",
    "phase-08",
    r#"
    runbook("server", "Delete a server");
    let tenant = site.scope("capi-mgmt");
    let vm = verify("1", "Which one", || tenant.servers.get(site.mgmt_server).id);
    change("2", "Delete it, and see it go", || {
        tenant.servers.get(vm).delete();
        poll(#{ title: "it is gone", every: 5.s, within: 10.min, read: || tenant.servers.find(vm), done: |s| s == () });
    });
    verify("3", "It is gone", || expect("servers", tenant.servers.list().len(), 0));
    "#,
);

pub(super) const COMMAND: Book = own(
    "command",
    "phase-08",
    r#"
    runbook("command", "Run commands on a host");
    let host = site.host("capi-mgmt");
    change("1", "The first", || { host.run(["echo", "first"]); });
    change("2", "Two more", || {
        host.run(["echo", "second"]);
        host.run(["echo", "third"]);
    });
    verify("3", "It answers", || expect("said", host.query(["echo", "well"]).stdout, "well\n"));
    "#,
);

pub(super) const FILE: Book = own(
    "file",
    "phase-08",
    r#"
    runbook("file", "Write a file");
    let tenant = site.scope("capi-mgmt");
    change("1", "Write it", || { write_secret(`${site.image_file}.secret`, "of a drill"); });
    change("2", "A network of that digest", || {
        tenant.networks.ensure("drill-" + file_sha512(`${site.image_file}.secret`).sha512.sub_string(0, 12), #{}).id
    });
    verify("3", "It is what was written", || {
        gate("one network", tenant.networks.list().filter(|n| n.name.starts_with("drill-")).len() == 1);
    });
    "#,
);

impl Book {
    /// One of the tests' own by its name.
    pub(crate) fn own(name: &str) -> Option<Book> {
        let all = [NETWORK, OBJECTS, CLEAN_UP, UPLOAD, CLUSTER, SERVER, COMMAND, FILE];
        all.into_iter().find(|book| book.name == name)
    }

    /// The site that it runs in. Its image is a small file below this directory.
    pub(crate) fn site(&self, dir: &Path) -> Site {
        let file = dir.join("image.raw");
        std::fs::write(&file, b"QFI".repeat(4096)).unwrap();
        let mut sets = vec![format!("image_file={}", file.display())];
        sets.extend(self.sets.iter().map(|set| set.to_string()));
        let below = format!("[run]\nread_below = [\"{}\"]", dir.display());
        Site::from_embedded(&SITE.replace("[run]", &below), "site.toml", &sets).unwrap()
    }

    pub(crate) fn library(&self, site: &Site) -> Arc<Library> {
        Library::new(Own { book: *self, below: Box::new(site.layers.clone()) })
    }
}

/// The shipped texts, with one of the tests' own among them.
struct Own {
    book: Book,
    below: Box<dyn Shelf>,
}

impl Shelf for Own {
    fn texts(&self, name: &str) -> Result<Vec<Text>> {
        let text = |layer: &str, text: &str| Text {
            layer: layer.into(),
            file: format!("{layer}/{name}.rhai"),
            text: text.into(),
        };
        if name != self.book.name {
            return self.below.texts(name);
        }
        let mut all = match self.book.text {
            Some(own) => vec![text("embedded", own)],
            None => self.below.texts(name)?,
        };
        all.extend(self.book.overlay.map(|overlay| text("site", overlay)));
        Ok(all)
    }

    fn names(&self) -> Result<Vec<String>> {
        self.below.names()
    }
}
