//! Many removals at once: a share of a group's members, or of the users, groups, clients or mappings in scope, or simply
//! too many.
//!
//! In scope is what an entry describes, and where a kind is pruned, also what the pruning may take.

use super::empties::empties;
use super::{Case, Count, finding, number};
use crate::desired::Desired;
use crate::model::{ClientId, GroupName, KeyPart, UserKey};
use crate::plan::policy::{Policy, matches, matches_any};
use crate::plan::{Action, Change, FieldValue, Finding, Phase, Rail};

pub(super) fn findings(case: &Case<'_>, counts: &[Count]) -> Vec<Finding> {
    let groups = counts
        .iter()
        .filter(|count| !empties(count) && too_many(case.policy, count.removed.len(), count.before))
        .map(|Count { name, exact: _, before, removed, added: _ }| {
            let message =
                format!("Group `{name}` would lose {} of its {}.", removed.len(), number(*before, "member"));
            finding(
                Rail::Removals,
                Some(format!("removals:{}", KeyPart(name.as_str()))),
                removed.clone(),
                message,
            )
        });
    let kinds = [users(case), self::groups(case), clients(case), mappings(case)];
    groups.chain(kinds.into_iter().flatten()).collect()
}

fn users(case: &Case<'_>) -> Option<Finding> {
    let Desired { users, absent, prune, .. } = case.desired;
    let prunes = |user: &UserKey| {
        prune.users.as_ref().is_some_and(|prune| {
            prune.value.origins.contains(&user.origin)
                && !matches_any(&prune.value.except, user.username.as_str())
        })
    };
    let scope =
        |user: &&UserKey| users.contains_key(*user) || absent.users.contains_key(*user) || prunes(user);
    let before = case.before.observed.users.keys().filter(scope).count();
    let removes = |change: &Change| match change.action {
        Action::DeleteUser => true,
        Action::UpdateUser => suspends(change),
        _ => false,
    };
    of_kind(case, "user", "user", before, removes)
}

/// Whether whoever could log in no longer can.
fn suspends(change: &Change) -> bool {
    let off = |value: &FieldValue| *value == FieldValue::Flag(false);
    change.fields.iter().any(|field| field.name == "active" && off(&field.after) && !off(&field.before))
}

fn groups(case: &Case<'_>) -> Option<Finding> {
    let Desired { groups, absent, prune, .. } = case.desired;
    let scope = |group: &&GroupName| {
        groups.contains_key(*group)
            || absent.groups.contains_key(*group)
            || prune.groups.as_ref().is_some_and(|prune| matches_any(&prune.value, group.as_str()))
    };
    let before = case.before.observed.groups.keys().filter(scope).count();
    of_kind(case, "group", "group", before, |change| change.action == Action::DeleteGroup)
}

fn clients(case: &Case<'_>) -> Option<Finding> {
    let Desired { clients, absent, prune, .. } = case.desired;
    let prunes = |client: &ClientId| {
        let matches = |pattern: &String| matches(pattern, client.as_str());
        prune.clients.as_ref().is_some_and(|prune| prune.value.iter().any(matches))
    };
    let scope = |client: &&ClientId| {
        clients.contains_key(*client) || absent.clients.contains_key(*client) || prunes(client)
    };
    let before = case.before.observed.clients.keys().filter(scope).count();
    of_kind(case, "client", "client", before, |change| change.action == Action::DeleteClient)
}

fn mappings(case: &Case<'_>) -> Option<Finding> {
    let absent = &case.desired.absent.mappings;
    let managed = case.desired.groups.values().flat_map(|group| {
        let all = group.external_groups.is_some();
        case.before.mappings(&group.name).iter().filter(move |mapping| all || absent.contains_key(**mapping))
    });
    let before = managed.count();
    // Those that go with their group are not counted: the group is.
    let removes =
        |change: &Change| change.action == Action::UnmapExternalGroup && change.phase != Phase::Delete;
    of_kind(case, "external_group", "external group mapping", before, removes)
}

fn of_kind(
    case: &Case<'_>,
    kind: &str,
    noun: &str,
    before: usize,
    removes: impl Fn(&Change) -> bool,
) -> Option<Finding> {
    let removed: Vec<u32> =
        case.changes.iter().filter(|change| removes(change)).map(|change| change.id).collect();
    too_many(case.policy, removed.len(), before).then(|| {
        let gone = if kind == "user" { "removed or suspended" } else { "removed" };
        let message = format!("{} of the {} in scope would be {gone}.", removed.len(), number(before, noun));
        finding(Rail::Removals, Some(format!("removals:{kind}={}", removed.len())), removed, message)
    })
}

fn too_many(policy: &Policy, removed: usize, before: usize) -> bool {
    let share = removed >= policy.removal_at_least && removed * 100 > policy.removal_percent * before;
    share || removed > policy.removal_at_most
}
