//! A `uaa.yml`, or a BOSH manifest with UAA's properties in it.
//!
//! Decides where in a file UAA's users, groups and clients stand, and what the short forms mean (facts §8.1). What
//! already is a variable `((name))` stays the same one.

use super::Source;
use super::gather::{At, Gathered, Of, Secret};
use crate::client::{ClientField, ClientFieldKind, ClientValue};
use crate::manifest::Problem;
use crate::manifest::foreign::{self, Foreign, ForeignValue};
use crate::manifest::write::ClientSecret;
use crate::model::{ClientId, GroupName, Member, Origin, UserKey, Username};
use crate::visible::visible;

/// Keys of a client as a `uaa.yml` spells them, and its fields.
const CLIENT: [(&str, ClientField); 16] = [
    ("name", ClientField::Name),
    ("authorized-grant-types", ClientField::AuthorizedGrantTypes),
    ("scope", ClientField::Scope),
    ("authorities", ClientField::Authorities),
    ("redirect-uri", ClientField::RedirectUri),
    ("autoapprove", ClientField::Autoapprove),
    ("access-token-validity", ClientField::AccessTokenValidity),
    ("refresh-token-validity", ClientField::RefreshTokenValidity),
    ("allowedproviders", ClientField::Allowedproviders),
    ("required_user_groups", ClientField::RequiredUserGroups),
    ("allowpublic", ClientField::Allowpublic),
    ("createdwith", ClientField::Createdwith),
    ("signup_redirect_url", ClientField::SignupRedirectUrl),
    ("show-on-homepage", ClientField::ShowOnHomePage),
    ("app-launch-url", ClientField::AppLaunchUrl),
    ("app-icon", ClientField::AppIcon),
];

/// Reads one file of them.
struct Reading<'a> {
    file: &'a str,
    gathered: &'a mut Gathered,
    found: bool,
}

/// Reads a file.
pub(super) fn read(source: &Source, gathered: &mut Gathered) -> Result<(), Vec<Problem>> {
    let root = foreign::parse(&source.name, &source.text)?;
    let mut reading = Reading { file: &source.name, gathered, found: false };
    reading.uaa(&root);
    reading.bosh(&root);
    if !reading.found {
        reading.note(&root, Of::All, "nothing about users, groups and clients was found: neither `scim` nor `oauth.clients` nor `uaa.clients`");
    }
    Ok(())
}

