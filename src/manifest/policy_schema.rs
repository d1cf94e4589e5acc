//! The policy file as types: what editors check.
//!
//! Only describes. Policies are read by `policy`, which says more about a mistake than a schema can; tests hold the two
//! together.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::Serialize;

/// What the safety rules of `uaapply` judge by. Kept apart from manifests: whoever may change one must not relax what
/// judges it.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "uaapply policy, version 1")]
pub struct PolicyFile {
    /// The version of the policy format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: Option<u32>,
    /// Which groups, scopes and authorities matter as much as an administrator's rights.
    pub privileged: Option<Privileged>,
    /// How many removals at once are too many.
    pub removals: Option<Removals>,
    /// What no plan may touch without `--allow`: `user/ORIGIN/NAME`, `group/NAME`, `client/NAME`; `*` stands for any text.
    pub protected: Option<Vec<NamePattern>>,
    /// Whom groups must have, by group.
    pub members: Option<BTreeMap<String, MustHave>>,
    /// Which manifest files alone may speak about what: by file (`*` stands for any text; without a folder, in any).
    pub owners: Option<BTreeMap<String, Vec<NamePattern>>>,
    /// What manifests may prune without `--allow`.
    pub prune: Option<MayPrune>,
}

/// Which groups, scopes and authorities matter as much as an administrator's rights.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Privileged {
    /// Besides those that are by default; `*` stands for any text.
    pub add: Option<Vec<String>>,
    /// Not these; wins over any pattern that means them.
    pub remove: Option<Vec<String>>,
}

/// How many removals at once are too many: more than `percent` and at least `least`, or more than `most`.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removals {
    /// The share of a group's members, or of the objects of a kind in scope. Default 25.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u32>,
    /// Fewer are never too many by their share. Default 2.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub least: Option<u32>,
    /// More are too many whatever the share. Default 10.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub most: Option<u32>,
}

/// Whom a group must have.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MustHave {
    /// At least so many users, nested groups' included.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub minimum: Option<u32>,
    /// These: NAME (origin uaa), ORIGIN/NAME or group:NAME.
    pub required: Option<Vec<String>>,
}

/// What manifests may prune without `--allow`.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MayPrune {
    /// Users.
    pub users: Option<bool>,
    /// Groups.
    pub groups: Option<bool>,
    /// Clients.
    pub clients: Option<bool>,
}

/// KIND/NAME.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub struct NamePattern(#[schemars(regex(pattern = r"^(user|group|client)/.+$"))] pub String);

/// Returns the JSON Schema of a policy file, generated from the types.
#[must_use]
pub fn policy_schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<PolicyFile>();
    super::schema::forbid_null(&mut schema);
    schema
}
