//! Users, groups, clients and the target → entries: which keys there are, in which order.

use super::page::{Entry, Field, Item, Value};
use super::{About, Client, ClientSecret, External, Group, Target, User};
use crate::client::{ClientField, ClientValue};
use crate::model::Member;
use crate::visible::visible;

pub(super) fn target(target: &Target) -> Entry {
    let Target { issuer, zone, origins } = target;
    let mut fields = Vec::new();
    fields.extend(text("issuer", issuer.as_deref()));
    fields.extend(text("zone", zone.as_deref()));
    if !origins.is_empty() {
        let items = origins.iter().map(|origin| Item::Text(origin.as_str().to_owned()));
        fields.push(Field { key: "origins", value: Value::Items(items.collect()) });
    }
    Entry { notes: Vec::new(), source: None, fields }
}

fn text(key: &'static str, value: Option<&str>) -> Option<Field> {
    Some(Field { key, value: Value::Text(value?.to_owned()) })
}

fn flag(key: &'static str, value: Option<bool>) -> Option<Field> {
    Some(Field { key, value: Value::Flag(value?) })
}

fn entry(about: &About, mut fields: Vec<Field>) -> Entry {
    if about.absent {
        fields.extend(text("state", Some("absent")));
    }
    Entry { notes: about.notes.clone(), source: about.source.clone(), fields }
}

pub(super) fn user(user: &User) -> Entry {
    let User {
        about,
        key,
        email,
        given_name,
        family_name,
        phone,
        external_id,
        active,
        verified,
        password,
        cluster_access,
        groups,
    } = user;
    let mut fields = Vec::new();
    fields.extend(text("username", Some(key.username.as_str())));
    fields.extend(text("origin", Some(key.origin.as_str()).filter(|_| !key.origin.is_uaa())));
    fields.extend(text("email", email.as_deref()));
    fields.extend(text("given_name", given_name.as_deref()));
    fields.extend(text("family_name", family_name.as_deref()));
    fields.extend(text("phone", phone.as_deref()));
    fields.extend(text("external_id", external_id.as_deref()));
    fields.extend(flag("active", *active));
    fields.extend(flag("verified", *verified));
    fields
        .extend(password.iter().map(|name| Field { key: "password", value: Value::Variable(name.clone()) }));
    match cluster_access.as_slice() {
        [] => {}
        [word] => fields.extend(text("cluster_access", Some(word))),
        words => fields.push(Field { key: "cluster_access", value: Value::Texts(words.to_vec()) }),
    }
    if !groups.is_empty() {
        let items = groups.iter().map(|group| Item::Text(group.as_str().to_owned())).collect();
        fields.push(Field { key: "groups", value: Value::Items(items) });
    }
    entry(about, fields)
}

pub(super) fn group(group: &Group) -> Entry {
    let Group { about, name, description, additive, members, absent_members, external_groups } = group;
    let mut fields = Vec::new();
    fields.extend(text("name", Some(name.as_str())));
    fields.extend(text("description", description.as_deref()));
    fields.extend(flag("additive", additive.then_some(true)));
    for (key, members) in [("members", members), ("absent_members", absent_members)] {
        if !members.is_empty() {
            let items = members.iter().map(member).collect();
            fields.push(Field { key, value: Value::Items(items) });
        }
    }
    if let Some(mappings) = external_groups {
        let item = |External { origin, group, absent }: &External| {
            let mut pairs = vec![("origin", origin.as_str().to_owned()), ("group", group.clone())];
            pairs.extend(absent.then(|| ("state", "absent".to_owned())));
            Item::Map(pairs)
        };
        let items = mappings.iter().map(item).collect();
        fields.push(Field { key: "external_groups", value: Value::Items(items) });
    }
    entry(about, fields)
}

fn member(member: &Member) -> Item {
    match member {
        Member::User(user) if user.origin.is_uaa() => Item::Text(user.username.as_str().to_owned()),
        Member::User(user) => Item::Map(vec![
            ("username", user.username.as_str().to_owned()),
            ("origin", user.origin.as_str().to_owned()),
        ]),
        Member::Group(group) => Item::Map(vec![("group", group.as_str().to_owned())]),
    }
}

pub(super) fn client(client: &Client) -> Entry {
    let Client { about, id, secret, fields: properties } = client;
    let mut about = about.clone();
    let mut fields = Vec::new();
    fields.extend(text("client_id", Some(id.as_str())));
    fields.extend(secret.iter().map(|secret| Field {
        key: "client_secret",
        value: match secret {
            ClientSecret::Variable(name) => Value::Variable(name.clone()),
            ClientSecret::Empty => Value::Text(String::new()),
        },
    }));
    let mut extra = Vec::new();
    for (field, value) in properties {
        let written = match (field, field.word()) {
            (ClientField::Extra(name), _) => json(value).map(|value| extra.push((name.clone(), value))),
            (_, Some(key)) => client_value(value).map(|value| fields.push(Field { key, value })),
            (_, None) => None,
        };
        if written.is_none() {
            about.notes.push(hidden(field));
        }
    }
    if !extra.is_empty() {
        fields.push(Field { key: "extra", value: Value::Map(extra) });
    }
    entry(&about, fields)
}

fn hidden(field: &ClientField) -> String {
    format!("Left out: `{}`, which is a secret; it is not managed", visible(&field.name()))
}

/// A property's value; `None` for one that is hidden.
fn client_value(value: &ClientValue) -> Option<Value> {
    Some(match value {
        ClientValue::Text(text) => Value::Text(text.clone()),
        ClientValue::Number(number) => Value::Number(*number),
        ClientValue::Flag(flag) => Value::Flag(*flag),
        ClientValue::Set(texts) => Value::Texts(texts.iter().cloned().collect()),
        ClientValue::All => Value::Flag(true),
        ClientValue::Json(value) => Value::Text(value.to_string()),
        ClientValue::Hidden(_) => return None,
    })
}

fn json(value: &ClientValue) -> Option<serde_json::Value> {
    Some(match value {
        ClientValue::Text(text) => text.as_str().into(),
        ClientValue::Number(number) => (*number).into(),
        ClientValue::Flag(flag) => (*flag).into(),
        ClientValue::Set(texts) => texts.iter().map(String::as_str).collect::<Vec<_>>().into(),
        ClientValue::All => true.into(),
        ClientValue::Json(value) => value.clone(),
        ClientValue::Hidden(_) => return None,
    })
}
