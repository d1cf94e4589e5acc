//! What somebody else may do to a server behind a saved plan's back, one thing at a time; and what a reader of the plan
//! would say of it, told from the plan and the two states alone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use crate::client::ClientField;
use crate::desired::{Desired, Holds, WishState};
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, Mapping, Member, Origin, UserKey};
use crate::observed::{MemberKind, MemberRow, Observed};
use crate::plan::diff::clients::client_of;
use crate::plan::diff::users::{UserField, user_fields, user_of};
use crate::plan::project::project;
use crate::plan::properties::{CLIENTS, GROUPS, MAPPED, PROPERTIES, USERS};
use crate::plan::shipped::default_groups;
use crate::plan::worlds::{Manifest, Site, user};
use crate::plan::{Action, Change, Object, Phase, Plan, client_fields, scope};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Create,
    Field,
    Rename,
    Replace,
    Delete,
    CreateGroup,
    Describe,
    ReplaceGroup,
    DeleteGroup,
    Join,
    LogIn,
    Nest,
    Leave,
    Map,
    Unmap,
    CreateClient,
    Property,
    DeleteClient,
}

pub(super) const KINDS: [Kind; 18] = [
    Kind::Create,
    Kind::Field,
    Kind::Rename,
    Kind::Replace,
    Kind::Delete,
    Kind::CreateGroup,
    Kind::Describe,
    Kind::ReplaceGroup,
    Kind::DeleteGroup,
    Kind::Join,
    Kind::LogIn,
    Kind::Nest,
    Kind::Leave,
    Kind::Map,
    Kind::Unmap,
    Kind::CreateClient,
    Kind::Property,
    Kind::DeleteClient,
];

/// A deed: what, to which thing, and how; and whether to a thing that the plan is about, where there is one.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) kind: Kind,
    near: bool,
    which: Index,
    how: Index,
}

pub(super) fn a_deed() -> impl Strategy<Value = Deed> {
    let near = proptest::bool::weighted(0.7);
    (proptest::sample::select(KINDS.to_vec()), near, any::<Index>(), any::<Index>())
        .prop_map(|(kind, near, which, how)| Deed { kind, near, which, how })
}

