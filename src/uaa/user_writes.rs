//! Creating and changing one user.

use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::http::pauses;
use super::session::{Call, Session};
use super::{WriteError, WriteErrorKind, Writer, Written, path};
use crate::model::{Guid, UserKey};
use crate::plan::{FieldChange, FieldValue};

/// Everything that a PUT must repeat: what is left out, UAA clears, or sets to true (facts §2.5, traps 3 to 6).
/// What is not in this list another version may refuse as unknown (trap 11).
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
/// How often a change is judged anew when others change the same user meanwhile.
const ROUNDS: usize = 3;

impl Writer {
    /// `POST /Users`. `fields` are the manifest's names; a found account is drift, unless an earlier try of this very
    /// call made it.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn create_user(
        &self,
        user: &UserKey,
        fields: &[FieldChange],
        password: Option<&SecretString>,
    ) -> Result<Guid, WriteError> {
        let session = &*self.session;
        let mut body =
            json!({"userName": user.username.as_str(), "origin": user.origin.as_str(), "name": {}});
        for field in fields {
            set(&mut body, &field.name, &field.after);
        }
        if let Some(password) = password {
            body["password"] = password.expose_secret().into();
        }
        let call = Call {
            method: Method::POST,
            path: "/Users".to_owned(),
            body: Some(body),
            if_match: None,
            zone: session.zone.clone(),
        };
        let mut pauses = pauses();
        // Whether an earlier try may have made the user without our hearing of it.
        let mut may_be_ours = false;
        loop {
            let failure = match session.once(&call).await {
                Ok(answer) if answer.status == 201 => return made_id(session, &call, &answer),
                Ok(answer) if answer.status == 409 => {
                    return match find(session, user).await? {
                        Some(found) if may_be_ours && is_as_written(&found, fields) => id_of(&found),
                        Some(_) => Err(WriteError::drifted(format!(
                            "{} (somebody else created it meanwhile)",
                            session.shown(&call, &answer)
                        ))),
                        None => Err(session.refused(&call, &answer)),
                    };
                }
                // Nothing was handled: the same again.
                Ok(answer) if answer.status == 429 => session.refused(&call, &answer),
                Ok(answer) if answer.status >= 500 && !answer.is_limited_mode() => {
                    may_be_ours = true;
                    session.refused(&call, &answer)
                }
                Ok(answer) => return Err(session.refused(&call, &answer)),
                Err(error) => {
                    may_be_ours |= error.sent;
                    session.lost(&call, &error)
                }
            };
            if may_be_ours {
                let found = find(session, user)
                    .await
                    .map_err(|_| WriteError::new(WriteErrorKind::Unknown, failure.message.clone()))?;
                match found {
                    Some(found) if is_as_written(&found, fields) => return id_of(&found),
                    Some(_) => {
                        return Err(WriteError::drifted(format!(
                            "{} (somebody else created it meanwhile)",
                            failure.message
                        )));
                    }
                    None => {}
                }
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause.max(Duration::from_millis(250))).await,
                // It is not there now: whatever happened, no account came of it.
                None => return Err(WriteError::new(WriteErrorKind::Systemic, failure.message)),
            }
        }
    }

    /// `GET /Users/{id}`, judge before and after, `PUT /Users/{id}` with `If-Match`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn update_user(&self, id: &Guid, fields: &[FieldChange]) -> Result<Written, WriteError> {
        let session = &*self.session;
        let path = format!("/Users/{}", path::segment(id.as_str()));
        let mut last = None;
        for round in 0..ROUNDS {
            let Some(found) = session.reread(&path).await? else {
                return Err(WriteError::drifted(format!("GET {path}: the user is not there any more")));
            };
            match judge(&found, fields) {
                // After a PUT without an answer this is how we learn that it was handled.
                Judgement::After => {
                    return Ok(if round > 0 && last.is_some() { Written::Done } else { Written::AlreadySo });
                }
                Judgement::Drifted(how) => {
                    return Err(WriteError::drifted(session.transport.mask.show(&how)));
                }
                Judgement::Before => {}
            }
            let mut body = writable(&found);
            for field in fields {
                set(&mut body, &field.name, &field.after);
            }
            let version = found["meta"]["version"].as_u64();
            let call = Call {
                method: Method::PUT,
                path: path.clone(),
                body: Some(body),
                if_match: version,
                zone: session.zone.clone(),
            };
            let failure = match session.once(&call).await {
                Ok(answer) if answer.status == 200 => return Ok(Written::Done),
                // Others changed the user meanwhile: look again.
                Ok(answer) if answer.status == 409 => {
                    last = None;
                    drop(answer);
                    continue;
                }
                Ok(answer) if answer.status == 429 || answer.status >= 500 && !answer.is_limited_mode() => {
                    session.refused(&call, &answer)
                }
                Ok(answer) => return Err(session.refused(&call, &answer)),
                Err(error) => session.lost(&call, &error),
            };
            if let Some(pause) = pauses().nth(round) {
                tokio::time::sleep(pause).await;
            }
            last = Some(failure);
        }
        // One more look: the last PUT may have been handled.
        match session.reread(&path).await? {
            Some(found) if matches!(judge(&found, fields), Judgement::After) => Ok(Written::Done),
            _ => Err(last.unwrap_or_else(|| {
                WriteError::drifted(format!("PUT {path}: others keep changing this user"))
            })),
        }
    }
}

