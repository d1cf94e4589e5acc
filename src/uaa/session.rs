//! Requests as the logged-in client in its zone: the token and zone header of each, and who may send what.
//!
//! Decides that a refused token is replaced once, and that [`Looking`] can only GET. Never decides what is asked.

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, HOST, HeaderName};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::http::{Answer, Repeat, Request, Transport};
use super::mask::Mask;
use super::token::{Token, Tokens};
use super::trouble::{self, Lost};
use super::{authority, probe, zone};
use crate::error::Error;
use crate::model::ClientId;
use crate::observed::Identity;

/// What reading and writing share.
#[derive(Debug)]
struct Session {
    transport: Transport,
    tokens: Tokens,
    /// Where the clients of the other zone log in, once that is known.
    zone_host: OnceCell<String>,
}

/// Why a request has no answer.
pub(super) enum NoAnswer {
    /// No connection, or it broke.
    Lost(Lost),
    /// No token, hence nothing was sent.
    NoToken(Error),
}

impl Session {
    /// Sends a request with the token; once more with another token if UAA refuses the first.
    async fn send(
        &self,
        zone: Option<&str>,
        mut request: Request,
        repeat: Repeat,
    ) -> Result<Answer, NoAnswer> {
        if let Some(zone) = zone {
            request = request.header(HeaderName::from_static(zone::BY_ID), zone);
        }
        let token = self.tokens.current(&self.transport).await.map_err(NoAnswer::NoToken)?;
        let answer = self.send_with(&token, &mut request, repeat).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        // Expired, revoked, or the client's secret or salt was changed. A refused request was not handled, so it
        // may be sent again whatever it is.
        let token = self.tokens.after(&token, &self.transport).await.map_err(NoAnswer::NoToken)?;
        self.send_with(&token, &mut request, repeat).await
    }

    async fn send_with(
        &self,
        token: &Token,
        request: &mut Request,
        repeat: Repeat,
    ) -> Result<Answer, NoAnswer> {
        request.headers.retain(|(name, _)| *name != AUTHORIZATION);
        request.headers.push((AUTHORIZATION, token.bearer()));
        self.transport.call(request, repeat).await.map_err(NoAnswer::Lost)
    }
}

/// The reading half: it has no method that sends anything but GET.
#[derive(Clone, Debug)]
pub(super) struct Looking {
    session: Arc<Session>,
    zone: Zone,
}

/// The writing half.
#[derive(Clone, Debug)]
pub(super) struct Changing {
    session: Arc<Session>,
    zone: Zone,
}

/// Another zone than the token's own. UAA refuses the header for the own one (facts §7.1).
type Zone = Option<String>;

/// Makes both halves of one session, in the token's own zone.
pub(super) fn begin(transport: Transport, tokens: Tokens) -> (Looking, Changing) {
    let session = Arc::new(Session { transport, tokens, zone_host: OnceCell::new() });
    (Looking { session: Arc::clone(&session), zone: None }, Changing { session, zone: None })
}

impl Looking {
    /// Looks into another zone.
    pub(super) fn in_zone(self, zone: &str) -> Self {
        Self { zone: Some(zone.to_owned()), ..self }
    }

    /// Asks for something in the session's zone.
    pub(super) async fn get(&self, request: Request) -> Result<Answer, NoAnswer> {
        debug_assert_eq!(request.method, Method::GET);
        let request = Request { method: Method::GET, ..request };
        self.session.send(self.zone.as_deref(), request, Repeat::Harmless).await
    }

    /// Tries a client's secret; see [`probe`].
    pub(super) async fn try_secret(
        &self,
        host: Option<&str>,
        client: &ClientId,
        secret: &SecretString,
    ) -> Result<bool, Error> {
        probe::try_secret(&self.session.transport, host, client, secret).await
    }

    /// Where the clients of the session's zone log in, if that is another zone than the token's own; see [`probe`].
    pub(super) fn zone_host(&self) -> &OnceCell<String> {
        &self.session.zone_host
    }

    /// Asks what the zone of this host says about itself, without token.
    pub(super) async fn info_at(&self, host: &str) -> Result<Answer, Error> {
        let request = Request::get("/info").header(HOST, host).short();
        let answer = self.session.transport.call(&request, Repeat::Harmless).await;
        answer.map_err(|lost| lost.error(self.mask()))
    }

    /// Asks for something in the token's own zone.
    pub(super) async fn get_at_home(&self, request: Request) -> Result<Answer, NoAnswer> {
        let request = Request { method: Method::GET, ..request };
        self.session.send(None, request, Repeat::Harmless).await
    }

    /// Reads a body.
    pub(super) fn parsed<T: DeserializeOwned>(&self, name: &str, answer: &Answer) -> Result<T, Error> {
        answer.parse().map_err(|why| trouble::not_understood(name, answer, &why, self.mask()))
    }

    /// Explains a request without answer.
    pub(super) fn no_answer(&self, failure: NoAnswer) -> Error {
        match failure {
            NoAnswer::Lost(lost) => lost.error(self.mask()),
            NoAnswer::NoToken(error) => error,
        }
    }

    /// Explains an answer that is not what was asked for.
    pub(super) async fn refused(&self, name: &str, answer: &Answer) -> Error {
        let token = self.token().await;
        let has = token.map(|token| token.scopes).unwrap_or_default();
        let client = self.client_id();
        trouble::refusal(name, answer, self.address(), self.mask(), |wanted| {
            let wanted = wanted.and_then(|scopes| {
                let scope = scopes.split_ascii_whitespace().find(|scope| *scope != "uaa.admin")?;
                Some(authority::in_zone(scope, self.zone()))
            });
            match wanted {
                Some(scope) => match self.session.tokens.user() {
                    Some(user) => authority::user_lacks(user, client, &[scope].into()),
                    None => authority::lacking(Some(client), &has, &[scope].into()),
                },
                None => Error::new(format!("UAA does not let client `{client}` do this")),
            }
        })
    }

    /// The token in use.
    pub(super) async fn token(&self) -> Result<Token, Error> {
        self.session.tokens.current(&self.session.transport).await
    }

    /// Whom the token stands for.
    pub(super) fn identity(&self, token: Token) -> Identity {
        let client_id = Some(self.client_id().clone());
        Identity { client_id, user: self.session.tokens.user().cloned(), scopes: token.scopes }
    }

    /// The client that is logged in.
    pub(super) fn client_id(&self) -> &ClientId {
        self.session.tokens.client_id()
    }

    /// The zone of the header.
    pub(super) fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The target's address.
    pub(super) fn address(&self) -> &str {
        self.session.transport.address()
    }

    /// What no text may hold.
    pub(super) fn mask(&self) -> &Mask {
        &self.session.transport.mask
    }

    /// How many requests this session sent.
    pub(super) fn sent(&self) -> u64 {
        self.session.transport.sent()
    }
}

impl Changing {
    /// Changes another zone.
    pub(super) fn in_zone(self, zone: &str) -> Self {
        Self { zone: Some(zone.to_owned()), ..self }
    }

    /// The reading half.
    pub(super) fn looking(&self) -> Looking {
        Looking { session: Arc::clone(&self.session), zone: self.zone.clone() }
    }

    /// Sends a change.
    pub(super) async fn send(&self, request: Request, repeat: Repeat) -> Result<Answer, NoAnswer> {
        self.session.send(self.zone.as_deref(), request, repeat).await
    }

    /// What no text may hold.
    pub(super) fn mask(&self) -> &Mask {
        &self.session.transport.mask
    }
}
