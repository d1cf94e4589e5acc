//! Entries → the text of a manifest: for `export` and `import`.
//!
//! Decides the layout, how each text is quoted, and that the result loads: the text is loaded before it is handed out,
//! and whatever the loader refuses is left out with a comment that says so, so that the rules stand in one place only.
//! A group that loses a member this way becomes additive, since an exact one would revoke that member. Never decides
//! what is worth writing, and never sees a secret's value: a secret is the name of a variable here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use secrecy::SecretString;

use super::problem::Drafts;
use super::source::{Kind as TextKind, Texts};
use super::{Problem, Sources, check};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::error::Error;
use crate::model::{ClientId, GroupName, Member, Origin, UserKey};
use crate::visible::{is_invisible, quoted, visible};

/// What is written. A list that is `None` is not written at all.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// Comments at the top.
    pub head: Vec<String>,
    /// The `target` block.
    pub target: Target,
    /// The `users` list.
    pub users: Option<Section<User>>,
    /// The `groups` list.
    pub groups: Option<Section<Group>>,
    /// The `clients` list.
    pub clients: Option<Section<Client>>,
}

/// A list of entries, and comments about what is not among them.
#[derive(Clone, Debug)]
pub struct Section<T> {
    /// Comments above the first entry.
    pub notes: Vec<String>,
    /// The entries, in their order.
    pub entries: Vec<T>,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self { notes: Vec::new(), entries: Vec::new() }
    }
}

/// The `target` block; an empty one is not written.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The issuer.
    pub issuer: Option<String>,
    /// The zone's id.
    pub zone: Option<String>,
    /// Identity providers.
    pub origins: BTreeSet<Origin>,
}

/// Where an entry comes from and what is to be said about it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Comments above the entry.
    pub notes: Vec<String>,
    /// The place in a file that was imported, such as `access.sh:12`.
    pub source: Option<String>,
    /// Whether it is written as `state: absent`.
    pub absent: bool,
}

/// An entry under `users`.
#[derive(Clone, Debug)]
pub struct User {
    /// What is said about it.
    pub about: About,
    /// Who.
    pub key: UserKey,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// The identity provider's id of the user.
    pub external_id: Option<String>,
    /// Whether the account may log in.
    pub active: Option<bool>,
    /// Whether the e-mail address counts as verified.
    pub verified: Option<bool>,
    /// The variable with the initial password.
    pub password: Option<String>,
    /// Words of `cluster_access`.
    pub cluster_access: Vec<String>,
    /// Groups that it is in.
    pub groups: Vec<GroupName>,
}

impl User {
    /// An entry that says only that the user exists.
    #[must_use]
    pub fn new(key: UserKey) -> Self {
        Self {
            about: About::default(),
            key,
            email: None,
            given_name: None,
            family_name: None,
            phone: None,
            external_id: None,
            active: None,
            verified: None,
            password: None,
            cluster_access: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// An entry under `groups`.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is said about it.
    pub about: About,
    /// Its name.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<String>,
    /// Whether others manage it too.
    pub additive: bool,
    /// Its members.
    pub members: Vec<Member>,
    /// Who must not be one.
    pub absent_members: Vec<Member>,
    /// LDAP or SAML groups mapped to it; `None`: not managed.
    pub external_groups: Option<Vec<External>>,
}

impl Group {
    /// An entry without members.
    #[must_use]
    pub fn new(name: GroupName) -> Self {
        Self {
            about: About::default(),
            name,
            description: None,
            additive: false,
            members: Vec::new(),
            absent_members: Vec::new(),
            external_groups: None,
        }
    }
}

/// An entry under `external_groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The identity provider.
    pub origin: Origin,
    /// The LDAP DN or SAML group value.
    pub group: String,
    /// Whether it is written as `state: absent`.
    pub absent: bool,
}

/// A client's secret as a manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientSecret {
    /// In this variable.
    Variable(String),
    /// The empty one of a public client.
    Empty,
}

