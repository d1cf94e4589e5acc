//! Groups by what they lead to: which groups give a scope, which are nested in them, by which path.
//!
//! UAA allows cycles of groups, and members whose group or user is gone. A walk visits each group once, so it ends and
//! takes as long as there are rows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use crate::model::{GroupName, Guid};
use crate::observed::{MemberKind, ObservedGroup};

/// All groups with their indexes.
pub(super) struct Graph<'a> {
    by_id: HashMap<&'a Guid, &'a ObservedGroup>,
    /// The groups that give a scope: of its name, or of a name that UAA cuts into several.
    giving: BTreeMap<GroupName, Vec<&'a ObservedGroup>>,
    /// The groups nested in a group, by name.
    nested: HashMap<&'a Guid, Vec<&'a ObservedGroup>>,
}

/// The groups that lead to a scope, each with the one that it is nested in on a shortest way there; those that give the
/// scope themselves lead on to none. In the order of the walk: nearest first, by name among equals.
pub(super) struct Walk<'a> {
    pub(super) groups: Vec<&'a ObservedGroup>,
    onward: HashMap<&'a Guid, Option<&'a ObservedGroup>>,
}

impl<'a> Graph<'a> {
    pub(super) fn new(groups: &'a BTreeMap<GroupName, ObservedGroup>) -> Self {
        let by_id: HashMap<&Guid, &ObservedGroup> = groups.values().map(|group| (&group.id, group)).collect();
        let mut giving: BTreeMap<GroupName, Vec<&ObservedGroup>> = BTreeMap::new();
        let mut nested = HashMap::new();
        for group in groups.values() {
            // A name can give one scope twice: `a,a`.
            for scope in group.name.scopes().collect::<BTreeSet<_>>() {
                giving.entry(scope).or_default().push(group);
            }
            let rows = group.rows.iter().filter(|(_, row)| row.kind == MemberKind::Group);
            let mut inner: Vec<&ObservedGroup> = rows.filter_map(|(id, _)| by_id.get(id).copied()).collect();
            inner.sort_by(|one, other| one.name.cmp(&other.name));
            nested.insert(&group.id, inner);
        }
        Self { by_id, giving, nested }
    }

    /// Returns every scope that some group gives, with these groups by name.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (&GroupName, &Vec<&'a ObservedGroup>)> {
        self.giving.iter()
    }

    /// Returns the groups that give a scope, by name.
    pub(super) fn giving(&self, scope: &GroupName) -> &[&'a ObservedGroup] {
        self.giving.get(scope).map_or(&[], Vec::as_slice)
    }

    /// Returns the groups nested in a group, by name.
    pub(super) fn nested(&self, group: &ObservedGroup) -> &[&'a ObservedGroup] {
        self.nested.get(&group.id).map_or(&[], Vec::as_slice)
    }

    /// Returns these groups and all that are nested in them, to any depth.
    pub(super) fn inner(&self, roots: impl IntoIterator<Item = &'a ObservedGroup>) -> Walk<'a> {
        let mut walk = Walk { groups: Vec::new(), onward: HashMap::new() };
        let mut open: VecDeque<&ObservedGroup> = VecDeque::new();
        for root in roots {
            if walk.onward.insert(&root.id, None).is_none() {
                open.push_back(root);
            }
        }
        while let Some(group) = open.pop_front() {
            walk.groups.push(group);
            for &inner in self.nested(group) {
                if !walk.onward.contains_key(&inner.id) {
                    walk.onward.insert(&inner.id, Some(group));
                    open.push_back(inner);
                }
            }
        }
        walk
    }

    /// Returns the users with a row in the groups of a walk.
    pub(super) fn users(&self, walk: &Walk<'_>) -> BTreeSet<Guid> {
        let rows = walk.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|(_, row)| row.kind == MemberKind::User).map(|(id, _)| id.clone()).collect()
    }

    /// Returns the groups through which anybody comes: those that `is_used` tells of, and all that lead on from them.
    pub(super) fn used(&self, is_used: impl Fn(&ObservedGroup) -> bool) -> HashSet<&'a Guid> {
        let mut containers: HashMap<&Guid, Vec<&'a ObservedGroup>> = HashMap::new();
        for &group in self.by_id.values() {
            for inner in self.nested(group) {
                containers.entry(&inner.id).or_default().push(group);
            }
        }
        let mut open: Vec<&ObservedGroup> =
            self.by_id.values().copied().filter(|group| is_used(group)).collect();
        let mut used: HashSet<&Guid> = open.iter().map(|group| &group.id).collect();
        while let Some(group) = open.pop() {
            for &outer in containers.get(&group.id).into_iter().flatten() {
                if used.insert(&outer.id) {
                    open.push(outer);
                }
            }
        }
        used
    }
}

impl<'a> Walk<'a> {
    /// Returns the path from a group of this walk to one that gives the scope, both included.
    pub(super) fn path(&self, from: &'a ObservedGroup) -> Vec<&'a ObservedGroup> {
        let mut path = vec![from];
        let mut at = from;
        while let Some(&Some(outer)) = self.onward.get(&at.id) {
            path.push(outer);
            at = outer;
        }
        path
    }
}
