//! What all sources say, as one: entries in the order in which they were first spoken of, notes with their lines.
//!
//! Decides what becomes of a thing that is spoken of more than once (the last word counts), and where a membership is
//! written. Never knows where a word came from.

use std::collections::BTreeMap;

use crate::client::ClientFields;
use crate::manifest::write::{
    About, Client, ClientSecret, External, Group, Manifest, Section, Target, User, VariableNames,
};
use crate::model::{ClientId, ExternalGroup, GroupName, Member, Origin, UserKey, Username};

/// A place in a source: `access.sh:12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// The file as named.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How a note goes on that says where a secret went.
const IS_VARIABLE: &str = "; it is the variable ((";
/// How one says that a secret can be read in the source.
const IN_SOURCE: &str = "stands in the source";

/// Something that could not be carried over, or that is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place in the source.
    pub source: Option<String>,
    /// One sentence without its full stop.
    pub text: String,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{source}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// What a note is about; its comment stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Of {
    All,
    User(UserKey),
    Client(ClientId),
}

/// A secret as a source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    /// Written out; the value is dropped here.
    Literal,
    /// Already a variable of this name.
    Variable(String),
    /// From somewhere else: a shell variable, a question. The text says where.
    Elsewhere(String),
    /// The source has none.
    Missing,
}

impl Secret {
    /// Takes a literal secret, or the placeholder that it is.
    pub(super) fn of(text: &str) -> Self {
        match crate::manifest::placeholder(text) {
            Some(name) => Self::Variable(name.to_owned()),
            None => Self::Literal,
        }
    }
}

/// All that was said.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    users: Vec<User>,
    /// Where a user's entry is.
    places: BTreeMap<UserKey, usize>,
    /// The users of a name, whatever their origin.
    keys: BTreeMap<Username, Vec<UserKey>>,
    groups: Vec<Group>,
    group_places: BTreeMap<GroupName, usize>,
    clients: Vec<Client>,
    client_places: BTreeMap<ClientId, usize>,
    /// Whether somebody is in a group, and the how-many-th word about memberships that says so.
    memberships: BTreeMap<(GroupName, Member), (usize, bool)>,
    words: usize,
    notes: Vec<(Of, Note)>,
    names: VariableNames,
}

impl Gathered {
    /// Notes something.
    pub(super) fn note(&mut self, of: Of, at: &At, text: impl Into<String>) {
        self.notes.push((of, Note { source: Some(at.to_string()), text: text.into() }));
    }