impl Deed {
    /// Does it. `None`: there is nothing that it could be done to.
    pub(super) fn done(&self, observed: &Observed, plan: &Plan) -> Option<Observed> {
        let about = About::of(plan);
        let mut now = observed.clone();
        let all_users: Vec<UserKey> = USERS.iter().map(|name| user(name)).collect();
        let all_groups: Vec<GroupName> = GROUPS.iter().map(|&name| GroupName::new(name)).collect();
        let all_clients: Vec<ClientId> = CLIENTS.iter().map(|&id| ClientId::new(id)).collect();
        let users = |there: bool| {
            self.pick(&all_users, &about.users, |key| observed.users.contains_key(key) == there)
        };
        let groups = |there: bool| {
            self.pick(&all_groups, &about.groups, |name| observed.groups.contains_key(name) == there)
        };
        let clients = |there: bool| {
            self.pick(&all_clients, &about.clients, |id| observed.clients.contains_key(id) == there)
        };
        match self.kind {
            Kind::Create => now = Site(now).user(&users(false)?.to_string().replace("uaa/", "")).0,
            Kind::Field => {
                let user = now.users.get_mut(&users(true)?)?;
                let texts = ["", "X", "Y", "new@example.com"];
                let text = texts[self.how.index(texts.len())].to_owned();
                match self.how.index(7) {
                    0 => user.email = text,
                    1 => user.given_name = text,
                    2 => user.family_name = text,
                    3 => user.phone = text,
                    4 => user.external_id = text,
                    5 => user.active = !user.active,
                    _ => user.verified = !user.verified,
                }
            }
            Kind::Rename => {
                let mut account = now.users.remove(&users(true)?)?;
                account.key = UserKey::new(account.key.origin, "zed".into());
                now.names.insert(account.id.clone(), account.key.clone());
                now.users.insert(account.key.clone(), account);
            }
            Kind::Replace => {
                let key = users(true)?;
                let mut account = forget(&mut now, &key)?;
                account.id = Guid::new("another");
                now.names.insert(account.id.clone(), key.clone());
                now.users.insert(key, account);
            }
            Kind::Delete => drop(forget(&mut now, &users(true)?)?),
            Kind::CreateGroup => {
                let there: Vec<String> = observed.users.keys().map(ToString::to_string).collect();
                let some = there.get(self.how.index(2 * there.len() + 1)).map(|key| key.replace("uaa/", ""));
                let members: Vec<&str> = some.iter().map(String::as_str).collect();
                now = Site(now).group(groups(false)?.as_str(), &members).0;
            }
            Kind::Describe => {
                let texts = ["", "A", "B"];
                texts[self.how.index(texts.len())]
                    .clone_into(&mut now.groups.get_mut(&groups(true)?)?.description);
            }
            Kind::ReplaceGroup => {
                let (name, other) = (groups(true)?, Guid::new("another"));
                let old = std::mem::replace(&mut now.groups.get_mut(&name)?.id, other.clone());
                for group in now.groups.values_mut() {
                    if let Some(row) = group.rows.remove(&old) {
                        group.rows.insert(other.clone(), row);
                    }
                }
            }
            Kind::DeleteGroup => {
                let gone = now.groups.remove(&groups(true)?)?;
                now.mappings.retain(|mapping| mapping.group != gone.name);
                for group in now.groups.values_mut() {
                    group.rows.remove(&gone.id);
                }
            }
            Kind::Join | Kind::LogIn => {
                let there: Vec<&UserKey> = observed.users.keys().collect();
                let member = there.get(self.how.index(there.len().max(1)))?;
                let origin = if self.kind == Kind::Join { "uaa" } else { "ldap" };
                let row = MemberRow { kind: MemberKind::User, origin: Origin::new(origin) };
                now.groups.get_mut(&groups(true)?)?.rows.insert(observed.users[*member].id.clone(), row);
            }
            Kind::Nest => {
                let outer = groups(true)?;
                let inner: Vec<_> = observed.groups.values().filter(|inner| inner.name != outer).collect();
                let inner = inner.get(self.how.index(inner.len().max(1)))?;
                let row = MemberRow { kind: MemberKind::Group, origin: Origin::uaa() };
                now.groups.get_mut(&outer)?.rows.insert(inner.id.clone(), row);
            }
            Kind::Leave => {
                let group = now.groups.get_mut(&groups(true)?)?;
                let ids: Vec<Guid> = group.rows.keys().cloned().collect();
                group.rows.remove(ids.get(self.how.index(ids.len().max(1)))?);
            }
            Kind::Map => {
                let (group, dn) = (groups(true)?, MAPPED[self.how.index(MAPPED.len())]);
                let external_group = ExternalGroup::new(dn);
                now.mappings.insert(Mapping { group, origin: Origin::new("ldap"), external_group });
            }
            Kind::Unmap => {
                let mappings: Vec<Mapping> = now.mappings.iter().cloned().collect();
                now.mappings.remove(mappings.get(self.how.index(mappings.len().max(1)))?);
            }
            Kind::CreateClient => {
                let fields = ["authorized_grant_types=client_credentials"];
                now = Site(now).client(clients(false)?.as_str(), &fields).0;
            }
            Kind::Property => {
                let property = PROPERTIES[self.how.index(PROPERTIES.len())];
                now = Site(now).client(clients(true)?.as_str(), &[property]).0;
            }
            Kind::DeleteClient => drop(now.clients.remove(&clients(true)?)),
        }
        (now != *observed).then_some(now)
    }

    fn pick<T: Clone + Ord>(&self, all: &[T], near: &BTreeSet<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
        let near: Vec<&T> =
            all.iter().filter(|name| self.near && near.contains(name) && fits(name)).collect();
        let all: Vec<&T> = all.iter().filter(|name| fits(name)).collect();
        let choice = if near.is_empty() { &all } else { &near };
        (!choice.is_empty()).then(|| choice[self.which.index(choice.len())].clone())
    }
}

/// Deletes a user as UAA does.
fn forget(observed: &mut Observed, key: &UserKey) -> Option<crate::observed::ObservedUser> {
    let user = observed.users.remove(key)?;
    observed.names.remove(&user.id);
    for group in observed.groups.values_mut() {
        group.rows.remove(&user.id);
    }
    Some(user)
}

/// All that a plan names.
struct About {
    users: BTreeSet<UserKey>,
    groups: BTreeSet<GroupName>,
    clients: BTreeSet<ClientId>,
}

