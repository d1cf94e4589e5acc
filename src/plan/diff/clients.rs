//! Clients: what is written when one is created, and by which steps an existing one comes to what the manifest says.
//!
//! Decides by whole states, each in the form that UAA stores: as it is, with what neither gives nor takes, with all
//! that is given, as it shall be. What is not managed is in all of them as it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{Diff, Draft, client_secrets};
use crate::client::{self, ClientField, ClientFieldKind, ClientFields, ClientValue};
use crate::desired::{Because, Desired, DesiredClient, WishState};
use crate::model::{ClientId, Guid, KeyPart};
use crate::observed::ObservedClient;
use crate::plan::diff::users::{Direction, shown};
use crate::plan::world::World;
use crate::plan::{Action, Expects, FieldChange, FieldValue, Kind, Object, Phase};

/// Plans the creation of clients that are missing, and changes of those that exist.
pub(super) fn diff(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    for client in desired.clients.values() {
        match world.client(&client.id) {
            None => create(client, diff),
            Some(before) => {
                update(client, &before, world, diff);
                if let Some(secret) = &client.secret {
                    diff.client_secrets.insert(client.id.clone(), shown(&secret.value));
                }
            }
        }
    }
}

/// Returns a client as the manifest wants it; what it does not manage stays as it is in `before`.
pub(in crate::plan) fn target(client: &DesiredClient, before: &ClientFields) -> ClientFields {
    let mut after = before.clone();
    for (field, said) in &client.fields {
        match &said.value {
            Some(value) => after.insert(field.clone(), value.clone()),
            // UAA has a client there unless told otherwise.
            None if *field == ClientField::ShowOnHomePage && before.contains_key(field) => {
                after.insert(field.clone(), ClientValue::Flag(true))
            }
            None => after.remove(field),
        };
    }
    if !client.authority_wishes.is_empty() {
        let mut authorities = names(&after, &ClientField::Authorities);
        for (group, said) in &client.authority_wishes {
            match said.value {
                WishState::Present => authorities.insert(group.as_str().to_owned()),
                WishState::Absent => authorities.remove(group.as_str()),
            };
        }
        after.insert(ClientField::Authorities, ClientValue::Set(authorities));
    }
    client::normal(after)
}

fn create(client: &DesiredClient, diff: &mut Diff) {
    let after = target(client, &ClientFields::new());
    let written = |field: &&ClientField| {
        client.fields.contains_key(*field)
            || (**field == ClientField::Authorities && !client.authority_wishes.is_empty())
    };
    let mut fields: Vec<FieldChange> = after
        .keys()
        .filter(written)
        .map(|field| FieldChange {
            name: field.name(),
            before: FieldValue::None,
            after: value(client, field, &after),
        })
        .collect();
    if let Some(secret) = &client.secret {
        fields.push(FieldChange {
            name: "client_secret".to_owned(),
            before: FieldValue::None,
            after: shown(&secret.value),
        });
    }
    diff.add(Draft {
        phase: Phase::Create,
        action: Action::CreateClient,
        kind: Kind::Client,
        key: KeyPart(client.id.as_str()).to_string(),
        object: Object::from(&client.id),
        fields,
        needs: Vec::new(),
        because: &client.because,
        implied: false,
        expects: Expects::ABSENT,
    });
}

/// Plans up to three steps, each in its phase; one that changes nothing is none. What a step changes further, it needs
/// from the step before; and a gain needs the secret that goes first.
fn update(client: &DesiredClient, before: &ClientFields, world: &World<'_>, diff: &mut Diff) {
    let after = target(client, before);
    let [neither, given] = steps(before, &after);
    let gains = changed(&neither, &given).next().is_some();
    let secret = client_secrets::diff(client, gains, world, diff);
    let mut from = before;
    let mut changed_by: BTreeMap<&ClientField, u32> = BTreeMap::new();
    for (direction, to) in
        [(Direction::Neither, &neither), (Direction::Gives, &given), (Direction::Takes, &after)]
    {
        let earlier = changed(from, to).filter_map(|field| changed_by.get(field).copied());
        let secret = secret.filter(|_| direction == Direction::Gives);
        let needs: BTreeSet<u32> = earlier.chain(secret).collect();
        if let Some(id) = step(client, direction, from, to, needs, diff) {
            changed_by.extend(changed(from, to).map(|field| (field, id)));
        }
        from = to;
    }
}

