//! A mapping that UAA could create and not delete again.

use std::collections::BTreeMap;

use super::finding;
use crate::model::KeyPart;
use crate::plan::diff::is_undeletable;
use crate::plan::{Action, Change, Finding, Object, Rail};

pub(super) fn findings(changes: &[Change]) -> Vec<Finding> {
    let mut found: BTreeMap<String, (String, Vec<u32>)> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.action == Action::MapExternalGroup) {
        let Object::ExternalGroup { group, origin: _, external_group } = &change.object else { continue };
        if !is_undeletable(external_group) {
            continue;
        }
        let key = format!("undeletable:{}/{}", KeyPart(group.as_str()), KeyPart(external_group.as_str()));
        let message = format!(
            "The mapping of `{external_group}` to `{group}` could not be removed again: UAA refuses to delete names \
             that hold one of `/ \\ ; %`."
        );
        found.entry(key).or_insert_with(|| (message, Vec::new())).1.push(change.id);
    }
    let speak = |(key, (message, changes))| finding(Rail::Undeletable, Some(key), changes, message);
    found.into_iter().map(speak).collect()
}
