//! Groups: the ones to create, and descriptions.

use std::collections::BTreeMap;

use super::{Diff, Draft, group_key};
use crate::desired::{Desired, DesiredGroup, Holds};
use crate::observed::ObservedGroup;
use crate::plan::world::World;
use crate::plan::{Action, Expects, FieldChange, FieldValue, KeptWhy, Kind, Object, Phase, shipped};

/// Plans groups that are missing, additive ones too, and descriptions that differ.
pub(super) fn diff(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    for group in desired.groups.values() {
        match world.group(&group.name) {
            None => create(group, diff),
            Some(observed) => {
                if observed.name.as_str() != group.name.as_str() {
                    diff.keep(KeptWhy::Spelling, Kind::Group, observed.name.to_string());
                }
                describe(group, observed, diff);
            }
        }
    }
}

fn create(group: &DesiredGroup, diff: &mut Diff) {
    let description = group.description.iter().filter(|said| !said.value.is_empty());
    let fields = description.map(|said| FieldChange {
        name: "description".to_owned(),
        before: FieldValue::None,
        after: FieldValue::Text(said.value.clone()),
    });
    let id = diff.add(Draft {
        phase: Phase::Create,
        action: Action::CreateGroup,
        kind: Kind::Group,
        key: group_key(&group.name),
        object: Object::from(&group.name),
        fields: fields.collect(),
        needs: Vec::new(),
        because: &group.because,
        implied: false,
        expects: Expects::ABSENT,
    });
    diff.creates_group.insert(group.name.clone(), id);
}

fn describe(group: &DesiredGroup, observed: &ObservedGroup, diff: &mut Diff) {
    let Some(said) = &group.description else { return };
    if said.value == observed.description {
        return;
    }
    if shipped::is_group(&group.name) {
        diff.keep(KeptWhy::ServerOwned, Kind::Group, group_key(&group.name));
        return;
    }
    match group.holds {
        Holds::AtLeast => diff.keep(KeptWhy::Description, Kind::Group, group_key(&group.name)),
        Holds::Exactly => {
            let before = FieldValue::Text(observed.description.clone());
            diff.add(Draft {
                phase: Phase::Update,
                action: Action::UpdateGroup,
                kind: Kind::Group,
                key: group_key(&group.name),
                object: Object::from(&group.name),
                fields: vec![FieldChange {
                    name: "description".to_owned(),
                    before: before.clone(),
                    after: FieldValue::Text(said.value.clone()),
                }],
                needs: Vec::new(),
                because: &said.because,
                implied: false,
                expects: Expects::State {
                    id: observed.id.clone(),
                    fields: BTreeMap::from([("description".to_owned(), before)]),
                },
            });
        }
    }
}
