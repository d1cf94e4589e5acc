//! A part of a plan: the changes of what `--only` names, and what these need.
//!
//! Decides which changes of a plan belong to a name. A user, a group or a client is always taken whole, so that its
//! changes keep their order: what is given, then what is taken. Whether the part is safe is for the rails, which judge
//! what it alone would lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diff::users::user_of;
use super::risks::membership;
use super::{Change, Object};
use crate::desired::Desired;
use crate::manifest::nearest;
use crate::model::{
    ClientId, ExternalGroup, GroupName, KeyPart, Mapping, Member, Membership, Origin, UserKey, Username,
};

/// What `--only` names; nothing: all of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    wanted: Vec<Wanted>,
    /// The other name of users that are renamed.
    other_names: BTreeMap<UserKey, UserKey>,
}

/// One thing that `--only` names, as plans print it: `user/uaa/alana`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A user, and every membership of it.
    User(UserKey),
    /// A group, its members and the mappings to it.
    Group(GroupName),
    /// A client, and its secret.
    Client(ClientId),
    /// One membership.
    Member(Membership),
    /// One mapping.
    Mapping(Mapping),
}

/// What a plan says of being a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What `--only` named.
    pub named: Vec<String>,
    /// How many changes were left out.
    pub left_out: usize,
}

/// A name that nothing answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The name.
    pub name: String,
    /// One that is spelt much alike.
    pub near: Option<String>,
}

impl Only {
    /// Takes names.
    #[must_use]
    pub fn new(wanted: &[Wanted]) -> Self {
        Self { wanted: wanted.to_vec(), other_names: BTreeMap::new() }
    }

    /// Tells whether all of the plan is meant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The same, knowing whom this manifest renames: both names are the user's.
    #[must_use]
    pub fn knowing(&self, desired: &Desired) -> Self {
        let renamed = desired.users.values().filter_map(|user| {
            let former = user.previously.as_ref()?.value.clone();
            Some((user.key.clone(), UserKey::new(user.key.origin.clone(), former)))
        });
        let other_names = renamed.flat_map(|(new, old)| [(new.clone(), old.clone()), (old, new)]).collect();
        Self { wanted: self.wanted.clone(), other_names }
    }

    /// Returns the numbers of the changes that are meant, and of those that these need.
    #[must_use]
    pub fn chosen(&self, changes: &[Change]) -> BTreeSet<u32> {
        let all: BTreeMap<u32, &Change> = changes.iter().map(|change| (change.id, change)).collect();
        let mut open: Vec<&Change> = changes.iter().filter(|change| self.names(&change.object)).collect();
        let mut chosen = BTreeSet::new();
        while let Some(change) = open.pop() {
            if chosen.insert(change.id) {
                open.extend(change.needs.iter().filter_map(|need| all.get(need)));
            }
        }
        chosen
    }

    /// Tells whether something is meant.
    #[must_use]
    pub fn names(&self, object: &Object) -> bool {
        self.is_all() || self.wanted.iter().any(|wanted| self.means(wanted, object))
    }

    /// Tells whether a client's secret is meant, which is no change where it is only checked.
    #[must_use]
    pub fn settles(&self, client: &ClientId) -> bool {
        self.names(&Object::from(client))
    }

    /// Returns what a plan of these changes says of being a part of `all` of them.
    pub(in crate::plan) fn part(&self, all: usize, chosen: usize) -> Option<Part> {
        let named = self.wanted.iter().map(ToString::to_string).collect();
        (!self.is_all()).then_some(Part { named, left_out: all - chosen })
    }

    /// Returns the names that no change answers to, and nothing that the manifest says.
    #[must_use]
    pub fn unmatched(&self, desired: &Desired, changes: &[Change]) -> Vec<Unmatched> {
        let mut known = of_manifest(desired);
        for change in changes {
            known.extend(names_of(&change.object));
        }
        let strange = |wanted: &&Wanted| !known.contains(*wanted);
        let texts: Vec<(String, String)> =
            known.iter().map(|name| (name.kind().to_owned(), name.to_string())).collect();
        let strange = self.wanted.iter().filter(strange).map(|wanted| {
            let name = wanted.to_string();
            let alike = texts.iter().filter(|(kind, _)| kind == wanted.kind()).map(|(_, text)| &**text);
            Unmatched { near: nearest(&name, alike).map(str::to_owned), name }
        });
        strange.collect()
    }

    fn means(&self, wanted: &Wanted, object: &Object) -> bool {
        match wanted {
            Wanted::User(user) => user_of(object).is_some_and(|other| self.is(user, &other)),
            Wanted::Group(name) => match object {
                Object::Member { group, .. }
                | Object::NestedGroup { group, .. }
                | Object::ExternalGroup { group, .. }
                | Object::Group { group } => group == name,
                Object::User { .. } | Object::Client { .. } => false,
            },
            Wanted::Client(client) => matches!(object, Object::Client { client_id } if client_id == client),
            Wanted::Member(wanted) => membership(object).is_some_and(|other| {
                let same = match (&wanted.member, &other.member) {
                    (Member::User(one), Member::User(other)) => self.is(one, other),
                    (one, other) => one == other,
                };
                same && wanted.group == other.group
            }),
            Wanted::Mapping(mapping) => *object == Object::from(mapping),
        }
    }

