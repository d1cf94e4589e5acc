//! What an answer that is not the wished one means: UAA's own words, the cause, the next step.

use super::http::{Answer, Transport};
use super::session::{Call, Session};
use crate::error::Error;

/// UAA's error word and sentence, from SCIM and OAuth2 bodies alike.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) error: String,
    pub(super) message: String,
}

impl Answer {
    /// Returns what UAA says in an error's body.
    pub(super) fn said(&self) -> Said {
        let body = self.json().unwrap_or_default();
        let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let message = if body["message"].is_string() { word("message") } else { word("error_description") };
        Said { error: word("error"), message }
    }

    /// Tells whether UAA does not know the zone: an error of the container, without the body of a UAA error (trap 51).
    pub(super) fn is_unknown_zone(&self) -> bool {
        self.status == 404 && self.said().error.is_empty()
    }
}

/// Returns `GET /Users: 403 insufficient_scope: …`.
pub(super) fn shown(transport: &Transport, method: &str, path: &str, answer: &Answer) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let said = answer.said();
    let words = match (said.error.is_empty(), said.message.is_empty()) {
        (false, false) => format!(" {}: {}", said.error, said.message),
        (false, true) => format!(" {}", said.error),
        (true, false) => format!(" {}", said.message),
        (true, true) if answer.body.is_empty() || answer.json().is_some() => String::new(),
        (true, true) => format!(" (no UAA error: {})", String::from_utf8_lossy(&answer.body).trim()),
    };
    transport.mask.show(&format!("{method} {path}: {}{words}", answer.status))
}

/// Explains an answer that nobody expected.
pub(super) fn unexpected(transport: &Transport, method: &str, path: &str, answer: &Answer) -> Error {
    let target = transport.target();
    let shown = shown(transport, method, path, answer);
    let error = match answer.status {
        300..=399 => Error::new(format!(
            "{target} redirects instead of answering: it is no UAA, or UAA lives at another path"
        ))
        .hint(
            "give UAA's address with its context path (such as https://host/uaa), and https instead of http",
        ),
        403 => Error::new("the token lacks an authority"),
        404 if answer.is_unknown_zone() => Error::new("UAA does not know this identity zone or host name")
            .hint("check --zone (UAA_ZONE), and that --target is an address that UAA itself uses"),
        429 => Error::new("UAA limits the rate of requests").hint("give a lower --concurrency"),
        503 if answer.headers.contains_key("x-cf-uaa-error") => {
            Error::new("UAA failed to start").hint("look at UAA's log on its VM")
        }
        503 if answer.is_limited_mode() => Error::new("UAA is in limited mode and refuses writes")
            .hint("a backup runs: try again when it has ended"),
        500..=599 => Error::new(format!("{target} cannot answer now"))
            .hint("look at UAA's log, and at the load balancer before it"),
        _ => Error::new("UAA's answer is not what was expected"),
    };
    error.cause(shown)
}

impl Session {
    /// Says how a call was answered.
    pub(super) fn shown(&self, call: &Call, answer: &Answer) -> String {
        shown(&self.transport, call.method.as_str(), &call.path, answer)
    }

    /// Explains an answer to a read that is not the wished one.
    pub(super) fn unexpected(&self, call: &Call, answer: &Answer) -> Error {
        let error = unexpected(&self.transport, call.method.as_str(), &call.path, answer);
        if answer.status != 403 {
            return error;
        }
        // UAA names the scopes that would do: `"scope":"uaa.admin scim.read zones.uaa.admin"`.
        let wanted =
            answer.json().and_then(|body| body["scope"].as_str().map(str::to_owned)).unwrap_or_default();
        let wanted: Vec<&str> =
            wanted.split(' ').filter(|scope| !scope.is_empty() && *scope != "uaa.admin").collect();
        match wanted.first() {
            Some(first) => error.hint(self.grant_hint(&[first])),
            None => error,
        }
    }

    /// Returns the command that gives our client these authorities besides those it has.
    pub(super) fn grant_hint(&self, missing: &[&str]) -> String {
        let all: Vec<&str> = self.scopes.iter().map(String::as_str).chain(missing.iter().copied()).collect();
        format!(
            "give it: uaac client update {} --authorities \"{}\"",
            self.credentials.client_id,
            all.join(" ")
        )
    }
}
