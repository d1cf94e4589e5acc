//! What a write's answer means for the rest of the run.

use super::http::{Answer, NoAnswer};
use super::session::{Call, Session};
use super::{WriteError, WriteErrorKind};

impl WriteError {
    pub(super) fn new(kind: WriteErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn drifted(message: impl Into<String>) -> Self {
        Self::new(WriteErrorKind::Drifted, message)
    }
}

impl Session {
    /// Judges an answer that is not the wished one.
    pub(super) fn refused(&self, call: &Call, answer: &Answer) -> WriteError {
        let shown = self.shown(call, answer);
        let systemic = |hint: &str| WriteError::new(WriteErrorKind::Systemic, format!("{shown} ({hint})"));
        match answer.status {
            401 => systemic("the token is not accepted, a new one neither"),
            // Not `internal_user_management_disabled`: that concerns users of origin uaa only.
            403 if answer.said().error == "insufficient_scope" || answer.said().error == "access_denied" => {
                systemic("the token lacks an authority")
            }
            404 if answer.is_unknown_zone() => systemic("UAA does not know the identity zone"),
            429 => systemic("UAA limits the rate of requests: give a lower --concurrency"),
            503 if answer.is_limited_mode() => systemic("UAA is in limited mode: a backup runs"),
            500..=599 => systemic("UAA cannot answer now"),
            _ => WriteError::new(WriteErrorKind::Refused, shown),
        }
    }

    /// Judges a request without an answer, when a re-read did not settle it or none is possible.
    pub(super) fn lost(&self, call: &Call, no_answer: &NoAnswer) -> WriteError {
        let explained = self.transport.explain(no_answer);
        let path = call.path.split('?').next().unwrap_or_default();
        let message = format!("{} {}: {}", call.method, self.transport.mask.show(path), explained.message);
        let kind = if no_answer.sent { WriteErrorKind::Unknown } else { WriteErrorKind::Systemic };
        WriteError::new(
            kind,
            explained.causes.into_iter().fold(message, |message, cause| format!("{message}: {cause}")),
        )
    }

    /// Sends a write that may be repeated, since a second time changes nothing more.
    pub(super) async fn write_repeatedly(&self, call: &Call) -> Result<Answer, WriteError> {
        self.repeatedly(call).await.map_err(|error| self.lost(call, &error))
    }

    /// Reads one thing again; `None` when UAA does not have it.
    pub(super) async fn reread(&self, path: &str) -> Result<Option<serde_json::Value>, WriteError> {
        let call = self.get(path);
        let answer = self.repeatedly(&call).await.map_err(|error| self.lost(&call, &error))?;
        match answer.status {
            200 => match answer.json() {
                Some(body) => Ok(Some(body)),
                None => Err(WriteError::new(
                    WriteErrorKind::Systemic,
                    format!("{}: no JSON", self.shown(&call, &answer)),
                )),
            },
            404 if !answer.is_unknown_zone() => Ok(None),
            _ => Err(self.refused(&call, &answer)),
        }
    }
}