/// An entry under `clients`.
#[derive(Clone, Debug)]
pub struct Client {
    /// What is said about it.
    pub about: About,
    /// Its id.
    pub id: ClientId,
    /// Its secret.
    pub secret: Option<ClientSecret>,
    /// Its properties; a hidden one cannot be written.
    pub fields: ClientFields,
}

/// A manifest's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The YAML.
    pub text: String,
    /// What a manifest cannot say and is only a comment in it, one sentence each.
    pub left_out: Vec<String>,
    /// The variables that need a value.
    pub variables: BTreeSet<String>,
}

/// Names for variables, no two alike even where only case differs, all of them names that an environment can hold.
#[derive(Debug, Default)]
pub struct VariableNames(BTreeSet<String>);

impl VariableNames {
    /// Notes that a name is in use.
    pub fn take(&mut self, name: &str) {
        self.0.insert(name.to_lowercase());
    }

    /// Returns a name for the secret of somebody: `alana_password`.
    pub fn name(&mut self, of: &str, suffix: &str) -> String {
        let mut base = String::new();
        for c in of.chars() {
            match c {
                c if c.is_ascii_alphanumeric() => base.push(c.to_ascii_lowercase()),
                _ if base.is_empty() || base.ends_with('_') => {}
                _ => base.push('_'),
            }
        }
        let base = base.trim_end_matches('_');
        let base = if base.is_empty() { suffix.to_owned() } else { format!("{base}_{suffix}") };
        let mut name = base.clone();
        let mut n = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        name
    }
}

/// Writes a manifest that loads.
///
/// # Errors
/// When something is refused that cannot be left out; that would be a mistake in this program.
pub fn write(manifest: &Manifest) -> Result<Written, Error> {
    let mut lists = Lists::of(manifest);
    let mut left_out = Vec::new();
    loop {
        let page = lists.render(&manifest.head);
        let variables = lists.variables();
        let problems = refusals(&page.text, &variables);
        if problems.is_empty() {
            return Ok(Written { text: page.text, left_out, variables });
        }
        let before = left_out.len();
        let mut lines: BTreeMap<Part, String> = BTreeMap::new();
        for problem in problems {
            let line = problem.at.as_ref().map_or(0, |at| at.line as usize);
            if let Some(part) = line.checked_sub(1).and_then(|line| page.parts.get(line)).copied().flatten() {
                lines.entry(part).or_insert(problem.message);
            }
        }
        lists.leave_out(lines, &mut left_out);
        if left_out.len() == before {
            return Err(Error::new("cannot write these entries as a manifest: the result would not load")
                .hint("this is a mistake in uaapply; choose fewer entries by patterns meanwhile"));
        }
    }
}

/// What the loader says against a text, each variable having a value.
fn refusals(text: &str, variables: &BTreeSet<String>) -> Vec<Problem> {
    /// Stands for every secret while the text is checked.
    const STAND_IN: &str = "any-value-at-all-of-a-variable";
    let mut texts = Texts::default();
    texts.add("manifest".to_owned(), text.to_owned(), TextKind::Manifest);
    let secret = |name: &String| ("ANY".to_owned(), name.clone(), SecretString::from(STAND_IN.to_owned()));
    let sources = Sources { vars_env: variables.iter().map(secret).collect(), ..Sources::default() };
    match check(texts, Drafts::default(), &sources, true) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0,
    }
}

/// The lists of a manifest, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Target,
    Users,
    Groups,
    Clients,
}

impl List {
    const ALL: [Self; 4] = [Self::Target, Self::Users, Self::Groups, Self::Clients];

    fn key(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Clients => "clients",
        }
    }

    /// What an entry is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Users => "user",
            Self::Groups => "group",
            Self::Clients => "client",
        }
    }
}

/// What a line of the text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    List(List),
    Field(List, usize, usize),
    Item(List, usize, usize, usize),
}

/// One key of an entry.
#[derive(Clone, Debug)]
struct Field {
    key: &'static str,
    value: Value,
}

