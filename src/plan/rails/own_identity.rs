//! The identity that we are logged in as would lose what the run needs. Nothing allows that.

use std::collections::BTreeSet;

use super::{Case, finding};
use crate::model::{GroupName, Member, Membership, UserKey};
use crate::observed::Identity;
use crate::plan::diff::users::user_of;
use crate::plan::risks::membership;
use crate::plan::world::World;
use crate::plan::{Action, Change, FieldValue, Finding, Object, Rail};

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let Identity { client_id, user, scopes } = &case.before.observed.me_here();
    let mut findings = Vec::new();
    let mut refuse = |changes, message| findings.push(finding(Rail::OwnIdentity, None, changes, message));
    for change in case.changes {
        let own_client =
            matches!(&change.object, Object::Client { client_id: id } if client_id.as_ref() == Some(id));
        let own_user = user.is_some() && user_of(&change.object) == *user;
        match change.action {
            Action::DeleteClient if own_client => {
                refuse(
                    vec![change.id],
                    "The client that this run is logged in as would be deleted.".to_owned(),
                );
            }
            Action::DeleteUser if own_user => {
                refuse(
                    vec![change.id],
                    "The user that this run is logged in as would be deleted.".to_owned(),
                );
            }
            Action::UpdateUser if own_user && suspends(change) => {
                refuse(
                    vec![change.id],
                    "The user that this run is logged in as would be suspended.".to_owned(),
                );
            }
            Action::UpdateUser if own_user && renames(change) => {
                refuse(
                    vec![change.id],
                    "The user that this run is logged in as would be renamed.".to_owned(),
                );
            }
            Action::CreateUser
            | Action::UpdateUser
            | Action::DeleteUser
            | Action::CreateGroup
            | Action::UpdateGroup
            | Action::DeleteGroup
            | Action::AddMember
            | Action::RemoveMember
            | Action::MapExternalGroup
            | Action::UnmapExternalGroup
            | Action::CreateClient
            | Action::UpdateClient
            | Action::SetClientSecret
            | Action::DeleteClient => {}
        }
    }
    // That a deleted user holds nothing any more need not be said.
    let deleted = |user: &UserKey| {
        let deletes = |change: &Change| {
            change.action == Action::DeleteUser && user_of(&change.object).as_ref() == Some(user)
        };
        case.changes.iter().any(deletes)
    };
    if let Some(user) = user.as_ref().filter(|user| !deleted(user)) {
        let before = held(case.before, user);
        let (until, after) = (held(case.before_own, user), held(case.after, user));
        let lost = before.iter().filter(|group| !until.contains(group) || !after.contains(group));
        for lost in lost.filter(|group| scopes.contains(group.as_str())) {
            let message =
                format!("The user that this run is logged in as would lose `{lost}`, which its token holds.");
            refuse(takers(case, user, lost), message);
        }
    }
    findings
}

fn suspends(change: &Change) -> bool {
    change.fields.iter().any(|field| field.name == "active" && field.after == FieldValue::Flag(false))
}

fn renames(change: &Change) -> bool {
    change.fields.iter().any(|field| field.name == "username")
}

/// The groups and scopes that a user holds, directly, nested or by default.
fn held(world: &World<'_>, user: &UserKey) -> BTreeSet<GroupName> {
    let member = Member::User(user.clone());
    let containers = world.id(&member).map_or(&[][..], |id| world.containers(id));
    let mut held = world.default_groups.clone();
    for group in containers {
        held.extend(world.outer(&group.name).iter().cloned());
    }
    let scopes: Vec<GroupName> = held.iter().flat_map(GroupName::scopes).collect();
    held.extend(scopes);
    held
}

/// The removals and deletions by which the user loses the group.
fn takers(case: &Case<'_>, user: &UserKey, lost: &GroupName) -> Vec<u32> {
    let inner = case.before.inner(lost);
    let own = held(case.before, user);
    let takes = |change: &&Change| match &change.object {
        Object::Group { group } => {
            change.action == Action::DeleteGroup && inner.contains(group) && own.contains(group)
        }
        _ => {
            change.action == Action::RemoveMember
                && membership(&change.object).is_some_and(|Membership { group, member }| {
                    inner.contains(&group)
                        && match &member {
                            Member::User(member) => member == user,
                            Member::Group(member) => own.contains(member),
                        }
                })
        }
    };
    case.changes.iter().filter(takes).map(|change| change.id).collect()
}
