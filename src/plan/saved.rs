//! A plan in a file: data to be judged again, never an authority.
//!
//! ```text
//! Plan + Desired + ids ──Saved::new──▶ JSON ──Saved::read──▶ Saved ─┐
//!                                                                   ├─ judge() ─▶ what is left of it, or drift
//! UAA ──Reader──▶ Observed ─────────────────────────────────────────┘
//! ```
//! Decides what a file must say to be read at all. What it says of findings, risks and kept items is never used again.
//! The manifest goes along, without a secret, so that rails and the rest are judged as for a direct apply.

#[cfg(test)]
mod deeds;
mod judge;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use judge::{Drift, Judged, judge, judge_only};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::diff::clients::client_of;
use super::diff::is_undeletable;
use super::diff::users::{user_fields, user_of};
use super::digest;
use super::{Action, BlindSpotWhat, Change, FORMAT, FieldValue, Object, Plan, client_fields};
use crate::client::{self, ClientField, ClientValue};
use crate::desired::{Desired, Said, SecretSource};
use crate::model::{ClientId, GroupName, Guid, KeyPart, Mapping, UserKey};
use crate::observed::{Observed, ObservedClient, ObservedGroup};

/// A plan with what it takes to judge it later.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The plan as it was shown.
    pub plan: Plan,
    basis: Basis,
}

/// What goes into the file beside the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Basis {
    seen: Seen,
    manifest: Desired,
    /// SHA-256 over the plan's digest and the above.
    digest: String,
}

/// What the plan saw of the objects that it touches and its changes do not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    /// Ids of the users that changes are about.
    #[serde(with = "crate::pairs")]
    users: BTreeMap<UserKey, Guid>,
    /// Ids of the groups.
    groups: BTreeMap<GroupName, Guid>,
    /// Users that are deleted.
    #[serde(with = "crate::pairs")]
    doomed_users: BTreeMap<UserKey, BTreeMap<String, FieldValue>>,
    /// Groups that are deleted.
    doomed_groups: BTreeMap<GroupName, DoomedGroup>,
    /// Clients that are deleted.
    doomed_clients: BTreeMap<ClientId, BTreeMap<String, FieldValue>>,
}

/// What goes with a group that is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DoomedGroup {
    description: String,
    members: BTreeSet<Guid>,
    /// Mappings that UAA could not delete alone: no change of the plan is about them.
    mappings: BTreeSet<Mapping>,
}

/// Why a file is no plan to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no saved plan; why.
    NotOne(String),
    /// A later version wrote it.
    Newer(u64),
    /// A plan as `--format json` prints it, which was not saved by `--out`.
    OnlyShown,
    /// What it says is not what its digests are of.
    Damaged,
}

impl Saved {
    /// Takes a plan that was made of `desired` and `observed`.
    ///
    /// # Errors
    /// The names of secrets that are written in the manifest itself: no later run would know them.
    pub fn new(plan: &Plan, desired: &Desired, observed: &Observed) -> Result<Self, Vec<String>> {
        let literal = literal_secrets(desired);
        if !literal.is_empty() {
            return Err(literal);
        }
        let seen = Seen::of(&plan.changes, observed);
        let manifest = desired.clone();
        let digest = digest::of(&(&plan.plan_digest, &seen, &manifest));
        Ok(Self { plan: plan.clone(), basis: Basis { seen, manifest, digest } })
    }

