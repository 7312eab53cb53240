//! Files fetched from the web onto this machine: resumed where they broke off, proven by their
//! digest, and there whole or not at all.

mod part;
mod source;
mod transfer;

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::file::{There, really};
use super::http::{Address, HttpSettings, Method, Request};
use crate::base::{Error, ErrorKind, Intent, Mutation, Permit, Result, Undo};

pub use part::present;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk, those of an earlier attempt included.
    pub done: u64,
    /// Bytes of the whole file, where the server or the caller has said so.
    pub total: Option<u64>,
}

/// Called after each piece.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A file to fetch.
#[derive(Clone)]
pub struct Download {
    /// From where. It is shown and journaled, so it must hold no secret.
    pub url: String,
    /// To where, an absolute path in a directory that exists.
    pub to: PathBuf,
    /// Its SHA-512 in hexadecimal. Without one a file that is there is fetched anew, and only the server's
    /// word says that it came whole.
    pub sha512: Option<String>,
    /// Its size in bytes, if known beforehand, to check the disk before anything is asked.
    pub size: Option<u64>,
    /// Whom to trust, which proxy, and as which user agent to ask; some servers refuse by that.
    pub http: HttpSettings,
    /// Follows the transfer.
    pub on_progress: Option<OnProgress>,
}

impl Download {
    /// A file from a URL, with the machine's authorities and no digest.
    pub fn new(url: impl Into<String>, to: impl Into<PathBuf>) -> Self {
        let http = HttpSettings::default();
        Download { url: url.into(), to: really(to.into()), sha512: None, size: None, http, on_progress: None }
    }

    /// Refuses what cannot be fetched, before anyone is asked to approve it.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`], saying which part is wrong.
    fn validate(&self) -> Result<()> {
        let wrong = |what: String| Error::new(ErrorKind::Argument, what);
        let parsed = Request::new(Method::GET, &self.url)?.url;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong(
                "a download's URL may not hold a password: it is shown and journaled".to_owned(),
            ));
        }
        Address::whole(&self.url)?;
        super::file::place(&self.to)?;
        match &self.sha512 {
            Some(digest) if digest.len() != 128 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Err(wrong(format!("`{digest}` is not a SHA-512 digest"))
                    .help("it has 128 hexadecimal digits"))
            }
            _ => Ok(()),
        }
    }
}

/// A download to be approved. Only [`fetch`] carries it out.
#[derive(Clone)]
pub struct DownloadCall {
    download: Download,
    /// What goes with it, as it was when the change was shown.
    there: Option<There>,
}

impl DownloadCall {
    /// A call for a file.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a URL, a path or a digest that is none.
    pub fn new(download: Download) -> Result<Self> {
        download.validate()?;
        Ok(DownloadCall { download, there: None })
    }

    /// Looks at what is there and would go. Where nobody has looked, nothing that is there is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where a file is there that cannot be read.
    pub async fn look(mut self) -> Result<Self> {
        self.there = There::look(&self.download.to).await?;
        Ok(self)
    }

    /// What would be fetched.
    pub fn download(&self) -> &Download {
        &self.download
    }
}

impl Mutation for DownloadCall {
    fn intent(&self) -> Intent {
        let Download { url, to, sha512, size, http, .. } = &self.download;
        let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // what is there already stays as it is, and nothing is asked
        let right = |there: &&There| matches!((there, sha512), (There::File { sha512: is, .. }, Some(wanted)) if is.eq_ignore_ascii_case(wanted));
        There::shown(
            self.there.as_ref().filter(|there| !right(there)),
            Intent {
                system: "file".into(),
                handle: name.clone(),
                identity: "this machine".into(),
                method: "download".into(),
                target: to.display().to_string(),
                url: Address::whole(url).map_or_else(|_| url.clone(), |address| address.shown()),
                ids: vec![to.display().to_string()],
                summary: format!("download {name} from {url}"),
                body: json!({
                    "url": url,
                    "sha512": sha512,
                    "size": size,
                    "user_agent": http.user_agent,
                }),
                undo: Undo::By(format!("delete {}", to.display())),
                ..Intent::default()
            },
        )
    }
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-512 in lower-case hexadecimal, computed from what was written.
    pub sha512: String,
    /// Bytes that came over the network in this call; 0 where it was there already.
    pub fetched: u64,
    /// How often the transfer was taken up where it, or an earlier call's, broke off.
    pub resumed: u32,
}

/// Carries out a permitted download.
///
/// What has come so far is kept in `NAME.part`, with `NAME.part.json` to say of what; the next
/// call takes it up where the server shows that it still has the same file. The file itself
/// appears in one step, synced, after its digest was found right. A file that is there with the right
/// digest is left as it is, and nothing is asked.
///
/// # Errors
/// * [`ErrorKind::Failed`]: the digest is wrong; nothing is left behind.
/// * [`ErrorKind::Io`]: the disk is too small, or cannot be written.
/// * [`ErrorKind::Forbidden`], [`ErrorKind::NotFound`], [`ErrorKind::Unauthorized`], [`ErrorKind::Transient`],
///   [`ErrorKind::Unsupported`], [`ErrorKind::Protocol`]: what the server says of the URL.
/// * [`ErrorKind::Unreachable`], or `Protocol`: the transfer broke off, repeatedly; what has come is kept.
/// * [`ErrorKind::Conflict`]: another call is fetching the same file, or another one is there than was shown.
pub async fn fetch(permit: Permit<DownloadCall>) -> Result<Downloaded> {
    let DownloadCall { download, there } = permit.spend();
    match present(&download).await? {
        Some(there) => Ok(there),
        None => transfer::run(&download, there.as_ref()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_fetched_is_refused_before_it_is_approved() {
        let dir = tempfile::tempdir().unwrap();
        let good = Download::new("https://cdn.example/image.qcow2", dir.path().join("image.qcow2"));
        DownloadCall::new(good.clone()).unwrap();
        // its directory is made when it is fetched
        DownloadCall::new(Download { to: dir.path().join("absent/too/image.qcow2"), ..good.clone() })
            .unwrap();
        std::fs::write(dir.path().join("a-file"), "").unwrap();
        let bad = [
            Download { url: "image.qcow2".into(), ..good.clone() },
            Download { url: "ftp://cdn.example/image".into(), ..good.clone() },
            Download { url: "https://cdn.example/a/%2e%2e/image".into(), ..good.clone() },
            Download { url: "https://user:hunter2@cdn.example/image".into(), ..good.clone() },
            Download { to: "image.qcow2".into(), ..good.clone() },
            Download { to: dir.path().into(), ..good.clone() },
            Download { to: dir.path().join("a-file/image.qcow2"), ..good.clone() },
            Download { sha512: Some("abc".into()), ..good.clone() },
            Download { sha512: Some("z".repeat(128)), ..good.clone() },
        ];
        for download in bad {
            let error = DownloadCall::new(download).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Argument, "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
