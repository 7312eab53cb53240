//! Files that the site is made of, and files that it names: whether they may be believed.

use super::finding::{Area, Finding, Grade};
use crate::base::{Error, Place};
use crate::site::credentials::{clouds_yaml, openrc};
use crate::site::document::Spot;
use crate::site::{CloudSource, KubeSource, Site, trust};

/// Looks at the files of the site directory.
pub(super) fn own(site: &Site) -> (usize, Vec<Finding>) {
    let audit = site.layers.audit();
    (audit.files, audit.wrong.iter().map(|e| Finding::of(Area::Files, e)).collect())
}

/// Looks at the files that the declarations name: credentials, kubeconfigs, keys, the notify program.
/// A secret is read for its form and its mode, and kept nowhere.
pub(super) fn named(site: &Site) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |spot: &Spot, e: &Error| {
        let finding = Finding::of(Area::Handles, e);
        found.push(match finding.place {
            Some(_) => finding,
            None => finding.at(place(spot)),
        });
    };
    for scope in site.scopes() {
        let read = match &scope.cloud.source {
            CloudSource::CloudsYaml { file, entry } => clouds_yaml::read(file, entry),
            CloudSource::Openrc(file) => openrc::read(file),
        };
        if let Err(e) = read {
            say(&scope.spot, &e.context(format!("scope `{}`", scope.name)));
        }
        if let Some(file) = &scope.cloud.ca_file
            && let Err(e) = trust::guard_file(file)
        {
            say(&scope.spot, &e.context(format!("scope `{}`", scope.name)));
        }
    }
    let mut later = Vec::new();
    for kube in site.kubes() {
        if let KubeSource::File { path, .. } = &kube.source
            && !path.exists()
        {
            // a runbook may be what writes it
            let what = format!("cluster `{}`: {} does not exist yet", kube.name, path.display());
            later.push(Finding::new(Grade::Warning, Area::Handles, what).at(place(&kube.spot)));
        }
    }
    if let Some(program) = site.run.notify.as_ref().and_then(|argv| argv.first())
        && program.contains('/')
        && let Err(e) = trust::guard_file(program.as_ref())
    {
        found.push(Finding::of(Area::Files, &e.context("the program of run.notify")));
    }
    found.extend(later);
    found
}

fn place(spot: &Spot) -> Place {
    Place { file: spot.file().to_string(), line: spot.line, column: spot.column }
}
