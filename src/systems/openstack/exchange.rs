//! One call and its answer: endpoint, version, token, and one renewal.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Error, ErrorKind, Result};
use crate::systems::http::{Address, Answer, Method, Request};

use super::call::Call;
use super::catalog::Endpoint;
use super::fault::{fault, fault_of_change, fault_of_read, is_of_roles, is_own, request_id, unproven};
use super::resource::flaw;
use super::service::service;
use super::session::Session;
use super::token::Token;
use super::version::{self, Version, Versions};
use super::witness::Sender;

impl Session {
    /// Sends a call with this session's token, renewing it once, at the same scope, if it is not accepted.
    /// A change goes where it was shown to go, or nowhere.
    pub(super) async fn exchange(&self, call: &Call, shown: Option<&Address>) -> Result<Answer> {
        self.try_exchange(call, shown).await.map_err(|e| e.scope(self.handle()))
    }

    async fn try_exchange(&self, call: &Call, shown: Option<&Address>) -> Result<Answer> {
        // until here nothing of a change has left this machine
        let prepared = self.prepared(call, shown).await;
        let Prepared { token, endpoint, address, guess, version } =
            prepared.map_err(|e| if call.reads { e } else { e.unsent() })?;
        let (mut answer, mut token) = self.renewing(&request(call, &address, version)?, token, call).await?;
        let ignored = |answer: &Answer| answer.is_success() && answer.header(version::HEADER).is_none();
        if guess.is_some() && (answer.status == 406 || ignored(&answer)) {
            // the guess was wrong: now the service's own word counts
            let spoken = self.negotiated(&token, call, &endpoint).await?;
            if spoken != guess {
                let request = request(call, &address, spoken)?;
                (answer, token) = self.renewing(&request, token, call).await?;
            }
        }
        answer.withheld = call.guarded().is_some_and(|body| body.is_tainted());
        let succeeded = answer.status < 400;
        if !call.reads && succeeded {
            return match flaw(call, address.target(), &answer) {
                None => Ok(answer),
                Some(flaw) => Err(unproven(&call.service, &call.summary, &flaw, &answer)),
            };
        }
        if answer.is_success() {
            return Ok(answer);
        }
        let error = match call.reads {
            true => fault_of_read(&format!("{} does not {}", call.service, call.summary), &answer),
            false => fault_of_change(&call.service, &call.summary, &answer),
        };
        Err(match is_of_roles(&answer) {
            true => self.with_roles_of_now(error, call, &address, &token).await,
            false => error,
        })
    }

    /// What a request needs before it can go out.
    async fn prepared(&self, call: &Call, shown: Option<&Address>) -> Result<Prepared> {
        let token = self.token().await?;
        let endpoint = self.endpoint(&token, &call.service)?;
        let address = call.address(&endpoint, &token.identity)?;
        if let Some(shown) = shown.filter(|shown| **shown != address) {
            let what = format!(
                "{} is at {} now, and was at {} when the change was approved",
                call.service,
                address.shown(),
                shown.shown()
            );
            return Err(
                Error::new(ErrorKind::ScopeMismatch, what).help("the catalog has changed: run it again")
            );
        }
        let guess = self.guess(call, &endpoint)?;
        let version = match guess {
            Some(guess) => Some(guess),
            None => self.negotiated(&token, call, &endpoint).await?,
        };
        Ok(Prepared { token, endpoint, address, guess, version })
    }

    /// Sends a request, and once more with a new token if it is answered with 401. With the answer comes the token
    /// that it is for.
    async fn renewing(
        &self,
        request: &Request,
        token: Arc<Token>,
        call: &Call,
    ) -> Result<(Answer, Arc<Token>)> {
        let answer = self.deliver(request, &token, &call.service).await?;
        // a change goes out again only where the service itself says that it was not let in
        if answer.status != 401 || !(call.reads || is_own(&answer)) {
            return Ok((answer, token));
        }
        // the service has not accepted it, so without another token it did not take place
        let renewed = self.token_after(&token).await;
        let token = renewed.map_err(|e| if call.reads { e } else { e.unsent() })?;
        Ok((self.deliver(request, &token, &call.service).await?, token))
    }

    /// The version that a read asks for without asking first what is offered: most services offer it, and
    /// one that does not answers 406. A change asks first.
    fn guess(&self, call: &Call, endpoint: &Endpoint) -> Result<Option<Version>> {
        let told = service(&call.service).is_some_and(|s| s.microversion.is_some());
        let unknown = self.inner.cloud.known_versions(&endpoint.root).is_none();
        match &call.microversion {
            Some(wanted) if call.reads && told && unknown => wanted.parse().map(Some),
            _ => Ok(None),
        }
    }

    /// The JSON of a read.
    pub(super) async fn read(&self, call: &Call) -> Result<(serde_json::Value, usize)> {
        self.read_as(call, Answer::json).await
    }

