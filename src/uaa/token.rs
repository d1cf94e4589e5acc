//! The access token: client credentials, kept as long as it lasts, or one that another program was given.
//!
//! Decides when a new token is fetched: before the old one expires, and once after UAA refused it. A given one is never
//! renewed. Never shows a
//! token or a secret, and never a body that could not be read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::http::{Response, StatusCode};
use oauth2::{
    AuthType, ClientId as OauthClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError,
    TokenResponse as _, TokenUrl,
};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::http::{Answer, Body, Repeat, Request, Transport};
use super::trouble::{self, Lost};
use super::{Login, SavedToken};
use crate::error::Error;
use crate::model::{ClientId, UserKey};

const PATH: &str = "/oauth/token";

/// How long before its end a token is replaced, at most; a tenth of its life if that is less.
const MARGIN: Duration = Duration::from_secs(60);

/// A token in use.
#[derive(Clone, Debug)]
pub(super) struct Token {
    value: Arc<SecretString>,
    /// What the token may do.
    pub(super) scopes: BTreeSet<String>,
    renew_at: Option<Instant>,
    /// When UAA stops taking it.
    pub(super) ends_at: Option<Instant>,
    /// Which of the run's tokens this is: two requests that were refused with the same one fetch one new one.
    number: u64,
}

impl Token {
    /// The value of the Authorization header.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.value.expose_secret())
    }
}

/// Where tokens come from.
#[derive(Debug)]
pub(super) struct Tokens {
    client_id: ClientId,
    login: Login,
    /// Held while a token is fetched, so that all who wait get the same one.
    current: Mutex<Fetched>,
}

/// What the last fetching came to.
#[derive(Debug, Default)]
struct Fetched {
    token: Option<Token>,
    /// When it failed, and why: who asked before that waited for this answer and is not to wait for another.
    failed: Option<(Instant, Error)>,
}

impl Tokens {
    /// Takes the client's credentials.
    pub(super) fn new(client_id: ClientId, login: Login) -> Self {
        Self { client_id, login, current: Mutex::default() }
    }

    /// The client that logs in.
    pub(super) fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The user whose token is used.
    pub(super) fn user(&self) -> Option<&UserKey> {
        match &self.login {
            Login::Secret(_) => None,
            Login::Saved(saved) => saved.owner.user.as_ref(),
        }
    }

    /// Returns a token that lasts a while.
    pub(super) async fn current(&self, transport: &Transport) -> Result<Token, Error> {
        self.newest(transport, |token| token.renew_at.is_none_or(|renew_at| Instant::now() < renew_at)).await
    }

    /// Returns another token than this one, which UAA refused.
    pub(super) async fn after(&self, refused: &Token, transport: &Transport) -> Result<Token, Error> {
        self.newest(transport, |token| token.number > refused.number).await
    }

