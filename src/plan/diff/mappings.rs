//! External group mappings of groups whose entry has the key `external_groups`: wanted ones, absent ones, and others.

use super::{Diff, Draft};
use crate::desired::{Because, Desired};
use crate::model::{ExternalGroup, Mapping};
use crate::plan::world::World;
use crate::plan::{Action, Expects, KeptWhy, Kind, Object, Phase};

/// Plans mappings that are missing or too many.
pub(super) fn diff(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    for group in desired.groups.values() {
        for (mapping, because) in group.external_groups.iter().flatten() {
            if !world.observed.mappings.contains(mapping) {
                let needs = diff.creations(&group.name, None);
                add(Action::MapExternalGroup, mapping, because, needs, false, diff);
            }
        }
        for &extra in world.mappings(&group.name) {
            let (because, implied) = match (desired.absent.mappings.get(extra), &group.external_groups) {
                (Some(because), _) => (because, false),
                (None, Some(wanted)) if !wanted.contains_key(extra) => (&group.because, true),
                (None, _) => continue,
            };
            // The manifest's spelling of the group, the server's of the rest.
            let extra = Mapping { group: group.name.clone(), ..extra.clone() };
            if is_undeletable(&extra.external_group) {
                diff.keep(KeptWhy::Undeletable, Kind::ExternalGroup, extra.to_string());
            } else {
                add(Action::UnmapExternalGroup, &extra, because, Vec::new(), implied, diff);
            }
        }
    }
}

fn add(
    action: Action,
    mapping: &Mapping,
    because: &Because,
    needs: Vec<u32>,
    implied: bool,
    diff: &mut Diff,
) {
    let maps = action == Action::MapExternalGroup;
    diff.add(Draft {
        phase: if maps { Phase::Grant } else { Phase::Revoke },
        action,
        kind: Kind::ExternalGroup,
        key: mapping.to_string(),
        object: Object::from(mapping),
        fields: Vec::new(),
        needs,
        because,
        implied,
        expects: if maps { Expects::ABSENT } else { Expects::PRESENT },
    });
}

/// Tells whether UAA can create a mapping with this name but not delete it: the name stands in the DELETE's path, and
/// the server refuses these characters there however they are encoded (facts §5).
pub(in crate::plan) fn is_undeletable(external_group: &ExternalGroup) -> bool {
    external_group.as_str().contains(['/', '\\', ';', '%'])
}
