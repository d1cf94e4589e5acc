//! A log-in: the transport with a token and a zone. What may be sent by whom is decided in `Reader` and `Writer`.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue, IF_MATCH};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::http::{Answer, Cause, NoAnswer, Transport};
use super::token::{self, Credentials, Token};
use crate::error::Error;
use crate::model::GroupName;

/// The zone that requests are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ZoneHeader {
    /// The zone that the address itself selects: no header (with one, UAA refuses a zone's own token, facts §7.1).
    None,
    /// `X-Identity-Zone-Id`.
    Id(String),
    /// `X-Identity-Zone-Subdomain`.
    Subdomain(String),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Percent-encoded, with the query.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) if_match: Option<u64>,
    pub(super) zone: ZoneHeader,
}

/// A logged-in client.
pub(super) struct Session {
    pub(super) transport: Transport,
    pub(super) credentials: Credentials,
    token: Mutex<Token>,
    /// What the first token may do.
    pub(super) scopes: BTreeSet<String>,
    /// The zone of all requests but those about zones themselves.
    pub(super) zone: ZoneHeader,
    /// The zone's default groups, read once a run: nothing that this program writes changes them.
    pub(super) default_groups: OnceCell<Option<BTreeSet<GroupName>>>,
}

impl Session {
    /// Logs in.
    pub(super) async fn log_in(transport: Transport, credentials: Credentials) -> Result<Self, Error> {
        let token = token::get(&transport, &credentials).await?;
        let scopes = token.scopes.clone();
        Ok(Self {
            transport,
            credentials,
            token: Mutex::new(token),
            scopes,
            zone: ZoneHeader::None,
            default_groups: OnceCell::new(),
        })
    }

    /// Returns a GET in the session's zone.
    pub(super) fn get(&self, path: impl Into<String>) -> Call {
        Call { method: Method::GET, path: path.into(), body: None, if_match: None, zone: self.zone.clone() }
    }

    /// Sends a request once; with a new token once more when UAA does not accept the token (then nothing was handled).
    pub(super) async fn once(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let token = self.fresh_token(None).await?;
        let answer = self.send(call, &token).await?;
        if answer.status != 401 || !answer.json().is_some_and(|body| body["error"] == "invalid_token") {
            return Ok(answer);
        }
        let token = self.fresh_token(Some(&token)).await?;
        self.send(call, &token).await
    }

    /// Sends a request that may be repeated.
    pub(super) async fn repeatedly(&self, call: &Call) -> Result<Answer, NoAnswer> {
        self.transport.send_repeatedly(|| self.once(call)).await
    }

    async fn send(&self, call: &Call, token: &Token) -> Result<Answer, NoAnswer> {
        let malformed = |word: String| NoAnswer { sent: false, cause: Cause::Other, words: vec![word] };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.value.expose_secret()))
            .map_err(|_| malformed("the token cannot stand in a header".to_owned()))?;
        bearer.set_sensitive(true);
        let mut request =
            self.transport.request(call.method.clone(), &call.path).header(AUTHORIZATION, bearer);
        match &call.zone {
            ZoneHeader::None => {}
            ZoneHeader::Id(id) => request = request.header("X-Identity-Zone-Id", id),
            ZoneHeader::Subdomain(subdomain) => {
                request = request.header("X-Identity-Zone-Subdomain", subdomain)
            }
        }
        if let Some(version) = call.if_match {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let request = request.build().map_err(|error| malformed(error.without_url().to_string()))?;
        self.transport.send(request).await
    }

    /// Returns a token that is neither stale nor `refused`; whoever comes first gets the new one for all.
    async fn fresh_token(&self, refused: Option<&Token>) -> Result<Token, NoAnswer> {
        let mut token = self.token.lock().await;
        let is_refused =
            refused.is_some_and(|refused| refused.value.expose_secret() == token.value.expose_secret());
        if is_refused || token.is_stale() {
            *token = token::get(&self.transport, &self.credentials).await.map_err(|error| {
                let mut words = vec![error.message];
                words.extend(error.causes);
                NoAnswer { sent: false, cause: Cause::Other, words }
            })?;
        }
        Ok(token.clone())
    }
}

impl Session {
    /// Refuses to go on with a token that may not read users and groups.
    pub(super) fn must_read(&self) -> Result<(), Error> {
        let in_zone = |authority: &str| match &self.zone {
            ZoneHeader::Id(zone) => self.scopes.contains(&format!("zones.{zone}.{authority}")),
            // Only tried out: UAA has answered a read in this zone.
            ZoneHeader::Subdomain(_) => true,
            ZoneHeader::None => false,
        };
        let may_read = ["uaa.admin", "scim.read"].iter().any(|&scope| {
            self.scopes.contains(scope) && (scope == "uaa.admin" || self.zone == ZoneHeader::None)
        });
        if may_read || in_zone("admin") || in_zone("read") || in_zone("scim.read") {
            return Ok(());
        }
        let missing = match &self.zone {
            ZoneHeader::Id(zone) => format!("zones.{zone}.scim.read"),
            ZoneHeader::None | ZoneHeader::Subdomain(_) => "scim.read".to_owned(),
        };
        Err(Error::new(format!(
            "client `{}` may not read users and groups: its token lacks {missing}",
            self.credentials.client_id
        ))
        .hint(self.grant_hint(&[&missing])))
    }
}
