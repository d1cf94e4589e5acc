//! What went wrong between us and UAA, in words: the cause, and what to do next.
//!
//! Decides how a failed connection or a refusal reads. Never decides whether to try again.

use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use super::http::{Answer, chain};
use super::mask::Mask;
use crate::error::Error;
use crate::visible::visible;

/// A request without a usable answer.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// Method and path.
    pub(super) request: String,
    pub(super) why: LostWhy,
    /// Whether the server may have handled the request: it was connected to.
    pub(super) sent: bool,
    address: String,
    causes: Vec<String>,
}

/// Why there was no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LostWhy {
    UnknownHost,
    ConnectionRefused,
    NoConnection,
    ConnectTimeout(Duration),
    Timeout(Duration),
    UntrustedCertificate,
    ExpiredCertificate,
    OtherName,
    NotTls,
    Tls,
    Cut,
    TooLarge(usize),
}

impl Lost {
    /// Sorts what reqwest says. Its own text is only "error sending request"; the cause lies up to five errors deep,
    /// in types that it does not export, hence the comparison of texts.
    pub(super) fn from_reqwest(
        request: String,
        error: reqwest::Error,
        address: &str,
        timeout: Duration,
    ) -> Self {
        let error = error.without_url();
        let mut causes = chain(&error);
        let all = causes.join(": ");
        let has = |text: &str| all.contains(text);
        let why = if has("invalid peer certificate") || has("certificate verify failed") {
            if has("Expired") || has("expired") || has("NotValidYet") || has("not valid yet") {
                LostWhy::ExpiredCertificate
            } else if has("NotValidForName") || has("not valid for name") {
                LostWhy::OtherName
            } else {
                LostWhy::UntrustedCertificate
            }
        } else if has("InvalidContentType") {
            LostWhy::NotTls
        } else if has("dns error") || has("failed to lookup address") {
            LostWhy::UnknownHost
        } else if io_kind(&error) == Some(io::ErrorKind::ConnectionRefused) {
            LostWhy::ConnectionRefused
        } else if error.is_connect()
            && (error.is_timeout() || has("timed out") || has("deadline has elapsed"))
        {
            LostWhy::ConnectTimeout(super::http::connect_timeout(timeout))
        } else if error.is_timeout() {
            LostWhy::Timeout(timeout)
        } else if error.is_connect() && (has("TLS") || has("tls") || has("alert") || has("handshake")) {
            LostWhy::Tls
        } else if error.is_connect() {
            LostWhy::NoConnection
        } else {
            LostWhy::Cut
        };
        // "error sending request" says nothing that the message does not.
        causes
            .retain(|cause| !cause.starts_with("error sending request") && cause != "client error (Connect)");
        Self { request, why, sent: !error.is_connect(), address: address.to_owned(), causes }
    }

