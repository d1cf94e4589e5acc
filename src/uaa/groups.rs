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
use super::rounds::Verdict;
use super::session::NoAnswer;
use super::users::shown;
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
        let ours = |found: wire::Group, _| self.same_group(name, description, &found);
        self.create("/Groups", &body, super::users::id_of, async || self.find_group(name).await, ours).await
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
        let is_as_wished = |current: &Current| {
            if current.description != after && current.description != before {
                return Err(self.drifted(&format!(
                    "group {id}: description is {}, where the plan saw {}",
                    shown(&FieldValue::Text(current.description.clone())),
                    shown(&FieldValue::Text(before.clone())),
                )));
            }
            Ok(current.description == after)
        };
        let write = async |current: &Current| {
            let request = Request::new(Method::PATCH, path.clone())
                .header(IF_MATCH, format!("\"{}\"", current.version))
                .json(body.clone());
            let name = request.name();
            let mut appeared = Rows::new();
            let outcome = self.send_watching(request, &path, &current.rows, &mut appeared).await;
            if !appeared.is_empty() {
                self.put_back(&path, appeared).await?;
            }
            self.tried(name, outcome)
        };
        self.replace(async || self.get_group(&path).await, is_as_wished, write).await
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
            let id = crate::visible::visible(member.as_str());
            tracing::debug!(path, member = id, "putting back a member that the PATCH has dropped");
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
        let request = || Request::new(Method::POST, path.clone()).json(body.clone());
        let judge = |answer: &Answer| {
            let word = answer.error_word();
            match (answer.status, word.as_deref()) {
                (StatusCode::CREATED, _) => Verdict::Made,
                // The same word as for an existing member, and the opposite meaning (trap 28).
                (StatusCode::CONFLICT, _)
                    if answer.error_text().is_some_and(|text| text.contains("default group")) =>
                {
                    Verdict::Refused(" (everyone in the zone holds a default group: there are no rows in it)")
                }
                (StatusCode::CONFLICT, Some("member_already_exists")) => Verdict::AsWished,
                // 77.x answers 400 with a SQL text when two add the same row at once.
                (StatusCode::CONFLICT | StatusCode::BAD_REQUEST, _) => Verdict::Look { again: false },
                // The row was made, and somebody's PUT or PATCH of the group took it along before UAA read it back
                // for its answer (seen live, 4.30.0): once more.
                (_, Some("member_not_found")) => Verdict::Look { again: true },
                _ => Verdict::Refused(""),
            }
        };
        self.change_row(request, judge, async || self.has_member(group_path, member).await).await
    }

    pub(super) async fn delete_member(&self, group: &Guid, member: &Guid) -> Result<Written, WriteError> {
        let group_path = format!("/Groups/{}", segment(group.as_str()));
        let path = format!("{group_path}/members/{}", segment(member.as_str()));
        let request = || Request::new(Method::DELETE, path.clone());
        let judge = |answer: &Answer| {
            let word = answer.error_word();
            match (answer.status, word.as_deref()) {
                (StatusCode::OK, _) => Verdict::Made,
                // With UAA's words only: `{}` speaks of the zone (trap 51). A group that is gone has no rows either.
                (StatusCode::NOT_FOUND, Some("member_not_found" | "scim_resource_not_found")) => {
                    Verdict::AsWished
                }
                _ => Verdict::Refused(""),
            }
        };
        let is_gone = async || Ok(!self.has_member(&group_path, member).await?);
        self.change_row(request, judge, is_gone).await
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
