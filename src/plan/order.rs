//! The order of a plan: phases, then names, and the numbers that follow from it.

use std::collections::BTreeMap;

use super::diff::users::user_of;
use super::{Change, Kind, Object, Phase};
use crate::observed::Identity;

/// Sorts changes, numbers them by place, and lets `needs` speak of the new numbers.
///
/// What touches the identity that we are logged in as goes last, in the order that it would have had.
pub(super) fn order(mut changes: Vec<Change>, me: &Identity) -> Vec<Change> {
    let phases: Vec<Phase> = changes.iter().map(|change| change.phase).collect();
    for change in &mut changes {
        if touches(change, me) {
            change.phase = Phase::Own;
        }
    }
    changes.sort_by(|a, b| {
        let sorted = |change: &Change| {
            let phase = phases[change.id as usize];
            (change.phase, phase, rank(phase, change.kind))
        };
        (sorted(a), &a.key).cmp(&(sorted(b), &b.key))
    });
    let mut places = vec![0; changes.len()];
    for (place, change) in (0..).zip(&changes) {
        places[change.id as usize] = place;
    }
    for change in &mut changes {
        change.id = places[change.id as usize];
        for need in &mut change.needs {
            *need = places[*need as usize];
        }
        change.needs.sort_unstable();
    }
    changes
}

/// Keeps some of the changes, numbered anew.
pub(super) fn retain(changes: &mut Vec<Change>, keep: impl Fn(&Change) -> bool) {
    changes.retain(keep);
    let places: BTreeMap<u32, u32> = (0..).zip(&*changes).map(|(place, change)| (change.id, place)).collect();
    for change in changes {
        change.id = places[&change.id];
        change.needs = change.needs.iter().filter_map(|need| places.get(need).copied()).collect();
    }
}

/// Orders kinds inside a phase: what hangs on something is deleted before it.
fn rank(phase: Phase, kind: Kind) -> (u8, Kind) {
    let first = match (phase, kind) {
        (Phase::Delete, Kind::Member) => 0,
        (Phase::Delete, Kind::ExternalGroup) => 1,
        (Phase::Delete, Kind::User | Kind::Group | Kind::Client) => 2,
        (Phase::Create | Phase::Update | Phase::Grant | Phase::Revoke | Phase::Own, _) => 0,
    };
    (first, kind)
}

/// Tells whether a change is about the client or user that we are logged in as.
fn touches(change: &Change, me: &Identity) -> bool {
    let Identity { client_id, user, scopes: _ } = me;
    match &change.object {
        Object::Client { client_id: client } => client_id.as_ref() == Some(client),
        object @ (Object::User { .. } | Object::Member { .. }) => user.is_some() && user_of(object) == *user,
        Object::NestedGroup { .. } | Object::ExternalGroup { .. } | Object::Group { .. } => false,
    }
}
