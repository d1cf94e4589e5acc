//! Users: created once, changed whole.
//!
//! Decides when a found account is the one that this very call made, and when a user is as the plan expected.
//! Never sends PATCH (it re-activates and re-verifies, trap 7), never null, never a field that it did not read or
//! was not told to write.

use reqwest::header::IF_MATCH;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::http::{Answer, Repeat, Request, segment};
use super::list::{Listing, PAGE};
use super::read::term;
use super::{WriteError, WriteErrorKind, Writer, Written, wire};
use crate::model::{Guid, UserKey};
use crate::observed::ObservedUser;
use crate::plan::{FieldChange, FieldValue};

/// All that a PUT stores. What it does not name is erased (phone, external id, salt), or set (`active` and
/// `verified` to true, `origin` to uaa in 4.x): traps 3 to 6.
const WRITABLE: [&str; 11] = [
    "userName",
    "name",
    "emails",
    "phoneNumbers",
    "active",
    "verified",
    "origin",
    "externalId",
    "salt",
    "aliasId",
    "aliasZid",
];

/// A user as it was read, and what of it can be managed.
type Read = (Map<String, Value>, ObservedUser);

impl Writer {
    pub(super) async fn post_user(
        &self,
        user: &UserKey,
        fields: &[FieldChange],
        password: Option<&SecretString>,
    ) -> Result<Guid, WriteError> {
        let body = new_user(user, fields, password)?;
        let ours = |found: ObservedUser, tried| match tried && is_at(&found, fields, |field| &field.after) {
            true => Ok(found.id),
            false => Err(made_by_another(user, &found)),
        };
        self.create("/Users", &body, id_of, async || self.find_user(user).await, ours).await
    }

    pub(super) async fn put_user(&self, id: &Guid, fields: &[FieldChange]) -> Result<Written, WriteError> {
        let path = format!("/Users/{}", segment(id.as_str()));
        let is_as_wished = |(_, user): &Read| match differing(user, fields) {
            _ if is_at(user, fields, |field| &field.after) => Ok(true),
            Some(other) => Err(self.drifted(&format!("user {}: {other}", user.key))),
            None => Ok(false),
        };
        let write = async |(raw, _): &Read| {
            let version = raw.get("meta").and_then(|meta| meta.get("version")).and_then(Value::as_u64);
            let version = version.ok_or_else(|| {
                WriteError::new(WriteErrorKind::Refused, format!("GET {path}: no meta.version"))
            })?;
            // The salt is as good as a secret: a change of it ends all sessions.
            if let Some(salt) = raw.get("salt").and_then(Value::as_str) {
                self.mask().learn(&SecretString::from(salt.to_owned()));
            }
            let request = Request::new(Method::PUT, path.clone())
                .header(IF_MATCH, format!("\"{version}\""))
                .json(changed(raw, fields)?);
            self.attempt(request, Repeat::IfNotHandled).await
        };
        self.replace(async || self.get_user(&path).await, is_as_wished, write).await
    }

    async fn get_user(&self, path: &str) -> Result<Read, WriteError> {
        let request = Request::get(path);
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        if answer.status == StatusCode::NOT_FOUND && answer.error_word().is_some() {
            return Err(WriteError { kind: WriteErrorKind::Drifted, ..self.refused(&name, &answer) });
        }
        if answer.status != StatusCode::OK {
            return Err(self.refused(&name, &answer));
        }
        match (answer.object(), answer.parse::<wire::User>()) {
            (Some(raw), Ok(user)) => Ok((raw, user.observed())),
            _ => Err(WriteError::new(WriteErrorKind::Faulty, format!("{name}: the answer is not a user"))),
        }
    }

    /// Finds a user by name and origin, equal under our own rules.
    pub(super) async fn find_user(&self, user: &UserKey) -> Result<Option<ObservedUser>, WriteError> {
        let filter = format!(
            "{} and {}",
            term("userName", user.username.as_str()),
            term("origin", user.origin.as_str())
        );
        let query =
            vec![("sortBy", "id".to_owned()), ("attributes", wire::USER.to_owned()), ("filter", filter)];
        let listing = Listing { what: "users", path: "/Users", query, count: PAGE };
        let found: Vec<wire::User> =
            self.looking().list(&listing).await.map_err(|error| WriteError::unreadable(&error))?;
        Ok(found.into_iter().map(wire::User::observed).find(|found| found.key == *user))
    }
}

/// The id in the answer to a POST.
pub(super) fn id_of(answer: &Answer) -> Option<Guid> {
    let object = answer.object()?;
    object.get("id")?.as_str().filter(|id| !id.is_empty()).map(Guid::new)
}

fn made_by_another(user: &UserKey, found: &ObservedUser) -> WriteError {
    let message = format!("user {user}: somebody else has created it meanwhile, id {}", found.id);
    WriteError::new(WriteErrorKind::Drifted, crate::visible::visible(&message))
}

