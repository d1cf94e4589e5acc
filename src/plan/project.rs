//! What the server would have after some changes: the state that rails judge.

use std::collections::{BTreeMap, HashMap};

use super::diff::clients::written;
use super::diff::users::UserField;
use super::{Action, Change, FieldChange, FieldValue, Object};
use crate::client::ClientFields;
use crate::model::{GroupName, Guid, Mapping, Origin, UserKey, Username};
use crate::observed::{MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser};

/// Carries out changes on a copy. Objects that would be created get an id that UAA never gives.
#[cfg(any(test, fuzzing))]
pub(crate) fn project<'c>(observed: &Observed, changes: impl IntoIterator<Item = &'c Change>) -> Observed {
    carry_out(observed, changes, true)
}

/// Likewise, but everyone keeps their name, so that what is said of them finds them before and after.
pub(super) fn keeping_names<'c>(
    observed: &Observed,
    changes: impl IntoIterator<Item = &'c Change>,
) -> Observed {
    carry_out(observed, changes, false)
}

fn carry_out<'c>(
    observed: &Observed,
    changes: impl IntoIterator<Item = &'c Change>,
    renames: bool,
) -> Observed {
    let mut projector = Projector { ids: HashMap::new(), state: observed.clone(), renames };
    for (id, key) in &observed.names {
        projector.ids.insert(key.clone(), id.clone());
    }
    for user in observed.users.values() {
        projector.ids.insert(user.key.clone(), user.id.clone());
    }
    for change in changes {
        projector.carry_out(change);
    }
    projector.state
}

struct Projector {
    /// By every name that a user has or had.
    ids: HashMap<UserKey, Guid>,
    state: Observed,
    renames: bool,
}

impl Projector {
    fn carry_out(&mut self, change: &Change) {
        match change.action {
            Action::CreateUser => self.create_user(change),
            Action::UpdateUser => self.update_user(change),
            Action::DeleteUser => self.delete_user(&change.object),
            Action::CreateGroup => self.create_group(change),
            Action::UpdateGroup => {
                if let Object::Group { group } = &change.object
                    && let Some(group) = self.state.groups.get_mut(group)
                {
                    group.description = description(&change.fields);
                }
            }
            Action::DeleteGroup => self.delete_group(&change.object),
            Action::AddMember | Action::RemoveMember => self.row(change),
            Action::MapExternalGroup => {
                self.state.mappings.extend(mapping(&change.object));
            }
            Action::UnmapExternalGroup => {
                if let Some(mapping) = mapping(&change.object) {
                    self.state.mappings.remove(&mapping);
                }
            }
            Action::CreateClient | Action::UpdateClient => self.write_client(change),
            // Nobody can see it.
            Action::SetClientSecret => {}
            Action::DeleteClient => {
                if let Object::Client { client_id } = &change.object {
                    self.state.clients.remove(client_id);
                }
            }
        }
    }

    fn write_client(&mut self, change: &Change) {
        let Object::Client { client_id } = &change.object else { return };
        let fields = match (change.action, self.state.clients.remove(client_id)) {
            (Action::CreateClient, _) => ClientFields::new(),
            (_, Some(client)) => client.fields,
            (_, None) => return,
        };
        let client = ObservedClient { id: client_id.clone(), fields: written(fields, &change.fields) };
        self.state.clients.insert(client_id.clone(), client);
    }

    fn create_user(&mut self, change: &Change) {
        let Some(key) = user_key(&change.object) else { return };
        let id = Guid::new(format!("(new) {}", change.key));
        let mut user = ObservedUser {
            id: id.clone(),
            key: key.clone(),
            email: String::new(),
            given_name: String::new(),
            family_name: String::new(),
            phone: String::new(),
            external_id: String::new(),
            // UAA's defaults (facts §2.1).
            active: true,
            verified: true,
        };
        set_all(&mut user, &change.fields);
        self.ids.insert(key.clone(), id.clone());
        self.state.names.insert(id, key.clone());
        self.state.users.insert(key, user);
    }

