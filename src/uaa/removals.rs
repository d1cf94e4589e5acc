//! Objects, deleted.
//!
//! Decides when one is gone: an answer that it is not there counts only after a second look, as a wrong zone says the
//! same (trap 51). What hangs on an object goes with it; the plan takes memberships first (trap 14).

use reqwest::{Method, StatusCode};

use super::http::{Answer, Repeat, Request, segment};
use super::writing::{ROUNDS, is_open, may_be_handled, pause};
use super::{WriteError, WriteErrorKind, Writer, Written};
use crate::model::Guid;

/// A 404 in UAA's own words.
fn is_not_there(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && answer.error_word().is_some()
}

impl Writer {
    pub(super) async fn remove_user(&self, id: &Guid) -> Result<Written, WriteError> {
        self.delete(format!("/Users/{}", segment(id.as_str())), is_not_there).await
    }

    /// Without If-Match: a stale one destroys the memberships and leaves the group (trap 29).
    pub(super) async fn remove_group(&self, id: &Guid) -> Result<Written, WriteError> {
        self.delete(format!("/Groups/{}", segment(id.as_str())), is_not_there).await
    }

    /// Deletes what is at this address; `gone` knows the answer for what is not there.
    pub(super) async fn delete(
        &self,
        path: String,
        gone: fn(&Answer) -> bool,
    ) -> Result<Written, WriteError> {
        let mut failed = None;
        let mut lost = false;
        for round in 0..=ROUNDS {
            pause(round).await;
            let request = Request::new(Method::DELETE, path.clone());
            let name = request.name();
            let error = match self.send(request, Repeat::Harmless).await {
                // Where UAA only deactivates users (`scim.delete.deactivate`) it says the same.
                Ok(answer) if answer.status == StatusCode::OK && !is_open(&answer) => {
                    return Ok(Written::Done);
                }
                Ok(answer) if gone(&answer) => {
                    lost |= answer.earlier_lost;
                    WriteError::new(WriteErrorKind::Unknown, format!("{name}: 404, but a GET finds it"))
                }
                Ok(answer) if is_open(&answer) => {
                    lost = true;
                    self.refused(&name, &answer)
                }
                Ok(answer) => return Err(self.refused(&name, &answer)),
                Err(failure) if may_be_handled(&failure) => {
                    lost = true;
                    WriteError::no_answer(failure)
                }
                Err(failure) => return Err(WriteError::no_answer(failure)),
            };
            match self.is_gone(&path, gone).await {
                Ok(true) => return Ok(if lost { Written::Done } else { Written::AlreadySo }),
                Ok(false) => failed = Some(error),
                Err(reread) => return Err(error.unknown(&reread)),
            }
        }
        Err(failed.unwrap_or_else(|| {
            WriteError::new(WriteErrorKind::Systemic, format!("DELETE {path}: no answer"))
        }))
    }

    async fn is_gone(&self, path: &str, gone: fn(&Answer) -> bool) -> Result<bool, WriteError> {
        let request = Request::get(path);
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        match answer.status {
            StatusCode::OK => Ok(false),
            _ if gone(&answer) => Ok(true),
            _ => Err(self.refused(&name, &answer)),
        }
    }
}
