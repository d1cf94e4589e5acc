//! What somebody or something that goes leaves behind: its fields, as changes to nothing.
//!
//! A report carries them, so that `undo` can bring back what a deletion took along. Never a secret, and nothing that
//! was not read for sure: that a client needed no groups must not follow from nobody having looked.

use std::collections::BTreeSet;

use super::is_undeletable;
use super::users::UserField;
use crate::client::{self, ClientField, ClientFieldKind, ClientValue};
use crate::model::{ClientId, KeyPart, Member};
use crate::observed::{MemberRow, ObservedGroup, ObservedUser};
use crate::plan::shown_value;
use crate::plan::world::World;
use crate::plan::{FieldChange, FieldValue};

/// A group's members, by rows of origin `uaa`; as plans name them behind the group.
pub(in crate::plan) const MEMBERS: &str = "members";
/// Those that logins brought.
pub(in crate::plan) const DERIVED_MEMBERS: &str = "derived_members";
/// How many rows were of members that had no name here.
pub(in crate::plan) const UNNAMED_MEMBERS: &str = "unnamed_members";
/// The groups that it was nested in, by rows of origin `uaa`.
pub(in crate::plan) const MEMBER_OF: &str = "member_of";
/// Those by other rows.
pub(in crate::plan) const DERIVED_MEMBER_OF: &str = "derived_member_of";
/// Mappings to it that UAA does not delete alone: `origin/name`. The others are changes of their own.
pub(in crate::plan) const EXTERNAL_GROUPS: &str = "external_groups";
/// The origin of a membership, where it is not `uaa`.
pub(in crate::plan) const ORIGIN: &str = "origin";

fn left(name: &str, before: FieldValue) -> FieldChange {
    FieldChange { name: name.to_owned(), before, after: FieldValue::None }
}

pub(super) fn user(user: &ObservedUser) -> Vec<FieldChange> {
    let all = UserField::ALL.into_iter().map(|field| left(field.name(), field.held(user)));
    all.filter(|field| field.before != FieldValue::Text(String::new())).collect()
}

pub(super) fn row(row: &MemberRow) -> Vec<FieldChange> {
    match row.origin.is_uaa() {
        true => Vec::new(),
        false => vec![left(ORIGIN, FieldValue::Text(row.origin.to_string()))],
    }
}

pub(super) fn group(group: &ObservedGroup, world: &World<'_>) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    if !group.description.is_empty() {
        fields.push(left("description", FieldValue::Text(group.description.clone())));
    }
    let mut unnamed = 0;
    let mut members: [BTreeSet<Member>; 2] = Default::default();
    for (id, row) in &group.rows {
        match world.member(id, row.kind) {
            Some(member) => {
                members[usize::from(!row.origin.is_uaa())].insert(member);
            }
            None => unnamed += 1,
        }
    }
    let mut outer: [BTreeSet<Member>; 2] = Default::default();
    for container in world.containers(&group.id) {
        let derived = container.rows.get(&group.id).is_some_and(|row| !row.origin.is_uaa());
        outer[usize::from(derived)].insert(Member::Group(container.name.clone()));
    }
    let mappings =
        world.mappings(&group.name).iter().filter(|mapping| is_undeletable(&mapping.external_group));
    let mappings: BTreeSet<String> = mappings
        .map(|mapping| {
            format!("{}/{}", KeyPart(mapping.origin.as_str()), KeyPart(mapping.external_group.as_str()))
        })
        .collect();
    let names = |all: &BTreeSet<Member>| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let lists = [
        (MEMBERS, names(&members[0])),
        (DERIVED_MEMBERS, names(&members[1])),
        (MEMBER_OF, names(&outer[0])),
        (DERIVED_MEMBER_OF, names(&outer[1])),
        (EXTERNAL_GROUPS, mappings.into_iter().collect()),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    fields.extend(lists.map(|(name, list)| left(name, FieldValue::List(list))));
    if unnamed > 0 {
        fields.push(left(UNNAMED_MEMBERS, FieldValue::Number(unnamed)));
    }
    fields
}

pub(super) fn client(id: &ClientId, world: &World<'_>) -> Vec<FieldChange> {
    let Some(mut found) = world.client(id) else { return Vec::new() };
    let mut fields = Vec::new();
    if world.knows_all_of(id) {
        // Said also where there are none: that nobody asked is another thing.
        let groups = found.remove(&ClientField::RequiredUserGroups);
        let groups = groups.as_ref().map_or(FieldValue::None, shown_value);
        fields.push(left(&ClientField::RequiredUserGroups.name(), groups));
    } else {
        found.retain(|field, _| *field != ClientField::RequiredUserGroups && !field.is_metadata());
    }
    fields.extend(found.iter().map(|(field, value)| left(&field.name(), shown(field, value))));
    fields
}

/// Shows a property. Further information that looks like a secret is one.
fn shown(field: &ClientField, value: &ClientValue) -> FieldValue {
    let secret = match (field, value) {
        (ClientField::Extra(key), ClientValue::Json(json)) => client::names_a_secret(key, json),
        (field, _) => field.kind() == ClientFieldKind::Secret,
    };
    if secret { FieldValue::redacted() } else { shown_value(value) }
}