    fn update_user(&mut self, change: &Change) {
        let key = user_key(&change.object).and_then(|key| {
            let id = self.ids.get(&key)?;
            // Under that name still, unless an earlier change has renamed it.
            if self.state.users.get(&key).is_some_and(|user| user.id == *id) {
                return Some(key);
            }
            self.state.users.values().find(|user| user.id == *id).map(|user| user.key.clone())
        });
        let Some(user) = key.as_ref().and_then(|key| self.state.users.get_mut(key)) else { return };
        set_all(user, &change.fields);
        let username = change.fields.iter().find_map(|field| match (&*field.name, &field.after) {
            ("username", FieldValue::Text(name)) if self.renames => Some(Username::new(name.clone())),
            _ => None,
        });
        if let (Some(key), Some(username)) = (key, username)
            && let Some(mut user) = self.state.users.remove(&key)
        {
            user.key = UserKey::new(key.origin, username);
            self.ids.insert(user.key.clone(), user.id.clone());
            if let Some(name) = self.state.names.get_mut(&user.id) {
                *name = user.key.clone();
            }
            self.state.users.insert(user.key.clone(), user);
        }
    }

    fn delete_user(&mut self, object: &Object) {
        let Some(key) = user_key(object) else { return };
        self.state.users.remove(&key);
        if let Some(id) = self.ids.remove(&key) {
            self.state.names.remove(&id);
            for group in self.state.groups.values_mut() {
                group.rows.remove(&id);
            }
        }
    }

    fn create_group(&mut self, change: &Change) {
        let Object::Group { group } = &change.object else { return };
        let observed = ObservedGroup {
            id: Guid::new(format!("(new) group:{}", change.key)),
            name: group.clone(),
            description: description(&change.fields),
            rows: BTreeMap::new(),
        };
        self.state.groups.insert(group.clone(), observed);
    }

    fn delete_group(&mut self, object: &Object) {
        let Object::Group { group: name } = object else { return };
        let Some(deleted) = self.state.groups.remove(name) else { return };
        self.state.mappings.retain(|mapping| mapping.group != *name);
        for group in self.state.groups.values_mut() {
            group.rows.remove(&deleted.id);
        }
    }

    fn row(&mut self, change: &Change) {
        let (group, id, kind) = match &change.object {
            Object::Member { group, origin, username } => {
                let key = UserKey::new(origin.clone(), username.clone());
                (group, self.ids.get(&key).cloned(), MemberKind::User)
            }
            Object::NestedGroup { group, member_group } => {
                (group, self.group_id(member_group), MemberKind::Group)
            }
            Object::ExternalGroup { .. }
            | Object::User { .. }
            | Object::Client { .. }
            | Object::Group { .. } => return,
        };
        let (Some(id), Some(group)) = (id, self.state.groups.get_mut(group)) else { return };
        if change.action == Action::AddMember {
            group.rows.insert(id, MemberRow { kind, origin: Origin::uaa() });
        } else {
            group.rows.remove(&id);
        }
    }

    fn group_id(&self, name: &GroupName) -> Option<Guid> {
        self.state.groups.get(name).map(|group| group.id.clone())
    }
}

fn set_all(user: &mut ObservedUser, fields: &[FieldChange]) {
    for FieldChange { name, before: _, after } in fields {
        let Some(field) = UserField::by_name(name) else { continue };
        let text = match after {
            FieldValue::Text(text) => text.clone(),
            _ => String::new(),
        };
        let flag = *after == FieldValue::Flag(true);
        match field {
            // It is the key: the caller's.
            UserField::Username => {}
            UserField::Email => user.email = text,
            UserField::GivenName => user.given_name = text,
            UserField::FamilyName => user.family_name = text,
            UserField::Phone => user.phone = text,
            UserField::ExternalId => user.external_id = text,
            UserField::Active => user.active = flag,
            UserField::Verified => user.verified = flag,
        }
    }
}

fn description(fields: &[FieldChange]) -> String {
    let found = fields.iter().find_map(|field| match (&*field.name, &field.after) {
        ("description", FieldValue::Text(text)) => Some(text.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

fn user_key(object: &Object) -> Option<UserKey> {
    match object {
        Object::User { origin, username } => Some(UserKey::new(origin.clone(), username.clone())),
        Object::Member { .. }
        | Object::NestedGroup { .. }
        | Object::ExternalGroup { .. }
        | Object::Group { .. }
        | Object::Client { .. } => None,
    }
}

fn mapping(object: &Object) -> Option<Mapping> {
    match object {
        Object::ExternalGroup { group, origin, external_group } => Some(Mapping {
            group: group.clone(),
            origin: origin.clone(),
            external_group: external_group.clone(),
        }),
        Object::Member { .. }
        | Object::NestedGroup { .. }
        | Object::User { .. }
        | Object::Group { .. }
        | Object::Client { .. } => None,
    }
}
