//! Groups and their membership rows.
//!
//! Decides when a group or row is as wished. Memberships of existing groups are only touched row by row: those
//! requests lose nothing of each other, a PUT or PATCH of the group does.

use std::collections::BTreeMap;

use futures_util::future::{Either, select};
use reqwest::header::IF_MATCH;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::http::{Answer, Repeat, Request, segment};
use super::list::{Listing, PAGE};
use super::read::term;
use super::session::NoAnswer;
use super::users::{id_of, shown};
use super::writing::{ROUNDS, is_open, may_be_handled, pause};
use super::{WriteError, WriteErrorKind, Writer, Written, wire};
use crate::model::{GroupName, Guid};
use crate::observed::{MemberKind, MemberRow};
use crate::plan::{FieldChange, FieldValue};

type Rows = BTreeMap<Guid, MemberRow>;

/// A group as it is right now.
struct Current {
    description: String,
    version: u64,
    rows: Rows,
}

impl Writer {
    pub(super) async fn post_group(
        &self,
        name: &GroupName,
        description: Option<&str>,
    ) -> Result<Guid, WriteError> {
        let mut body = json!({"displayName": name.as_str()});
        if let Some(description) = description.filter(|text| !text.is_empty()) {
            body["description"] = json!(description);
        }
        let request = || Request::new(Method::POST, "/Groups").json(body.clone());
        let mut lost = None;
        for round in 0..=ROUNDS {
            pause(round).await;
            if let Some(lost) = lost.take() {
                match self.find_group(name).await {
                    Err(error) => return Err(WriteError::unknown(lost, &error)),
                    Ok(Some(found)) => return self.same_group(name, description, &found),
                    Ok(None) if round == ROUNDS => return Err(lost),
                    Ok(None) => {}
                }
            }
            match self.send(request(), Repeat::IfNotHandled).await {
                Ok(answer) if answer.status == StatusCode::CREATED => match id_of(&answer) {
                    Some(id) => return Ok(id),
                    None => lost = Some(self.refused("POST /Groups", &answer)),
                },
                Ok(answer) if answer.status == StatusCode::CONFLICT => {
                    return match self.find_group(name).await? {
                        Some(found) => self.same_group(name, description, &found),
                        None => Err(self.refused("POST /Groups", &answer)),
                    };
                }
                Ok(answer) if is_open(&answer) => lost = Some(self.refused("POST /Groups", &answer)),
                Ok(answer) => return Err(self.refused("POST /Groups", &answer)),
                Err(failure) if may_be_handled(&failure) => lost = Some(WriteError::no_answer(failure)),
                Err(failure) => return Err(WriteError::no_answer(failure)),
            }
        }
        Err(lost.unwrap_or_else(|| WriteError::new(WriteErrorKind::Systemic, "POST /Groups: no answer")))
    }

    /// A group that is there already is ours if it is exactly what we would have made.
    fn same_group(
        &self,
        name: &GroupName,
        description: Option<&str>,
        found: &wire::Group,
    ) -> Result<Guid, WriteError> {
        let rows = found.members.as_deref().unwrap_or_default().len();
        let same = found.description.as_deref().unwrap_or_default() == description.unwrap_or_default();
        if same && rows == 0 {
            return Ok(Guid::new(found.id.clone()));
        }
        let how = if rows > 0 { "with members" } else { "with another description" };
        Err(self.drifted(&format!(
            "group {name}: somebody else has created it meanwhile, {how}, id {}",
            found.id
        )))
    }

    async fn find_group(&self, name: &GroupName) -> Result<Option<wire::Group>, WriteError> {
        let query = vec![
            ("sortBy", "id".to_owned()),
            ("attributes", wire::GROUP.to_owned()),
            ("filter", term("displayName", name.as_str())),
        ];
        let listing = Listing { what: "groups", path: "/Groups", query, count: PAGE };
        let mut found: Vec<wire::Group> =
            self.looking().list(&listing).await.map_err(|error| WriteError::unreadable(&error))?;
        // HSQLDB allows names that differ only in case: the same spelling first.
        found.sort_by_key(|group| group.display_name != name.as_str());
        Ok(found.into_iter().find(|group| GroupName::new(group.display_name.clone()) == *name))
    }

