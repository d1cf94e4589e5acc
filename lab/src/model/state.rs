//! What the server has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::clients::Client;
use super::groups::Group;
use super::mappings::Mapping;
use super::tokens::Token;
use super::users::User;

/// One identity zone.
#[derive(Debug, Clone)]
pub struct State {
    /// The zone's id.
    pub zone: String,
    /// Users in the order of their creation.
    pub users: Vec<User>,
    /// Groups in the order of their creation, with their members.
    pub groups: Vec<Group>,
    /// External group mappings.
    pub mappings: Vec<Mapping>,
    /// Clients by id.
    pub clients: BTreeMap<String, Client>,
    /// Metadata of clients by id.
    pub metadata: BTreeMap<String, Map<String, Value>>,
    /// Names of groups that everybody holds.
    pub default_groups: BTreeSet<String>,
    /// Origins of identity providers.
    pub providers: Vec<String>,
    /// BOSH backs it up: no writes.
    pub limited: bool,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) made: u64,
}

impl State {
    /// A zone with nothing but a client `admin` who may do everything.
    #[must_use]
    pub fn new(zone: &str, admin_secret: &str) -> Self {
        let mut state = Self {
            zone: zone.to_owned(),
            users: Vec::new(),
            groups: Vec::new(),
            mappings: Vec::new(),
            clients: BTreeMap::new(),
            metadata: BTreeMap::new(),
            default_groups: BTreeSet::new(),
            providers: ["uaa", "ldap"].map(str::to_owned).to_vec(),
            limited: false,
            tokens: BTreeMap::new(),
            made: 0,
        };
        let admin = Client::admin(state.tick(), admin_secret);
        state.clients.insert("admin".to_owned(), admin);
        state
    }

    /// A number that was never given before.
    pub(super) fn tick(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// An id as UAA makes them: random to look at, and never the same.
    pub(super) fn new_id(&mut self) -> String {
        let n = self.tick();
        // The first part alone must tell ids apart: one step of a permutation of all 32-bit numbers.
        let first = (n as u32).wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995;
        format!("{first:08x}-0000-4000-8000-{n:012x}")
    }

    /// The user with this id.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The group with this id.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    pub(super) fn group_mut(&mut self, id: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.id == id)
    }
}

/// The only time there is: no test compares times.
pub(super) const TIME: &str = "2026-01-01T00:00:00.000Z";

/// A SCIM object's metadata.
pub(super) fn meta(version: i64) -> Value {
    serde_json::json!({"version": version, "created": TIME, "lastModified": TIME})
}

/// The version that `If-Match` names, as UAA reads it; `current` is what `*` means.
pub(super) fn version(header: &str, current: i64) -> Result<i64, super::Reply> {
    let value = header.trim().trim_matches('"');
    if value == "*" {
        return Ok(current);
    }
    value.parse().map_err(|_| {
        let message = format!("Invalid version match header (should be a version number): {header}");
        super::Reply::scim(400, "scim", &message)
    })
}
