//! What a site's overrides were written against: `overrides.lock.toml` of the site directory. People read it
//! in reviews, so it holds the text itself beside its fingerprint.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;

use super::shipped::{Shipped, fingerprint};
use super::target::{Piece, Target};
use crate::base::{Error, ErrorKind, Result, again};
use crate::site::Layers;
use crate::site::document::Node;

/// The file in the site directory.
pub const FILE: &str = "overrides.lock.toml";

const HEADER: &str = "\
# What each override of this site was written against. `rhumb override` and `rhumb site accept` write it, and
# `rhumb site diff` compares it with what is shipped. Keep it with the site's other files.
";

/// What an override was written against.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Base {
    /// The step or function.
    pub target: Target,
    /// Its title or signature then.
    pub title: String,
    /// Its fingerprint then.
    pub fingerprint: String,
    /// Its text then.
    pub text: String,
    /// The release of Rhumb that shipped it.
    pub release: String,
    /// When somebody last reviewed the override against it.
    pub reviewed: Date,
    /// Who did: `user@machine`.
    pub by: String,
}

impl Base {
    /// A shipped piece as a base, reviewed today by somebody.
    pub fn of(shipped: &Shipped, reviewed: Date, by: &str) -> Base {
        Base {
            target: shipped.target.clone(),
            title: shipped.title.clone(),
            fingerprint: shipped.fingerprint.clone(),
            text: shipped.text.clone(),
            release: env!("CARGO_PKG_VERSION").into(),
            reviewed,
            by: by.into(),
        }
    }

    fn read(node: &Node) -> Result<Base> {
        let f = node.fields(&[
            "script",
            "step",
            "function",
            "title",
            "fingerprint",
            "release",
            "reviewed",
            "by",
            "text",
        ])?;
        let script = f.need("script", "\"restart\"")?.text()?;
        let help = "write step = \"5.2\" or function = \"failover/2\"";
        let target = match f.either(["step", "function"], help)? {
            (0, step) => Target::step(script, step.text()?),
            (_, node) => {
                let text = node.text()?;
                let parts = text.rsplit_once('/').and_then(|(name, n)| Some((name, n.parse().ok()?)));
                let Some((name, arity)) = parts else {
                    return Err(node.spot.error(format!("`{}` is no function", node.path)).help(help));
                };
                Target::function(script, name, arity)
            }
        };
        let reviewed = f.need("reviewed", "2026-06-10")?;
        let text = f.need("text", "'''the shipped text'''")?;
        let base = Base {
            target,
            title: f.need("title", "\"its title\"")?.text()?.to_string(),
            fingerprint: f.need("fingerprint", "\"sha256\"")?.text()?.to_string(),
            text: text.prose()?.to_string(),
            release: f.need("release", "\"0.1.0\"")?.text()?.to_string(),
            reviewed: reviewed.text()?.parse().map_err(|_| {
                let e = reviewed.spot.error(format!("`{}` is not a day", reviewed.path));
                e.help("write year-month-day, such as 2026-12-31")
            })?,
            by: f.need("by", "\"who reviewed it\"")?.text()?.to_string(),
        };
        if fingerprint(&base.text) != base.fingerprint {
            let e =
                text.spot.error(format!("the text of `{}` is not the one of its fingerprint", base.target));
            return Err(e.help(format!(
                "this file is not edited: `{}` writes it",
                again::command(&["site", "accept"])
            )));
        }
        Ok(base)
    }

    fn write(&self) -> String {
        let text = |s: &str| toml::Value::from(s).to_string();
        let piece = match &self.target.piece {
            Piece::Step(id) => format!("step = {}", text(id)),
            Piece::Function(name, arity) => format!("function = {}", text(&format!("{name}/{arity}"))),
        };
        // a literal block reads best; what it cannot hold is escaped
        let plain = !self.text.contains("'''")
            && self.text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t');
        let body = if plain { format!("'''\n{}'''", self.text) } else { text(&self.text) };
        format!(
            "\n[[overrides]]\nscript = {}\n{piece}\ntitle = {}\nfingerprint = {}\nrelease = {}\nreviewed = {}\nby = {}\ntext = {body}\n",
            text(&self.target.script),
            text(&self.title),
            text(&self.fingerprint),
            text(&self.release),
            self.reviewed,
            text(&self.by),
        )
    }
}

