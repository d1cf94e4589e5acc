//! Tokens of clients (facts §1): what they hold, and what ends them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Ask, Reply, State};

/// A token that was given out.
#[derive(Debug, Clone)]
pub(super) struct Token {
    client: String,
    pub(super) scopes: BTreeSet<String>,
    /// The secret that was the newest then.
    secret: u64,
    salt: Option<Value>,
}

impl State {
    /// `POST /oauth/token`: client credentials, in the form.
    pub(super) fn token(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let form = ask.form();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (id, secret) =
            (field("client_id").unwrap_or_default(), field("client_secret").unwrap_or_default());
        let client = self.clients.get(&id).filter(|client| client.takes(&secret));
        let client = client.ok_or_else(|| Reply::oauth(401, "unauthorized", "Bad credentials"))?.clone();
        match field("grant_type").unwrap_or_default().as_str() {
            "client_credentials" => {}
            "password" | "authorization_code" | "refresh_token" | "implicit" | "user_token" => {
                return Err(Reply::not_played("this grant"));
            }
            grant => {
                let message = format!("Unsupported grant type: {grant}");
                return Err(Reply::oauth(400, "unsupported_grant_type", &message));
            }
        }
        if !client.set("authorized_grant_types").contains("client_credentials") {
            let message = "Unauthorized grant type: client_credentials";
            return Err(Reply::oauth(401, "invalid_client", message));
        }
        let scopes = client.set("authorities");
        let value = self.new_id().replace('-', "");
        let validity = client.fields.get("access_token_validity").and_then(Value::as_i64).unwrap_or(43200);
        let scope = scopes.iter().cloned().collect::<Vec<_>>().join(" ");
        let token = Token {
            client: id,
            scopes,
            secret: client.secrets.last().map_or(0, |secret| secret.serial),
            salt: client.fields.get("token_salt").cloned(),
        };
        self.tokens.insert(value.clone(), token);
        Ok(Reply::json(
            200,
            json!({"access_token": value, "token_type": "bearer", "expires_in": validity - 1, "scope": scope, "jti": value}),
        ))
    }

    /// The scopes of a token that is still good.
    pub(super) fn scopes(&self, bearer: Option<&str>) -> Result<&BTreeSet<String>, Reply> {
        let Some(bearer) = bearer else {
            let message = "Full authentication is required to access this resource";
            return Err(Reply::oauth(401, "unauthorized", message));
        };
        let good = |token: &&Token| {
            self.clients.get(&token.client).is_some_and(|client| {
                let signs = |serial: u64| client.secrets.iter().any(|secret| secret.serial == serial);
                (signs(token.secret) || client.secrets.is_empty())
                    && client.fields.get("token_salt") == token.salt.as_ref()
            })
        };
        match self.tokens.get(bearer).filter(good) {
            Some(token) => Ok(&token.scopes),
            None => {
                let message = "The token expired, was revoked, or the token ID is incorrect.";
                Err(Reply::oauth(401, "invalid_token", message))
            }
        }
    }

    /// Revokes every token.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }
}