    /// Changes the description by a PATCH that names nothing else, so that UAA itself reads the members right
    /// before it writes them back: a PUT with members that we had read would lose whoever was added since. What UAA
    /// can still lose in those milliseconds is watched for: rows that appear while the PATCH is under way and are
    /// gone after it are put back.
    pub(super) async fn patch_description(
        &self,
        id: &Guid,
        description: &FieldChange,
    ) -> Result<Written, WriteError> {
        let path = format!("/Groups/{}", segment(id.as_str()));
        let text = |value: &FieldValue| match value {
            FieldValue::Text(text) => text.clone(),
            _ => String::new(),
        };
        let (before, after) = (text(&description.before), text(&description.after));
        let body = match after.is_empty() {
            true => json!({"meta": {"attributes": ["description"]}}),
            false => json!({"description": after}),
        };
        let mut failed: Option<WriteError> = None;
        let mut lost = false;
        for round in 0..=ROUNDS {
            pause(round).await;
            let current = match self.get_group(&path).await {
                Ok(current) => current,
                Err(error) => {
                    return Err(match failed {
                        Some(failed) if lost => failed.unknown(&error),
                        _ => error,
                    });
                }
            };
            if current.description == after {
                return Ok(if lost { Written::Done } else { Written::AlreadySo });
            }
            if current.description != before {
                return Err(self.drifted(&format!(
                    "group {id}: description is {}, where the plan saw {}",
                    shown(&FieldValue::Text(current.description)),
                    shown(&FieldValue::Text(before)),
                )));
            }
            if round == ROUNDS {
                break;
            }
            let request = Request::new(Method::PATCH, path.clone())
                .header(IF_MATCH, format!("\"{}\"", current.version))
                .json(body.clone());
            let name = request.name();
            let mut appeared = Rows::new();
            let outcome = self.send_watching(request, &path, &current.rows, &mut appeared).await;
            if !appeared.is_empty() {
                self.put_back(&path, appeared).await?;
            }
            match outcome {
                Ok(answer) if answer.status == StatusCode::OK => return Ok(Written::Done),
                Ok(answer) if answer.status == StatusCode::CONFLICT => {
                    let refused = self.refused(&name, &answer);
                    failed = Some(WriteError { kind: WriteErrorKind::Drifted, ..refused });
                }
                Ok(answer) if is_open(&answer) => {
                    (lost, failed) = (true, Some(self.refused(&name, &answer)));
                }
                Ok(answer) => return Err(self.refused(&name, &answer)),
                Err(failure) if may_be_handled(&failure) => {
                    (lost, failed) = (true, Some(WriteError::no_answer(failure)));
                }
                Err(failure) => return Err(WriteError::no_answer(failure)),
            }
        }
        let none = || WriteError::new(WriteErrorKind::Systemic, format!("PATCH {path}: no answer"));
        Err(failed.unwrap_or_else(none))
    }

