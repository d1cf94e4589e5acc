//! Creating a group, describing it, and its members one by one.
//!
//! Members of an existing group are changed by the member endpoints only: a PUT or PATCH of a group silently drops
//! members that others add meanwhile (facts, correction 2).

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::http::pauses;
use super::session::{Call, Session};
use super::user_writes::made_id;
use super::{WriteError, WriteErrorKind, Writer, Written, path, wire};
use crate::model::{GroupName, Guid};
use crate::observed::MemberKind;
use crate::plan::{FieldChange, FieldValue};

/// How often a description is tried when others change the group meanwhile.
const ROUNDS: usize = 3;

impl Writer {
    /// `POST /Groups`, without members.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn create_group(
        &self,
        name: &GroupName,
        description: Option<&str>,
    ) -> Result<Guid, WriteError> {
        let session = &*self.session;
        let mut body = json!({"displayName": name.as_str()});
        if let Some(description) = description {
            body["description"] = description.into();
        }
        let call = Call {
            method: Method::POST,
            path: "/Groups".to_owned(),
            body: Some(body),
            if_match: None,
            zone: session.zone.clone(),
        };
        let mut pauses = pauses();
        loop {
            let (failure, may_be_there) = match session.once(&call).await {
                Ok(answer) if answer.status == 201 => return made_id(session, &call, &answer),
                // It is there: an earlier try made it, or somebody else did. Empty and described alike it is as wished.
                Ok(answer) if answer.status == 409 => {
                    return match find(session, name, description).await? {
                        Found::AsWished(id) => Ok(id),
                        Found::Other | Found::Nothing => Err(WriteError::drifted(format!(
                            "{} (somebody else created it meanwhile)",
                            session.shown(&call, &answer)
                        ))),
                    };
                }
                Ok(answer) if answer.status == 429 => (session.refused(&call, &answer), false),
                Ok(answer) if answer.status >= 500 && !answer.is_limited_mode() => {
                    (session.refused(&call, &answer), true)
                }
                Ok(answer) => return Err(session.refused(&call, &answer)),
                Err(error) => (session.lost(&call, &error), error.sent),
            };
            if may_be_there {
                let found = find(session, name, description).await;
                match found.map_err(|_| WriteError::new(WriteErrorKind::Unknown, failure.message.clone()))? {
                    Found::AsWished(id) => return Ok(id),
                    Found::Other => {
                        return Err(WriteError::drifted(format!(
                            "{} (somebody else created it meanwhile)",
                            failure.message
                        )));
                    }
                    Found::Nothing => {}
                }
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause.max(Duration::from_millis(250))).await,
                None => return Err(WriteError::new(WriteErrorKind::Systemic, failure.message)),
            }
        }
    }

    /// Changes a group's description and loses no member: its rows are read right before and right after, and what
    /// vanished is put back.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn describe_group(&self, id: &Guid, description: &FieldChange) -> Result<Written, WriteError> {
        let session = &*self.session;
        let path = format!("/Groups/{}", path::segment(id.as_str()));
        let (FieldValue::Text(before), FieldValue::Text(after)) = (&description.before, &description.after)
        else {
            return Err(WriteError::new(WriteErrorKind::Refused, "a description is a text"));
        };
        let mut failure = None;
        for round in 0..=ROUNDS {
            let Some(group) = read(session, &path).await? else {
                return Err(WriteError::drifted(format!("GET {path}: the group is not there any more")));
            };
            if group.description == *after {
                return Ok(if round == 0 { Written::AlreadySo } else { Written::Done });
            }
            if group.description != *before {
                let found = session.transport.mask.show(&group.description);
                return Err(WriteError::drifted(format!(
                    "the description is {found:?} now; the plan saw {before:?}"
                )));
            }
            if round == ROUNDS {
                break;
            }
            let rows: Vec<Value> = group.members.iter().map(row_body).collect();
            let body = json!({"displayName": group.display_name, "description": after, "members": rows});
            let call = Call {
                method: Method::PUT,
                path: path.clone(),
                body: Some(body),
                if_match: Some(group.meta.version),
                zone: session.zone.clone(),
            };
            let answer = session.once(&call).await;
            // Whatever the answer: the PUT may have taken rows along, a refused one too (facts §4.2).
            put_back(session, &path, &group).await?;
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(Written::Done),
                Ok(answer) if answer.status == 409 => {
                    failure = Some(WriteError::drifted(session.shown(&call, &answer)))
                }
                Ok(answer) if answer.status == 422 || answer.status >= 500 => {
                    failure = Some(session.refused(&call, &answer))
                }
                Ok(answer) => return Err(session.refused(&call, &answer)),
                Err(error) => failure = Some(session.lost(&call, &error)),
            }
            if let Some(pause) = pauses().nth(round) {
                tokio::time::sleep(pause).await;
            }
        }
        Err(failure
            .unwrap_or_else(|| WriteError::drifted(format!("PUT {path}: others keep changing this group"))))
    }

    /// `POST /Groups/{id}/members` with origin `uaa`: a row of the member's own origin would vanish at the next login
    /// (facts §4.5).
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn add_member(
        &self,
        group: &Guid,
        member: &Guid,
        kind: MemberKind,
    ) -> Result<Written, WriteError> {
        let session = &*self.session;
        let kind = match kind {
            MemberKind::User => "USER",
            MemberKind::Group => "GROUP",
        };
        add_row(
            session,
            &format!("/Groups/{}", path::segment(group.as_str())),
            &json!({"value": member.as_str(), "type": kind, "origin": "uaa"}),
        )
        .await
    }

    /// `DELETE /Groups/{id}/members/{member}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn remove_member(&self, group: &Guid, member: &Guid) -> Result<Written, WriteError> {
        let session = &*self.session;
        let path =
            format!("/Groups/{}/members/{}", path::segment(group.as_str()), path::segment(member.as_str()));
        let call = Call {
            method: Method::DELETE,
            path: path.clone(),
            body: None,
            if_match: None,
            zone: session.zone.clone(),
        };
        let answer = session.write_repeatedly(&call).await?;
        match (answer.status, answer.said().error.as_str()) {
            (200, _) => Ok(Written::Done),
            (404, "member_not_found" | "scim_resource_not_found") => Ok(Written::AlreadySo),
            // 422 is any database error in UAA since 77.16, 500 before (trap 53): what counts is whether the row is gone.
            (422 | 500, _) if session.reread(&path).await?.is_none() => Ok(Written::Done),
            _ => Err(session.refused(&call, &answer)),
        }
    }
}

