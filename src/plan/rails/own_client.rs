//! The client that we are logged in as would lose what the run needs, or its way to log in. Nothing allows that.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, client_states, finding};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::observed::Identity;
use crate::plan::diff::clients::{client_of, names};
use crate::plan::{Action, Finding, Rail};

/// A token must last at least so long that the requests under way come through.
const SHORTEST: i64 = 60;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let me = &case.before.observed.me_here();
    let Some(own) = &me.client_id else { return Vec::new() };
    let mut losses: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for change in case.changes {
        if change.action == Action::SetClientSecret && client_of(&change.object) == Some(own) {
            losses
                .entry("have another secret, and this run's token would be refused at once".to_owned())
                .or_default()
                .insert(change.id);
        }
    }
    for (client, states) in client_states(case) {
        if client != *own {
            continue;
        }
        let mut from = &states.before;
        for (id, state) in &states.steps {
            for loss in lost(me, &states.before, from, state) {
                losses.entry(loss).or_default().insert(*id);
            }
            from = state;
        }
    }
    let speak = |(loss, changes): (String, BTreeSet<u32>)| {
        let message = format!("The client that this run is logged in as would {loss}.");
        finding(Rail::OwnIdentity, None, changes.into_iter().collect(), message)
    };
    losses.into_iter().map(speak).collect()
}

/// What the step from one state to the next takes that the run has had.
fn lost(me: &Identity, before: &ClientFields, from: &ClientFields, to: &ClientFields) -> Vec<String> {
    let gone = |field: &ClientField| -> BTreeSet<String> {
        let had: BTreeSet<String> = names(before, field).intersection(&names(from, field)).cloned().collect();
        had.difference(&names(to, field)).cloned().collect()
    };
    let differs = |field: &ClientField| from.get(field) != to.get(field);
    let mut lost = Vec::new();
    // A token of the client itself carries authorities; one of a user carries scopes.
    let (held, word) = match me.user {
        None => (ClientField::Authorities, "authority"),
        Some(_) => (ClientField::Scope, "scope"),
    };
    for name in gone(&held).intersection(&me.scopes) {
        lost.push(format!("lose the {word} `{name}`, which this run's token holds"));
    }
    for grant in gone(&ClientField::AuthorizedGrantTypes) {
        // Which of them a user's token came by is not known here.
        if (grant == "client_credentials") == me.user.is_none() {
            lost.push(format!("lose the grant type `{grant}`, and so its way to log in"));
        }
    }
    if differs(&ClientField::TokenSalt) {
        lost.push("have another token salt, and this run's token would be refused at once".to_owned());
    }
    if let (true, Some(ClientValue::Number(seconds))) =
        (differs(&ClientField::AccessTokenValidity), to.get(&ClientField::AccessTokenValidity))
        && *seconds < SHORTEST
    {
        lost.push(format!("get tokens that last {seconds} seconds, too short for a run"));
    }
    if let Some(user) = &me.user {
        let added: Vec<String> = names(to, &ClientField::RequiredUserGroups)
            .difference(&names(from, &ClientField::RequiredUserGroups))
            .filter(|group| !me.scopes.contains(*group))
            .cloned()
            .collect();
        for group in added {
            lost.push(format!(
                "be closed to users who are not in `{group}`, and nothing shows that `{user}` is"
            ));
        }
        if let (true, Some(ClientValue::Set(allowed))) =
            (differs(&ClientField::Allowedproviders), to.get(&ClientField::Allowedproviders))
            && !allowed.contains(user.origin.as_str())
        {
            lost.push(format!("be closed to users of origin `{}`, of whom `{user}` is one", user.origin));
        }
        if differs(&ClientField::Allowpublic) && !to.contains_key(&ClientField::Allowpublic) {
            lost.push("no longer be public, which may be how this run logged in".to_owned());
        }
    }
    lost
}
