//! Memberships: wishes against rows, and holders of cluster access that no wish speaks about.

use std::collections::{BTreeMap, BTreeSet};

use super::leaving::Leaving;
use super::{Diff, Draft};
use crate::desired::{Because, Desired, DesiredGroup, Holds, Wish, WishState};
use crate::model::{ClusterRole, GroupName, Guid, KeyPart, Mapping, Member, Membership};
use crate::observed::MemberRow;
use crate::plan::world::World;
use crate::plan::{Action, Expects, KeptWhy, Kind, Object, Phase};

type Wishes = BTreeMap<Member, Wish>;

/// Plans rows to add and to remove. Those of users and groups that go are `removal`'s.
pub(super) fn diff(desired: &Desired, world: &World<'_>, leaving: &Leaving<'_>, diff: &mut Diff) {
    let none = Wishes::new();
    let names: BTreeSet<&GroupName> = desired.groups.keys().chain(desired.memberships.keys()).collect();
    for name in names {
        if leaving.groups.contains_key(name) {
            continue;
        }
        let wishes = desired.memberships.get(name).unwrap_or(&none);
        let entry = desired.groups.get(name);
        let group = entry.map_or(name, |entry| &entry.name);
        for (member, wish) in wishes {
            if leaving.has(member) {
                continue;
            }
            let membership = Membership { group: group.clone(), member: member.clone() };
            match wish.state {
                WishState::Present => present(&membership, wish, world, diff),
                WishState::Absent => absent(&membership, wish, world, diff),
            }
        }
        if let Some(entry) = entry
            && entry.holds == Holds::Exactly
        {
            others(entry, wishes, world, leaving, diff);
        }
    }
    if desired.users_declared {
        for group in ClusterRole::ALL.map(ClusterRole::group) {
            let wishes = desired.memberships.get(&group).unwrap_or(&none);
            if !leaving.groups.contains_key(&group) {
                unaccounted(&group, wishes, desired, world, leaving, diff);
            }
            // No manifest can name these, so what it grants is all that it can say about whoever is in there.
            let granted = wishes.iter().filter(|(_, wish)| wish.state == WishState::Present);
            let granted: Wishes = granted.map(|(member, wish)| (member.clone(), wish.clone())).collect();
            for namesake in world.namesakes(&group).filter(|name| !leaving.groups.contains_key(name)) {
                unaccounted(namesake, &granted, desired, world, leaving, diff);
            }
        }
    }
}

fn row<'a>(membership: &Membership, world: &World<'a>) -> Option<&'a MemberRow> {
    let id = world.id(&membership.member)?;
    world.group(&membership.group)?.rows.get(id)
}

fn present(membership: &Membership, wish: &Wish, world: &World<'_>, diff: &mut Diff) {
    if world.default_groups.contains(&membership.group) {
        // UAA refuses such a row (409); everyone holds the group without one.
        diff.keep(KeptWhy::DefaultGroup, Kind::Member, membership.to_string());
        return;
    }
    match row(membership, world) {
        Some(row) if row.origin.is_uaa() => {}
        // UAA has one row for each member of a group: a second one, of origin `uaa`, is refused (409).
        Some(_) => diff.keep(KeptWhy::DerivedMembership, Kind::Member, membership.to_string()),
        None => {
            let needs = diff.creations(&membership.group, Some(&membership.member));
            diff.add(Draft {
                phase: Phase::Grant,
                action: Action::AddMember,
                kind: Kind::Member,
                key: membership.to_string(),
                object: Object::from(membership),
                fields: Vec::new(),
                needs,
                because: &wish.because,
                implied: false,
                expects: Expects::ABSENT,
            });
        }
    }
}

fn absent(membership: &Membership, wish: &Wish, world: &World<'_>, diff: &mut Diff) {
    if world.default_groups.contains(&membership.group) {
        diff.keep(KeptWhy::DefaultGroup, Kind::Member, membership.to_string());
        return;
    }
    match row(membership, world) {
        Some(row) if row.origin.is_uaa() => remove(membership, &wish.because, false, diff),
        Some(_) => diff.keep(KeptWhy::DerivedMembership, Kind::Member, membership.to_string()),
        None => {}
    }
}

/// Revokes the rows of an exact group that no wish speaks about.
fn others(entry: &DesiredGroup, wishes: &Wishes, world: &World<'_>, leaving: &Leaving<'_>, diff: &mut Diff) {
    let Some(group) = world.group(&entry.name) else { return };
    if world.default_groups.contains(&entry.name) {
        return;
    }
    for (id, row) in &group.rows {
        let Some(member) = world.member(id, row.kind) else {
            ghost(&entry.name, id, diff);
            continue;
        };
        if wishes.contains_key(&member) || leaving.has(&member) {
            continue;
        }
        let membership = Membership { group: entry.name.clone(), member };
        if row.origin.is_uaa() {
            remove(&membership, &entry.because, true, diff);
        } else {
            diff.keep(KeptWhy::DerivedMembership, Kind::Member, membership.to_string());
        }
    }
}

fn remove(membership: &Membership, because: &Because, implied: bool, diff: &mut Diff) {
    diff.add(Draft {
        phase: Phase::Revoke,
        action: Action::RemoveMember,
        kind: Kind::Member,
        key: membership.to_string(),
        object: Object::from(membership),
        fields: Vec::new(),
        needs: Vec::new(),
        because,
        implied,
        expects: Expects::PRESENT,
    });
}

/// Names every holder of cluster access that the manifest says nothing about, so that a deleted entry never looks like
/// "nothing to see".
fn unaccounted(
    group: &GroupName,
    wishes: &Wishes,
    desired: &Desired,
    world: &World<'_>,
    leaving: &Leaving<'_>,
    diff: &mut Diff,
) {
    let Some(observed) = world.group(group) else { return };
    let entry = desired.groups.get(group);
    let name = entry.map_or(group, |entry| &entry.name);
    if world.default_groups.contains(group) {
        diff.keep(KeptWhy::DefaultGroup, Kind::Group, KeptKey(name).to_string());
    }
    let exact = entry.is_some_and(|entry| entry.holds == Holds::Exactly);
    // An exact group's other members are revoked, or kept for another reason that names them; a default group's rows
    // are never touched.
    if !exact || world.default_groups.contains(group) {
        for (id, row) in &observed.rows {
            match world.member(id, row.kind) {
                None => ghost(name, id, diff),
                Some(member) if wishes.contains_key(&member) || leaving.has(&member) => {}
                Some(member) => {
                    let membership = Membership { group: name.clone(), member };
                    diff.keep(KeptWhy::UnaccountedAccess, Kind::Member, membership.to_string());
                }
            }
        }
    }
    if entry.is_none_or(|entry| entry.external_groups.is_none()) {
        let unspoken = |mapping: &&&Mapping| !desired.absent.mappings.contains_key(**mapping);
        for &mapping in world.mappings(group).iter().filter(unspoken) {
            let mapping = Mapping { group: name.clone(), ..mapping.clone() };
            diff.keep(KeptWhy::UnaccountedAccess, Kind::ExternalGroup, mapping.to_string());
        }
    }
}

fn ghost(group: &GroupName, id: &Guid, diff: &mut Diff) {
    let item = format!("{}/{}", KeptKey(group), KeptKey(id));
    diff.keep(KeptWhy::Ghost, Kind::Member, item);
}

/// A name as one part of a key.
struct KeptKey<T>(T);

impl<T: std::fmt::Display> std::fmt::Display for KeptKey<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        KeyPart(&self.0.to_string()).fmt(f)
    }
}
