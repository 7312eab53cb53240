//! Files of this machine: fetched, proven by their digest, or written where only their owner reads them.

use std::sync::Arc;

use rhai::Dynamic;
use serde_json::{Value, json};

use crate::base::{Error, ErrorKind, Mutation as _, Payload, Result, Secret};
use crate::run::settle::Settled;
use crate::run::{self, Transfer};
use crate::script::adapter::Call;
use crate::script::host::Host;
use crate::script::primitive::{Effect, On, Param, Primitive, Ty};
use crate::script::thrown::Thrown;
use crate::script::value;
use crate::systems::download::{self, Download, DownloadCall, Downloaded, Progress};
use crate::systems::file::{self, SecretFile};
use crate::systems::http::Tls;

/// The family.
pub const ALL: &[&Primitive] = &[&DOWNLOAD, &FILE_SHA512, &WRITE_SECRET];

const DOWNLOAD_KEYS: &[Param] = &[
    Param::new(
        "to",
        Ty::Text,
        "the file, in full or below `~/`; directories that are missing are made, for their owner alone",
    ),
    Param::optional("sha512", Ty::Text, "the digest that it must have, 128 hexadecimal digits"),
    Param::optional("size", Ty::Integer, "its size in bytes, to check the disk before anything is asked"),
    Param::optional("user_agent", Ty::Text, "as which program to ask: some content networks refuse by that"),
    Param::optional("ca_file", Ty::Text, "PEM file with the authorities to trust, instead of this machine's"),
    Param::optional("insecure", Ty::Bool, "take any certificate; only with a `sha512`"),
];

const DOWNLOAD: Primitive = Primitive {
    name: "download",
    on: On::Global,
    params: &[
        Param::new("url", Ty::Text, "from where; it is journaled, so it may hold no secret"),
        Param::new("opts", Ty::Options(DOWNLOAD_KEYS), "to where, and what it must be"),
    ],
    returns: "map: path, size, sha512, fetched (bytes that came over the network), resumed",
    effect: Effect::Change,
    doc: "Fetches a file. The disk's room is checked first; what broke off is taken up where it was; the digest is computed as it comes, and a file with a wrong one leaves nothing behind. The file appears in one step, whole. One that is there with the stated digest is left as it is, and nothing is asked; another one is replaced, and whoever approves that sees its size, time and digest.",
    example: r#"change("1", "Refused", || try { download("ftp://example.org/x", #{ to: "~/x" }) } catch (e) { expect("kind", e.kind, "argument") });"#,
    body: fetch,
};

const FILE_SHA512: Primitive = Primitive {
    name: "file_sha512",
    on: On::Global,
    params: &[Param::new("path", Ty::Text, "the file, in full or below `~/`")],
    returns: "map: path, size, sha512; or () where there is no such file",
    effect: Effect::Read,
    doc: "The digest of a file of this machine: one that a value of the site names (`site.image_file`), one below a directory of `read_below` in `[run]` of the site file, or one that this run has written.",
    example: r#"verify("1", "Image", || if site.image_file != () { gate("it is there", file_sha512(site.image_file) != ()) });"#,
    body: |call| {
        let path = call.host.readable(&call.text(0))?;
        match call.host.block_on(file::digest(&path))? {
            Some(digest) => Ok(value::from_json(&serde_json::to_value(digest).unwrap_or_default())?),
            None => Ok(Dynamic::UNIT),
        }
    },
};

