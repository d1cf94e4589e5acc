//! What of a report is still as it left it, and what is not.
//!
//! Each object by itself: as the report left it, it is to be undone; as it was before, nothing is to do; anything else
//! somebody did since, and nobody's work is undone unasked.

use std::collections::{BTreeMap, BTreeSet};

use super::past::{Fate, Row, Thing, Trace, is_secret};
use super::{Drift, Undo};
use crate::client::{self, ClientField, ClientFields};
use crate::model::{ClientId, GroupName, Guid, KeyPart, Mapping, Member, Membership, UserKey};
use crate::observed::{Observed, ObservedClient};
use crate::plan::diff::clients::written;
use crate::plan::diff::estate;
use crate::plan::diff::users::{UserField, user_fields};
use crate::plan::{FieldChange, FieldValue, Object, Presence, client_fields, default_groups};

/// What the look at the server says.
pub(super) struct Judged {
    pub(super) drift: Vec<Drift>,
    /// What is as it was before, or cannot come back.
    pub(super) so_already: Vec<Object>,
}

enum Verdict {
    /// As the report left it.
    Left,
    /// As it was before.
    So,
    /// Neither; in words.
    Drift(String),
}

impl Undo {
    pub(super) fn judge(&self, observed: &Observed) -> Judged {
        let case = Case::new(self, observed);
        let users = self.past.users.iter().map(|(key, thing)| (Object::from(key), case.user(key, thing)));
        let groups =
            self.past.groups.iter().map(|(name, thing)| (Object::from(name), case.group(name, thing)));
        let rows = self.past.rows.iter().map(|(row, past)| (Object::from(row), case.row(row, past)));
        let mappings = self
            .past
            .mappings
            .iter()
            .map(|(mapping, past)| (Object::from(mapping), case.mapping(mapping, past)));
        let clients = self.past.clients.iter().map(|(id, thing)| (Object::from(id), case.client(id, thing)));
        let mut judged = Judged { drift: Vec::new(), so_already: Vec::new() };
        for (object, verdict) in users.chain(groups).chain(rows).chain(mappings).chain(clients) {
            match verdict {
                Verdict::Left => {}
                Verdict::So => judged.so_already.push(object),
                Verdict::Drift(message) => judged.drift.push(Drift { object, message }),
            }
        }
        judged
    }
}

struct Case<'a> {
    undo: &'a Undo,
    observed: &'a Observed,
    /// Every user whose id is known.
    ids: BTreeMap<&'a UserKey, &'a Guid>,
    /// The name that a user of the report has got.
    new_names: BTreeMap<&'a UserKey, &'a UserKey>,
    default_groups: BTreeSet<GroupName>,
}

impl<'a> Case<'a> {
    fn new(undo: &'a Undo, observed: &'a Observed) -> Self {
        let named = observed.names.iter().map(|(id, key)| (key, id));
        Self {
            undo,
            observed,
            ids: named.chain(observed.users.values().map(|user| (&user.key, &user.id))).collect(),
            new_names: undo.past.former.iter().map(|(new, former)| (former, new)).collect(),
            default_groups: default_groups(observed),
        }
    }

    fn user(&self, key: &UserKey, thing: &Thing) -> Verdict {
        let now = self.observed.users.get(key);
        match (thing.fate, now) {
            (Fate::Created, None) => Verdict::So,
            (Fate::Deleted, None) => Verdict::Left,
            (Fate::Deleted, Some(now)) if thing.id.as_ref() == Some(&now.id) => Verdict::So,
            (Fate::Deleted, Some(now)) => {
                let before = thing.fields.iter().map(|(name, trace)| (name, &trace.before));
                match differing(&told(key, user_fields(now)), before) {
                    None => Verdict::So,
                    Some(what) => {
                        Verdict::Drift(format!("user {key} is there again, and not as it was: {what}"))
                    }
                }
            }
            (Fate::Created, Some(now)) => {
                let after = thing.fields.iter().map(|(name, trace)| (name, &trace.after));
                if let Some(what) = differing(&told(key, user_fields(now)), after) {
                    return Verdict::Drift(format!("user {key}: {what}"));
                }
                let of_report = |group: &GroupName| {
                    self.added(&Membership { group: group.clone(), member: Member::User(key.clone()) })
                };
                let rows = self.observed.groups.values().filter(|group| {
                    let row = group.rows.get(&now.id);
                    row.is_some_and(|row| row.origin.is_uaa())
                        && !self.default_groups.contains(&group.name)
                        && !of_report(&group.name)
                });
                let groups: Vec<String> = rows.map(|group| group.name.to_string()).collect();
                match groups.is_empty() {
                    true => Verdict::Left,
                    false => Verdict::Drift(format!("user {key} is a member of {} now", groups.join(", "))),
                }
            }
            (Fate::Updated, _) => self.updated_user(key, thing),
        }
    }

