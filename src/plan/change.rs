//! The plan's types: a versioned, serialisable value without functions in it (design.md §5).
//!
//! What stands here is what users script against; the JSON Schema in `docs/schema/plan.schema.json` is made from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::only::Part;
use crate::desired::Because;
use crate::model::{
    ClientId, ExternalGroup, GroupName, Guid, Mapping, Member, Membership, Origin, UserKey, Username,
};
use crate::observed::Server;

/// The format number of plans and reports that this version writes.
pub const FORMAT: u32 = 1;

/// An ordered list of changes, and everything a reviewer needs to judge it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The format's version.
    pub format: u32,
    /// The program and version that made the plan.
    pub tool: String,
    /// The server and zone that were read.
    pub target: Server,
    /// SHA-256 over the manifest's text before substitution.
    pub manifest_digest: String,
    /// SHA-256 over target and changes.
    pub plan_digest: String,
    /// What `--only` makes of it, where it is a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Part>,
    /// How many changes of each sort.
    pub summary: Summary,
    /// The changes, in the order in which they would be made.
    pub changes: Vec<Change>,
    /// What is related to the manifest and left as it is.
    pub kept: Vec<Kept>,
    /// What was not compared.
    pub blind_spots: Vec<BlindSpot>,
    /// What the rails say.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Tells whether anything would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the findings that refuse the plan.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.allowed)
    }
}

/// Counts of changes by action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// `create_*`.
    pub create: usize,
    /// `update_*` and `set_client_secret`.
    pub update: usize,
    /// `add_member` and `map_external_group`.
    pub grant: usize,
    /// `remove_member` and `unmap_external_group`.
    pub revoke: usize,
    /// `delete_*`.
    pub delete: usize,
}

impl Summary {
    /// Counts changes.
    #[must_use]
    pub fn of(changes: &[Change]) -> Self {
        let mut summary = Self::default();
        for change in changes {
            let count = match change.action {
                Action::CreateUser | Action::CreateGroup | Action::CreateClient => &mut summary.create,
                Action::UpdateUser | Action::UpdateGroup | Action::UpdateClient | Action::SetClientSecret => {
                    &mut summary.update
                }
                Action::AddMember | Action::MapExternalGroup => &mut summary.grant,
                Action::RemoveMember | Action::UnmapExternalGroup => &mut summary.revoke,
                Action::DeleteUser | Action::DeleteGroup | Action::DeleteClient => &mut summary.delete,
            };
            *count += 1;
        }
        summary
    }
}

/// One step of a plan. A pure update is one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its number: the index in the plan's list.
    pub id: u32,
    /// When it is made.
    pub phase: Phase,
    /// What is done.
    pub action: Action,
    /// To what kind of thing.
    pub kind: Kind,
    /// The thing's name for people.
    pub key: String,
    /// The thing's name in parts.
    pub object: Object,
    /// Field by field: all that is written, on a create too; of what is removed, what it had (`after` is null), so that
    /// `undo` can bring it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Changes that must be made first.
    pub needs: Vec<u32>,
    /// The manifest line that wants it.
    pub because: Because,
    /// Whether it only follows from what is not written (a member that an exact group does not list).
    /// When some giving failed, such changes are held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// What the server must look like for the change to be made.
    pub expects: Expects,
    /// Marks that inform without refusing.
    pub risks: Vec<Risk>,
    /// The risks in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Change {
    /// Returns the fields that it writes: of what is removed none.
    #[must_use]
    pub fn written(&self) -> &[FieldChange] {
        match self.action {
            Action::DeleteUser
            | Action::DeleteGroup
            | Action::DeleteClient
            | Action::RemoveMember
            | Action::UnmapExternalGroup => &[],
            Action::CreateUser
            | Action::UpdateUser
            | Action::CreateGroup
            | Action::UpdateGroup
            | Action::AddMember
            | Action::MapExternalGroup
            | Action::CreateClient
            | Action::UpdateClient
            | Action::SetClientSecret => &self.fields,
        }
    }
}

