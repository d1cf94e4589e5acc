//! The client-credentials grant: one opaque token, renewed before it expires and once when UAA refuses it.
//!
//! Credentials go in the form body, the one encoding that all versions of UAA read alike (facts §1.1, trap 49).

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, Instant};

use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AsyncHttpClient, AuthType, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, TokenResponse,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};

use super::http::{Answer, NoAnswer, Transport};
use crate::error::Error;
use crate::model::ClientId;

/// A token is renewed when it has less than this left.
const MARGIN: Duration = Duration::from_secs(60);

/// What logs in.
pub(super) struct Credentials {
    pub(super) client_id: ClientId,
    pub(super) client_secret: SecretString,
}

/// A token and what it may do.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: SecretString,
    pub(super) scopes: BTreeSet<String>,
    renew_at: Option<Instant>,
}

impl Token {
    /// Tells whether it is time for a new one.
    pub(super) fn is_stale(&self) -> bool {
        self.renew_at.is_some_and(|at| Instant::now() >= at)
    }
}

/// Gets a token.
pub(super) async fn get(transport: &Transport, credentials: &Credentials) -> Result<Token, Error> {
    let client_id = &credentials.client_id;
    let url = TokenUrl::new(transport.url("/oauth/token"))
        .map_err(|error| Error::new("the target is no usable address").cause(error.to_string()))?;
    let client = BasicClient::new(oauth2::ClientId::new(client_id.as_str().to_owned()))
        .set_client_secret(ClientSecret::new(credentials.client_secret.expose_secret().to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(url);
    let answer = client
        .exchange_client_credentials()
        // Short, and known to UAA alone: a JWT with many authorities fills the server's header limit (facts §3.7).
        .add_extra_param("token_format", "opaque")
        .request_async(&Wire(transport))
        .await;
    let answer = answer.map_err(|error| explain(transport, client_id, error))?;
    let value = SecretString::from(answer.access_token().secret().clone());
    transport.mask.learn(value.clone());
    let scopes = answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect();
    // A token that lives shorter than the margin is used for half its life.
    let renew_at = answer.expires_in().map(|life| Instant::now() + life.saturating_sub(MARGIN).max(life / 2));
    Ok(Token { value, scopes, renew_at })
}

/// The `oauth2` crate's requests over our one client.
struct Wire<'a>(&'a Transport);

/// Why the `oauth2` crate got no answer that it could read.
#[derive(Debug, thiserror::Error)]
enum WireError {
    #[error("no answer")]
    NoAnswer(NoAnswer),
    #[error("an answer that is no token answer")]
    Odd(Answer),
    #[error("a malformed request")]
    Malformed,
}

impl<'c> AsyncHttpClient<'c> for Wire<'_> {
    type Error = WireError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WireError>> + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|_| WireError::Malformed)?;
            // A token request that is repeated gets another token: harmless.
            let send = || {
                let again = request.try_clone();
                async { self.0.send(again.expect("a form's body can be cloned: invariant")).await }
            };
            let answer = self.0.send_repeatedly(send).await.map_err(WireError::NoAnswer)?;
            // Everything but an OAuth2 answer is told by its status: the crate would only say that it cannot parse it.
            if !matches!(answer.status, 200 | 400 | 401) || answer.json().is_none() {
                return Err(WireError::Odd(answer));
            }
            let mut response = oauth2::http::Response::builder().status(answer.status);
            if let Some(kind) = answer.headers.get("content-type") {
                response = response.header("content-type", kind);
            }
            response.body(answer.body).map_err(|_| WireError::Malformed)
        })
    }
}

type Failure = RequestTokenError<WireError, oauth2::basic::BasicErrorResponse>;

/// Says why there is no token, and what to do about it. Never shows the answer's body: it could hold a token.
fn explain(transport: &Transport, client_id: &ClientId, failure: Failure) -> Error {
    let place = format!("POST {}/oauth/token", transport.target());
    match failure {
        RequestTokenError::ServerResponse(answer) => {
            let said = answer.error_description().cloned().unwrap_or_default();
            let said = transport.mask.show(&format!("{}: {said}", answer.error().as_ref()));
            let refused = Error::new(format!("UAA refuses to log in client `{client_id}`"))
                .cause(format!("{place}: {said}"));
            match answer.error() {
                // `unauthorized` in UAA before 74, `invalid_client` since (facts §1.1); the same for both causes.
                BasicErrorResponseType::InvalidClient => wrong_secret(client_id, &place, &said),
                BasicErrorResponseType::Extension(word) if word == "unauthorized" => wrong_secret(client_id, &place, &said),
                BasicErrorResponseType::UnauthorizedClient => refused
                    .hint(format!("give the client the grant: uaac client update {client_id} --authorized_grant_types client_credentials")),
                BasicErrorResponseType::Extension(_)
                | BasicErrorResponseType::InvalidGrant
                | BasicErrorResponseType::InvalidRequest
                | BasicErrorResponseType::InvalidScope
                | BasicErrorResponseType::UnsupportedGrantType => refused,
            }
        }
        RequestTokenError::Request(WireError::NoAnswer(error)) => transport.explain(&error),
        RequestTokenError::Request(WireError::Odd(answer)) => {
            super::answers::unexpected(transport, "POST", "/oauth/token", &answer)
        }
        RequestTokenError::Request(WireError::Malformed)
        | RequestTokenError::Parse(..)
        | RequestTokenError::Other(_) => Error::new("UAA's answer to the log-in cannot be read")
            .cause(format!("{place}: it is no OAuth2 token answer")),
    }
}

fn wrong_secret(client_id: &ClientId, place: &str, said: &str) -> Error {
    Error::new(format!("UAA does not know client `{client_id}` with this secret"))
        .cause(format!("{place}: 401 {said}"))
        .hint("the secret is wrong, or there is no such client: check --client-id (UAA_CLIENT_ID) and where the secret comes from")
        .hint(
            "PKS/TKGI: Ops Manager, PKS/TKGI tile, Credentials, `Pks Uaa Management Admin Client`; in a pipeline \
             --client-secret-command 'om credentials …'",
        )
}
