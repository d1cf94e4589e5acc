//! Whether what a report says is so at the server. Only where nobody else was at work.

use std::collections::BTreeSet;

use uaapply::model::UserKey;
use uaapply::plan::{Action, Change, FieldChange, FieldValue, Object};
use uaapply::report::{Outcome, Report};
use uaapply_lab::model::{Client, Group, State, User};

/// Says what is not as the report says.
pub(crate) fn lies(report: &Report, before: &State, after: &State) -> Vec<String> {
    let mut lies = Vec::new();
    // A renamed account has two names.
    let renames = |applied: &Change| {
        applied.fields.iter().any(|field| field.name == "username" && applied.action == Action::UpdateUser)
    };
    if report.changes.iter().any(|applied| renames(&applied.change)) {
        return lies;
    }
    for (at, applied) in report.changes.iter().enumerate() {
        let change = &applied.change;
        let mut others =
            report.changes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        let made =
            |outcome: Outcome| matches!(outcome, Outcome::Done | Outcome::AlreadySo | Outcome::Unknown);
        let again = others.any(|other| other.change.object == change.object && made(other.outcome));
        let (was, is) = (is_made(change, before), is_made(change, after));
        match applied.outcome {
            // A later change of the same thing may go on from there.
            Outcome::Done | Outcome::AlreadySo if !again && is == Some(false) => {
                lies.push(format!(
                    "{:?} {}: {:?}, and it is not so",
                    change.action, change.key, applied.outcome
                ));
            }
            Outcome::Drifted | Outcome::Failed | Outcome::Held | Outcome::NotTried
                if !again && was == Some(false) && is == Some(true) =>
            {
                let error = applied.error.clone().unwrap_or_default();
                lies.push(format!(
                    "{:?} {}: {:?} ({error}), and it is made",
                    change.action, change.key, applied.outcome
                ));
            }
            Outcome::Done
            | Outcome::AlreadySo
            | Outcome::Drifted
            | Outcome::Failed
            | Outcome::Held
            | Outcome::NotTried
            | Outcome::Unknown => {}
        }
    }
    lies
}

fn user<'s>(state: &'s State, key: &UserKey) -> Option<&'s User> {
    state
        .users
        .iter()
        .find(|user| UserKey::new(user.origin.as_str().into(), user.user_name.as_str().into()) == *key)
}

fn group<'s>(state: &'s State, name: &str) -> Option<&'s Group> {
    state.groups.iter().find(|group| group.name.eq_ignore_ascii_case(name))
}

/// Whether a change is made; nothing where that cannot be seen.
fn is_made(change: &Change, state: &State) -> Option<bool> {
    let row = |group_name: &str, id: Option<&str>| {
        let group = group(state, group_name)?;
        let id = id?;
        group.members.iter().find(|row| row.member == id)
    };
    Some(match (change.action, &change.object) {
        (Action::CreateUser | Action::UpdateUser, Object::User { origin, username }) => {
            let found = user(state, &UserKey::new(origin.clone(), username.clone()));
            found.is_some_and(|user| change.fields.iter().all(|field| user_has(user, field)))
        }
        (Action::DeleteUser, Object::User { origin, username }) => {
            user(state, &UserKey::new(origin.clone(), username.clone())).is_none()
        }
        (Action::CreateGroup | Action::UpdateGroup, Object::Group { group: name }) => {
            group(state, name.as_str()).is_some_and(|group| {
                change
                    .fields
                    .iter()
                    .filter(|field| field.name == "description")
                    .all(|field| text(&field.after) == Some(group.description.clone().unwrap_or_default()))
            })
        }
        (Action::DeleteGroup, Object::Group { group: name }) => group(state, name.as_str()).is_none(),
        (Action::AddMember | Action::RemoveMember, Object::Member { group, origin, username }) => {
            let user = user(state, &UserKey::new(origin.clone(), username.clone()));
            let there = row(group.as_str(), user.map(|user| user.id.as_str())).is_some();
            there == (change.action == Action::AddMember)
        }
        (Action::AddMember | Action::RemoveMember, Object::NestedGroup { group: name, member_group }) => {
            let member = group(state, member_group.as_str());
            let there = row(name.as_str(), member.map(|group| group.id.as_str())).is_some();
            there == (change.action == Action::AddMember)
        }
        (
            Action::MapExternalGroup | Action::UnmapExternalGroup,
            Object::ExternalGroup { group: name, origin, external_group },
        ) => {
            let group = group(state, name.as_str());
            let there = state.mappings.iter().any(|mapping| {
                group.is_some_and(|group| group.id == mapping.group)
                    && mapping.origin == origin.as_str()
                    && mapping.external_group == external_group.as_str()
            });
            there == (change.action == Action::MapExternalGroup)
        }
        (Action::CreateClient | Action::UpdateClient, Object::Client { client_id }) => {
            let client = state.clients.get(client_id.as_str());
            client.is_some_and(|client| change.fields.iter().all(|field| client_has(client, field)))
        }
        (Action::DeleteClient, Object::Client { client_id }) => {
            !state.clients.contains_key(client_id.as_str())
        }
        // A secret that is right leaves no trace.
        _ => return None,
    })
}

fn text(value: &FieldValue) -> Option<String> {
    match value {
        FieldValue::None => Some(String::new()),
        FieldValue::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn user_has(user: &User, field: &FieldChange) -> bool {
    let is = |own: &str| text(&field.after).is_none_or(|text| text == own);
    let option = |own: &Option<String>| is(own.as_deref().unwrap_or_default());
    match field.name.as_str() {
        "email" => is(&user.email),
        "given_name" => option(&user.given_name),
        "family_name" => option(&user.family_name),
        "phone" => option(&user.phone),
        "external_id" => option(&user.external_id),
        "active" => field.after == FieldValue::Flag(user.active),
        "verified" => field.after == FieldValue::Flag(user.verified),
        _ => true,
    }
}

fn client_has(client: &Client, field: &FieldChange) -> bool {
    let sets = ["scope", "authorities", "authorized_grant_types", "redirect_uri"];
    match (&field.after, sets.contains(&field.name.as_str())) {
        (FieldValue::List(items), true) => {
            let wanted: BTreeSet<&str> = items.iter().map(String::as_str).collect();
            let own = client.set(&field.name);
            let own: BTreeSet<&str> =
                own.iter().map(String::as_str).filter(|item| *item != "uaa.none").collect();
            wanted.iter().filter(|item| **item != "uaa.none").all(|item| own.contains(item))
                && own.iter().all(|item| wanted.contains(item) || *item == "refresh_token")
        }
        _ => true,
    }
}
