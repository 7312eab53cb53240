//! A scope handle: who asks, for what, and the tokens that prove it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::base::{Clock, Error, ErrorKind, Intent, Permit, Result, Secret};
use crate::systems::http::{Address, Answer, Witness};

use super::authority::{Authority, Declared, Project};
use super::call::{BoundCall, Call};
use super::cloud::{Cloud, Credential};
use super::collection::find;
use super::identity::Identity;
use super::keystone::Keystone;
use super::policy::Operation;
use super::resource::{Aim, Item, aim, described_call, destroys, recognise, scalar};
use super::token::Token;

/// A token is renewed when less is left of it, or less than half of its life if that is shorter.
const RENEWAL: Duration = Duration::from_secs(120);

/// A handle's authority in a cloud. Immutable and cheap to clone; clones share its token.
#[derive(Clone)]
pub struct Session {
    pub(super) inner: Arc<Inner>,
    pub(super) witness: Option<Arc<dyn Witness>>,
}

pub(super) struct Inner {
    pub(super) handle: String,
    pub(super) cloud: Arc<Cloud>,
    authority: Authority,
    declared: Declared,
    clock: Arc<dyn Clock>,
    /// Locked while Keystone is asked, so that many callers ask once.
    token: Mutex<Option<Held>>,
}

/// A token's roles are those of now for so long after it was asked for.
const OF_NOW: Duration = Duration::from_secs(5);

struct Held {
    token: Arc<Token>,
    /// On the clock's `elapsed`.
    asked_at: Duration,
    /// On the clock's `elapsed`.
    renew_at: Duration,
    ends_at: Duration,
}

impl Held {
    fn new(token: Arc<Token>, asked_at: Duration) -> Self {
        let renew_at = asked_at + token.lifetime.saturating_sub(RENEWAL).max(token.lifetime / 2);
        let ends_at = asked_at + token.lifetime;
        Held { token, asked_at, renew_at, ends_at }
    }
}

impl Session {
    /// A handle. Nothing is sent before it is used.
    ///
    /// # Errors
    /// [`ErrorKind::Site`] where `auth_url` is wrong; [`ErrorKind::Credentials`] where an application
    /// credential is to serve for a domain or the system.
    pub fn new(
        handle: &str,
        cloud: Arc<Cloud>,
        authority: Authority,
        declared: Declared,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        cloud.keystone().map_err(|e| e.scope(handle))?;
        let bound = matches!(cloud.credential, Credential::ApplicationCredential { .. });
        if bound && matches!(authority, Authority::Domain(_) | Authority::System | Authority::Unscoped) {
            return Err(bound_to_project(handle, &authority));
        }
        if !bound
            && authority == Authority::OfCredential
            && matches!(cloud.credential, Credential::Password { .. })
        {
            return Err(Error::new(ErrorKind::Site, format!("handle `{handle}` names no project"))
                .help("a password opens many projects: state which")
                .scope(handle));
        }
        let inner =
            Inner { handle: handle.to_string(), cloud, authority, declared, clock, token: Mutex::new(None) };
        Ok(Session { inner: Arc::new(inner), witness: None })
    }

