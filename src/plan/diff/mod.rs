//! What differs between the manifest and the server, as changes without order yet.
//!
//! One file for each kind of thing. Decides what is changed, kept or not compared; never in which order it happens
//! (`order`) or whether it is safe (`rails`).

pub(super) mod client_secrets;
pub(super) mod clients;
pub(super) mod estate;
mod groups;
mod leaving;
mod mappings;
mod members;
mod removal;
pub(super) mod users;

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Policy;
use super::renames::Renamed;
use super::world::World;
use super::{
    Action, BlindSpot, BlindSpotWhat, Change, Expects, FieldChange, FieldValue, Kept, KeptWhy, Kind, Object,
    Phase,
};
use crate::desired::{Because, Desired, Said};
use crate::model::{ClientId, GroupName, KeyPart, Member, Origin, UserKey};

use leaving::Leaving;
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
pub(super) fn diff(renamed: &Renamed<'_>, world: &World<'_>, policy: &Policy) -> Diff {
    let desired = &*renamed.desired;
    let mut diff = Diff::default();
    for user in &renamed.settled {
        diff.keep(KeptWhy::Renamed, Kind::User, user.to_string());
    }
    let leaving = Leaving::new(desired, world, policy, &mut diff);
    users::diff(desired, &renamed.names, world, &mut diff);
    groups::diff(desired, world, &mut diff);
    members::diff(desired, world, &leaving, &mut diff);
    mappings::diff(desired, world, &mut diff);
    clients::diff(desired, world, &mut diff);
    removal::diff(desired, world, &leaving, &mut diff);
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

/// A group's key, with `/` and `%` made harmless as in longer keys.
fn group_key(name: &GroupName) -> String {
    KeyPart(name.as_str()).to_string()
}

/// A client's key, likewise.
fn client_key(id: &ClientId) -> String {
    KeyPart(id.as_str()).to_string()
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

/// Tells which origins the server does not confirm: nobody knows them, or only the manifest vouches for them.
fn unknown_origins(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    let confirmed =
        |origin: &Origin| world.observed.origins.as_ref().is_some_and(|providers| providers.contains(origin));
    let named = super::scope::named_origins(desired).into_iter().map(|(origin, _)| origin);
    let items: BTreeSet<Origin> = named.filter(|origin| !confirmed(origin)).collect();
    if items.is_empty() {
        return;
    }
    let unreadable = "the token may not read identity providers (that takes `idps.read`)";
    let why = match (&desired.pin.origins, &world.observed.origins) {
        (None, _) => {
            format!("{unreadable}, and `target.origins` lists none; UAA takes any text for an origin")
        }
        (Some(Said { because, .. }), None) => format!(
            "only the manifest vouches for them (`target.origins`, {because}): {unreadable}; UAA takes any text for an \
             origin"
        ),
        (Some(Said { because, .. }), Some(_)) => format!(
            "only the manifest vouches for them (`target.origins`, {because}): the server has no such identity \
             provider, and whoever makes one of that name decides who logs in as these users"
        ),
    };
    let vouched = items.iter().filter(|origin| super::scope::vouched_for(desired, origin));
    let word = FieldValue::Text("target.origins".to_owned());
    diff.blind_spots.push(BlindSpot {
        what: BlindSpotWhat::Origins,
        values: vouched.map(|origin| (origin.to_string(), word.clone())).collect(),
        items: items.iter().map(ToString::to_string).collect(),
        why,
    });
}