    /// Returns the last token if it will do, else a new one.
    async fn newest(&self, transport: &Transport, will_do: impl Fn(&Token) -> bool) -> Result<Token, Error> {
        let asked = Instant::now();
        let mut current = self.current.lock().await;
        if let Some(token) = current.token.as_ref().filter(|token| will_do(token)) {
            return Ok(token.clone());
        }
        if let Some((_, error)) = current.failed.as_ref().filter(|(failed, _)| asked < *failed) {
            return Err(error.clone());
        }
        let number = current.token.as_ref().map_or(0, |token| token.number) + 1;
        match self.fetch(transport, number).await {
            Ok(token) => {
                current.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                current.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch(&self, transport: &Transport, number: u64) -> Result<Token, Error> {
        let client_secret = match &self.login {
            Login::Secret(secret) => secret,
            Login::Saved(saved) => return given(saved, number),
        };
        let begun = Instant::now();
        let client = BasicClient::new(OauthClientId::new(self.client_id.as_str().to_owned()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            // In the body: UAA decodes Basic credentials differently from version to version (facts §1.1).
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(transport.url(PATH)));
        // `oauth2` forgets the status of an error.
        let status = AtomicU16::new(0);
        let http = |request: HttpRequest| send(transport, request, &status);
        let answer = client
            .exchange_client_credentials()
            // Short, so that header and filter fit into Tomcat's 8 KB; a JWT holds every authority.
            .add_extra_param("token_format", "opaque")
            .request_async(&http)
            .await
            .map_err(|error| self.explain(error, status.load(Ordering::Relaxed), transport))?;
        let value = SecretString::from(answer.access_token().secret().to_owned());
        transport.mask.learn(&value);
        let scopes = answer.scopes().into_iter().flatten().map(|scope| scope.to_string());
        Ok(Token {
            value: Arc::new(value),
            scopes: scopes.filter(|scope| !scope.is_empty()).collect(),
            ends_at: answer.expires_in().and_then(|life| begun.checked_add(life)),
            // Beyond what the clock can hold it never ends.
            renew_at: answer
                .expires_in()
                .and_then(|life| begun.checked_add(life.saturating_sub(MARGIN.min(life / 10)))),
            number,
        })
    }

    fn explain(
        &self,
        error: RequestTokenError<NoToken, BasicErrorResponse>,
        status: u16,
        transport: &Transport,
    ) -> Error {
        let (client, address) = (self.client_id.as_str(), transport.address());
        let error = match error {
            RequestTokenError::Request(NoToken::Lost(lost)) => return lost.error(&transport.mask),
            RequestTokenError::Request(NoToken::Answer(answer)) => {
                let lacks =
                    |_: Option<&str>| Error::new(format!("UAA does not let client `{client}` log in"));
                return trouble::refusal("POST /oauth/token", &answer, address, &transport.mask, lacks);
            }
            RequestTokenError::ServerResponse(said) => {
                let text = transport.mask.text(said.error_description().map_or("", String::as_str));
                let word = transport.mask.text(said.error().as_ref());
                let error = if text.to_ascii_lowercase().contains("grant type")
                    || word == "unauthorized_client"
                {
                    Error::new(format!("client `{client}` may not log in by itself: it lacks the grant type client_credentials"))
                        .hint(format!("use another client, or: uaac client update {client} --authorized_grant_types client_credentials"))
                } else if matches!(word.as_str(), "unauthorized" | "invalid_client") {
                    // UAA does not tell the two apart, on purpose; 4.x says `unauthorized`, 77.x `invalid_client`.
                    let error = Error::new(format!(
                        "UAA at {address} refuses client `{client}`: the secret is wrong, or there is no such client"
                    ));
                    match client {
                        "admin" => error
                            .hint("the admin client's secret: Ops Manager, tile PKS (TKGI), Credentials, Pks Uaa Management Admin Client (for CF: tile TAS, UAA, Admin Client Credentials)")
                            .hint("or: om credentials -p pivotal-container-service -c .properties.pks_uaa_management_admin_client -f secret"),
                        _ => error
                            .hint(format!("whether there is such a client, an administrator sees by: uaapply export --clients {}", crate::visible::shell(client)))
                            .hint("another one logs in by --client-id; without it, it is `admin`"),
                    }
                } else {
                    Error::new(format!("UAA at {address} gives client `{client}` no token"))
                };
                error.cause(format!("POST /oauth/token: {status} {word}: {text}"))
            }
            // Both can hold the raw body, and with it the token.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Error::new(format!("the answer of {address} to POST /oauth/token is not a token"))
                    .hint("check that --target is the address of a UAA")
            }
        };
        trouble::shown(error)
    }
}

/// The first token is the given one; there is no second.
fn given(saved: &SavedToken, number: u64) -> Result<Token, Error> {
    if number > 1 {
        return Err(trouble::shown(
            Error::new(format!("UAA takes {} no longer: it has expired or was revoked", saved.from))
                .cause("such a login cannot be renewed while it is used")
                .hint("log in again there, or give the client's secret by UAA_CLIENT_SECRET; the same command then finishes the work"),
        ));
    }
    Ok(Token {
        value: Arc::new(saved.token.clone()),
        scopes: saved.scopes.clone(),
        renew_at: None,
        ends_at: saved.ends_at,
        number,
    })
}

/// Why a token request came to nothing before `oauth2` could read an answer.
enum NoToken {
    Lost(Lost),
    Answer(Answer),
}

/// `oauth2` wants an error; this one shows nothing of the answer.
impl std::fmt::Debug for NoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NoToken")
    }
}

impl std::fmt::Display for NoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no token")
    }
}

impl std::error::Error for NoToken {}

/// Sends `oauth2`'s request over our one client, so that it is counted, bounded and repeated like every other.
async fn send(
    transport: &Transport,
    request: HttpRequest,
    status: &AtomicU16,
) -> Result<HttpResponse, NoToken> {
    let mut own = Request::new(Method::POST, PATH).short();
    own.body = Body::Form(request.into_body());
    // Fetching a token twice is harmless: the first one is never used.
    let answer = transport.call(&own, Repeat::Harmless).await.map_err(NoToken::Lost)?;
    let readable =
        matches!(answer.status, StatusCode::OK | StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
    if !readable || (answer.status != StatusCode::OK && answer.error_word().is_none()) {
        return Err(NoToken::Answer(answer));
    }
    status.store(answer.status.as_u16(), Ordering::Relaxed);
    let mut response = Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
