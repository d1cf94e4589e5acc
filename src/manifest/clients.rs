//! OAuth clients: an entry under `clients` from nodes to values, and what all entries mean together.
//!
//! Decides what UAA would refuse of an entry, or take for something else (facts §6). Whether a client exists already,
//! and so what may be missing, is said by the plan.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use secrecy::{ExposeSecret, SecretString};

use super::decode::{At, Password};
use super::field::{Decoder, Rule};
use super::problem::{Draft, Mark, list, nearest, quote};
use super::redirect;
use super::resolve::Resolver;
use super::tree::{Entry, Node, Value};
use crate::client::{self, ClientField, ClientFieldKind, ClientValue, GRANT_TYPES, hidden};
use crate::desired::{DesiredClient, Said, SecretSource, WishState};
use crate::model::{ClientId, ClusterRole};

/// The keys of a client, besides [`ClientField::NAMED`].
const OWN_KEYS: [&str; 5] = ["client_id", "state", "client_secret", "extra", "cluster_access"];
/// How long lists may be when they are joined by commas, as UAA stores them.
const LONGEST: [(ClientField, usize); 4] = [
    (ClientField::Scope, 4000),
    (ClientField::Authorities, 4000),
    (ClientField::Autoapprove, 1024),
    (ClientField::RequiredUserGroups, 1024),
];
/// The most seconds that UAA stores.
const MOST_SECONDS: i64 = i32::MAX as i64;

/// Returns the keys of a client, in the order in which a manifest is written.
pub(super) fn keys() -> Vec<String> {
    let named = ClientField::NAMED.into_iter().map(|field| field.name());
    OWN_KEYS.into_iter().map(str::to_owned).chain(named).collect()
}

/// An entry under `clients`.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) mark: Mark,
    /// `None`: it has none that could be read, which is said already.
    pub(super) id: Option<At<String>>,
    /// Where it says that the client shall not exist.
    pub(super) absent: Option<Mark>,
    fields: BTreeMap<ClientField, At<Option<ClientValue>>>,
    /// Where each item of a list stands.
    items: BTreeMap<(ClientField, String), Mark>,
    secret: Option<At<Password>>,
    token_salt: Option<Password>,
    cluster_access: Option<At<Vec<At<ClusterRole>>>>,
}

impl Client {
    fn set(
        &self,
        field: &ClientField,
    ) -> Option<(&std::collections::BTreeSet<String>, &At<Option<ClientValue>>)> {
        let at = self.fields.get(field)?;
        Some((at.value.as_ref()?.as_set()?, at))
    }

    /// Tells whether the entry has the field, and clears it.
    fn clears(&self, field: &ClientField) -> Option<&At<Option<ClientValue>>> {
        self.fields.get(field).filter(|at| at.value.is_none())
    }
}