impl About {
    fn of(plan: &Plan) -> Self {
        let objects = || plan.changes.iter().map(|change| &change.object);
        let renamed = plan.changes.iter().filter_map(|change| {
            let user = user_of(&change.object)?;
            let name = change.fields.iter().find(|field| field.name == "username")?;
            let text = serde_json::to_value(&name.after).ok()?;
            Some(UserKey::new(user.origin, text.as_str()?.into()))
        });
        Self {
            users: objects().filter_map(user_of).chain(renamed).collect(),
            groups: objects().flat_map(groups_in).collect(),
            clients: objects().filter_map(client_of).cloned().collect(),
        }
    }
}

fn groups_in(object: &Object) -> Vec<GroupName> {
    match object {
        Object::Member { group, .. } | Object::ExternalGroup { group, .. } | Object::Group { group } => {
            vec![group.clone()]
        }
        Object::NestedGroup { group, member_group } => vec![group.clone(), member_group.clone()],
        Object::User { .. } | Object::Client { .. } => Vec::new(),
    }
}

/// One value of a state, by its place. People and groups go by their names, as a reader of the plan knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    User(UserKey, String),
    Group(GroupName, &'static str),
    Row(GroupName, String),
    Mapping(Mapping),
    Client(ClientId, String),
}

impl Place {
    pub(super) fn is_id(&self) -> bool {
        match self {
            Self::User(_, what) | Self::Client(_, what) => what == ID,
            Self::Group(_, what) => *what == ID,
            Self::Row(..) | Self::Mapping(_) => false,
        }
    }
}

/// What stands for the thing itself among its values.
const ID: &str = "id";

/// All values of a state. Everyone goes by the name that they had at first.
pub(super) fn values(first: &Observed, observed: &Observed) -> BTreeMap<Place, String> {
    let mut values = BTreeMap::new();
    let json = |value: &crate::plan::FieldValue| serde_json::to_string(value).expect("a value is JSON");
    for user in observed.users.values() {
        let key = first.names.get(&user.id).unwrap_or(&user.key);
        values.insert(Place::User(key.clone(), ID.to_owned()), user.id.to_string());
        for (name, value) in user_fields(user) {
            values.insert(Place::User(key.clone(), name), json(&value));
        }
    }
    for group in observed.groups.values() {
        values.insert(Place::Group(group.name.clone(), ID), group.id.to_string());
        values.insert(Place::Group(group.name.clone(), "description"), group.description.clone());
        for (id, row) in &group.rows {
            let name = match row.kind {
                MemberKind::User => {
                    first.names.get(id).or_else(|| observed.names.get(id)).map(|key| format!("user {key}"))
                }
                MemberKind::Group => {
                    let inner = first.group_by_id(id).or_else(|| observed.group_by_id(id));
                    inner.map(|inner| inside(&inner.name))
                }
            };
            let name = name.unwrap_or_else(|| format!("ghost {id}"));
            values.insert(Place::Row(group.name.clone(), name), row.origin.to_string());
        }
    }
    for mapping in &observed.mappings {
        values.insert(Place::Mapping(mapping.clone()), String::new());
    }
    for client in observed.clients.values() {
        values.insert(Place::Client(client.id.clone(), ID.to_owned()), client.id.to_string());
        for (name, value) in client_fields(client) {
            values.insert(Place::Client(client.id.clone(), name), json(&value));
        }
    }
    values
}

fn inside(group: &GroupName) -> String {
    format!("group {}", group.folded())
}

/// Tells whether UAA's list of clients has a property.
fn told(what: &str) -> bool {
    let field = ClientField::by_name(what);
    what == ID || field.is_some_and(|field| field != ClientField::RequiredUserGroups && !field.is_metadata())
}

fn names_group(desired: &Desired, name: &GroupName) -> bool {
    let nested = Member::Group(name.clone());
    desired.groups.contains_key(name)
        || desired.memberships.contains_key(name)
        || desired.memberships.values().any(|wishes| wishes.contains_key(&nested))
}

/// What is to be said of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It is no matter of the plan.
    Elsewhere,
    /// A part of it may be what the plan would do, or matters only through what it leads to.
    Open,
    /// The plan must not go on.
    Drift,
}

