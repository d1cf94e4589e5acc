//! Mapping and unmapping one external group.

use reqwest::Method;
use serde_json::json;

use super::session::{Call, Session};
use super::{WriteError, WriteErrorKind, Writer, Written, path};
use crate::model::{ExternalGroup, Guid, Mapping};

impl Writer {
    /// `POST /Groups/External` with the origin named: without it, UAA takes `ldap` (trap 37).
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn map_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        let session = &*self.session;
        let body = json!({"groupId": group.as_str(), "externalGroup": mapping.external_group.as_str(), "origin": mapping.origin.as_str()});
        let call = Call {
            method: Method::POST,
            path: "/Groups/External".to_owned(),
            body: Some(body),
            if_match: None,
            zone: session.zone.clone(),
        };
        let answer = session.write_repeatedly(&call).await?;
        match answer.status {
            201 => Ok(Written::Done),
            // With a backslash or `_` in the DN the row can be there although UAA answers an error (trap 38).
            _ if is_mapped(session, group, mapping).await? => Ok(Written::Done),
            _ => Err(session.refused(&call, &answer)),
        }
    }

    /// `DELETE /Groups/External/groupId/{id}/externalGroup/{dn}/origin/{origin}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn unmap_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        let session = &*self.session;
        let path = format!(
            "/Groups/External/groupId/{}/externalGroup/{}/origin/{}",
            path::segment(group.as_str()),
            path::segment(mapping.external_group.as_str()),
            path::segment(mapping.origin.as_str())
        );
        let call =
            Call { method: Method::DELETE, path, body: None, if_match: None, zone: session.zone.clone() };
        let answer = session.write_repeatedly(&call).await?;
        match answer.status {
            200 => Ok(Written::Done),
            404 if answer.is_unknown_zone() => Err(session.refused(&call, &answer)),
            // An answer alone does not tell: with a backslash UAA says 404 for a row that is there (facts §5).
            _ if !is_mapped(session, group, mapping).await? => {
                Ok(if answer.status == 404 { Written::AlreadySo } else { Written::Done })
            }
            400 | 404 | 500 => Err(WriteError::new(
                WriteErrorKind::Refused,
                format!(
                    "{} (UAA cannot delete a mapping with such a name; deleting the group drops it)",
                    session.shown(&call, &answer)
                ),
            )),
            _ => Err(session.refused(&call, &answer)),
        }
    }
}

/// Tells whether the mapping is there now.
async fn is_mapped(session: &Session, group: &Guid, mapping: &Mapping) -> Result<bool, WriteError> {
    let list = session.reread("/Groups/External?startIndex=1&count=100000").await?.unwrap_or_default();
    let Some(rows) = list["resources"].as_array() else {
        return Err(WriteError::new(
            WriteErrorKind::Unknown,
            "GET /Groups/External: UAA's answer cannot be read",
        ));
    };
    Ok(rows.iter().any(|row| {
        row["groupId"] == group.as_str()
            && row["origin"] == mapping.origin.as_str()
            && row["externalGroup"]
                .as_str()
                .is_some_and(|name| ExternalGroup::new(name) == mapping.external_group)
    }))
}