    fn updated_user(&self, key: &UserKey, thing: &Thing) -> Verdict {
        let new = self.new_names.get(key).copied();
        let names = [Some(key), new].into_iter().flatten();
        let found: Vec<_> = names.filter_map(|name| self.observed.users.get(name)).collect();
        let Some(now) = found.iter().find(|user| thing.id.as_ref() == Some(&user.id)) else {
            return Verdict::Drift(match found.first() {
                Some(other) => format!("user {} is another account now: {}", other.key, other.id),
                None => format!("user {} is gone, or has another name", new.unwrap_or(key)),
            });
        };
        if now.key != *key
            && let Some(other) = self.observed.users.get(key)
        {
            return Verdict::Drift(format!(
                "{key}, as user {} was called, is another account now: {}",
                now.key, other.id
            ));
        }
        let fields = user_fields(now);
        self.updated(&format!("user {}", now.key), thing, &fields)
    }

    fn group(&self, name: &GroupName, thing: &Thing) -> Verdict {
        let now = self.observed.groups.get(name);
        let Some(now) = now else {
            return match thing.fate {
                Fate::Created => Verdict::So,
                Fate::Deleted => Verdict::Left,
                Fate::Updated => Verdict::Drift(format!("group {name} is gone")),
            };
        };
        let description = FieldValue::Text(now.description.clone());
        let description = BTreeMap::from([("description".to_owned(), description)]);
        let same = thing.id.as_ref() == Some(&now.id);
        let text = |side: fn(&Trace) -> &FieldValue| {
            let text = thing.fields.get("description").map(side).cloned();
            text.unwrap_or_else(|| FieldValue::Text(String::new()))
        };
        let label = "description".to_owned();
        match thing.fate {
            Fate::Updated if !same => Verdict::Drift(format!("group {name} is another one now: {}", now.id)),
            Fate::Updated => self.updated(&format!("group {name}"), thing, &description),
            // It was never deleted.
            Fate::Deleted if same => Verdict::So,
            Fate::Deleted => {
                let before = text(|trace| &trace.before);
                let what = differing(&description, [(&label, &before)].into_iter())
                    .or_else(|| self.strangers(name, Presence::Present));
                match what {
                    None => Verdict::So,
                    Some(what) => {
                        Verdict::Drift(format!("group {name} is there again, and not as it was: {what}"))
                    }
                }
            }
            Fate::Created => {
                let after = text(|trace| &trace.after);
                let what = differing(&description, [(&label, &after)].into_iter())
                    .or_else(|| self.strangers(name, Presence::Absent));
                match what {
                    None => Verdict::Left,
                    Some(what) => Verdict::Drift(format!("group {name}: {what}")),
                }
            }
        }
    }

    /// Who and what hangs on a group that the report does not speak about.
    fn strangers(&self, name: &GroupName, before: Presence) -> Option<String> {
        let group = self.observed.groups.get(name)?;
        let spoken = |group: &GroupName, member: Member| {
            let row = self.undo.past.rows.get(&Membership { group: group.clone(), member });
            row.is_some_and(|row| row.before == before)
        };
        let nested = Member::Group(name.clone());
        let mut strange: Vec<String> = Vec::new();
        for id in group.rows.keys() {
            // Others are rows that outlived their member.
            let names = self.ids.iter().filter(|(_, other)| **other == id).map(|(key, _)| (*key).clone());
            let users: Vec<Member> = names.map(Member::User).collect();
            let groups = self.observed.group_by_id(id).map(|group| Member::Group(group.name.clone()));
            let members: Vec<Member> = users.into_iter().chain(groups).collect();
            let known = members.iter().any(|member| spoken(name, self.called(member)));
            if let Some(first) = members.first().filter(|_| !known) {
                strange.push(format!("{first} is a member now"));
            }
        }
        let outer = self.observed.groups.values().filter(|outer| outer.rows.contains_key(&group.id));
        let outer = outer.filter(|outer| !spoken(&outer.name, nested.clone()));
        strange.extend(outer.map(|outer| format!("it is a member of {} now", outer.name)));
        let mappings = self.observed.mappings.iter().filter(|mapping| mapping.group == *name);
        let mappings = mappings
            .filter(|mapping| self.undo.past.mappings.get(*mapping).is_none_or(|past| past.before != before));
        strange.extend(mappings.map(|mapping| format!("{mapping} is mapped to it now")));
        (!strange.is_empty()).then(|| strange.join(", "))
    }