fn step(
    client: &DesiredClient,
    direction: Direction,
    from: &ClientFields,
    to: &ClientFields,
    needs: BTreeSet<u32>,
    diff: &mut Diff,
) -> Option<u32> {
    let fields: Vec<FieldChange> = changed(from, to)
        .map(|field| FieldChange {
            name: field.name(),
            before: value(client, field, from),
            after: value(client, field, to),
        })
        .collect();
    let because = changed(from, to).map(|field| place(client, field)).min()?;
    let before = fields.iter().map(|field| (field.name.clone(), field.before.clone())).collect();
    Some(diff.add(Draft {
        phase: direction.phase(),
        action: Action::UpdateClient,
        kind: Kind::Client,
        key: KeyPart(client.id.as_str()).to_string(),
        object: Object::from(&client.id),
        fields,
        needs: needs.into_iter().collect(),
        because,
        implied: false,
        expects: Expects::State { id: Guid::new(client.id.as_str()), fields: before },
    }))
}

/// The manifest's line for a change of a field. `autoapprove` can change because `scope` does.
fn place<'c>(client: &'c DesiredClient, field: &ClientField) -> &'c Because {
    let wishes = client.authority_wishes.values().map(|said| &said.because);
    let wishes = wishes.filter(|_| *field == ClientField::Authorities);
    let of = |field: &ClientField| client.fields.get(field).map(|said| &said.because);
    wishes.chain(of(field)).min().or_else(|| of(&ClientField::Scope)).unwrap_or(&client.because)
}

/// The fields in which two states differ, in order.
fn changed<'s>(from: &'s ClientFields, to: &'s ClientFields) -> impl Iterator<Item = &'s ClientField> {
    let all: BTreeSet<&ClientField> = from.keys().chain(to.keys()).collect();
    all.into_iter().filter(|field| from.get(*field) != to.get(*field))
}

/// How a change of one field is split: what it would be in the meantime.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Split {
    /// Neither gives nor takes.
    Neither,
    /// Only gives.
    Gives,
    /// Takes, and ends or shortens what is there.
    Takes,
    /// Narrows the way in: goes before anything that the same client gains.
    Narrows,
    /// Both narrows and opens the way in; nothing between the two would be as safe.
    Replaces,
    /// Gives and takes: this in between.
    Through(ClientValue),
    /// Adds redirect URIs, and removes others: this in between.
    Redirects(ClientValue),
}

/// The one table from field to direction (design.md §6).
fn split(field: &ClientField, before: Option<&ClientValue>, after: Option<&ClientValue>) -> Split {
    let set = |value: Option<&ClientValue>| value.and_then(ClientValue::as_set).cloned().unwrap_or_default();
    let (old, new) = (set(before), set(after));
    match field {
        ClientField::Name
        | ClientField::Createdwith
        | ClientField::SignupRedirectUrl
        | ClientField::ShowOnHomePage
        | ClientField::AppLaunchUrl
        | ClientField::AppIcon
        | ClientField::Extra(_) => Split::Neither,
        // To leave it to the zone may make it longer or shorter; nobody here knows the zone's.
        ClientField::AccessTokenValidity | ClientField::RefreshTokenValidity => match (before, after) {
            (Some(ClientValue::Number(old)), Some(ClientValue::Number(new))) if new > old => Split::Neither,
            _ => Split::Takes,
        },
        ClientField::AuthorizedGrantTypes | ClientField::Scope | ClientField::Authorities => {
            let bare = |set: &BTreeSet<String>| -> BTreeSet<String> {
                set.iter().filter(|name| *name != client::NONE).cloned().collect()
            };
            through(&bare(&old), &bare(&new))
        }
        ClientField::Autoapprove => match (before, after) {
            (_, Some(ClientValue::All)) => Split::Gives,
            (Some(ClientValue::All), _) => Split::Takes,
            _ => through(&old, &new),
        },
        ClientField::RedirectUri => {
            if old.is_subset(&new) {
                Split::Neither
            } else if new.is_subset(&old) {
                Split::Narrows
            } else {
                Split::Redirects(ClientValue::Set(old.union(&new).cloned().collect()))
            }
        }
        // Absent is everybody.
        ClientField::Allowedproviders => match (before, after) {
            (None, _) => Split::Narrows,
            (_, None) => Split::Gives,
            _ => narrowing(new.is_subset(&old), old.is_subset(&new)),
        },
        // A user must be in all of them.
        ClientField::RequiredUserGroups => narrowing(old.is_subset(&new), new.is_subset(&old)),
        ClientField::Allowpublic => match after {
            Some(ClientValue::Flag(true)) => Split::Gives,
            _ => Split::Narrows,
        },
        ClientField::TokenSalt => Split::Narrows,
    }
}

