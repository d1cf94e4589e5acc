//! Clients (facts §6): normal forms on writing, a replacement by `tx/modify`, secrets that no answer tells.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::list::{Items, Page};
use super::{Ask, Reply, State};

/// A client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its properties as UAA tells them, without `client_id` and `lastModified`.
    pub fields: Map<String, Value>,
    /// Its secrets, the newest last; empty for none at all.
    pub secrets: Vec<Secret>,
    pub(super) modified: u64,
}

/// A secret; setting it anew makes another of it, as hashes have salts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub(super) serial: u64,
    /// The secret itself.
    pub text: String,
}

const GRANTS: [&str; 8] = [
    "implicit",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "password",
    "client_credentials",
    "authorization_code",
    "user_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
];

const SCHEMA: &str = "http://cloudfoundry.org/schema/scim/oauth-clients-1.0";

fn invalid(message: &str) -> Reply {
    Reply::oauth(400, "invalid_client", message)
}

fn exists(id: &str) -> Reply {
    Reply::oauth(409, "invalid_client", &format!("Client already exists: {id}"))
}

/// A set. UAA also takes a text, which the model does not play.
fn texts(value: Option<&Value>) -> Result<BTreeSet<String>, Reply> {
    match value {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::Array(items)) => {
            let text = |item: &Value| item.as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<_>>().ok_or_else(|| Reply::json(400, json!({})))
        }

        Some(_) => Err(Reply::not_played("a list of a client that is none")),
    }
}

/// The properties of a body in UAA's normal form.
fn normal(body: &Map<String, Value>) -> Result<Map<String, Value>, Reply> {
    let mut fields = Map::new();
    let mut grants = texts(body.get("authorized_grant_types"))?;
    if grants.is_empty() {
        return Err(invalid("An authorized grant type must be provided."));
    }
    if let Some(odd) = grants.iter().find(|grant| !GRANTS.contains(&grant.as_str())) {
        return Err(invalid(&format!("{odd} is not an allowed grant type.")));
    }
    if grants.contains("authorization_code") || grants.contains("password") {
        grants.insert("refresh_token".to_owned());
    }
    let redirects = texts(body.get("redirect_uri"))?;
    let sent_back = ["authorization_code", "implicit"].into_iter().find(|grant| grants.contains(*grant));
    if let Some(grant) = sent_back.filter(|_| redirects.is_empty()) {
        return Err(invalid(&format!("{grant} grant type requires at least one redirect URL.")));
    }
    let or_none = |name: &str| -> Result<BTreeSet<String>, Reply> {
        let set = texts(body.get(name))?;
        Ok(if set.is_empty() { BTreeSet::from(["uaa.none".to_owned()]) } else { set })
    };
    let (scope, authorities) = (or_none("scope")?, or_none("authorities")?);
    let approved = match body.get("autoapprove") {
        Some(Value::Bool(true)) => BTreeSet::from(["true".to_owned()]),
        None | Some(Value::Bool(false)) => BTreeSet::new(),
        some => texts(some)?,
    };
    let approved: BTreeSet<String> = match approved.contains("true") {
        true => BTreeSet::from(["true".to_owned()]),
        false => approved.intersection(&scope).cloned().collect(),
    };
    fields.insert("scope".to_owned(), json!(scope));
    fields.insert("authorities".to_owned(), json!(authorities));
    fields.insert("authorized_grant_types".to_owned(), json!(grants));
    fields.insert("resource_ids".to_owned(), json!(["none"]));
    fields.insert("autoapprove".to_owned(), json!(approved));
    fields.insert("required_user_groups".to_owned(), json!(texts(body.get("required_user_groups"))?));
    if !redirects.is_empty() {
        fields.insert("redirect_uri".to_owned(), json!(redirects));
    }
    for (key, value) in body {
        let own =
            ["client_id", "client_secret", "action", "lastModified", "redirect_uri"].contains(&key.as_str());
        let validity = ["access_token_validity", "refresh_token_validity"].contains(&key.as_str());
        if own || fields.contains_key(key) || (validity && value.is_null()) {
            continue;
        }
        // Further information, verbatim.
        fields.insert(key.clone(), value.clone());
    }
    Ok(fields)
}

