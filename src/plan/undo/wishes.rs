//! What to wish for, so that the plan of it is the way back.
//!
//! Nothing is managed but what the report speaks about: groups are additive, fields are those that were changed. The
//! places are those of the manifest that wanted the change: whose matter something is stays so.

use std::collections::{BTreeMap, BTreeSet};

use super::Undo;
use super::past::{Fate, Thing, is_secret};
use crate::client::ClientField;
use crate::desired::{
    Because, Desired, DesiredClient, DesiredGroup, DesiredUser, Holds, Said, SecretSource, Wish, WishBy,
    WishState,
};
use crate::model::{ClientId, GroupName, Mapping, Origin, UserKey, Username};
use crate::observed::Observed;
use crate::plan::scope::named_origins;
use crate::plan::{FieldValue, Object, Presence, client_value};

impl Undo {
    /// Returns the wishes about everything but what is skipped.
    pub(super) fn desired(&self, skipped: &BTreeSet<Object>, observed: Option<&Observed>) -> Desired {
        let mut desired = Desired { digest: self.digest.clone(), ..Desired::default() };
        let wished = |object: Object| !skipped.contains(&object);
        for (key, thing) in self.past.users.iter().filter(|(key, _)| wished(Object::from(*key))) {
            match thing.fate {
                Fate::Created => {
                    desired.absent.users.insert(key.clone(), thing.because.clone());
                }
                Fate::Updated | Fate::Deleted => {
                    let user = user(key, thing);
                    desired.users.insert(user.key.clone(), user);
                }
            }
        }
        for (name, thing) in self.past.groups.iter().filter(|(name, _)| wished(Object::from(*name))) {
            match thing.fate {
                Fate::Created => {
                    desired.absent.groups.insert(name.clone(), thing.because.clone());
                }
                Fate::Updated | Fate::Deleted => {
                    desired.groups.insert(name.clone(), group(name, thing));
                }
            }
        }
        for (row, past) in self.past.rows.iter().filter(|(row, _)| wished(Object::from(*row))) {
            let (state, by) = match past.before {
                // The login's next one brings it again, or not.
                Presence::Present if past.derived => continue,
                Presence::Present => (WishState::Present, WishBy::Members),
                Presence::Absent => (WishState::Absent, WishBy::AbsentMembers),
            };
            let wishes = desired.memberships.entry(row.group.clone()).or_default();
            wishes.insert(row.member.clone(), Wish { state, because: past.because.clone(), by });
        }
        self.mappings(&mut desired, skipped, observed);
        for (id, thing) in self.past.clients.iter().filter(|(id, _)| wished(Object::from(*id))) {
            match thing.fate {
                Fate::Created => {
                    desired.absent.clients.insert(id.clone(), thing.because.clone());
                }
                Fate::Updated | Fate::Deleted => {
                    desired.clients.insert(id.clone(), client(id, thing));
                }
            }
        }
        if let Some(known) = observed.and_then(|observed| observed.origins.as_ref()) {
            vouch(&mut desired, known);
        }
        desired
    }

    /// Mappings are wished for by the whole list of a group, so those that are there are in it.
    fn mappings(&self, desired: &mut Desired, skipped: &BTreeSet<Object>, observed: Option<&Observed>) {
        for (mapping, past) in &self.past.mappings {
            let group = &mapping.group;
            if skipped.contains(&Object::from(mapping)) || desired.absent.groups.contains_key(group) {
                continue;
            }
            let because = &past.because;
            let entry = desired.groups.entry(group.clone()).or_insert_with(|| additive(group, because));
            match past.before {
                Presence::Absent => {
                    desired.absent.mappings.insert(mapping.clone(), because.clone());
                }
                Presence::Present => {
                    let there = observed.into_iter().flat_map(|observed| &observed.mappings);
                    let there = there.filter(|other| other.group == *group).cloned();
                    let list = entry.external_groups.get_or_insert_with(|| {
                        there.map(|other| (other, because.clone())).collect::<BTreeMap<Mapping, Because>>()
                    });
                    list.insert(mapping.clone(), because.clone());
                }
            }
        }
        for group in desired.groups.values_mut() {
            if let Some(list) = &mut group.external_groups {
                list.retain(|mapping, _| !desired.absent.mappings.contains_key(mapping));
            }
        }
    }
}

