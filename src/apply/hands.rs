//! From a change to the one call of the writer that makes it: names back to ids, secrets to their users.

use std::cell::RefCell;
use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Hands;
use crate::desired::Secrets;
use crate::model::{GroupName, Guid, Mapping, UserKey};
use crate::observed::{MemberKind, Observed};
use crate::plan::{Action, Change, FieldChange, FieldValue, Object};
use crate::uaa::{WriteError, WriteErrorKind, Writer, Written};
use crate::visible::visible;

/// Makes changes at the real server.
pub(super) struct UaaHands<'a> {
    writer: &'a Writer,
    secrets: &'a Secrets,
    /// Ids of what the plan saw, and of what this run created since.
    users: RefCell<BTreeMap<UserKey, Guid>>,
    groups: RefCell<BTreeMap<GroupName, Guid>>,
}

impl<'a> UaaHands<'a> {
    /// Knows the ids of everything observed.
    pub(super) fn new(writer: &'a Writer, observed: &Observed, secrets: &'a Secrets) -> Self {
        let named = observed.names.iter().map(|(id, key)| (key.clone(), id.clone()));
        let found = observed.users.values().map(|user| (user.key.clone(), user.id.clone()));
        let groups = observed.groups.values().map(|group| (group.name.clone(), group.id.clone()));
        Self {
            writer,
            secrets,
            users: RefCell::new(named.chain(found).collect()),
            groups: RefCell::new(groups.collect()),
        }
    }

    fn user(&self, key: &UserKey) -> Result<Guid, WriteError> {
        self.users.borrow().get(key).cloned().ok_or_else(|| unknown_id("user", key))
    }

    fn group(&self, name: &GroupName) -> Result<Guid, WriteError> {
        self.groups.borrow().get(name).cloned().ok_or_else(|| unknown_id("group", name))
    }

    async fn create_user(&self, key: UserKey, fields: &[FieldChange]) -> Result<Written, WriteError> {
        let password = password(self.secrets, &key, fields);
        let id = self.writer.create_user(&key, fields, password).await?;
        self.users.borrow_mut().insert(key, id);
        Ok(Written::Done)
    }