/// A plan, and the server that it was made for.
pub(super) struct Reading<'a> {
    pub(super) site: &'a Site,
    pub(super) manifest: &'a Manifest,
    pub(super) plan: &'a Plan,
    about: About,
    /// The states that it leads through, from the first to the last.
    states: Vec<BTreeMap<Place, String>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(site: &'a Site, manifest: &'a Manifest, plan: &'a Plan) -> Self {
        let states =
            (0..=plan.changes.len()).map(|made| values(&site.0, &project(&site.0, &plan.changes[..made])));
        Self { site, manifest, plan, about: About::of(plan), states: states.collect() }
    }

    pub(super) fn first(&self) -> &BTreeMap<Place, String> {
        &self.states[0]
    }

    pub(super) fn last(&self) -> &BTreeMap<Place, String> {
        self.states.last().expect("the first at least")
    }

    /// What is to be said of what the server has now.
    pub(super) fn verdict(&self, now: &Observed) -> Verdict {
        let said =
            self.changed(now).into_iter().map(|(place, _, value)| self.of(&place, value.as_ref(), now));
        said.max().unwrap_or(Verdict::Elsewhere)
    }

    /// What is otherwise now.
    pub(super) fn changed(&self, now: &Observed) -> Vec<(Place, Option<String>, Option<String>)> {
        let after = values(&self.site.0, now);
        let places: BTreeSet<&Place> = self.first().keys().chain(after.keys()).collect();
        let changed = places.into_iter().filter(|place| self.first().get(*place) != after.get(*place));
        changed
            .map(|place| (place.clone(), self.first().get(place).cloned(), after.get(place).cloned()))
            .collect()
    }

    /// Tells whether a place is no plan's: that of a deleted group in another, what no list of clients tells of one that
    /// is deleted, and what each login rewrites.
    pub(super) fn is_no_plans(&self, place: &Place) -> bool {
        match place {
            Place::Row(_, member) => member
                .strip_prefix("group ")
                .is_some_and(|inner| self.does(Action::DeleteGroup, &Object::from(&GroupName::new(inner)))),
            Place::Client(id, what) => !told(what) && self.does(Action::DeleteClient, &Object::from(id)),
            Place::User(key, what) => {
                !key.origin.is_uaa() && UserField::by_name(what).is_some_and(UserField::is_profile)
            }
            Place::Group(..) | Place::Mapping(_) => false,
        }
    }

    fn of(&self, place: &Place, value: Option<&String>, now: &Observed) -> Verdict {
        match place {
            Place::User(key, what) => self.user(key, what, value, place, now),
            Place::Group(name, what) => self.group(name, what, value, place, now),
            Place::Row(group, member) => self.row(group, member, value, now),
            Place::Mapping(mapping) => self.mapping(mapping, value, now),
            Place::Client(id, what) => self.client(id, what, value, place, now),
        }
    }

    fn does(&self, action: Action, object: &Object) -> bool {
        self.plan.changes.iter().any(|change| change.action == action && change.object == *object)
    }

    fn change(&self, action: Action, object: &Object) -> Option<&Change> {
        self.plan.changes.iter().find(|change| change.action == action && change.object == *object)
    }

    /// What somebody else made must be what the plan would have made.
    fn made(&self, matters: bool, place: &Place, value: Option<&String>) -> Verdict {
        let same = self.last().get(place) == value;
        if matters && !same { Verdict::Drift } else { Verdict::Open }
    }

    /// A value that a change writes must be one that the plan leads through.
    fn written(&self, place: &Place, value: Option<&String>) -> Verdict {
        let known = self.states.iter().any(|state| state.get(place) == value);
        if known { Verdict::Open } else { Verdict::Drift }
    }

    fn user(
        &self,
        key: &UserKey,
        what: &str,
        value: Option<&String>,
        place: &Place,
        now: &Observed,
    ) -> Verdict {
        let object = Object::from(key);
        let updates = |change: &&Change| change.action == Action::UpdateUser && change.object == object;
        let joins = |change: &Change| {
            change.action == Action::AddMember && user_of(&change.object).as_ref() == Some(key)
        };
        let mut updates = self.plan.changes.iter().filter(updates);
        let desired = &self.manifest.desired;
        let former = desired.users.values().any(|user| {
            user.previously
                .as_ref()
                .is_some_and(|said| user.key.username == key.username || said.value == key.username)
        });
        if self.does(Action::DeleteUser, &object) {
            let id = &self.site.0.users[key].id;
            let renamed = now.users.values().any(|user| user.id == *id && user.key != *key);
            return if renamed || now.users.contains_key(key) { Verdict::Drift } else { Verdict::Open };
        }
        if let Some(creates) = self.change(Action::CreateUser, &object) {
            let writes = creates.fields.iter().any(|field| field.name == what) || what == "active";
            let is_ours =
                UserField::by_name(what).is_some_and(|field| key.origin.is_uaa() || !field.is_profile());
            return self.made(writes && is_ours, place, value);
        }
        let another = what == ID || what == UserField::Username.name();
        if another && (self.plan.changes.iter().any(joins) || updates.clone().any(|change| !change.implied)) {
            return Verdict::Drift;
        }
        if UserField::by_name(what).is_some()
            && updates.any(|change| change.fields.iter().any(|field| field.name == what))
        {
            return self.written(place, value);
        }
        let missed =
            (value.is_none() || another) && scope(desired, &self.manifest.policy).users.contains(key);
        if self.about.users.contains(key) || former || missed { Verdict::Open } else { Verdict::Elsewhere }
    }

    fn group(
        &self,
        name: &GroupName,
        what: &str,
        value: Option<&String>,
        place: &Place,
        now: &Observed,
    ) -> Verdict {
        let object = Object::from(name);
        let fills = |change: &Change| {
            matches!(change.action, Action::AddMember | Action::MapExternalGroup | Action::UpdateGroup)
                && groups_in(&change.object).contains(name)
        };
        if self.does(Action::DeleteGroup, &object) {
            return if now.groups.contains_key(name) { Verdict::Drift } else { Verdict::Open };
        }
        if self.does(Action::CreateGroup, &object) {
            return self.made(
                what == "description" && value.is_some_and(|text| !text.is_empty()),
                place,
                value,
            );
        }
        if what == ID && self.plan.changes.iter().any(fills) {
            return Verdict::Drift;
        }
        if what == "description" && self.does(Action::UpdateGroup, &object) {
            return self.written(place, value);
        }
        let missed = value.is_none() && names_group(&self.manifest.desired, name);
        // Also as a member of one that the plan is about.
        let inside = inside(name);
        let within = self
            .about
            .groups
            .iter()
            .any(|outer| self.first().contains_key(&Place::Row(outer.clone(), inside.clone())));
        if self.about.groups.contains(name) || missed || within { Verdict::Open } else { Verdict::Elsewhere }
    }

    fn row(&self, group: &GroupName, member: &str, value: Option<&String>, now: &Observed) -> Verdict {
        let desired = &self.manifest.desired;
        let uaa = value.is_some_and(|origin| origin == "uaa");
        let added =
            value.is_some() && !self.first().contains_key(&Place::Row(group.clone(), member.to_owned()));
        let user = member.strip_prefix("user ").map(user);
        let inner = member.strip_prefix("group ").map(GroupName::new);
        let is = |object: &Object| match object {
            Object::Member { group: outer, .. } => outer == group && user_of(object) == user,
            Object::NestedGroup { group: outer, member_group } => {
                outer == group && Some(member_group) == inner.as_ref()
            }
            _ => false,
        };
        let own = self.plan.changes.iter().find(|change| is(&change.object));
        let doomed = user.as_ref().is_some_and(|user| self.does(Action::DeleteUser, &Object::from(user)))
            || inner.as_ref().is_some_and(|inner| self.does(Action::DeleteGroup, &Object::from(inner)));
        if added && user.as_ref().is_some_and(|user| self.does(Action::DeleteUser, &Object::from(user))) {
            return Verdict::Drift;
        }
        if self.does(Action::DeleteGroup, &Object::from(group)) {
            let stays = now.groups.contains_key(group);
            let drift = stays && (added || value.is_none() && !doomed && own.is_none());
            return if drift { Verdict::Drift } else { Verdict::Open };
        }
        if let Some(own) = own {
            let brought = value.is_some() && !uaa && own.phase != Phase::Delete && !doomed;
            return if brought { Verdict::Drift } else { Verdict::Open };
        }
        if self.does(Action::CreateGroup, &Object::from(group)) {
            return self.made(true, &Place::Row(group.clone(), member.to_owned()), value);
        }
        let changes_rows = |change: &Change| {
            let about = groups_in(&change.object);
            matches!(change.action, Action::AddMember | Action::RemoveMember)
                && change.phase != Phase::Delete
                && about.first() == Some(group)
        };
        let exact = desired.groups.get(group).is_some_and(|entry| entry.holds == Holds::Exactly);
        if exact
            && !default_groups(&self.site.0).contains(group)
            && self.plan.changes.iter().any(changes_rows)
        {
            let who = user.clone().map(Member::User).or_else(|| inner.clone().map(Member::Group));
            let wishes = desired.memberships.get(group);
            let wanted =
                who.and_then(|who| wishes?.get(&who)).is_some_and(|wish| wish.state == WishState::Present);
            let there = user.as_ref().is_some_and(|user| now.users.contains_key(user))
                || inner.as_ref().is_some_and(|inner| now.groups.contains_key(inner));
            if there
                && !doomed
                && (uaa && added && !wanted || value.is_none() && wanted && now.groups.contains_key(group))
            {
                return Verdict::Drift;
            }
        }
        // Whoever holds something privileged is not pruned.
        let matters = self.about.groups.contains(group)
            || user.is_some_and(|user| self.about.users.contains(&user))
            || inner.is_some_and(|inner| self.about.groups.contains(&inner))
            || desired.prune.users.is_some();
        if matters { Verdict::Open } else { Verdict::Elsewhere }
    }

    fn mapping(&self, mapping: &Mapping, value: Option<&String>, now: &Observed) -> Verdict {
        let group = &mapping.group;
        if self.plan.changes.iter().any(|change| change.object == Object::from(mapping)) {
            return Verdict::Open;
        }
        if self.does(Action::DeleteGroup, &Object::from(group)) {
            let more = value.is_some() && now.groups.contains_key(group);
            return if more { Verdict::Drift } else { Verdict::Open };
        }
        let entry = self.manifest.desired.groups.get(group);
        let changes = |change: &Change| {
            matches!(change.action, Action::MapExternalGroup | Action::UnmapExternalGroup)
                && groups_in(&change.object).first() == Some(group)
        };
        if let Some(wanted) = entry.and_then(|entry| entry.external_groups.as_ref())
            && self.plan.changes.iter().any(changes)
            && now.groups.contains_key(group)
            && (value.is_some() != wanted.contains_key(mapping))
            && !mapping.external_group.as_str().contains(['/', '\\', ';', '%'])
        {
            return Verdict::Drift;
        }
        if self.about.groups.contains(group) { Verdict::Open } else { Verdict::Elsewhere }
    }

    fn client(
        &self,
        id: &ClientId,
        what: &str,
        value: Option<&String>,
        place: &Place,
        now: &Observed,
    ) -> Verdict {
        let object = Object::from(id);
        let changes = || self.plan.changes.iter().filter(|change| change.object == object);
        let gone = what == ID && value.is_none();
        if self.does(Action::DeleteClient, &object) {
            return if told(what) && now.clients.contains_key(id) { Verdict::Drift } else { Verdict::Open };
        }
        if self.does(Action::CreateClient, &object) {
            return self.made(told(what) && what != ID, place, value);
        }
        if gone && changes().next().is_some() {
            return Verdict::Drift;
        }
        if changes().any(|change| change.fields.iter().any(|field| field.name == what)) {
            return self.written(place, value);
        }
        let desired = &self.manifest.desired;
        let missed = gone && desired.clients.contains_key(id);
        if self.about.clients.contains(id) || missed { Verdict::Open } else { Verdict::Elsewhere }
    }
}

#[test]
fn every_deed_is_done_and_most_can_be_drift_and_can_be_elsewhere() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use crate::plan::properties::{a_site, words};

    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeSet<(Kind, Verdict)> = BTreeSet::new();
    for _ in 0..4000 {
        let site = a_site().new_tree(&mut runner).expect("a site").current();
        let words = words().new_tree(&mut runner).expect("words").current();
        let deed = a_deed().new_tree(&mut runner).expect("a deed").current();
        let manifest = super::properties::savable(&words, &site);
        let plan = manifest.plan(&site);
        let Some(now) = deed.done(&site.0, &plan) else { continue };
        seen.insert((deed.kind, Reading::new(&site, &manifest, &plan).verdict(&now)));
    }
    let created = [Kind::Create, Kind::CreateGroup, Kind::CreateClient];
    for kind in KINDS {
        assert!(seen.contains(&(kind, Verdict::Elsewhere)), "{kind:?}");
        // What the plan creates can be there as it is wished.
        assert!(seen.contains(&(kind, Verdict::Drift)) || created.contains(&kind), "{kind:?}");
    }
}