const WRITE_SECRET: Primitive = Primitive {
    name: "write_secret",
    on: On::Global,
    params: &[
        Param::new(
            "path",
            Ty::Text,
            "the file, in full or below `~/`; directories that are missing are made, for their owner alone",
        ),
        Param::new("secret", Ty::Secretive, "what it is to hold"),
    ],
    returns: "string: the path in full",
    effect: Effect::Change,
    doc: "Writes a secret to a file that its owner alone can read (0600). It appears in one step, or not at all. A file that is there is replaced: whoever approves that sees its size, time and digest. A text that is no secret is shown.",
    example: r#"change("1", "Refused", || try { write_secret("relative", "x") } catch (e) { expect("kind", e.kind, "argument") });"#,
    body: |call| {
        let given = call.arg(1).cloned().unwrap_or(Dynamic::UNIT);
        let place = call.host.file(&call.text(0))?;
        match given.clone().try_cast::<Secret>() {
            Some(secret) => put(call.host, SecretFile::new("a secret", place, secret)?),
            None => {
                put(call.host, SecretFile::new("a text", place, Secret::unlisted(given.to_string()))?.plain())
            }
        }
    },
};

/// Has a secret written to a file. `what` says to people what it is.
pub(super) fn write(host: &Host, what: &str, path: &str, text: Secret) -> Result<Dynamic, Thrown> {
    put(host, SecretFile::new(what, host.file(path)?, text)?)
}

/// Has a file approved, journaled and written.
fn put(host: &Host, file: SecretFile) -> Result<Dynamic, Thrown> {
    let (to, there) = (file.path().to_path_buf(), file.path().display().to_string());
    let done = Value::from(there.as_str());
    let look =
        |_: &run::Effect| Ok(if file.is_there() { Settled::Done(done.clone()) } else { Settled::NotDone });
    host.run.effect(file.clone(), look, |permit| {
        let path = SecretFile::write(permit)?;
        Ok(Payload::from(Value::from(path.display().to_string())))
    })?;
    host.wrote(&to);
    Ok(there.into())
}

fn fetch(call: &mut Call<'_>) -> Result<Dynamic, Thrown> {
    let (host, options) = (call.host, call.options(1));
    let (url, path) = (call.text(0), options.text("to").unwrap_or_default());
    let mut wanted = Download::new(url, host.file(&path)?);
    wanted.sha512 = options.text("sha512");
    wanted.size = options.integer("size").and_then(|size| u64::try_from(size).ok());
    wanted.http = host.site.site().http();
    if let Some(agent) = options.text("user_agent") {
        wanted.http.user_agent = agent;
    }
    let insecure = options.flag("insecure");
    if insecure && wanted.sha512.is_none() {
        return Err(Error::new(
            ErrorKind::Argument,
            "`insecure` without `sha512` would take anything from anybody",
        )
        .into());
    }
    let ca_file = options.text("ca_file").map(|path| host.readable(&path)).transpose()?;
    wanted.http.tls = Tls { ca_file, insecure, ..Tls::default() };
    wanted.on_progress = Some(progress(host, &path));

    let fetch = DownloadCall::new(wanted.clone())?;
    if !host.run.comes_next(&fetch.intent())
        && let Some(there) = host.block_on(download::present(&wanted))?
    {
        host.wrote(&wanted.to);
        return Ok(value::from_json(&told(&there))?);
    }
    let look = |_: &run::Effect| {
        let there = host.block_on(download::present(&wanted))?;
        Ok(there.map_or(Settled::NotDone, |there| Settled::Done(told(&there))))
    };
    let fetch = host.block_on(fetch.look())?;
    let answer = host
        .run
        .effect(fetch, look, |permit| Ok(Payload::from(told(&host.block_on(download::fetch(permit))?))))?;
    host.wrote(&wanted.to);
    Ok(value::from_json(answer.expose())?)
}

fn told(file: &Downloaded) -> Value {
    json!({ "path": file.path, "size": file.size, "sha512": file.sha512, "fetched": file.fetched, "resumed": file.resumed })
}

/// Shows how far the file has come.
fn progress(host: &Host, path: &str) -> download::OnProgress {
    let (run, began) = (host.run.clone(), host.run.clock().elapsed());
    let title = format!("download {}", path.rsplit('/').next().unwrap_or(path));
    Arc::new(move |Progress { done, total }: Progress| {
        let elapsed = run.clock().elapsed().saturating_sub(began);
        run.transferring(&Transfer { title: title.clone(), done, total, elapsed });
    })
}
