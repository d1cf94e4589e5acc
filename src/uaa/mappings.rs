//! External group mappings.
//!
//! Decides whether a mapping is there by listing it, whenever UAA's answer to a write cannot be trusted: UAA looks the
//! row up with LIKE, so `_`, `%` and `\` in a DN make it miss or find too many (facts §5).

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::http::{Answer, Repeat, Request, segment};
use super::list::Listing;
use super::writing::{ROUNDS, is_open, may_be_handled, pause};
use super::{WriteError, WriteErrorKind, Writer, Written, wire};
use crate::model::{ExternalGroup, Guid, Mapping};

/// Whether the answer says nothing about the mapping: no authority, too many requests, limited mode, or no such zone
/// (a 404 without UAA's words, trap 51).
fn is_about_everything(answer: &Answer) -> bool {
    answer.is_limited_mode()
        || matches!(answer.status.as_u16(), 401 | 403 | 429)
        || (answer.status == StatusCode::NOT_FOUND && answer.error_word().is_none())
}

/// The other mapping that UAA answers with, where its database takes that one for the same (a collation without
/// accents): it is the one that stays, and ours is not made.
fn another(answer: &Answer, mapping: &Mapping) -> Option<WriteError> {
    let object = answer.object()?;
    let found = object.get("externalGroup")?.as_str()?;
    (ExternalGroup::new(found) != mapping.external_group).then(|| {
        let message =
            format!("mapping {mapping}: UAA's database takes it for `{found}`, which is mapped already");
        WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message))
    })
}

/// Names the cause where a DN with `_` cannot be deleted: 77.x answers 422, 4.x 500, for this one alone.
fn with_sibling(error: WriteError, sibling: bool) -> WriteError {
    if !sibling {
        return error;
    }
    let why = "UAA takes `_` for any character, and a sibling mapping of this group matches too";
    WriteError::new(WriteErrorKind::Refused, format!("{} ({why})", error.message))
}

/// Characters that Tomcat or Spring's firewall refuse in a path, encoded or not.
const UNDELETABLE: [char; 4] = ['/', '\\', ';', '%'];

impl Writer {
    pub(super) async fn post_mapping(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        // Without origin UAA takes `ldap` (trap 37).
        let body = json!({
            "groupId": group.as_str(),
            "externalGroup": mapping.external_group.as_str(),
            "origin": mapping.origin.as_str(),
        });
        let mut failed = None;
        for round in 0..ROUNDS {
            pause(round).await;
            let request = Request::new(Method::POST, "/Groups/External").json(body.clone());
            let name = request.name();
            // Making a mapping that is there answers 201 as well, so a repeat is harmless.
            let (error, open) = match self.send(request, Repeat::Harmless).await {
                Ok(answer) if answer.status == StatusCode::CREATED && !is_open(&answer) => {
                    return another(&answer, mapping).map_or(Ok(Written::Done), Err);
                }
                Ok(answer) => {
                    let error = self.refused(&name, &answer);
                    let status = answer.status.as_u16();
                    // 404 with `\` on PostgreSQL, 422 or 500 with `_`, although the row was made.
                    if is_about_everything(&answer) {
                        return Err(error);
                    }
                    (error, status >= 500 || is_open(&answer))
                }
                Err(failure) if may_be_handled(&failure) => (WriteError::no_answer(failure), true),
                Err(failure) => return Err(WriteError::no_answer(failure)),
            };
            match self.has_mapping(group, mapping).await {
                Ok(true) => return Ok(Written::Done),
                Ok(false) if open => failed = Some(error),
                Ok(false) => return Err(error),
                Err(reread) => return Err(error.unknown(&reread)),
            }
        }
        Err(failed
            .unwrap_or_else(|| WriteError::new(WriteErrorKind::Systemic, "POST /Groups/External: no answer")))
    }

    pub(super) async fn delete_mapping(
        &self,
        group: &Guid,
        mapping: &Mapping,
    ) -> Result<Written, WriteError> {
        let (dn, origin) = (mapping.external_group.as_str(), mapping.origin.as_str());
        let stuck = || {
            let message = format!(
                "mapping {mapping}: UAA cannot delete a mapping whose DN holds one of / \\ ; % (it refuses them in the \
                 address); deleting the group or the identity provider removes it"
            );
            WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message))
        };
        // As dot segments these would change the path, in either spelling.
        if [dn, origin].iter().any(|part| matches!(*part, "." | ".." | "")) {
            let message = format!("mapping {mapping}: its DN or origin cannot be part of an address");
            return Err(WriteError::new(WriteErrorKind::Refused, crate::visible::visible(&message)));
        }
        let path = format!(
            "/Groups/External/groupId/{}/externalGroup/{}/origin/{}",
            segment(group.as_str()),
            segment(dn),
            segment(origin)
        );
        let mut failed = None;
        let (mut lost, mut sibling) = (false, false);
        for round in 0..ROUNDS {
            pause(round).await;
            let request = Request::new(Method::DELETE, path.clone());
            let name = request.name();
            let (mut not_found, mut open) = (false, false);
            let error = match self.send(request, Repeat::Harmless).await {
                Ok(answer) if answer.status == StatusCode::OK && !is_open(&answer) => {
                    return Ok(Written::Done);
                }
                Ok(answer) => {
                    let error = self.refused(&name, &answer);
                    let status = answer.status.as_u16();
                    not_found = status == 404;
                    open = is_open(&answer);
                    sibling = dn.contains('_') && matches!(status, 422 | 500);
                    if is_about_everything(&answer) {
                        return Err(error);
                    }
                    lost |= answer.earlier_lost;
                    error
                }
                Err(failure) if may_be_handled(&failure) => WriteError::no_answer(failure),
                Err(failure) => return Err(WriteError::no_answer(failure)),
            };
            match self.has_mapping(group, mapping).await {
                Ok(false) if not_found && !lost => return Ok(Written::AlreadySo),
                Ok(false) => return Ok(Written::Done),
                Ok(true) if dn.contains(UNDELETABLE) || origin.contains(UNDELETABLE) => return Err(stuck()),
                Ok(true) if error.kind == WriteErrorKind::Refused && (!open || sibling) => {
                    return Err(with_sibling(error, sibling));
                }
                Ok(true) => (lost, failed) = (true, Some(error)),
                Err(reread) if lost || error.kind != WriteErrorKind::Refused => {
                    return Err(error.unknown(&reread));
                }
                Err(reread) => return Err(reread),
            }
        }
        let none = || WriteError::new(WriteErrorKind::Systemic, format!("DELETE {path}: no answer"));
        Err(with_sibling(failed.unwrap_or_else(none), sibling))
    }

    /// Lists this one mapping: both parameters are exact.
    async fn has_mapping(&self, group: &Guid, mapping: &Mapping) -> Result<bool, WriteError> {
        let query = vec![
            ("origin", mapping.origin.as_str().to_owned()),
            ("externalGroup", mapping.external_group.as_str().to_owned()),
        ];
        let listing =
            Listing { what: "external group mappings", path: "/Groups/External", query, count: 100_000 };
        let found: Vec<wire::Mapped> =
            self.looking().list(&listing).await.map_err(|error| WriteError::unreadable(&error))?;
        Ok(found.into_iter().any(|found| {
            found.group_id == group.as_str()
                && found.origin == mapping.origin.as_str()
                && ExternalGroup::new(&found.external_group) == mapping.external_group
        }))
    }
}
