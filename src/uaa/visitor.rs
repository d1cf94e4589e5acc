//! Whoever is to prove that they get in: a user as `pks login` does it, a client by its own secret; then what UAA says of
//! the token.
//!
//! Has no token of its own. Decides what is sent, and that a password is sent once: five wrong ones lock an account
//! (facts §1.1). Never decides what an answer means for the proof; that is `verify`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::Connection;
use super::http::{Answer, Body, Repeat, Request, Transport};
use super::mask::Mask;
use super::trouble::{self, Lost, LostWhy};
use crate::error::Error;
use crate::model::{ClientId, Origin, UAA_ORIGIN, UserKey, Username};

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user by name and password, through a public client such as `pks_cli`.
    Password {
        /// The client, whose secret is empty.
        through: ClientId,
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A user by a one-time passcode of UAA's page `/passcode`: how who logs in elsewhere (SAML, OIDC) uses a terminal.
    Passcode {
        /// The client, whose secret is empty.
        through: ClientId,
        /// The passcode.
        passcode: SecretString,
    },
    /// A client by its own secret.
    Client {
        /// Its id.
        client: ClientId,
        /// Its secret.
        secret: SecretString,
    },
}

/// What UAA gives somebody who logs in.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The token.
    pub token: SecretString,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// How long it lasts, in seconds.
    pub lasts: Option<u64>,
    /// Whose it is, as the token itself says; `None` where it is opaque. As good as the token's signature.
    pub owner: Option<Owner>,
}

/// Whom a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A user.
    User(UserKey),
    /// A client by itself.
    Client(ClientId),
}

/// An answer that is a refusal, in the server's own words, masked and fit to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// UAA's short word, such as `invalid_scope`.
    pub word: String,
    /// UAA's sentence.
    pub text: String,
    /// All of it on one line.
    pub line: String,
}

/// Why there is no answer at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// What it looks like from here.
    pub why: UnreachedWhy,
    /// In words.
    pub line: String,
}

/// How a server was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreachedWhy {
    /// The name means nothing here.
    UnknownHost,
    /// Nothing answers at that port.
    NoConnection,
    /// The certificate is not trusted, expired, or for another name.
    Certificate,
    /// It is not TLS.
    NotTls,
    /// There was a connection, and no answer.
    NoAnswer,
}

/// What a question came to.
#[derive(Clone, Debug)]
pub enum Came<T> {
    /// What was asked for.
    Granted(T),
    /// A refusal.
    Refused(Refusal),
    /// No answer.
    Unreached(Unreached),
}

/// What UAA, or its key, says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// UAA's introspection calls it active.
    Active,
    /// UAA's introspection does not.
    Inactive,
    /// The key of this id signed it for this issuer and audience, and it has not expired.
    Signed(String),
    /// It is not so; why.
    Unsound(String),
    /// Nobody can tell from here; why.
    Unknown(String),
}

/// A cluster, as the PKS API lists it to the bearer of a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
}

/// Asks UAA and the PKS API as somebody would who has nothing but a password.
#[derive(Debug)]
pub struct Visitor {
    uaa: Transport,
    pks_api: Transport,
}

impl Visitor {
    /// Talks to the UAA of a connection, and to the PKS API at `pks_api`, with the same CA and time limits.
    ///
    /// # Errors
    /// A bad address or CA certificate.
    pub fn new(connection: &Connection, pks_api: &Url) -> Result<Self, Error> {
        let mask = Arc::new(Mask::new(connection.secrets()));
        let there = Connection { target: pks_api.clone(), ..connection.clone() };
        Ok(Self {
            uaa: Transport::new(connection, Arc::clone(&mask))?,
            pks_api: Transport::new(&there, mask)?,
        })
    }

    /// Where the PKS API is looked for.
    #[must_use]
    pub fn pks_api(&self) -> &str {
        self.pks_api.address()
    }