    /// The same handle, with someone who is told of every request.
    #[must_use]
    pub fn witnessed(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// A handle for another project with the same credential. Its tokens must carry these roles, and be for the user
    /// that this one's are for.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`], before any request, for an application credential: it is bound to its project.
    pub fn narrow(&self, handle: &str, project: Project, roles: &[String]) -> Result<Session> {
        let authority = Authority::Project(project);
        let own = self.inner.authority == authority;
        if !own && matches!(self.inner.cloud.credential, Credential::ApplicationCredential { .. }) {
            return Err(bound_to_project(handle, &authority));
        }
        let user = self.inner.declared.user.clone();
        let declared = Declared { user, roles: roles.to_vec(), ..Declared::default() };
        let cloud = self.inner.cloud.clone();
        let narrowed = Session::new(handle, cloud, authority, declared, self.inner.clock.clone())?;
        Ok(Session { witness: self.witness.clone(), ..narrowed })
    }

    /// The handle's name in the site file.
    pub fn handle(&self) -> &str {
        &self.inner.handle
    }

    /// The cloud it is in.
    pub fn cloud(&self) -> &Cloud {
        &self.inner.cloud
    }

    /// What it is for, as declared.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// Who and where it proves to be. Asks Keystone if it has no token.
    ///
    /// # Errors
    /// [`ErrorKind::ScopeMismatch`] where the token is not what was declared; [`ErrorKind::Credentials`] where there
    /// is none to be had.
    pub async fn identity(&self) -> Result<Arc<Identity>> {
        Ok(self.token().await?.identity.clone())
    }

    /// Who and where it has proven to be so far; nothing before its first token. Asks nobody and waits for nobody.
    pub fn proven(&self) -> Option<Arc<Identity>> {
        Some(self.inner.token.try_lock().ok()?.as_ref()?.token.identity.clone())
    }

    /// What it must not give away: what it asks with, and its token once there is one.
    pub fn secrets(&self) -> Vec<Secret> {
        let held = self.inner.token.try_lock().ok();
        let token = held.and_then(|held| held.as_ref().map(|held| held.token.secret.clone()));
        [self.inner.cloud.credential.secret().clone()].into_iter().chain(token).collect()
    }

    /// The types of the services in the token's catalog.
    ///
    /// # Errors
    /// As [`Session::identity`].
    pub async fn services(&self) -> Result<Vec<String>> {
        Ok(self.token().await?.catalog.services().into_iter().map(str::to_string).collect())
    }

    /// Refuses an operation that the token's roles do not allow, before any request of it.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] naming the handle, its roles and what is needed; and as [`Session::identity`].
    pub async fn require(&self, operation: &Operation) -> Result<()> {
        let Some(needed) = self.needed(operation) else { return Ok(()) };
        let identity = self.identity().await?;
        let needs = self.inner.cloud.policy.needs(operation);
        if needs.iter().any(|all| all.iter().all(|role| identity.has_role(role))) {
            return Ok(());
        }
        let handle = self.handle();
        let what = format!("{needed}; handle `{handle}` has {}", told(&identity.roles));
        Err(Error::new(ErrorKind::Refused, what)
            .help(format!("use a handle with that role, or state this cloud's own rule for `{operation}` in the site file"))
            .cause(format!("it is {}", identity.line()))
            .scope(handle))
    }

    /// What an operation needs, as far as the policy says; `None` where it asks for no role.
    fn needed(&self, operation: &Operation) -> Option<String> {
        let needs = self.inner.cloud.policy.needs(operation);
        let needed: Vec<String> = needs.iter().map(|all| all.join(" and ")).collect();
        (!needed.is_empty()).then(|| format!("`{operation}` needs role {}", needed.join(", or ")))
    }

    /// The refusal of a service with who asked, and which roles that is with now: a token tells those of the time when
    /// it was issued, and the service may know better.
    pub(super) async fn with_roles_of_now(
        &self,
        error: Error,
        call: &Call,
        address: &Address,
        refused: &Arc<Token>,
    ) -> Error {
        let operation = call.operation.or_else(|| recognise(call, address.target()));
        let needed = operation.and_then(|operation| self.needed(&operation));
        let error = needed.into_iter().fold(error, Error::cause);
        let before = &refused.identity;
        match self.identity_now(refused).await {
            Ok(now) if now.roles == before.roles => error.cause(format!("asked by {}", now.line())),
            Ok(now) => {
                let (is, was) = (told(&now.roles), told(&before.roles));
                let who = format!("{}, user {}", now.target.describe(), now.user.name);
                error
                    .cause(format!("asked by {who}, with {is} now, and {was} when the token was issued"))
                    .advise("the user's roles have changed: have them given back, or use a handle whose roles allow it")
            }
            Err(e) if e.kind() == ErrorKind::Credentials => error
                .cause(format!("asked by {}", before.line()))
                .cause(format!("which has no role there any more: {e}"))
                .advise("the user's roles were taken: have them given back, or use another handle"),
            Err(e) => error
                .cause(format!("asked by {}", before.line()))
                .cause(format!("and Keystone does not tell the roles of now: {e}")),
        }
    }

    /// Who this session is by now, after a service refused it with a token.
    async fn identity_now(&self, refused: &Arc<Token>) -> Result<Arc<Identity>> {
        let Inner { handle, cloud, authority, declared, clock, .. } = &*self.inner;
        let mut held = self.inner.token.lock().await;
        let now = clock.elapsed();
        if let Some(h) = held.as_ref()
            && (!Arc::ptr_eq(&h.token, refused) || now < h.asked_at + OF_NOW)
        {
            return Ok(h.token.identity.clone());
        }
        let keystone = Keystone { cloud, handle, witness: self.witness.as_deref() };
        let token = Arc::new(keystone.token(authority).await?);
        let (is, was) = (&token.identity, &refused.identity);
        let is_same = is.target == was.target && is.user == was.user;
        if is_same && is.prove(authority, declared).is_ok() {
            *held = Some(Held::new(token.clone(), now));
        } else if let Some(h) = held.as_mut() {
            // the next call asks for a token, and says what is not as it was declared
            h.renew_at = now;
        }
        Ok(token.identity.clone())
    }

    /// A call written by hand is under the same rules as one of a row.
    async fn check(&self, call: &Call, address: &Address) -> Result<()> {
        match call.operation.or_else(|| recognise(call, address.target())) {
            Some(operation) => self.require(&operation).await,
            None => Ok(()),
        }
    }

    /// Binds a change to this session: proves the identity, checks the roles, and makes the URL that is shown and sent.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a path that would be sent as another one; and as [`Session::require`].
    pub async fn bind(&self, mut call: Call) -> Result<BoundCall> {
        let (identity, address) = self.address(&call).await.map_err(|e| e.scope(self.handle()))?;
        self.check(&call, &address).await?;
        if call.operation.is_none() {
            self.explain(&mut call, &address).await;
        }
        call.destroys |= destroys(&call, address.target());
        Ok(BoundCall { session: self.clone(), call, identity, address })
    }

    /// What a call would be shown as, whether or not it may be made.
    ///
    /// # Errors
    /// As [`Session::identity`], and [`ErrorKind::Argument`] for a path that would be sent as another one.
    pub async fn intent(&self, call: &Call) -> Result<Intent> {
        let (identity, address) = self.address(call).await.map_err(|e| e.scope(self.handle()))?;
        Ok(call.intent(self.handle(), &identity.line(), &address))
    }

    /// Who asks, and where a call goes.
    async fn address(&self, call: &Call) -> Result<(Arc<Identity>, Address)> {
        let token = self.token().await?;
        let endpoint = self.endpoint(&token, &call.service)?;
        Ok((token.identity.clone(), call.address(&endpoint, &token.identity)?))
    }

    /// Says of a call that was written by hand what it does to what, by name, as far as the rows know.
    async fn explain(&self, call: &mut Call, address: &Address) {
        let title = std::mem::take(&mut call.summary);
        let does = match aim(call, address.target()).filter(|aim| aim.itself) {
            Some(Aim { row: Some(row), parents, id, .. }) => {
                // a look that is refused leaves the id
                let body = find(self, row, &id, &parents).await.ok().flatten();
                let name = body.and_then(|body| row.called(|key| scalar(&body[key])));
                described_call(
                    row,
                    call,
                    address.target(),
                    Item { id: &id, name: name.as_deref(), parents: &parents },
                )
            }
            _ => None,
        };
        let does = does.unwrap_or_else(|| format!("{} {} {}", call.method, call.service, address.target()));
        let does = match &call.microversion {
            Some(version) => format!("{does} at microversion {version}"),
            None => does,
        };
        call.summary = if title.is_empty() { does } else { format!("{title} ({does})") };
    }

    /// Sends a read.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] for a call that is no read; the service's refusal; and as [`Session::require`].
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        if !call.reads {
            let what = format!("{} is no read and was not sent: it takes a permit", call.summary);
            return Err(Error::new(ErrorKind::Internal, what).scope(self.handle()));
        }
        let (_, address) = self.address(call).await.map_err(|e| e.scope(self.handle()))?;
        self.check(call, &address).await?;
        self.exchange(call, None).await
    }

