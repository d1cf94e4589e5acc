//! Which changes may be under way at the same time.

use crate::plan::{Change, Kind, Phase};

/// Cuts a plan's changes into stages: all of one stage are finished before the next begins.
///
/// A phase is a stage. Inside `create`, each kind is one (a group's members must exist before it, a client's scopes
/// too); inside `own`, each change is one, so that a failure leaves as much of our own access as possible.
pub(super) fn stages(changes: &[Change]) -> Vec<Vec<&Change>> {
    let mut stages: Vec<Vec<&Change>> = Vec::new();
    let mut last = None;
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_by_key(|change| (change.phase, rank(change), change.id));
    for change in ordered {
        let stage = (change.phase, rank(change));
        match stages.last_mut() {
            Some(open) if last == Some(stage) => open.push(change),
            _ => stages.push(vec![change]),
        }
        last = Some(stage);
    }
    stages
}

/// Orders the stages inside a phase.
fn rank(change: &Change) -> u32 {
    match change.phase {
        Phase::Create => kind_rank(change.kind),
        // Memberships of a user before the user, mappings before their group; then users, groups, clients.
        Phase::Delete => match change.kind {
            Kind::Member => 0,
            Kind::ExternalGroup => 1,
            Kind::User => 2,
            Kind::Group => 3,
            Kind::Client => 4,
        },
        Phase::Own => change.id,
        Phase::Update | Phase::Grant | Phase::Revoke => 0,
    }
}

/// Users, then groups, then clients.
fn kind_rank(kind: Kind) -> u32 {
    match kind {
        Kind::User => 0,
        Kind::Group => 1,
        Kind::Client => 2,
        Kind::ExternalGroup => 3,
        Kind::Member => 4,
    }
}
