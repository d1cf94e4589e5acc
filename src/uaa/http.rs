//! One HTTP request and its answer: client, limits, repeats, and the count of what was sent.
//!
//! Decides which failures are worth another try and how long to wait. Never decides what an answer means, knows no
//! token and no zone, and never logs a header or a body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use super::Connection;
use super::mask::Mask;
use super::trouble::{Lost, LostWhy};
use crate::error::Error;

/// The time for a TCP and TLS connection, or half of `--timeout` if that is less; the rest is for the answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait that a server can ask for with `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// More than a list of everything: 100,000 users are 36 MB.
const LIST_LIMIT: usize = 256 << 20;

/// More than one object: a group of 100,000 members is 8 MB.
const OBJECT_LIMIT: usize = 32 << 20;

/// More than a token or what a server says of itself.
const SHORT_LIMIT: usize = 1 << 20;

/// A request before token and zone are added. Has no `Debug`: its body may hold a password.
pub(super) struct Request {
    pub(super) method: Method,
    /// Below the target's own path; percent-encoded where a part comes from outside (see [`segment`]).
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Body,
    pub(super) limit: usize,
}

/// What a request carries.
pub(super) enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// A form, already encoded (`oauth2` makes it).
    Form(Vec<u8>),
}

impl Request {
    /// Makes a request without query and body.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            limit: OBJECT_LIMIT,
        }
    }

    /// Makes a GET of one object.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a JSON body.
    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Allows but a short answer: nobody knows yet who answers.
    pub(super) fn short(mut self) -> Self {
        self.limit = SHORT_LIMIT;
        self
    }

    /// Allows an answer as long as a list of everything.
    pub(super) fn long(mut self) -> Self {
        self.limit = LIST_LIMIT;
        self
    }

    /// Method and path, for messages.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Percent-encodes one path segment: everything but unreserved characters, so that no name can become another path.
pub(super) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// An earlier try of this request may have been handled although its answer was lost.
    pub(super) earlier_lost: bool,
}

impl Answer {
    /// Reads the body as JSON; says which field is wrong, never what stands there.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        let mut json = serde_json::Deserializer::from_slice(&self.body);
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let inner = error.inner();
            let what = match inner.classify() {
                serde_json::error::Category::Data => "a field is missing or of the wrong type",
                serde_json::error::Category::Eof => "it ends too early",
                _ => "it is not JSON",
            };
            match error.path().to_string() {
                path if path == "." => format!("{what}, line {}", inner.line()),
                path => format!("{what} at `{path}`"),
            }
        })
    }

    /// The body as a JSON object, if it is one.
    pub(super) fn object(&self) -> Option<serde_json::Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// UAA's short word for the error, such as `scim_resource_not_found`. None in answers that UAA's own handlers
    /// did not make: an unknown zone is a 404 with the body `{}` (trap 51).
    pub(super) fn error_word(&self) -> Option<String> {
        self.object()?.get("error")?.as_str().map(str::to_owned)
    }

    /// UAA's sentence about the error.
    pub(super) fn error_text(&self) -> Option<String> {
        let object = self.object()?;
        ["message", "error_description"].iter().find_map(|key| object.get(*key)?.as_str()).map(str::to_owned)
    }

    /// Whether this is an HTML page: some other server, a proxy, or Tomcat itself.
    pub(super) fn is_html(&self) -> bool {
        self.headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().contains("html"))
            || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// UAA in limited mode (BOSH backs it up): reads and log-ins work, writes do not; waiting seconds does not help.
    pub(super) fn is_limited_mode(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
            && self.error_word().as_deref() == Some("uaa_unavailable")
    }

    /// UAA 4.x whose start failed answers 503 to everything and names the cause in this header.
    pub(super) fn start_failure(&self) -> Option<&str> {
        if self.status != StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        self.headers.get("x-cf-uaa-error").and_then(|value| value.to_str().ok())
    }

    fn is_transient(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502 | 503 | 504)
            && !self.is_limited_mode()
            && self.start_failure().is_none()
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }
}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Handling it twice comes to the same.
    Harmless,
    /// Likewise, but a host that is unknown, refuses the connection or lets it hang is more likely a wrong address
    /// than a server that restarts: it is told at once.
    AtFirstContact,
    /// Nothing depends on the answer.
    Never,
    /// Only if it was certainly not handled: no connection came about, or the rate limiter (in front of all
    /// handlers) turned it away. The caller re-reads before it tries again.
    IfNotHandled,
}

