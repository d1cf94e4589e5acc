//! The model behind HTTP on loopback, and what can go wrong on the way to it and back.
//! Decides nothing by itself: a [`Watch`] of the test does, and sees every request before and after.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::wire::pairs;
use super::{Ask, Reply, Row, State};
use crate::LabError;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It is handled and answered.
    None,
    /// It is never handled, and the connection is closed.
    Drop,
    /// It is handled, and the connection is closed without an answer.
    HandleThenDrop,
    /// It is never handled, and nobody answers.
    Hold,
    /// It is handled, and nobody answers.
    HandleThenHold,
    /// It is never handled; this is the answer.
    Answer(Reply, Option<Duration>),
    /// It is handled; this is the answer all the same.
    HandleThenAnswer(Reply),
    /// It is handled; half of the answer arrives.
    Cut,
    /// It is handled after a while.
    Delay(Duration),
}

/// Whether a request came to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// Yes, and this is the status they gave.
    Yes(u16),
    /// No.
    No,
}

/// A test's eye and hand at the server. Called for one request at a time.
pub trait Watch: Send {
    /// Decides what happens to a request; may change the state, as others do meanwhile.
    fn before(&mut self, state: &mut State, ask: &Ask) -> Fault;
    /// Looks at what the request came to.
    fn after(&mut self, state: &State, ask: &Ask, handled: Handled);
}

/// A watch that lets everything pass.
impl Watch for () {
    fn before(&mut self, _: &mut State, _: &Ask) -> Fault {
        Fault::None
    }

    fn after(&mut self, _: &State, _: &Ask, _: Handled) {}
}

struct Inner {
    state: State,
    watch: Box<dyn Watch>,
}

/// A running server; it ends when dropped. It lives on the runtime that it was started on.
pub struct Server {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server on a free port of loopback.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(state: State, watch: impl Watch + 'static) -> Result<Self, LabError> {
        let listen = async || {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listen().await.map_err(LabError::io("the model has no port"))?;
        let inner = Arc::new(Mutex::new(Inner { state, watch: Box::new(watch) }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&inner)));
        Ok(Self { address, inner, accepting })
    }

    /// The address, plain HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the state, or changes it.
    pub fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut lock(&self.inner).state)
    }

    /// Puts another watch in the place of the one there is.
    pub fn watch(&self, watch: impl Watch + 'static) {
        lock(&self.inner).watch = Box::new(watch);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: tokio::net::TcpListener, inner: Arc<Mutex<Inner>>) {
    // Dropping the set, when the server is dropped, closes every connection.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let inner = Arc::clone(&inner);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let inner = Arc::clone(&inner);
                async move { pass(&inner, request).await }
            });
            // An error here is a connection that one of us closed.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Handles one request; an error closes the connection without an answer.
async fn pass(inner: &Mutex<Inner>, request: Request<hyper::body::Incoming>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(io::Error::other)?;
    let text = |name: header::HeaderName| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let ask = Ask {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        if_match: text(header::IF_MATCH),
        bearer: text(header::AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        body: body.to_vec(),
    };
    let fault = {
        let mut inner = lock(inner);
        let Inner { state, watch } = &mut *inner;
        watch.before(state, &ask)
    };
    let read = match fault {
        Fault::Answer(..) | Fault::Drop | Fault::Hold => None,
        _ => read_before(inner, &ask).await,
    };
    let handle = || {
        let mut inner = lock(inner);
        let Inner { state, watch } = &mut *inner;
        let reply = state.handle(&ask);
        if let Some((group, rows)) = read.clone().filter(|_| reply.is_ok()) {
            state.write_rows(&group, rows);
        }
        watch.after(state, &ask, Handled::Yes(reply.status));
        reply
    };
    let not_handled = || {
        let mut inner = lock(inner);
        let Inner { state, watch } = &mut *inner;
        watch.after(state, &ask, Handled::No);
    };
    match fault {
        Fault::None => response(&handle(), None),
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            response(&handle(), None)
        }
        Fault::Answer(reply, retry_after) => {
            not_handled();
            response(&reply, retry_after)
        }
        Fault::HandleThenAnswer(reply) => {
            handle();
            response(&reply, None)
        }
        Fault::Drop => {
            not_handled();
            Err(closed())
        }
        Fault::HandleThenDrop => {
            handle();
            Err(closed())
        }
        Fault::Hold => {
            not_handled();
            std::future::pending().await
        }
        Fault::HandleThenHold => {
            handle();
            std::future::pending().await
        }
        Fault::Cut => half(&handle()),
    }
}

/// The rows that UAA reads before it writes them back with a PATCH of the group: who is added meanwhile is lost (facts,
/// correction 2). Everything else happens at once.
async fn read_before(inner: &Mutex<Inner>, ask: &Ask) -> Option<(String, Vec<Row>)> {
    let group = ask.path.strip_prefix("/Groups/").filter(|_| ask.method == "PATCH")?;
    let rows = lock(inner).state.group(group)?.members.clone();
    tokio::time::sleep(Duration::from_millis(3)).await;
    Some((group.to_owned(), rows))
}

fn text(reply: &Reply) -> (Vec<u8>, &'static str) {
    match &reply.body {
        None => (Vec::new(), "application/json"),
        Some(serde_json::Value::String(page)) => (page.clone().into_bytes(), "text/html;charset=utf-8"),
        Some(body) => (body.to_string().into_bytes(), "application/json"),
    }
}

fn response(reply: &Reply, retry_after: Option<Duration>) -> io::Result<Response<Body>> {
    let (body, kind) = text(reply);
    let mut response = Response::builder().status(status(reply)?).header(header::CONTENT_TYPE, kind);
    if let Some(time) = retry_after {
        response = response.header(header::RETRY_AFTER, time.as_secs());
    }
    response.body(Body::from(body)).map_err(io::Error::other)
}

/// An answer of which the second half is missing.
fn half(reply: &Reply) -> io::Result<Response<Body>> {
    let (body, kind) = text(reply);
    let begun = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let length = body.len().max(1);
    let frames = futures_util::stream::iter([Ok(begun), Err(closed())]);
    let response = Response::builder().status(status(reply)?).header(header::CONTENT_TYPE, kind);
    response.header(header::CONTENT_LENGTH, length).body(Body::from_stream(frames)).map_err(io::Error::other)
}

fn status(reply: &Reply) -> io::Result<StatusCode> {
    StatusCode::from_u16(reply.status).map_err(io::Error::other)
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed as the test wished")
}