/// What answers to a group's name.
enum Found {
    AsWished(Guid),
    Other,
    Nothing,
}

/// Looks a group up by name and judges whether it is the one that a creation would make.
async fn find(session: &Session, name: &GroupName, description: Option<&str>) -> Result<Found, WriteError> {
    let filter = format!("displayName eq \"{}\"", name.as_str().replace('\\', "\\\\").replace('"', "\\\""));
    let found =
        session.reread(&format!("/Groups?filter={}", path::query(&filter))).await?.unwrap_or_default();
    let groups = found["resources"].as_array().cloned().unwrap_or_default();
    let group = groups
        .into_iter()
        .find(|group| group["displayName"].as_str().is_some_and(|found| GroupName::new(found) == *name));
    Ok(match group {
        None => Found::Nothing,
        Some(group) => {
            let is_described =
                group["description"].as_str().unwrap_or_default() == description.unwrap_or_default();
            let is_empty = group["members"].as_array().is_none_or(Vec::is_empty);
            match group["id"].as_str() {
                Some(id) if is_described && is_empty => Found::AsWished(Guid::new(id)),
                _ => Found::Other,
            }
        }
    })
}

async fn read(session: &Session, path: &str) -> Result<Option<wire::Group>, WriteError> {
    let Some(body) = session.reread(path).await? else { return Ok(None) };
    let group = serde_json::from_value(body).map_err(|error| {
        WriteError::new(WriteErrorKind::Systemic, format!("GET {path}: UAA's answer cannot be read: {error}"))
    })?;
    Ok(Some(group))
}

/// Repeats a row as it was read: without its type UAA takes it for another one and makes its origin `uaa` (trap 26).
fn row_body(row: &wire::Row) -> Value {
    json!({"value": row.value, "type": row.kind, "origin": row.origin})
}

/// Gives back the rows that were there before a PUT and are not there after it.
async fn put_back(session: &Session, path: &str, before: &wire::Group) -> Result<(), WriteError> {
    let Some(after) = read(session, path).await? else { return Ok(()) };
    let there: BTreeMap<&str, &wire::Row> =
        after.members.iter().map(|row| (row.value.as_str(), row)).collect();
    for row in before.members.iter().filter(|row| !there.contains_key(row.value.as_str())) {
        tracing::warn!("{path}: a member vanished while the description was written: putting it back");
        add_row(session, path, &row_body(row)).await?;
    }
    Ok(())
}

/// Adds a membership row; one that is there already is as wished, whatever its origin.
async fn add_row(session: &Session, group: &str, row: &Value) -> Result<Written, WriteError> {
    let path = format!("{group}/members");
    let call = Call {
        method: Method::POST,
        path: path.clone(),
        body: Some(row.clone()),
        if_match: None,
        zone: session.zone.clone(),
    };
    let answer = session.write_repeatedly(&call).await?;
    let said = answer.said();
    match answer.status {
        201 => Ok(Written::Done),
        409 if said.error == "member_already_exists" && !said.message.contains("default group") => {
            Ok(Written::AlreadySo)
        }
        409 if said.message.contains("default group") => Err(WriteError::new(
            WriteErrorKind::Refused,
            format!(
                "{} (everyone holds this group already: take the line out of the manifest)",
                session.shown(&call, &answer)
            ),
        )),
        // Somebody's insert was faster, or the database failed on the way: what counts is whether the row is there.
        400 | 409 | 422 | 500 => {
            let member = row["value"].as_str().unwrap_or_default();
            match session.reread(&format!("{path}/{}", path::segment(member))).await? {
                Some(_) => Ok(Written::Done),
                None => Err(session.refused(&call, &answer)),
            }
        }
        _ => Err(session.refused(&call, &answer)),
    }
}
