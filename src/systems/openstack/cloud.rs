//! A cloud as the site declares it: where its Keystone is, who asks, and how to get there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::secret::may_name_user;
use crate::base::{Error, ErrorKind, Result, Secret, line};
use crate::systems::http::{Http, HttpSettings, Url, is_loopback};

use super::policy::Policy;
use super::version::Versions;

/// One cloud, with one credential.
#[derive(Clone)]
pub struct Cloud {
    /// Its name in the site file or in `clouds.yaml`, for messages.
    pub name: String,
    /// Keystone's URL, with or without `/v3`.
    pub auth_url: String,
    /// Who asks.
    pub credential: Credential,
    /// The region whose endpoints are used; needed only where the catalog has several.
    pub region: Option<String>,
    /// Which of a service's endpoints are used.
    pub interface: Interface,
    /// How to reach them.
    pub http: HttpSettings,
    /// URLs that replace the catalog's, by service type.
    pub endpoint_overrides: BTreeMap<String, String>,
    /// Hosts that may have the token over plain HTTP, though Keystone is asked over HTTPS.
    pub plain_http: Vec<String>,
    /// Which roles its services ask for.
    pub policy: Policy,
    shared: Arc<Shared>,
}

/// What all sessions of a cloud share: connections, and what each service said of its versions.
#[derive(Default)]
struct Shared {
    http: Mutex<Option<Http>>,
    versions: Mutex<BTreeMap<String, Arc<Versions>>>,
}

impl Cloud {
    /// A cloud with default settings, whose credential is a known secret from now on; set the other fields before making sessions.
    pub fn new(name: impl Into<String>, auth_url: impl Into<String>, credential: Credential) -> Self {
        let _ = credential.secret().clone().listed();
        Cloud {
            name: name.into(),
            auth_url: auth_url.into(),
            credential,
            region: None,
            interface: Interface::Public,
            http: HttpSettings::default(),
            endpoint_overrides: BTreeMap::new(),
            plain_http: Vec::new(),
            policy: Policy::default(),
            shared: Arc::default(),
        }
    }

    pub(super) fn client(&self) -> Http {
        let mut http = lock(&self.shared.http);
        http.get_or_insert_with(|| Http::new(self.http.clone())).clone()
    }

    pub(super) fn known_versions(&self, root: &str) -> Option<Arc<Versions>> {
        lock(&self.shared.versions).get(root).cloned()
    }

    pub(super) fn learn_versions(&self, root: &str, versions: Arc<Versions>) {
        lock(&self.shared.versions).insert(root.to_string(), versions);
    }

    /// Keystone's version 3 root, without a slash at its end.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] if `auth_url` is no URL or names another version.
    pub(super) fn keystone(&self) -> Result<String> {
        let wrong = |why: &str| {
            Error::new(
                ErrorKind::Site,
                format!("the auth_url of cloud `{}` {why}: {}", self.name, self.auth_url),
            )
            .help("name Keystone's URL, such as https://keystone.example:5000/v3")
        };
        let text = self.auth_url.trim().trim_end_matches('/');
        if may_name_user(text) {
            let what = format!("the auth_url of cloud `{}` holds a user or a password", self.name);
            return Err(Error::new(ErrorKind::Site, what)
                .help("name Keystone's URL alone, such as https://keystone.example:5000/v3"));
        }
        let url = Url::parse(text).map_err(|e| wrong("is not a URL").from_source(&e))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            return Err(wrong("is not Keystone's URL"));
        }
        match text.rsplit('/').next().unwrap_or_default() {
            "v3" => Ok(text.to_string()),
            "v2.0" => Err(wrong("names Identity v2.0, which no cloud of today serves")),
            _ => Ok(format!("{text}/v3")),
        }
    }
}

impl Cloud {
    /// Holds that a URL of the catalog is one, and that the token does not go to it in clear where Keystone, which gave the
    /// token, is asked over HTTPS: whoever reads it on the way has the scope's roles. Nothing leaves this machine on
    /// loopback, nor in a rehearsal.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] and [`ErrorKind::Refused`].
    pub(super) fn hold_endpoint(&self, service: &str, text: &str) -> Result<()> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Protocol, format!("the catalog's URL of service `{service}` {why}"))
                .help("correct the endpoint in Keystone, or state its URL in `endpoint_overrides`")
        };
        if let Some(flaw) = line::flaw(text) {
            return Err(wrong(&format!("holds {flaw}")));
        }
        let url = Url::parse(text).map_err(|e| wrong("is not a URL").from_source(&e))?;
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(wrong("is neither http nor https"));
        };
        let in_clear = url.scheme() == "http" && self.keystone()?.starts_with("https:");
        let at_home = self.http.dialer.is_some() || is_loopback(host);
        if !in_clear || at_home || self.plain_http.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Ok(());
        }
        let what = format!("service `{service}` is at http://{host}, where the token would go in clear");
        Err(Error::new(ErrorKind::Refused, what)
            .cause(format!("Keystone gave it over HTTPS: {}", self.auth_url))
            .help(format!(
                "nothing was sent there; correct the endpoint in Keystone's catalog, state an https URL in \
                 `endpoint_overrides`, or allow the host in the scope: plain_http = [\"{host}\"]"
            )))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which of a service's endpoints are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// For everybody.
    #[default]
    Public,
    /// For the cloud's own network.
    Internal,
    /// For its administrators.
    Admin,
}

impl Interface {
    /// The catalog's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Interface::Public => "public",
            Interface::Internal => "internal",
            Interface::Admin => "admin",
        }
    }

    /// Reads the catalog's word, also with `URL` at its end (`internalURL`).
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_suffix("URL").unwrap_or(name) {
            "public" => Some(Interface::Public),
            "internal" => Some(Interface::Internal),
            "admin" => Some(Interface::Admin),
            _ => None,
        }
    }
}

/// A domain by id or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A user by id, or by name in a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The user's name.
        name: String,
        /// The domain the user belongs to.
        domain: Domain,
    },
}

/// An application credential by id, or by name with its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppCredential {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The credential's name.
        name: String,
        /// Its owner.
        user: User,
    },
}

/// Who asks Keystone for a token, and with what.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A user's password.
    Password {
        /// Who.
        user: User,
        /// The password.
        password: Secret,
    },
    /// An application credential. It is bound to one project.
    ApplicationCredential {
        /// Which.
        credential: AppCredential,
        /// Its secret.
        secret: Secret,
    },
    /// A token from elsewhere. It cannot be renewed beyond its own end.
    Token {
        /// The token.
        token: Secret,
    },
}

impl Credential {
    /// What it proves itself with.
    pub fn secret(&self) -> &Secret {
        match self {
            Credential::Password { password: secret, .. }
            | Credential::ApplicationCredential { secret, .. }
            | Credential::Token { token: secret } => secret,
        }
    }

    /// Who asks, for messages: `user admin (domain Default)`.
    pub fn describe(&self) -> String {
        match self {
            Credential::Password { user, .. } => user.describe(),
            Credential::ApplicationCredential { credential: AppCredential::Id(id), .. } => {
                format!("application credential {id}")
            }
            Credential::ApplicationCredential { credential: AppCredential::Name { name, user }, .. } => {
                format!("application credential {name} of {}", user.describe())
            }
            Credential::Token { .. } => "the given token".to_string(),
        }
    }
}

impl User {
    fn describe(&self) -> String {
        match self {
            User::Id(id) => format!("user {id}"),
            User::Name { name, domain } => format!("user {name} (domain {domain})"),
        }
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Domain::Id(text) | Domain::Name(text) => f.write_str(text),
        }
    }
}