/// A try that may be followed by another.
enum Failed {
    Answer(Answer),
    Lost(Lost),
}

/// Sends requests to one target: at most so many at once, counted, each answer bounded in size.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    base: Url,
    permits: Semaphore,
    sent: AtomicU64,
    timeout: Duration,
    /// What no message may hold.
    pub(super) mask: Arc<Mask>,
}

impl Transport {
    /// Builds the one client. Fails on a bad address, an unreadable CA certificate, or no CA certificates at all.
    pub(super) fn new(connection: &Connection, mask: Arc<Mask>) -> Result<Self, Error> {
        let base = base(connection)?;
        let secure = base.scheme() == "https";
        let mut client = Client::builder()
            .user_agent(concat!("uaapply/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout(connection.timeout))
            .timeout(connection.timeout)
            // UAA sends unknown paths to its login page; following would take the token along.
            .redirect(reqwest::redirect::Policy::none())
            // Repeats are decided in `call`, where they are counted.
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(connection.concurrency.max(1))
            .tls_danger_accept_invalid_certs(connection.skip_ssl_validation);
        if let Some(pem) = &connection.ca_cert {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| not_a_certificate().cause(chain(&error).join(": ")))?;
            if certificates.is_empty() {
                return Err(not_a_certificate());
            }
            client = client.tls_certs_merge(certificates);
        }
        if !secure {
            // reqwest #2988: on a machine without CA certificates the client cannot be built, not even for http.
            client = client.tls_certs_only([]);
        }
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| {
            let causes = chain(&error);
            let mut message = Error::new("cannot set up TLS");
            if causes.iter().any(|cause| cause.contains("No CA certificates")) {
                message = message.hint("install the package ca-certificates, or give the CA with --ca-cert");
            }
            message.causes = causes;
            message
        })?;
        Ok(Self {
            client,
            base,
            permits: Semaphore::new(connection.concurrency.max(1)),
            sent: AtomicU64::new(0),
            timeout: connection.timeout,
            mask,
        })
    }

    /// The target without credentials, query and trailing slash.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The target's own path, without trailing slash.
    pub(super) fn path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// Asks below another path of the same host from now on.
    pub(super) fn move_to(&mut self, path: &str) {
        self.base.set_path(path);
    }

