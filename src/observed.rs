//! What the server has, as plain ordered values: as much of it as a plan needs.
//!
//! Filled by `uaa::Reader`, by listing or by looking up; `plan` must come to the same bytes either way, so it may
//! only use what [`ReadScope`] asks for. Holds no secret and no HTTP.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::ClientFields;
use crate::model::{ClientId, GroupName, Guid, Mapping, Origin, UserKey};

/// What a plan needs to know of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadScope {
    /// Users to find by name.
    pub users: BTreeSet<UserKey>,
    /// Those of them that only the policy names: judged, never managed.
    pub only_judged: BTreeSet<UserKey>,
    /// Groups whose members' ids must be turned back into names: exact groups, and the cluster groups when the
    /// manifest has a `users` key. See [`Self::names_members_of`] for those that only the server knows.
    pub name_members_of: BTreeSet<GroupName>,
    /// Origins that entries name, besides `uaa`; empty: identity providers are not read.
    pub origins: BTreeSet<Origin>,
    /// All users, with their fields: for pruning and export.
    pub all_users: bool,
    /// Which clients.
    pub clients: ClientScope,
}

/// Which clients a plan needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientScope {
    /// Those of these ids.
    pub named: BTreeSet<ClientId>,
    /// All of them: for pruning and export.
    pub all: bool,
    /// Those whose `required_user_groups` matter: UAA's list lacks them (facts §6.2).
    pub required_user_groups: BTreeSet<ClientId>,
    /// Those whose metadata matters: a resource of its own.
    pub metadata: BTreeSet<ClientId>,
    /// Those of which both matter if they exist: they are removed, and a report tells what they had.
    #[serde(default)]
    pub whole: BTreeSet<ClientId>,
}

impl ClientScope {
    /// Tells whether this client's `required_user_groups` are asked for.
    #[must_use]
    pub fn asks_for_user_groups(&self, id: &ClientId) -> bool {
        self.required_user_groups.contains(id) || self.whole.contains(id)
    }

    /// Tells whether this client's metadata is asked for.
    #[must_use]
    pub fn asks_for_metadata(&self, id: &ClientId) -> bool {
        self.metadata.contains(id) || self.whole.contains(id)
    }
}

impl ReadScope {
    /// Tells whether the members of this group need names: it is one of those asked for, or a group such as `a,b`
    /// that gives the same scope (rare, so reading stays cheap).
    #[must_use]
    pub fn names_members_of(&self, group: &GroupName) -> bool {
        self.name_members_of.contains(group)
            || group.scopes().any(|scope| self.name_members_of.contains(&scope))
    }
}

/// The server's side of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Which server and zone.
    pub server: Server,
    /// Who we are there.
    pub me: Identity,
    /// Whether the token is the default zone's and works in this zone by the zone header (`-z`). Then only its scopes of
    /// this zone count, and `uaa.admin`; at a zone's own host, that zone's tokens and their bare scopes do.
    pub zone_by_header: bool,
    /// Users found, by name. Complete for [`ReadScope::users`]; may hold others.
    pub users: BTreeMap<UserKey, ObservedUser>,
    /// Users of whom there are several whose names differ only in case (a database that folds less than we do); those
    /// that are asked for by name are an error instead.
    pub ambiguous_users: BTreeSet<UserKey>,
    /// Names of ids that occur as members where [`ReadScope::names_members_of`] says so. An id there that has no name here is a
    /// ghost: the row outlived its user.
    pub names: BTreeMap<Guid, UserKey>,
    /// All groups of the zone, with their membership rows.
    pub groups: BTreeMap<GroupName, ObservedGroup>,
    /// Groups whose names differ from another's only in case (possible on HSQLDB): never touched, an error when the
    /// manifest names one.
    pub ambiguous_groups: BTreeSet<GroupName>,
    /// All external group mappings of the zone.
    pub mappings: BTreeSet<Mapping>,
    /// Clients. Complete for [`ReadScope::clients`]; may hold others.
    pub clients: BTreeMap<ClientId, ObservedClient>,
    /// Clients whose declared secret was tried and does not work; `None` when none was tried (`--probe-secrets`).
    pub client_secrets_wrong: Option<BTreeSet<ClientId>>,
    /// The groups that everyone in the zone holds; `None` when the token may not read the zone.
    pub default_groups: Option<BTreeSet<GroupName>>,
    /// The zone's identity providers (origin keys); `None` when not asked for or not readable.
    pub origins: Option<BTreeSet<Origin>>,
}

/// The server as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// The address that was asked, without credentials.
    pub url: String,
    /// `issuer` of `/.well-known/openid-configuration`.
    pub issuer: String,
    /// The identity zone's id.
    pub zone: String,
    /// `app.version` of `/info`; may be any text.
    pub uaa_version: String,
}

/// The client (and user) whose token is used, and what the token may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The client.
    pub client_id: Option<ClientId>,
    /// The user, when the token is one's.
    pub user: Option<UserKey>,
    /// The token's scopes.
    pub scopes: BTreeSet<String>,
}

/// A user as UAA has it: the fields that can be managed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedUser {
    /// UAA's id.
    pub id: Guid,
    /// Origin and name, in the server's spelling.
    pub key: UserKey,
    /// The one e-mail address; empty when there is none.
    pub email: String,
    /// First name; empty when there is none.
    pub given_name: String,
    /// Last name; empty when there is none.
    pub family_name: String,
    /// The one phone number; empty when there is none.
    pub phone: String,
    /// The identity provider's id of the user; empty when there is none.
    pub external_id: String,
    /// Whether the account may log in.
    pub active: bool,
    /// Whether the e-mail address counts as verified.
    pub verified: bool,
}

/// A client as UAA has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedClient {
    /// Its id.
    pub id: ClientId,
    /// Its properties in normal form; what is absent is not in it. `required_user_groups` and metadata only where
    /// [`ClientScope`] asks for them.
    pub fields: ClientFields,
}

/// A group as UAA has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedGroup {
    /// UAA's id.
    pub id: Guid,
    /// Its name, in the server's spelling.
    pub name: GroupName,
    /// Its description; empty when there is none.
    pub description: String,
    /// Its membership rows by the member's id (UAA allows one row for each).
    pub rows: BTreeMap<Guid, MemberRow>,
}

/// One row of UAA's `group_membership`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// User or group.
    pub kind: MemberKind,
    /// `uaa` when an administrator made the row; another origin when a login did, which that origin's next login may
    /// end (facts §4.5). Only `uaa` rows are managed.
    pub origin: Origin,
}

/// What a membership row points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A user.
    User,
    /// A nested group.
    Group,
}

impl Observed {
    /// Who we are among what was observed: nobody where the token is of another zone, whose clients and users can have
    /// the same names.
    #[must_use]
    pub fn me_here(&self) -> Identity {
        match self.zone_by_header {
            true => Identity { client_id: None, user: None, scopes: self.me.scopes.clone() },
            false => self.me.clone(),
        }
    }

    /// Returns the group with this id.
    #[must_use]
    pub fn group_by_id(&self, id: &Guid) -> Option<&ObservedGroup> {
        self.groups.values().find(|group| group.id == *id)
    }
}
