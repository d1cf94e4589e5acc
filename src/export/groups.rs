//! Groups: who is in them and what is mapped to them, as rows that a manifest manages; all other rows as comments.
//!
//! A group is written as an exact one. Of a group that UAA brings along, and of one that is there only because of the
//! users that are exported, an additive entry says no more than who is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Choice, listed};
use crate::manifest::write::{External, Group, Section, User};
use crate::model::{GroupName, Guid, Mapping, Member, UserKey};
use crate::observed::{MemberKind, Observed, ObservedGroup};
use crate::plan::is_shipped_group;

/// How much of a group is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Exact,
    /// Only what it gives to whom.
    Holders,
    /// Memberships of exported users, which stand on these.
    OfUsers,
    /// Nothing.
    Nothing,
}

/// Rows of a group by what can be said about them.
#[derive(Default)]
struct Rows {
    members: Vec<Member>,
    derived: Vec<String>,
    gone: Vec<String>,
    /// Users of whom there are several by one name.
    unclear: Vec<String>,
}

/// Returns the groups that are exported; memberships that are written on a user's entry are added there.
pub(super) fn section(
    choice: &Choice,
    observed: &Observed,
    defaults: &BTreeSet<GroupName>,
    users: Option<&mut Section<User>>,
) -> Option<Section<Group>> {
    let ids: BTreeMap<&Guid, &UserKey> =
        observed.users.values().map(|user| (&user.id, &user.key)).chain(observed.names.iter()).collect();
    let mut unclear = observed.ambiguous_users.clone();
    let mut seen = BTreeSet::new();
    unclear.extend(ids.values().filter(|key| !seen.insert(**key)).map(|&key| key.clone()));
    let groups: BTreeMap<&Guid, &GroupName> =
        observed.groups.values().map(|group| (&group.id, &group.name)).collect();
    let mut mappings: BTreeMap<&GroupName, Vec<&Mapping>> = BTreeMap::new();
    for mapping in &observed.mappings {
        mappings.entry(&mapping.group).or_default().push(mapping);
    }
    let exported: BTreeSet<UserKey> =
        users.iter().flat_map(|users| &users.entries).map(|user| user.key.clone()).collect();
    let mut section = Section::default();
    let (mut left, mut everyones) = (Vec::new(), Vec::new());
    let mut of_users: BTreeMap<UserKey, Vec<GroupName>> = BTreeMap::new();
    for group in observed.groups.values() {
        let mapped = mappings.remove(&group.name).unwrap_or_default();
        let is_default = defaults.contains(&group.name);
        let built_in = is_default || is_shipped_group(&group.name);
        let asked = choice.built_ins || Choice::asks_for(&choice.groups, group.name.as_str());
        let extent = match choice.group(&group.name) {
            true if !built_in || asked => Extent::Exact,
            true => Extent::Holders,
            false if users.is_some() => Extent::OfUsers,
            false => Extent::Nothing,
        };
        let rows = rows(group, &ids, &unclear, &groups);
        match extent {
            Extent::Exact => section.entries.push(exact(group, rows, &mapped, is_default)),
            Extent::Holders => {
                if is_default && rows.members.is_empty() && mapped.is_empty() {
                    everyones.push(group.name.to_string());
                } else if rows.members.is_empty() && mapped.is_empty() {
                    left.push(group.name.to_string());
                } else {
                    section.entries.push(holders(group, rows, &mapped, is_default));
                }
            }
            Extent::OfUsers if !is_default => {
                let mut any = false;
                for member in rows.members {
                    if let Member::User(key) = member
                        && exported.contains(&key)
                    {
                        of_users.entry(key).or_default().push(group.name.clone());
                        any = true;
                    }
                }
                if any {
                    section.entries.push(Group { additive: true, ..Group::new(group.name.clone()) });
                }
            }
            Extent::OfUsers | Extent::Nothing => {}
        }
    }
    if let Some(users) = users {
        for user in &mut users.entries {
            user.groups = of_users.remove(&user.key).unwrap_or_default();
        }
    }
    if !everyones.is_empty() {
        section.notes.push(format!(
            "Left out: default groups, which everyone holds (--built-ins writes them): {}",
            listed(everyones)
        ));
    }
    if !left.is_empty() {
        section.notes.push(format!(
            "Left out: groups that UAA brings along, with nobody in them (--built-ins writes them): {}",
            listed(left)
        ));
    }
    if !observed.ambiguous_groups.is_empty() && choice.has_groups() {
        section.notes.push(format!(
            "Left out, since each name means several groups that differ only in case: {}",
            listed(observed.ambiguous_groups.iter().map(ToString::to_string))
        ));
    }
    let homeless = mappings.values().flatten().filter(|mapping| choice.group(&mapping.group));
    let homeless: Vec<String> = homeless.map(ToString::to_string).collect();
    if !homeless.is_empty() {
        section
            .notes
            .push(format!("Left out: mappings into groups that are not written: {}", listed(homeless)));
    }
    (choice.has_groups() || !section.entries.is_empty()).then_some(section)
}