fn said<T>(value: T, because: &Because) -> Said<T> {
    Said { value, because: because.clone() }
}

fn user(key: &UserKey, thing: &Thing) -> DesiredUser {
    let because = &thing.because;
    let text = |name: &str| match thing.before(name)? {
        FieldValue::Text(text) => Some(said(text.clone(), because)),
        FieldValue::None => Some(said(String::new(), because)),
        FieldValue::Flag(_)
        | FieldValue::Number(_)
        | FieldValue::List(_)
        | FieldValue::Variable { .. }
        | FieldValue::Json { .. } => None,
    };
    let flag = |name: &str| match thing.before(name)? {
        FieldValue::Flag(flag) => Some(said(*flag, because)),
        FieldValue::None
        | FieldValue::Text(_)
        | FieldValue::Number(_)
        | FieldValue::List(_)
        | FieldValue::Variable { .. }
        | FieldValue::Json { .. } => None,
    };
    let back = thing.fate == Fate::Deleted;
    let spelt = text("username").map(|said| super::renamed(key, &Username::new(said.value)));
    let former = match thing.fields.get("username").map(|trace| &trace.after) {
        Some(FieldValue::Text(name)) if !back => Some(said(Username::new(name.clone()), because)),
        _ => None,
    };
    DesiredUser {
        key: spelt.filter(|spelt| spelt == key).unwrap_or_else(|| key.clone()),
        because: because.clone(),
        email: text("email"),
        given_name: text("given_name"),
        family_name: text("family_name"),
        phone: text("phone"),
        external_id: text("external_id"),
        active: flag("active"),
        verified: flag("verified"),
        password: (back && key.origin.is_uaa()).then(|| said(SecretSource::Literal, because)),
        previously: former,
        origin_because: because.clone(),
    }
}

fn additive(name: &GroupName, because: &Because) -> DesiredGroup {
    DesiredGroup {
        name: name.clone(),
        because: because.clone(),
        description: None,
        holds: Holds::AtLeast,
        external_groups: None,
    }
}

fn group(name: &GroupName, thing: &Thing) -> DesiredGroup {
    let description = match thing.before("description") {
        Some(FieldValue::Text(text)) => Some(said(text.clone(), &thing.because)),
        _ => None,
    };
    // An additive group's description is never changed. What else follows from an exact one is no inverse.
    let holds = if thing.fate == Fate::Updated { Holds::Exactly } else { Holds::AtLeast };
    DesiredGroup { description, holds, ..additive(name, &thing.because) }
}

fn client(id: &ClientId, thing: &Thing) -> DesiredClient {
    let because = &thing.because;
    let fields =
        thing.fields.iter().filter(|(_, trace)| !is_secret(&trace.before) && !is_secret(&trace.after));
    let fields = fields.filter_map(|(name, trace)| {
        let field = ClientField::by_name(name).filter(|field| *field != ClientField::TokenSalt)?;
        let value = client_value(&field, &trace.before);
        Some((field, said(value, because)))
    });
    DesiredClient {
        id: id.clone(),
        because: because.clone(),
        fields: fields.collect(),
        authority_wishes: BTreeMap::new(),
        secret: (thing.fate == Fate::Deleted).then(|| said(SecretSource::Literal, because)),
        token_salt: None,
    }
}

/// An identity provider that is gone by now was good enough for what is undone.
fn vouch(desired: &mut Desired, known: &BTreeSet<Origin>) {
    let gone: Vec<(Origin, Because)> = named_origins(desired)
        .into_iter()
        .filter(|(origin, _)| !known.contains(origin))
        .map(|(origin, because)| (origin, because.clone()))
        .collect();
    if let Some((_, because)) = gone.first().cloned() {
        let origins = gone.into_iter().map(|(origin, _)| origin).collect();
        desired.pin.origins = Some(Said { value: origins, because });
    }
}