    /// How many requests were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The full address of a path, as `oauth2` wants it.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Sends a request, and again while that is allowed and may help.
    pub(super) async fn call(&self, request: &Request, repeat: Repeat) -> Result<Answer, Lost> {
        let lost = AtomicBool::new(false);
        let attempt = || async {
            match self.once(request).await {
                Ok(mut answer) => {
                    answer.earlier_lost = lost.load(Ordering::Relaxed);
                    if !answer.is_transient() {
                        return Ok(answer);
                    }
                    if answer.status != StatusCode::TOO_MANY_REQUESTS {
                        lost.store(true, Ordering::Relaxed);
                    }
                    Err(Failed::Answer(answer))
                }
                Err(failure) => {
                    if failure.sent {
                        lost.store(true, Ordering::Relaxed);
                    }
                    Err(Failed::Lost(failure))
                }
            }
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(5)
            .with_jitter();
        let mut tries = 0;
        let outcome = attempt
            .retry(waits)
            .when(|failed: &Failed| {
                tries += 1;
                // The rate limiter lets a fixed number through each second: more patience there. A request that
                // timed out has already cost the whole `--timeout`: one more, not three.
                let most = match failed {
                    Failed::Answer(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => 6,
                    Failed::Lost(failure) if matches!(failure.why, LostWhy::Timeout(_)) => 2,
                    _ => 4,
                };
                tries < most
                    && match failed {
                        Failed::Answer(answer) => {
                            let busy = answer.status == StatusCode::TOO_MANY_REQUESTS;
                            match repeat {
                                Repeat::Harmless | Repeat::AtFirstContact => true,
                                Repeat::IfNotHandled => busy,
                                Repeat::Never => false,
                            }
                        }
                        Failed::Lost(failure) => {
                            failure.may_pass()
                                && match repeat {
                                    Repeat::Harmless => true,
                                    Repeat::AtFirstContact => !matches!(
                                        failure.why,
                                        LostWhy::UnknownHost
                                            | LostWhy::ConnectionRefused
                                            | LostWhy::ConnectTimeout(_)
                                    ),
                                    Repeat::Never => false,
                                    Repeat::IfNotHandled => !failure.sent,
                                }
                        }
                    }
            })
            .adjust(|failed, wait| {
                let wait = wait?;
                Some(match failed {
                    // Limits are per second and there is no Retry-After (facts §9).
                    Failed::Answer(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => {
                        answer.retry_after().unwrap_or_default().max(wait).max(Duration::from_secs(1))
                    }
                    Failed::Answer(answer) => answer.retry_after().unwrap_or_default().max(wait),
                    Failed::Lost(_) => wait,
                })
            })
            .notify(|failed, wait| {
                let why = match failed {
                    Failed::Answer(answer) => answer.status.to_string(),
                    Failed::Lost(failure) => failure.in_short(),
                };
                tracing::debug!(request = request.name(), why, ?wait, "trying again");
            })
            .await;
        match outcome {
            Ok(answer) | Err(Failed::Answer(answer)) => Ok(answer),
            Err(Failed::Lost(mut failure)) => {
                failure.sent |= lost.load(Ordering::Relaxed);
                Err(failure)
            }
        }
    }

    /// Sends a request once.
    async fn once(&self, request: &Request) -> Result<Answer, Lost> {
        // Never closed, so this cannot fail; if it did, sending without a permit would be the lesser harm.
        let _permit = self.permits.acquire().await.ok();
        let mut url = self.url(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut builder = self.client.request(request.method.clone(), url.clone());
        builder = builder.header(ACCEPT, "application/json");
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        builder = match &request.body {
            Body::Empty => builder,
            Body::Json(value) => builder.json(value),
            Body::Form(form) => {
                builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.clone())
            }
        };
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        let begun = Instant::now();
        let outcome = self.receive(builder, request).await;
        let ms = begun.elapsed().as_millis();
        let query = url.query().unwrap_or_default();
        let target =
            if query.is_empty() { request.path.clone() } else { format!("{}?{query}", request.path) };
        match &outcome {
            Ok(answer) => tracing::debug!(
                number,
                method = %request.method,
                path = self.mask.text(&target),
                status = answer.status.as_u16(),
                bytes = answer.body.len(),
                ms,
                "request"
            ),
            Err(failure) => tracing::debug!(
                number,
                method = %request.method,
                path = self.mask.text(&target),
                failure = failure.in_short(),
                ms,
                "request"
            ),
        }
        outcome
    }

    async fn receive(&self, builder: reqwest::RequestBuilder, request: &Request) -> Result<Answer, Lost> {
        let lost =
            |error: reqwest::Error| Lost::from_reqwest(request.name(), error, self.address(), self.timeout);
        let mut response = builder.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > request.limit {
                return Err(Lost::too_large(request.name(), self.address(), request.limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body, earlier_lost: false })
    }
}

/// How long a connection may take to come about.
pub(super) fn connect_timeout(timeout: Duration) -> Duration {
    CONNECT_TIMEOUT.min(timeout / 2)
}

/// The texts of an error and of what caused it, without the address (it may hold credentials).
pub(super) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = crate::visible::visible(&error.to_string());
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts
}

fn not_a_certificate() -> Error {
    Error::new("--ca-cert holds no certificate that can be read")
        .hint("it must be one or more PEM blocks that begin with -----BEGIN CERTIFICATE-----")
}

/// Checks the address and strips what must not travel.
fn base(connection: &Connection) -> Result<Url, Error> {
    let mut base = connection.target.clone();
    let stripped = base.set_username("").and_then(|()| base.set_password(None));
    base.set_query(None);
    base.set_fragment(None);
    let shown = crate::visible::visible(base.as_str());
    if stripped.is_err() || base.host_str().is_none_or(str::is_empty) {
        return Err(Error::new(format!("`{shown}` is not the address of a server"))
            .hint("give --target as https://HOST or https://HOST:PORT"));
    }
    match base.scheme() {
        "https" => Ok(base),
        "http" if connection.allow_http || is_loopback(&base) => Ok(base),
        "http" => Err(Error::new(format!(
            "`{shown}` is plain http: the client's secret would travel in clear text"
        ))
        .hint("use https://, or --allow-http if the way there is protected otherwise")),
        _ => Err(Error::new(format!("`{shown}` is not an https address"))
            .hint("give --target as https://HOST or https://HOST:PORT")),
    }
}

/// Whether the address means this machine, by its text alone.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