/// All bases of a site; none where the file is not there.
///
/// # Errors
/// [`ErrorKind::Site`] with the place of what is wrong.
pub fn read(layers: &Layers) -> Result<Vec<Base>> {
    match layers.site_file(FILE)? {
        Some(file) => parse(&file.title, &file.text),
        None => Ok(Vec::new()),
    }
}

fn parse(file: &str, text: &str) -> Result<Vec<Base>> {
    let root = Node::from_toml(file, text)?;
    let items = root.fields(&["overrides"])?.get("overrides").map_or(Ok(&[][..]), Node::items)?;
    let mut bases: Vec<Base> = Vec::new();
    for item in items {
        let base = Base::read(item)?;
        if bases.iter().any(|other| other.target == base.target) {
            let e = item.spot.error(format!("`{}` is here twice", base.target));
            return Err(e.help(format!(
                "remove one of the two, and review with `{}`",
                again::command(&["site", "diff"])
            )));
        }
        bases.push(base);
    }
    Ok(bases)
}

/// Writes the bases of a site as a whole: the file is the old one or the new one, never a part.
///
/// # Errors
/// [`ErrorKind::Io`] where the site directory cannot be written to.
pub fn write(directory: &Path, bases: &[Base]) -> Result<()> {
    let mut bases: Vec<&Base> = bases.iter().collect();
    bases.sort_by(|a, b| a.target.cmp(&b.target));
    let text: String = bases.iter().map(|base| base.write()).collect();
    replace(directory, FILE, &format!("{HEADER}{text}"))
}

/// Writes a file of the site directory in one go.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be written.
pub fn replace(directory: &Path, name: &str, text: &str) -> Result<()> {
    let path = directory.join(name);
    let failed = |e: &std::io::Error| {
        Error::new(ErrorKind::Io, format!("{} cannot be written", path.display())).from_source(e)
    };
    let parent = path.parent().unwrap_or(directory);
    std::fs::create_dir_all(parent).map_err(|e| failed(&e))?;
    let mut file = tempfile::Builder::new()
        .prefix(".rhumb-")
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(parent)
        .map_err(|e| failed(&e))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|e| failed(&e))?;
    file.persist(&path).map_err(|e| failed(&e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;

    fn base(target: Target, text: &str) -> Base {
        let place = Place { file: "shipped:x".into(), line: 1, column: 1 };
        let shipped = Shipped {
            target,
            title: "A \"title\"".into(),
            text: text.into(),
            fingerprint: fingerprint(text),
            layer: "embedded".into(),
            place,
            private: false,
        };
        Base::of(&shipped, jiff::civil::date(2026, 6, 10), "ops@jump")
    }

    #[test]
    fn what_is_written_is_read() {
        let bases = vec![
            base(Target::step("restart", "5.2"), "change(\"5.2\", `a ${b}`, || {\n    x();\n});"),
            base(Target::function("std/octavia", "failover", 2), "fn failover(lb, within) { '''\\ \r\n }"),
        ];
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &bases).unwrap();
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert_eq!(parse("x", &text).unwrap(), bases);
        assert!(text.contains("text = '''\nchange(\"5.2\""), "{text}");
    }

    #[test]
    fn an_edited_text_and_a_double_entry_are_refused_with_their_line() {
        let text = base(Target::step("restart", "1"), "verify(\"1\", \"a\", || 1);").write();
        let e = parse("lock", &text.replace("|| 1", "|| 2")).unwrap_err();
        assert_eq!(e.to_string(), "the text of `restart 1` is not the one of its fingerprint");
        assert_eq!(e.detail().place.as_ref().unwrap().line, 10);
        let e = parse("lock", &format!("{text}{text}")).unwrap_err();
        assert!(e.to_string().ends_with("is here twice"), "{e}");
    }
}