/// What stands behind a key.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Variable(String),
    Flag(bool),
    Number(i64),
    /// Texts on the key's own line.
    Texts(Vec<String>),
    /// One item a line; each is a text, or a map on one line.
    Items(Vec<Item>),
    /// One key a line.
    Map(Vec<(String, serde_json::Value)>),
}

#[derive(Clone, Debug)]
enum Item {
    Text(String),
    Map(Vec<(&'static str, String)>),
}

/// An entry with its keys; the first one names it.
#[derive(Clone, Debug)]
struct Entry {
    notes: Vec<String>,
    source: Option<String>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, Default)]
struct Entries {
    notes: Vec<String>,
    entries: Vec<Entry>,
}

/// All lists as entries.
struct Lists(BTreeMap<List, Entries>);

/// A text, and what each of its lines is about.
#[derive(Default)]
struct Page {
    text: String,
    parts: Vec<Option<Part>>,
}

impl Page {
    fn line(&mut self, text: &str, part: Option<Part>) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
        self.parts.push(part);
    }

    fn comment(&mut self, indent: &str, text: &str) {
        for line in text.lines() {
            self.line(&format!("{indent}# {}", visible(line)), None);
        }
    }
}

impl Lists {
    fn of(manifest: &Manifest) -> Self {
        let mut lists = BTreeMap::new();
        let target = target(&manifest.target);
        if !target.fields.is_empty() {
            lists.insert(List::Target, Entries { notes: Vec::new(), entries: vec![target] });
        }
        fn list<T>(section: &Section<T>, entry: impl Fn(&T) -> Entry) -> Entries {
            Entries { notes: section.notes.clone(), entries: section.entries.iter().map(entry).collect() }
        }
        if let Some(users) = &manifest.users {
            lists.insert(List::Users, list(users, user));
        }
        if let Some(groups) = &manifest.groups {
            lists.insert(List::Groups, list(groups, group));
        }
        if let Some(clients) = &manifest.clients {
            lists.insert(List::Clients, list(clients, client));
        }
        Self(lists)
    }

    fn variables(&self) -> BTreeSet<String> {
        let fields = self.0.values().flat_map(|list| &list.entries).flat_map(|entry| &entry.fields);
        fields
            .filter_map(|field| match &field.value {
                Value::Variable(name) => Some(name.clone()),
                Value::Text(_)
                | Value::Flag(_)
                | Value::Number(_)
                | Value::Texts(_)
                | Value::Items(_)
                | Value::Map(_) => None,
            })
            .collect()
    }

    fn render(&self, head: &[String]) -> Page {
        let mut page = Page::default();
        for comment in head {
            page.comment("", comment);
        }
        page.line("version: 1", None);
        for kind in List::ALL {
            let Some(list) = self.0.get(&kind) else { continue };
            page.line("", None);
            let empty = list.entries.is_empty() && kind != List::Target;
            let key = kind.key();
            page.line(&if empty { format!("{key}: []") } else { format!("{key}:") }, Some(Part::List(kind)));
            for note in &list.notes {
                page.comment("  ", note);
            }
            for (n, entry) in list.entries.iter().enumerate() {
                for note in &entry.notes {
                    page.comment("  ", note);
                }
                entry.render(kind, n, &mut page);
            }
        }
        page
    }

    /// Takes refused parts out and says so in their places. Of each entry the first key only: what is refused of the
    /// others is found again when the rest is loaded, and their numbers are right then.
    fn leave_out(&mut self, refused: BTreeMap<Part, String>, left_out: &mut Vec<String>) {
        let mut entries: BTreeMap<(List, usize), (usize, Vec<Refused>)> = BTreeMap::new();
        for (part, why) in refused {
            let (list, n, f, item) = match part {
                Part::List(list) => {
                    self.leave_out_list(list, &why, left_out);
                    return;
                }
                Part::Field(list, n, f) => (list, n, f, None),
                Part::Item(list, n, f, item) => (list, n, f, Some(item)),
            };
            let (first, parts) = entries.entry((list, n)).or_insert((f, Vec::new()));
            if f < *first {
                (*first, *parts) = (f, Vec::new());
            }
            if f == *first {
                parts.push(Refused { item, why });
            }
        }
        // From the back, so that the numbers of those in front stay.
        for ((list, n), (f, parts)) in entries.into_iter().rev() {
            if let Some(entries) = self.0.get_mut(&list) {
                entries.leave_out(list, n, f, parts, left_out);
            }
        }
    }

