//! A privileged group gains a holder: directly, by nesting, or by a mapping.
//!
//! A group nested into it or mapped to it is a holder even when nobody is in there yet.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, finding, who};
use crate::model::{GroupName, KeyPart, Mapping, Member, Membership};
use crate::plan::risks::membership;
use crate::plan::{Action, Change, Finding, Object, Rail};

/// One holder more of one privileged group.
pub(super) struct Gain {
    pub(super) privileged: GroupName,
    pub(super) subject: Subject,
    /// The subject's own changes.
    pub(super) direct: BTreeSet<u32>,
    /// The nesting that makes them matter.
    nesting: BTreeSet<u32>,
    /// The groups that the subject is put into.
    through: BTreeSet<GroupName>,
    /// Whether a later change of the same plan ends it.
    passing: bool,
}

/// Who gains.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Member(Member),
    Mapped(Mapping),
}

/// Finds every gain. Judged where most is held: after what is given, before what is taken.
pub(super) fn gains(case: &Case<'_>) -> Vec<Gain> {
    let mut gains: BTreeMap<(GroupName, Subject), Gain> = BTreeMap::new();
    for change in case.changes {
        let Some((group, subject)) = given(change) else { continue };
        for privileged in &case.widest.scopes(&group) {
            if !case.policy.is_privileged(privileged) || had(case, &subject, privileged) {
                continue;
            }
            let subject = common(&subject, privileged);
            let gain = gains.entry((privileged.clone(), subject.clone())).or_insert_with(|| Gain {
                privileged: case
                    .desired
                    .groups
                    .get(privileged)
                    .map_or(privileged, |group| &group.name)
                    .clone(),
                passing: !keeps(case, &subject, privileged),
                subject,
                direct: BTreeSet::new(),
                nesting: BTreeSet::new(),
                through: BTreeSet::new(),
            });
            gain.direct.insert(change.id);
            gain.through.insert(group.clone());
        }
    }
    let mut gains: Vec<Gain> = gains.into_values().collect();
    let nestings: Vec<(u32, Membership)> = case
        .changes
        .iter()
        .filter(|change| {
            change.action == Action::AddMember && matches!(change.object, Object::NestedGroup { .. })
        })
        .filter_map(|change| Some((change.id, membership(&change.object)?)))
        .collect();
    for gain in &mut gains {
        for (id, Membership { group: outer, member }) in &nestings {
            let Member::Group(inner) = member else { continue };
            let from = gain.through.iter().any(|start| case.widest.outer(start).contains(inner));
            if from && case.widest.inner(&gain.privileged).contains(outer) {
                gain.nesting.insert(*id);
            }
        }
    }
    gains
}

/// What a change gives, and to whom.
fn given(change: &Change) -> Option<(GroupName, Subject)> {
    match (change.action, &change.object) {
        (Action::AddMember, object) => {
            let Membership { group, member } = membership(object)?;
            Some((group, Subject::Member(member)))
        }
        (Action::MapExternalGroup, Object::ExternalGroup { group, origin, external_group }) => {
            let mapping = Mapping {
                group: group.clone(),
                origin: origin.clone(),
                external_group: external_group.clone(),
            };
            Some((group.clone(), Subject::Mapped(mapping)))
        }
        _ => None,
    }
}

/// One external group is one subject, whichever groups it is mapped to.
fn common(subject: &Subject, privileged: &GroupName) -> Subject {
    match subject {
        Subject::Member(_) => subject.clone(),
        Subject::Mapped(mapping) => Subject::Mapped(Mapping { group: privileged.clone(), ..mapping.clone() }),
    }
}

/// Tells whether the subject held it before. What does not count: a membership that a login brought, and may end; and
/// the scope alone, by a group `a,privileged`, whose case may be another.
fn had(case: &Case<'_>, subject: &Subject, privileged: &GroupName) -> bool {
    match subject {
        // A group in a cycle is no holder of itself.
        Subject::Member(Member::Group(group)) if group == privileged => true,
        Subject::Member(member) => case.before.holds(member, privileged),
        Subject::Mapped(mapping) => case.before.maps(mapping, privileged),
    }
}

fn keeps(case: &Case<'_>, subject: &Subject, privileged: &GroupName) -> bool {
    match subject {
        Subject::Member(member) => case.after.gets(member, privileged),
        Subject::Mapped(mapping) => case.after.gets_mapped(mapping, privileged),
    }
}

pub(super) fn findings(gains: &[Gain]) -> Vec<Finding> {
    gains.iter().map(|gain| finding(Rail::Escalates, Some(key(gain)), changes(gain), message(gain))).collect()
}

fn changes(gain: &Gain) -> Vec<u32> {
    gain.direct.union(&gain.nesting).copied().collect()
}

fn key(gain: &Gain) -> String {
    let group = KeyPart(gain.privileged.as_str());
    match &gain.subject {
        Subject::Member(member) => format!("escalates:{group}/{member}"),
        Subject::Mapped(Mapping { origin, external_group, .. }) => {
            // Not the key of a user of that origin and name.
            format!(
                "escalates:{group}/mapped:{}/{}",
                KeyPart(origin.as_str()),
                KeyPart(external_group.as_str())
            )
        }
    }
}

fn message(gain: &Gain) -> String {
    let who = match &gain.subject {
        Subject::Member(member) => who(member),
        Subject::Mapped(Mapping { origin, external_group, .. }) => {
            format!("everyone in `{external_group}` of origin `{origin}`")
        }
    };
    let through: Vec<String> = gain
        .through
        .iter()
        .filter(|group| **group != gain.privileged)
        .map(|group| format!("`{group}`"))
        .collect();
    let through = match through.len() {
        0 => String::new(),
        1 => format!(" through group {}", through[0]),
        _ => format!(" through groups {}", through.join(", ")),
    };
    let passing = if gain.passing { ", until a later change of this plan ends it" } else { "" };
    let mut message =
        format!("{who} would hold the privileged group `{}`{through}{passing}.", gain.privileged);
    if let Some(first) = message.get(..1).map(str::to_uppercase) {
        message.replace_range(..1, &first);
    }
    message
}
