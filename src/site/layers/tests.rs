use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A directory with files, each `path` with its text.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn layers(installed: &tempfile::TempDir, site: &tempfile::TempDir) -> Layers {
    Layers::new(Some(installed.path()), Some(site.path())).unwrap()
}

#[test]
fn upper_layers_come_on_top_and_shipped_leaves_the_site_out() {
    let installed = tree(&[("stdlib/zz.rhai", "installed"), ("runbooks/zz-book.rhai", "book")]);
    let site = tree(&[
        ("site.toml", ""),
        ("std/zz.rhai", "site"),
        ("own.rhai", "own"),
        ("lib/helper.rhai", "helper"),
    ]);
    let layers = layers(&installed, &site);

    let stack = layers.stack("std/zz").unwrap();
    let seen: Vec<(Layer, &str)> = stack.iter().map(|s| (s.layer, &*s.text)).collect();
    assert_eq!(seen, [(Layer::Installed, "installed"), (Layer::Site, "site")]);
    assert_eq!(stack[1].file, Some(site.path().canonicalize().unwrap().join("std/zz.rhai")));

    assert_eq!(&*layers.find("std/zz").unwrap().text, "site");
    assert_eq!(&*layers.find("shipped:std/zz").unwrap().text, "installed");
    assert_eq!(&*layers.find("own").unwrap().text, "own");
    assert!(layers.stack("shipped:own").unwrap().is_empty());
    assert_eq!(&*layers.find("lib/helper").unwrap().text, "helper");
    assert_eq!(&*layers.find("zz-book").unwrap().text, "book");
}

#[test]
fn what_is_in_the_binary_is_the_lowest_layer() {
    let layers = Layers::default();
    let values = layers.shipped_file("runbooks/values.toml").unwrap().unwrap();
    assert_eq!(
        (values.layer, values.file.as_ref(), &*values.title),
        (Layer::Embedded, None, "shipped:runbooks/values.toml")
    );
    assert_eq!(&*values.text, include_str!("../../../runbooks/values.toml"));
    assert!(layers.shipped_file("runbooks/none.toml").unwrap().is_none());
    assert!(layers.shipped_file("Cargo.toml").unwrap().is_none());
    assert!(layers.site_file("site.toml").unwrap().is_none());

    let installed = tree(&[("runbooks/values.toml", "newer")]);
    let above = Layers::new(Some(installed.path()), None).unwrap();
    assert_eq!(&*above.shipped_file("runbooks/values.toml").unwrap().unwrap().text, "newer");
}

#[test]
fn the_list_tells_kind_and_layers() {
    let installed = tree(&[("stdlib/zz.rhai", ""), ("runbooks/zz-book.rhai", ""), ("README.md", "")]);
    let site = tree(&[
        ("site.toml", ""),
        ("std/zz.rhai", ""),
        ("own.rhai", ""),
        ("own_test.rhai", ""),
        (".git/x.rhai", ""),
    ]);
    let list = layers(&installed, &site).list().unwrap();
    let find = |name: &str| list.iter().find(|l| l.name == name).cloned();
    let listing = |name: &str, kind, layers: &[Layer]| {
        Some(Listing { name: name.into(), kind, layers: layers.to_vec() })
    };
    assert_eq!(find("std/zz"), listing("std/zz", ScriptKind::Module, &[Layer::Installed, Layer::Site]));
    assert_eq!(find("zz-book"), listing("zz-book", ScriptKind::Runbook, &[Layer::Installed]));
    assert_eq!(find("own"), listing("own", ScriptKind::Runbook, &[Layer::Site]));
    assert_eq!(find("own_test"), None);
}

