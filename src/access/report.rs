//! The report of a review, as a value.
//!
//! What stands here is what users script against; the JSON Schema in `docs/schema/access.schema.json` is made from it.
//! Ordered, so that the same server gives the same bytes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::Asked;
use crate::desired::Because;
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, KeyPart, Origin, UserKey};
use crate::moment::Moment;
use crate::observed::{Server, UserHistory};

/// The format number of reports that this version writes.
pub const FORMAT: u32 = 1;

/// Who can reach what, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// The format's version.
    pub format: u32,
    /// The program and version that made it.
    pub tool: String,
    /// The server and zone.
    pub target: Server,
    /// When the report was made.
    pub made: Moment,
    /// What it is about.
    pub asked: Asked,
    /// Digest of the manifest that says what is known; null: none was given.
    pub manifest_digest: Option<String>,
    /// Counts, each subject once.
    pub summary: Summary,
    /// The scopes, by name.
    pub scopes: Vec<Scope>,
    /// Who holds them: by scope, then everyone, users, external groups, clients, ghosts.
    pub holders: Vec<Holder>,
    /// What a reviewer should look at.
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub blind_spots: Vec<BlindSpot>,
    /// What changed since an earlier report; null: none was given.
    #[serde(default)]
    pub changes: Option<Changes>,
}

/// How many there are in a report, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Users.
    pub users: usize,
    /// External groups, of whose members only the identity provider knows.
    pub external_groups: usize,
    /// Clients.
    pub clients: usize,
    /// Rows whose user is gone.
    pub ghosts: usize,
    /// Things to look at.
    pub findings: usize,
}

/// A scope, or authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Its name.
    pub scope: GroupName,
    /// The groups that give it; none: only clients can hold it.
    pub groups: Vec<GroupName>,
    /// The groups that are nested in these, and in each other.
    pub nested: Vec<Nesting>,
    /// The clients whose users' tokens can carry it; without any of them, membership is of no use.
    pub through: Vec<ClientId>,
}

/// One group nested in another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Nesting {
    /// The inner group, whose members hold the outer one too.
    pub group: GroupName,
    /// The outer group.
    pub nested_in: GroupName,
    /// What the manifest says of it; null: none was given.
    pub manifest: Option<Known>,
}

/// One who holds a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// The scope.
    pub scope: GroupName,
    /// Who.
    pub who: Who,
    /// By which ways; ending one leaves the others.
    pub ways: Vec<Way>,
}

/// Who can hold a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Who {
    /// Every user of the zone.
    Everyone,
    /// A user.
    User {
        /// Origin and name.
        #[serde(flatten)]
        user: UserKey,
        /// UAA's id.
        id: Guid,
        /// First and last name; empty where UAA has none.
        name: String,
        /// E-mail address; empty where UAA has none.
        email: String,
        /// Whether the account may log on; null: not known.
        active: Option<bool>,
        /// Times; null: not known.
        times: Option<UserHistory>,
    },
    /// Everyone in a group of an identity provider, at the next logon.
    ExternalGroup {
        /// The identity provider.
        origin: Origin,
        /// Its group.
        external_group: ExternalGroup,
    },
    /// A client, in tokens of its own.
    Client {
        /// Its id.
        client_id: ClientId,
        /// Why it gets no such token now; null: it gets one.
        unusable: Option<Unusable>,
        /// When its properties last changed; setting a secret does not count to UAA.
        changed: Option<Moment>,
    },
    /// A row whose user is gone: nobody, unless UAA gives the id again, which it does not.
    Ghost {
        /// The id.
        id: Guid,
    },
}

/// Why a client's authority is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// Its grant types lack `client_credentials`.
    NoClientCredentials,
}

/// One way in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    /// What sort of way.
    pub how: How,
    /// The groups from the one that has the row or mapping to the one that gives the scope; empty for an authority.
    pub path: Vec<GroupName>,
    /// What the manifest says of it; null: none was given.
    pub manifest: Option<Known>,
    /// The manifest's line that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
}