    /// Logs in, once: whether a lost request counts as a wrong password nobody knows.
    pub async fn log_in(&self, credentials: &Credentials) -> Came<Granted> {
        let mut form = Serializer::new(String::new());
        match credentials {
            Credentials::Password { through, username, password } => {
                self.uaa.mask.learn(password);
                form.append_pair("grant_type", "password")
                    .append_pair("client_id", through.as_str())
                    // Present and empty: a missing one is another thing to UAA (facts §1.5).
                    .append_pair("client_secret", "")
                    .append_pair("username", username)
                    .append_pair("password", password.expose_secret())
            }
            Credentials::Passcode { through, passcode } => {
                self.uaa.mask.learn(passcode);
                form.append_pair("grant_type", "password")
                    .append_pair("client_id", through.as_str())
                    .append_pair("client_secret", "")
                    .append_pair("passcode", passcode.expose_secret())
            }
            Credentials::Client { client, secret } => {
                self.uaa.mask.learn(secret);
                form.append_pair("grant_type", "client_credentials")
                    .append_pair("client_id", client.as_str())
                    .append_pair("client_secret", secret.expose_secret())
            }
        };
        let mut request = Request::new(Method::POST, "/oauth/token").short();
        request.body = Body::Form(form.finish().into_bytes());
        let answer = match self.uaa.call(&request, Repeat::IfNotHandled).await {
            Ok(answer) => answer,
            Err(lost) => return Came::Unreached(unreached(&lost)),
        };
        match (answer.status, answer.parse::<Token>()) {
            (StatusCode::OK, Ok(token)) => {
                let claims = claims(&token.access_token);
                let value = SecretString::from(token.access_token);
                self.uaa.mask.learn(&value);
                let shown = |scope: &str| self.uaa.mask.text(scope);
                Came::Granted(Granted {
                    token: value,
                    scopes: token.scope.split_ascii_whitespace().map(shown).collect(),
                    lasts: token.expires_in,
                    owner: claims.and_then(|claims| owner(&claims)),
                })
            }
            _ => Came::Refused(refusal("POST /oauth/token", &answer, &self.uaa.mask)),
        }
    }

    /// Has UAA say whether the token holds: by `client`, which needs the authority `uaa.resource`.
    pub async fn introspect(&self, client: &ClientId, secret: &SecretString, granted: &Granted) -> Validity {
        // Basic: what 4.x takes alone (live correction 5).
        let pair = format!("{}:{}", client.as_str(), secret.expose_secret());
        let form =
            Serializer::new(String::new()).append_pair("token", granted.token.expose_secret()).finish();
        let mut request = Request::new(Method::POST, "/introspect")
            .header(AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(pair)))
            .short();
        request.body = Body::Form(form.into_bytes());
        match self.uaa.call(&request, Repeat::Harmless).await {
            Err(lost) => Validity::Unknown(lost.line()),
            Ok(answer) => match answer.object().and_then(|object| object.get("active")?.as_bool()) {
                Some(true) if answer.status == StatusCode::OK => Validity::Active,
                Some(false) if answer.status == StatusCode::OK => Validity::Inactive,
                _ => Validity::Unknown(trouble::line("POST /introspect", &answer, &self.uaa.mask)),
            },
        }
    }

    /// Checks the token by UAA's public keys: signature, issuer, audience, end.
    pub async fn check_signature(&self, issuer: &str, audience: &str, granted: &Granted) -> Validity {
        let request = Request::get("/token_keys").short();
        let answer = match self.uaa.call(&request, Repeat::Harmless).await {
            Err(lost) => return Validity::Unknown(lost.line()),
            Ok(answer) => answer,
        };
        if matches!(answer.status.as_u16(), 401 | 403) {
            return Validity::Unknown(
                "UAA signs with a symmetric key, which it shows to nobody but resource servers".to_owned(),
            );
        }
        let keys = match (answer.status, answer.parse::<Keys>()) {
            (StatusCode::OK, Ok(keys)) => keys,
            _ => return Validity::Unknown(trouble::line("GET /token_keys", &answer, &self.uaa.mask)),
        };
        signed(&keys.usable(), issuer, audience, granted.token.expose_secret())
    }

    /// Lists the clusters that the token shows, as `pks clusters` does.
    pub async fn clusters(&self, granted: &Granted) -> Came<Vec<Cluster>> {
        let request =
            Request::get(CLUSTERS).header(AUTHORIZATION, format!("Bearer {}", granted.token.expose_secret()));
        let answer = match self.pks_api.call(&request, Repeat::AtFirstContact).await {
            Ok(answer) => answer,
            Err(lost) => return Came::Unreached(unreached(&lost)),
        };
        match (answer.status, answer.parse::<Vec<Cluster>>()) {
            (StatusCode::OK, Ok(mut clusters)) => {
                for cluster in &mut clusters {
                    cluster.name = self.pks_api.mask.text(&cluster.name);
                }
                Came::Granted(clusters)
            }
            _ => Came::Refused(refusal("GET /v1/clusters", &answer, &self.pks_api.mask)),
        }
    }

    /// Whether the PKS API answers, as it does to whom it does not know.
    pub async fn pks_api_answers(&self) -> bool {
        let answer = self.pks_api.call(&Request::get(CLUSTERS).short(), Repeat::Never).await;
        answer.is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED)
    }
}

const CLUSTERS: &str = "/v1/clusters";