/// When a change is made: everything of a phase is finished before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Users, then groups, then clients.
    Create,
    /// Fields that neither give nor take.
    Update,
    /// Memberships, mappings, nesting, re-activation.
    Grant,
    /// Memberships, mappings, suspension, and what ends sessions.
    Revoke,
    /// Removal of objects.
    Delete,
    /// Whatever touches the client or user that we are logged in as.
    Own,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `POST /Users`.
    CreateUser,
    /// `PUT /Users/{id}`.
    UpdateUser,
    /// `DELETE /Users/{id}`.
    DeleteUser,
    /// `POST /Groups`.
    CreateGroup,
    /// `PATCH /Groups/{id}`, the description only.
    UpdateGroup,
    /// `DELETE /Groups/{id}`.
    DeleteGroup,
    /// `POST /Groups/{id}/members`.
    AddMember,
    /// `DELETE /Groups/{id}/members/{member}`.
    RemoveMember,
    /// `POST /Groups/External`.
    MapExternalGroup,
    /// `DELETE /Groups/External/…`.
    UnmapExternalGroup,
    /// `POST /oauth/clients`.
    CreateClient,
    /// `POST /oauth/clients/tx/modify`.
    UpdateClient,
    /// `POST /oauth/clients/tx/modify` with `secret`.
    SetClientSecret,
    /// `DELETE /oauth/clients/{id}`.
    DeleteClient,
}

/// The kind of thing that a change, a kept item or a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A membership.
    Member,
    /// An external group mapping.
    ExternalGroup,
    /// An OAuth client.
    Client,
}

/// The parts of a change's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Object {
    /// A user in a group.
    Member {
        /// The group.
        group: GroupName,
        /// The member's origin.
        origin: Origin,
        /// The member's name.
        username: Username,
    },
    /// A group in a group.
    NestedGroup {
        /// The outer group.
        group: GroupName,
        /// The group that becomes its member.
        member_group: GroupName,
    },
    /// A mapping.
    ExternalGroup {
        /// The UAA group.
        group: GroupName,
        /// The mapping's origin.
        origin: Origin,
        /// The DN or SAML group value.
        external_group: ExternalGroup,
    },
    /// A user.
    User {
        /// The user's origin.
        origin: Origin,
        /// The user's name.
        username: Username,
    },
    /// A client.
    Client {
        /// The client's id.
        client_id: ClientId,
    },
    /// A group.
    Group {
        /// The group's name.
        group: GroupName,
    },
}

impl From<&UserKey> for Object {
    fn from(user: &UserKey) -> Self {
        Self::User { origin: user.origin.clone(), username: user.username.clone() }
    }
}

impl From<&ClientId> for Object {
    fn from(client: &ClientId) -> Self {
        Self::Client { client_id: client.clone() }
    }
}

impl From<&GroupName> for Object {
    fn from(group: &GroupName) -> Self {
        Self::Group { group: group.clone() }
    }
}

impl From<&Membership> for Object {
    fn from(membership: &Membership) -> Self {
        let group = membership.group.clone();
        match &membership.member {
            Member::User(user) => {
                Self::Member { group, origin: user.origin.clone(), username: user.username.clone() }
            }
            Member::Group(member) => Self::NestedGroup { group, member_group: member.clone() },
        }
    }
}

impl From<&Mapping> for Object {
    fn from(mapping: &Mapping) -> Self {
        Self::ExternalGroup {
            group: mapping.group.clone(),
            origin: mapping.origin.clone(),
            external_group: mapping.external_group.clone(),
        }
    }
}

/// One field before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The manifest's name of the field.
    pub name: String,
    /// What the server has; null on a create. Of a secret, never what it is.
    pub before: FieldValue,
    /// What it would have; null on a removal.
    pub after: FieldValue,
}

/// A field's value as a plan may show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldValue {
    /// Nothing.
    None,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text. A secret written in the manifest shows as `((redacted))`.
    Text(String),
    /// A set of texts.
    List(Vec<String>),
    /// A secret that comes from a variable.
    Variable {
        /// The variable's name.
        variable: String,
    },
    /// Further information of a client that none of the above can say.
    Json {
        /// It.
        json: serde_json::Value,
    },
}

impl FieldValue {
    /// What stands in for a secret.
    pub const REDACTED: &str = "((redacted))";

    /// Returns the stand-in for a secret that no variable names.
    #[must_use]
    pub fn redacted() -> Self {
        Self::Text(Self::REDACTED.to_owned())
    }
}

/// What a change needs to find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expects {
    /// The object, or the membership or mapping row, is there or is not.
    Presence(Presence),
    /// The object has this id, and its managed fields these values.
    State {
        /// UAA's id.
        id: Guid,
        /// Managed fields and their values.
        fields: BTreeMap<String, FieldValue>,
    },
}

