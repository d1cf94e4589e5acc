//! Many removals at once: a share of a group's members or of the mappings in scope, or simply too many.

use super::empties::empties;
use super::{Case, Count, finding, number};
use crate::model::KeyPart;
use crate::plan::policy::Policy;
use crate::plan::{Action, Finding, Rail};

pub(super) fn findings(case: &Case<'_>, counts: &[Count]) -> Vec<Finding> {
    let groups = counts
        .iter()
        .filter(|count| !empties(count) && too_many(case.policy, count.removed.len(), count.before))
        .map(|Count { name, exact: _, before, removed, added: _ }| {
            let message =
                format!("Group `{name}` would lose {} of its {}.", removed.len(), number(*before, "member"));
            finding(
                Rail::Removals,
                Some(format!("removals:{}", KeyPart(name.as_str()))),
                removed.clone(),
                message,
            )
        });
    groups.chain(mappings(case)).collect()
}

fn mappings(case: &Case<'_>) -> Option<Finding> {
    let managed = case.desired.groups.values().filter(|group| group.external_groups.is_some());
    let before: usize = managed.map(|group| case.before.mappings(&group.name).len()).sum();
    let unmaps = case.changes.iter().filter(|change| change.action == Action::UnmapExternalGroup);
    let removed: Vec<u32> = unmaps.map(|change| change.id).collect();
    too_many(case.policy, removed.len(), before).then(|| {
        let message = format!(
            "{} of the {} in scope would be removed.",
            removed.len(),
            number(before, "external group mapping")
        );
        finding(Rail::Removals, Some(format!("removals:external_group={}", removed.len())), removed, message)
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of members stay far below 2^52")]
fn too_many(policy: &Policy, removed: usize, before: usize) -> bool {
    let share = removed >= policy.removal_at_least && removed as f64 > policy.removal_share * before as f64;
    share || removed > policy.removal_at_most
}
