//! A client in UAA's JSON, and the one form in which its values are compared.
//!
//! Decides which keys are properties of a client, and when two spellings of a value are the same (facts §6.1, trap
//! 41). Knows no HTTP.

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::list::Keyed;
use super::mask::Mask;
use crate::client::{ClientField, ClientFieldKind, ClientFields, ClientValue, NONE, hidden, stored};
use crate::model::ClientId;
use crate::moment::Moment;
use crate::observed::ObservedClient;
use crate::plan::FieldValue;

/// Keys that are no properties: the client's name, what UAA writes by itself, and what is or may be a secret. Some
/// versions show the latter to every reader when a PUT or an older UAA was given it (trap 42).
const NO_PROPERTY: [&str; 9] = [
    "client_id",
    "client_secret",
    "secondary_client_secret",
    "jwks",
    "jwks_uri",
    "resource_ids",
    "lastModified",
    "approvals_deleted",
    "action",
];

/// Those of them that UAA writes by itself: no request names them.
const SERVERS_OWN: [&str; 3] = ["lastModified", "approvals_deleted", "action"];

/// Keys whose values no text may show.
const SECRETS: [&str; 5] = ["client_secret", "secondary_client_secret", "token_salt", "jwks", "jwks_uri"];

/// A client as UAA gives it. A map, as lists can name `autoapprove` twice, the right one last (trap 42).
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Client(pub(super) Map<String, Value>);

/// The metadata of a client, a resource of its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Metadata(pub(super) Map<String, Value>);

impl Keyed for Client {
    fn key(&self) -> String {
        self.id().to_owned()
    }
}

impl Client {
    /// Its id; empty in an answer that is no client.
    pub(super) fn id(&self) -> &str {
        self.0.get("client_id").and_then(Value::as_str).unwrap_or_default()
    }

    /// When it was last changed. UAA does not move this when a secret is set.
    pub(super) fn changed(&self) -> Option<Moment> {
        self.0.get("lastModified").and_then(Value::as_i64).and_then(Moment::from_millis)
    }

    /// Its properties in normal form. `mask` learns the secrets among them.
    pub(super) fn observed(&self, mask: &Mask) -> ObservedClient {
        for secret in SECRETS.iter().filter_map(|&key| self.0.get(key)?.as_str()) {
            mask.learn(&SecretString::from(secret));
        }
        let properties = self.0.iter().filter(|(key, _)| !NO_PROPERTY.contains(&key.as_str()));
        let fields = properties.filter_map(|(key, value)| {
            let field = property(key);
            let value = normal(&field, value)?;
            Some((field, value))
        });
        ObservedClient { id: ClientId::new(self.id()), fields: fields.collect() }
    }

    /// All that a replacement must name so that nothing is lost. Never null: UAA stores it as such. Of `autoapprove`
    /// only what is in `scope`, as UAA writes it: what else a client of `uaa.yml` has there would be approved unasked
    /// when the replacement adds it to `scope`.
    pub(super) fn writable(&self) -> Map<String, Value> {
        let kept =
            self.0.iter().filter(|(key, value)| !SERVERS_OWN.contains(&key.as_str()) && !value.is_null());
        let mut body: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        let set = |field: ClientField| match normal(&field, body.get(&field.name())?)? {
            ClientValue::Set(texts) => Some(texts),
            _ => None,
        };
        if let Some(mut approved) = set(ClientField::Autoapprove) {
            let scope = set(ClientField::Scope).unwrap_or_default();
            let all = approved.len();
            approved.retain(|name| scope.contains(name));
            if approved.len() < all {
                let approved: Vec<String> = approved.into_iter().collect();
                body.insert(ClientField::Autoapprove.name(), Value::from(approved));
            }
        }
        body
    }
}

impl Metadata {
    /// The properties that live here.
    pub(super) fn fields(&self) -> ClientFields {
        let named = ClientField::NAMED.into_iter().filter_map(|field| {
            let value = normal(&field, self.0.get(metadata_key(&field)?)?)?;
            Some((field, value))
        });
        named.collect()
    }
}

