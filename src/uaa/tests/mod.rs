//! What a real UAA cannot be made to do: faults, lost answers, odd pages. The rules of the real one are tested
//! against it, in `tests/live`.

mod clients;
mod connecting;
mod lists;
mod order;
mod tokens;
mod writes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{Connection, Login, ReadBy, Reader, WriteError, WriteErrorKind, Writer};
use crate::error::Error;
use crate::model::ClientId;
use crate::observed::Server;

/// The client's secret in all tests; no text may hold it, in any spelling.
const SECRET: &str = "canary\"secret&1";

/// The token in all tests.
const TOKEN: &str = "canary-token";

/// How to reach a mock.
fn connection(target: &str) -> Connection {
    Connection {
        target: Url::parse(target).expect("an address"),
        client_id: ClientId::new("admin"),
        login: Login::Secret(SecretString::from(SECRET)),
        ca_cert: None,
        skip_ssl_validation: false,
        allow_http: false,
        zone: None,
        timeout: Duration::from_secs(2),
        concurrency: 4,
        read_by: ReadBy::Fewest,
        mask: vec![SecretString::from("canary-password")],
    }
}

/// A server that gives tokens.
async fn uaa() -> MockServer {
    let server = MockServer::start().await;
    on(&server, "POST", "/oauth/token", [token(43_199)]).await;
    server
}

/// A token that lasts so many seconds.
fn token(expires_in: u64) -> ResponseTemplate {
    ok(
        json!({"access_token": TOKEN, "token_type": "bearer", "expires_in": expires_in, "scope": "uaa.admin", "jti": "x"}),
    )
}

async fn logged_in(server: &MockServer) -> (Reader, Writer) {
    super::log_in(connection(&server.uri()), Server::default()).await.expect("a token")
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// One of UAA's own errors.
fn no(status: u16, word: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"error": word, "message": message, "error_description": message}))
}

fn html(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw("<html>canary-page</html>", "text/html")
}

/// A page of a list.
fn page(total: usize, rows: impl IntoIterator<Item = Value>) -> ResponseTemplate {
    let rows: Vec<Value> = rows.into_iter().collect();
    ok(json!({"resources": rows, "startIndex": 1, "itemsPerPage": rows.len(), "totalResults": total}))
}

/// Answers in this order; the last one again and again.
struct InOrder {
    answers: Vec<ResponseTemplate>,
    next: AtomicUsize,
}

impl Respond for InOrder {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.answers[next.min(self.answers.len() - 1)].clone()
    }
}

/// Lets a path answer.
async fn on(server: &MockServer, verb: &str, at: &str, answers: impl IntoIterator<Item = ResponseTemplate>) {
    let answers = InOrder { answers: answers.into_iter().collect(), next: AtomicUsize::new(0) };
    Mock::given(method(verb)).and(path(at)).respond_with(answers).mount(server).await;
}

/// Cuts the connection so many times when this is asked, before anything else is answered.
async fn cut(server: &MockServer, verb: &str, at: &str, times: u64) {
    Mock::given(method(verb))
        .and(path(at))
        .respond_with_err(|_: &Request| std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut"))
        .up_to_n_times(times)
        .with_priority(1)
        .mount(server)
        .await;
}

/// The requests that were received, as `POST /Users`, without those for tokens.
async fn received(server: &MockServer) -> Vec<String> {
    let all = server.received_requests().await.expect("requests are recorded");
    let shown = all.iter().map(|request| format!("{} {}", request.method, request.url.path()));
    shown.filter(|request| !request.ends_with("/oauth/token")).collect()
}

/// The JSON bodies that were sent so.
async fn sent(server: &MockServer, verb: &str) -> Vec<Value> {
    let all = server.received_requests().await.expect("requests are recorded");
    let bodies =
        all.iter().filter(|request| request.method.as_str() == verb && request.url.path() != "/oauth/token");
    bodies.map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
}

/// All of an error's text, which holds no secret.
fn text(error: &Error) -> String {
    let texts: Vec<&str> =
        [&error.message].into_iter().chain(&error.causes).chain(&error.hints).map(String::as_str).collect();
    let text = texts.join("\n");
    assert!(!text.contains("canary"), "{text}");
    text
}

/// A write's failure: its kind and text, which holds no secret.
fn failure(error: WriteError) -> (WriteErrorKind, String) {
    assert!(!error.message.contains("canary"), "{}", error.message);
    (error.kind, error.message)
}