    async fn create_group(&self, name: &GroupName, fields: &[FieldChange]) -> Result<Written, WriteError> {
        let description = fields.iter().find_map(|field| match (&*field.name, &field.after) {
            ("description", FieldValue::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        let id = self.writer.create_group(name, description).await?;
        self.groups.borrow_mut().insert(name.clone(), id);
        Ok(Written::Done)
    }

    async fn describe_group(&self, name: &GroupName, fields: &[FieldChange]) -> Result<Written, WriteError> {
        match fields {
            [description] => self.writer.describe_group(&self.group(name)?, description).await,
            _ => Err(malformed("a group's update has one field, its description")),
        }
    }

    /// Returns the ids that a membership change is about.
    fn row(&self, object: &Object) -> Result<(Guid, Guid, MemberKind), WriteError> {
        match object {
            Object::Member { group, origin, username } => {
                let user = UserKey::new(origin.clone(), username.clone());
                Ok((self.group(group)?, self.user(&user)?, MemberKind::User))
            }
            Object::NestedGroup { group, member_group } => {
                Ok((self.group(group)?, self.group(member_group)?, MemberKind::Group))
            }
            _ => Err(malformed("a membership names a group and a member")),
        }
    }
}

impl Hands for UaaHands<'_> {
    async fn answers(&self) -> Result<(), WriteError> {
        self.writer.answers().await
    }

    async fn make(&self, change: &Change) -> Result<Written, WriteError> {
        match (change.action, &change.object) {
            (Action::CreateUser, Object::User { origin, username }) => {
                self.create_user(UserKey::new(origin.clone(), username.clone()), &change.fields).await
            }
            (Action::UpdateUser, Object::User { origin, username }) => {
                let user = UserKey::new(origin.clone(), username.clone());
                self.writer.update_user(&self.user(&user)?, &change.fields).await
            }
            (Action::CreateGroup, Object::Group { group }) => self.create_group(group, &change.fields).await,
            (Action::UpdateGroup, Object::Group { group }) => {
                self.describe_group(group, &change.fields).await
            }
            (Action::AddMember, object) => {
                let (group, member, kind) = self.row(object)?;
                self.writer.add_member(&group, &member, kind).await
            }
            (Action::RemoveMember, object) => {
                let (group, member, _) = self.row(object)?;
                self.writer.remove_member(&group, &member).await
            }
            (
                action @ (Action::MapExternalGroup | Action::UnmapExternalGroup),
                Object::ExternalGroup { group, origin, external_group },
            ) => {
                let mapping = Mapping {
                    group: group.clone(),
                    origin: origin.clone(),
                    external_group: external_group.clone(),
                };
                let id = self.group(group)?;
                match action {
                    Action::MapExternalGroup => self.writer.map_external_group(&id, &mapping).await,
                    _ => self.writer.unmap_external_group(&id, &mapping).await,
                }
            }
            (Action::DeleteUser, Object::User { origin, username }) => {
                let user = UserKey::new(origin.clone(), username.clone());
                self.writer.delete_user(&self.user(&user)?).await
            }
            (Action::DeleteGroup, Object::Group { group }) => {
                self.writer.delete_group(&self.group(group)?).await
            }
            (Action::CreateClient, Object::Client { client_id }) => {
                let secret = self.secrets.client_secrets.get(client_id);
                let salt = self.secrets.token_salts.get(client_id);
                self.writer.create_client(client_id, &change.fields, secret, salt).await
            }
            (Action::UpdateClient, Object::Client { client_id }) => {
                let salt = self.secrets.token_salts.get(client_id);
                self.writer.update_client(client_id, &change.fields, salt).await
            }
            (Action::SetClientSecret, Object::Client { client_id }) => {
                let secret = self.secrets.client_secrets.get(client_id);
                let secret = secret.ok_or_else(|| malformed("the client's secret is not known here"))?;
                self.writer.set_client_secret(client_id, secret).await
            }
            (Action::DeleteClient, Object::Client { client_id }) => {
                self.writer.delete_client(client_id).await
            }
            (
                Action::CreateUser
                | Action::UpdateUser
                | Action::DeleteUser
                | Action::CreateGroup
                | Action::UpdateGroup
                | Action::DeleteGroup
                | Action::MapExternalGroup
                | Action::UnmapExternalGroup
                | Action::CreateClient
                | Action::UpdateClient
                | Action::SetClientSecret
                | Action::DeleteClient,
                _,
            ) => Err(malformed("the action and the object do not belong together")),
        }
    }
}

/// Returns the password of a new user where the plan shows that it is set; the one of a user of another origin is none
/// of UAA's.
fn password<'s>(secrets: &'s Secrets, key: &UserKey, fields: &[FieldChange]) -> Option<&'s SecretString> {
    let planned = key.origin.is_uaa() && fields.iter().any(|field| field.name == "password");
    secrets.passwords.get(key).filter(|_| planned)
}

fn unknown_id(kind: &str, name: &dyn std::fmt::Display) -> WriteError {
    WriteError {
        kind: WriteErrorKind::Drifted,
        message: visible(&format!("{kind} {name} has no id: it was not there when the plan was made")),
    }
}

fn malformed(why: &str) -> WriteError {
    WriteError { kind: WriteErrorKind::Refused, message: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Username};

    #[test]
    fn a_password_goes_only_to_a_user_of_uaas_own_whose_plan_shows_it() {
        let field = |name: &str| FieldChange {
            name: name.to_owned(),
            before: FieldValue::None,
            after: FieldValue::Text("x".to_owned()),
        };
        let key = |origin| UserKey::new(Origin::new(origin), Username::new("alana"));
        for (origin, fields, sent) in [
            ("uaa", [field("email"), field("password")], true),
            ("uaa", [field("email"), field("phone")], false),
            ("ldap", [field("email"), field("password")], false),
        ] {
            let mut secrets = Secrets::default();
            secrets.passwords.insert(key(origin), "canary-password".into());
            assert_eq!(password(&secrets, &key(origin), &fields).is_some(), sent, "{origin}");
        }
    }
}
