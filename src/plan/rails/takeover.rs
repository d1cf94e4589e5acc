//! Someone who holds something privileged, or will, could become another: a user by another name or e-mail address or by
//! being let in again, a client by another secret or a wider way in.
//!
//! What narrows a way in is no takeover. That an account appears is not one either: what it is given is for `escalates`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, client_states, finding};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::model::{ClientId, Member, UserKey};
use crate::plan::diff::clients::{client_of, names};
use crate::plan::diff::users::user_of;
use crate::plan::policy::Name;
use crate::plan::{Action, FieldChange, FieldValue, Finding, Rail};

/// What changes about one user or client, and by which changes.
#[derive(Default)]
struct Opening {
    ways: BTreeSet<String>,
    changes: BTreeSet<u32>,
}

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    users(case).into_iter().chain(clients(case)).collect()
}

/// The key that allows it.
pub(super) fn key(name: &Name) -> String {
    format!("takeover:{name}")
}

fn users(case: &Case<'_>) -> Vec<Finding> {
    let mut openings: BTreeMap<UserKey, Opening> = BTreeMap::new();
    for change in case.changes.iter().filter(|change| change.action == Action::UpdateUser) {
        let Some(user) = user_of(&change.object) else { continue };
        for way in change.fields.iter().filter_map(way) {
            let opening = openings.entry(user.clone()).or_default();
            opening.ways.insert(way);
            opening.changes.insert(change.id);
        }
    }
    let speak = |(user, opening): (UserKey, Opening)| {
        let held = privileged(case, &user);
        let message = format!(
            "`{user}`, who holds {}, would {}.",
            held.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", "),
            and(opening.ways)
        );
        let changes = opening.changes.into_iter().collect();
        (!held.is_empty()).then(|| finding(Rail::Takeover, Some(key(&Name::from(&user))), changes, message))
    };
    openings.into_iter().filter_map(speak).collect()
}

/// How a field's change lets another person in.
fn way(field: &FieldChange) -> Option<String> {
    match (&*field.name, &field.after) {
        ("username", FieldValue::Text(name)) => Some(format!("be called `{name}`")),
        ("email", FieldValue::Text(email)) => {
            Some(format!("get the e-mail address `{email}`, by which the password can be reset"))
        }
        ("active", FieldValue::Flag(true)) => Some("be let in again".to_owned()),
        _ => None,
    }
}

/// The privileged groups that a user holds before or while most is held, by rows of any origin, directly or nested.
fn privileged(case: &Case<'_>, user: &UserKey) -> BTreeSet<String> {
    let held = [case.before, case.widest].into_iter().flat_map(|world| {
        let id = world.id(&Member::User(user.clone()));
        id.map(|id| world.held(id)).unwrap_or_default()
    });
    held.filter(|group| case.policy.is_privileged(group)).map(String::from).collect()
}

fn clients(case: &Case<'_>) -> Vec<Finding> {
    let mut openings: BTreeMap<ClientId, Opening> = BTreeMap::new();
    for (client, states) in client_states(case) {
        // A new client has no way in that could be widened.
        if case.before.client(&client).is_none() {
            continue;
        }
        let mut from = &states.before;
        for (id, to) in &states.steps {
            let ways = opened(from, to);
            if !ways.is_empty() {
                let opening = openings.entry(client.clone()).or_default();
                opening.ways.extend(ways);
                opening.changes.insert(*id);
            }
            from = to;
        }
    }
    for change in case.changes.iter().filter(|change| change.action == Action::SetClientSecret) {
        let Some(client) = client_of(&change.object) else { continue };
        let opening = openings.entry(client.clone()).or_default();
        opening.ways.insert("get another secret".to_owned());
        opening.changes.insert(change.id);
    }
    let speak = |(client, opening): (ClientId, Opening)| {
        let message = format!(
            "The privileged client `{client}` would {}: whoever gets in by it can do all that the client can.",
            and(opening.ways)
        );
        let changes = opening.changes.into_iter().collect();
        is_privileged(case, &client)
            .then(|| finding(Rail::Takeover, Some(key(&Name::from(&client))), changes, message))
    };
    openings.into_iter().filter_map(speak).collect()
}

/// The ways in that `to` has and `from` lacks.
fn opened(from: &ClientFields, to: &ClientFields) -> Vec<String> {
    use ClientField as F;
    let more = |field: &F, from: &ClientFields, to: &ClientFields| -> Vec<String> {
        let (old, new) = (names(from, field), names(to, field));
        new.difference(&old).cloned().collect()
    };
    let mut ways = Vec::new();
    let grants = more(&F::AuthorizedGrantTypes, from, to);
    ways.extend(grants.into_iter().map(|grant| format!("get the grant type `{grant}`")));
    let uris = more(&F::RedirectUri, from, to);
    ways.extend(uris.into_iter().map(|uri| format!("send users back to `{uri}`")));
    let is_public = |state: &ClientFields| state.get(&F::Allowpublic) == Some(&ClientValue::Flag(true));
    if is_public(to) && !is_public(from) {
        ways.push("be usable without its secret".to_owned());
    }
    match (from.contains_key(&F::Allowedproviders), to.contains_key(&F::Allowedproviders)) {
        // Without the property every provider is allowed.
        (true, false) => ways.push("be open to users of every identity provider".to_owned()),
        (true, true) => {
            let providers = more(&F::Allowedproviders, from, to);
            ways.extend(providers.into_iter().map(|name| format!("be open to users of `{name}`")));
        }
        (false, _) => {}
    }
    // A user must be in all of them.
    let dropped = more(&F::RequiredUserGroups, to, from);
    ways.extend(dropped.into_iter().map(|group| format!("be open to users who are not in `{group}`")));
    ways
}

/// Tells whether the client has something privileged before, after or on the way.
pub(super) fn is_privileged(case: &Case<'_>, client: &ClientId) -> bool {
    let holds = |state: ClientFields| {
        let authorities = names(&state, &ClientField::Authorities);
        let scope = names(&state, &ClientField::Scope);
        authorities.iter().any(|name| case.policy.is_privileged_authority(name))
            || scope.iter().any(|name| case.policy.reaches_privileged(name))
    };
    [case.before, case.widest, case.after].into_iter().filter_map(|world| world.client(client)).any(holds)
}

fn and(ways: BTreeSet<String>) -> String {
    ways.into_iter().collect::<Vec<_>>().join(", and ")
}