    /// Returns a user's entry, a new one if there is none or only one that removes it.
    pub(super) fn user(&mut self, key: &UserKey, at: &At) -> &mut User {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                self.places.insert(key.clone(), self.users.len());
                self.keys.entry(key.username.clone()).or_default().push(key.clone());
                self.users.push(User::new(key.clone()));
                self.users.len() - 1
            }
        };
        let user = &mut self.users[place];
        if user.about.absent {
            *user = User::new(key.clone());
        }
        user.about.source.get_or_insert_with(|| at.to_string());
        user
    }

    /// Lets a user not exist.
    pub(super) fn remove_user(&mut self, key: &UserKey, at: &At) {
        let gone = Member::User(key.clone());
        self.memberships.retain(|(_, member), _| *member != gone);
        let user = self.user(key, at);
        let about = About { absent: true, source: Some(at.to_string()), notes: Vec::new() };
        *user = User { about, ..User::new(key.clone()) };
        self.forget_variable(&Of::User(key.clone()));
    }

    /// Drops what was said about the variable of an entry that now has none; that a secret stands in the source stays
    /// worth saying.
    fn forget_variable(&mut self, gone: &Of) {
        self.notes.retain_mut(|(of, note)| {
            if of != gone {
                return true;
            }
            let Some(at) = note.text.find(IS_VARIABLE) else { return true };
            note.text.truncate(at);
            note.text.ends_with(IN_SOURCE)
        });
    }

    /// Returns whom a source means by a name alone: the one user of this name that it spoke of, or else one of UAA's own.
    pub(super) fn named(&self, username: &str) -> UserKey {
        let name = Username::new(username);
        match self.keys.get(&name).map(Vec::as_slice) {
            Some([only]) => only.clone(),
            _ => UserKey::new(Origin::uaa(), name),
        }
    }

    /// Tells whether the sources speak of this user.
    pub(super) fn knows_user(&self, username: &str) -> bool {
        self.keys.contains_key(&Username::new(username))
    }

    /// Tells whether the sources speak of this group.
    pub(super) fn knows_group(&self, name: &str) -> bool {
        self.group_places.contains_key(&GroupName::new(name))
    }

    /// Gives a user a password by a variable.
    pub(super) fn password(&mut self, key: &UserKey, secret: Secret, at: &At) {
        if !key.origin.is_uaa() {
            let text =
                format!("`{key}` has a password, which UAA does not use: its identity provider checks it");
            return self.note(Of::User(key.clone()), at, text);
        }
        let known = self.user(key, at).password.clone();
        let variable = match (&secret, known) {
            (Secret::Variable(name), _) => {
                self.names.take(name);
                name.clone()
            }
            (_, Some(known)) => known,
            (_, None) => self.names.name(key.username.as_str(), "password"),
        };
        self.user(key, at).password = Some(variable.clone());
        self.secret_note(Of::User(key.clone()), at, &format!("the password of `{key}`"), &variable, &secret);
    }

    /// Gives a client a secret by a variable.
    pub(super) fn client_secret(&mut self, id: &ClientId, secret: Secret, at: &At) {
        let known = match &self.client(id, at).secret {
            Some(ClientSecret::Variable(name)) => Some(name.clone()),
            Some(ClientSecret::Empty) | None => None,
        };
        let variable = match (&secret, known) {
            (Secret::Variable(name), _) => {
                self.names.take(name);
                name.clone()
            }
            (_, Some(known)) => known,
            (_, None) => self.names.name(id.as_str(), "secret"),
        };
        self.client(id, at).secret = Some(ClientSecret::Variable(variable.clone()));
        self.secret_note(
            Of::Client(id.clone()),
            at,
            &format!("the secret of client `{id}`"),
            &variable,
            &secret,
        );
    }

    fn secret_note(&mut self, of: Of, at: &At, what: &str, variable: &str, secret: &Secret) {
        let text = match secret {
            Secret::Variable(_) => return,
            Secret::Literal => {
                format!("{what} {IN_SOURCE}{IS_VARIABLE}{variable})) here, and its value is written nowhere")
            }
            Secret::Missing => {
                format!("{what} is not in the source{IS_VARIABLE}{variable})) here")
            }
            Secret::Elsewhere(from) => {
                format!("{what} comes from {from}{IS_VARIABLE}{variable})) here")
            }
        };
        self.note(of, at, text);
    }

    /// Returns a group's entry.
    pub(super) fn group(&mut self, name: &GroupName, at: &At) -> &mut Group {
        let place = *self.group_places.entry(name.clone()).or_insert_with(|| {
            self.groups.push(Group::new(name.clone()));
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        if group.about.absent {
            *group = Group::new(name.clone());
        }
        group.about.source.get_or_insert_with(|| at.to_string());
        group
    }

    /// Lets a group not exist.
    pub(super) fn remove_group(&mut self, name: &GroupName, at: &At) {
        let gone = Member::Group(name.clone());
        self.memberships.retain(|(group, member), _| group != name && *member != gone);
        let group = self.group(name, at);
        let about = About { absent: true, source: Some(at.to_string()), notes: Vec::new() };
        *group = Group { about, ..Group::new(name.clone()) };
    }

    /// Puts somebody into a group, or takes them out.
    pub(super) fn member(&mut self, group: &GroupName, member: Member, present: bool, at: &At) {
        self.group(group, at);
        self.words += 1;
        self.memberships.insert((group.clone(), member), (self.words, present));
    }

    /// Maps an LDAP or SAML group to a group, or takes the mapping away.
    pub(super) fn map(&mut self, group: &GroupName, origin: &Origin, external: &str, present: bool, at: &At) {
        let mappings = self.group(group, at).external_groups.get_or_insert_default();
        let same = ExternalGroup::new(external);
        mappings.retain(|other| other.origin != *origin || ExternalGroup::new(&other.group) != same);
        mappings.push(External {
            origin: origin.clone(),
            group: external.trim().to_owned(),
            absent: !present,
        });
    }

    /// Returns a client's entry.
    pub(super) fn client(&mut self, id: &ClientId, at: &At) -> &mut Client {
        let blank = |about| Client { about, id: id.clone(), secret: None, fields: ClientFields::new() };
        let place = *self.client_places.entry(id.clone()).or_insert_with(|| {
            self.clients.push(blank(About::default()));
            self.clients.len() - 1
        });
        let client = &mut self.clients[place];
        if client.about.absent {
            *client = blank(About::default());
        }
        client.about.source.get_or_insert_with(|| at.to_string());
        client
    }

    /// Lets a client not exist.
    pub(super) fn remove_client(&mut self, id: &ClientId, at: &At) {
        let client = self.client(id, at);
        client.about = About { absent: true, source: Some(at.to_string()), notes: Vec::new() };
        (client.secret, client.fields) = (None, ClientFields::new());
        self.forget_variable(&Of::Client(id.clone()));
    }

    /// Returns the manifest, and all notes in their order.
    pub(super) fn finish(mut self, sources: &[&str]) -> (Manifest, Vec<Note>) {
        let mut memberships: Vec<_> = std::mem::take(&mut self.memberships).into_iter().collect();
        memberships.sort_by_key(|(_, (word, _))| *word);
        for ((group, member), (_, present)) in memberships {
            let place = match &member {
                Member::User(key) if present => self.places.get(key).copied(),
                Member::User(_) | Member::Group(_) => None,
            };
            let entry = place.and_then(|place| self.users.get_mut(place));
            if let Some(user) = entry.filter(|user| !user.about.absent) {
                user.groups.push(group);
            } else if let Some(&place) = self.group_places.get(&group) {
                let group = &mut self.groups[place];
                let list = if present { &mut group.members } else { &mut group.absent_members };
                list.push(member);
            }
        }
        let mut mapped = false;
        for group in self.groups.iter_mut().filter(|group| !group.about.absent) {
            group.additive = true;
            let mappings = group.external_groups.iter_mut();
            for mappings in mappings {
                // A list that names a mapping is the whole list; what it does not name is absent.
                if mappings.iter().any(|mapping| !mapping.absent) {
                    mapped = true;
                    mappings.retain(|mapping| !mapping.absent);
                }
            }
        }
        let mut head = vec![format!(
            "Made by `uaapply import` from {}. Check it with `uaapply plan` before it is applied.",
            sources.join(", ")
        )];
        if self.groups.iter().any(|group| group.additive) {
            head.push("Groups are additive, so that nobody is revoked whom the source does not name. Take `additive: true` away where\nthe manifest names all members that a group shall have.".to_owned());
        }
        if mapped {
            head.push("`external_groups` is the whole list of a group's mappings: others are removed. Add them, or take the key away.".to_owned());
        }
        let mut of_users: BTreeMap<UserKey, Vec<String>> = BTreeMap::new();
        let mut of_clients: BTreeMap<ClientId, Vec<String>> = BTreeMap::new();
        let mut rest = Vec::new();
        let has = |of: &Of| match of {
            Of::All => false,
            Of::User(key) => self.places.contains_key(key),
            Of::Client(id) => self.client_places.contains_key(id),
        };
        for (of, note) in &self.notes {
            let text = note.to_string();
            match of {
                of if !has(of) => rest.push(text),
                Of::All => {}
                Of::User(key) => of_users.entry(key.clone()).or_default().push(text),
                Of::Client(id) => of_clients.entry(id.clone()).or_default().push(text),
            }
        }
        for user in &mut self.users {
            user.about.notes.extend(of_users.remove(&user.key).into_iter().flatten());
        }
        for client in &mut self.clients {
            client.about.notes.extend(of_clients.remove(&client.id).into_iter().flatten());
        }
        if !rest.is_empty() {
            head.push("Not carried over:".to_owned());
            head.extend(rest.into_iter().map(|text| format!("- {text}")));
        }
        let manifest = Manifest {
            head,
            target: Target::default(),
            users: section(self.users),
            groups: section(self.groups),
            clients: section(self.clients),
            generate: false,
        };
        (manifest, self.notes.into_iter().map(|(_, note)| note).collect())
    }
}

/// A list that has entries.
fn section<T>(entries: Vec<T>) -> Option<Section<T>> {
    (!entries.is_empty()).then(|| Section { notes: Vec::new(), entries })
}