/// The value of a field that can be managed, by the manifest's name of it.
fn field(user: &ObservedUser, name: &str) -> Option<FieldValue> {
    let text = |text: &str| FieldValue::Text(text.to_owned());
    Some(match name {
        "username" => text(user.key.username.as_str()),
        "email" => text(&user.email),
        "given_name" => text(&user.given_name),
        "family_name" => text(&user.family_name),
        "phone" => text(&user.phone),
        "external_id" => text(&user.external_id),
        "active" => FieldValue::Flag(user.active),
        "verified" => FieldValue::Flag(user.verified),
        _ => return None,
    })
}

/// Nothing and an empty text are the same: UAA stores no empty texts.
fn same(one: &FieldValue, other: &FieldValue) -> bool {
    let empty = |value: &FieldValue| match value {
        FieldValue::None => true,
        FieldValue::Text(text) => text.is_empty(),
        _ => false,
    };
    one == other || (empty(one) && empty(other))
}

/// Whether all fields have the values of one side of their change. Fields that cannot be read back do not count.
fn is_at(user: &ObservedUser, fields: &[FieldChange], side: impl Fn(&FieldChange) -> &FieldValue) -> bool {
    fields.iter().all(|change| field(user, &change.name).is_none_or(|value| same(&value, side(change))))
}

/// Says which field is not as it was before.
fn differing(user: &ObservedUser, fields: &[FieldChange]) -> Option<String> {
    fields.iter().find_map(|change| {
        let found = field(user, &change.name)?;
        (!same(&found, &change.before)).then(|| {
            format!("{} is {}, where the plan saw {}", change.name, shown(&found), shown(&change.before))
        })
    })
}

/// A value in a message.
pub(super) fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::None => "nothing".to_owned(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) if text.is_empty() => "nothing".to_owned(),
        FieldValue::Text(text) => format!("`{text}`"),
        FieldValue::List(items) => format!("[{}]", items.join(", ")),
        FieldValue::Variable { variable } => format!("(({variable}))"),
        FieldValue::Json { json } => json.to_string(),
    }
}

/// The body of a POST: only what is meant. `meta` would seed the version, unknown fields are refused.
fn new_user(
    user: &UserKey,
    fields: &[FieldChange],
    password: Option<&SecretString>,
) -> Result<Value, WriteError> {
    let mut body = Map::new();
    body.insert("userName".to_owned(), json!(user.username.as_str()));
    body.insert("origin".to_owned(), json!(user.origin.as_str()));
    body.insert("name".to_owned(), json!({}));
    for change in fields.iter().filter(|change| change.name != "username") {
        set(&mut body, change)?;
    }
    if !body.contains_key("emails") {
        let message = format!("user {user}: UAA needs an e-mail address to create a user");
        return Err(WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message)));
    }
    if let Some(password) = password {
        body.insert("password".to_owned(), json!(password.expose_secret()));
    }
    Ok(Value::Object(body))
}

/// The body of a PUT: the whole writable set as it was read, with the changes.
fn changed(raw: &Map<String, Value>, fields: &[FieldChange]) -> Result<Value, WriteError> {
    let mut body: Map<String, Value> = WRITABLE
        .iter()
        .filter_map(|&name| Some((name.to_owned(), raw.get(name).filter(|value| !value.is_null())?.clone())))
        .collect();
    // Without this object UAA fails with 500 (trap 6); null inside it is the same as absent.
    let name = body.entry("name").or_insert_with(|| json!({}));
    if let Some(name) = name.as_object_mut() {
        name.retain(|part, value| matches!(part.as_str(), "givenName" | "familyName") && !value.is_null());
    } else {
        *name = json!({});
    }
    for change in fields {
        set(&mut body, change)?;
    }
    Ok(Value::Object(body))
}

/// Writes one field into a body; an empty text takes it out, which clears it.
fn set(body: &mut Map<String, Value>, change: &FieldChange) -> Result<(), WriteError> {
    let odd = || {
        let message = format!("field `{}` of a user cannot be {}", change.name, shown(&change.after));
        WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message))
    };
    let text = || match &change.after {
        FieldValue::None => Ok(None),
        FieldValue::Text(text) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        _ => Err(odd()),
    };
    let mut put = |name: &str, value: Option<Value>| {
        match value {
            Some(value) => body.insert(name.to_owned(), value),
            None => body.remove(name),
        };
    };
    match change.name.as_str() {
        "username" => put("userName", text()?.map(Value::from)),
        "email" => put("emails", text()?.map(|email| json!([{"value": email}]))),
        "phone" => put("phoneNumbers", text()?.map(|phone| json!([{"value": phone}]))),
        "external_id" => put("externalId", text()?.map(Value::from)),
        "active" | "verified" => match change.after {
            FieldValue::Flag(flag) => put(&change.name, Some(Value::from(flag))),
            _ => return Err(odd()),
        },
        "given_name" | "family_name" => {
            let part = if change.name == "given_name" { "givenName" } else { "familyName" };
            let value = text()?.map(Value::from);
            if let Some(name) = body.entry("name").or_insert_with(|| json!({})).as_object_mut() {
                match value {
                    Some(value) => name.insert(part.to_owned(), value),
                    None => name.remove(part),
                };
            }
        }
        // `origin` is in the key, `password` travels beside; what else a create shows is not UAA's.
        _ => {}
    }
    Ok(())
}
