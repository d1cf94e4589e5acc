//! What a server is, asked without logging in: a secret goes only where a UAA answers.

use reqwest::Method;
use serde_json::Value;
use tokio::join;

use super::Connection;
use super::answers::unexpected;
use super::http::{Answer, Cause, NoAnswer, Transport};
use super::mask::Mask;
use crate::error::Error;
use crate::observed::Server;

/// Asks a server what it is, without logging in: `GET /info`, `GET /.well-known/openid-configuration`.
///
/// Neither goes with a zone header: UAA refuses that without a token (403). The zone's id is left empty; it comes
/// with the first read.
///
/// # Errors
/// When the host cannot be reached, its certificate is not trusted, or it is no UAA: the cause and what to do.
pub async fn identify(connection: &Connection) -> Result<Server, Error> {
    let mut secrets = connection.mask.clone();
    secrets.push(connection.client_secret.clone());
    let transport = Transport::new(connection, Mask::new(secrets))?;
    let (info, issuer) =
        join!(get(&transport, "/info"), get(&transport, "/.well-known/openid-configuration"));
    let info = info.map_err(|error| transport.explain(&error))?;
    let version = info.json().and_then(|body| body["app"]["version"].as_str().map(str::to_owned));
    let Some(uaa_version) = version.filter(|_| info.status == 200) else {
        return Err(no_uaa(&transport, &info));
    };
    let issuer = issuer.map_err(|error| transport.explain(&error))?;
    let issuer = issuer.json().and_then(|body| text(&body, "issuer")).unwrap_or_default();
    Ok(Server { url: transport.target(), issuer, zone: String::new(), uaa_version })
}

async fn get(transport: &Transport, path: &str) -> Result<Answer, NoAnswer> {
    let send = || async {
        let request = transport.request(Method::GET, path).build();
        transport.send(request.expect("a path of ours makes a request: invariant")).await
    };
    match send().await {
        Ok(answer) if answer.status == 200 => Ok(answer),
        // Nobody there at the first contact is a wrong address far more often than a server that restarts.
        Err(error) if error.cause == Cause::Refused => Err(error),
        Ok(_) | Err(_) => transport.send_repeatedly(send).await,
    }
}

fn no_uaa(transport: &Transport, info: &Answer) -> Error {
    let error = unexpected(transport, "GET", "/info", info);
    if matches!(info.status, 300..=399 | 429 | 500..=599) {
        return error;
    }
    let error = Error {
        causes: error.causes,
        ..Error::new(format!("{} is no UAA: /info does not name a UAA version", transport.target()))
    };
    error.hint("UAA of PKS/TKGI is the API host's port 8443 (9021 is the PKS API, 443 often a load balancer); in Cloud Foundry it is https://uaa.SYSTEM-DOMAIN")
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}
