//! Risks that inform without refusing, and ways in that stay open although the manifest says no.

mod departure;

use std::collections::BTreeSet;

use super::diff::Diff;
use super::diff::users::{Direction, UserField, user_of};
use super::world::{Way, World};
use super::{Action, Change, FieldChange, KeptWhy, Kind, Object, Risk};
use crate::desired::{Desired, WishState};
use crate::model::{ClusterRole, GroupName, Mapping, Member, Membership, Origin, UserKey};

/// Marks changes with what a reviewer should know, judged on the state that will result.
pub(super) fn mark(changes: &mut [Change], before: &World<'_>, after: &World<'_>) {
    let gone: BTreeSet<UserKey> = changes
        .iter()
        .filter(|change| change.action == Action::DeleteUser)
        .filter_map(|change| user_of(&change.object))
        .collect();
    for change in changes {
        let mut marks = match change.action {
            // What its removal means is said once, where the user goes.
            Action::RemoveMember if user_of(&change.object).is_some_and(|user| gone.contains(&user)) => {
                Vec::new()
            }
            Action::RemoveMember => removal(change, after),
            Action::DeleteUser => departure::user(change, before, after),
            Action::DeleteGroup => departure::group(change, before, after),
            Action::DeleteClient => {
                let mut marks = departure::client(change);
                marks.extend(super::client_risks::marks(change));
                marks
            }
            Action::UnmapExternalGroup => unmapping(change, after),
            Action::UpdateUser | Action::CreateUser => user(change, after),
            Action::CreateGroup | Action::UpdateGroup => Vec::new(),
            Action::AddMember | Action::MapExternalGroup => leads(change, after),
            Action::CreateClient | Action::UpdateClient | Action::SetClientSecret => {
                super::client_risks::marks(change)
            }
        };
        marks.sort();
        for (risk, note) in marks {
            add(change, risk, note);
        }
    }
}

/// Adds one mark. Risks stay sorted and unique.
pub(super) fn add(change: &mut Change, risk: Risk, note: String) {
    if let Err(at) = change.risks.binary_search(&risk) {
        change.risks.insert(at, risk);
    }
    if !change.notes.contains(&note) {
        change.notes.push(note);
    }
}

/// A group can lead to clusters without having a name that says so.
fn leads(change: &Change, after: &World<'_>) -> Vec<(Risk, String)> {
    let group = match &change.object {
        Object::ExternalGroup { group, .. } => group.clone(),
        object => match membership(object) {
            Some(membership) => membership.group,
            None => return Vec::new(),
        },
    };
    let scopes = after.scopes(&group);
    let reached = ClusterRole::ALL.map(ClusterRole::group).into_iter();
    let reached = reached.filter(|role| *role != group && scopes.contains(role));
    let note = |role: GroupName| format!("Who is in `{group}` holds `{role}` too.");
    reached.map(|role| (Risk::ClusterAccess, note(role))).collect()
}

fn removal(change: &Change, after: &World<'_>) -> Vec<(Risk, String)> {
    let Some(Membership { group, member }) = membership(&change.object) else { return Vec::new() };
    let ways = after.other_ways(&member, &group);
    let mut marks: Vec<_> = ways.iter().map(|way| (Risk::Residual, residual(&member, &group, way))).collect();
    // UAA judges a token by what its user holds at the time; a second way keeps it good.
    if !ways.iter().any(Way::is_certain) {
        marks.push((
            Risk::EndsSessions,
            // Without the name, which the change has: a hundred such changes share one note.
            match member {
                Member::User(_) => format!("UAA refuses the user's tokens that carry `{group}` at once."),
                Member::Group(_) => format!("UAA refuses its members' tokens that carry `{group}` at once."),
            },
        ));
    }
    marks
}

pub(super) fn residual(member: &Member, group: &GroupName, way: &Way) -> String {
    let who = match member {
        Member::User(user) => format!("`{user}`"),
        Member::Group(group) => format!("Group `{group}`"),
    };
    match way {
        Way::Default => format!("{who} still holds `{group}`: everyone in the zone does."),
        Way::Nested(inner) if inner.scopes().any(|scope| scope == *group) => format!(
            "{who} still holds `{group}`: it is in group `{inner}`, and UAA cuts that name into scopes of which this is \
             one."
        ),
        Way::Nested(inner) => {
            format!("{who} still holds `{group}`: it is in group `{inner}`, whose members hold it too.")
        }
        Way::Mapped(Mapping { group: inner, origin, external_group }) => format!(
            "{who} may hold `{group}` again from the next login on: `{external_group}` of origin `{origin}` is mapped \
             to `{inner}`."
        ),
    }
}