    /// What a read answers, taken out of its body, and how long that was. A body that was cut on its way, which only
    /// its reader notices, is asked for again like one that the connection lost.
    pub(super) async fn read_as<T>(
        &self,
        call: &Call,
        take: impl Fn(&Answer) -> Result<T>,
    ) -> Result<(T, usize)> {
        let settings = &self.inner.cloud.http;
        let (mut tried, mut paused) = (0, Duration::ZERO);
        loop {
            tried += 1;
            let answer = self.send(call).await?;
            let e = match take(&answer) {
                Ok(body) => return Ok((body, answer.body.len())),
                Err(e) => e,
            };
            let Some(pause) = settings.retry.pause_after(tried, paused, &Err(e.clone())) else {
                let e = e.context(format!("{} answers {} wrongly", call.service, call.summary));
                let e = e.scope(self.handle());
                return Err(match request_id(&answer) {
                    Some(id) => e.request_id(id),
                    None => e,
                });
            };
            paused += pause;
            // a rehearsal takes the same tries and no real time
            if settings.dialer.is_none() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    async fn deliver(&self, request: &Request, token: &Arc<Token>, service: &str) -> Result<Answer> {
        let request = request.clone().secret_header("x-auth-token", &token.secret)?;
        let http = self.inner.cloud.client();
        let witness = self.witness.as_deref();
        Sender { http: &http, handle: self.handle(), service, witness }.send(&request).await
    }

    /// Where a service is, by this session's region and interface.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::base::ErrorKind::Unsupported) where the catalog lacks it; and as
    /// [`Session::identity`].
    pub async fn locate(&self, service: &str) -> Result<Endpoint> {
        let token = self.token().await?;
        self.endpoint(&token, service)
    }

    pub(super) fn endpoint(&self, token: &Token, name: &str) -> Result<Endpoint> {
        let cloud = &self.inner.cloud;
        let spelled =
            |k: &&String| k.as_str() == name || service(k).is_some_and(|s| Some(s) == service(name));
        if let Some(key) = cloud.endpoint_overrides.keys().find(spelled) {
            return Ok(Endpoint::new(&cloud.endpoint_overrides[key], name));
        }
        match token.catalog.url(name, cloud.interface, cloud.region.as_deref()) {
            Ok(url) => {
                cloud.hold_endpoint(name, url).map_err(|e| e.scope(self.handle()))?;
                Ok(Endpoint::new(url, name))
            }
            // a token for nothing has no catalog, and still may ask Keystone about itself
            Err(_)
                if token.catalog.services().is_empty()
                    && service(name).is_some_and(|s| s.name == "identity") =>
            {
                Ok(Endpoint::new(&cloud.keystone()?, name))
            }
            Err(e) => Err(e.scope(self.handle())),
        }
    }

    /// The version to speak, if the call needs one, after what the service offers.
    async fn negotiated(
        &self,
        token: &Arc<Token>,
        call: &Call,
        endpoint: &Endpoint,
    ) -> Result<Option<Version>> {
        let Some(wanted) = &call.microversion else { return Ok(None) };
        let wanted: Version = wanted.parse()?;
        let offered = self.offered(token, &call.service, endpoint).await?;
        offered.negotiate(&call.service, wanted).map(Some)
    }

    /// What a service offers, asked once a cloud.
    async fn offered(&self, token: &Arc<Token>, name: &str, endpoint: &Endpoint) -> Result<Arc<Versions>> {
        if let Some(known) = self.inner.cloud.known_versions(&endpoint.root) {
            return Ok(known);
        }
        let mut last = None;
        for url in [format!("{}/", endpoint.root), format!("{}/", endpoint.versioned)] {
            let answer = self.deliver(&Request::new(Method::GET, &url)?, token, name).await?;
            // the root of several services answers 300 Multiple Choices
            let readable = answer.is_success() || answer.status == 300;
            if let (true, Some(found)) = (readable, answer.json().ok().as_ref().and_then(Versions::parse)) {
                let found = Arc::new(found);
                self.inner.cloud.learn_versions(&endpoint.root, found.clone());
                return Ok(found);
            }
            last = Some(answer);
        }
        let what = format!("{name} does not say which versions it offers");
        Err(match last {
            Some(answer) if !answer.is_success() && answer.status != 300 => fault(&what, &answer),
            _ => Error::new(ErrorKind::Protocol, what).cause(format!("asked at {}", endpoint.root)),
        })
    }
}

/// What a request needs before it can go out.
struct Prepared {
    token: Arc<Token>,
    endpoint: Endpoint,
    address: Address,
    /// The version to try without asking what is offered.
    guess: Option<Version>,
    version: Option<Version>,
}

/// The request of a call to where it goes, without its token.
fn request(call: &Call, address: &Address, version: Option<Version>) -> Result<Request> {
    let mut request = Request::to(call.method.clone(), address);
    request = request.header("accept", "application/json")?;
    if let Some((name, value)) = version.and_then(|version| version::header(&call.service, version)) {
        request = request.header(name, &value)?;
    }
    for (name, value) in &call.headers {
        request = request.header(name, value)?;
    }
    if let Some(kind) = call.content_type {
        request = request.header("content-type", kind)?;
    }
    request.repeatable = call.reads;
    request.file = call.file.clone();
    match &call.body {
        Some(body) => request.json(body),
        None => Ok(request),
    }
}