impl Client {
    /// The client that a test logs in as.
    pub(super) fn admin(serial: u64, secret: &str) -> Self {
        let authorities = [
            "clients.admin",
            "clients.read",
            "clients.secret",
            "clients.write",
            "idps.read",
            "password.write",
            "scim.read",
            "scim.write",
            "uaa.admin",
            "zones.read",
        ];
        let body = json!({"authorized_grant_types": ["client_credentials"], "authorities": authorities});
        let fields = body.as_object().and_then(|body| normal(body).ok()).unwrap_or_default();
        Self { fields, secrets: vec![Secret { serial, text: secret.to_owned() }], modified: serial }
    }

    fn json(&self, id: &str) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("client_id".to_owned(), json!(id));
        fields.insert("lastModified".to_owned(), json!(self.modified));
        Value::Object(fields)
    }

    /// A set among the properties.
    #[must_use]
    pub fn set(&self, name: &str) -> BTreeSet<String> {
        texts(self.fields.get(name)).unwrap_or_default()
    }

    /// Whether a secret is one of this client's. Before 74 a client without any takes an empty one.
    pub(super) fn takes(&self, secret: &str) -> bool {
        match self.secrets.is_empty() {
            true => secret.is_empty(),
            false => self.secrets.iter().any(|own| own.text == secret),
        }
    }
}

impl State {
    pub(super) fn list_clients(&self, ask: &Ask) -> Result<Reply, Reply> {
        if ask.parameter("attributes").is_some() {
            return Err(Reply::not_played("attributes of clients"));
        }
        let page = Page::of(ask, false, Some(500)).map_err(|_| Reply::json(500, json!({})))?;
        let filter = match ask.parameter("filter") {
            None => None,
            Some(text) => Some(
                Filter::parse(text, &["client_id"])
                    .ok_or_else(|| Reply::not_played("this filter of clients"))?,
            ),
        };
        let found = self
            .clients
            .iter()
            .filter(|(id, _)| filter.as_ref().is_none_or(|filter| filter.matches(|_| Some((*id).clone()))));
        let rows = found.map(|(id, client)| {
            let mut client = client.json(id);
            // Trap 42.
            client.as_object_mut().map(|client| client.remove("required_user_groups"));
            client
        });
        Ok(page.reply(rows.collect(), Some(SCHEMA), Items::AskedOfAll))
    }

    pub(super) fn get_client(&self, id: &str) -> Result<Reply, Reply> {
        let client = self.clients.get(id).ok_or_else(|| Reply::empty(404))?;
        Ok(Reply::json(200, client.json(id)))
    }