impl Expects {
    /// Nothing there.
    pub const ABSENT: Self = Self::Presence(Presence::Absent);
    /// There.
    pub const PRESENT: Self = Self::Presence(Presence::Present);
}

/// There or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Not there.
    Absent,
    /// There.
    Present,
}

/// Marks on a change that inform without refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Gives something privileged (allowed).
    Escalates,
    /// Takes many or the last (allowed).
    Removes,
    /// Ends the sessions of whoever is concerned: UAA refuses their tokens at once.
    EndsSessions,
    /// The identity provider lets the user in again.
    Readmitted,
    /// An account that was there before this manifest gets something.
    Adopts,
    /// Deletes more than the object itself.
    TakesAlong,
    /// A way in remains: nested, mapped, or by default.
    Residual,
    /// The group leads to clusters although its name does not say so: it is in one that gives access to them.
    ClusterAccess,
    /// UAA's own configuration writes the client anew at each restart.
    Bootstrapped,
}

/// Something related to the manifest that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// Why it is left.
    pub why: KeptWhy,
    /// What it is.
    pub kind: Kind,
    /// Keys, sorted.
    pub items: Vec<String>,
}

/// Why something is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptWhy {
    /// Holds access that the manifest does not account for: to clusters, without any entry that says so; or to any
    /// group that an entry takes from the user, by a nested group.
    UnaccountedAccess,
    /// A login brought the membership; it ends when the mapping ends.
    DerivedMembership,
    /// Everyone in the zone holds the group.
    DefaultGroup,
    /// The membership row outlived its member.
    Ghost,
    /// The description belongs to UAA's own configuration, which writes it at each start.
    ServerOwned,
    /// An additive group's description differs; it is used at creation only.
    Description,
    /// A profile field of a user of another origin differs; each login rewrites it.
    Profile,
    /// UAA cannot delete the mapping: its DN holds one of `/ \ ; %`.
    Undeletable,
    /// The server spells the name with other upper or lower case.
    Spelling,
    /// The user has its new name already: `previously` can go.
    Renamed,
    /// Would be pruned, and holds something privileged.
    Privileged,
    /// Would be pruned, and UAA or the platform works with it.
    BuiltIn,
    /// Would be pruned, and this run is logged in as it.
    OwnIdentity,
    /// The client's secret is neither tried nor set: the client is privileged, or the one that we are logged in as.
    SecretUnchecked,
}

/// Something that was not compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlindSpot {
    /// What could not be compared.
    pub what: BlindSpotWhat,
    /// Keys, sorted.
    pub items: Vec<String>,
    /// What would be written for an item, where that is known (a secret: the variable it comes from); for an origin
    /// that the manifest alone vouches for, the key that does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, FieldValue>,
    /// Why, and what settles it.
    pub why: String,
}

/// The closed list of what can stay uncompared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlindSpotWhat {
    /// Passwords of users that exist: UAA never tells them, and they are initial only.
    Password,
    /// Client secrets: UAA never tells them.
    ClientSecret,
    /// The zone's default groups: the token may not read the zone.
    DefaultGroups,
    /// Whether an origin exists: the token may not read identity providers, or they lack one that the manifest alone
    /// vouches for.
    Origins,
}

/// One rail speaking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Which rail.
    pub rail: Rail,
    /// What `--allow` must name; null where nothing can allow it.
    pub key: Option<String>,
    /// The changes concerned.
    pub changes: Vec<u32>,
    /// Whether `--allow` named it.
    pub allowed: bool,
    /// What would result, in a sentence.
    pub message: String,
}

/// The safety rules (design.md §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// The client or user we are logged in as would lose what the run needs.
    OwnIdentity,
    /// Another server or zone than the manifest pins.
    TargetPin,
    /// A default or bootstrap object would be deleted.
    BuiltIns,
    /// A privileged group or authority gains a holder.
    Escalates,
    /// A privileged grant to an account that nobody vouches for.
    Adopts,
    /// An exact group loses all members.
    Empties,
    /// Many removals at once.
    Removals,
    /// Whoever holds something privileged could become another: a name, e-mail address, secret or way in changes.
    Takeover,
    /// A group has fewer members than the policy wants, or lacks one that it requires.
    Members,
    /// Something that the policy protects is touched.
    Protected,
    /// A manifest file speaks about what the policy gives to another.
    Owner,
    /// A mapping that UAA could not delete again.
    Undeletable,
    /// A name can be taken for another: mixed scripts, characters that do not show.
    Lookalike,
    /// What no manifest names would be removed.
    Prune,
}