/// Whether a user is as the plan saw it, as the plan wants it, or neither.
enum Judgement {
    Before,
    After,
    Drifted(String),
}

fn judge(user: &Value, fields: &[FieldChange]) -> Judgement {
    if fields.iter().all(|field| held(user, &field.name) == field.after) {
        return Judgement::After;
    }
    match fields.iter().find(|field| held(user, &field.name) != field.before) {
        None => Judgement::Before,
        Some(field) => Judgement::Drifted(format!(
            "{} is {} now; the plan saw {}",
            field.name,
            shown(&held(user, &field.name)),
            shown(&field.before)
        )),
    }
}

fn shown(value: &FieldValue) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns a field's value by the manifest's name, absent and empty alike.
fn held(user: &Value, name: &str) -> FieldValue {
    let text = |value: &Value| FieldValue::Text(value.as_str().unwrap_or_default().to_owned());
    match name {
        "username" => text(&user["userName"]),
        "email" => text(&user["emails"][0]["value"]),
        "given_name" => text(&user["name"]["givenName"]),
        "family_name" => text(&user["name"]["familyName"]),
        "phone" => text(&user["phoneNumbers"][0]["value"]),
        "external_id" => text(&user["externalId"]),
        "active" | "verified" => FieldValue::Flag(user[name].as_bool().unwrap_or_default()),
        _ => FieldValue::None,
    }
}

/// Writes a field by the manifest's name into a body; an empty text takes it out, which clears it.
fn set(body: &mut Value, name: &str, value: &FieldValue) {
    let text = match value {
        FieldValue::Text(text) => text.as_str(),
        _ => "",
    };
    let list = || json!([{"value": text}]);
    match (name, value) {
        ("username", _) => body["userName"] = text.into(),
        ("email", _) => body["emails"] = list(),
        ("given_name", _) => body["name"]["givenName"] = text.into(),
        ("family_name", _) => body["name"]["familyName"] = text.into(),
        ("phone", _) if !text.is_empty() => body["phoneNumbers"] = list(),
        ("external_id", _) if !text.is_empty() => body["externalId"] = text.into(),
        ("active" | "verified", &FieldValue::Flag(flag)) => body[name] = flag.into(),
        ("phone" | "external_id", _) => {
            if let Some(body) = body.as_object_mut() {
                body.remove(if name == "phone" { "phoneNumbers" } else { "externalId" });
            }
        }
        // The password travels beside the fields.
        _ => {}
    }
}

/// Returns what a PUT has to repeat of a user: never null, and always a name (without one UAA fails with 500).
fn writable(user: &Value) -> Value {
    let kept = |&name: &&str| {
        user.get(name).filter(|value| !value.is_null()).map(|value| (name.to_owned(), value.clone()))
    };
    let mut body: Map<String, Value> = WRITABLE.iter().filter_map(kept).collect();
    body.entry("name").or_insert_with(|| json!({}));
    Value::Object(body)
}

/// Tells whether a user that was found is the one that this call wrote.
fn is_as_written(user: &Value, fields: &[FieldChange]) -> bool {
    fields.iter().filter(|field| field.name != "password").all(|field| held(user, &field.name) == field.after)
}

/// Looks a user up by name, and takes only the one that is equal under our rules (trap 9).
async fn find(session: &Session, key: &UserKey) -> Result<Option<Value>, WriteError> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let filter = format!(
        "userName eq {} and origin eq {}",
        quoted(key.username.as_str()),
        quoted(key.origin.as_str())
    );
    let path = format!(
        "/Users?filter={}&attributes=id,userName,origin,externalId,name,emails,phoneNumbers,active,verified",
        path::query(&filter)
    );
    let found = session.reread(&path).await?.unwrap_or_default();
    let users = found["resources"].as_array().cloned().unwrap_or_default();
    Ok(users.into_iter().find(|user| {
        user["origin"] == key.origin.as_str()
            && user["userName"].as_str().is_some_and(|name| name.to_lowercase() == key.username.folded())
    }))
}

fn id_of(user: &Value) -> Result<Guid, WriteError> {
    match user["id"].as_str() {
        Some(id) => Ok(Guid::new(id)),
        None => Err(WriteError::new(WriteErrorKind::Unknown, "UAA's answer names no id")),
    }
}

/// Returns the id in the answer to a creation.
pub(super) fn made_id(
    session: &Session,
    call: &Call,
    answer: &super::http::Answer,
) -> Result<Guid, WriteError> {
    id_of(&answer.json().unwrap_or_default()).map_err(|error| WriteError {
        message: format!("{}: {}", session.shown(call, answer), error.message),
        ..error
    })
}
