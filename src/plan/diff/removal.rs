//! The steps in which users, groups and clients go: what hangs on them first.
//!
//! UAA forgets some memberships of a deleted user (before 76.15 those of another origin than the user's, 4.10 those that
//! a login brought too; later versions fail over rows in default groups, facts §2.7), so each is removed before it,
//! whatever its origin. Deleting a group takes its rows, its
//! place in other groups and its mappings along, those that UAA could not delete alone too.

use std::collections::BTreeMap;

use super::leaving::{Going, Leaving};
use super::{Diff, Draft, client_key, estate, group_key, is_undeletable};
use crate::desired::{Because, Desired};
use crate::model::{ClientId, GroupName, Mapping, Member, Membership, UserKey};
use crate::plan::world::World;
use crate::plan::{Action, Expects, FieldChange, FieldValue, Kind, Object, Phase};

/// Plans it.
pub(super) fn diff(desired: &Desired, world: &World<'_>, leaving: &Leaving<'_>, diff: &mut Diff) {
    for (user, going) in &leaving.users {
        delete_user(user, *going, desired, world, diff);
    }
    for (group, going) in &leaving.groups {
        delete_group(group, *going, world, diff);
    }
    for (client, going) in &leaving.clients {
        delete_client(client, *going, world, diff);
    }
    for (user, because) in &leaving.suspended {
        suspend(user, because, world, diff);
    }
}

fn delete_user(user: &UserKey, going: Going<'_>, desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    let Some(observed) = world.user(user) else { return };
    let mut needs = Vec::new();
    for group in world.containers(&observed.id) {
        let fields = group.rows.get(&observed.id).map(estate::row).unwrap_or_default();
        let group = desired.groups.get(&group.name).map_or(&group.name, |entry| &entry.name);
        let membership = Membership { group: group.clone(), member: Member::User(user.clone()) };
        needs.push(diff.add(Draft {
            phase: Phase::Delete,
            action: Action::RemoveMember,
            kind: Kind::Member,
            key: membership.to_string(),
            object: Object::from(&membership),
            fields,
            needs: Vec::new(),
            because: going.because,
            implied: going.implied,
            expects: Expects::PRESENT,
        }));
    }
    diff.add(Draft {
        phase: Phase::Delete,
        action: Action::DeleteUser,
        kind: Kind::User,
        key: user.to_string(),
        object: Object::from(user),
        fields: estate::user(observed),
        needs,
        because: going.because,
        implied: going.implied,
        expects: Expects::State { id: observed.id.clone(), fields: BTreeMap::new() },
    });
}

fn delete_group(name: &GroupName, going: Going<'_>, world: &World<'_>, diff: &mut Diff) {
    let Some(observed) = world.group(name) else { return };
    let mut needs = Vec::new();
    for &mapping in world.mappings(name) {
        if is_undeletable(&mapping.external_group) {
            continue;
        }
        let mapping = Mapping { group: name.clone(), ..mapping.clone() };
        needs.push(diff.add(Draft {
            phase: Phase::Delete,
            action: Action::UnmapExternalGroup,
            kind: Kind::ExternalGroup,
            key: mapping.to_string(),
            object: Object::from(&mapping),
            fields: Vec::new(),
            needs: Vec::new(),
            because: going.because,
            implied: going.implied,
            expects: Expects::PRESENT,
        }));
    }
    diff.add(Draft {
        phase: Phase::Delete,
        action: Action::DeleteGroup,
        kind: Kind::Group,
        key: group_key(name),
        object: Object::from(name),
        fields: estate::group(observed, world),
        needs,
        because: going.because,
        implied: going.implied,
        expects: Expects::State { id: observed.id.clone(), fields: BTreeMap::new() },
    });
}

fn delete_client(id: &ClientId, going: Going<'_>, world: &World<'_>, diff: &mut Diff) {
    diff.add(Draft {
        phase: Phase::Delete,
        action: Action::DeleteClient,
        kind: Kind::Client,
        key: client_key(id),
        object: Object::Client { client_id: id.clone() },
        fields: estate::client(id, world),
        needs: Vec::new(),
        because: going.because,
        implied: going.implied,
        expects: Expects::PRESENT,
    });
}

fn suspend(user: &UserKey, because: &Because, world: &World<'_>, diff: &mut Diff) {
    let Some(observed) = world.user(user) else { return };
    let before = FieldValue::Flag(observed.active);
    diff.add(Draft {
        phase: Phase::Revoke,
        action: Action::UpdateUser,
        kind: Kind::User,
        key: user.to_string(),
        object: Object::from(user),
        fields: vec![FieldChange {
            name: "active".to_owned(),
            before: before.clone(),
            after: FieldValue::Flag(false),
        }],
        needs: Vec::new(),
        because,
        implied: true,
        expects: Expects::State {
            id: observed.id.clone(),
            fields: BTreeMap::from([("active".to_owned(), before)]),
        },
    });
}