/// Splits a comma list, or takes a list.
fn words(value: &Foreign) -> Vec<String> {
    let split = |text: &str| {
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    match &value.value {
        ForeignValue::Text { text, .. } => split(text),
        ForeignValue::List(items) => items.iter().filter_map(Foreign::text).flat_map(split).collect(),
        ForeignValue::Null | ForeignValue::Map(_) => Vec::new(),
    }
}

impl Reading<'_> {
    fn at(&self, value: &Foreign) -> At {
        At { file: self.file.to_owned(), line: value.line }
    }

    fn note(&mut self, value: &Foreign, of: Of, text: impl Into<String>) {
        let at = self.at(value);
        self.gathered.note(of, &at, text);
    }

    /// Looks for UAA's properties in a BOSH manifest.
    fn bosh(&mut self, node: &Foreign) {
        for (key, value) in node.entries() {
            match key.as_str() {
                "properties" => {
                    self.uaa(value);
                    self.bosh(value);
                }
                "uaa" => self.uaa(value),
                "instance_groups" | "jobs" => value.items().iter().for_each(|item| self.bosh(item)),
                _ => {}
            }
        }
    }

    /// Reads what stands beside `scim` and `clients`.
    fn uaa(&mut self, node: &Foreign) {
        // Groups first: a member's name may be a group's.
        if let Some(scim) = node.get("scim") {
            self.found = true;
            self.scim(scim);
        }
        if let Some(oauth) = node.get("oauth") {
            for (key, value) in oauth.entries() {
                match key.as_str() {
                    "clients" => self.clients(value),
                    _ => self.note(
                        value,
                        Of::All,
                        format!("`oauth.{}` is configuration of the server", visible(key)),
                    ),
                }
            }
        }
        if let Some(clients) =
            node.get("clients").filter(|clients| matches!(clients.value, ForeignValue::Map(_)))
        {
            self.clients(clients);
        }
    }

    fn scim(&mut self, scim: &Foreign) {
        if let Some(groups) = scim.get("groups") {
            self.groups(groups);
        }
        for (key, value) in scim.entries() {
            match key.as_str() {
                "groups" | "group_membership" => {}
                "users" => value.items().iter().for_each(|user| self.user(user)),
                "external_groups" => self.external_groups(value),
                _ => self.note(
                    value,
                    Of::All,
                    format!("`scim.{}` is configuration of the server", visible(key)),
                ),
            }
        }
        // Last: a member is a user, or else a group.
        if let Some(rows) = scim.get("group_membership") {
            rows.items().iter().for_each(|row| self.membership(row));
        }
    }

    fn groups(&mut self, groups: &Foreign) {
        let mut declare = |place: &Foreign, name: &str, description: Option<&str>| {
            let at = self.at(place);
            let group = self.gathered.group(&GroupName::new(name.trim()), &at);
            group.description = description.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        };
        match &groups.value {
            ForeignValue::Map(entries) => {
                for (name, description) in entries {
                    declare(description, name, description.text());
                }
            }
            ForeignValue::Text { text, .. } => {
                text.split(',')
                    .filter(|name| !name.trim().is_empty())
                    .for_each(|name| declare(groups, name, None));
            }
            ForeignValue::List(items) => {
                for item in items {
                    let text = item.text().unwrap_or_default();
                    let (name, description) =
                        text.split_once('|').map_or((text, None), |(name, rest)| (name, Some(rest)));
                    if !name.trim().is_empty() {
                        declare(item, name, description);
                    }
                }
            }
            ForeignValue::Null => {}
        }
    }

    fn user(&mut self, user: &Foreign) {
        match &user.value {
            ForeignValue::Text { text, .. } => {
                let parts: Vec<&str> = text.split('|').collect();
                let part = |n: usize| parts.get(n).copied().filter(|text| !text.is_empty());
                match parts.len() {
                    2 | 3 => self.person(user, parts[0], part(1), [None, None, None], part(2), None),
                    5..=7 => {
                        self.person(user, parts[0], part(1), [part(2), part(3), part(4)], part(5), part(6))
                    }
                    n => {
                        self.note(user, Of::All, format!("a user of {n} fields; UAA knows 2, 3, 5, 6 and 7"))
                    }
                }
            }
            ForeignValue::Map(entries) => {
                let text = |key: &str| user.get(key).and_then(Foreign::text).filter(|text| !text.is_empty());
                let Some(name) = text("name").or_else(|| text("username")) else {
                    return self.note(user, Of::All, "a user without `name`");
                };
                let groups = user.get("groups").map(|groups| words(groups).join(","));
                let names = [text("email"), text("firstName"), text("lastName")];
                self.person(user, name, text("password"), names, groups.as_deref(), text("origin"));
                for (key, value) in entries {
                    if !["name", "username", "password", "email", "firstName", "lastName", "groups", "origin"]
                        .contains(&key.as_str())
                    {
                        self.note(value, Of::All, format!("`{}` of user {}", visible(key), visible(name)));
                    }
                }
            }
            ForeignValue::Null | ForeignValue::List(_) => self.note(user, Of::All, "this is no user"),
        }
    }

    fn person(
        &mut self,
        place: &Foreign,
        name: &str,
        password: Option<&str>,
        [email, given, family]: [Option<&str>; 3],
        groups: Option<&str>,
        origin: Option<&str>,
    ) {
        let at = self.at(place);
        let key = UserKey::new(origin.map_or_else(Origin::uaa, Origin::new), Username::new(name));
        let user = self.gathered.user(&key, &at);
        // UAA's own short forms take the name for the address.
        user.email = email.or_else(|| (!name.contains('@')).then_some(name)).map(str::to_owned);
        user.given_name = given.map(str::to_owned);
        user.family_name = family.map(str::to_owned);
        match password {
            Some(password) => self.gathered.password(&key, Secret::of(password), &at),
            None if key.origin.is_uaa() => {
                self.gathered.password(&key, Secret::Missing, &at);
            }
            None => {}
        }
        for group in groups.unwrap_or_default().split(',').map(str::trim).filter(|group| !group.is_empty()) {
            self.gathered.member(&GroupName::new(group), Member::User(key.clone()), true, &at);
        }
    }

    fn membership(&mut self, row: &Foreign) {
        let at = self.at(row);
        let mut parts = row.text().unwrap_or_default().split('|');
        let (Some(group), Some(members)) = (parts.next().filter(|name| !name.is_empty()), parts.next())
        else {
            return self.note(row, Of::All, "this is no membership `group|member,member`");
        };
        for name in members.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let member = if !self.gathered.knows_user(name) && self.gathered.knows_group(name) {
                Member::Group(GroupName::new(name))
            } else {
                Member::User(self.gathered.named(name))
            };
            self.gathered.member(&GroupName::new(group.trim()), member, true, &at);
        }
    }

    fn external_groups(&mut self, mappings: &Foreign) {
        match &mappings.value {
            ForeignValue::List(items) => {
                for item in items {
                    let mut parts = item.text().unwrap_or_default().split('|');
                    let (Some(group), Some(external)) =
                        (parts.next().filter(|name| !name.is_empty()), parts.next())
                    else {
                        self.note(item, Of::All, "this is no mapping `group|external group`");
                        continue;
                    };
                    let origin =
                        Origin::new(parts.next().filter(|origin| !origin.is_empty()).unwrap_or("ldap"));
                    let at = self.at(item);
                    for external in external.split_whitespace() {
                        self.gathered.map(&GroupName::new(group.trim()), &origin, external, true, &at);
                    }
                }
            }
            ForeignValue::Map(origins) => {
                for (origin, externals) in origins {
                    for (external, groups) in externals.entries() {
                        let at = self.at(groups);
                        for group in words(groups) {
                            self.gathered.map(
                                &GroupName::new(group),
                                &Origin::new(origin.as_str()),
                                external,
                                true,
                                &at,
                            );
                        }
                    }
                }
            }
            ForeignValue::Null | ForeignValue::Text { .. } => {}
        }
    }

    fn clients(&mut self, clients: &Foreign) {
        self.found = true;
        for (id, client) in clients.entries() {
            self.client(&ClientId::new(id.as_str()), client);
        }
    }

    fn client(&mut self, id: &ClientId, client: &Foreign) {
        let of = Of::Client(id.clone());
        let at = self.at(client);
        self.gathered.client(id, &at);
        for (key, value) in client.entries() {
            let dashed = key.as_str();
            let field = CLIENT.into_iter().find(|(name, field)| *name == dashed || field.name() == dashed);
            match (field, dashed) {
                (Some((_, field)), _) => match field_value(&field, value) {
                    Some(value) => {
                        self.gathered.client(id, &at).fields.insert(field, value);
                    }
                    None if matches!(value.value, ForeignValue::Null) => {}
                    None => self.note(
                        value,
                        of.clone(),
                        format!("`{}` holds no value that the field takes", visible(key)),
                    ),
                },
                (None, "secret") => self.client_secret(id, value),
                // What UAA fills in by itself.
                (None, "id" | "resource-ids" | "resource_ids") => {}
                (None, "override" | "use-bcrypt-prefix" | "jwks" | "jwks_uri") => {
                    self.note(value, of.clone(), format!("`{}` is not managed", visible(key)));
                }
                (None, _) if holds_a_secret(key, value) => {
                    self.note(
                        value,
                        of.clone(),
                        format!("`{}` looks like a secret and is left out", visible(key)),
                    );
                }
                (None, _) => match json(value) {
                    Some(json) => {
                        let fields = &mut self.gathered.client(id, &at).fields;
                        fields.insert(ClientField::Extra(key.clone()), ClientValue::Json(json));
                    }
                    None => self.note(value, of.clone(), format!("`{}` has no value", visible(key))),
                },
            }
        }
    }

    fn client_secret(&mut self, id: &ClientId, value: &Foreign) {
        let at = self.at(value);
        if !value.items().is_empty() {
            let text = "the client has two secrets; a manifest declares one (`uaapply rotate` changes it)";
            self.note(value, Of::Client(id.clone()), text);
        }
        let first = value.items().first().unwrap_or(value);
        match first.text() {
            None | Some("") => self.gathered.client(id, &at).secret = Some(ClientSecret::Empty),
            Some(secret) => self.gathered.client_secret(id, Secret::of(secret), &at),
        }
    }
}