    /// A list that this manifest's version does not have.
    fn leave_out_list(&mut self, list: List, why: &str, left_out: &mut Vec<String>) {
        let Some(entries) = self.0.remove(&list) else { return };
        let names: Vec<String> = entries.entries.iter().map(Entry::name).collect();
        let text = format!("`{}` ({why}): {}", list.key(), names.join(", "));
        if let Some(other) = self.0.values_mut().next_back() {
            other.notes.push(format!("Left out: {text}"));
        }
        left_out.push(text);
    }
}

/// A refused key (no item) or item of a list, and why.
struct Refused {
    item: Option<usize>,
    why: String,
}

impl Entries {
    fn leave_out(&mut self, list: List, n: usize, f: usize, parts: Vec<Refused>, left_out: &mut Vec<String>) {
        let Some(entry) = self.entries.get_mut(n) else { return };
        let Some(key) = entry.fields.get(f).map(|field| field.key) else { return };
        let mut say = |text: String, notes: &mut Vec<String>| {
            notes.push(format!("Left out: {text}"));
            left_out.push(text);
        };
        let from = entry.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        let name = format!("{} {}{from}", list.noun(), entry.name());
        let why = |parts: &[Refused]| parts.first().map(|part| part.why.clone()).unwrap_or_default();
        // Without these the entry would speak about something else.
        let names_it = f == 0 && list != List::Target || key == "state" || key == "origin";
        if names_it {
            say(format!("{name}: {}", why(&parts)), &mut self.notes);
            let entry = self.entries.remove(n);
            self.notes.extend(entry.notes);
            return;
        }
        let exact = !entry.fields.iter().any(|field| field.key == "additive");
        let stays = list == List::Groups && key == "members" && exact;
        let so = if stays { "; the group is additive here, so that the member stays" } else { "" };
        let field = &mut entry.fields[f];
        // A group has exactly the mappings of its list, so it is all of them or none.
        let whole = key == "external_groups" || parts.iter().any(|part| part.item.is_none());
        if !whole {
            for Refused { item, why } in parts.iter().rev() {
                let what = match (&mut field.value, item) {
                    (Value::Items(items), Some(i)) if *i < items.len() => items.remove(*i).shown(),
                    (Value::Map(pairs), Some(i)) if *i < pairs.len() => {
                        let (name, value) = pairs.remove(*i);
                        format!("{}: {}", quoted(&name), visible(&value.to_string()))
                    }
                    _ => continue,
                };
                say(format!("`{key}` of {name}, {what}: {why}{so}"), &mut entry.notes);
            }
        }
        let empty = match &field.value {
            Value::Items(items) => items.is_empty(),
            Value::Map(pairs) => pairs.is_empty(),
            Value::Text(_) | Value::Variable(_) | Value::Flag(_) | Value::Number(_) | Value::Texts(_) => {
                false
            }
        };
        if whole || empty {
            let field = entry.fields.remove(f);
            if whole {
                let what = field.value.shown();
                say(format!("`{key}` of {name}, {what}: {}{so}", why(&parts)), &mut entry.notes);
            }
        }
        if stays {
            entry.fields.insert(1, Field { key: "additive", value: Value::Flag(true) });
        }
    }
}

impl Entry {
    /// What the entry is about.
    fn name(&self) -> String {
        match self.fields.first().map(|field| &field.value) {
            Some(Value::Text(name)) => quoted(name),
            _ => String::new(),
        }
    }

