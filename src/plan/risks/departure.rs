//! What goes along when a user, group or client is deleted, and which ways in stay open all the same.

use std::collections::BTreeSet;

use super::residual;
use crate::model::{ClusterRole, GroupName, Mapping, Member};
use crate::observed::MemberKind;
use crate::plan::diff::is_undeletable;
use crate::plan::diff::users::user_of;
use crate::plan::world::{Way, World};
use crate::plan::{Change, Object, Risk};

/// So many names stand in one sentence.
const SHOWN: usize = 20;

/// A user: memberships of every origin, approvals, tokens.
pub(super) fn user(change: &Change, before: &World<'_>, after: &World<'_>) -> Vec<(Risk, String)> {
    let Some(user) = user_of(&change.object) else { return Vec::new() };
    let Some(observed) = before.user(&user) else { return Vec::new() };
    let groups: BTreeSet<&GroupName> =
        before.containers(&observed.id).iter().map(|group| &group.name).collect();
    let memberships = match groups.len() {
        0 => String::new(),
        1 => format!("its membership of {}, ", names(groups.iter())),
        _ => format!("its memberships of {}, ", names(groups.iter())),
    };
    let mut marks = vec![
        (
            Risk::TakesAlong,
            format!("Deleting `{user}` takes along {memberships}its approvals and its tokens."),
        ),
        (Risk::EndsSessions, format!("Deleting `{user}` ends its sessions at UAA.")),
    ];
    if !user.origin.is_uaa() {
        marks.push((
            Risk::Readmitted,
            format!(
                "Origin `{}` lets `{user}` in again at the next login, as a new account. Block the user there.",
                user.origin
            ),
        ));
        let member = Member::User(user.clone());
        let cluster = ClusterRole::ALL.map(ClusterRole::group);
        let ways: BTreeSet<&GroupName> = groups.into_iter().chain(&cluster).collect();
        for group in ways {
            let ways = after.other_ways(&member, group);
            let mapped = ways.iter().filter(|way| matches!(way, Way::Mapped(_)));
            marks.extend(mapped.map(|way| (Risk::Residual, residual(&member, group, way))));
        }
    }
    marks
}

/// A group: its members, its place in other groups, its mappings.
pub(super) fn group(change: &Change, before: &World<'_>, after: &World<'_>) -> Vec<(Risk, String)> {
    let Object::Group { group: name } = &change.object else { return Vec::new() };
    let Some(group) = before.group(name) else { return Vec::new() };
    let mut marks = Vec::new();
    let mut along = Vec::new();
    if !group.rows.is_empty() {
        along.push(members(before, name));
    }
    let outer: BTreeSet<&GroupName> = before.containers(&group.id).iter().map(|group| &group.name).collect();
    if !outer.is_empty() {
        along.push(format!("its place in {}, which its members hold too", names(outer.iter())));
    }
    let mapped: Vec<&Mapping> = before.mappings(name).to_vec();
    if !mapped.is_empty() {
        let shown =
            names(mapped.iter().map(|mapping| format!("{}/{}", mapping.origin, mapping.external_group)));
        let alone = mapped.iter().any(|mapping| is_undeletable(&mapping.external_group));
        let alone = if alone { " (those that UAA cannot delete alone go too)" } else { "" };
        along.push(format!("its mappings from {shown}{alone}"));
    }
    if !along.is_empty() {
        marks.push((Risk::TakesAlong, format!("Deleting group `{name}` takes along {}.", along.join("; "))));
    }
    if !group.rows.is_empty() || !mapped.is_empty() {
        marks.push((
            Risk::EndsSessions,
            format!("UAA refuses its members' tokens that carry `{name}` at once."),
        ));
    }
    // Whoever was in it may hold the groups that it was nested in by another way.
    for outer in outer {
        for (id, row) in &group.rows {
            let Some(member) = before.member(id, row.kind) else { continue };
            if after.id(&member).is_none() || after.group(outer).is_none() {
                continue;
            }
            let direct = after.group(outer).is_some_and(|outer| outer.rows.contains_key(id));
            if direct {
                continue;
            }
            let ways = after.other_ways(&member, outer);
            marks.extend(ways.iter().map(|way| (Risk::Residual, residual(&member, outer, way))));
        }
    }
    marks
}

/// A client: approvals and tokens.
pub(super) fn client(change: &Change) -> Vec<(Risk, String)> {
    let Object::Client { client_id } = &change.object else { return Vec::new() };
    vec![
        (
            Risk::TakesAlong,
            format!("Deleting client `{client_id}` takes along the approvals that users gave it."),
        ),
        (Risk::EndsSessions, format!("UAA refuses the tokens of client `{client_id}` at once.")),
    ]
}

/// Names the members of a group, as far as they are known.
fn members(world: &World<'_>, name: &GroupName) -> String {
    let Some(group) = world.group(name) else { return String::new() };
    let known: BTreeSet<String> = group
        .rows
        .iter()
        .filter_map(|(id, row)| world.member(id, row.kind))
        .map(|member| member.to_string())
        .collect();
    let unknown = group.rows.len() - known.len();
    let of = |kind| group.rows.values().filter(|row| row.kind == kind).count();
    let number = match (of(MemberKind::User), of(MemberKind::Group)) {
        (1, 0) | (0, 1) => "its membership".to_owned(),
        (users, groups) => format!("its {} memberships", users + groups),
    };
    match (known.is_empty(), unknown) {
        (true, _) => number,
        (false, 0) => format!("{number}: {}", names(known.iter())),
        (false, _) => format!("{number}: {} and {unknown} without a name here", names(known.iter())),
    }
}

/// Lists names, the first of them when they are many.
fn names(all: impl ExactSizeIterator<Item = impl std::fmt::Display>) -> String {
    let more = all.len().saturating_sub(SHOWN);
    let shown: Vec<String> = all.take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}