    /// Returns the file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut value = serde_json::to_value(&self.plan).expect("a plan is JSON");
        value["saved"] = serde_json::to_value(&self.basis).expect("a manifest is JSON");
        serde_json::to_string_pretty(&value).expect("it is JSON") + "\n"
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Whatever is not a whole saved plan of a format that this version knows.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let saved = Self::parse(text)?;
        if saved.is_numbered()
            && saved.digests() == (saved.plan.plan_digest.clone(), saved.basis.digest.clone())
        {
            Ok(saved)
        } else {
            Err(Unreadable::Damaged)
        }
    }

    /// Reads a file's text, whatever its digests.
    fn parse(text: &str) -> Result<Self, Unreadable> {
        let not_one = |error: serde_json::Error| Unreadable::NotOne(error.to_string());
        let mut value: serde_json::Value = serde_json::from_str(text).map_err(not_one)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(Unreadable::Newer(format)),
            None => return Err(Unreadable::NotOne("it has no `format`".to_owned())),
        }
        let basis = value.as_object_mut().and_then(|value| value.remove("saved"));
        let plan: Plan = serde_json::from_value(value).map_err(not_one)?;
        let basis: Basis = serde_json::from_value(basis.ok_or(Unreadable::OnlyShown)?).map_err(not_one)?;
        let fields = basis.manifest.clients.values().flat_map(|client| &client.fields);
        let odd = |(field, said): (&ClientField, &Said<Option<ClientValue>>)| {
            said.value.as_ref().is_some_and(|value| !field.takes(value))
        };
        if fields.into_iter().any(odd) {
            let why = "a client's property in it holds what no manifest can say";
            return Err(Unreadable::NotOne(why.to_owned()));
        }
        Ok(Self { plan, basis })
    }

    fn is_numbered(&self) -> bool {
        (0..).zip(&self.plan.changes).all(|(id, change)| change.id == id)
    }

    /// Returns the digests that the plan and the file should have.
    fn digests(&self) -> (String, String) {
        let (Plan { target, changes, blind_spots, .. }, Basis { seen, manifest, .. }) =
            (&self.plan, &self.basis);
        let plan = digest(target, changes, blind_spots);
        let whole = digest::of(&(&plan, seen, manifest));
        (plan, whole)
    }

    /// Reads a file's text and makes it whole: whoever writes a plan by hand can compute digests too.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn forged(text: &str) -> Result<Self, Unreadable> {
        let mut saved = Self::parse(text)?;
        for (id, change) in (0..).zip(&mut saved.plan.changes) {
            change.id = id;
        }
        (saved.plan.plan_digest, saved.basis.digest) = saved.digests();
        Ok(saved)
    }

    /// Returns the manifest that the plan is of. What it says of token salts needs [`Self::with_salts`].
    #[must_use]
    pub fn manifest(&self) -> &Desired {
        &self.basis.manifest
    }

    /// Returns the variables whose values the plan sends.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<&str> {
        let fields = self.plan.changes.iter().flat_map(|change| &change.fields).map(|field| &field.after);
        let settled = self.settled().flat_map(|spot| spot.values.values());
        let names = fields.chain(settled).filter_map(|value| match value {
            FieldValue::Variable { variable } => Some(variable.as_str()),
            FieldValue::None
            | FieldValue::Flag(_)
            | FieldValue::Number(_)
            | FieldValue::Text(_)
            | FieldValue::List(_)
            | FieldValue::Json { .. } => None,
        });
        names.collect()
    }

    /// Puts token salts into the manifest, of which the file has none. Salts of clients whose salt the plan leaves alone
    /// are not managed any more.
    pub fn with_salts(&mut self, salts: &BTreeMap<ClientId, String>) {
        for client in self.basis.manifest.clients.values_mut() {
            let Some(said) = client.fields.get_mut(&ClientField::TokenSalt) else { continue };
            let Some(ClientValue::Hidden(_)) = &said.value else { continue };
            match salts.get(&client.id) {
                Some(salt) => said.value = Some(client::hidden(salt)),
                None => {
                    client.fields.remove(&ClientField::TokenSalt);
                    client.token_salt = None;
                }
            }
        }
    }

    /// Returns the clients whose secret or token salt the plan writes or settles, with the value that stands for it.
    pub fn client_secrets(&self, name: &str) -> BTreeMap<ClientId, &FieldValue> {
        let mut secrets = BTreeMap::new();
        for change in &self.plan.changes {
            if let Some(client) = client_of(&change.object)
                && let Some(field) = change.fields.iter().find(|field| field.name == name)
                && field.after != FieldValue::None
            {
                secrets.insert(client.clone(), &field.after);
            }
        }
        if name == "client_secret" {
            for client in self.basis.manifest.clients.keys() {
                let key = KeyPart(client.as_str()).to_string();
                for value in self.settled().filter_map(|spot| spot.values.get(&key)) {
                    secrets.insert(client.clone(), value);
                }
            }
        }
        secrets
    }

    /// Returns the users that the plan creates with a password, with the value that stands for it.
    #[must_use]
    pub fn passwords(&self) -> BTreeMap<UserKey, &FieldValue> {
        let creations = self.plan.changes.iter().filter(|change| change.action == Action::CreateUser);
        let password = |change: &'_ Change| change.fields.iter().position(|field| field.name == "password");
        let found =
            creations.filter_map(|change| Some((user_of(&change.object)?, change, password(change)?)));
        found.map(|(user, change, at)| (user, &change.fields[at].after)).collect()
    }

    /// Returns the clients whose secret was tried in vain, so that the plan sets it.
    #[must_use]
    pub fn sets_secrets_of(&self) -> BTreeSet<ClientId> {
        let sets = self.plan.changes.iter().filter(|change| change.action == Action::SetClientSecret);
        sets.filter_map(|change| client_of(&change.object).cloned()).collect()
    }

    /// Tells whether a user that the plan deletes is not found by its name: then it may have another.
    #[must_use]
    pub fn misses_a_doomed_user(&self, observed: &Observed) -> bool {
        self.basis.seen.doomed_users.keys().any(|user| !observed.users.contains_key(user))
    }

    fn settled(&self) -> impl Iterator<Item = &super::BlindSpot> {
        self.plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret)
    }

    /// Tells whether apply may settle this client's secret: the plan says so, or creates the client.
    fn settles(&self, client: &ClientId) -> bool {
        let key = KeyPart(client.as_str()).to_string();
        let creates = |change: &Change| {
            change.action == Action::CreateClient && client_of(&change.object) == Some(client)
        };
        self.settled().any(|spot| spot.items.contains(&key)) || self.plan.changes.iter().any(creates)
    }
}

