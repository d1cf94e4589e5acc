//! A line of the audit log: what was written to UAA, by whom, why, and what came of it. A versioned, serialisable value.
//!
//! Each write has two: one before it is sent, and one with its outcome. So a write without the second is one of which
//! nobody knows, and none is missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desired::Because;
use crate::model::{ClientId, UserKey};
use crate::plan::{Action, Change, Expects, FieldChange, Kind, Object};
use crate::report::Outcome;

/// The format number that this version writes.
pub const FORMAT: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The format's version.
    pub format: u32,
    /// When: RFC 3339, in UTC.
    pub time: String,
    /// The run, and who it is.
    #[serde(flatten)]
    pub run: Run,
    /// The write's number in its run; both its lines have it.
    pub write: u32,
    /// What is written.
    #[serde(flatten)]
    pub deed: Deed,
    /// How far it is.
    pub outcome: Stage,
    /// UAA's words, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What all lines of one run have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The program and version.
    pub tool: String,
    /// A random id.
    pub run: String,
    /// Who writes.
    pub client: Who,
    /// Where.
    pub target: Target,
    /// The digest of the plan that is carried out, if one is: what a reviewer approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_digest: Option<String>,
}

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    /// The client that is logged in.
    pub client_id: ClientId,
    /// The user whose login it is, if it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserKey>,
}

/// The server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The address that was asked.
    pub url: String,
    /// The identity zone's id; null where it is the token's own and was not asked for.
    pub zone: Option<String>,
}

/// What is written. Secrets are as in a plan: a variable's name, or `((redacted))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deed {
    /// What is done.
    pub action: Act,
    /// To what kind of thing.
    pub kind: Kind,
    /// The thing's name for people.
    pub key: String,
    /// The thing's name in parts.
    pub object: Object,
    /// Field by field, before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// What the server was to look like before, with UAA's id where the thing has one.
    pub expects: Expects,
    /// The manifest line that wants it; null where the command line does.
    pub because: Option<Because>,
}

impl From<&Change> for Deed {
    fn from(change: &Change) -> Self {
        Self {
            action: Act::Planned(change.action),
            kind: change.kind,
            key: change.key.clone(),
            object: change.object.clone(),
            fields: change.fields.clone(),
            expects: change.expects.clone(),
            because: Some(change.because.clone()),
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Act {
    /// A plan's action.
    Planned(Action),
    /// That of a command without a plan.
    AtOnce(AtOnce),
}

/// What `rotate`, `password` and `unlock` do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtOnce {
    /// `PUT /oauth/clients/{id}/secret` with `ADD`.
    AddClientSecret,
    /// `PUT /oauth/clients/{id}/secret` with `DELETE`: the older of two.
    DropClientSecret,
    /// `PUT /Users/{id}/password`.
    SetPassword,
    /// `PATCH /Users/{id}/status`: another password has to be chosen at the next log-in.
    RequirePasswordChange,
    /// `PATCH /Users/{id}/status`: the lock is taken off.
    UnlockUser,
}

/// How far a write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// About to be sent. Without another line it may be made or not.
    Started,
    /// Made.
    Done,
    /// The server already was so; nothing was written.
    AlreadySo,
    /// The server is not as expected; nothing was written.
    Drifted,
    /// UAA refused it, or could not be reached.
    Failed,
    /// No answer came, and no look settled it.
    Unknown,
}

impl Stage {
    /// Returns the stage of what was begun and came to this; nothing where it was never begun.
    #[must_use]
    pub fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Done => Some(Self::Done),
            Outcome::AlreadySo => Some(Self::AlreadySo),
            Outcome::Drifted => Some(Self::Drifted),
            Outcome::Failed => Some(Self::Failed),
            Outcome::Unknown => Some(Self::Unknown),
            Outcome::Held | Outcome::NotTried => None,
        }
    }
}