#[test]
fn a_fingerprint_is_of_the_text_alone() {
    let (a, b) = (
        tree(&[("site.toml", ""), ("a.rhai", "x")]),
        tree(&[("site.toml", ""), ("a.rhai", "x"), ("b.rhai", "y")]),
    );
    let of = |dir: &tempfile::TempDir, name| {
        Layers::new(None, Some(dir.path())).unwrap().find(name).unwrap().fingerprint()
    };
    assert_eq!(of(&a, "a"), of(&b, "a"));
    assert_ne!(of(&b, "a"), of(&b, "b"));
    assert_eq!(of(&a, "a"), "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
}

#[test]
fn a_name_that_is_nowhere_is_answered_with_the_likely_one() {
    let installed = tree(&[("stdlib/zzoctavia.rhai", "")]);
    let layers = Layers::new(Some(installed.path()), None).unwrap();
    let error = layers.find("std/zzoctavai").unwrap_err();
    assert_eq!(error.to_string(), "there is no module `std/zzoctavai`");
    assert_eq!(error.detail().help.as_deref(), Some("did you mean `std/zzoctavia`?"));
    assert_eq!(layers.find("qqq").unwrap_err().to_string(), "there is no runbook `qqq`");
    assert_eq!(layers.find("../etc/passwd").unwrap_err().kind(), ErrorKind::Script);
}

#[test]
fn a_link_out_of_the_layer_is_refused_and_one_inside_is_not() {
    let (installed, outside) = (tree(&[]), tree(&[("secret.rhai", "out")]));
    let site = tree(&[("site.toml", ""), ("real.rhai", "in")]);
    symlink(outside.path().join("secret.rhai"), site.path().join("leak.rhai")).unwrap();
    symlink("real.rhai", site.path().join("alias.rhai")).unwrap();
    symlink(outside.path(), site.path().join("lib")).unwrap();
    symlink(site.path().join("nowhere"), site.path().join("dangling.rhai")).unwrap();
    let layers = layers(&installed, &site);
    assert_eq!(&*layers.find("alias").unwrap().text, "in");
    for name in ["leak", "lib/secret"] {
        let error = layers.stack(name).unwrap_err();
        assert!(error.to_string().contains("is a symbolic link that leads out of"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Site);
    }
    assert!(layers.stack("dangling").unwrap_err().to_string().contains("cannot be read"));
    assert!(layers.list().is_err());
}

#[test]
fn two_sites_do_not_mix() {
    let outer = tree(&[("site.toml", ""), ("inner/site.toml", ""), ("inner/x.rhai", "x")]);
    let error = Layers::new(None, Some(&outer.path().join("inner"))).unwrap_err();
    assert!(error.to_string().contains("is inside another site"), "{error}");
    let layers = Layers::new(None, Some(outer.path())).unwrap();
    for error in [layers.list().unwrap_err(), layers.stack("inner/x").unwrap_err()] {
        assert!(error.to_string().contains("is another site inside the site"), "{error}");
    }
}

#[test]
fn what_everybody_may_write_is_not_imported() {
    use std::os::unix::fs::PermissionsExt as _;
    let installed = tree(&[]);
    let site = tree(&[("site.toml", ""), ("a.rhai", "a"), ("lib/b.rhai", "b")]);
    let open = |path: &str, mode| {
        fs::set_permissions(site.path().join(path), fs::Permissions::from_mode(mode)).unwrap()
    };
    let layers = layers(&installed, &site);
    open("a.rhai", 0o666);
    assert!(layers.stack("a").unwrap_err().to_string().ends_with("a.rhai is writable by everybody"));
    open("lib", 0o777);
    assert!(layers.stack("lib/b").unwrap_err().to_string().ends_with("lib is writable by everybody"));
    open("", 0o777);
    assert!(
        Layers::new(None, Some(site.path())).unwrap_err().to_string().ends_with("is writable by everybody")
    );
}

#[test]
fn a_file_that_no_import_could_name_is_an_error_not_a_silence() {
    let site = tree(&[("site.toml", ""), ("Phase-08.rhai", "")]);
    let error = Layers::new(None, Some(site.path())).unwrap().list().unwrap_err();
    assert!(error.to_string().starts_with("no import could name "), "{error}");
}
