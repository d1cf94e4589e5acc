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

use super::http::{Repeat, Request};
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

impl Writer {
    pub(super) async fn modify_secret(
        &self,
        id: &ClientId,
        secret: &SecretString,
    ) -> Result<Written, WriteError> {
        self.mask().learn(secret);
        let body =
            json!([{"client_id": id.as_str(), "client_secret": secret.expose_secret(), "action": "secret"}]);
        let request = Request::new(Method::POST, MODIFY).json(body);
        let name = request.name();
        // A secret that works is left alone, so a repeat is harmless.
        let answer = self.send(request, Repeat::Harmless).await.map_err(WriteError::no_answer)?;
        if answer.status != StatusCode::OK {
            return Err(self.refused_client(&name, id, &answer));
        }
        let modified = answer.parse::<Vec<Modified>>().unwrap_or_default();
        match modified.into_iter().find(|modified| modified.client_id == id.as_str()) {
            Some(modified) if modified.approvals_deleted || answer.earlier_lost => Ok(Written::Done),
            Some(_) => Ok(Written::AlreadySo),
            None => Err(WriteError::new(
                WriteErrorKind::Systemic,
                format!("{name}: the answer does not name client {id}"),
            )),
        }
    }
}
