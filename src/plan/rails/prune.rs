//! What no manifest names would be removed. That the manifest says so is not enough: a pull request can write it. The policy may.

use std::collections::{BTreeMap, BTreeSet};

use super::{finding, number};
use crate::plan::{Action, Change, Finding, Kind, Rail};

pub(super) fn findings(changes: &[Change], may: &BTreeSet<Kind>) -> Vec<Finding> {
    let mut pruned: BTreeMap<Kind, Vec<&Change>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.implied) {
        match change.action {
            // Of these, nothing but pruning is only implied.
            Action::DeleteUser | Action::UpdateUser | Action::DeleteGroup | Action::DeleteClient => {
                pruned.entry(change.kind).or_default().push(change);
            }
            Action::CreateUser
            | Action::CreateGroup
            | Action::UpdateGroup
            | Action::AddMember
            | Action::RemoveMember
            | Action::MapExternalGroup
            | Action::UnmapExternalGroup
            | Action::CreateClient
            | Action::UpdateClient
            | Action::SetClientSecret => {}
        }
    }
    pruned.retain(|kind, _| !may.contains(kind));
    pruned.into_iter().filter_map(|(kind, changes)| speak(kind, &changes)).collect()
}

fn speak(kind: Kind, changes: &[&Change]) -> Option<Finding> {
    let (noun, key) = match kind {
        Kind::User => ("user", "prune:users"),
        Kind::Group => ("group", "prune:groups"),
        Kind::Client => ("client", "prune:clients"),
        Kind::Member | Kind::ExternalGroup => return None,
    };
    let suspends = changes.iter().any(|change| change.action == Action::UpdateUser);
    let message = format!(
        "{} that no manifest names would be {}.",
        number(changes.len(), noun),
        if suspends { "suspended" } else { "deleted" }
    );
    let ids = changes.iter().map(|change| change.id).collect();
    Some(finding(Rail::Prune, Some(key.to_owned()), ids, message))
}
