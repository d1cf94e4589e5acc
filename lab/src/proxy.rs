//! A proxy before UAA that sees every request and can lose, hold, delay, cut or answer it.
//! Decides nothing by itself: a function of the test does. Never alters what it forwards.
//!
//! What it has sent on, UAA handles to its end, even when the client is killed meanwhile; and a test can look at UAA, or
//! change it as another administrator would, while nothing of it is under way there.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use futures_util::stream::{self, StreamExt as _};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::RwLock;

use crate::client::Threads;
use crate::{Foundation, LabError};

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Counted from 1 in order of arrival.
    pub number: usize,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without its question mark; empty when there is none.
    pub query: String,
    /// What was answered; nothing as long as nothing was.
    pub status: Option<u16>,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// UAA answers it.
    Forward,
    /// UAA never sees it, and nobody answers it.
    Hold,
    /// UAA handles it, and nobody hears of it.
    ForwardThenHold,
    /// UAA never sees it, and the connection is closed.
    Drop,
    /// UAA handles it, and the connection is closed.
    ForwardThenDrop,
    /// UAA answers it after a while.
    Delay(Duration),
    /// UAA never sees it; this is the answer.
    Answer(Reply),
    /// UAA handles it; this is the answer all the same.
    ForwardThenAnswer(Reply),
    /// UAA answers it, and half of the body arrives before the connection is closed.
    Truncate,
    /// UAA answers it, and the second half of the body arrives after a while.
    Stall(Duration),
}

/// An answer that is not UAA's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The Content-Type; no header where it is empty.
    pub content_type: &'static str,
    /// The body.
    pub body: &'static str,
    /// The Retry-After, in seconds.
    pub retry_after: Option<u32>,
}

impl Reply {
    /// A status without a body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, content_type: "", body: "", retry_after: None }
    }

    /// An answer as UAA's own handlers make it.
    #[must_use]
    pub const fn json(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "application/json", body, retry_after: None }
    }

    /// A page, as a gateway or Tomcat itself makes it.
    #[must_use]
    pub const fn html(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "text/html;charset=utf-8", body, retry_after: None }
    }

    /// The same with a Retry-After.
    #[must_use]
    pub const fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    accepting: tokio::task::JoinHandle<()>,
    /// The connections need them.
    threads: Arc<Threads>,
}

type Decide = dyn Fn(&Seen) -> Action + Send + Sync;
type Handled = dyn Fn(&Seen) + Send + Sync;