    fn is(&self, one: &UserKey, other: &UserKey) -> bool {
        one == other || self.other_names.get(one) == Some(other)
    }
}

/// Everything by which an object can be named.
fn names_of(object: &Object) -> Vec<Wanted> {
    let user = user_of(object).map(Wanted::User);
    let row = membership(object).map(Wanted::Member);
    let own = match object {
        Object::Member { group, .. } | Object::NestedGroup { group, .. } | Object::Group { group } => {
            vec![Wanted::Group(group.clone())]
        }
        Object::ExternalGroup { group, origin, external_group } => {
            let mapping = Mapping {
                group: group.clone(),
                origin: origin.clone(),
                external_group: external_group.clone(),
            };
            vec![Wanted::Group(group.clone()), Wanted::Mapping(mapping)]
        }
        Object::Client { client_id } => vec![Wanted::Client(client_id.clone())],
        Object::User { .. } => Vec::new(),
    };
    own.into_iter().chain(user).chain(row).collect()
}

/// Everything that the manifest speaks about: what is so already has no change.
fn of_manifest(desired: &Desired) -> BTreeSet<Wanted> {
    let mut known = BTreeSet::new();
    let former = desired.users.values().filter_map(|user| {
        let former = user.previously.as_ref()?.value.clone();
        Some(UserKey::new(user.key.origin.clone(), former))
    });
    let users = desired.users.keys().chain(desired.absent.users.keys()).cloned().chain(former);
    known.extend(users.map(Wanted::User));
    let groups = desired.groups.keys().chain(desired.absent.groups.keys()).cloned();
    known.extend(groups.map(Wanted::Group));
    for (group, wishes) in &desired.memberships {
        let rows = wishes.keys().map(|member| Membership { group: group.clone(), member: member.clone() });
        known.extend(rows.flat_map(|membership| names_of(&Object::from(&membership))));
    }
    let clients = desired.clients.keys().chain(desired.absent.clients.keys()).cloned();
    known.extend(clients.map(Wanted::Client));
    let wanted = desired.groups.values().flat_map(|group| group.external_groups.iter().flatten());
    let mappings = wanted.map(|(mapping, _)| mapping).chain(desired.absent.mappings.keys()).cloned();
    known.extend(mappings.map(Wanted::Mapping));
    known
}

/// The kinds as `--only` names them. A plan's text says `mapping`.
const KINDS: [&str; 6] = ["user", "group", "client", "member", "external_group", "mapping"];

impl Wanted {
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::Client(_) => "client",
            Self::Member(_) => "member",
            Self::Mapping(_) => "external_group",
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind())?;
        match self {
            Self::User(user) => user.fmt(f),
            Self::Group(group) => KeyPart(group.as_str()).fmt(f),
            Self::Client(client) => KeyPart(client.as_str()).fmt(f),
            Self::Member(membership) => membership.fmt(f),
            Self::Mapping(mapping) => mapping.fmt(f),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let forms = "write user/alana, user/ldap/cody, group/NAME, client/ID, member/GROUP/uaa/alana, \
                     member/GROUP/group:NAME or external_group/GROUP/ORIGIN/NAME, as plans print them";
        let Some((kind, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty()) else {
            return Err(format!("no kind and name; {forms}"));
        };
        let parts: Vec<&str> = name.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(format!("a part of it is empty; {forms} (a / inside a name is %2F)"));
        }
        let parts: Vec<String> = parts.into_iter().map(decoded).collect();
        let strs: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (kind, &strs[..]) {
            ("user", parts) => user(parts).map(Self::User),
            ("group", [name]) => Some(Self::Group(GroupName::new(*name))),
            ("client", [id]) => Some(Self::Client(ClientId::new(*id))),
            ("member", [group, member @ ..]) => {
                let nested = match member {
                    [one] => one.strip_prefix("group:").filter(|name| !name.is_empty()),
                    _ => None,
                };
                let member = match nested {
                    Some(name) => Some(Member::Group(GroupName::new(name))),
                    None => user(member).map(Member::User),
                };
                member.map(|member| Self::Member(Membership { group: GroupName::new(*group), member }))
            }
            ("external_group" | "mapping", [group, origin, name]) => Some(Self::Mapping(Mapping {
                group: GroupName::new(*group),
                origin: Origin::new(*origin),
                external_group: ExternalGroup::new(name),
            })),
            _ if KINDS.contains(&kind) => None,
            _ => {
                let near = nearest(kind, KINDS).map(|near| format!("did you mean {near}? "));
                return Err(format!("no kind is called so; {}{forms}", near.unwrap_or_default()));
            }
        }
        .ok_or_else(|| format!("not the parts of a {kind}; {forms} (a / inside a name is %2F)"))
    }
}

/// A user of origin `uaa`, or of the origin that stands in front.
fn user(parts: &[&str]) -> Option<UserKey> {
    match parts {
        [name] => Some(UserKey::new(Origin::uaa(), Username::new(*name))),
        [origin, name] => Some(UserKey::new(Origin::new(*origin), Username::new(*name))),
        _ => None,
    }
}

/// Takes back what [`KeyPart`] encodes.
fn decoded(part: &str) -> String {
    part.replace("%2F", "/").replace("%2f", "/").replace("%25", "%")
}
