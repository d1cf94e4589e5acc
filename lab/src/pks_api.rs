//! A stand-in for the PKS API that does what the product's page says: it takes a bearer token, has UAA validate it,
//! and lists the clusters that this token shows. Never lets anybody in when UAA cannot be asked.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path as Segment, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::LabError;
use crate::broker::{self, Sight};
use crate::ca::Identity;
use crate::uaa::RESOURCE;

/// How long an answer of UAA's counts: a page's worth of requests, and shorter than anyone waits after a revoke.
const FRESH: Duration = Duration::from_secs(2);
/// How many tokens are remembered.
const ROOM: usize = 1000;

/// What the stand-in needs to know.
pub(crate) struct Api {
    http: reqwest::Client,
    introspect: String,
    broker: PathBuf,
    tokens: Mutex<Tokens>,
}

/// The claims of tokens that UAA lately called active, by the tokens' digests.
#[derive(Default)]
struct Tokens(HashMap<[u8; 32], (Instant, Value)>);

impl Tokens {
    /// The claims, when they are fresh.
    fn get(&self, token: &str, now: Instant) -> Option<Value> {
        let (asked, claims) = self.0.get(&digest(token))?;
        (now.duration_since(*asked) < FRESH).then(|| claims.clone())
    }

    /// Remembers claims; makes room first.
    fn put(&mut self, token: &str, claims: Value, now: Instant) {
        if self.0.len() >= ROOM {
            self.0.retain(|_, (asked, _)| now.duration_since(*asked) < FRESH);
        }
        if self.0.len() >= ROOM {
            self.0.clear();
        }
        self.0.insert(digest(token), (now, claims));
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Why somebody is not let in.
#[derive(Debug)]
enum Refusal {
    NoToken,
    BadToken,
    NoScope,
    NoUaa(String),
    NoBroker(String),
    NoCluster(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let realm = r#"Bearer realm="pks""#;
        let (status, challenge, error, description) = match self {
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                Some(realm.to_owned()),
                "unauthorized",
                "a bearer token is needed".to_owned(),
            ),
            Self::BadToken => (
                StatusCode::UNAUTHORIZED,
                Some(format!(r#"{realm}, error="invalid_token""#)),
                "invalid_token",
                "the token is not valid, or not any more".to_owned(),
            ),
            Self::NoScope => (
                StatusCode::FORBIDDEN,
                Some(format!(
                    r#"{realm}, error="insufficient_scope", scope="pks.clusters.manage pks.clusters.admin pks.clusters.admin.read""#
                )),
                "insufficient_scope",
                "the token has no pks.clusters scope".to_owned(),
            ),
            Self::NoUaa(why) => (StatusCode::BAD_GATEWAY, None, "uaa_unreachable", why),
            Self::NoBroker(why) => (StatusCode::INTERNAL_SERVER_ERROR, None, "broker_unreadable", why),
            Self::NoCluster(name) => (
                StatusCode::NOT_FOUND,
                None,
                "not_found",
                format!("there is no cluster {name} that you may see"),
            ),
        };
        let mut response =
            (status, Json(json!({"error": error, "error_description": description}))).into_response();
        if let Some(challenge) = challenge.and_then(|challenge| challenge.parse().ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl Api {
    /// A stand-in that asks the UAA at `uaa`, which the CA's file vouches for.
    pub(crate) fn new(uaa: &str, ca: &Path, broker: PathBuf) -> Result<Self, LabError> {
        Ok(Self {
            http: crate::client::http(ca)?,
            introspect: format!("{uaa}/introspect"),
            broker,
            tokens: Mutex::default(),
        })
    }

    /// What the bearer of this request's token sees.
    async fn sight(&self, headers: &HeaderMap) -> Result<Sight, Refusal> {
        let token = bearer(headers).ok_or(Refusal::NoToken)?;
        match Sight::of(&self.claims(token).await?) {
            Sight::Nothing => Err(Refusal::NoScope),
            sight => Ok(sight),
        }
    }

    /// The token's claims, if UAA calls it active.
    async fn claims(&self, token: &str) -> Result<Value, Refusal> {
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token, Instant::now());
        if let Some(claims) = known {
            return Ok(claims);
        }
        let (id, secret) = RESOURCE;
        let request = self.http.post(&self.introspect).basic_auth(id, Some(secret)).form(&[("token", token)]);
        let answer = request.timeout(Duration::from_secs(10)).send().await;
        let answer =
            answer.map_err(|_| Refusal::NoUaa("UAA cannot be reached, so no token can be checked".into()))?;
        let status = answer.status();
        let claims: Value = match answer.json().await {
            Ok(claims) if status == StatusCode::OK => claims,
            _ => {
                return Err(Refusal::NoUaa(format!(
                    "UAA does not check tokens: it answers HTTP {}",
                    status.as_u16()
                )));
            }
        };
        if claims["active"] != true {
            return Err(Refusal::BadToken);
        }
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).put(token, claims.clone(), Instant::now());
        Ok(claims)
    }
}

/// The token of `Authorization: Bearer`, the scheme in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

async fn clusters(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let sight = api.sight(&headers).await?;
    let clusters = broker::read(&api.broker).map_err(Refusal::NoBroker)?;
    Ok(Json(sight.among(clusters)).into_response())
}

async fn cluster(
    State(api): State<Arc<Api>>,
    Segment(name): Segment<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let sight = api.sight(&headers).await?;
    let clusters = sight.among(broker::read(&api.broker).map_err(Refusal::NoBroker)?);
    match clusters.into_iter().find(|cluster| cluster.name == name) {
        Some(cluster) => Ok(Json(cluster).into_response()),
        None => Err(Refusal::NoCluster(name)),
    }
}

/// The stand-in's routes.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/clusters", get(clusters))
        .route("/v1/clusters/{name}", get(cluster))
        .fallback(async || (StatusCode::NOT_FOUND, Json(json!({"error": "not_found"}))))
        .with_state(Arc::new(api))
}

/// A listener on a port of loopback; any free one for 0.
pub(crate) fn listen(port: u16) -> Result<TcpListener, LabError> {
    let cannot = || format!("cannot listen on 127.0.0.1:{port}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(LabError::io(cannot()))?;
    listener.set_nonblocking(true).map_err(LabError::io(cannot()))?;
    Ok(listener)
}

/// Serves these routes over TLS until it is dropped.
pub(crate) async fn serve(listener: TcpListener, identity: Identity, router: Router) -> Result<(), LabError> {
    let cannot = "cannot serve over TLS";
    let tls = RustlsConfig::from_pem(identity.certificate.into_bytes(), identity.key.into_bytes());
    let tls = tls.await.map_err(LabError::io(cannot))?;
    let server = axum_server::from_tcp_rustls(listener, tls).map_err(LabError::io(cannot))?;
    server.serve(router.into_make_service()).await.map_err(LabError::io(cannot))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::http::{HeaderMap, header};
    use serde_json::json;

    use super::{FRESH, ROOM, Tokens, bearer};

    #[test]
    fn a_token_is_remembered_for_seconds_and_no_longer() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        tokens.put("a", json!({"user_name": "alana"}), now);
        assert_eq!(tokens.get("a", now), Some(json!({"user_name": "alana"})));
        assert_eq!(tokens.get("b", now), None);
        assert_eq!(tokens.get("a", now + FRESH), None);
    }

    #[test]
    fn only_so_many_tokens_are_remembered() {
        let (mut tokens, now) = (Tokens::default(), Instant::now());
        for n in 0..3 * ROOM {
            tokens.put(&n.to_string(), json!(n), now);
            assert!(tokens.0.len() <= ROOM);
        }
        assert_eq!(tokens.get(&(3 * ROOM - 1).to_string(), now), Some(json!(3 * ROOM - 1)));
    }

    #[test]
    fn a_bearer_token_is_taken_from_its_header_alone() {
        let with = |value: &'static str| {
            HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect("a header"))])
        };
        assert_eq!(bearer(&with("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("bearer abc")), Some("abc"));
        for none in ["Bearer", "Bearer ", "Basic YTpi", "abc"] {
            assert_eq!(bearer(&with(none)), None, "{none}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