/// What all connections of a proxy share.
struct Way {
    http: reqwest::Client,
    upstream: String,
    decide: Box<Decide>,
    handled: Option<Box<Handled>>,
    seen: Mutex<Vec<Seen>>,
    /// Read by whatever is under way at UAA.
    under_way: RwLock<()>,
    held: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy before the foundation's UAA; `on_request` is asked about each request.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub fn start(
        foundation: &Foundation,
        on_request: impl Fn(&Seen) -> Action + Send + Sync + 'static,
    ) -> Result<Self, LabError> {
        Self::serve(foundation, Box::new(on_request), None)
    }

    /// Likewise; and each time that UAA has handled a request, with the status of its answer, `on_handled` is called
    /// before anybody hears of it, while nothing else of this proxy is under way at UAA.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub fn watched(
        foundation: &Foundation,
        on_request: impl Fn(&Seen) -> Action + Send + Sync + 'static,
        on_handled: impl Fn(&Seen) + Send + Sync + 'static,
    ) -> Result<Self, LabError> {
        Self::serve(foundation, Box::new(on_request), Some(Box::new(on_handled)))
    }

    fn serve(
        foundation: &Foundation,
        decide: Box<Decide>,
        handled: Option<Box<Handled>>,
    ) -> Result<Self, LabError> {
        let threads = Arc::clone(foundation.client().threads());
        let way = Arc::new(Way {
            http: crate::client::http(foundation.ca_file())?,
            upstream: foundation.uaa_url().to_owned(),
            decide,
            handled,
            seen: Mutex::default(),
            under_way: RwLock::default(),
            held: AtomicUsize::new(0),
        });
        let listener = crate::pks_api::listen(0)?;
        let address = listener.local_addr().map_err(LabError::io("the proxy has no port"))?;
        let accepting = threads.spawn(accept(listener, Arc::clone(&way)));
        Ok(Self { address, way, accepting, threads })
    }

    /// The proxy's address, plain HTTP on loopback.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request until now, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.way.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a request is being held right now.
    pub fn holding(&self) -> bool {
        self.way.held.load(Ordering::SeqCst) > 0
    }

    /// Waits until UAA has handled what was sent on.
    ///
    /// # Errors
    /// When the lab's threads end meanwhile.
    pub fn settle(&self) -> Result<(), LabError> {
        let way = Arc::clone(&self.way);
        self.threads.run(async move { drop(way.under_way.write().await) })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: std::net::TcpListener, way: Arc<Way>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    // Dropping the set, when the proxy is dropped, closes every connection.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let way = Arc::clone(&way);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let way = Arc::clone(&way);
                async move { way.pass(request).await }
            });
            // An error here is a connection that one of us closed.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Way {
    /// Handles one request; an error closes the connection without an answer.
    async fn pass(self: Arc<Self>, request: Request<hyper::body::Incoming>) -> io::Result<Response<Body>> {
        let seen = self.arrived(&request);
        let answer = match (self.decide)(&seen) {
            Action::Forward => self.forward(&seen, request).await?.map(Body::from),
            Action::Hold => return self.hold().await,
            Action::ForwardThenHold => {
                self.forward(&seen, request).await?;
                return self.hold().await;
            }
            Action::Drop => return Err(closed()),
            Action::ForwardThenDrop => {
                self.forward(&seen, request).await?;
                return Err(closed());
            }
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                self.forward(&seen, request).await?.map(Body::from)
            }
            Action::Answer(reply) => reply.response()?,
            Action::ForwardThenAnswer(reply) => {
                self.forward(&seen, request).await?;
                reply.response()?
            }
            // A pause, so that what comes before the end is sent and not lost with the connection.
            Action::Truncate => {
                halved(self.forward(&seen, request).await?, Duration::from_millis(20), |_| Err(closed()))?
            }
            Action::Stall(time) => halved(self.forward(&seen, request).await?, time, Ok)?,
        };
        self.answered(&seen, answer.status());
        Ok(answer)
    }

    /// Counts and records a request in one step, so that the numbers are the order.
    fn arrived<B>(&self, request: &Request<B>) -> Seen {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Seen {
            number: all.len() + 1,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            status: None,
        };
        all.push(seen.clone());
        seen
    }

    fn answered(&self, seen: &Seen, status: StatusCode) {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all[seen.number - 1].status = Some(status.as_u16());
    }

    /// Never answers; ends when the client goes.
    async fn hold(&self) -> io::Result<Response<Body>> {
        struct Held<'a>(&'a AtomicUsize);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.held.fetch_add(1, Ordering::SeqCst);
        let _held = Held(&self.held);
        std::future::pending().await
    }

    /// Sends it on, and waits for all of the answer; also when the client goes meanwhile.
    async fn forward(
        self: &Arc<Self>,
        seen: &Seen,
        request: Request<hyper::body::Incoming>,
    ) -> io::Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        // A whole body, and not a stream, so that it can be sent again when a pooled connection turns out closed.
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(io::Error::other)?;
        let (way, seen) = (Arc::clone(self), seen.clone());
        let asked = tokio::spawn(async move {
            let under_way = way.under_way.read().await;
            let answer = way.ask(&parts, body).await;
            drop(under_way);
            if let (Some(handled), Ok(answer)) = (&way.handled, &answer) {
                let _still = way.under_way.write().await;
                let seen = Seen { status: Some(answer.status().as_u16()), ..seen };
                tokio::task::block_in_place(|| handled(&seen));
            }
            answer
        });
        asked.await.map_err(io::Error::other)?
    }

    /// Asks UAA.
    async fn ask(&self, parts: &Parts, body: Bytes) -> io::Result<Response<Bytes>> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // Without its Host header, by which UAA chooses the zone, reqwest writes UAA's own.
        let mut headers = end_to_end(&parts.headers);
        headers.remove(header::HOST);
        headers.remove(header::CONTENT_LENGTH);
        let mut request =
            self.http.request(parts.method.clone(), format!("{}{path}", self.upstream)).headers(headers);
        if !body.is_empty() || parts.headers.contains_key(header::CONTENT_LENGTH) {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(io::Error::other)?;
        let (status, headers) = (answer.status(), end_to_end(answer.headers()));
        let mut response = Response::new(answer.bytes().await.map_err(io::Error::other)?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl Reply {
    fn response(self) -> io::Result<Response<Body>> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(io::Error::other)?;
        if !self.content_type.is_empty() {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(response)
    }
}

/// Announces the whole body, sends its first half, and after a while what becomes of the second.
fn halved(
    answer: Response<Bytes>,
    pause: Duration,
    second: impl FnOnce(Bytes) -> io::Result<Bytes> + Send + 'static,
) -> io::Result<Response<Body>> {
    let (mut parts, mut first) = answer.into_parts();
    if first.is_empty() {
        return Err(closed());
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(first.len()));
    let rest = first.split_off(first.len() / 2);
    let later = async move {
        tokio::time::sleep(pause).await;
        second(rest)
    };
    let halves = stream::iter([Ok(first)]).chain(stream::once(later));
    Ok(Response::from_parts(parts, Body::from_stream(halves)))
}

/// The headers but for those that belong to one connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER]
    {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed as the test wished")
}