    pub(super) fn post_client(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object().map_err(|_| Reply::json(400, json!({})))?;
        let Some(id) = body.get("client_id").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Reply::not_played("a client without `client_id`"));
        };
        if id == "uaa" {
            return Err(invalid("Not allowed: uaa is a reserved client_id"));
        }
        let secret = body.get("client_secret").and_then(Value::as_str);
        let fields = normal(&body)?;
        let grants = texts(fields.get("authorized_grant_types"))?;
        let has_secret = secret.is_some_and(|secret| !secret.is_empty());
        if !has_secret && (grants.contains("client_credentials") || grants.contains("authorization_code")) {
            return Err(invalid(
                "Client secret is required for client_credentials and authorization_code grant types",
            ));
        }
        if has_secret && grants.contains("implicit") {
            return Err(invalid("Implicit grant should not have a client_secret"));
        }
        if self.clients.contains_key(&id) {
            return Err(exists(&id));
        }
        let serial = self.tick();
        let secrets = secret.map(|text| Secret { serial, text: text.to_owned() }).into_iter().collect();
        let client = Client { fields, secrets, modified: serial };
        let reply = Reply::json(201, client.json(&id));
        self.clients.insert(id, client);
        Ok(reply)
    }

    pub(super) fn delete_client(&mut self, id: &str) -> Result<Reply, Reply> {
        let client = self.clients.remove(id).ok_or_else(|| Reply::empty(404))?;
        self.metadata.remove(id);
        Ok(Reply::json(200, client.json(id)))
    }

    /// Several changes, all or none. The actions that uaapply sends.
    pub(super) fn modify_clients(&mut self, ask: &Ask) -> Result<Reply, Reply> {
        let Ok(bodies) = serde_json::from_slice::<Vec<Map<String, Value>>>(&ask.body) else {
            return Err(Reply::json(400, json!({})));
        };
        let mut next = self.clone();
        let mut told = Vec::new();
        for body in bodies {
            told.push(next.modify_client(&body)?);
        }
        *self = next;
        Ok(Reply::json(200, Value::Array(told)))
    }

    fn modify_client(&mut self, body: &Map<String, Value>) -> Result<Value, Reply> {
        let Some(id) = body.get("client_id").and_then(Value::as_str) else {
            return Err(Reply::not_played("a change of a client without `client_id`"));
        };
        let serial = self.tick();
        match body.get("action").and_then(Value::as_str) {
            Some("update") if !body.contains_key("client_secret") => {
                let client = self.clients.get_mut(id).ok_or_else(|| Reply::empty(404))?;
                let fields = normal(body)?;
                let mut old = client.json(id);
                old["action"] = json!("update");
                client.fields = fields;
                client.modified = serial;
                // The state that was replaced.
                Ok(old)
            }
            Some("secret") => {
                let Some(secret) = body.get("client_secret").and_then(Value::as_str) else {
                    return Err(Reply::not_played("a secret that is no text"));
                };
                let client = self.clients.get_mut(id).ok_or_else(|| Reply::empty(404))?;
                let right = client.takes(secret) && !client.secrets.is_empty();
                if !right {
                    client.secrets = vec![Secret { serial, text: secret.to_owned() }];
                }
                Ok(json!({"scope": [], "client_id": id, "resource_ids": [], "authorized_grant_types": [],
                    "action": "secret", "authorities": [], "approvals_deleted": !right}))
            }
            Some("update" | "add" | "delete" | "update,secret") => {
                Err(Reply::not_played("this action on clients"))
            }
            _ => Err(invalid("Invalid action.")),
        }
    }

    /// `PUT /oauth/clients/{id}/secret` of an administrator.
    pub(super) fn put_secret(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object().map_err(|_| Reply::json(400, json!({})))?;
        let serial = self.tick();
        let client = self.clients.get_mut(id).ok_or_else(|| Reply::empty(404))?;
        let secret = body.get("secret").and_then(Value::as_str).unwrap_or_default();
        let new = Secret { serial, text: secret.to_owned() };
        let done = |message: &str| Ok(Reply::json(200, json!({"status": "ok", "message": message})));
        match body.get("changeMode").and_then(Value::as_str) {
            Some("ADD") if client.secrets.len() != 1 => {
                Err(invalid("client secret is either empty or client already has two secrets."))
            }
            Some("ADD") => {
                client.secrets.push(new);
                done("Secret is added")
            }
            Some("DELETE") if client.secrets.len() < 2 => {
                Err(invalid("client secret is either empty or client has only one secret."))
            }
            Some("DELETE") => {
                client.secrets.remove(0);
                done("Secret is deleted")
            }
            _ => Err(Reply::not_played("this change of a secret")),
        }
    }

    /// Every client has some, whether or not it was ever written.
    pub(super) fn get_metadata(&self, id: &str) -> Result<Reply, Reply> {
        let client = self.clients.get(id).ok_or_else(|| {
            Reply::scim(404, "client_metadata", &format!("No client metadata found for {id}"))
        })?;
        let none = || Map::from_iter([("showOnHomePage".to_owned(), json!(true))]);
        let mut metadata = self.metadata.get(id).cloned().unwrap_or_else(none);
        metadata.insert("clientId".to_owned(), json!(id));
        if let Some(name) = client.fields.get("name") {
            metadata.insert("clientName".to_owned(), name.clone());
        }
        Ok(Reply::json(200, Value::Object(metadata)))
    }

    pub(super) fn put_metadata(&mut self, id: &str, ask: &Ask) -> Result<Reply, Reply> {
        let body = ask.object().map_err(|_| Reply::json(400, json!({})))?;
        if !self.clients.contains_key(id) {
            return Err(Reply::scim(404, "client_metadata", &format!("No client with ID {id}")));
        }
        let shown = body.get("showOnHomePage").and_then(Value::as_bool).unwrap_or(false);
        let mut metadata = Map::from_iter([("showOnHomePage".to_owned(), json!(shown))]);
        let text = |key: &str| body.get(key).filter(|value| !value.is_null()).cloned();
        metadata.extend(text("appLaunchUrl").map(|url| ("appLaunchUrl".to_owned(), url)));
        metadata.insert("appIcon".to_owned(), text("appIcon").unwrap_or_else(|| json!("")));
        self.metadata.insert(id.to_owned(), metadata);
        self.get_metadata(id)
    }
}