impl Seen {
    fn of(changes: &[Change], observed: &Observed) -> Self {
        let mut seen = Self::default();
        let ids = ids(observed);
        for change in changes {
            if let Some(user) = user_of(&change.object)
                && let Some(id) = ids.get(&user)
            {
                seen.users.insert(user, (*id).clone());
            }
            for name in groups_of(&change.object) {
                if let Some(group) = observed.groups.get(name) {
                    seen.groups.insert(name.clone(), group.id.clone());
                }
            }
            match (change.action, &change.object) {
                (Action::DeleteUser, object) => {
                    let user = user_of(object).and_then(|key| Some((observed.users.get(&key)?, key)));
                    seen.doomed_users.extend(user.map(|(user, key)| (key, user_fields(user))));
                }
                (Action::DeleteGroup, Object::Group { group }) => {
                    let found = observed.groups.get(group);
                    seen.doomed_groups
                        .extend(found.map(|found| (group.clone(), DoomedGroup::of(found, observed))));
                }
                (Action::DeleteClient, Object::Client { client_id }) => {
                    let found = observed.clients.get(client_id);
                    seen.doomed_clients.extend(found.map(|found| (client_id.clone(), listed(found))));
                }
                _ => {}
            }
        }
        seen
    }
}

impl DoomedGroup {
    fn of(group: &ObservedGroup, observed: &Observed) -> Self {
        let mappings = observed.mappings.iter().filter(|mapping| mapping.group == group.name);
        Self {
            description: group.description.clone(),
            members: group.rows.keys().cloned().collect(),
            mappings: mappings.filter(|mapping| is_undeletable(&mapping.external_group)).cloned().collect(),
        }
    }
}

/// Every user whose id is known, by name.
fn ids(observed: &Observed) -> BTreeMap<UserKey, &Guid> {
    let named = observed.names.iter().map(|(id, key)| (key.clone(), id));
    named.chain(observed.users.values().map(|user| (user.key.clone(), &user.id))).collect()
}

/// What every way to read a client tells of it.
fn listed(client: &ObservedClient) -> BTreeMap<String, FieldValue> {
    let mut fields = client_fields(client);
    fields.retain(|name, _| {
        ClientField::by_name(name)
            .is_some_and(|field| field != ClientField::RequiredUserGroups && !field.is_metadata())
    });
    fields
}

/// The groups that a change is about.
fn groups_of(object: &Object) -> Vec<&GroupName> {
    match object {
        Object::Member { group, .. } | Object::ExternalGroup { group, .. } | Object::Group { group } => {
            vec![group]
        }
        Object::NestedGroup { group, member_group } => vec![group, member_group],
        Object::User { .. } | Object::Client { .. } => Vec::new(),
    }
}

fn literal_secrets(desired: &Desired) -> Vec<String> {
    let users = desired.users.values().filter_map(|user| {
        let said = user.password.as_ref()?;
        (said.value == SecretSource::Literal).then(|| format!("the password of user `{}`", user.key))
    });
    let clients = desired.clients.values().flat_map(|client| {
        let secret = client.secret.as_ref().map(|said| &said.value);
        let both = [("secret", secret), ("token salt", client.token_salt.as_ref())];
        let literal = both.into_iter().filter(|(_, source)| *source == Some(&SecretSource::Literal));
        literal.map(|(what, _)| format!("the {what} of client `{}`", client.id))
    });
    users.chain(clients).collect()
}