    /// A member in the names of before.
    fn called(&self, member: &Member) -> Member {
        match member {
            Member::User(user) => Member::User(self.undo.past.former.get(user).unwrap_or(user).clone()),
            Member::Group(_) => member.clone(),
        }
    }

    /// Tells whether the report added this row.
    fn added(&self, row: &Membership) -> bool {
        self.undo.past.rows.get(row).is_some_and(|past| past.before == Presence::Absent)
    }

    fn row(&self, row: &Membership, past: &Row) -> Verdict {
        let group = self.observed.groups.get(&row.group);
        let id = match &row.member {
            Member::User(user) => {
                let new = self.new_names.get(user);
                self.ids.get(user).or_else(|| self.ids.get(*new?)).copied()
            }
            Member::Group(name) => self.observed.groups.get(name).map(|group| &group.id),
        };
        let there = group.zip(id).is_some_and(|(group, id)| group.rows.contains_key(id));
        match past.before {
            Presence::Absent if there => Verdict::Left,
            Presence::Absent => Verdict::So,
            // It is the login's to bring it again.
            Presence::Present if past.derived || there => Verdict::So,
            Presence::Present => {
                let comes_back = |name: &GroupName| {
                    self.undo.past.groups.get(name).is_some_and(|past| past.fate == Fate::Deleted)
                };
                let user_comes_back = match &row.member {
                    Member::User(user) => {
                        self.undo.past.users.get(user).is_some_and(|past| past.fate == Fate::Deleted)
                    }
                    Member::Group(name) => comes_back(name),
                };
                let gone = match (group.is_some() || comes_back(&row.group), id.is_some() || user_comes_back)
                {
                    (true, true) => return Verdict::Left,
                    (false, _) => format!("group {}", row.group),
                    (true, false) => row.member.to_string(),
                };
                Verdict::Drift(format!("membership {row} cannot come back: {gone} is gone"))
            }
        }
    }

    fn mapping(&self, mapping: &Mapping, past: &Row) -> Verdict {
        let there = self.observed.mappings.contains(mapping);
        let group = &mapping.group;
        let comes_back = self.undo.past.groups.get(group).is_some_and(|past| past.fate == Fate::Deleted);
        match past.before {
            Presence::Absent if there => Verdict::Left,
            Presence::Absent => Verdict::So,
            Presence::Present if there => Verdict::So,
            Presence::Present if self.observed.groups.contains_key(group) || comes_back => Verdict::Left,
            Presence::Present => {
                Verdict::Drift(format!("mapping {mapping} cannot come back: group {group} is gone"))
            }
        }
    }

    fn client(&self, id: &ClientId, thing: &Thing) -> Verdict {
        let key = KeyPart(id.as_str());
        let now = self
            .observed
            .clients
            .get(id)
            .map(|client| ObservedClient { id: id.clone(), fields: client::normal(client.fields.clone()) });
        match (thing.fate, now) {
            (Fate::Created, None) => Verdict::So,
            (Fate::Updated, None) => Verdict::Drift(format!("client {key} is gone")),
            // Without them it could let in more than before.
            (Fate::Deleted, None) if !thing.knows_who_may_come_in() => Verdict::So,
            (Fate::Deleted, None) => Verdict::Left,
            (Fate::Updated, Some(now)) => {
                let mut fields = client_fields(&now);
                // To UAA a client is there unless told otherwise.
                fields.entry(ClientField::ShowOnHomePage.name()).or_insert(FieldValue::Flag(true));
                self.updated(&format!("client {key}"), thing, &fields)
            }
            (Fate::Created, Some(now)) => match whole(&now, thing, |trace| &trace.after) {
                None => Verdict::Left,
                Some(what) => Verdict::Drift(format!("client {key}: {what}")),
            },
            (Fate::Deleted, Some(now)) => match whole(&now, thing, |trace| &trace.before) {
                None => Verdict::So,
                Some(what) => {
                    Verdict::Drift(format!("client {key} is there again, and not as it was: {what}"))
                }
            },
        }
    }

