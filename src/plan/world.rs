//! One state of the server with its indexes: who an id is, what a member is in, which groups lead to which.
//!
//! Names only what a plan may know: users that the scope names, and members of groups whose members are named. So
//! the same plan comes out whether the reader listed everything or looked up what it needed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::client::{self, ClientFields};
use crate::model::{ClientId, GroupName, Guid, Mapping, Member, UserKey};
use crate::observed::{MemberKind, Observed, ObservedGroup, ObservedUser, ReadScope};

/// A state of the server, before the plan or after it.
pub(super) struct World<'a> {
    pub(super) observed: &'a Observed,
    /// The groups that everyone holds.
    pub(super) default_groups: BTreeSet<GroupName>,
    default_scopes: BTreeSet<GroupName>,
    scope: &'a ReadScope,
    group_names: HashMap<&'a Guid, &'a GroupName>,
    user_names: HashMap<&'a Guid, &'a UserKey>,
    user_ids: HashMap<&'a UserKey, &'a Guid>,
    containers: HashMap<&'a Guid, Vec<&'a ObservedGroup>>,
    mappings: BTreeMap<&'a GroupName, Vec<&'a Mapping>>,
    /// Groups by a scope that they give although it is not their name.
    namesakes: BTreeMap<GroupName, BTreeSet<&'a GroupName>>,
    giving: RefCell<HashMap<GroupName, Rc<BTreeSet<GroupName>>>>,
    nested: RefCell<HashMap<GroupName, Rc<BTreeSet<GroupName>>>>,
    outer: RefCell<HashMap<GroupName, Rc<BTreeSet<GroupName>>>>,
}

impl<'a> World<'a> {
    pub(super) fn new(observed: &'a Observed, scope: &'a ReadScope) -> Self {
        let default_groups = super::shipped::default_groups(observed);
        let mut world = Self {
            observed,
            default_scopes: default_groups.iter().flat_map(GroupName::scopes).collect(),
            default_groups,
            scope,
            group_names: observed.groups.values().map(|group| (&group.id, &group.name)).collect(),
            user_names: HashMap::new(),
            user_ids: HashMap::new(),
            containers: HashMap::new(),
            mappings: BTreeMap::new(),
            namesakes: BTreeMap::new(),
            giving: RefCell::default(),
            nested: RefCell::default(),
            outer: RefCell::default(),
        };
        let named = scope.users.iter().filter_map(|key| observed.users.get(key));
        let all = observed.users.values().filter(|_| scope.all_users);
        for user in named.chain(all) {
            world.user_names.insert(&user.id, &user.key);
            world.user_ids.insert(&user.key, &user.id);
        }
        for group in observed.groups.values() {
            for given in group.name.scopes().filter(|given| *given != group.name) {
                world.namesakes.entry(given).or_default().insert(&group.name);
            }
            let named = scope.names_members_of(&group.name);
            for (id, row) in &group.rows {
                world.containers.entry(id).or_default().push(group);
                if named
                    && row.kind == MemberKind::User
                    && let Some(key) = observed.names.get(id)
                {
                    world.user_names.entry(id).or_insert(key);
                    world.user_ids.entry(key).or_insert(id);
                }
            }
        }
        for mapping in &observed.mappings {
            world.mappings.entry(&mapping.group).or_default().push(mapping);
        }
        world
    }

