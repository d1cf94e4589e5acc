//! Which scopes and holders a report is about.
//!
//! Decides what patterns mean (`*` is any text, case does not count) and what a filter lets through.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::{Holder, Known, Who};
use crate::export::Pattern;
use crate::model::{ClusterRole, GroupName, Origin, UserKey};

/// What was asked. Two reports can be compared when it is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// Patterns of scopes; empty: those that give access to clusters.
    pub scopes: Vec<String>,
    /// Only users of these names.
    pub users: Vec<String>,
    /// Only users and external groups of these origins.
    pub origins: BTreeSet<Origin>,
    /// Only users who are not active.
    pub inactive: bool,
    /// Only who has a way in that the manifest does not know.
    pub unknown: bool,
    /// So many days without a logon are worth a finding.
    pub stale_days: u32,
}

/// What was asked, ready to judge by.
pub(super) struct Choice<'a> {
    asked: &'a Asked,
    scopes: Vec<Pattern>,
    users: Vec<Pattern>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(asked: &'a Asked) -> Self {
        let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect();
        Self { asked, scopes: patterns(&asked.scopes), users: patterns(&asked.users) }
    }

    /// Tells whether the report is about this scope.
    pub(super) fn scope(&self, scope: &GroupName) -> bool {
        match self.scopes.is_empty() {
            true => ClusterRole::ALL.iter().any(|role| role.group() == *scope),
            false => self.scopes.iter().any(|pattern| pattern.matches_folded(scope.as_str())),
        }
    }

    /// Returns the scopes that are meant by name, whether or not anybody knows them.
    pub(super) fn named(&self) -> BTreeSet<GroupName> {
        match self.scopes.is_empty() {
            true => ClusterRole::ALL.iter().map(|role| role.group()).collect(),
            false => {
                let names = self.scopes.iter().filter(|pattern| pattern.is_name());
                names.map(|pattern| GroupName::new(pattern.as_str())).collect()
            }
        }
    }

    /// Tells whether the filters let a holder through.
    pub(super) fn holder(&self, holder: &Holder) -> bool {
        let Asked { scopes: _, users: _, origins, inactive, unknown, stale_days: _ } = self.asked;
        let (named, origin, active) = match &holder.who {
            Who::User { user, active, .. } => (self.user(user), Some(&user.origin), *active),
            // Whoever is named is among them.
            Who::Everyone => (true, None, None),
            Who::ExternalGroup { origin, .. } => (self.users.is_empty(), Some(origin), None),
            Who::Client { .. } | Who::Ghost { .. } => (self.users.is_empty(), None, None),
        };
        let of_origin = origins.is_empty() || origin.is_some_and(|origin| origins.contains(origin));
        let unknown_way = || holder.ways.iter().any(|way| way.manifest == Some(Known::Unknown));
        named && of_origin && (!inactive || active == Some(false)) && (!unknown || unknown_way())
    }

    fn user(&self, user: &UserKey) -> bool {
        let name = user.username.as_str();
        let full = format!("{}/{name}", user.origin);
        self.users.is_empty()
            || self.users.iter().any(|pattern| pattern.matches_folded(name) || pattern.matches_folded(&full))
    }
}