fn unmapping(change: &Change, after: &World<'_>) -> Vec<(Risk, String)> {
    let Object::ExternalGroup { group, origin, external_group } = &change.object else { return Vec::new() };
    let inner = after.inner(group);
    let others = inner.iter().flat_map(|name| after.mappings(name));
    let others = others.filter(|other| other.origin == *origin && other.external_group == *external_group);
    let note = |other: &&Mapping| {
        format!(
            "Whoever is in `{external_group}` of origin `{origin}` still holds `{group}`: it is also mapped to `{}`, \
             whose members hold it too.",
            other.group
        )
    };
    others.map(|other| (Risk::Residual, note(other))).collect()
}

fn user(change: &Change, after: &World<'_>) -> Vec<(Risk, String)> {
    let Object::User { origin, username } = &change.object else { return Vec::new() };
    let user = UserKey::new(origin.clone(), username.clone());
    let mut marks = Vec::new();
    for FieldChange { name, before: _, after: value } in &change.fields {
        let Some(field) = UserField::by_name(name) else { continue };
        if field.direction(value) != Direction::Takes {
            continue;
        }
        let exists = change.action == Action::UpdateUser;
        match field {
            UserField::Username => marks.push((
                Risk::EndsSessions,
                format!("A new username ends `{user}`'s sessions: UAA refuses its tokens at once."),
            )),
            UserField::Email if exists => marks.push((
                Risk::EndsSessions,
                format!("A new e-mail address ends `{user}`'s sessions: UAA refuses its tokens at once."),
            )),
            UserField::Active => {
                if exists {
                    marks
                        .push((Risk::EndsSessions, format!("Suspending `{user}` ends its sessions at UAA.")));
                }
                if !user.origin.is_uaa() {
                    marks.push((Risk::Readmitted, readmitted(&user, &user.origin)));
                    marks.extend(held_when_readmitted(&user, after));
                }
            }
            UserField::Email
            | UserField::Verified
            | UserField::GivenName
            | UserField::FamilyName
            | UserField::Phone
            | UserField::ExternalId => {}
        }
    }
    marks
}

fn readmitted(user: &UserKey, origin: &Origin) -> String {
    format!(
        "The identity provider `{origin}` lets `{user}` in again: with `scim.user.override`, BOSH's default, the next \
         login re-activates the account. Block the user there."
    )
}

/// Names the access to clusters that waits for a suspended user whom the identity provider lets in again.
fn held_when_readmitted(user: &UserKey, after: &World<'_>) -> Vec<(Risk, String)> {
    let member = Member::User(user.clone());
    let mut notes = Vec::new();
    for group in ClusterRole::ALL.map(ClusterRole::group) {
        let direct =
            after.id(&member).zip(after.group(&group)).is_some_and(|(id, group)| group.rows.contains_key(id));
        if direct {
            notes
                .push(format!("`{user}` stays a member of `{group}`, and holds it when it is let in again."));
        }
        notes.extend(after.other_ways(&member, &group).iter().map(|way| residual(&member, &group, way)));
    }
    notes.into_iter().map(|note| (Risk::Residual, note)).collect()
}

/// Keeps by name whom the manifest wants out of a group, where nothing is left to remove and a nested group lets the
/// user in all the same.
pub(super) fn keep_hidden_ways(desired: &Desired, after: &World<'_>, changes: &[Change], diff: &mut Diff) {
    let removed: std::collections::HashSet<&str> = changes
        .iter()
        .filter(|change| change.action == Action::RemoveMember)
        .map(|change| &*change.key)
        .collect();
    for (name, wishes) in &desired.memberships {
        let group = desired.groups.get(name).map_or(name, |group| &group.name);
        for (member, wish) in wishes {
            if wish.state == WishState::Present {
                continue;
            }
            let membership = Membership { group: group.clone(), member: member.clone() };
            let key = membership.to_string();
            let nested = |way: &Way| matches!(way, Way::Nested(_));
            if !removed.contains(&*key) && after.other_ways(member, group).iter().any(nested) {
                diff.keep(KeptWhy::UnaccountedAccess, Kind::Member, key);
            }
        }
    }
}

/// Returns the membership that a change is about.
pub(super) fn membership(object: &Object) -> Option<Membership> {
    match object {
        Object::Member { group, origin, username } => Some(Membership {
            group: group.clone(),
            member: Member::User(UserKey::new(origin.clone(), username.clone())),
        }),
        Object::NestedGroup { group, member_group } => {
            Some(Membership { group: group.clone(), member: Member::Group(member_group.clone()) })
        }
        Object::ExternalGroup { .. } | Object::User { .. } | Object::Group { .. } | Object::Client { .. } => {
            None
        }
    }
}