fn through(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Split {
    if old.is_subset(new) {
        Split::Gives
    } else if new.is_subset(old) {
        Split::Takes
    } else {
        Split::Through(ClientValue::Set(old.union(new).cloned().collect()))
    }
}

fn narrowing(narrows: bool, opens: bool) -> Split {
    match (narrows, opens) {
        (true, _) => Split::Narrows,
        (false, true) => Split::Gives,
        (false, false) => Split::Replaces,
    }
}

/// Returns the states between: with what neither gives nor takes, and then with all that is given.
fn steps(before: &ClientFields, after: &ClientFields) -> [ClientFields; 2] {
    let splits: Vec<(&ClientField, Split)> = changed(before, after)
        .map(|field| (field, split(field, before.get(field), after.get(field))))
        .collect();
    let set = |state: &mut ClientFields, field: &ClientField, value: Option<&ClientValue>| {
        match value {
            Some(value) => state.insert(field.clone(), value.clone()),
            None => state.remove(field),
        };
    };
    let mut neither = before.clone();
    for (field, split) in &splits {
        match split {
            Split::Neither => set(&mut neither, field, after.get(*field)),
            Split::Redirects(between) => set(&mut neither, field, Some(between)),
            Split::Gives | Split::Takes | Split::Narrows | Split::Replaces | Split::Through(_) => {}
        }
    }
    let mut given = neither.clone();
    let gains =
        splits.iter().any(|(_, split)| matches!(split, Split::Gives | Split::Through(_) | Split::Replaces));
    for (field, split) in splits.iter().filter(|_| gains) {
        match split {
            Split::Gives | Split::Narrows | Split::Replaces | Split::Redirects(_) => {
                set(&mut given, field, after.get(*field));
            }
            Split::Through(between) => set(&mut given, field, Some(between)),
            Split::Neither | Split::Takes => {}
        }
    }
    // UAA refuses these grant types without a redirect URI; when the last one goes first, they go with it.
    if !given.contains_key(&ClientField::RedirectUri) && neither.contains_key(&ClientField::RedirectUri) {
        let wanted = names(after, &ClientField::AuthorizedGrantTypes);
        let mut grants = names(&given, &ClientField::AuthorizedGrantTypes);
        grants.retain(|grant| !needs_redirect(grant) || wanted.contains(grant));
        given.insert(ClientField::AuthorizedGrantTypes, ClientValue::Set(grants));
    }
    [client::normal(neither), client::normal(given)]
}

/// Tells whether UAA refuses a grant type without a redirect URI (facts §6.4).
pub(in crate::plan) fn needs_redirect(grant: &str) -> bool {
    matches!(grant, "authorization_code" | "implicit")
}

/// Returns the texts of a set; `uaa.none` is none.
pub(in crate::plan) fn names(fields: &ClientFields, field: &ClientField) -> BTreeSet<String> {
    let set = fields.get(field).and_then(ClientValue::as_set);
    set.into_iter().flatten().filter(|name| *name != client::NONE).cloned().collect()
}

/// Shows a field of a state. A token salt shows where the wanted one comes from, and never what any is.
fn value(client: &DesiredClient, field: &ClientField, state: &ClientFields) -> FieldValue {
    let wanted = client.fields.get(field).and_then(|said| said.value.as_ref());
    match (state.get(field), &client.token_salt) {
        (Some(salt @ ClientValue::Hidden(_)), Some(source)) if Some(salt) == wanted => shown(source),
        (Some(value), _) => shown_value(value),
        (None, _) => FieldValue::None,
    }
}

/// Returns a value as a plan may show it. A secret shows as the stand-in for one.
pub(crate) fn shown_value(value: &ClientValue) -> FieldValue {
    match value {
        ClientValue::Text(text) => FieldValue::Text(text.clone()),
        ClientValue::Number(number) => FieldValue::Number(*number),
        ClientValue::Flag(flag) => FieldValue::Flag(*flag),
        ClientValue::Set(texts) => FieldValue::List(texts.iter().cloned().collect()),
        ClientValue::All => FieldValue::Flag(true),
        ClientValue::Json(json) => shown_json(json),
        ClientValue::Hidden(_) => FieldValue::redacted(),
    }
}

/// JSON that a plain value can say is one, so that a plan shows it as people wrote it.
fn shown_json(json: &serde_json::Value) -> FieldValue {
    use serde_json::Value as Json;
    let wrapped = || FieldValue::Json { json: json.clone() };
    match json {
        Json::String(text) => FieldValue::Text(text.clone()),
        Json::Bool(flag) => FieldValue::Flag(*flag),
        Json::Number(number) => number.as_i64().map_or_else(wrapped, FieldValue::Number),
        Json::Array(items) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map_or_else(wrapped, FieldValue::List)
        }
        Json::Null | Json::Object(_) => wrapped(),
    }
}

