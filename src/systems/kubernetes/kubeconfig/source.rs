//! A kubeconfig's text, and how far it is trusted.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster};
use serde::de::DeserializeOwned;
use serde_saphyr::Location;

use super::texts::{Texts, has_nul};
use crate::base::error::nearest;
use crate::base::{Error, ErrorKind, Result, Secret, plain_file};
use crate::systems::kubernetes::spec::{KubeSpec, KubeconfigSource};

/// Most bytes of a kubeconfig, and of a certificate authority that it names.
pub(super) const LARGEST: u64 = 4 << 20;

/// A kubeconfig's text and how far it is trusted.
pub(super) struct Source {
    handle: String,
    text: Secret,
    /// The directory that relative paths start from; `None` for a fetched text.
    directory: Option<PathBuf>,
    file: Option<String>,
    allow_exec: bool,
}

impl Source {
    pub(super) fn of(spec: &KubeSpec) -> Result<Source> {
        let handle = spec.name.clone();
        match &spec.source {
            KubeconfigSource::Fetched(text) => {
                Ok(Source { handle, text: text.clone(), directory: None, file: None, allow_exec: false })
            }
            KubeconfigSource::File { path, allow_exec } => {
                let file = path.display().to_string();
                let text = plain_file::read_text(path, LARGEST).map_err(|e| {
                    Error::new(ErrorKind::Site, format!("the kubeconfig {file} cannot be read"))
                        .scope(&handle)
                        .from_source(&e)
                })?;
                let directory = path.parent().unwrap_or(Path::new("")).to_path_buf();
                Ok(Source {
                    handle,
                    text: Secret::new(text),
                    directory: Some(directory),
                    file: Some(file),
                    allow_exec: *allow_exec,
                })
            }
        }
    }

    fn is_fetched(&self) -> bool {
        self.directory.is_none()
    }

    pub(super) fn wrong(&self, what: &str) -> Error {
        let (kind, which) = match &self.file {
            Some(file) => (ErrorKind::Site, format!("the kubeconfig {file}")),
            None => (ErrorKind::Protocol, "the fetched kubeconfig".to_string()),
        };
        Error::new(kind, format!("{which} {what}")).scope(&self.handle)
    }

    /// An error at the line of its file that has a text.
    pub(super) fn placed(&self, error: Error, text: &str) -> Error {
        let line = self.text.expose().lines().position(|line| line.contains(text));
        match (line, &self.file) {
            (Some(line), Some(file)) => error.place(file, line + 1, 0),
            _ => error,
        }
    }

    /// The entry of a name in one of its lists; the entry itself may be empty.
    pub(super) fn named<'a, T>(
        &self,
        what: &str,
        name: &str,
        entries: impl Iterator<Item = (&'a str, Option<&'a T>)> + Clone,
    ) -> Result<Option<&'a T>> {
        if let Some((_, entry)) = entries.clone().find(|(entry, _)| *entry == name) {
            return Ok(entry);
        }
        let names: Vec<&str> = entries.map(|(entry, _)| entry).collect();
        let error = self.wrong(&format!("has no {what} `{name}`"));
        Err(match (nearest(name, names.iter().copied()), names.as_slice()) {
            (Some(near), _) => error.help(format!("did you mean `{near}`?")),
            (None, []) => error.help(format!("it names no {what} at all")),
            (None, names) => error.help(format!("it has {}", names.join(", "))),
        })
    }

    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_saphyr::from_str(self.text.expose()).map_err(|e| {
            // a parser's message quotes what it stumbled over, which may be a key or a token
            let error = self.wrong("is not one").help("`kubectl config view --kubeconfig FILE` reads it too");
            match e.location() {
                Some(at) => self.at(error, &at),
                None => error,
            }
        })
    }

    /// An error, where it is.
    fn at(&self, error: Error, at: &Location) -> Error {
        match &self.file {
            Some(file) => error.place(file, small(at.line()), small(at.column())),
            None => error.cause(format!("at line {}, column {}", at.line(), at.column())),
        }
    }

    /// Refuses texts that must be one line and are not.
    pub(super) fn hold_to_lines(
        &self,
        context: &str,
        cluster: &str,
        user: Option<&str>,
        login: &AuthInfo,
    ) -> Result<()> {
        if let Some(found) = self.parse::<Texts>()?.flawed(context, cluster, user) {
            let error = self.wrong(&format!("holds {} in its `{}`", found.flaw, found.key));
            return Err(self.at(error, &found.at).help(
                "write it in one line behind the colon; in YAML a `|` or `>` keeps the line end, and `|-` or `>-` does not",
            ));
        }
        match &login.exec {
            Some(exec) if has_nul(exec) => {
                Err(self.wrong("holds a NUL byte in its `exec`").help("remove it"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what would run a program, and in a fetched text all that reaches beyond it.
    pub(super) fn refuse(&self, cluster: &Cluster, user: &AuthInfo) -> Result<()> {
        let mut reasons = Vec::new();
        if let Some(exec) = user.exec.as_ref().filter(|_| !self.allow_exec) {
            let program = exec.command.as_deref().unwrap_or("a program");
            reasons.push(format!("its user is authenticated by running `{program}`"));
        }
        if let Some(provider) = &user.auth_provider {
            reasons.push(format!("its user is authenticated by the auth-provider `{}`", provider.name));
        }
        if self.is_fetched() {
            let files = [
                ("certificate-authority", &cluster.certificate_authority),
                ("client-certificate", &user.client_certificate),
                ("client-key", &user.client_key),
                ("tokenFile", &user.token_file),
            ];
            for (key, value) in files {
                if value.is_some() {
                    reasons.push(format!("`{key}` names a file of this machine"));
                }
            }
            if cluster.insecure_skip_tls_verify == Some(true) {
                reasons.push("`insecure-skip-tls-verify` gives up the server's identity".to_string());
            }
            if cluster.proxy_url.is_some() {
                reasons.push("`proxy-url` leads the credential through a third party".to_string());
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let error = self.wrong("is refused");
        let error = match self.is_fetched() {
            true => error.with_kind(ErrorKind::Refused).help(
                "a kubeconfig from outside must hold its certificates and its token itself, and nothing else",
            ),
            // what no program would mend, `allow_exec` does not either
            false if user.exec.is_none() => error.help(
                "give the handle a kubeconfig with a client certificate, a token, or a credential plugin (`exec`)",
            ),
            false => error.help(
                "give the handle a kubeconfig with a client certificate or a token; a program may be allowed \
                 with `allow_exec = true`",
            ),
        };
        Err(reasons.into_iter().fold(error, Error::cause))
    }

    /// A path as it is meant: relative ones start where the kubeconfig is.
    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        self.directory.as_deref().unwrap_or(Path::new("")).join(path)
    }
}

fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
