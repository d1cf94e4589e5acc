//! What an administrator does to one account at a time: set its password, take its lock off.
//!
//! Decides what UAA's answers to these mean (facts §2.8). Whether an account is locked UAA does not tell.

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::http::{Repeat, Request, segment};
use super::list::{Listing, PAGE};
use super::read::term;
use super::{WriteError, WriteErrorKind, Writer, Written, wire};
use crate::model::{Guid, UserKey};

impl Writer {
    pub(super) async fn find_id(&self, user: &UserKey) -> Result<Guid, WriteError> {
        let filter = format!(
            "{} and {}",
            term("userName", user.username.as_str()),
            term("origin", user.origin.as_str())
        );
        let query =
            vec![("sortBy", "id".to_owned()), ("attributes", wire::USER_NAME.to_owned()), ("filter", filter)];
        let listing = Listing { what: "users", path: "/Users", query, count: PAGE };
        let found: Vec<wire::Named> =
            self.looking().list(&listing).await.map_err(|error| WriteError::unreadable(&error))?;
        let found = found.into_iter().map(|found| (Guid::new(found.id.clone()), found.key()));
        // The database may think other names equal.
        found.into_iter().find(|(_, key)| key == user).map(|(id, _)| id).ok_or_else(|| {
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
        let answer = self.send(request, Repeat::Harmless).await.map_err(WriteError::no_answer)?;
        let word = answer.error_word();
        match (answer.status, word.as_deref()) {
            (StatusCode::OK, _) => Ok(Written::Done),
            // Only the one in use is refused so; policy violations are 400.
            (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid_password")) => Ok(match answer.earlier_lost {
                true => Written::Done,
                false => Written::AlreadySo,
            }),
            // Not the token: the user is gone (trap 12).
            (StatusCode::UNAUTHORIZED, Some("bad_credentials")) => {
                Err(self.drifted(&format!("{name}: there is no such user any more")))
            }
            _ => Err(self.refused(&name, &answer)),
        }
    }

    pub(super) async fn patch_status(&self, id: &Guid, what: &str, to: bool) -> Result<(), WriteError> {
        let request = Request::new(Method::PATCH, format!("/Users/{}/status", segment(id.as_str())))
            .json(json!({what: to}));
        let name = request.name();
        let answer = self.send(request, Repeat::Harmless).await.map_err(WriteError::no_answer)?;
        match answer.status {
            StatusCode::OK => Ok(()),
            _ => Err(self.refused(&name, &answer)),
        }
    }
}
