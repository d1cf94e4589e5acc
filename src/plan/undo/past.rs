//! What a report says was made of what: each object before and after, whichever steps led there.
//!
//! Counts what was done, and what perhaps was (`unknown`): the look at the server settles that. Nothing else of the
//! report is believed.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::ClientField;
use crate::desired::Because;
use crate::model::{ClientId, GroupName, Guid, KeyPart, Mapping, Member, Membership, UserKey, Username};
use crate::plan::diff::estate;
use crate::plan::diff::users::user_of;
use crate::plan::only::Wanted;
use crate::plan::risks::membership;
use crate::plan::{Action, Change, Expects, FieldValue, Kind, Object, Presence, Risk};
use crate::report::{Outcome, Report};

/// Everything that was done, by what it was done to, in the names of before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Past {
    pub(super) users: BTreeMap<UserKey, Thing>,
    pub(super) groups: BTreeMap<GroupName, Thing>,
    pub(super) clients: BTreeMap<ClientId, Thing>,
    pub(super) rows: BTreeMap<Membership, Row>,
    pub(super) mappings: BTreeMap<Mapping, Row>,
    /// Clients whose secret was set.
    pub(super) secrets: BTreeSet<ClientId>,
    /// What ended tokens, by kind and key.
    pub(super) ended: BTreeSet<(Kind, String, Object)>,
    /// The former name of each user who got another, by that.
    pub(super) former: BTreeMap<UserKey, UserKey>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Created,
    Updated,
    Deleted,
}

/// An object and its fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thing {
    pub(super) fate: Fate,
    pub(super) because: Because,
    /// The id of what was there before.
    pub(super) id: Option<Guid>,
    pub(super) fields: BTreeMap<String, Trace>,
}

/// A field before and after.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trace {
    pub(super) before: FieldValue,
    pub(super) after: FieldValue,
    /// What else it may be: values on the way, where an outcome is unknown.
    pub(super) perhaps: Vec<FieldValue>,
}

/// A membership or a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Whether it was there.
    pub(super) before: Presence,
    pub(super) because: Because,
    /// Whether a login had brought it.
    pub(super) derived: bool,
}

impl Past {
    pub(super) fn of(report: &Report) -> Self {
        let mut past = Self::default();
        for applied in &report.changes {
            match applied.outcome {
                Outcome::Done => past.take(&applied.change, true),
                Outcome::Unknown => past.take(&applied.change, false),
                Outcome::AlreadySo
                | Outcome::Drifted
                | Outcome::Failed
                | Outcome::Held
                | Outcome::NotTried => {}
            }
        }
        past
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { users, groups, clients, rows, mappings, secrets, ended: _, former: _ } = self;
        users.is_empty()
            && groups.is_empty()
            && clients.is_empty()
            && rows.is_empty()
            && mappings.is_empty()
            && secrets.is_empty()
    }

    /// The object in the names of before.
    pub(super) fn called(&self, object: &Object) -> Object {
        let Some(former) = user_of(object).and_then(|user| self.former.get(&user)) else {
            return object.clone();
        };
        match object {
            Object::Member { group, .. } => Object::Member {
                group: group.clone(),
                origin: former.origin.clone(),
                username: former.username.clone(),
            },
            _ => Object::from(former),
        }
    }