    /// An answer over the limit.
    pub(super) fn too_large(request: String, address: &str, limit: usize) -> Self {
        let (address, causes) = (address.to_owned(), Vec::new());
        Self { request, why: LostWhy::TooLarge(limit), sent: true, address, causes }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn may_pass(&self) -> bool {
        match self.why {
            LostWhy::UnknownHost
            | LostWhy::ConnectionRefused
            | LostWhy::NoConnection
            | LostWhy::ConnectTimeout(_)
            | LostWhy::Timeout(_)
            | LostWhy::Cut => true,
            LostWhy::UntrustedCertificate
            | LostWhy::ExpiredCertificate
            | LostWhy::OtherName
            | LostWhy::NotTls
            | LostWhy::Tls
            | LostWhy::TooLarge(_) => false,
        }
    }

    /// The failure in a few words.
    pub(super) fn in_short(&self) -> String {
        match self.why {
            LostWhy::UnknownHost => "the host name is unknown".to_owned(),
            LostWhy::ConnectionRefused => "connection refused".to_owned(),
            LostWhy::NoConnection => "no connection".to_owned(),
            LostWhy::ConnectTimeout(after) => format!("no connection within {} s", after.as_secs_f32()),
            LostWhy::Timeout(after) => format!("no answer within {} s", after.as_secs_f32()),
            LostWhy::UntrustedCertificate => "its certificate is not trusted".to_owned(),
            LostWhy::ExpiredCertificate => "its certificate is not valid at this time".to_owned(),
            LostWhy::OtherName => "its certificate is for another name".to_owned(),
            LostWhy::NotTls => "it does not speak TLS on this port".to_owned(),
            LostWhy::Tls => "the TLS handshake failed".to_owned(),
            LostWhy::Cut => "the connection was cut before the answer was complete".to_owned(),
            LostWhy::TooLarge(limit) => format!("the answer is longer than {} MiB", limit >> 20),
        }
    }

    /// The failure on one line, for a change's error text.
    pub(super) fn line(&self) -> String {
        visible(&format!("{}: {}", self.request, self.in_short()))
    }

    /// The failure with its causes and hints.
    pub(super) fn error(&self, mask: &Mask) -> Error {
        let address = &self.address;
        let mut error = match self.why {
            LostWhy::UnknownHost => Error::new(format!("cannot resolve the host name of {address}"))
                .hint("check --target for a typo, and that this machine's DNS knows the name (VPN?)"),
            LostWhy::ConnectionRefused => Error::new(format!("nothing listens at {address}"))
                .hint("check host and port: the UAA of PKS is at port 8443 of the PKS API, that of CF at uaa.SYSTEM-DOMAIN"),
            LostWhy::NoConnection => Error::new(format!("cannot connect to {address}"))
                .hint("check host and port, and a proxy in HTTPS_PROXY or HTTP_PROXY; NO_PROXY excepts hosts"),
            LostWhy::ConnectTimeout(after) => Error::new(format!("no connection to {address} within {} s", after.as_secs_f32()))
                .hint("check that a firewall or a security group lets this machine through, and HTTPS_PROXY"),
            LostWhy::Timeout(_) => {
                Error::new(format!("{address} accepted the connection but gave no answer: {}", self.in_short()))
                    .cause(self.request.clone())
                    .hint("UAA may be starting or under load: try again, or with a longer --timeout")
            }
            LostWhy::UntrustedCertificate => Error::new(format!("the certificate of {address} is not trusted"))
                .hint("give the CA that signed it with --ca-cert; on the Ops Manager VM that of PKS is \
                       /var/tempest/workspaces/default/root_ca_certificate")
                .hint("-k trusts anybody who answers: for a lab only"),
            LostWhy::ExpiredCertificate => {
                Error::new(format!("the certificate of {address} has expired, or is not valid yet"))
                    .hint("rotate it on the server, and check this machine's clock")
            }
            LostWhy::OtherName => Error::new(format!("the certificate of {address} is for another name"))
                .hint("use the name that the certificate holds in --target: not an IP address, not an alias"),
            LostWhy::NotTls => Error::new(format!("{address} does not speak TLS"))
                .hint(format!("if UAA is served without TLS there, write {} in --target; for another host than this one that takes --allow-http", address.replacen("https://", "http://", 1)))
                .hint("the port is a plain http one or another service: the UAA of PKS is at port 8443 of the PKS API"),
            LostWhy::Tls => Error::new(format!("the TLS handshake with {address} failed"))
                .hint("check that host and port are UAA's, and that nothing in between breaks TLS open"),
            LostWhy::Cut if address.starts_with("http://") => Error::new(format!("{address} cut the connection"))
                .cause(self.request.clone())
                .hint(format!("if the port wants TLS, write {} in --target", with_tls(address))),
            LostWhy::Cut => Error::new(format!("{address} cut the connection"))
                .cause(self.request.clone())
                .hint("a load balancer or proxy on the way, or UAA restarting: try again in a minute"),
            LostWhy::TooLarge(_) => {
                Error::new(format!("{} of {address}", self.in_short())).cause(self.request.clone())
            }
        };
        // What `openssl req -x509` makes: rustls does not take a CA's own certificate for a server's, trusted or not.
        if self.causes.iter().any(|cause| cause.contains("CaUsedAsEndEntity")) {
            error.hints = vec![
                "the server shows a CA certificate as its own (self-signed, CA:TRUE), which --ca-cert cannot mend: give it one \
                 that the CA has signed, or use -k in a lab"
                    .to_owned(),
            ];
        }
        // A certificate can name anything.
        error.causes.extend(self.causes.iter().map(|cause| mask.text(cause)));
        shown(error)
    }
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() != io::ErrorKind::Other
        {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// Makes the whole of an error fit for a terminal. What comes of the server is masked before, piece by piece: masking
/// our own words would tell which of them is the secret.
pub(super) fn shown(mut error: Error) -> Error {
    error.message = visible(&error.message);
    for text in error.causes.iter_mut().chain(&mut error.hints) {
        *text = visible(text);
    }
    error
}

/// Method, path, status and UAA's own words, on one line.
pub(super) fn line(request: &str, answer: &Answer, mask: &Mask) -> String {
    visible(&format!("{request}: {}", words(answer, mask)))
}

/// The status and UAA's own words. A body that is not UAA's JSON is only named, never quoted.
fn words(answer: &Answer, mask: &Mask) -> String {
    let status = answer.status.as_u16();
    let masked = |text: String| mask.text(&text);
    match (answer.error_word().map(masked), answer.error_text().map(masked)) {
        (Some(word), Some(text)) => format!("{status} {word}: {}", shortened(&text)),
        (Some(word), None) => format!("{status} {word}"),
        (None, Some(text)) => format!("{status}: {}", shortened(&text)),
        (None, None) if answer.is_html() => format!("{status}, an HTML page"),
        (None, None) => match answer.status.canonical_reason() {
            Some(reason) => format!("{status} {reason}"),
            None => status.to_string(),
        },
    }
}

/// A SQL text of UAA can be a kilobyte.
fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A refusal in a read or log-in, with causes and hints. `lacks` says how to grant what a 403 misses.
pub(super) fn refusal(
    request: &str,
    answer: &Answer,
    address: &str,
    mask: &Mask,
    lacks: impl FnOnce(Option<&str>) -> Error,
) -> Error {
    let said = format!("{request}: {}", words(answer, mask));
    let error = match answer.status {
        status if status.is_redirection() => not_an_api(address),
        StatusCode::UNAUTHORIZED => Error::new("UAA refuses the token, a new one too")
            .hint("the client was changed or deleted meanwhile, or the token is of another zone or UAA"),
        StatusCode::FORBIDDEN => {
            let wanted = answer.object().and_then(|object| object.get("scope")?.as_str().map(str::to_owned));
            lacks(wanted.as_deref())
        }
        StatusCode::NOT_FOUND if answer.error_word().is_none() => unknown_zone(address),
        StatusCode::TOO_MANY_REQUESTS => {
            Error::new("UAA's rate limiter turns requests away, after waiting too")
                .hint("try again with a lower --concurrency")
        }
        _ if answer.start_failure().is_some() => {
            failed_start(address, &mask.text(answer.start_failure().unwrap_or_default()))
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            unavailable(address)
        }
        _ => Error::new(format!("UAA could not answer {request}")),
    };
    shown(error.cause(said))
}

/// A body that is not what UAA sends there.
pub(super) fn not_understood(request: &str, answer: &Answer, why: &str, mask: &Mask) -> Error {
    let error = if answer.is_html() {
        Error::new(format!("{request} was answered with an HTML page")).hint(
            "a proxy or load balancer answers in UAA's place, or --target lacks UAA's path (such as /uaa)",
        )
    } else {
        Error::new(format!("the answer to {request} cannot be read")).cause(mask.text(why))
    };
    shown(error)
}

/// The same address with https.
pub(super) fn with_tls(address: &str) -> String {
    address.replacen("http://", "https://", 1)
}

/// UAA sends unknown GET paths to its login page.
pub(super) fn not_an_api(address: &str) -> Error {
    Error::new(format!("{address} is not UAA's API: it redirects elsewhere"))
        .hint("check the path in --target: UAA is at the root of its host, or below a path such as /uaa")
}

/// The Host names no zone of this UAA, or the zone header does not: a 404 without UAA's JSON.
pub(super) fn unknown_zone(address: &str) -> Error {
    Error::new(format!("the UAA at {address} knows no identity zone for this host name or --zone"))
        .hint("use the host name that UAA was installed with in --target (its `uaa.url`), and check --zone")
}

/// UAA 4.x whose start failed.
pub(super) fn failed_start(address: &str, cause: &str) -> Error {
    Error::new(format!("the UAA at {address} did not start"))
        .cause(cause.to_owned())
        .hint("its own log (uaa.log) names the setting; repair it there and restart UAA")
}

/// A gateway without UAA behind it, or UAA without its database.
pub(super) fn unavailable(address: &str) -> Error {
    Error::new(format!("UAA is not available behind {address}")).hint(
        "a load balancer answers but UAA or its database does not: check the UAA VM (`bosh instances --ps`)",
    )
}