    /// Sends a change, once, and takes the answer that its API documents for it (`docs/answers.md`). The errors say
    /// what is known of it: one that [is unsent](Error::is_unsent), that nothing left this machine;
    /// [`ErrorKind::Timeout`], [`ErrorKind::Transient`] and [`ErrorKind::Protocol`], that nobody knows; any other with a
    /// `status`, that the service refused it.
    ///
    /// # Errors
    /// As above.
    pub async fn mutate(permit: Permit<BoundCall>) -> Result<Answer> {
        let BoundCall { session, call, identity, address } = permit.spend();
        let now = session.identity().await.map_err(Error::unsent)?;
        if now.target != identity.target || now.user != identity.user {
            let what = format!(
                "handle `{}` is now {}, and was {} when the change was approved",
                now.handle,
                now.line(),
                identity.line()
            );
            return Err(Error::new(ErrorKind::ScopeMismatch, what).scope(session.handle()).unsent());
        }
        session.exchange(&call, Some(&address)).await
    }

    pub(super) async fn token(&self) -> Result<Arc<Token>> {
        let mut held = self.inner.token.lock().await;
        let now = self.inner.clock.elapsed();
        match &*held {
            Some(h) if now < h.renew_at => Ok(h.token.clone()),
            Some(h) if now < h.ends_at => {
                let current = h.token.clone();
                match self.renew(&mut held).await {
                    // Keystone is away for a moment: the old token still serves
                    Err(e) if e.kind().is_transient() => Ok(current),
                    other => other,
                }
            }
            _ => self.renew(&mut held).await,
        }
    }

