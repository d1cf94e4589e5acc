//! What differs between the manifest and the server, as changes without order yet.
//!
//! One file for each kind of thing. Decides what is changed, kept or not compared; never in which order it happens
//! (`order`) or whether it is safe (`rails`).

pub(super) mod clients;
mod groups;
mod mappings;
mod members;
pub(super) mod users;

use std::collections::{BTreeMap, BTreeSet};

use super::world::World;
use super::{
    Action, BlindSpot, BlindSpotWhat, Change, Expects, FieldChange, FieldValue, Kept, KeptWhy, Kind, Object,
    Phase,
};
use crate::desired::{Because, Desired};
use crate::model::{ClientId, GroupName, Member, UserKey};

pub(super) use mappings::is_undeletable;

/// What a diff comes to. The changes' ids are their indexes here, and `needs` speaks of these.
#[derive(Default)]
pub(super) struct Diff {
    pub(super) changes: Vec<Change>,
    pub(super) blind_spots: Vec<BlindSpot>,
    kept: BTreeMap<(KeptWhy, Kind), BTreeSet<String>>,
    /// Clients that exist and whose entry brings a secret, with what stands in for it.
    pub(super) client_secrets: BTreeMap<ClientId, FieldValue>,
    creates_user: BTreeMap<UserKey, u32>,
    creates_group: BTreeMap<GroupName, u32>,
}

/// Compares both sides.
pub(super) fn diff(desired: &Desired, world: &World<'_>) -> Diff {
    let mut diff = Diff::default();
    users::diff(desired, world, &mut diff);
    groups::diff(desired, world, &mut diff);
    members::diff(desired, world, &mut diff);
    mappings::diff(desired, world, &mut diff);
    clients::diff(desired, world, &mut diff);
    unknown_defaults(world, &mut diff);
    unknown_origins(desired, world, &mut diff);
    diff
}

/// The parts of a change that differ from case to case.
struct Draft<'a> {
    phase: Phase,
    action: Action,
    kind: Kind,
    key: String,
    object: Object,
    fields: Vec<FieldChange>,
    needs: Vec<u32>,
    because: &'a Because,
    implied: bool,
    expects: Expects,
}

impl Diff {
    /// Adds a change and returns its number.
    fn add(&mut self, draft: Draft<'_>) -> u32 {
        let Draft { phase, action, kind, key, object, fields, needs, because, implied, expects } = draft;
        let id = u32::try_from(self.changes.len()).expect("a plan has fewer than 2^32 changes");
        self.changes.push(Change {
            id,
            phase,
            action,
            kind,
            key,
            object,
            fields,
            needs,
            because: because.clone(),
            implied,
            expects,
            risks: Vec::new(),
            notes: Vec::new(),
        });
        id
    }

    /// Notes something that is left as it is.
    pub(super) fn keep(&mut self, why: KeptWhy, kind: Kind, item: String) {
        self.kept.entry((why, kind)).or_default().insert(item);
    }

    /// Returns the creations that a change in this group, or with this member, has to wait for.
    fn creations(&self, group: &GroupName, member: Option<&Member>) -> Vec<u32> {
        let member = member.and_then(|member| match member {
            Member::User(user) => self.creates_user.get(user),
            Member::Group(group) => self.creates_group.get(group),
        });
        self.creates_group.get(group).into_iter().chain(member).copied().collect()
    }

    /// Returns what is kept, sorted.
    pub(super) fn kept(&self) -> Vec<Kept> {
        self.kept
            .iter()
            .map(|(&(why, kind), items)| Kept { why, kind, items: items.iter().cloned().collect() })
            .collect()
    }
}

/// Without `zones.read` the names that UAA ships count as default groups.
fn unknown_defaults(world: &World<'_>, diff: &mut Diff) {
    if world.observed.default_groups.is_some() {
        return;
    }
    diff.blind_spots.push(BlindSpot {
        what: BlindSpotWhat::DefaultGroups,
        items: world.default_groups.iter().map(|group| group.folded().to_owned()).collect(),
        values: BTreeMap::new(),
        why: "the token may not read the zone's default groups (that takes `zones.read`); the names that UAA ships \
              are taken for them, and no membership in one is planned"
            .to_owned(),
    });
}

/// Neither the server nor the manifest says which identity providers there are.
fn unknown_origins(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    let named = super::scope::named_origins(desired);
    let unknown = named
        .into_iter()
        .map(|(origin, _)| origin.as_str().to_owned())
        .filter(|origin| super::objections::knows_origin(desired, world, origin).is_none());
    let items: BTreeSet<String> = unknown.collect();
    if items.is_empty() {
        return;
    }
    diff.blind_spots.push(BlindSpot {
        what: BlindSpotWhat::Origins,
        items: items.into_iter().collect(),
        values: BTreeMap::new(),
        why: "the token may not read identity providers (that takes `idps.read`), and `target.origins` lists none; \
              UAA takes any text for an origin"
            .to_owned(),
    });
}