    /// Judges fields that were changed.
    fn updated(&self, who: &str, thing: &Thing, now: &BTreeMap<String, FieldValue>) -> Verdict {
        let mut left = false;
        let mut other = Vec::new();
        for (name, trace) in &thing.fields {
            if is_secret(&trace.before) || is_secret(&trace.after) {
                continue;
            }
            let home = *name == ClientField::ShowOnHomePage.name();
            let said = |value: &FieldValue| match value {
                FieldValue::None if home => FieldValue::Flag(true),
                value => value.clone(),
            };
            let value = now.get(name).unwrap_or(&FieldValue::None);
            if *value == said(&trace.before) {
                continue;
            }
            left = true;
            if *value != said(&trace.after) && !trace.perhaps.iter().any(|perhaps| said(perhaps) == *value) {
                other.push(format!("`{name}` is {} instead of {}", shown(value), shown(&trace.after)));
            }
        }
        match (other.is_empty(), left) {
            (false, _) => Verdict::Drift(format!("{who}: {}", other.join(", "))),
            (true, true) => Verdict::Left,
            (true, false) => Verdict::So,
        }
    }
}

/// What a user's fields tell: the profile of one of another origin is each login's to rewrite.
fn told(user: &UserKey, mut fields: BTreeMap<String, FieldValue>) -> BTreeMap<String, FieldValue> {
    fields.retain(|name, _| {
        UserField::by_name(name).is_some_and(|field| {
            field != UserField::Username && (user.origin.is_uaa() || !field.is_profile())
        })
    });
    fields
}

/// What `now` has otherwise, of the fields that it tells.
fn differing<'v>(
    now: &BTreeMap<String, FieldValue>,
    wanted: impl Iterator<Item = (&'v String, &'v FieldValue)>,
) -> Option<String> {
    let what: Vec<String> = wanted
        .filter_map(|(name, wanted)| {
            let value = now.get(name)?;
            (value != wanted).then(|| format!("`{name}` is {} instead of {}", shown(value), shown(wanted)))
        })
        .collect();
    (!what.is_empty()).then(|| what.join(", "))
}

/// What a whole client has otherwise than one side of its fields, where both are known.
fn whole(now: &ObservedClient, thing: &Thing, side: fn(&Trace) -> &FieldValue) -> Option<String> {
    let named = |(name, trace): (&String, &Trace)| FieldChange {
        name: name.clone(),
        before: FieldValue::None,
        after: side(trace).clone(),
    };
    let fields: Vec<FieldChange> = thing.fields.iter().map(named).collect();
    let mut wanted = written(ClientFields::new(), &fields);
    let mut now = now.fields.clone();
    let told = |field: &ClientField| {
        let trace = thing.fields.get(&field.name());
        let unread = *field == ClientField::RequiredUserGroups || field.is_metadata();
        // UAA fills it in.
        let stamped = *field == ClientField::Createdwith;
        *field != ClientField::TokenSalt
            && trace.is_none_or(|trace| !is_secret(side(trace)))
            && (trace.is_some() || !unread && !stamped)
    };
    wanted.retain(|field, _| told(field));
    now.retain(|field, _| told(field));
    let all: BTreeSet<&ClientField> = now.keys().chain(wanted.keys()).collect();
    let differ = all.into_iter().filter(|field| now.get(*field) != wanted.get(*field));
    let names: Vec<String> = differ.map(|field| format!("`{field}`")).collect();
    (!names.is_empty()).then(|| format!("{} changed since", names.join(", ")))
}

fn shown(value: &FieldValue) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The rows of a group that nobody could name.
pub(super) fn unnamed(thing: &Thing) -> bool {
    thing.fields.contains_key(estate::UNNAMED_MEMBERS)
}