/// A property by UAA's key. Metadata's names are no keys of a client: there they are further information.
fn property(key: &str) -> ClientField {
    let named = ClientField::NAMED.into_iter().find(|field| !field.is_metadata() && field.name() == key);
    named.unwrap_or_else(|| ClientField::Extra(key.to_owned()))
}

/// UAA's key of a property of the client itself.
pub(super) fn client_key(field: &ClientField) -> Option<String> {
    match field {
        ClientField::Extra(key) => Some(key.clone()),
        field if field.is_metadata() => None,
        field => Some(field.name()),
    }
}

/// UAA's key of a property that lives in the metadata.
pub(super) fn metadata_key(field: &ClientField) -> Option<&'static str> {
    match field {
        ClientField::ShowOnHomePage => Some("showOnHomePage"),
        ClientField::AppLaunchUrl => Some("appLaunchUrl"),
        ClientField::AppIcon => Some("appIcon"),
        _ => None,
    }
}

/// A value in normal form; None where UAA's way of saying nothing stands.
pub(super) fn normal(field: &ClientField, value: &Value) -> Option<ClientValue> {
    if value.is_null() {
        return None;
    }
    let read = match field.kind() {
        ClientFieldKind::Text => value.as_str().map(|text| ClientValue::Text(text.to_owned())),
        ClientFieldKind::Seconds => value.as_i64().map(ClientValue::Number),
        ClientFieldKind::Flag => flag(value).map(ClientValue::Flag),
        ClientFieldKind::Set => texts(value).map(ClientValue::Set),
        ClientFieldKind::Approvals => {
            flag(value).map(ClientValue::Flag).or_else(|| texts(value).map(ClientValue::Set))
        }
        ClientFieldKind::Secret => match value.as_str() {
            Some("") => return None,
            Some(secret) => Some(hidden(secret)),
            None => Some(hidden(&value.to_string())),
        },
        ClientFieldKind::Any => None,
    };
    // Further information, or something else that others stored under one of the names.
    stored(field, read.unwrap_or_else(|| ClientValue::Json(value.clone())))
}

/// A yes or no, which clients from `uaa.yml` may have as text.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// A set; UAA also takes a text, cut at commas and blanks.
fn texts(value: &Value) -> Option<BTreeSet<String>> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Value::String(text) => Some(
            text.split(|c: char| c == ',' || c.is_whitespace())
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        _ => None,
    }
}

/// Whether two values are the same to UAA, which says `uaa.none` for no scope and no authority, and shows a client on
/// the home page unless told otherwise.
pub(super) fn same(field: &ClientField, one: Option<&ClientValue>, other: Option<&ClientValue>) -> bool {
    let none = |value: Option<&ClientValue>| match (field, value) {
        (_, None) => true,
        (ClientField::Scope | ClientField::Authorities, Some(value)) => {
            value.as_set().is_some_and(|scopes| scopes.iter().all(|scope| scope == NONE))
        }
        (ClientField::ShowOnHomePage, Some(value)) => *value == ClientValue::Flag(true),
        (_, Some(_)) => false,
    };
    one == other || (none(one) && none(other))
}

/// The value of a plan in UAA's JSON; None clears. A secret's value travels beside the plan.
pub(super) fn planned(field: &ClientField, value: &FieldValue) -> Option<Value> {
    match value {
        // The PUT that replaces metadata takes a missing one for `false`.
        FieldValue::None => (*field == ClientField::ShowOnHomePage).then_some(Value::Bool(true)),
        FieldValue::Flag(flag) => Some(Value::from(*flag)),
        FieldValue::Number(number) => Some(Value::from(*number)),
        FieldValue::Text(text) => Some(Value::from(text.as_str())),
        FieldValue::List(texts) => Some(Value::from(texts.clone())),
        FieldValue::Json { json } => Some(json.clone()),
        FieldValue::Variable { .. } => None,
    }
}
