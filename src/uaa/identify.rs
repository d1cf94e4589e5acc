//! Is this a UAA, and which one?
//!
//! Decides what counts as a UAA: `/info` answers JSON with `app.version`. Where it does not, looks for one at the other
//! usual path of the same host. Sends no token and no zone header.

use std::sync::Arc;

use reqwest::StatusCode;
use serde::Deserialize;

use super::http::{Answer, Repeat, Request, Transport};
use super::mask::Mask;
use super::trouble;
use crate::error::Error;
use crate::observed::Server;

const INFO: &str = "/info";
const OPENID: &str = "/.well-known/openid-configuration";

/// How many requests [`identify`] takes when none is repeated.
pub(super) const REQUESTS: u64 = 2;

#[derive(Deserialize)]
struct Info {
    app: App,
}

#[derive(Deserialize)]
struct App {
    version: String,
}

#[derive(Deserialize)]
struct OpenId {
    issuer: String,
}

/// Asks both addresses at once.
pub(super) async fn identify(connection: &super::Connection) -> Result<Server, Error> {
    let mask = Arc::new(Mask::new(connection.secrets()));
    let transport = Transport::new(connection, mask)?;
    let (info, openid) = (Request::get(INFO).short(), Request::get(OPENID).short());
    let (info, openid) = tokio::join!(
        transport.call(&info, Repeat::AtFirstContact),
        transport.call(&openid, Repeat::AtFirstContact)
    );
    let info = info.map_err(|lost| lost.error(&transport.mask))?;
    let uaa_version = match version(&info, &transport) {
        Ok(version) => version,
        Err(error) if may_be_elsewhere(&info) => return Err(with_right_address(error, transport).await),
        Err(error) => return Err(error),
    };
    let openid = openid.map_err(|lost| lost.error(&transport.mask))?;
    let issuer = issuer(&openid, &transport)?;
    Ok(Server { url: transport.address().to_owned(), issuer, zone: String::new(), uaa_version })
}

/// The paths that UAA is found at.
const USUAL_PATHS: [&str; 2] = ["", "/uaa"];

/// Whether what answers could be the right server at the wrong path.
fn may_be_elsewhere(answer: &Answer) -> bool {
    !answer.status.is_server_error() && !wants_tls(answer)
}

/// Adds the address at which there is a UAA, if there is one.
async fn with_right_address(mut error: Error, mut transport: Transport) -> Error {
    let asked = transport.path().to_owned();
    for path in USUAL_PATHS.into_iter().filter(|path| *path != asked) {
        transport.move_to(path);
        let answer = transport.call(&Request::get(INFO).short(), Repeat::Never).await;
        if answer.is_ok_and(|answer| version(&answer, &transport).is_ok()) {
            let hint = format!("UAA answers at {}: write that in --target", transport.address());
            error.hints = vec![hint];
            return trouble::shown(error);
        }
    }
    error
}

/// What Tomcat, nginx and Go say to plain http at a TLS port.
fn wants_tls(answer: &Answer) -> bool {
    let words =
        ["requires TLS", "plain HTTP request was sent to HTTPS port", "HTTP request to an HTTPS server"];
    let body = String::from_utf8_lossy(&answer.body);
    answer.status == StatusCode::BAD_REQUEST && words.iter().any(|words| body.contains(words))
}

fn version(answer: &Answer, transport: &Transport) -> Result<String, Error> {
    let address = transport.address();
    let no_uaa = |why: &str| {
        Error::new(format!("there is no UAA at {address}"))
            .cause(format!("GET {INFO}: {why}"))
            .hint("give UAA's address in --target: for PKS port 8443 of the PKS API (9021 is the PKS API itself), for CF uaa.SYSTEM-DOMAIN")
            .hint("where UAA is below a path, that belongs to the address: https://HOST/uaa")
    };
    let status = answer.status;
    let error = match status {
        StatusCode::OK if answer.is_html() => no_uaa("an HTML page instead of JSON"),
        StatusCode::OK => match answer.parse::<Info>() {
            Ok(info) => return Ok(info.app.version),
            Err(_) if answer.object().is_some() => no_uaa("JSON without `app.version`"),
            Err(_) => no_uaa("neither JSON nor HTML"),
        },
        _ if answer.start_failure().is_some() => {
            trouble::failed_start(address, &transport.mask.text(answer.start_failure().unwrap_or_default()))
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            trouble::unavailable(address).cause(format!("GET {INFO}: {status}"))
        }
        // UAA itself, asked with a host name that it does not have (trap 51): `{}`.
        StatusCode::NOT_FOUND if answer.object().is_some_and(|object| object.is_empty()) => {
            trouble::unknown_zone(address).cause(format!("GET {INFO}: {status} with an empty object"))
        }
        _ if wants_tls(answer) => Error::new(format!("{address} wants https"))
            .cause(format!("GET {INFO}: {status}"))
            .hint(format!("write {} in --target", trouble::with_tls(address))),
        StatusCode::BAD_REQUEST if answer.error_text().is_some_and(|text| text.contains("over https")) => {
            Error::new(format!("the UAA at {address} wants https"))
                .cause(format!("GET {INFO}: {status}"))
                .hint(format!("write {} in --target", trouble::with_tls(address)))
        }
        status if status.is_redirection() => {
            trouble::not_an_api(address).cause(format!("GET {INFO}: {status}"))
        }
        status => no_uaa(&status.to_string()),
    };
    Err(trouble::shown(error))
}

/// The issuer, exactly as written. Empty where the version has no such document.
fn issuer(answer: &Answer, transport: &Transport) -> Result<String, Error> {
    let name = format!("GET {OPENID}");
    match answer.status {
        StatusCode::OK => match answer.parse::<OpenId>() {
            Ok(openid) => Ok(openid.issuer),
            Err(why) => Err(trouble::not_understood(&name, answer, &why, &transport.mask)),
        },
        // Unknown paths of UAA redirect to its login page; some gateways hide the document.
        status if status.is_redirection() || matches!(status.as_u16(), 401 | 403 | 404) => {
            tracing::warn!("{} has no {OPENID}: the issuer is unknown", transport.address());
            Ok(String::new())
        }
        _ => Err(trouble::refusal(&name, answer, transport.address(), &transport.mask, |_| {
            Error::new("UAA hides its issuer")
        })),
    }
}