    fn render(&self, kind: List, n: usize, page: &mut Page) {
        for (f, field) in self.fields.iter().enumerate() {
            let dash = match kind {
                List::Target => "  ",
                _ if f == 0 => "  - ",
                _ => "    ",
            };
            let inner = if kind == List::Target { "    " } else { "      " };
            let part = Some(Part::Field(kind, n, f));
            let key = field.key;
            let value = match &field.value {
                Value::Text(text) => scalar(text),
                Value::Variable(name) => format!("(({name}))"),
                Value::Flag(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Texts(texts) => format!("[{}]", joined(texts.iter().map(|text| scalar(text)))),
                Value::Items(items) if items.is_empty() => "[]".to_owned(),
                Value::Items(items) => {
                    page.line(&format!("{dash}{key}:"), part);
                    for (i, item) in items.iter().enumerate() {
                        page.line(&format!("{inner}- {}", item.yaml()), Some(Part::Item(kind, n, f, i)));
                    }
                    continue;
                }
                Value::Map(pairs) => {
                    page.line(&format!("{dash}{key}:"), part);
                    for (i, (name, value)) in pairs.iter().enumerate() {
                        let line = format!("{inner}{}: {}", scalar(name), flow(value));
                        page.line(&line, Some(Part::Item(kind, n, f, i)));
                    }
                    continue;
                }
            };
            page.line(&format!("{dash}{key}: {value}"), part);
        }
    }
}

impl Item {
    fn yaml(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, text)| format!("{key}: {}", scalar(text)));
                format!("{{{}}}", joined(pairs))
            }
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Map(pairs) => joined(pairs.iter().map(|(key, text)| format!("{key} {}", quoted(text)))),
        }
    }
}

