//! What an unfinished write means for the rest of the run.
//!
//! Decides the kind of a failure from UAA's answer. Each call judges its own expected answers before it asks here.

use std::time::Duration;

use reqwest::StatusCode;

use super::http::{Answer, Request};
use super::mask::Mask;
use super::session::NoAnswer;
use super::{WriteError, WriteErrorKind, Writer, trouble};
use crate::error::Error;

/// How often a write that may have been handled, or that met another writer, is tried.
pub(super) const ROUNDS: u32 = 3;

/// The pause before a round: others get time to finish what we ran into.
pub(super) async fn pause(round: u32) {
    if round > 0 {
        tokio::time::sleep(Duration::from_millis(200) * round).await;
    }
}

impl WriteError {
    /// Makes an error of a kind.
    pub(super) fn new(kind: WriteErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A write without answer that was certainly not handled, or whose re-reading shows that it was not.
    pub(super) fn no_answer(failure: NoAnswer) -> Self {
        let message = match failure {
            NoAnswer::Lost(lost) => lost.line(),
            NoAnswer::NoToken(error) => on_one_line(&error),
        };
        Self::new(WriteErrorKind::Systemic, message)
    }

    /// An answer that is not what the call hoped for.
    pub(super) fn refused(request: &str, answer: &Answer, mask: &Mask) -> Self {
        let kind = kind(answer);
        let mut message = trouble::line(request, answer, mask);
        if answer.is_limited_mode() {
            message.push_str(" (UAA is in limited mode, while BOSH backs it up: it takes no writes)");
        }
        Self::new(kind, message)
    }

    /// A read for the sake of a write that failed, over whatever it is.
    pub(super) fn unreadable(error: &Error) -> Self {
        Self::new(WriteErrorKind::Faulty, on_one_line(error))
    }

    /// The write may have been handled and re-reading failed too.
    pub(super) fn unknown(self, reread: &Self) -> Self {
        let answered = |kind| matches!(kind, WriteErrorKind::Faulty | WriteErrorKind::Refused);
        let kind = match answered(self.kind) && answered(reread.kind) {
            true => WriteErrorKind::Unsettled,
            false => WriteErrorKind::Unknown,
        };
        Self::new(kind, format!("{}; re-reading failed as well: {}", self.message, reread.message))
    }
}

impl WriteError {
    /// The write failed after a part of it was made.
    pub(super) fn after(self, made: &str) -> Self {
        Self::new(self.kind.open(), format!("{made}, and then: {}", self.message))
    }

    /// The write may have been handled, and no re-reading tells.
    pub(super) fn unreadable_write(self, what: &str) -> Self {
        Self::new(self.kind.open(), format!("{}; {what}", self.message))
    }
}

impl WriteErrorKind {
    /// The same for the rest of the run, when it is open whether something was written.
    fn open(self) -> Self {
        match self {
            Self::Systemic | Self::Unknown => Self::Unknown,
            Self::Refused | Self::Faulty | Self::Drifted | Self::Unsettled => Self::Unsettled,
        }
    }
}

fn on_one_line(error: &Error) -> String {
    std::iter::once(&error.message).chain(&error.causes).cloned().collect::<Vec<_>>().join(": ")
}

/// Whether a refusal is about this one thing or about everything.
fn kind(answer: &Answer) -> WriteErrorKind {
    let word = answer.error_word();
    match answer.status.as_u16() {
        // The uaa provider's own setting: LDAP users and groups can still be written.
        403 if word.as_deref() == Some("internal_user_management_disabled") => WriteErrorKind::Refused,
        // 404 without UAA's words is about the zone (trap 51), a redirect about the address.
        // UAA itself, over anything that it does not expect: maybe this one thing's data.
        500 => WriteErrorKind::Faulty,
        200..=299 => WriteErrorKind::Faulty,
        401 | 403 | 429 | 300..=399 | 501.. => WriteErrorKind::Systemic,
        404 if word.is_none() => WriteErrorKind::Systemic,
        _ => WriteErrorKind::Refused,
    }
}

impl Writer {
    pub(super) async fn look_at_anything(&self) -> Result<(), WriteError> {
        let request = Request::get("/Groups")
            .query("startIndex", "1")
            .query("count", "1")
            .query("attributes", "id,zoneId");
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        let is_list = || answer.object().is_some_and(|page| page.contains_key("resources"));
        match answer.status == StatusCode::OK && is_list() {
            true => Ok(()),
            false => Err(self.refused(&name, &answer)),
        }
    }
}

/// Whether the answer leaves open what happened: a gateway's, a deadlock's or pool time-out's (422 in 77.x, 500
/// before; trap 53), or a page that says 200 and is not UAA's, which answers JSON.
pub(super) fn is_open(answer: &Answer) -> bool {
    (matches!(answer.status.as_u16(), 422 | 500 | 502 | 503 | 504) || is_page_of_another(answer))
        && !answer.is_limited_mode()
        && answer.start_failure().is_none()
}

/// Whether a page says that all is well: who lets nobody through without a log-in does, and a gateway's fallback.
fn is_page_of_another(answer: &Answer) -> bool {
    answer.status.is_success() && answer.is_html()
}

/// Whether a lost request may have been handled.
pub(super) fn may_be_handled(failure: &NoAnswer) -> bool {
    matches!(failure, NoAnswer::Lost(lost) if lost.sent)
}
