//! What the manifest wants, as plain ordered values.
//!
//! Everything the manifest says in several ways (`members`, a user's `groups`, `cluster_access`) is one fact here:
//! a wish about one membership. Secrets are not in it; they travel beside it in [`Secrets`], so that a
//! `Desired` can be shown, compared and saved. Built by `manifest`, read by `plan`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::client::{ClientField, ClientValue};
use crate::model::{ClientId, GroupName, Mapping, Member, Origin, UserKey, Username};

/// The place in a manifest that a wish comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    /// The file as named on the command line (`-` for standard input), joined with the entry's name for a directory.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value and the place that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said<T> {
    /// What is said.
    pub value: T,
    /// Where.
    pub because: Because,
}

/// All manifest files as one desired state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The server and zone that the manifest may be applied to.
    pub pin: TargetPin,
    /// Whether some file has a `users` key, an empty list included: then holders of cluster access that the
    /// manifest does not account for are listed.
    pub users_declared: bool,
    /// The users that the manifest describes.
    #[serde(with = "crate::pairs")]
    pub users: BTreeMap<UserKey, DesiredUser>,
    /// The groups that the manifest declares under `groups`.
    pub groups: BTreeMap<GroupName, DesiredGroup>,
    /// Every membership that the manifest speaks about, whichever way it says it. Holds groups that are not
    /// declared too: `cluster_access` needs no `groups` entry.
    #[serde(with = "crate::pairs::inside")]
    pub memberships: BTreeMap<GroupName, BTreeMap<Member, Wish>>,
    /// The clients that the manifest describes.
    pub clients: BTreeMap<ClientId, DesiredClient>,
    /// What `state: absent` removes.
    pub absent: Absent,
    /// What is removed because no manifest names it.
    pub prune: Prune,
    /// SHA-256 over the files' text before substitution, as `sha256:<hex>`.
    pub digest: String,
}

/// The optional `target` block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPin {
    /// The issuer that the server must name in `/.well-known/openid-configuration`.
    pub issuer: Option<Said<String>>,
    /// The identity zone's id.
    pub zone: Option<Said<String>>,
    /// Identity providers that entries may name, besides those that the server lists.
    pub origins: Option<Said<BTreeSet<Origin>>>,
}

/// One entry under `users`. A field that is `None` is not managed; an empty text clears the field at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredUser {
    /// Who.
    pub key: UserKey,
    /// The entry's place.
    pub because: Because,
    /// The e-mail address; at creation an e-mail username serves when this is not written.
    pub email: Option<Said<String>>,
    /// First name.
    pub given_name: Option<Said<String>>,
    /// Last name.
    pub family_name: Option<Said<String>>,
    /// The one phone number that UAA stores.
    pub phone: Option<Said<String>>,
    /// The identity provider's id of the user.
    pub external_id: Option<Said<String>>,
    /// Whether the account may log in.
    pub active: Option<Said<bool>>,
    /// Whether the e-mail address counts as verified.
    pub verified: Option<Said<bool>>,
    /// Where the initial password comes from; the value itself is in [`Secrets`].
    pub password: Option<Said<SecretSource>>,
    /// The name that it had before, when it is to be renamed.
    pub previously: Option<Said<Username>>,
    /// Origins are checked where the entry writes one; this is the place of the `origin` key.
    pub origin_because: Because,
}

/// One entry under `clients`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredClient {
    /// Its id.
    pub id: ClientId,
    /// The entry's place.
    pub because: Because,
    /// Managed properties in the form that UAA stores; `None` clears one. Not named here: not managed.
    pub fields: BTreeMap<ClientField, Said<Option<ClientValue>>>,
    /// What `cluster_access` says about single authorities, beside `authorities` or without it.
    pub authority_wishes: BTreeMap<GroupName, Said<WishState>>,
    /// Where its secret comes from; the value itself is in [`Secrets`]. An empty secret is one: a public client's.
    pub secret: Option<Said<SecretSource>>,
    /// Where its token salt comes from; `fields` has only its digest.
    pub token_salt: Option<SecretSource>,
}

/// Objects that shall not exist, each with the place that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    /// Users.
    #[serde(with = "crate::pairs")]
    pub users: BTreeMap<UserKey, Because>,
    /// Groups.
    pub groups: BTreeMap<GroupName, Because>,
    /// Clients.
    pub clients: BTreeMap<ClientId, Because>,
    /// External group mappings.
    #[serde(with = "crate::pairs")]
    pub mappings: BTreeMap<Mapping, Because>,
}

/// The `prune` block: each kind is opt-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prune {
    /// Users.
    pub users: Option<Said<PruneUsers>>,
    /// Patterns of groups' names.
    pub groups: Option<Said<Vec<String>>>,
    /// Patterns of client ids.
    pub clients: Option<Said<Vec<String>>>,
}

/// Which users are pruned, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneUsers {
    /// Only users of these origins.
    pub origins: BTreeSet<Origin>,
    /// Patterns of usernames that stay.
    pub except: Vec<String>,
    /// What happens to them.
    pub action: PruneAction,
}

/// How a user that no manifest names is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PruneAction {
    /// `active: false`.
    Deactivate,
    /// Deleted.
    Delete,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecretSource {
    /// Written in the manifest (works, and draws a warning).
    Literal,
    /// The empty text, written in the manifest: a public client's secret. A variable's value is never empty.
    Empty,
    /// The variable of this name.
    Variable(String),
}

/// One entry under `groups`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredGroup {
    /// Its name as written.
    pub name: GroupName,
    /// The entry's place.
    pub because: Because,
    /// What the group is for.
    pub description: Option<Said<String>>,
    /// Which members it may have beyond the wishes.
    pub holds: Holds,
    /// LDAP/SAML groups mapped to it; `None`: not managed.
    #[serde(with = "crate::pairs::maybe")]
    pub external_groups: Option<BTreeMap<Mapping, Because>>,
}

/// How a declared group's members relate to the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holds {
    /// Exactly the members that the manifest gives it; others are revoked.
    Exactly,
    /// At least those (`additive: true`); others are left alone.
    AtLeast,
}

/// What the manifest says about one membership, outright.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Whether the member shall be in the group.
    pub state: WishState,
    /// Where this is said.
    pub because: Because,
    /// Through which statement.
    pub by: WishBy,
}

/// Present or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WishState {
    /// Shall be a member.
    Present,
    /// Shall not be one.
    Absent,
}

/// The statement that makes a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WishBy {
    /// A group's `members`.
    Members,
    /// A user's `groups`.
    Groups,
    /// A user's `cluster_access`.
    ClusterAccess,
    /// A group's `absent_members`.
    AbsentMembers,
}

/// The secret values that go with a [`Desired`]. Has no `Serialize`, and its `Debug` is redacted.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Initial passwords of users.
    pub passwords: BTreeMap<UserKey, SecretString>,
    /// Secrets of clients.
    pub client_secrets: BTreeMap<ClientId, SecretString>,
    /// Token salts of clients.
    pub token_salts: BTreeMap<ClientId, SecretString>,
    /// Every other value from a secret source, known so that server texts can be masked.
    pub others: Vec<SecretString>,
}