/// Sorts of ways in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A row in the group, made by an administrator.
    Direct,
    /// Such a row in a group that is nested in it.
    Nested,
    /// A row that a login brought, in the group or a nested one; the identity provider's word, and ends with it.
    Login,
    /// A mapping of an external group, to the group or a nested one.
    Mapping,
    /// A client's authority.
    Authority,
    /// The group is one of those that everyone holds.
    DefaultGroup,
}

/// What the manifest says of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// It gives it.
    Declared,
    /// It speaks of the group or client, and leaves this to others.
    Kept,
    /// It takes it away: the next apply does.
    Unwanted,
    /// It does not speak of it.
    Unknown,
}

/// Something that a reviewer should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is.
    pub what: FindingWhat,
    /// Whom or what it is about, by name.
    pub items: Vec<Item>,
}

/// One of those that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Its key: `user/ORIGIN/NAME`, `external_group/ORIGIN/GROUP`, `client/ID`, `ghost/ID`, `group/NAME`, `scope/NAME`.
    pub key: String,
    /// The scopes concerned.
    pub scopes: Vec<GroupName>,
    /// What is to be seen.
    pub detail: String,
}

/// What there can be to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingWhat {
    /// Who has a way in that the manifest does not speak of.
    OutsideManifest,
    /// Who has a way in that the manifest takes away.
    AgainstManifest,
    /// Users who never logged on.
    NeverLoggedOn,
    /// Users who have not logged on for long.
    Stale,
    /// Users who are not active, and would have access again at once if they were.
    Inactive,
    /// Rows whose user is gone.
    Ghost,
    /// Users and mappings of an origin that is no identity provider of the zone.
    UnknownOrigin,
    /// Clients with a secret: when it was set, UAA does not tell.
    SecretAge,
    /// Clients that get no token with their authority.
    UnusableAuthority,
    /// Groups through which nobody comes.
    UnusedGroup,
    /// Scopes that members hold and no client lets into a token.
    NotCarried,
}

/// Something that could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlindSpot {
    /// Which groups everyone holds, without `zones.read`: the names that UAA ships count.
    DefaultGroups,
    /// Which identity providers there are, without `idps.read`.
    Origins,
    /// When accounts were made and used: a snapshot that an earlier version took.
    History,
    /// Groups whose names differ only in case, and who comes through them.
    AmbiguousGroups,
}

/// What changed since an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// When the earlier report was made.
    pub since: Moment,
    /// The changes, by scope and holder.
    pub changes: Vec<Change>,
}

/// One change of one holder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The scope.
    pub scope: GroupName,
    /// The holder's key.
    pub key: String,
    /// What changed.
    pub what: ChangeWhat,
    /// From what to what, in words.
    pub detail: String,
}

/// What can change of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeWhat {
    /// There was no way in before.
    Gained,
    /// There is no way in any more.
    Lost,
    /// One more way in.
    WayGained,
    /// One way in less.
    WayLost,
    /// The account was activated or suspended.
    Active,
    /// Another account of the same name.
    Account,
}

impl Holder {
    /// Returns who it is, as findings and changes name it.
    #[must_use]
    pub fn key(&self) -> String {
        self.who.to_string()
    }
}

impl Who {
    /// Returns the sort of it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::User { .. } => "user",
            Self::ExternalGroup { .. } => "external_group",
            Self::Client { .. } => "client",
            Self::Ghost { .. } => "ghost",
        }
    }

    /// Returns its name among those of its sort.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Everyone => String::new(),
            Self::User { user, .. } => user.to_string(),
            Self::ExternalGroup { origin, external_group } => {
                format!("{}/{}", KeyPart(origin.as_str()), KeyPart(external_group.as_str()))
            }
            Self::Client { client_id, .. } => KeyPart(client_id.as_str()).to_string(),
            Self::Ghost { id } => id.to_string(),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str(self.kind()),
            Self::User { .. } | Self::ExternalGroup { .. } | Self::Client { .. } | Self::Ghost { .. } => {
                write!(f, "{}/{}", self.kind(), self.name())
            }
        }
    }
}

impl How {
    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nested => "nested",
            Self::Login => "login",
            Self::Mapping => "mapping",
            Self::Authority => "authority",
            Self::DefaultGroup => "default_group",
        }
    }
}

impl Known {
    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Kept => "kept",
            Self::Unwanted => "unwanted",
            Self::Unknown => "unknown",
        }
    }
}
