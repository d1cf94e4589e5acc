//! What the token must be allowed for the plan to come about (facts §1.2).

use std::collections::BTreeMap;

use super::{Action, BlindSpotWhat, Plan};
use crate::observed::Observed;

/// An authority that the token lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingAuthority {
    /// Any one of these would do; the first is the one to ask for.
    pub any_of: Vec<String>,
    /// What it is needed for, such as `create users`.
    pub needed_for: String,
}

/// Returns the authorities that the token lacks for carrying out `plan`, each with what it is needed for.
#[must_use]
pub fn missing_authorities(plan: &Plan, observed: &Observed) -> Vec<MissingAuthority> {
    let secrets = plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret);
    // Apply settles them with the request that sets one.
    let secrets = secrets.map(|_| (Action::SetClientSecret, ()));
    let actions = plan.changes.iter().map(|change| (change.action, ())).chain(secrets);
    let actions: BTreeMap<Action, ()> = actions.collect();
    let missing = actions.into_keys().filter_map(|action| {
        let (needed_for, scopes) = needs(action);
        let zone = observed.zone_by_header.then_some(observed.server.zone.as_str());
        let any_of = any_of(scopes, zone);
        let held = any_of.iter().any(|scope| observed.me.scopes.contains(scope));
        (!held).then(|| MissingAuthority { any_of, needed_for: needed_for.to_owned() })
    });
    missing.collect()
}

/// What an action is called, and the scopes of which UAA wants one, the one to ask for first.
fn needs(action: Action) -> (&'static str, &'static [&'static str]) {
    match action {
        Action::CreateUser => ("create users", &["scim.write", "scim.create"]),
        Action::UpdateUser => ("change users", &["scim.write"]),
        Action::DeleteUser => ("delete users", &["scim.write"]),
        Action::CreateGroup => ("create groups", &["scim.write", "groups.update"]),
        Action::UpdateGroup => ("change groups", &["scim.write", "groups.update"]),
        Action::DeleteGroup => ("delete groups", &["scim.write"]),
        Action::AddMember => ("add members to groups", &["scim.write", "groups.update"]),
        Action::RemoveMember => ("remove members from groups", &["scim.write"]),
        Action::MapExternalGroup => ("map external groups", &["scim.write"]),
        Action::UnmapExternalGroup => ("unmap external groups", &["scim.write"]),
        // `clients.write` alone may give a client only what it holds itself (trap 46).
        Action::CreateClient => ("create clients", &["clients.admin"]),
        Action::UpdateClient => ("change clients", &["clients.admin"]),
        Action::SetClientSecret => ("set client secrets", &["clients.admin"]),
        Action::DeleteClient => ("delete clients", &["clients.write", "clients.admin"]),
    }
}

/// What of that a token must hold: by the header of another zone that zone's scopes, and in any the one that stands for
/// all.
fn any_of(scopes: &[&str], zone_by_header: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = match zone_by_header {
        None => scopes.iter().map(|&scope| scope.to_owned()).collect(),
        Some(zone) => {
            // Bare scopes are dropped, and there is no `zones.ID.groups.update` (facts §7.1).
            let passed = ["scim.write", "scim.create", "clients.write", "clients.admin"];
            let passed = scopes.iter().filter(|scope| passed.contains(scope)).chain([&"admin"]);
            passed.map(|scope| format!("zones.{zone}.{scope}")).collect()
        }
    };
    all.push("uaa.admin".to_owned());
    all
}
