//! UAA's JSON, as far as it is read.
//!
//! Decides which fields count. Lists with `attributes` answer `null` for what is missing, single objects leave it
//! out: both are `None` here (facts §3.3). Knows no HTTP.

use serde::Deserialize;

use super::list::Keyed;
use crate::model::{Guid, Origin, UserKey, Username};
use crate::moment::Moment;
use crate::observed::{MemberKind, MemberRow, ObservedUser, UserHistory};

/// The attributes of a user that are asked for. Without the parameter UAA loads the groups and approvals of each
/// row: 438 instead of 47 ms for 500 users. Whole objects (`name`, not `givenName`): the answer's keys are then the
/// same as those of a single user. No blanks: UAA does not trim.
pub(super) const USER: &str = "id,userName,origin,externalId,name,emails,phoneNumbers,active,verified";

/// The same with the times that a review is about.
pub(super) const USER_HISTORY: &str = "id,userName,origin,externalId,name,emails,phoneNumbers,active,verified,meta,\
lastLogonTime,previousLogonTime,passwordLastModified";

/// Enough to turn an id back into a name.
pub(super) const USER_NAME: &str = "id,userName,origin";

/// The attributes of a group. `members` costs one query for each group, and saves one request for each.
pub(super) const GROUP: &str = "id,displayName,description,members,zoneId";

/// A user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: String,
    user_name: String,
    origin: Option<String>,
    external_id: Option<String>,
    name: Option<Name>,
    emails: Option<Vec<Valued>>,
    phone_numbers: Option<Vec<Valued>>,
    active: bool,
    verified: bool,
    meta: Option<Meta>,
    last_logon_time: Option<i64>,
    previous_logon_time: Option<i64>,
    password_last_modified: Option<String>,
}

/// When a resource was made.
#[derive(Debug, Deserialize)]
struct Meta {
    created: Option<String>,
}

/// A user's first and last name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Name {
    given_name: Option<String>,
    family_name: Option<String>,
}

/// One of several e-mail addresses or phone numbers; UAA stores the first. Its `primary` and `type` are not stored.
#[derive(Debug, Deserialize)]
struct Valued {
    value: Option<String>,
}

impl User {
    /// The user's times.
    pub(super) fn history(&self) -> UserHistory {
        let created = self.meta.as_ref().and_then(|meta| meta.created.as_deref());
        UserHistory {
            created: created.and_then(Moment::parse),
            last_logon: self.last_logon_time.and_then(Moment::from_millis),
            previous_logon: self.previous_logon_time.and_then(Moment::from_millis),
            password_changed: self.password_last_modified.as_deref().and_then(Moment::parse),
        }
    }

    /// The user as a plan sees it.
    pub(super) fn observed(self) -> ObservedUser {
        let first = |values: Option<Vec<Valued>>| {
            values.and_then(|values| values.into_iter().next()?.value).unwrap_or_default()
        };
        let name = self.name.unwrap_or_default();
        ObservedUser {
            id: Guid::new(self.id),
            key: key(self.origin, self.user_name),
            email: first(self.emails),
            given_name: name.given_name.unwrap_or_default(),
            family_name: name.family_name.unwrap_or_default(),
            phone: first(self.phone_numbers),
            external_id: self.external_id.unwrap_or_default(),
            active: self.active,
            verified: self.verified,
        }
    }
}

/// A user's id and name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    pub(super) id: String,
    user_name: String,
    origin: Option<String>,
}

impl Named {
    /// The name.
    pub(super) fn key(self) -> UserKey {
        key(self.origin, self.user_name)
    }
}

fn key(origin: Option<String>, username: String) -> UserKey {
    UserKey::new(origin.map_or_else(Origin::uaa, Origin::new), Username::new(username))
}

/// A group.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) description: Option<String>,
    pub(super) members: Option<Vec<MemberOf>>,
    pub(super) zone_id: Option<String>,
}

/// A membership row.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MemberOf {
    pub(super) value: String,
    #[serde(rename = "type")]
    kind: Option<Type>,
    origin: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Type {
    User,
    Group,
}

impl MemberOf {
    /// The row by the member's id.
    pub(super) fn row(self) -> (Guid, MemberRow) {
        let kind = match self.kind {
            Some(Type::Group) => MemberKind::Group,
            Some(Type::User) | None => MemberKind::User,
        };
        let origin = self.origin.map_or_else(Origin::uaa, Origin::new);
        (Guid::new(self.value), MemberRow { kind, origin })
    }
}

/// UAA's word for a member's kind. Without it a group's id is looked for among users, and a PUT makes a login's row
/// an administrator's (trap 26).
pub(super) const fn kind(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::User => "USER",
        MemberKind::Group => "GROUP",
    }
}

/// An external group mapping.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mapped {
    pub(super) group_id: String,
    pub(super) display_name: String,
    pub(super) external_group: String,
    pub(super) origin: String,
}

/// An identity zone.
#[derive(Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) subdomain: Option<String>,
    pub(super) name: Option<String>,
    pub(super) active: Option<bool>,
    config: Option<ZoneConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ZoneConfig {
    user_config: Option<UserConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserConfig {
    default_groups: Option<Vec<String>>,
}

impl Zone {
    /// The groups that everyone in the zone holds, if the zone says so: old versions do not.
    pub(super) fn default_groups(self) -> Option<Vec<String>> {
        self.config?.user_config?.default_groups
    }
}

/// An identity provider. Its `config` holds passwords and is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdentityProvider {
    pub(super) origin_key: String,
}

impl Keyed for User {
    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Keyed for Named {
    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Keyed for Group {
    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Keyed for Mapped {
    fn key(&self) -> String {
        format!("{}\n{}\n{}", self.group_id, self.origin, self.external_group)
    }
}