/// Tells whether a key, or one inside its value, looks like a secret's.
fn holds_a_secret(key: &str, value: &Foreign) -> bool {
    crate::manifest::names_a_secret(key)
        || value.entries().iter().any(|(key, value)| holds_a_secret(key, value))
        || value.items().iter().any(|item| holds_a_secret("", item))
}

fn field_value(field: &ClientField, value: &Foreign) -> Option<ClientValue> {
    let text = value.text();
    Some(match field.kind() {
        ClientFieldKind::Text => ClientValue::Text(text?.to_owned()),
        ClientFieldKind::Seconds => ClientValue::Number(text?.trim().parse().ok()?),
        ClientFieldKind::Flag => match text? {
            "true" => ClientValue::Flag(true),
            "false" => ClientValue::Flag(false),
            _ => return None,
        },
        ClientFieldKind::Approvals if text == Some("true") => ClientValue::All,
        ClientFieldKind::Approvals if text == Some("false") => return Some(ClientValue::Set([].into())),
        ClientFieldKind::Set | ClientFieldKind::Approvals => {
            if matches!(value.value, ForeignValue::Null | ForeignValue::Map(_)) {
                return None;
            }
            ClientValue::Set(words(value).into_iter().collect())
        }
        ClientFieldKind::Secret | ClientFieldKind::Any => return None,
    })
}

fn json(value: &Foreign) -> Option<serde_json::Value> {
    Some(match &value.value {
        ForeignValue::Null => return None,
        ForeignValue::Text { text, plain: true } => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => text.parse::<i64>().map_or_else(|_| text.into(), Into::into),
        },
        ForeignValue::Text { text, plain: false } => text.as_str().into(),
        ForeignValue::List(items) => items.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        ForeignValue::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| Some((key.clone(), json(value)?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
    })
}