impl Decoder<'_> {
    pub(super) fn client(&mut self, node: Node) -> Option<Client> {
        let keys = keys();
        let known: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut fields = self.map(node, "a client", &known, "write `- client_id: …`")?;
        let of = fields
            .peek("client_id")
            .map_or_else(|| "a client".to_owned(), |id| format!("client {}", quote(id)));
        let mut client = Client {
            mark: fields.mark,
            id: None,
            absent: None,
            fields: BTreeMap::new(),
            items: BTreeMap::new(),
            secret: None,
            token_salt: None,
            cluster_access: None,
        };
        match fields.take("client_id") {
            Some(entry) => client.id = self.client_id(entry, &of),
            None if fields.meant("client_id") => {}
            None => self.drafts.add(
                Draft::error("missing-key", "a client has no `client_id`")
                    .at(client.mark)
                    .label("`client_id` is missing in this entry")
                    .help("add `client_id: …`"),
            ),
        }
        client.absent = self.absent(&mut fields, &of);
        if client.absent.is_some() {
            return Some(client);
        }
        client.secret = fields.take("client_secret").and_then(|entry| self.client_secret(entry, &of));
        client.cluster_access = fields.take("cluster_access").and_then(|entry| self.access(entry, &of));
        for field in ClientField::NAMED {
            if let Some(entry) = fields.take(&field.name()) {
                self.client_field(field, entry, &of, &mut client);
            }
        }
        if let Some(entry) = fields.take("extra") {
            self.extra(entry, &of, &mut client);
        }
        self.judge_client(&client, &of);
        Some(client)
    }

    fn client_id(&mut self, entry: Entry, of: &str) -> Option<At<String>> {
        let id = self.text(Some(entry), of, Rule::Name)?;
        let problem = if id.value == "uaa" {
            Some(("is reserved", "UAA keeps this id for itself"))
        } else if id.value.contains(['/', '\\']) {
            Some((
                "holds a slash or backslash",
                "UAA refuses it, and older ones cannot find such a client again",
            ))
        } else {
            None
        };
        let Some((what, help)) = problem else { return Some(id) };
        self.drafts.add(
            Draft::error("bad-client-id", format!("the client id {} {what}", quote(&id.value)))
                .at(id.mark)
                .label(what)
                .help(help),
        );
        None
    }

    fn client_secret(&mut self, entry: Entry, of: &str) -> Option<At<Password>> {
        let written_empty = entry.node.variable.is_none()
            && matches!(&entry.node.value, Value::Scalar { text, .. } if text.is_empty())
            && !entry.node.is_null();
        if written_empty {
            let value = Password { value: SecretString::from(String::new()), variable: None };
            return Some(At { value, mark: entry.node.mark, key: entry.key_mark });
        }
        self.secret(
            entry,
            of,
            "client secret",
            "for a public client write `client_secret: \"\"`, without a variable",
        )
    }

    fn client_field(&mut self, field: ClientField, entry: Entry, of: &str, client: &mut Client) {
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let null = entry.node.is_null() && entry.node.variable.is_none();
        let name = field.name();
        if null && let Some(help) = never_null(&field) {
            self.drafts.add(
                Draft::error("null-value", format!("`{name}` of {of} has no value"))
                    .at(key)
                    .label("a client cannot be without it")
                    .help(help),
            );
            return;
        }
        if entry.node.is_blank() {
            return self.blank(&name, of, key, &name);
        }
        let value = if null {
            None
        } else {
            let read = match field.kind() {
                ClientFieldKind::Text => self.client_text(&field, entry, of).map(ClientValue::Text),
                ClientFieldKind::Seconds => self.seconds(entry, of).map(ClientValue::Number),
                ClientFieldKind::Flag => {
                    self.boolean(Some(entry), of).map(|flag| ClientValue::Flag(flag.value))
                }
                ClientFieldKind::Set => self.set(&field, entry, of, client),
                ClientFieldKind::Approvals => self.approvals(&field, entry, of, client),
                ClientFieldKind::Secret => self.salt(entry, of, client),
                ClientFieldKind::Any => None,
            };
            let Some(read) = read else { return };
            client::stored(&field, read)
        };
        // `null` says what an empty list says.
        let value = match (&field, value) {
            (ClientField::Scope | ClientField::Authorities, None) => {
                client::stored(&field, ClientValue::Set(std::collections::BTreeSet::new()))
            }
            (_, value) => value,
        };
        client.fields.insert(field, At { value, mark, key });
    }

    /// Reports a key with nothing after it: only a written `null` clears.
    fn blank(&mut self, what: &str, of: &str, key: Mark, name: &str) {
        self.drafts.add(
            Draft::error("null-value", format!("`{what}` of {of} has no value"))
                .at(key)
                .label("nothing is written after it")
                .help(format!(
                    "write `{name}: null` to clear it, or leave the key away so that it is not managed"
                )),
        );
    }

    fn client_text(&mut self, field: &ClientField, entry: Entry, of: &str) -> Option<String> {
        let (mark, what) = (entry.node.mark, format!("`{field}` of {of}"));
        let text = self.plain(entry.node, &what)?;
        if text.is_empty() {
            return Some(text);
        }
        let problem = if text.trim().is_empty() {
            Some("is blank")
        } else if text.chars().any(char::is_control) {
            Some("holds a control character")
        } else if *field == ClientField::AppIcon && !is_base64(&text) {
            Some("is no picture in base64")
        } else if *field == ClientField::AppLaunchUrl && !super::field::is_address(&text) {
            Some("is no http or https address")
        } else if *field != ClientField::AppIcon && text.chars().count() > 1024 {
            Some("is longer than 1024 characters")
        } else {
            None
        };
        let Some(problem) = problem else { return Some(text) };
        self.drafts.add(Draft::error("bad-text", format!("{what} {problem}")).at(mark).label(problem));
        None
    }

    fn seconds(&mut self, entry: Entry, of: &str) -> Option<i64> {
        let (mark, name) = (entry.node.mark, entry.key);
        let kind = entry.node.kind();
        let found = match &entry.node.value {
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{name}`"));
                return None;
            }
            Value::Scalar { text, plain: true } => match text.parse::<i64>() {
                Ok(seconds) if (1..=MOST_SECONDS).contains(&seconds) => return Some(seconds),
                _ => quote(text),
            },
            Value::Scalar { text, plain: false } => format!("the quoted text {}", quote(text)),
            Value::Seq(_) | Value::Map(_) => kind.to_owned(),
        };
        self.drafts.add(
            Draft::error("wrong-type", format!("`{name}` of {of} must be a number of seconds, not {found}"))
                .at(mark)
                .label("expected a whole number of seconds, at least 1")
                .help(format!("write `{name}: 3600`; `null` leaves it to the zone")),
        );
        None
    }

    /// Decodes a list without order.
    fn set(
        &mut self,
        field: &ClientField,
        entry: Entry,
        of: &str,
        client: &mut Client,
    ) -> Option<ClientValue> {
        let (mark, name) = (entry.node.mark, field.name());
        if matches!(entry.node.value, Value::Broken) {
            return None;
        }
        let is_list = matches!(entry.node.value, Value::Seq(_));
        let items = self.list(entry, &name, of);
        if !is_list {
            return None;
        }
        if items.is_empty() && *field == ClientField::Allowedproviders {
            self.drafts.add(
                Draft::error("ambiguous-empty", format!("`{name}` of {of} is an empty list"))
                    .at(mark)
                    .label("nobody, or everybody?")
                    .help("write `allowedproviders: null` for users of every identity provider, or list those that may log in"),
            );
            return None;
        }
        if items.is_empty() && *field == ClientField::AuthorizedGrantTypes {
            self.drafts.add(
                Draft::error("null-value", format!("`{name}` of {of} is an empty list"))
                    .at(mark)
                    .label("UAA refuses a client without any")
                    .help(format!("the grant types are {}", list(GRANT_TYPES))),
            );
            return None;
        }
        let mut set: BTreeMap<String, Mark> = BTreeMap::new();
        let mut broken = false;
        for node in items {
            let Some(item) = self.set_item(field, node, of) else {
                broken = true;
                continue;
            };
            match set.entry(item.value) {
                Slot::Vacant(slot) => {
                    slot.insert(item.mark);
                }
                Slot::Occupied(slot) => {
                    broken = true;
                    self.drafts.add(super::resolve::duplicate_item(
                        &format!("`{name}` of {of} lists {} twice", quote(slot.key())),
                        item.mark,
                        *slot.get(),
                    ));
                }
            }
        }
        for (item, mark) in &set {
            client.items.insert((field.clone(), item.clone()), *mark);
        }
        (!broken).then(|| ClientValue::Set(set.into_keys().collect()))
    }

    fn set_item(&mut self, field: &ClientField, node: Node, of: &str) -> Option<At<String>> {
        match field {
            ClientField::RedirectUri => {
                let mark = node.mark;
                let uri = self.plain(node, "a redirect URI")?;
                let Some(wrong) = redirect::wrong(&uri) else {
                    return Some(At { value: uri, mark, key: mark });
                };
                self.drafts.add(
                    Draft::error("bad-redirect-uri", format!("the redirect URI {} of {of} {wrong}", quote(&uri)))
                        .at(mark)
                        .label("UAA refuses it")
                        .help("write it as `https://app.example.com/callback`; `*` and `**` stand for parts of a path"),
                );
                None
            }
            ClientField::AuthorizedGrantTypes => {
                let grant = self.item(node, "a grant type", Rule::Name)?;
                if GRANT_TYPES.contains(&grant.value.as_str()) {
                    return Some(grant);
                }
                let near = nearest(&grant.value, GRANT_TYPES);
                self.drafts.add(
                    Draft::error(
                        "unknown-grant-type",
                        format!("{of} has the unknown grant type {}", quote(&grant.value)),
                    )
                    .at(grant.mark)
                    .label("UAA refuses it")
                    .help(near.map_or_else(
                        || format!("the grant types are {}", list(GRANT_TYPES)),
                        |near| format!("did you mean {}?", quote(near)),
                    )),
                );
                None
            }
            ClientField::Allowedproviders => self.item(node, "an identity provider", Rule::Name),
            _ => self.item(node, "a scope", Rule::Scope),
        }
    }

    /// Decodes `autoapprove`: a list, or `true`.
    fn approvals(
        &mut self,
        field: &ClientField,
        entry: Entry,
        of: &str,
        client: &mut Client,
    ) -> Option<ClientValue> {
        match entry.node.as_bool() {
            Some(true) => Some(ClientValue::All),
            Some(false) => {
                self.drafts.add(
                    Draft::error(
                        "wrong-type",
                        format!("`{field}` of {of} must be a list or true, not false"),
                    )
                    .at(entry.node.mark)
                    .label("expected a list of scopes, or true")
                    .help(format!("write `{field}: []` to ask for every scope")),
                );
                None
            }
            None => self.set(field, entry, of, client),
        }
    }

    fn salt(&mut self, entry: Entry, of: &str, client: &mut Client) -> Option<ClientValue> {
        let empty = matches!(&entry.node.value, Value::Scalar { text, .. } if text.is_empty());
        if empty && entry.node.variable.is_none() {
            return Some(ClientValue::Text(String::new()));
        }
        // UAA shows it to everyone who may read clients: what comes from a secret source must not go there, or whoever
        // may write manifests could read the pipeline's secrets by it.
        let variable = entry.node.variable.as_deref().map(str::to_owned);
        let (mark, what) = (entry.node.mark, format!("`token_salt` of {of}"));
        let text = self.plain(entry.node, &what)?;
        let text = self.judge(text, mark, &what, Rule::Line)?;
        let value = hidden(&text);
        client.token_salt = Some(Password { value: text.into(), variable });
        Some(value)
    }

    /// Decodes further information: each key of it is managed by itself.
    fn extra(&mut self, entry: Entry, of: &str, client: &mut Client) {
        let mut node = entry.node;
        if node.is_null() {
            node.mark = entry.key_mark;
        }
        let (null, mark) = (node.is_null(), node.mark);
        let entries = match node.value {
            Value::Map(entries) if !entries.is_empty() => entries,
            Value::Broken => return,
            Value::Secret(_) => return self.secret_here(&node, "`extra`"),
            Value::Map(_) | Value::Seq(_) | Value::Scalar { .. } => {
                let (code, what) = match node.value {
                    Value::Map(_) => ("null-value", "says nothing"),
                    _ if null => ("null-value", "has no value"),
                    _ => ("wrong-type", "must be a map of keys and values"),
                };
                self.drafts.add(
                    Draft::error(code, format!("`extra` of {of} {what}"))
                        .at(mark)
                        .label("expected a map")
                        .help("write `extra: {team: blue}`; `key: null` removes a key"),
                );
                return;
            }
        };
        for entry in entries {
            if entry.key.is_empty() || self.is_reserved(&entry, of) {
                continue;
            }
            let (mark, key) = (entry.node.mark, entry.key_mark);
            if entry.node.is_blank() {
                self.blank(&format!("extra.{}", entry.key), of, key, &entry.key);
                continue;
            }
            let Some(value) = self.any_json(entry.node, &format!("{} in `extra` of {of}", quote(&entry.key)))
            else {
                continue;
            };
            if client::names_a_secret(&entry.key, &value) {
                self.drafts.add(
                    Draft::warning(
                        "secret-in-extra",
                        format!("{} in `extra` of {of} looks like a secret", quote(&entry.key)),
                    )
                    .at(key)
                    .label("plans show it, and so does UAA to everyone who may read clients")
                    .help("keep secrets elsewhere; a client's own is `client_secret`"),
                );
            }
            let field = ClientField::Extra(entry.key);
            let value = client::stored(&field, ClientValue::Json(value));
            client.fields.insert(field, At { value, mark, key });
        }
    }

    fn is_reserved(&mut self, entry: &Entry, of: &str) -> bool {
        let key = entry.key.as_str();
        let named = ClientField::by_name(key)
            .is_some_and(|field| field.name() == key && ClientField::NAMED.contains(&field));
        if !named && !client::RESERVED.contains(&key) {
            return false;
        }
        let own = named || OWN_KEYS.contains(&key);
        self.drafts.add(
            Draft::error("reserved-key", format!("`extra` of {of} has the key {}", quote(key)))
                .at(entry.key_mark)
                .label("UAA takes it for something else, or shows it to everyone who may read clients")
                .help(if own { format!("write `{key}` beside `extra`") } else { "remove it".to_owned() }),
        );
        true
    }

    /// Takes a node for JSON. Numbers are those that JSON knows; everything else that is plain is a text.
    fn any_json(&mut self, node: Node, what: &str) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        if node.is_null() {
            return Some(Json::Null);
        }
        if let Some(flag) = node.as_bool() {
            return Some(Json::Bool(flag));
        }
        match node.value {
            Value::Scalar { text, plain } => Some(match serde_json::from_str::<serde_json::Number>(&text) {
                Ok(number) if plain => Json::Number(number),
                _ => Json::String(text),
            }),
            Value::Seq(items) => {
                let items: Vec<Option<Json>> =
                    items.into_iter().map(|item| self.any_json(item, what)).collect();
                items.into_iter().collect::<Option<Vec<Json>>>().map(Json::Array)
            }
            Value::Map(entries) => {
                let mut map = serde_json::Map::new();
                for entry in entries {
                    map.insert(entry.key, self.any_json(entry.node, what)?);
                }
                Some(Json::Object(map))
            }
            Value::Secret(_) => {
                self.secret_here(&node, what);
                None
            }
            Value::Broken => None,
        }
    }

    /// Judges what the fields of one entry say together.
    fn judge_client(&mut self, client: &Client, of: &str) {
        for (field, longest) in LONGEST {
            let Some((set, at)) = client.set(&field) else { continue };
            let length = set.iter().map(|text| text.chars().count() + 1).sum::<usize>().saturating_sub(1);
            if length > longest {
                self.drafts.add(
                    Draft::error("too-long", format!("`{field}` of {of} is too long: {length} characters"))
                        .at(at.key)
                        .label(format!("UAA stores at most {longest} characters, commas included")),
                );
            }
        }
        let grants = client.set(&ClientField::AuthorizedGrantTypes).map(|(set, _)| set);
        let has = |grant: &str| grants.is_some_and(|grants| grants.contains(grant));
        let place = |grant: &str| {
            client
                .items
                .get(&(ClientField::AuthorizedGrantTypes, grant.to_owned()))
                .copied()
                .unwrap_or(client.mark)
        };
        if let Some(secret) = &client.secret {
            let empty = secret.value.value.expose_secret().is_empty();
            for grant in ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
                if empty && has(grant) {
                    self.drafts.add(
                        Draft::error(
                            "secret-needed",
                            format!("{of} has an empty secret and the grant type {}", quote(grant)),
                        )
                        .at(secret.key)
                        .label("UAA refuses a public client with this grant type")
                        .also(place(grant), "this grant type needs a secret")
                        .help("give it a secret: `client_secret: ((name))`"),
                    );
                }
            }
            if !empty && has("implicit") {
                self.drafts.add(
                    Draft::error(
                        "secret-not-allowed",
                        format!("{of} has a secret and the grant type `implicit`"),
                    )
                    .at(secret.key)
                    .label("UAA refuses a secret with this grant type")
                    .also(place("implicit"), "this grant type has no secret")
                    .help("remove `client_secret`, or `implicit`"),
                );
            }
        }
        if let Some(none) = client.clears(&ClientField::RedirectUri) {
            for grant in ["authorization_code", "implicit"] {
                if has(grant) {
                    self.drafts.add(
                        Draft::error(
                            "missing-redirect-uri",
                            format!("{of} has the grant type {} and no redirect URI", quote(grant)),
                        )
                        .at(none.key)
                        .label("UAA wants at least one with this grant type")
                        .also(place(grant), "this grant type needs one")
                        .help("list where the browser may be sent back to"),
                    );
                }
            }
        }
        if let (Some((scope, _)), Some((approved, _))) =
            (client.set(&ClientField::Scope), client.set(&ClientField::Autoapprove))
        {
            for name in approved.difference(scope) {
                let mark = client
                    .items
                    .get(&(ClientField::Autoapprove, name.clone()))
                    .copied()
                    .unwrap_or(client.mark);
                self.drafts.add(
                    Draft::warning(
                        "autoapprove-outside-scope",
                        format!("`autoapprove` of {of} lists {}, which is not in its `scope`", quote(name)),
                    )
                    .at(mark)
                    .label("UAA drops it")
                    .help("add it to `scope`, or remove it here"),
                );
            }
        }
    }
}

