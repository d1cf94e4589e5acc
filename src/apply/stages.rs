//! Which changes may be under way at the same time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::plan::{Change, Kind, Object, Phase};

/// Lets the changes that give to a client need the secret that is settled before them.
pub(super) fn needing<'c>(changes: &'c [Change], settle: &[Change]) -> Cow<'c, [Change]> {
    let first: BTreeMap<&Object, u32> =
        settle.iter().filter(|secret| goes_first(secret)).map(|secret| (&secret.object, secret.id)).collect();
    if first.is_empty() {
        return Cow::Borrowed(changes);
    }
    let mut changes = changes.to_vec();
    for change in changes.iter_mut().filter(|change| change.phase == Phase::Grant) {
        change.needs.extend(first.get(&change.object));
    }
    Cow::Owned(changes)
}

/// Cuts a plan's changes, and what is settled besides, into stages: all of one stage are finished before the next
/// begins.
///
/// A phase is a stage. Inside `create`, each kind is one (a group's members must exist before it, a client's scopes
/// too); inside `own`, each change is one, so that a failure leaves as much of our own access as possible. Elsewhere a
/// second change of one object waits for the first (a client's secret and its fields): two writers of one object would
/// overwrite each other. What is settled goes last, but before what the same client is given.
pub(super) fn stages<'c>(changes: &'c [Change], settle: &'c [Change]) -> Vec<Vec<&'c Change>> {
    let (first, last): (Vec<&Change>, Vec<&Change>) = settle.iter().partition(|secret| goes_first(secret));
    let mut earlier: BTreeMap<(Phase, &Object), u32> = BTreeMap::new();
    let ranked = first.into_iter().chain(changes).map(|change| {
        let earlier = earlier.entry((change.phase, &change.object)).or_default();
        let rank = rank(change, *earlier);
        *earlier += 1;
        ((change.phase, rank), change)
    });
    let mut stages: BTreeMap<(Phase, u32), Vec<&Change>> = BTreeMap::new();
    for (stage, change) in ranked {
        stages.entry(stage).or_default().push(change);
    }
    stages.into_values().chain([last]).collect()
}

/// Whether a settled secret has a place before what its client is given.
fn goes_first(secret: &Change) -> bool {
    secret.phase == Phase::Grant
}

/// Orders the stages inside a phase, knowing how many changes of the same object are earlier in it.
fn rank(change: &Change, earlier: u32) -> u32 {
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
        Phase::Update | Phase::Grant | Phase::Revoke => earlier,
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