    /// Returns a group that exists and whose name means one group only.
    pub(super) fn group(&self, name: &GroupName) -> Option<&'a ObservedGroup> {
        if self.is_ambiguous(name) { None } else { self.observed.groups.get(name) }
    }

    /// Tells whether several groups answer to this name.
    pub(super) fn is_ambiguous(&self, name: &GroupName) -> bool {
        self.observed.ambiguous_groups.contains(name)
    }

    /// Returns a user that the manifest names, or any if all were asked for.
    pub(super) fn user(&self, key: &UserKey) -> Option<&'a ObservedUser> {
        if self.scope.all_users || self.scope.users.contains(key) {
            self.observed.users.get(key)
        } else {
            None
        }
    }

    /// Tells whether the manifest names this user anywhere.
    pub(super) fn names_user(&self, key: &UserKey) -> bool {
        self.scope.users.contains(key) && !self.scope.only_judged.contains(key)
    }

    /// Returns all groups that this user or group holds by rows of any origin: those it is in, and those they are
    /// nested in.
    pub(super) fn held(&self, id: &Guid) -> BTreeSet<GroupName> {
        let outer = self.containers(id).iter().map(|group| self.outer(&group.name));
        outer.flat_map(|outer| outer.iter().cloned().collect::<Vec<_>>()).collect()
    }

    /// Returns the properties of a client that the manifest names.
    pub(super) fn client(&self, id: &ClientId) -> Option<ClientFields> {
        let asked = &self.scope.clients;
        let found = self.observed.clients.get(id).filter(|_| asked.named.contains(id) || asked.all);
        found.map(|client| client::normal(client.fields.clone()))
    }

    /// Tells whether this client's `required_user_groups` and metadata are known.
    pub(super) fn knows_all_of(&self, id: &ClientId) -> bool {
        self.scope.clients.asks_for_user_groups(id) && self.scope.clients.asks_for_metadata(id)
    }

    /// Returns the id of a member that exists.
    pub(super) fn id(&self, member: &Member) -> Option<&'a Guid> {
        match member {
            Member::User(user) => self.user_ids.get(user).copied(),
            Member::Group(group) => self.group(group).map(|group| &group.id),
        }
    }

    /// Returns who a membership row is about; `None` when it outlived its member (or has no name here).
    pub(super) fn member(&self, id: &Guid, kind: MemberKind) -> Option<Member> {
        match kind {
            MemberKind::User => self.user_names.get(id).map(|&user| Member::User(user.clone())),
            MemberKind::Group => self.group_names.get(id).map(|&group| Member::Group(group.clone())),
        }
    }

    /// Tells whether every member of the group that still exists has a name here.
    pub(super) fn names_members_of(&self, group: &GroupName) -> bool {
        self.scope.names_members_of(group)
    }

    /// Returns the groups that have a row for this id.
    pub(super) fn containers(&self, id: &Guid) -> &[&'a ObservedGroup] {
        self.containers.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the groups of other names whose members get the scope `group` in their tokens all the same: `a,group`.
    pub(super) fn namesakes(&self, group: &GroupName) -> impl Iterator<Item = &'a GroupName> {
        self.namesakes.get(group).into_iter().flatten().copied()
    }

    /// Tells whether everyone in the zone gets the scope of this name.
    fn is_default(&self, group: &GroupName) -> bool {
        self.default_groups.contains(group) || self.default_scopes.contains(group)
    }

    /// Returns the groups whose members get the scope `group` too, itself included: its namesakes, and those nested in
    /// it or in one of these, to any depth.
    pub(super) fn inner(&self, group: &GroupName) -> Rc<BTreeSet<GroupName>> {
        if !self.namesakes.contains_key(group) {
            return self.nested(group);
        }
        let mut giving = self.giving.borrow_mut();
        let all = giving.entry(group.clone()).or_insert_with(|| {
            let starts = self.namesakes(group).chain([group]);
            Rc::new(starts.flat_map(|start| self.nested(start).iter().cloned().collect::<Vec<_>>()).collect())
        });
        Rc::clone(all)
    }

    /// Returns the groups whose members hold `group` too, itself included: those nested in it, to any depth.
    fn nested(&self, group: &GroupName) -> Rc<BTreeSet<GroupName>> {
        closure(&self.nested, group, |name| {
            let rows = self.observed.groups.get(name).into_iter().flat_map(|group| &group.rows);
            rows.filter(|(_, row)| row.kind == MemberKind::Group)
                .filter_map(|(id, _)| self.group_names.get(id).map(|&name| name.clone()))
                .collect()
        })
    }

    /// Returns the groups that members of `group` hold, itself included: those it is nested in, to any depth.
    pub(super) fn outer(&self, group: &GroupName) -> Rc<BTreeSet<GroupName>> {
        closure(&self.outer, group, |name| {
            let id = self.observed.groups.get(name).map(|group| &group.id);
            let containers = id.map_or(&[][..], |id| self.containers(id));
            containers
                .iter()
                .filter(|group| id.is_some_and(|id| is_nested(group, id)))
                .map(|group| group.name.clone())
                .collect()
        })
    }

    /// Returns the scopes that members of `group` get: the names of all groups that they hold, cut as UAA cuts them,
    /// and spelt as the group of that name where there is one.
    pub(super) fn scopes(&self, group: &GroupName) -> BTreeSet<GroupName> {
        let outer = self.outer(group);
        let spelt = |scope: GroupName| match self.observed.groups.get(&scope) {
            Some(group) => group.name.clone(),
            None => scope,
        };
        outer.iter().flat_map(GroupName::scopes).map(spelt).collect()
    }

    /// Returns the mappings into a group.
    pub(super) fn mappings(&self, group: &GroupName) -> &[&'a Mapping] {
        self.mappings.get(group).map_or(&[], Vec::as_slice)
    }

    /// Returns the ways by which a member holds a group, a row of its own in that group not counted.
    pub(super) fn other_ways(&self, member: &Member, group: &GroupName) -> Vec<Way> {
        let mut ways = Vec::new();
        if self.is_default(group) {
            ways.push(Way::Default);
        }
        let inner = self.inner(group);
        if let Some(id) = self.id(member) {
            let mut nested: Vec<&GroupName> = self.containers(id).iter().map(|group| &group.name).collect();
            nested.sort();
            let reaches = |&name: &&GroupName| name != group && inner.contains(name) && !is(member, name);
            ways.extend(nested.into_iter().filter(reaches).cloned().map(Way::Nested));
        }
        if let Member::User(user) = member
            && !user.origin.is_uaa()
        {
            let mapped = inner.iter().flat_map(|name| self.mappings(name));
            let mapped = mapped.filter(|mapping| mapping.origin == user.origin);
            ways.extend(mapped.map(|&mapping| Way::Mapped(mapping.clone())));
        }
        ways
    }

    /// Tells whether an administrator's rows (origin `uaa`) give a group's scope to a member, by whatever group.
    pub(super) fn gets(&self, member: &Member, group: &GroupName) -> bool {
        self.has_row(member, &self.inner(group))
    }

    /// Tells whether an administrator's rows give the group itself to a member, directly or nested.
    pub(super) fn holds(&self, member: &Member, group: &GroupName) -> bool {
        self.has_row(member, &self.nested(group))
    }

    fn has_row(&self, member: &Member, inner: &BTreeSet<GroupName>) -> bool {
        let Some(id) = self.id(member) else { return false };
        self.containers(id).iter().any(|container| {
            inner.contains(&container.name)
                && container.rows.get(id).is_some_and(|row| row.origin.is_uaa())
                && !is(member, &container.name)
        })
    }

    /// Tells whether an external group is mapped to a group of this scope, or to one nested in it.
    pub(super) fn gets_mapped(&self, mapping: &Mapping, group: &GroupName) -> bool {
        self.is_mapped(mapping, &self.inner(group))
    }

    /// Tells whether an external group is mapped to the group itself or to one nested in it.
    pub(super) fn maps(&self, mapping: &Mapping, group: &GroupName) -> bool {
        self.is_mapped(mapping, &self.nested(group))
    }

    fn is_mapped(&self, mapping: &Mapping, inner: &BTreeSet<GroupName>) -> bool {
        let others = inner.iter().flat_map(|name| self.mappings(name));
        others
            .into_iter()
            .any(|other| other.origin == mapping.origin && other.external_group == mapping.external_group)
    }
}

