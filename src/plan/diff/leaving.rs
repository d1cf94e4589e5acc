//! Who and what goes: because the manifest says so, or because it prunes what it does not name.
//!
//! Decides only that. What hangs on it, and in which steps it goes, is `removal`'s; whether so much may go at once is
//! for the rails.

use std::collections::BTreeMap;

use super::{Diff, client_key, group_key};
use crate::client::{ClientField, ClientValue};
use crate::desired::{Because, Desired, PruneAction};
use crate::model::{ClientId, GroupName, Member, UserKey};
use crate::observed::ObservedUser;
use crate::plan::policy::{Policy, matches_any};
use crate::plan::world::World;
use crate::plan::{KeptWhy, Kind, shipped};

/// Why something goes.
#[derive(Clone, Copy)]
pub(super) struct Going<'a> {
    pub(super) because: &'a Because,
    /// It is pruned: no word of the manifest is about it.
    pub(super) implied: bool,
}

/// All that goes and is there now.
#[derive(Default)]
pub(super) struct Leaving<'a> {
    pub(super) users: BTreeMap<UserKey, Going<'a>>,
    pub(super) groups: BTreeMap<GroupName, Going<'a>>,
    pub(super) clients: BTreeMap<ClientId, Going<'a>>,
    /// Users who are pruned by being suspended.
    pub(super) suspended: BTreeMap<UserKey, &'a Because>,
}

impl<'a> Leaving<'a> {
    /// Finds out. What would be pruned and must not be is kept, with the reason.
    pub(super) fn new(desired: &'a Desired, world: &World<'_>, policy: &Policy, diff: &mut Diff) -> Self {
        let mut leaving = Self::default();
        for (user, because) in &desired.absent.users {
            if world.user(user).is_some() {
                leaving.users.insert(user.clone(), Going { because, implied: false });
            }
        }
        for (group, because) in &desired.absent.groups {
            if world.group(group).is_some() {
                leaving.groups.insert(group.clone(), Going { because, implied: false });
            }
        }
        for (client, because) in &desired.absent.clients {
            if world.client(client).is_some() {
                leaving.clients.insert(client.clone(), Going { because, implied: false });
            }
        }
        leaving.prune_users(desired, world, policy, diff);
        leaving.prune_groups(desired, world, diff);
        leaving.prune_clients(desired, world, diff);
        leaving
    }

    /// Tells whether a member goes.
    pub(super) fn has(&self, member: &Member) -> bool {
        match member {
            Member::User(user) => self.users.contains_key(user),
            Member::Group(group) => self.groups.contains_key(group),
        }
    }

    fn prune_users(&mut self, desired: &'a Desired, world: &World<'_>, policy: &Policy, diff: &mut Diff) {
        let Some(prune) = &desired.prune.users else { return };
        let (rule, because, me) = (&prune.value, &prune.because, world.observed.me_here());
        for user in world.observed.users.values() {
            let key = &user.key;
            if !rule.origins.contains(&key.origin)
                || world.names_user(key)
                // Two accounts of one name, as a database can have them: it is not known which is meant.
                || world.observed.ambiguous_users.contains(key)
                || matches_any(&rule.except, key.username.as_str())
                || rule.action == PruneAction::Deactivate && !user.active
            {
                continue;
            }
            if me.user.as_ref() == Some(key) {
                diff.keep(KeptWhy::OwnIdentity, Kind::User, key.to_string());
            } else if holds_privileged(user, world, policy) {
                diff.keep(KeptWhy::Privileged, Kind::User, key.to_string());
            } else if rule.action == PruneAction::Deactivate {
                self.suspended.insert(key.clone(), because);
            } else {
                self.users.insert(key.clone(), Going { because, implied: true });
            }
        }
    }

    fn prune_groups(&mut self, desired: &'a Desired, world: &World<'_>, diff: &mut Diff) {
        let Some(prune) = &desired.prune.groups else { return };
        for group in world.observed.groups.values() {
            let name = &group.name;
            if !matches_any(&prune.value, name.as_str()) || names_group(desired, name) {
                continue;
            }
            if world.default_groups.contains(name) || shipped::is_platform_group(name) {
                diff.keep(KeptWhy::BuiltIn, Kind::Group, group_key(name));
            } else {
                self.groups.insert(name.clone(), Going { because: &prune.because, implied: true });
            }
        }
    }

    fn prune_clients(&mut self, desired: &'a Desired, world: &World<'_>, diff: &mut Diff) {
        let Some(prune) = &desired.prune.clients else { return };
        let me = world.observed.me_here();
        for id in world.observed.clients.keys() {
            let named = desired.clients.contains_key(id) || desired.absent.clients.contains_key(id);
            // Client ids are compared exactly, case included.
            if named || !prune.value.iter().any(|pattern| crate::plan::policy::matches(pattern, id.as_str()))
            {
                continue;
            }
            if me.client_id.as_ref() == Some(id) {
                diff.keep(KeptWhy::OwnIdentity, Kind::Client, client_key(id));
            } else if shipped::is_rewritten(id) {
                diff.keep(KeptWhy::BuiltIn, Kind::Client, client_key(id));
            } else {
                self.clients.insert(id.clone(), Going { because: &prune.because, implied: true });
            }
        }
    }
}

/// Tells whether a user holds something privileged, by a row of any origin, directly or nested.
fn holds_privileged(user: &ObservedUser, world: &World<'_>, policy: &Policy) -> bool {
    world.held(&user.id).iter().any(|group| policy.is_privileged(group))
}

/// Tells whether the manifest names this group anywhere: also as a member, and as a scope of a client.
fn names_group(desired: &Desired, group: &GroupName) -> bool {
    let nested = Member::Group(group.clone());
    let member = || desired.memberships.values().any(|wishes| wishes.contains_key(&nested));
    let scope = || {
        desired.clients.values().any(|client| {
            client.authority_wishes.contains_key(group)
                || client.fields.iter().any(|(field, said)| match (field, &said.value) {
                    (
                        ClientField::Scope
                        | ClientField::Authorities
                        | ClientField::Autoapprove
                        | ClientField::RequiredUserGroups,
                        Some(ClientValue::Set(scopes)),
                    ) => scopes.iter().any(|scope| GroupName::new(scope.clone()) == *group),
                    _ => false,
                })
        })
    };
    desired.groups.contains_key(group)
        || desired.absent.groups.contains_key(group)
        || desired.memberships.contains_key(group)
        || member()
        || scope()
}
