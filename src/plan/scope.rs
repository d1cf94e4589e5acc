//! What of the server a plan needs: the one place that decides what is ours to look at.

use std::collections::BTreeSet;

use super::policy::Policy;
use crate::client::ClientField;
use crate::desired::{Because, Desired, DesiredGroup, DesiredUser, Holds, WishBy};
use crate::model::{ClientId, ClusterRole, GroupName, Member, Origin, UserKey};
use crate::observed::{ClientScope, ReadScope};

/// Returns what a plan of this manifest, judged by this policy, needs to know of the server.
#[must_use]
pub fn scope(desired: &Desired, policy: &Policy) -> ReadScope {
    let mut users = users(desired);
    let required =
        policy.members.values().flat_map(|group| &group.required).filter_map(|member| match member {
            Member::User(user) => Some(user),
            Member::Group(_) => None,
        });
    let required: BTreeSet<UserKey> = required.filter(|user| !users.contains(user)).cloned().collect();
    users.extend(required.iter().cloned());
    let mut name_members_of = name_members_of(desired);
    // The manifest's spelling stays where both name one group.
    let counted: Vec<&GroupName> =
        policy.members.keys().filter(|group| !name_members_of.contains(group)).collect();
    name_members_of.extend(counted.into_iter().cloned());
    ReadScope {
        users,
        only_judged: required,
        name_members_of,
        // Those too that the manifest vouches for: a plan says which are its word alone.
        origins: named_origins(desired).into_iter().map(|(origin, _)| origin).collect(),
        all_users: desired.prune.users.is_some(),
        clients: clients(desired),
    }
}

/// Clients that the manifest describes or removes, and what of them takes a request of its own.
fn clients(desired: &Desired) -> ClientScope {
    let managing = |is: fn(&ClientField) -> bool| -> BTreeSet<ClientId> {
        let clients = desired.clients.values().filter(|client| client.fields.keys().any(is));
        clients.map(|client| client.id.clone()).collect()
    };
    ClientScope {
        named: desired.clients.keys().chain(desired.absent.clients.keys()).cloned().collect(),
        all: desired.prune.clients.is_some(),
        required_user_groups: managing(|field| *field == ClientField::RequiredUserGroups),
        metadata: managing(ClientField::is_metadata),
        whole: desired.absent.clients.keys().filter(|id| can_stand_in_a_path(id)).cloned().collect(),
    }
}

/// Tells whether UAA can be asked for a client alone: it refuses these characters in an address, however they are written.
fn can_stand_in_a_path(id: &ClientId) -> bool {
    !id.as_str().contains(['/', '\\', ';', '%'])
}

/// Users that the manifest names anywhere, by their former names too.
fn users(desired: &Desired) -> BTreeSet<UserKey> {
    let members = desired.memberships.values().flat_map(|wishes| wishes.keys());
    let members = members.filter_map(|member| match member {
        Member::User(user) => Some(user),
        Member::Group(_) => None,
    });
    let former = desired.users.values().filter_map(|user| {
        let username = user.previously.as_ref()?.value.clone();
        Some(UserKey::new(user.key.origin.clone(), username))
    });
    let named = desired.users.keys().chain(members).chain(desired.absent.users.keys());
    named.cloned().chain(former).collect()
}

/// Groups whose every member must have a name: those that lose whom the manifest does not list, those that are removed,
/// and those that give access to clusters.
fn name_members_of(desired: &Desired) -> BTreeSet<GroupName> {
    let exact = desired.groups.values().filter(|group| group.holds == Holds::Exactly);
    let mut groups: BTreeSet<GroupName> = exact.map(|group| group.name.clone()).collect();
    groups.extend(desired.absent.groups.keys().cloned());
    if desired.users_declared {
        for role in ClusterRole::ALL {
            // The manifest's spelling stays where both name one group.
            if !groups.contains(&role.group()) {
                groups.insert(role.group());
            }
        }
    }
    groups
}

/// Returns the origins that entries name, each with its place. `uaa` is in every zone and needs no check.
///
/// What `target.origins` lists without any entry that names it does nothing, and is not among them.
pub(super) fn named_origins(desired: &Desired) -> BTreeSet<(Origin, &Because)> {
    let mut named = BTreeSet::new();
    for DesiredUser { key, origin_because, .. } in desired.users.values() {
        named.insert((key.origin.clone(), origin_because));
    }
    for wishes in desired.memberships.values() {
        for (member, wish) in wishes {
            let own_words = match wish.by {
                WishBy::Members | WishBy::AbsentMembers => true,
                // The user's entry, seen above, names the origin.
                WishBy::Groups | WishBy::ClusterAccess => false,
            };
            if let (Member::User(user), true) = (member, own_words) {
                named.insert((user.origin.clone(), &wish.because));
            }
        }
    }
    for DesiredGroup { external_groups, .. } in desired.groups.values() {
        for (mapping, because) in external_groups.iter().flatten() {
            named.insert((mapping.origin.clone(), because));
        }
    }
    for client in desired.clients.values() {
        let providers = client.fields.get(&ClientField::Allowedproviders);
        let listed =
            providers.iter().filter_map(|said| Some((said.value.as_ref()?.as_set()?, &said.because)));
        for (names, because) in listed {
            named.extend(names.iter().map(|name| (Origin::new(name.as_str()), because)));
        }
    }
    for (user, because) in &desired.absent.users {
        named.insert((user.origin.clone(), because));
    }
    for (mapping, because) in &desired.absent.mappings {
        named.insert((mapping.origin.clone(), because));
    }
    if let Some(users) = &desired.prune.users {
        named.extend(users.value.origins.iter().map(|origin| (origin.clone(), &users.because)));
    }
    named.retain(|(origin, _)| !origin.is_uaa());
    named
}

/// Tells whether the manifest's `target.origins` lists this origin.
pub(super) fn vouched_for(desired: &Desired, origin: &Origin) -> bool {
    desired.pin.origins.as_ref().is_some_and(|origins| origins.value.contains(origin))
}
