//! Groups and their membership rows: reading all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::pages::{Listing, PAGE};
use super::session::Session;
use super::wire;
use crate::error::Error;
use crate::model::{GroupName, Guid, Origin};
use crate::observed::{MemberKind, MemberRow, ObservedGroup};

/// All groups of a zone.
pub(super) struct Groups {
    pub(super) groups: BTreeMap<GroupName, ObservedGroup>,
    /// Names that several groups answer to.
    pub(super) ambiguous: BTreeSet<GroupName>,
    /// The zone's id.
    pub(super) zone: Option<String>,
}

/// Reads all groups with their members, in one request for 500: rails judge by nesting, which only whole lists show.
pub(super) async fn read(session: &Session) -> Result<Groups, Error> {
    let listing = Listing {
        // `members` only when the list holds that very word; without `meta`, which nothing here needs (facts §3.3).
        path: "/Groups?sortBy=id&attributes=id,displayName,description,members,zoneId",
        page: PAGE,
        id: |group: &wire::Group| group.id.clone(),
    };
    let mut all = Groups { groups: BTreeMap::new(), ambiguous: BTreeSet::new(), zone: None };
    for group in session.list(&listing).await? {
        if !group.zone_id.is_empty() {
            all.zone.get_or_insert_with(|| group.zone_id.clone());
        }
        let group = observed(group);
        // HSQLDB keeps names apart that differ only in case (facts §4.1); the first by spelling stands for both.
        if let Some(other) = all.groups.get(&group.name) {
            all.ambiguous.insert(group.name.clone());
            if other.name.as_str() < group.name.as_str() {
                continue;
            }
            all.groups.remove(&group.name);
        }
        all.groups.insert(group.name.clone(), group);
    }
    Ok(all)
}

fn observed(group: wire::Group) -> ObservedGroup {
    let rows = group.members.into_iter().map(|row| {
        let kind = if row.kind.eq_ignore_ascii_case("GROUP") { MemberKind::Group } else { MemberKind::User };
        (Guid::new(row.value), MemberRow { kind, origin: Origin::new(row.origin) })
    });
    ObservedGroup {
        id: Guid::new(group.id),
        name: GroupName::new(group.display_name),
        description: group.description,
        rows: rows.collect(),
    }
}