    /// Sends a request and meanwhile reads the group's rows again and again; collects those that were not there.
    async fn send_watching(
        &self,
        request: Request,
        path: &str,
        known: &Rows,
        appeared: &mut Rows,
    ) -> Result<Answer, NoAnswer> {
        let write = std::pin::pin!(self.send(request, Repeat::IfNotHandled));
        let watch = std::pin::pin!(async {
            while let Ok(rows) = self.get_rows(path).await {
                appeared.extend(rows.into_iter().filter(|(id, _)| !known.contains_key(id)));
            }
            std::future::pending::<()>().await;
        });
        match select(write, watch).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), write)) => write.await,
        }
    }

    /// Adds rows that were seen during a PATCH and are gone after it.
    async fn put_back(&self, path: &str, appeared: Rows) -> Result<(), WriteError> {
        let now = self.get_rows(path).await?;
        for (member, row) in appeared.into_iter().filter(|(id, _)| !now.contains_key(id)) {
            tracing::debug!(path, %member, "putting back a member that the PATCH has dropped");
            self.post_member(path, &member, row.kind, row.origin.as_str()).await?;
        }
        Ok(())
    }

    async fn get_group(&self, path: &str) -> Result<Current, WriteError> {
        let (name, answer) = self.look(path).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.error_word().is_some() {
            return Err(WriteError { kind: WriteErrorKind::Drifted, ..self.refused(&name, &answer) });
        }
        let odd = || WriteError::new(WriteErrorKind::Faulty, format!("{name}: the answer is not a group"));
        if answer.status != StatusCode::OK {
            return Err(self.refused(&name, &answer));
        }
        let raw: Map<String, Value> = answer.object().ok_or_else(odd)?;
        let group: wire::Group = answer.parse().map_err(|_| odd())?;
        let version = raw.get("meta").and_then(|meta| meta.get("version")).and_then(Value::as_u64);
        Ok(Current {
            description: group.description.unwrap_or_default(),
            version: version.ok_or_else(odd)?,
            rows: group.members.into_iter().flatten().map(wire::MemberOf::row).collect(),
        })
    }

    async fn get_rows(&self, group_path: &str) -> Result<Rows, WriteError> {
        let (name, answer) = self.look(&format!("{group_path}/members")).await?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&name, &answer));
        }
        let rows: Vec<wire::MemberOf> = answer.parse().map_err(|_| {
            WriteError::new(WriteErrorKind::Faulty, format!("{name}: the answer is not a list of members"))
        })?;
        Ok(rows.into_iter().map(wire::MemberOf::row).collect())
    }

    async fn look(&self, path: &str) -> Result<(String, Answer), WriteError> {
        let request = Request::get(path);
        let name = request.name();
        let answer = self.looking().get(request).await.map_err(WriteError::no_answer)?;
        Ok((name, answer))
    }

    /// Adds a row. Sending it twice comes to the same: the row is unique by group and member.
    pub(super) async fn post_member(
        &self,
        group_path: &str,
        member: &Guid,
        kind: MemberKind,
        origin: &str,
    ) -> Result<Written, WriteError> {
        let body = json!({"value": member.as_str(), "type": wire::kind(kind), "origin": origin});
        let path = format!("{group_path}/members");
        let mut failed: Option<WriteError> = None;
        let mut lost = false;
        for round in 0..ROUNDS {
            pause(round).await;
            let request = Request::new(Method::POST, path.clone()).json(body.clone());
            let name = request.name();
            let (open, error) = match self.send(request, Repeat::Harmless).await {
                Ok(answer) if answer.status == StatusCode::CREATED => return Ok(Written::Done),
                Ok(answer) if answer.status == StatusCode::CONFLICT => {
                    let text = answer.error_text().unwrap_or_default();
                    let mut error = self.refused(&name, &answer);
                    if text.contains("default group") {
                        // The same word as for an existing member, and the opposite meaning (trap 28).
                        error.message.push_str(
                            " (everyone in the zone holds a default group: there are no rows in it)",
                        );
                        return Err(error);
                    }
                    if answer.error_word().as_deref() == Some("member_already_exists") {
                        let done = lost || answer.earlier_lost;
                        return Ok(if done { Written::Done } else { Written::AlreadySo });
                    }
                    (false, error)
                }
                // 77.x answers 400 with a SQL text when two add the same row at once.
                Ok(answer) if answer.status == StatusCode::BAD_REQUEST => {
                    (false, self.refused(&name, &answer))
                }
                // The row was made, and somebody's PUT or PATCH of the group took it along before UAA read it back
                // for its answer (seen live, 4.30.0): once more.
                Ok(answer) if answer.error_word().as_deref() == Some("member_not_found") => {
                    (true, self.refused(&name, &answer))
                }
                Ok(answer) if is_open(&answer) => (true, self.refused(&name, &answer)),
                Ok(answer) => return Err(self.refused(&name, &answer)),
                Err(failure) if may_be_handled(&failure) => (true, WriteError::no_answer(failure)),
                Err(failure) => return Err(WriteError::no_answer(failure)),
            };
            lost |= open;
            match self.has_member(group_path, member).await {
                Ok(true) => return Ok(if lost { Written::Done } else { Written::AlreadySo }),
                Ok(false) if open => failed = Some(error),
                Ok(false) => return Err(error),
                Err(reread) if open => return Err(error.unknown(&reread)),
                Err(_) => return Err(error),
            }
        }
        let none = || WriteError::new(WriteErrorKind::Systemic, format!("POST {path}: no answer"));
        Err(failed.unwrap_or_else(none))
    }

    pub(super) async fn delete_member(&self, group: &Guid, member: &Guid) -> Result<Written, WriteError> {
        let group_path = format!("/Groups/{}", segment(group.as_str()));
        let path = format!("{group_path}/members/{}", segment(member.as_str()));
        let mut failed: Option<WriteError> = None;
        let mut lost = false;
        for round in 0..ROUNDS {
            pause(round).await;
            let request = Request::new(Method::DELETE, path.clone());
            let name = request.name();
            let error = match self.send(request, Repeat::Harmless).await {
                Ok(answer) if answer.status == StatusCode::OK => return Ok(Written::Done),
                // With UAA's words only: `{}` speaks of the zone (trap 51). A group that is gone has no rows either.
                Ok(answer)
                    if answer.status == StatusCode::NOT_FOUND
                        && matches!(
                            answer.error_word().as_deref(),
                            Some("member_not_found" | "scim_resource_not_found")
                        ) =>
                {
                    let done = lost || answer.earlier_lost;
                    return Ok(if done { Written::Done } else { Written::AlreadySo });
                }
                Ok(answer) if is_open(&answer) => self.refused(&name, &answer),
                Ok(answer) => return Err(self.refused(&name, &answer)),
                Err(failure) if may_be_handled(&failure) => WriteError::no_answer(failure),
                Err(failure) => return Err(WriteError::no_answer(failure)),
            };
            lost = true;
            match self.has_member(&group_path, member).await {
                Ok(false) => return Ok(Written::Done),
                Ok(true) => failed = Some(error),
                Err(reread) => return Err(error.unknown(&reread)),
            }
        }
        let none = || WriteError::new(WriteErrorKind::Systemic, format!("DELETE {path}: no answer"));
        Err(failed.unwrap_or_else(none))
    }

    async fn has_member(&self, group_path: &str, member: &Guid) -> Result<bool, WriteError> {
        let (name, answer) = self.look(&format!("{group_path}/members/{}", segment(member.as_str()))).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND if answer.error_word().is_some() => Ok(false),
            _ => Err(self.refused(&name, &answer)),
        }
    }
}
