//! One HTTP client: TLS, proxies, limits, retries, counting. Knows no endpoint and nothing of what answers mean.

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request};
use tokio::sync::Semaphore;
use url::Url;

use super::Connection;
use super::mask::Mask;
use crate::error::Error;

/// The largest answer that is read: a list of 500 users is some 200 kB, a group of 100,000 members some 8 MB.
const ANSWER_LIMIT: usize = 256 << 20;

/// Sends requests to one server.
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    permits: Semaphore,
    sent: AtomicU64,
    pub(super) mask: Mask,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoAnswer {
    /// Whether the request may have reached the server.
    pub(super) sent: bool,
    pub(super) cause: Cause,
    /// The client's own words, from the outer to the inner.
    pub(super) words: Vec<String>,
}

/// Causes that deserve different advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    UnknownHost,
    Refused,
    Timeout,
    UntrustedCertificate,
    ExpiredCertificate,
    WrongName,
    NotTls,
    TooLarge,
    Other,
}

impl Transport {
    /// Builds the client.
    pub(super) fn new(connection: &Connection, mask: Mask) -> Result<Self, Error> {
        let base = connection.target.clone();
        let host = base.host_str().unwrap_or_default().to_owned();
        let loopback = is_loopback(&host);
        match base.scheme() {
            "https" => {}
            "http" if loopback || connection.allow_http => {}
            "http" => {
                return Err(Error::new(format!(
                    "the target {base} is plain http: the secret and every token would be readable on the way"
                ))
                .hint("write https://, or give --allow-http when the connection is safe by other means"));
            }
            other => {
                return Err(Error::new(format!("the target {base} has the scheme `{other}`, not https")));
            }
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("uaapply/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connection.timeout.min(Duration::from_secs(10)))
            .timeout(connection.timeout)
            // UAA answers unknown paths with a redirect to its login page (facts §1.3); a token must never follow one.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(connection.concurrency.max(1));
        if loopback {
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            // Otherwise the platform's verifier fails on a machine without CA certificates, for a connection without TLS.
            builder = builder.tls_certs_only([]);
        } else if connection.skip_ssl_validation {
            builder = builder.tls_danger_accept_invalid_certs(true);
        } else if let Some(pem) = &connection.ca_cert {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| unusable_ca(&error.to_string()))?;
            if certificates.is_empty() {
                return Err(unusable_ca("it holds no PEM certificate"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| {
            let error = Error { causes: chain(&error), ..Error::new("cannot set up TLS") };
            error.hint("give --ca-cert, or install the system's CA certificates (package ca-certificates)")
        })?;
        Ok(Self {
            http,
            base,
            permits: Semaphore::new(connection.concurrency.max(1)),
            sent: AtomicU64::new(0),
            mask,
        })
    }

    /// Returns the address of `path` (which begins with `/` and may have a query) below the target's own path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Returns the target as people write it.
    pub(super) fn target(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Returns how many requests were sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Starts a request.
    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path)).header(ACCEPT, HeaderValue::from_static("application/json"))
    }

    /// Sends one request, once.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, NoAnswer> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed: invariant");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let begun = Instant::now();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.exchange(request).await;
        match &answer {
            Ok(answer) => {
                tracing::debug!(%method, path, status = answer.status, ms = begun.elapsed().as_millis(), "request")
            }
            Err(error) => {
                tracing::debug!(%method, path, cause = ?error.cause, ms = begun.elapsed().as_millis(), "no answer")
            }
        }
        answer
    }

    async fn exchange(&self, request: Request) -> Result<Answer, NoAnswer> {
        let mut response = self.http.execute(request).await.map_err(|error| no_answer(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| NoAnswer { sent: true, ..no_answer(&error) })?
        {
            if body.len() + chunk.len() > ANSWER_LIMIT {
                return Err(NoAnswer {
                    sent: true,
                    cause: Cause::TooLarge,
                    words: vec![format!("the answer is larger than {} MiB", ANSWER_LIMIT >> 20)],
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    /// Sends a request that may be repeated: again after a passing fault, with growing pauses.
    pub(super) async fn send_repeatedly<F, O>(&self, send: F) -> Result<Answer, NoAnswer>
    where
        F: Fn() -> O,
        O: Future<Output = Result<Answer, NoAnswer>>,
    {
        let attempt = || async {
            match send().await {
                Ok(answer) if answer.is_passing_fault() => Err(Fault::Answer(answer)),
                Ok(answer) => Ok(answer),
                Err(error) => Err(Fault::NoAnswer(error)),
            }
        };
        let result = attempt
            .retry(backoff())
            .when(Fault::is_passing)
            .adjust(|fault, pause| pause.map(|pause| fault.pause(pause)))
            .notify(|fault, pause| {
                tracing::warn!("{}: trying again in {:.1} s", fault.name(), pause.as_secs_f32())
            })
            .await;
        match result {
            Ok(answer) | Err(Fault::Answer(answer)) => Ok(answer),
            Err(Fault::NoAnswer(error)) => Err(error),
        }
    }

    /// Says why there was no answer, and what to do about it.
    pub(super) fn explain(&self, no_answer: &NoAnswer) -> Error {
        let target = self.target();
        let host = self.base.host_str().unwrap_or_default();
        let place = format!("{host}:{}", self.base.port_or_known_default().unwrap_or_default());
        let ca_hint = "give UAA's CA with --ca-cert PATH (UAA_CA_CERT); on the Ops Manager VM it is \
                       /var/tempest/workspaces/default/root_ca_certificate";
        let error = match no_answer.cause {
            Cause::UnknownHost => Error::new(format!("cannot resolve the host name {host}"))
                .hint("check the address given by --target (UAA_TARGET), and this machine's DNS"),
            Cause::Refused => Error::new(format!("connection refused by {place}: nothing listens there"))
                .hint("UAA of PKS/TKGI listens on port 8443 of the API host: check the port, and that the load balancer forwards it"),
            Cause::Timeout => Error::new(format!("{place} did not answer in time"))
                .hint("check firewall and proxy settings (HTTPS_PROXY, NO_PROXY), or give a longer --timeout"),
            Cause::UntrustedCertificate => {
                Error::new(format!("the certificate of {place} is not signed by an authority that is trusted here")).hint(ca_hint)
            }
            Cause::ExpiredCertificate => Error::new(format!("the certificate of {place} has expired (or is not valid yet)"))
                .hint("have the certificate renewed (Ops Manager: PKS/TKGI tile, certificate), and check this machine's clock"),
            Cause::WrongName => Error::new(format!("the certificate of {place} is for another host name"))
                .hint("use in --target the host name that the certificate was made for"),
            Cause::NotTls => Error::new(format!("{place} does not speak TLS"))
                .hint("check the port: UAA of PKS/TKGI speaks https on 8443"),
            Cause::TooLarge | Cause::Other => Error::new(format!("no usable answer from {target}")),
        };
        no_answer.words.iter().fold(error, |error, word| error.cause(self.mask.show(word)))
    }
}

impl Answer {
    /// Tells whether the same request may well succeed a moment later.
    fn is_passing_fault(&self) -> bool {
        match self.status {
            429 | 502 | 504 => true,
            // UAA in limited mode (a BOSH backup runs) refuses writes for minutes: repeating is no use (facts §9).
            503 => !self.is_limited_mode(),
            _ => false,
        }
    }

    /// Tells whether UAA refuses writes while a backup runs.
    pub(super) fn is_limited_mode(&self) -> bool {
        self.status == 503 && self.json().is_some_and(|body| body["error"] == "uaa_unavailable")
    }

    /// Returns the body as JSON, if it is.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// One failed attempt.
enum Fault {
    Answer(Answer),
    NoAnswer(NoAnswer),
}

impl Fault {
    fn is_passing(&self) -> bool {
        match self {
            Self::Answer(_) => true,
            Self::NoAnswer(error) => match error.cause {
                Cause::Refused | Cause::Timeout | Cause::Other => true,
                Cause::UnknownHost
                | Cause::UntrustedCertificate
                | Cause::ExpiredCertificate
                | Cause::WrongName
                | Cause::NotTls
                | Cause::TooLarge => false,
            },
        }
    }

    /// A rate limit of UAA counts by the second and says no `Retry-After` (facts §9).
    fn pause(&self, pause: Duration) -> Duration {
        let Self::Answer(answer) = self else { return pause };
        let asked = answer
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let least = if answer.status == 429 { Duration::from_secs(1) } else { Duration::ZERO };
        pause.max(least).max(asked.unwrap_or_default().min(Duration::from_secs(60)))
    }

    fn name(&self) -> String {
        match self {
            Self::Answer(answer) => format!("the server answered {}", answer.status),
            Self::NoAnswer(error) => error.words.last().cloned().unwrap_or_else(|| "no answer".to_owned()),
        }
    }
}

/// A quarter of a second, doubling, four times at most.
pub(super) fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(4)
        .with_jitter()
}

/// Returns the pauses of [`backoff`] one by one, for loops that look between two tries.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    backoff().build()
}

fn unusable_ca(why: &str) -> Error {
    Error::new("the CA certificate (--ca-cert, UAA_CA_CERT) cannot be used")
        .cause(why)
        .hint("give the path of a PEM file, or PEM text that begins with -----BEGIN CERTIFICATE-----")
}

/// Tells whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    let words = chain(error);
    let all = words.join("\n");
    let says = |needles: &[&str]| needles.iter().any(|needle| all.contains(needle));
    let cause = if says(&["dns error", "failed to lookup address"]) {
        Cause::UnknownHost
    } else if says(&["UnknownIssuer", "unknown issuer", "CaUsedAsEndEntity", "self-signed", "BadSignature"]) {
        Cause::UntrustedCertificate
    } else if says(&["Expired", "expired", "NotValidYet", "not valid yet"]) {
        Cause::ExpiredCertificate
    } else if says(&["NotValidForName", "not valid for name", "not valid for any names"]) {
        Cause::WrongName
    } else if says(&["InvalidContentType", "corrupt message", "received fatal alert", "invalid content type"])
    {
        Cause::NotTls
    } else if says(&["invalid peer certificate"]) {
        Cause::UntrustedCertificate
    } else if says(&["Connection refused", "connection refused"]) {
        Cause::Refused
    } else if error.is_timeout() {
        Cause::Timeout
    } else {
        Cause::Other
    };
    NoAnswer { sent: !error.is_connect() && !error.is_builder(), cause, words }
}

/// Returns an error's words from the outer to the inner, without addresses and doubles.
fn chain(error: &reqwest::Error) -> Vec<String> {
    let mut words = Vec::new();
    let mut next = error.source();
    while let Some(error) = next {
        let word = error.to_string();
        if words.last() != Some(&word) {
            words.push(word);
        }
        next = error.source();
    }
    if words.is_empty() {
        // Only here can the address stand in the text; a query may hold names but no secret.
        words.push("the request could not be sent".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "t1.localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1", "example.com", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