/// Says what to write instead of nothing, where a client cannot be without a field.
fn never_null(field: &ClientField) -> Option<String> {
    match field {
        ClientField::AuthorizedGrantTypes => Some(format!("the grant types are {}", list(GRANT_TYPES))),
        ClientField::ShowOnHomePage => Some("write `true` or `false`".to_owned()),
        _ => None,
    }
}

fn is_base64(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
}

impl Resolver<'_> {
    /// Notes which clients are described, and reports those that are described twice.
    pub(super) fn client_id(&mut self, client: &Client) {
        let Some(id) = &client.id else { return };
        match self.client_marks.entry(ClientId::new(id.value.clone())) {
            Slot::Vacant(slot) => {
                slot.insert(id.mark);
            }
            Slot::Occupied(slot) => self.drafts.add(
                Draft::error("duplicate-client", format!("the client {} is written twice", quote(&id.value)))
                    .at(id.mark)
                    .label("the second entry")
                    .also(*slot.get(), "the first entry")
                    .help("merge the two entries"),
            ),
        }
    }

    pub(super) fn client(&mut self, client: Client) {
        let Some(at) = &client.id else { return };
        let id = ClientId::new(at.value.clone());
        let authority_wishes = self.authority_wishes(&client, &id);
        if self.client_marks.get(&id) != Some(&at.mark) {
            return;
        }
        let because = self.because(client.mark);
        if client.absent.is_some() {
            self.desired.absent.clients.insert(id, because);
            return;
        }
        let source = |secret: &Password| match &secret.variable {
            Some(name) => SecretSource::Variable(name.clone()),
            None if secret.value.expose_secret().is_empty() => SecretSource::Empty,
            None => SecretSource::Literal,
        };
        let secret = client.secret.map(|at| {
            let value = source(&at.value);
            self.secrets.client_secrets.insert(id.clone(), at.value.value);
            Said { value, because: self.because(at.key) }
        });
        let token_salt = client.token_salt.map(|salt| {
            let value = source(&salt);
            self.secrets.token_salts.insert(id.clone(), salt.value);
            value
        });
        let said = |(field, at): (ClientField, At<Option<ClientValue>>)| {
            (field, Said { because: self.because(at.key), value: at.value })
        };
        let fields = client.fields.into_iter().map(said).collect();
        let desired = DesiredClient { id: id.clone(), because, fields, authority_wishes, secret, token_salt };
        self.desired.clients.insert(id, desired);
    }

    /// Says which authorities `cluster_access` adds and removes; what `authorities` lists must not be among the latter.
    fn authority_wishes(
        &mut self,
        client: &Client,
        id: &ClientId,
    ) -> BTreeMap<crate::model::GroupName, Said<WishState>> {
        let mut wishes = BTreeMap::new();
        let Some(access) = &client.cluster_access else { return wishes };
        for role in ClusterRole::ALL {
            let group = role.group();
            let named = access.value.iter().find(|named| named.value == role);
            let (value, mark) = match named {
                Some(named) => (WishState::Present, named.mark),
                None => (WishState::Absent, Mark { at: access.key.at, ..access.mark }),
            };
            let listed = client.items.get(&(ClientField::Authorities, group.as_str().to_owned()));
            if let (WishState::Absent, Some(listed)) = (value, listed) {
                self.drafts.add(
                    Draft::error(
                        "disagreement",
                        format!(
                            "two statements disagree whether client {} has the authority {}",
                            quote(id.as_str()),
                            quote(group.as_str())
                        ),
                    )
                    .at(*listed)
                    .label("`authorities` gives it")
                    .also(mark, "`cluster_access` takes it")
                    .help("remove one of the two"),
                );
            }
            wishes.insert(group, Said { value, because: self.because(mark) });
        }
        wishes
    }
}
