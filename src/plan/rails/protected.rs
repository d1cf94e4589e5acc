//! Something that the policy protects would be touched: made, changed, deleted, or its memberships and mappings changed.
//!
//! The memberships of a user that go with a group that is deleted are the group's matter: not all of them have names here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, finding};
use crate::model::{Member, Membership, UserKey, Username};
use crate::plan::diff::clients::client_of;
use crate::plan::diff::users::user_of;
use crate::plan::policy::{Name, Policy};
use crate::plan::risks::membership;
use crate::plan::{Action, Change, FieldValue, Finding, Object, Rail};

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut touched: BTreeMap<Name, (BTreeSet<&str>, Vec<u32>)> = BTreeMap::new();
    for change in case.changes {
        let own = own_names(change).into_iter().map(|name| (name, verb(change.action)));
        let others = others(case, change).into_iter().map(|name| (name, "change its memberships"));
        for (name, verb) in own.chain(others) {
            let (verbs, changes) = touched.entry(name).or_default();
            verbs.insert(verb);
            changes.push(change.id);
        }
    }
    let speak = |(name, (verbs, changes)): (Name, (BTreeSet<&str>, Vec<u32>))| {
        let key = key(case.policy, &name)?;
        let verbs: Vec<&str> = verbs.into_iter().collect();
        let message = format!("The policy protects `{name}`, and this plan would {}.", verbs.join(", and "));
        Some(finding(Rail::Protected, Some(key), changes, message))
    };
    touched.into_iter().filter_map(speak).collect()
}

/// Returns the key that allows touching this; `None`: nothing protects it.
pub(super) fn key(policy: &Policy, name: &Name) -> Option<String> {
    policy.protected.iter().any(|pattern| pattern.means(name)).then(|| format!("protected:{name}"))
}

/// The user, group or client that a change makes, changes or deletes; of a rename both names.
pub(super) fn own_names(change: &Change) -> Vec<Name> {
    match &change.object {
        Object::User { .. } => {
            let user = user_of(&change.object);
            let renamed = change.fields.iter().find_map(|field| match (&*field.name, &field.after) {
                ("username", FieldValue::Text(name)) => {
                    Some(UserKey::new(user.as_ref()?.origin.clone(), Username::new(name.clone())))
                }
                _ => None,
            });
            user.iter().chain(&renamed).map(Name::from).collect()
        }
        Object::Group { group } => vec![Name::from(group)],
        Object::Client { .. } => client_of(&change.object).map(Name::from).into_iter().collect(),
        Object::Member { .. } | Object::NestedGroup { .. } | Object::ExternalGroup { .. } => Vec::new(),
    }
}

/// Groups whose members or mappings a change changes, and users and groups whose memberships.
fn others(case: &Case<'_>, change: &Change) -> Vec<Name> {
    match (&change.object, membership(&change.object)) {
        (_, Some(Membership { group, member })) => {
            let member = match &member {
                Member::User(user) => Name::from(user),
                Member::Group(group) => Name::from(group),
            };
            vec![Name::from(&group), member]
        }
        (Object::ExternalGroup { group, .. }, None) => vec![Name::from(group)],
        (Object::Group { group }, None) if change.action == Action::DeleteGroup => {
            let id = case.before.group(group).map(|group| &group.id);
            let outer = id.map_or(&[][..], |id| case.before.containers(id));
            outer.iter().map(|outer| Name::from(&outer.name)).collect()
        }
        _ => Vec::new(),
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::CreateUser | Action::CreateGroup | Action::CreateClient => "make it",
        Action::DeleteUser | Action::DeleteGroup | Action::DeleteClient => "delete it",
        Action::UpdateUser
        | Action::UpdateGroup
        | Action::UpdateClient
        | Action::SetClientSecret
        | Action::AddMember
        | Action::RemoveMember
        | Action::MapExternalGroup
        | Action::UnmapExternalGroup => "change it",
    }
}
