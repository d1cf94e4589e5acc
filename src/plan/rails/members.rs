//! A group would have fewer members than the policy wants, or lack one that it requires.
//!
//! Counted are users by rows of origin `uaa`, directly or through nested groups: a login may end what it brought. Who is
//! known to be suspended does not count. What was so before is not this plan's doing.

use std::collections::BTreeSet;

use super::{Case, finding, number};
use crate::model::{GroupName, Guid, KeyPart, Member};
use crate::observed::MemberKind;
use crate::plan::diff::users::user_of;
use crate::plan::policy::MustHave;
use crate::plan::risks::membership;
use crate::plan::world::World;
use crate::plan::{Action, Change, FieldValue, Finding, Object, Rail};

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    case.policy.members.iter().filter_map(|(group, must)| speak(case, group, must)).collect()
}

fn speak(case: &Case<'_>, group: &GroupName, must: &MustHave) -> Option<Finding> {
    // A group that is still to be made lacks nothing; one that goes lacks all.
    let before = match case.before.group(group) {
        Some(_) => Lack::of(case.before, group, must),
        None => Lack::default(),
    };
    let after = match (case.before.group(group), case.after.group(group)) {
        (_, Some(_)) => Lack::of(case.after, group, must),
        (Some(_), None) => Lack { short: must.minimum, missing: must.required.iter().collect() },
        (None, None) => return None,
    };
    let fewer = after.short > before.short;
    let missing: Vec<&Member> = after.missing.difference(&before.missing).copied().collect();
    if !fewer && missing.is_empty() {
        return None;
    }
    let mut what = Vec::new();
    if fewer {
        let have = number(must.minimum - after.short, "member");
        what.push(format!("have {have}, and the policy wants at least {}", must.minimum));
    }
    if !missing.is_empty() {
        let missing: Vec<String> = missing.into_iter().map(|member| format!("`{member}`")).collect();
        what.push(format!("lack {}, whom the policy requires", missing.join(", ")));
    }
    let changes = case.changes.iter().filter(|change| concerns(case, change, group));
    let changes = changes.map(|change| change.id).collect();
    let message = format!("Group `{group}` would {}.", what.join("; and it would "));
    Some(finding(Rail::Members, Some(format!("members:{}", KeyPart(group.as_str()))), changes, message))
}

/// What a group lacks.
#[derive(Default)]
struct Lack<'p> {
    short: usize,
    missing: BTreeSet<&'p Member>,
}

impl<'p> Lack<'p> {
    fn of(world: &World<'_>, group: &GroupName, must: &'p MustHave) -> Self {
        let required = must.required.iter();
        Self {
            short: must.minimum.saturating_sub(count(world, group)),
            missing: required.filter(|member| !has(world, member, group)).collect(),
        }
    }
}

/// Counts the users who hold a group.
fn count(world: &World<'_>, group: &GroupName) -> usize {
    let mut users: BTreeSet<&Guid> = BTreeSet::new();
    for name in world.inner(group).iter() {
        let named = world.names_members_of(name);
        for (id, row) in world.observed.groups.get(name).into_iter().flat_map(|group| &group.rows) {
            let member = world.member(id, row.kind);
            let counts = match &member {
                Some(Member::User(user)) => world.user(user).is_none_or(|user| user.active),
                Some(Member::Group(_)) => false,
                // It outlived its user.
                None => !named,
            };
            if row.kind == MemberKind::User && row.origin.is_uaa() && counts {
                users.insert(id);
            }
        }
    }
    users.len()
}

fn has(world: &World<'_>, member: &Member, group: &GroupName) -> bool {
    let active = match member {
        Member::User(user) => world.user(user).is_some_and(|user| user.active),
        Member::Group(_) => true,
    };
    active && world.gets(member, group)
}

/// Tells whether a change makes the group, or takes somebody from it.
fn concerns(case: &Case<'_>, change: &Change, group: &GroupName) -> bool {
    let inner = case.before.inner(group);
    let suspends = || change.fields.iter().any(|f| f.name == "active" && f.after == FieldValue::Flag(false));
    match (change.action, &change.object) {
        (Action::RemoveMember, object) => membership(object).is_some_and(|row| inner.contains(&row.group)),
        (Action::DeleteGroup, Object::Group { group: gone }) => inner.contains(gone),
        (Action::CreateGroup, Object::Group { group: made }) => made == group,
        (Action::UpdateUser, object) if suspends() => {
            user_of(object).is_some_and(|user| case.before.gets(&Member::User(user), group))
        }
        _ => false,
    }
}
