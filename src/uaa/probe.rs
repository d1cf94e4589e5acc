//! Whether a client's secret works.
//!
//! UAA checks client and secret before it looks at the grant type, so a token request of a grant type that does not
//! exist tells without making a token (4.10 to 4.30: 400 `unsupported_grant_type`, or 401 where the secret is wrong). By
//! the form: Basic credentials are decoded differently from version to version (facts §1.1). A zone's clients are known
//! only at the zone's own host, which is named to the same server by the Host header.

use reqwest::header::HOST;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::Serializer;

use super::http::{Answer, Body, Repeat, Request, Transport, segment};
use super::session::Looking;
use super::{trouble, wire};
use crate::error::Error;
use crate::model::ClientId;

/// A grant type that no UAA has.
const NO_GRANT: &str = "uaapply_probe";

/// Tries a secret in the zone of this session.
pub(super) async fn secret_works(
    looking: &Looking,
    client: &ClientId,
    secret: &SecretString,
) -> Result<bool, Error> {
    let host = match looking.zone() {
        None => None,
        Some(zone) => Some(looking.zone_host().get_or_try_init(|| host_of(looking, zone)).await?.as_str()),
    };
    looking.try_secret(host, client, secret).await
}

/// The zone's own host, if the server answers there.
async fn host_of(looking: &Looking, zone: &str) -> Result<String, Error> {
    let path = format!("/identity-zones/{}", segment(zone));
    let answer =
        looking.get_at_home(Request::get(path)).await.map_err(|failure| looking.no_answer(failure))?;
    let found = match answer.status {
        StatusCode::OK => {
            answer.parse::<wire::Zone>().ok().and_then(|zone| Some((zone.subdomain?, zone.name?)))
        }
        _ => None,
    };
    let address = url::Url::parse(looking.address()).ok();
    let authority =
        address.as_ref().map(|address| &address[url::Position::BeforeHost..url::Position::AfterPort]);
    if let (Some((subdomain, name)), Some(authority)) = (found, authority) {
        let host = format!("{subdomain}.{authority}");
        let info = looking.info_at(&host).await?;
        // Another host may stand for the default zone, whose client of the same name is another.
        let there = info.object().and_then(|info| info.get("zone_name")?.as_str().map(str::to_owned));
        if info.status == StatusCode::OK && there.as_deref() == Some(name.as_str()) {
            return Ok(host);
        }
    }
    Err(trouble::shown(
        Error::new(format!("secrets of clients in zone `{zone}` cannot be tried from here"))
            .cause("a zone's clients log in at the zone's own host, SUBDOMAIN.HOST, which does not answer for it here")
            .hint("give the zone's own address as --target, with a client of that zone, and leave --zone out"),
    ))
}

/// Sends the request, with the token of nobody.
pub(super) async fn try_secret(
    transport: &Transport,
    host: Option<&str>,
    client: &ClientId,
    secret: &SecretString,
) -> Result<bool, Error> {
    transport.mask.learn(secret);
    let form = Serializer::new(String::new())
        .append_pair("grant_type", NO_GRANT)
        .append_pair("client_id", client.as_str())
        .append_pair("client_secret", secret.expose_secret())
        .finish();
    let mut request = Request::new(Method::POST, "/oauth/token").short();
    request.body = Body::Form(form.into_bytes());
    if let Some(host) = host {
        request = request.header(HOST, host);
    }
    let answer =
        transport.call(&request, Repeat::Harmless).await.map_err(|lost| lost.error(&transport.mask))?;
    verdict(&answer).ok_or_else(|| {
        let cannot = |_: Option<&str>| {
            Error::new(format!("UAA does not say whether this is the secret of `{client}`"))
        };
        trouble::refusal("POST /oauth/token", &answer, transport.address(), &transport.mask, cannot)
    })
}

/// What UAA's answer says about the secret. A wrong one and an unknown client answer alike, on purpose.
fn verdict(answer: &Answer) -> Option<bool> {
    let word = answer.error_word()?;
    match (answer.status, word.as_str()) {
        (StatusCode::BAD_REQUEST, "unsupported_grant_type") => Some(true),
        // Some versions look at what the client may do first.
        (StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST, "invalid_client" | "unauthorized_client")
            if answer.error_text().is_some_and(|text| text.contains("nauthorized grant type")) =>
        {
            Some(true)
        }
        (StatusCode::UNAUTHORIZED, "unauthorized" | "invalid_client") => Some(false),
        _ => None,
    }
}
