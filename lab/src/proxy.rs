//! A proxy before UAA that sees every request and can lose, hold, delay or answer it.
//! Decides nothing by itself: a function of the test does. Never alters what it forwards.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

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
    /// UAA never sees it; this status without a body is the answer.
    Answer(u16),
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    accepting: tokio::task::JoinHandle<()>,
    /// The connections need them.
    _threads: Arc<Threads>,
}

type Decide = dyn Fn(&Seen) -> Action + Send + Sync;

/// What all connections of a proxy share.
struct Way {
    http: reqwest::Client,
    upstream: String,
    decide: Box<Decide>,
    seen: Mutex<Vec<Seen>>,
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
        let threads = Arc::clone(foundation.client().threads());
        let way = Arc::new(Way {
            http: crate::client::http(foundation.ca_file())?,
            upstream: foundation.uaa_url().to_owned(),
            decide: Box::new(on_request),
            seen: Mutex::default(),
            held: AtomicUsize::new(0),
        });
        let listener = crate::pks_api::listen(0)?;
        let address = listener.local_addr().map_err(LabError::io("the proxy has no port"))?;
        let accepting = threads.spawn(accept(listener, Arc::clone(&way)));
        Ok(Self { address, way, accepting, _threads: threads })
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
    async fn pass(&self, request: Request<hyper::body::Incoming>) -> io::Result<Response<Body>> {
        let seen = self.arrived(&request);
        match (self.decide)(&seen) {
            Action::Forward => self.answered(&seen, self.forward(request).await?),
            Action::Hold => self.hold().await,
            Action::ForwardThenHold => {
                self.finish(request).await?;
                self.hold().await
            }
            Action::Drop => Err(closed()),
            Action::ForwardThenDrop => {
                self.finish(request).await?;
                Err(closed())
            }
            Action::Delay(time) => {
                tokio::time::sleep(time).await;
                self.answered(&seen, self.forward(request).await?)
            }
            Action::Answer(status) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
                self.answered(&seen, response)
            }
        }
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

    fn answered(&self, seen: &Seen, response: Response<Body>) -> io::Result<Response<Body>> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all[seen.number - 1].status = Some(response.status().as_u16());
        Ok(response)
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

    /// Sends it on and waits until UAA is done with it.
    async fn finish(&self, request: Request<hyper::body::Incoming>) -> io::Result<()> {
        let response = self.forward(request).await?;
        axum::body::to_bytes(response.into_body(), usize::MAX).await.map_err(io::Error::other)?;
        Ok(())
    }

    /// Sends it on; an answer streams back.
    async fn forward(&self, request: Request<hyper::body::Incoming>) -> io::Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // Without its Host header, by which UAA chooses the zone, reqwest writes UAA's own.
        let mut headers = end_to_end(&parts.headers);
        headers.remove(header::HOST);
        // A whole body, and not a stream, so that it can be sent again when a pooled connection turns out closed.
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(io::Error::other)?;
        headers.remove(header::CONTENT_LENGTH);
        let mut request =
            self.http.request(parts.method.clone(), format!("{}{path}", self.upstream)).headers(headers);
        if !body.is_empty() || parts.headers.contains_key(header::CONTENT_LENGTH) {
            request = request.body(body);
        }
        let answer = request.send().await.map_err(io::Error::other)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = end_to_end(answer.headers());
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }
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
