//! Secrets of clients: set where they do not work, added and dropped, tried.
//!
//! Decides which of UAA's ways to use: `tx/modify` with `secret` changes nothing when the secret works already (facts
//! §6.5) and takes an empty one too; PUT `/secret` ends all tokens even then, and 4.x refuses an empty one. UAA never
//! tells a secret; whether one works, only trying tells.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::client_writes::MODIFY;
use super::clients::path;

use super::http::{Repeat, Request};
use super::rounds::Try;
use super::writing::{ROUNDS, pause};
use super::{WriteError, WriteErrorKind, Writer, Written};
use crate::model::ClientId;

/// What `tx/modify` says of an action `secret`.
#[derive(Deserialize)]
struct Modified {
    client_id: String,
    /// True exactly when the secret did not work and was set.
    #[serde(default)]
    approvals_deleted: bool,
}

/// What a change of one of a client's two secrets came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretChange {
    /// Made.
    Done,
    /// UAA says that the number of secrets does not allow it: a second one to add to, or only one to drop from.
    Count,
}

impl Writer {
    pub(super) async fn modify_secret(
        &self,
        id: &ClientId,
        secret: &SecretString,
    ) -> Result<Written, WriteError> {
        self.mask().learn(secret);
        let body =
            json!([{"client_id": id.as_str(), "client_secret": secret.expose_secret(), "action": "secret"}]);
        // A secret that works is left alone, so a repeat is harmless; no look tells whether one is needed.
        let mut round = 0;
        let (name, answer) = loop {
            pause(round).await;
            round += 1;
            let request = Request::new(Method::POST, MODIFY).json(body.clone());
            match self.attempt(request, Repeat::Harmless).await {
                Ok(Try::Said(name, answer)) => break (name, answer),
                Ok(Try::Open(_)) if round < ROUNDS => {}
                Ok(Try::Open(error)) => {
                    return Err(error.unreadable_write("no look tells whether the secret is set"));
                }
                Err(error) if round > 1 => return Err(error.after("the secret may be set")),
                Err(error) => return Err(error),
            }
        };
        if answer.status != StatusCode::OK {
            let refused = self.refused_client(&name, id, &answer);
            return Err(if round > 1 { refused.after("the secret may be set") } else { refused });
        }
        let modified = answer.parse::<Vec<Modified>>().unwrap_or_default();
        match modified.into_iter().find(|modified| modified.client_id == id.as_str()) {
            Some(modified) if modified.approvals_deleted || answer.earlier_lost || round > 1 => {
                Ok(Written::Done)
            }
            Some(_) => Ok(Written::AlreadySo),
            None => Err(WriteError::new(
                WriteErrorKind::Systemic,
                format!("{name}: the answer does not name client {id}"),
            )),
        }
    }

    /// `PUT /oauth/clients/{id}/secret`, never repeated when it may have been handled.
    pub(super) async fn put_secret(
        &self,
        id: &ClientId,
        mode: &str,
        secret: Option<&SecretString>,
        old: Option<&SecretString>,
    ) -> Result<SecretChange, WriteError> {
        let mut body = json!({"clientId": id.as_str(), "changeMode": mode});
        for (key, value) in [("secret", secret), ("oldSecret", old)] {
            if let Some(value) = value {
                self.mask().learn(value);
                body[key] = json!(value.expose_secret());
            }
        }
        let request = Request::new(Method::PUT, format!("{}/secret", path(id))).json(body);
        let name = request.name();
        let answer = self.send(request, Repeat::IfNotHandled).await.map_err(WriteError::no_answer)?;
        match answer.status {
            StatusCode::OK => Ok(SecretChange::Done),
            StatusCode::BAD_REQUEST
                if answer
                    .error_text()
                    .is_some_and(|text| text.contains("two secrets") || text.contains("only one secret")) =>
            {
                Ok(SecretChange::Count)
            }
            _ => Err(self.refused_client(&name, id, &answer)),
        }
    }
}