    /// The keys of everything here, by both names of who has two.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        let mut keys: BTreeSet<String> = BTreeSet::new();
        keys.extend(self.users.keys().chain(self.former.keys()).map(ToString::to_string));
        keys.extend(self.groups.keys().map(|name| KeyPart(name.as_str()).to_string()));
        keys.extend(self.clients.keys().map(|id| KeyPart(id.as_str()).to_string()));
        keys.extend(self.rows.keys().map(ToString::to_string));
        for (new, former) in &self.former {
            let rows = self.rows.keys().filter(|row| row.member == Member::User(former.clone()));
            keys.extend(rows.map(|row| {
                Membership { group: row.group.clone(), member: Member::User(new.clone()) }.to_string()
            }));
        }
        keys.extend(self.mappings.keys().map(ToString::to_string));
        keys
    }

    fn take(&mut self, change: &Change, sure: bool) {
        if change.risks.contains(&Risk::EndsSessions) && sure {
            self.ended.insert((change.kind, change.key.clone(), change.object.clone()));
        }
        match (change.action, &change.object) {
            (Action::CreateUser, _) => self.user(change, Fate::Created, sure),
            (Action::UpdateUser, _) => self.user(change, Fate::Updated, sure),
            (Action::DeleteUser, _) => self.user(change, Fate::Deleted, sure),
            (Action::CreateGroup, Object::Group { group }) => {
                thing(&mut self.groups, group, change, Fate::Created, sure);
            }
            (Action::UpdateGroup, Object::Group { group }) => {
                thing(&mut self.groups, group, change, Fate::Updated, sure);
            }
            (Action::DeleteGroup, Object::Group { group }) => {
                thing(&mut self.groups, group, change, Fate::Deleted, sure);
                self.along_with_group(group, change);
            }
            (Action::CreateClient, Object::Client { client_id }) => {
                thing(&mut self.clients, client_id, change, Fate::Created, sure);
            }
            (Action::UpdateClient, Object::Client { client_id }) => {
                thing(&mut self.clients, client_id, change, Fate::Updated, sure);
            }
            (Action::DeleteClient, Object::Client { client_id }) => {
                thing(&mut self.clients, client_id, change, Fate::Deleted, sure);
            }
            (Action::SetClientSecret, Object::Client { client_id }) => {
                self.secrets.insert(client_id.clone());
            }
            (Action::AddMember | Action::RemoveMember, object) => {
                let before = match change.action {
                    Action::AddMember => Presence::Absent,
                    _ => Presence::Present,
                };
                let derived = change.fields.iter().any(|field| field.name == estate::ORIGIN);
                if let Some(membership) = membership(object) {
                    let row = Row { before, because: change.because.clone(), derived };
                    self.rows.entry(membership).or_insert(row);
                }
            }
            (
                Action::MapExternalGroup | Action::UnmapExternalGroup,
                Object::ExternalGroup { group, origin, external_group },
            ) => {
                let before = match change.action {
                    Action::MapExternalGroup => Presence::Absent,
                    _ => Presence::Present,
                };
                let mapping = Mapping {
                    group: group.clone(),
                    origin: origin.clone(),
                    external_group: external_group.clone(),
                };
                let row = Row { before, because: change.because.clone(), derived: false };
                self.mappings.entry(mapping).or_insert(row);
            }
            // No change that was ever made is like this.
            (
                Action::CreateGroup
                | Action::UpdateGroup
                | Action::DeleteGroup
                | Action::CreateClient
                | Action::UpdateClient
                | Action::DeleteClient
                | Action::SetClientSecret
                | Action::MapExternalGroup
                | Action::UnmapExternalGroup,
                _,
            ) => {}
        }
    }

    fn user(&mut self, change: &Change, fate: Fate, sure: bool) {
        let Object::User { origin, username } = &change.object else { return };
        let key = UserKey::new(origin.clone(), username.clone());
        thing(&mut self.users, &key, change, fate, sure);
        let name = change.fields.iter().find(|field| field.name == "username").map(|field| &field.after);
        if let (Fate::Updated, Some(FieldValue::Text(name))) = (fate, name) {
            self.former.insert(super::renamed(&key, &Username::new(name.clone())), key);
        }
    }

    /// The rows and mappings that UAA deleted with a group.
    fn along_with_group(&mut self, group: &GroupName, change: &Change) {
        for field in &change.fields {
            let FieldValue::List(texts) = &field.before else { continue };
            for text in texts {
                let read = match &*field.name {
                    estate::MEMBERS | estate::DERIVED_MEMBERS => {
                        format!("member/{}/{text}", KeyPart(group.as_str())).parse()
                    }
                    estate::EXTERNAL_GROUPS => {
                        format!("external_group/{}/{text}", KeyPart(group.as_str())).parse()
                    }
                    estate::MEMBER_OF | estate::DERIVED_MEMBER_OF => {
                        let outer = text.strip_prefix("group:").unwrap_or(text);
                        format!("member/{outer}/group:{}", KeyPart(group.as_str())).parse()
                    }
                    _ => continue,
                };
                let derived = matches!(&*field.name, estate::DERIVED_MEMBERS | estate::DERIVED_MEMBER_OF);
                let row = Row { before: Presence::Present, because: change.because.clone(), derived };
                match read {
                    Ok(Wanted::Member(membership)) => {
                        self.rows.entry(membership).or_insert(row);
                    }
                    Ok(Wanted::Mapping(mapping)) => {
                        self.mappings.entry(mapping).or_insert(row);
                    }
                    Ok(Wanted::User(_) | Wanted::Group(_) | Wanted::Client(_)) | Err(_) => {}
                }
            }
        }
    }
}

/// Joins the steps of one object: before the first, after the last.
fn thing<K: Ord + Clone>(things: &mut BTreeMap<K, Thing>, key: &K, change: &Change, fate: Fate, sure: bool) {
    let id = match &change.expects {
        Expects::State { id, .. } => Some(id.clone()),
        Expects::Presence(_) => None,
    };
    let thing = things.entry(key.clone()).or_insert_with(|| Thing {
        fate,
        because: change.because.clone(),
        id,
        fields: BTreeMap::new(),
    });
    for field in &change.fields {
        let trace = thing.fields.entry(field.name.clone()).or_insert_with(|| Trace {
            before: field.before.clone(),
            after: field.after.clone(),
            perhaps: Vec::new(),
        });
        trace.after = field.after.clone();
        if !sure {
            trace.perhaps.extend([field.before.clone(), field.after.clone()]);
        }
    }
}

impl Thing {
    /// What a field had.
    pub(super) fn before(&self, name: &str) -> Option<&FieldValue> {
        self.fields.get(name).map(|trace| &trace.before)
    }

    /// Tells whether all that a client had is known which decides who may come in.
    pub(super) fn knows_who_may_come_in(&self) -> bool {
        self.fields.contains_key(&ClientField::RequiredUserGroups.name())
    }
}

/// Tells whether a report shows only a stand-in for a value.
pub(super) fn is_secret(value: &FieldValue) -> bool {
    match value {
        FieldValue::Text(text) => text == FieldValue::REDACTED,
        FieldValue::Variable { .. } => true,
        FieldValue::None
        | FieldValue::Flag(_)
        | FieldValue::Number(_)
        | FieldValue::List(_)
        | FieldValue::Json { .. } => false,
    }
}