impl Value {
    /// The value for a comment.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Variable(name) => format!("(({name}))"),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Texts(texts) => joined(texts.iter().map(|text| quoted(text))),
            Self::Items(items) => joined(items.iter().map(Item::shown)),
            Self::Map(pairs) => joined(pairs.iter().map(|(key, _)| quoted(key))),
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn target(target: &Target) -> Entry {
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

fn user(user: &User) -> Entry {
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

fn group(group: &Group) -> Entry {
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

fn client(client: &Client) -> Entry {
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
        let known = ClientField::NAMED.into_iter().position(|named| named == *field);
        match (field, known) {
            (ClientField::Extra(name), _) => match json(value) {
                Some(value) => extra.push((name.clone(), value)),
                None => about.notes.push(hidden(field)),
            },
            (_, Some(at)) => match client_value(value) {
                Some(value) => fields.push(Field { key: NAMED[at], value }),
                None => about.notes.push(hidden(field)),
            },
            (_, None) => {}
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

/// The names of [`ClientField::NAMED`].
const NAMED: [&str; 17] = [
    "name",
    "authorized_grant_types",
    "scope",
    "authorities",
    "redirect_uri",
    "autoapprove",
    "access_token_validity",
    "refresh_token_validity",
    "allowedproviders",
    "required_user_groups",
    "allowpublic",
    "token_salt",
    "createdwith",
    "signup_redirect_url",
    "show_on_home_page",
    "app_launch_url",
    "app_icon",
];

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

/// A JSON value on one line.
fn flow(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::String(text) => scalar(text),
        serde_json::Value::Array(items) => format!("[{}]", joined(items.iter().map(flow))),
        serde_json::Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{{}}}", joined(pairs))
        }
    }
}

/// A text as every reader of YAML 1.1 and 1.2 takes it, in a block or between brackets: bare where nothing can
/// misread it, in double quotes otherwise, with what does not show as an escape.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Tells whether nothing about a text can be taken for something else: it begins with a letter, holds no sign that
/// means something to YAML, and is no word that some reader takes for a boolean or nothing.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nil"];
    let fits = |c: char| {
        c.is_alphanumeric() && !is_invisible(c)
            || matches!(c, '_' | '-' | '.' | '@' | '+' | '/' | '=' | '\'' | '(' | ')' | '!' | ' ')
    };
    text.starts_with(|c: char| c.is_alphabetic() && !is_invisible(c))
        && text.chars().all(fits)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_lowercase().as_str())
}

/// Loads a text that was written, each variable having a value.
#[cfg(test)]
pub(crate) fn load(text: &str, variables: &BTreeSet<String>) -> super::Loaded {
    let mut texts = Texts::default();
    texts.add("m.yml".to_owned(), text.to_owned(), TextKind::Manifest);
    let secret =
        |name: &String| ("P".to_owned(), name.clone(), SecretString::from("some-password".to_owned()));
    let sources = Sources { vars_env: variables.iter().map(secret).collect(), ..Sources::default() };
    match check(texts, Drafts::default(), &sources, true) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{text}\n{problems:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_names_of_client_properties_are_uaas() {
        for (field, name) in ClientField::NAMED.iter().zip(NAMED) {
            assert_eq!(field.name(), name);
        }
    }

    #[test]
    fn a_text_that_yaml_could_misread_is_quoted() {
        for (text, yaml) in [
            ("alana", "alana"),
            ("All the clusters", "All the clusters"),
            ("山田", "山田"),
            ("no", "\"no\""),
            ("", "\"\""),
            ("0123", "\"0123\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("- a", "\"- a\""),
            ("a\"\\\n\u{202e}\u{1f4a9}\u{7}", "\"a\\\"\\\\\\n\\u202e\u{1f4a9}\\x07\""),
            ("((a", "\"((a\""),
            ("a ", "\"a \""),
        ] {
            assert_eq!(scalar(text), yaml);
        }
    }

    /// Texts of all sorts, those that hurt in YAML and in UAA above all.
    fn texts() -> impl Strategy<Value = String> {
        let hurts = [
            "yes",
            "NO",
            "null",
            "~",
            "",
            " ",
            "0123",
            "1e3",
            "-",
            "- a",
            "a: b",
            "a:b",
            "#a",
            "a #b",
            "'",
            "\"",
            "\\",
            "%",
            "%41",
            "((",
            "((a",
            "((a))",
            "x((a b))y",
            "))((",
            "é漢字",
            "\u{202e}gnp",
            "a\u{200b}",
            "{a: b}",
            "[a]",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "@a",
            "`a`",
            "a,b",
            "<<",
            "=",
            ".inf",
            "2026-11-24",
            "12:30:45",
            "cn=a b\\, c,dc=x",
            "a\tb",
            "a\nb",
            "a\n\nb\n",
            " a",
            "a ",
            "---",
            "...",
            "o'brien",
            "\u{7}",
            "\u{85}",
            "\u{feff}a",
            "İ",
        ];
        prop_oneof![
            prop::sample::select(hurts.to_vec()).prop_map(str::to_owned),
            any::<String>(),
            "\\PC{1,255}",
            "[a-z(): #'\"\\\\,-]{1,12}",
        ]
    }

    /// Texts that every field takes.
    fn lines() -> impl Strategy<Value = String> {
        texts().prop_filter_map("a manifest cannot say it", |text| {
            let text: String = text.trim().chars().filter(|c| !c.is_control()).take(255).collect();
            let text = text.trim().to_owned();
            (!text.is_empty() && !super::super::interpolate::leftover(&text)).then_some(text)
        })
    }

    /// A text of two lines.
    fn prose(line: &str) -> String {
        line.chars().take(240).chain("\n\tmore".chars()).collect()
    }

    /// A manifest with these texts wherever a text can stand.
    fn manifest(name: &str, line: &str, other: &str) -> Manifest {
        let ldap = Origin::new("ldap");
        let mut person = User::new(UserKey::new(ldap.clone(), name.into()));
        (person.given_name, person.family_name) = (Some(line.to_owned()), Some(other.to_owned()));
        (person.phone, person.external_id) = (Some(other.to_owned()), Some(line.to_owned()));
        (person.active, person.verified) = (Some(false), Some(true));
        let mut own = User::new(UserKey::new(Origin::uaa(), "own@example.com".into()));
        own.password = Some("own_password".to_owned());
        own.groups = vec!["team.own".into()];
        let mut team = Group::new("team.own".into());
        team.description = Some(prose(line));
        team.members = vec![
            Member::User(UserKey::new(ldap.clone(), name.into())),
            Member::User(UserKey::new(Origin::uaa(), "plain".into())),
            Member::Group("team.inner".into()),
        ];
        team.external_groups =
            Some(vec![External { origin: ldap.clone(), group: other.to_owned(), absent: false }]);
        Manifest {
            head: vec![line.to_owned()],
            target: Target { issuer: None, zone: Some(name.to_owned()), origins: BTreeSet::from([ldap]) },
            users: Some(Section { notes: vec![other.to_owned()], entries: vec![person, own] }),
            groups: Some(Section { notes: vec![line.to_owned()], entries: vec![team] }),
            clients: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_written_loads_back_as_it_was(name in lines(), line in lines(), other in lines()) {
            let wanted = manifest(&name, &line, &other);
            let written = write(&wanted).expect("it can be written");
            prop_assert_eq!(&written.left_out, &Vec::<String>::new(), "{}", written.text);
            let desired = load(&written.text, &written.variables).desired;
            let key = UserKey::new(Origin::new("ldap"), name.as_str().into());
            let user = &desired.users[&key];
            let text = |said: &Option<crate::desired::Said<String>>| said.as_ref().map(|said| said.value.clone());
            prop_assert_eq!(user.key.username.as_str(), name.as_str());
            prop_assert_eq!(text(&user.given_name), Some(line.clone()));
            prop_assert_eq!(text(&user.family_name), Some(other.clone()));
            prop_assert_eq!(text(&user.phone), Some(other.clone()));
            prop_assert_eq!(text(&user.external_id), Some(line.clone()));
            prop_assert_eq!(user.active.as_ref().map(|said| said.value), Some(false));
            let group = &desired.groups[&"team.own".into()];
            prop_assert_eq!(text(&group.description), Some(prose(&line)));
            let mappings: Vec<_> = group.external_groups.iter().flatten().map(|(mapping, _)| mapping.external_group.clone()).collect();
            prop_assert_eq!(mappings, [crate::model::ExternalGroup::new(&other)]);
            let members: Vec<&Member> = desired.memberships[&"team.own".into()].keys().collect();
            prop_assert_eq!(members.len(), 4);
            prop_assert!(members.contains(&&Member::User(key)));
            prop_assert_eq!(desired.pin.zone.map(|said| said.value), Some(name));
        }

        // Whatever a server holds: what is not left out is as it was, and what is left out is said.
        #[test]
        fn what_a_manifest_cannot_say_is_a_comment(name in texts(), line in texts(), other in texts()) {
            let wanted = manifest(&name, &line, &other);
            let written = write(&wanted).expect("it can be written");
            let desired = load(&written.text, &written.variables).desired;
            let mut said = 0;
            if let Some(user) = desired.users.values().find(|user| !user.key.origin.is_uaa()) {
                prop_assert_eq!(user.key.username.as_str(), name.as_str());
                for (field, text) in [(&user.given_name, &line), (&user.family_name, &other), (&user.phone, &other), (&user.external_id, &line)] {
                    if let Some(field) = field {
                        prop_assert_eq!(&field.value, text);
                        said += 1;
                    }
                }
            }
            prop_assert_eq!(said == 4, !written.left_out.iter().any(|text| text.contains("user ")), "{}", written.text);
            let group = &desired.groups[&"team.own".into()];
            let members = desired.memberships[&"team.own".into()].len();
            // Nobody is revoked for having a name that cannot be said.
            prop_assert_eq!(group.holds == crate::desired::Holds::Exactly, members == 4, "{}", written.text);
            prop_assert_eq!(written.text.matches("Left out: ").count(), written.left_out.len());
        }
    }

    #[test]
    fn variables_have_names_that_an_environment_can_hold_and_no_two_are_one() {
        let mut names = VariableNames::default();
        names.take("DANA_password");
        for (of, name) in [
            ("alana", "alana_password"),
            ("A.B@example.com", "a_b_example_com_password"),
            ("a-b@example.com", "a_b_example_com_password_2"),
            ("山田", "password"),
            ("dana", "dana_password_2"),
        ] {
            assert_eq!(names.name(of, "password"), name);
        }
    }
}