/// How else a member holds a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Everyone holds it.
    Default,
    /// The member is in this group, which is nested in it or gives the same scope.
    Nested(GroupName),
    /// The identity provider's group is mapped to it; whether the user is in there is not known here.
    Mapped(Mapping),
}

impl Way {
    /// Tells whether the member surely holds the group this way.
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::Default | Self::Nested(_) => true,
            Self::Mapped(_) => false,
        }
    }
}

/// Tells whether `member` is the group of this name.
fn is(member: &Member, name: &GroupName) -> bool {
    match member {
        Member::User(_) => false,
        Member::Group(group) => group == name,
    }
}

fn is_nested(group: &ObservedGroup, id: &Guid) -> bool {
    group.rows.get(id).is_some_and(|row| row.kind == MemberKind::Group)
}

/// Everything that can be reached from `start` by `next`, itself included; cycles are legal in UAA.
fn closure(
    cache: &RefCell<HashMap<GroupName, Rc<BTreeSet<GroupName>>>>,
    start: &GroupName,
    next: impl Fn(&GroupName) -> Vec<GroupName>,
) -> Rc<BTreeSet<GroupName>> {
    if let Some(found) = cache.borrow().get(start) {
        return Rc::clone(found);
    }
    let mut found = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some(name) = open.pop() {
        for name in next(&name) {
            if found.insert(name.clone()) {
                open.push(name);
            }
        }
    }
    let found = Rc::new(found);
    cache.borrow_mut().insert(start.clone(), Rc::clone(&found));
    found
}
