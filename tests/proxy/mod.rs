//! A proxy of the tests' own, between Rhumb and any HTTP service on loopback. It plays with each request what networks and
//! the proxies in them do, as a rule says ([`Play`]), and keeps what it carried to the service.
//!
//! A request that is [late](Play::Late) waits by the clock that the proxy was given, so virtual time serves as well as the
//! machine's own. Late requests arrive in the order in which they were held, as those in a queue do.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test's support fails as a test does")]

mod late;
mod message;
mod play;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rhumb::base::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(crate) use message::Request;
pub(crate) use play::{Play, Told};

use late::Lane;
use message::Answer;

/// Says what is played with a request.
pub(crate) type Rule = dyn Fn(&Request) -> Play + Send + Sync;

/// A request that reached the service.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) method: String,
    /// The `Host` header.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// What the service answered it with, whether or not anybody heard of it.
    pub(crate) status: u16,
    /// It is the second one of a request that was sent once.
    pub(crate) copy: bool,
    /// What was played with it.
    pub(crate) play: Play,
    /// The body of the answer, where it was not passed on as it came.
    pub(crate) answer: Vec<u8>,
}

/// A proxy at work. Dropping it ends it; what is late still arrives.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    desk: Arc<Desk>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Stands in front of a service, on a free port of loopback.
    pub(crate) fn before(
        service: SocketAddr,
        clock: Arc<dyn Clock>,
        runtime: &Handle,
        rule: Box<Rule>,
    ) -> Proxy {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(listener).unwrap();
        let lane = Lane::new(clock, runtime.clone());
        let desk = Arc::new(Desk { service, rule, lane, carried: Mutex::default() });
        let shared = desk.clone();
        let server = runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(converse(shared.clone(), client));
            }
        });
        Proxy { address, desk, server }
    }

    /// What was carried to the service so far, in the order in which it arrived.
    pub(crate) fn carried(&self) -> Vec<Carried> {
        self.desk.carried.lock().unwrap().clone()
    }

    /// How many requests are on their way still.
    pub(crate) fn held(&self) -> usize {
        self.desk.lane.held()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Desk {
    service: SocketAddr,
    rule: Box<Rule>,
    lane: Lane,
    carried: Mutex<Vec<Carried>>,
}

type Client = BufReader<TcpStream>;

/// Deals with what one connection brings, until it ends.
async fn converse(desk: Arc<Desk>, client: TcpStream) {
    let _ = client.set_nodelay(true);
    let mut client = BufReader::new(client);
    while let Ok(Some(request)) = message::request(&mut client).await {
        match desk.deal(&mut client, request).await {
            Ok(true) => {}
            _ => return,
        }
    }
}

impl Desk {
    /// Plays what the rule says. Whether the connection goes on.
    async fn deal(self: &Arc<Self>, client: &mut Client, request: Request) -> io::Result<bool> {
        let play = (self.rule)(&request);
        match play {
            Play::Pass => return self.pass(client, &request).await,
            Play::Reset => return reset(client),
            Play::CutRequest => {
                let whole = [&request.head[..], &request.body[..]].concat();
                let half = match request.body.len() {
                    0 => request.head.len() / 2,
                    n => request.head.len() + n / 2,
                };
                let mut service = TcpStream::connect(self.service).await?;
                service.write_all(&whole[..half]).await?;
                service.shutdown().await?;
                // the service has taken notice when it hangs up, or answers
                let _ = service.read(&mut [0]).await;
                return reset(client);
            }
            Play::Html => client.write_all(&play::html()).await?,
            Play::Busy { retry_after } => client.write_all(&play::busy(retry_after)).await?,
            Play::Late { after, told } => return self.late(client, request, play, after, told).await,
            Play::LostAnswer => {
                self.carry(&request, play, false).await?;
                return reset(client);
            }
            Play::BadGateway => {
                self.carry(&request, play, false).await?;
                client.write_all(&play::bad_gateway()).await?;
            }
            Play::CutHead | Play::CutBody => {
                let answer = self.carry(&request, play, false).await?;
                // of an answer without a body only the head can be cut
                let part = match answer.body.len() {
                    n @ 1.. if play == Play::CutBody => [&answer.head[..], &answer.body[..n / 2]].concat(),
                    _ => answer.head[..answer.head.len() / 2].to_vec(),
                };
                client.write_all(&part).await?;
                client.get_mut().shutdown().await?;
                return Ok(false);
            }
            Play::Twice => {
                let answer = self.carry(&request, play, false).await?;
                self.carry(&request, play, true).await?;
                client.write_all(&answer.bytes()).await?;
            }
        }
        Ok(true)
    }

    /// Holds a request. Who sent it hears what `told` says.
    async fn late(
        self: &Arc<Self>,
        client: &mut Client,
        request: Request,
        play: Play,
        after: std::time::Duration,
        told: Told,
    ) -> io::Result<bool> {
        let desk = self.clone();
        let answer = self.lane.hold(after, async move { desk.carry(&request, play, false).await.ok() });
        match told {
            Told::Reset => reset(client),
            Told::GatewayTimeout => {
                client.write_all(&play::gateway_timeout()).await?;
                Ok(true)
            }
            Told::Nothing => {
                let mut byte = [0];
                tokio::select! {
                    _ = client.read(&mut byte) => Ok(false),
                    answer = answer => match answer.ok().flatten() {
                        Some(answer) => client.write_all(&answer.bytes()).await.map(|()| true),
                        None => Ok(false),
                    },
                }
            }
        }
    }

    /// Carries a request to the service and reads its whole answer.
    async fn carry(&self, request: &Request, play: Play, copy: bool) -> io::Result<Answer> {
        let mut service = self.send(request).await?;
        let answer = message::answer(&mut service, request).await?;
        self.keep(request, &answer, play, copy);
        Ok(answer)
    }

    /// Carries a request, and its answer as it comes.
    async fn pass(&self, client: &mut Client, request: &Request) -> io::Result<bool> {
        let mut service = self.send(request).await?;
        let (status, head) = message::answer_head(&mut service).await?;
        let unread = Answer { status, head: Vec::new(), body: Vec::new() };
        self.keep(request, &unread, Play::Pass, false);
        client.write_all(&head).await?;
        if status == 101 || request.method == "CONNECT" && status < 300 {
            copy_bidirectional(client, &mut service).await?;
            return Ok(false);
        }
        let mut ends = false;
        for_each_part(&mut service, request, status, &head, client, &mut ends).await?;
        Ok(!ends)
    }

    async fn send(&self, request: &Request) -> io::Result<Client> {
        let mut service = BufReader::new(TcpStream::connect(self.service).await?);
        let _ = service.get_ref().set_nodelay(true);
        service.write_all(&[&request.head[..], &request.body[..]].concat()).await?;
        Ok(service)
    }

    fn keep(&self, request: &Request, came: &Answer, play: Play, copy: bool) {
        let Request { method, host, path, body, .. } = request.clone();
        let (status, answer) = (came.status, came.body.clone());
        self.carried.lock().unwrap().push(Carried { method, host, path, body, status, copy, play, answer });
    }
}

/// Passes the body of an answer on.
async fn for_each_part(
    service: &mut Client,
    request: &Request,
    status: u16,
    head: &[u8],
    client: &mut Client,
    ends: &mut bool,
) -> io::Result<()> {
    let mut framing = message::Framing::of_answer(request, status, head);
    *ends = framing.ends_with_connection();
    while let Some(part) = framing.next(service).await? {
        client.write_all(&part).await?;
    }
    Ok(())
}

/// Ends a connection with a reset rather than an end.
fn reset(client: &mut Client) -> io::Result<bool> {
    client.get_ref().set_zero_linger()?;
    Ok(false)
}
