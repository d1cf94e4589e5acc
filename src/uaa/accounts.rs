//! What an administrator does to one account at a time: set its password, take its lock off.
//!
//! Decides what UAA's answers to these mean (facts §2.8), and that one which may have been handled is
//! [`WriteErrorKind::Unknown`]. Whether an account is locked UAA does not tell.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::http::{Answer, Repeat, Request, segment};
use super::session::NoAnswer;
use super::writing::{is_open, may_be_handled};
use super::{WriteError, WriteErrorKind, Writer, Written};
use crate::model::{Guid, UserKey};

impl Writer {
    pub(super) async fn find_id(&self, user: &UserKey) -> Result<Guid, WriteError> {
        self.find_user(user).await?.map(|found| found.id).ok_or_else(|| {
            let message = format!("there is no user {user}");
            WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message))
        })
    }

    pub(super) async fn put_password(
        &self,
        id: &Guid,
        password: &SecretString,
    ) -> Result<Written, WriteError> {
        self.mask().learn(password);
        let request = Request::new(Method::PUT, format!("/Users/{}/password", segment(id.as_str())))
            .json(json!({"password": password.expose_secret()}));
        let name = request.name();
        // Setting the same again is refused as such, below.
        let answer = self.send(request, Repeat::Harmless).await.map_err(without_answer)?;
        let word = answer.error_word();
        match (answer.status, word.as_deref()) {
            (StatusCode::OK, _) if !is_open(&answer) => Ok(Written::Done),
            // Only the one in use is refused so; policy violations are 400.
            (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid_password")) => Ok(match answer.earlier_lost {
                true => Written::Done,
                false => Written::AlreadySo,
            }),
            // Not the token: the user is gone (trap 12).
            (StatusCode::UNAUTHORIZED, Some("bad_credentials")) => {
                Err(self.drifted(&format!("{name}: there is no such user any more")))
            }
            _ => Err(self.unmade(&name, &answer)),
        }
    }

    /// An answer that does not say that it was made.
    fn unmade(&self, name: &str, answer: &Answer) -> WriteError {
        let error = self.refused(name, answer);
        match answer.earlier_lost || is_open(answer) {
            true => WriteError { kind: WriteErrorKind::Unknown, ..error },
            false => error,
        }
    }

    pub(super) async fn patch_status(&self, id: &Guid, what: &str, to: bool) -> Result<(), WriteError> {
        let request = Request::new(Method::PATCH, format!("/Users/{}/status", segment(id.as_str())))
            .json(json!({what: to}));
        let name = request.name();
        let answer = self.send(request, Repeat::Harmless).await.map_err(without_answer)?;
        match answer.status {
            StatusCode::OK if !is_open(&answer) => Ok(()),
            _ => Err(self.unmade(&name, &answer)),
        }
    }
}

/// There is nothing to re-read here: what may have been handled stays unknown.
fn without_answer(failure: NoAnswer) -> WriteError {
    let open = may_be_handled(&failure);
    let error = WriteError::no_answer(failure);
    if open { WriteError { kind: WriteErrorKind::Unknown, ..error } } else { error }
}
