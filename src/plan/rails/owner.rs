//! A manifest file speaks about what the policy gives to another file.
//!
//! A membership or a mapping is its group's matter, whoever the member is; only what goes along with a user who is
//! deleted is the user's. What no file owns, every file may speak about.

use std::collections::BTreeMap;

use super::protected::own_names;
use super::{Case, finding};
use crate::desired::Because;
use crate::model::KeyPart;
use crate::plan::policy::{Name, Policy, matches};
use crate::plan::risks::membership;
use crate::plan::{Change, Finding, Object, Phase, Rail};

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<String, (String, Vec<u32>)> = BTreeMap::new();
    for change in case.changes {
        for name in spoken_about(change) {
            if let Some((key, message)) = objection(case.policy, &change.because, &name) {
                found.entry(key).or_insert_with(|| (message, Vec::new())).1.push(change.id);
            }
        }
    }
    let speak = |(key, (message, changes))| finding(Rail::Owner, Some(key), changes, message);
    found.into_iter().map(speak).collect()
}

fn spoken_about(change: &Change) -> Vec<Name> {
    match (&change.object, membership(&change.object)) {
        (Object::Member { .. }, _) if change.phase == Phase::Delete => Vec::new(),
        (_, Some(membership)) => vec![Name::from(&membership.group)],
        (Object::ExternalGroup { group, .. }, None) => vec![Name::from(group)],
        (_, None) => own_names(change),
    }
}

/// Returns the key and the words against this file's speaking about this; `None`: it may.
pub(super) fn objection(policy: &Policy, because: &Because, name: &Name) -> Option<(String, String)> {
    let owners = policy.owners.iter().filter(|(_, names)| names.iter().any(|pattern| pattern.means(name)));
    let owners: Vec<&String> = owners.map(|(file, _)| file).collect();
    if owners.is_empty() || owners.iter().any(|file| is_file(file, &because.file)) {
        return None;
    }
    let owners: Vec<String> = owners.into_iter().map(|file| format!("`{file}`")).collect();
    let message = format!(
        "`{}` speaks about `{name}`, which the policy gives to {}.",
        because.file,
        owners.join(" and ")
    );
    Some((format!("owner:{}/{name}", KeyPart(&because.file)), message))
}

/// Tells whether a file is meant: by its whole path, or by the end of it from any folder on.
fn is_file(pattern: &str, file: &str) -> bool {
    matches(pattern, file) || matches(&format!("*/{pattern}"), file)
}