fn rows(
    group: &ObservedGroup,
    ids: &BTreeMap<&Guid, &UserKey>,
    unclear: &BTreeSet<UserKey>,
    groups: &BTreeMap<&Guid, &GroupName>,
) -> Rows {
    let mut rows = Rows::default();
    for (id, row) in &group.rows {
        let member = match row.kind {
            MemberKind::User => ids.get(id).map(|&key| Member::User(key.clone())),
            MemberKind::Group => groups.get(id).map(|&name| Member::Group(name.clone())),
        };
        match member {
            Some(Member::User(key)) if unclear.contains(&key) => rows.unclear.push(key.to_string()),
            Some(member) if row.origin.is_uaa() => rows.members.push(member),
            Some(member) => rows.derived.push(member.to_string()),
            None => rows.gone.push(id.to_string()),
        }
    }
    rows.members.sort();
    rows.derived.sort();
    rows
}

fn exact(group: &ObservedGroup, rows: Rows, mapped: &[&Mapping], is_default: bool) -> Group {
    let mut entry = Group::new(group.name.clone());
    entry.description = Some(group.description.clone()).filter(|text| !text.is_empty());
    fill(&mut entry, rows, mapped, is_default);
    entry
}

fn holders(group: &ObservedGroup, rows: Rows, mapped: &[&Mapping], is_default: bool) -> Group {
    let mut entry = Group { additive: true, ..Group::new(group.name.clone()) };
    entry.about.notes.push("UAA brings this group along; only who holds it is written".to_owned());
    fill(&mut entry, rows, mapped, is_default);
    entry
}

fn fill(entry: &mut Group, rows: Rows, mapped: &[&Mapping], is_default: bool) {
    let Rows { members, derived, gone, unclear } = rows;
    let notes = &mut entry.about.notes;
    let mut note = |text: String| notes.push(text);
    if !derived.is_empty() {
        note(format!(
            "Left out: members by a login, which end when the identity provider says so: {}",
            listed(derived)
        ));
    }
    if !gone.is_empty() {
        note(format!("Left out: rows whose member no longer exists or has no clear name: {}", listed(gone)));
    }
    if !unclear.is_empty() {
        note(format!(
            "Left out: members of whom there are several by one name; the group is additive here, so that they stay: {}",
            listed(unclear)
        ));
        entry.additive = true;
    }
    if is_default && !members.is_empty() {
        note(format!(
            "Left out: rows in a default group, which everyone holds without one: {}",
            listed(members.iter().map(ToString::to_string))
        ));
    } else {
        entry.members = members;
    }
    let external = |mapping: &&Mapping| External {
        origin: mapping.origin.clone(),
        group: mapping.external_group.as_str().to_owned(),
        absent: false,
    };
    if !mapped.is_empty() {
        entry.external_groups = Some(mapped.iter().map(external).collect());
    }
}