    /// Another token than the one a service did not accept.
    pub(super) async fn token_after(&self, refused: &Arc<Token>) -> Result<Arc<Token>> {
        let mut held = self.inner.token.lock().await;
        match &*held {
            Some(h) if !Arc::ptr_eq(&h.token, refused) => Ok(h.token.clone()),
            _ => self.renew(&mut held).await,
        }
    }

    /// Asks Keystone for this session's own authority, whatever was asked before.
    async fn renew(&self, held: &mut Option<Held>) -> Result<Arc<Token>> {
        let Inner { handle, cloud, authority, declared, clock, .. } = &*self.inner;
        let keystone = Keystone { cloud, handle, witness: self.witness.as_deref() };
        let asked_at = clock.elapsed();
        let token = match keystone.token(authority).await {
            Ok(token) => Arc::new(token),
            // a first token that cannot be had is a fault of the set-up; later it is a cloud that is away
            Err(e) if held.is_none() && (e.kind().is_transient() || e.kind() == ErrorKind::Timeout) => {
                let what = format!(
                    "handle `{handle}` gets no token: Keystone of cloud `{}` does not answer",
                    cloud.name
                );
                return Err(e
                    .with_kind(ErrorKind::Credentials)
                    .help(format!("is {} up?", cloud.auth_url))
                    .context(what));
            }
            Err(e) => return Err(e),
        };
        token.identity.prove(authority, declared)?;
        if let Some(before) = held.as_ref().map(|h| &h.token.identity)
            && (before.target != token.identity.target || before.user != token.identity.user)
        {
            let what = format!(
                "handle `{handle}` was {}, and its renewed token is {}",
                before.line(),
                token.identity.line()
            );
            return Err(Error::new(ErrorKind::ScopeMismatch, what).scope(handle));
        }
        *held = Some(Held::new(token.clone(), asked_at));
        Ok(token)
    }
}

/// Roles for people.
fn told(roles: &[String]) -> String {
    match roles {
        [] => "no role".to_string(),
        roles => roles.join(", "),
    }
}

fn bound_to_project(handle: &str, authority: &Authority) -> Error {
    let what = format!("an application credential is bound to its project and cannot serve for {authority}");
    Error::new(ErrorKind::Credentials, what)
        .help("use a password, or an application credential of that project")
        .scope(handle)
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}, {})", self.handle(), self.inner.authority)
    }
}