#[derive(Deserialize)]
struct Token {
    access_token: String,
    #[serde(default)]
    scope: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// Those that can be read; UAA adds fields of its own.
    fn usable(self) -> JwkSet {
        let keys = self.keys.into_iter().map(without_sign);
        JwkSet { keys: keys.filter_map(|key| serde_json::from_value(key).ok()).collect() }
    }
}

/// UAA 4.x writes a modulus as Java's signed number, with a zero in front, which RFC 7518 (6.3.1.1) forbids and strict
/// libraries refuse.
fn without_sign(mut key: Value) -> Value {
    let modulus = key["n"].as_str().and_then(|n| BASE64_URL_SAFE_NO_PAD.decode(n.trim_end_matches('=')).ok());
    if let Some(modulus) = modulus {
        let start = modulus.iter().position(|byte| *byte != 0).unwrap_or_default();
        key["n"] = BASE64_URL_SAFE_NO_PAD.encode(&modulus[start..]).into();
    }
    key
}

/// Judges a token by these keys.
fn signed(keys: &JwkSet, issuer: &str, audience: &str, token: &str) -> Validity {
    let header = match jsonwebtoken::decode_header(token) {
        Ok(header) => header,
        Err(_) if token.matches('.').count() == 2 => {
            return Validity::Unsound("it is signed in a way that nobody can check".to_owned());
        }
        Err(_) => return Validity::Unknown("the token is opaque: it holds nothing to check".to_owned()),
    };
    let kid = header.kid.clone().unwrap_or_default();
    let Some(key) = keys.find(&kid) else {
        let kid = crate::visible::visible(&kid);
        return Validity::Unsound(format!("it is signed by the key `{kid}`, which UAA does not list"));
    };
    let Ok(key) = DecodingKey::from_jwk(key) else {
        return Validity::Unknown(format!(
            "UAA's key `{}` is of an unknown kind",
            crate::visible::visible(&kid)
        ));
    };
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    if issuer.is_empty() {
        validation.set_required_spec_claims(&["exp", "aud"]);
    } else {
        validation.set_issuer(&[issuer]);
    }
    match jsonwebtoken::decode::<Value>(token, &key, &validation) {
        Ok(_) => Validity::Signed(kid),
        Err(error) => Validity::Unsound(unsound(error.kind(), issuer, token)),
    }
}

/// What a token says of itself, unchecked.
fn claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1).filter(|_| token.matches('.').count() == 2)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn owner(claims: &Value) -> Option<Owner> {
    let text = |name: &str| claims[name].as_str();
    match (text("user_name"), text("origin")) {
        (Some(name), origin) => {
            let origin = Origin::new(origin.unwrap_or(UAA_ORIGIN));
            Some(Owner::User(UserKey::new(origin, Username::new(name))))
        }
        (None, _) => Some(Owner::Client(ClientId::new(text("client_id")?))),
    }
}

fn unsound(kind: &jsonwebtoken::errors::ErrorKind, issuer: &str, token: &str) -> String {
    use jsonwebtoken::errors::ErrorKind as Kind;
    let claim = |name: &str| {
        crate::visible::visible(&claims(token).map(|claims| claims[name].to_string()).unwrap_or_default())
    };
    match kind {
        Kind::InvalidSignature => "its signature is not that of UAA's key".to_owned(),
        Kind::ExpiredSignature => "it has expired: is this machine's clock right?".to_owned(),
        Kind::InvalidIssuer => format!("its issuer is {}, UAA says that it is {issuer}", claim("iss")),
        Kind::InvalidAudience => format!("it is meant for {}", claim("aud")),
        other => format!("it cannot be checked: {}", crate::visible::visible(&format!("{other:?}"))),
    }
}

fn refusal(request: &str, answer: &Answer, mask: &Mask) -> Refusal {
    let shown = |text: Option<String>| crate::visible::visible(&mask.text(&text.unwrap_or_default()));
    Refusal {
        status: answer.status.as_u16(),
        word: shown(answer.error_word()),
        text: shown(answer.error_text()),
        line: trouble::line(request, answer, mask),
    }
}

fn unreached(lost: &Lost) -> Unreached {
    let why = match lost.why {
        LostWhy::UnknownHost => UnreachedWhy::UnknownHost,
        LostWhy::ConnectionRefused | LostWhy::NoConnection | LostWhy::ConnectTimeout(_) => {
            UnreachedWhy::NoConnection
        }
        LostWhy::UntrustedCertificate | LostWhy::ExpiredCertificate | LostWhy::OtherName => {
            UnreachedWhy::Certificate
        }
        LostWhy::NotTls | LostWhy::Tls => UnreachedWhy::NotTls,
        LostWhy::Timeout(_) | LostWhy::Cut | LostWhy::TooLarge(_) => UnreachedWhy::NoAnswer,
    };
    Unreached { why, line: lost.line() }
}