/// Returns the value that a plan shows for a client's field; `None` clears it. A secret is not in a plan: what comes
/// back is some [`ClientValue::Hidden`], equal to no real one.
#[must_use]
pub fn client_value(field: &ClientField, value: &FieldValue) -> Option<ClientValue> {
    use serde_json::Value as Json;
    let value = match (field.kind(), value) {
        (_, FieldValue::None) => return None,
        (ClientFieldKind::Secret, _) => ClientValue::Hidden(FieldValue::REDACTED.to_owned()),
        (ClientFieldKind::Any, FieldValue::Text(text)) => ClientValue::Json(Json::from(text.as_str())),
        (ClientFieldKind::Any, FieldValue::Flag(flag)) => ClientValue::Json(Json::from(*flag)),
        (ClientFieldKind::Any, FieldValue::Number(number)) => ClientValue::Json(Json::from(*number)),
        (ClientFieldKind::Any, FieldValue::List(texts)) => ClientValue::Json(Json::from(texts.clone())),
        (ClientFieldKind::Approvals, FieldValue::Flag(true)) => ClientValue::All,
        (_, FieldValue::Text(text)) => ClientValue::Text(text.clone()),
        (_, FieldValue::Flag(flag)) => ClientValue::Flag(*flag),
        (_, FieldValue::Number(number)) => ClientValue::Number(*number),
        (_, FieldValue::List(texts)) => ClientValue::Set(texts.iter().cloned().collect()),
        (_, FieldValue::Json { json }) => ClientValue::Json(json.clone()),
        (_, FieldValue::Variable { .. }) => return None,
    };
    Some(value)
}

/// Returns a client's properties after a change of some.
pub(in crate::plan) fn written(mut state: ClientFields, changes: &[FieldChange]) -> ClientFields {
    for FieldChange { name, before: _, after } in changes {
        let Some(field) = ClientField::by_name(name) else { continue };
        match client_value(&field, after) {
            Some(value) => state.insert(field, value),
            None => state.remove(&field),
        };
    }
    client::normal(state)
}

/// Returns the values that expectations of a client are judged by, by their names; what is not there is
/// [`FieldValue::None`].
#[must_use]
pub fn client_fields(client: &ObservedClient) -> BTreeMap<String, FieldValue> {
    client.fields.iter().map(|(field, value)| (field.name(), shown_value(value))).collect()
}

/// Returns the client that a change is about.
pub(in crate::plan) fn client_of(object: &Object) -> Option<&ClientId> {
    match object {
        Object::Client { client_id } => Some(client_id),
        Object::Member { .. }
        | Object::NestedGroup { .. }
        | Object::ExternalGroup { .. }
        | Object::User { .. }
        | Object::Group { .. } => None,
    }
}
