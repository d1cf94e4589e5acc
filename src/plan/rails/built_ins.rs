//! Groups and clients that UAA brings along must not be deleted.

use std::collections::BTreeSet;

use super::finding;
use crate::model::{ClusterRole, GroupName};
use crate::plan::{Action, Change, Finding, Object, Rail, shipped};

pub(in crate::plan) fn findings(changes: &[Change], default_groups: &BTreeSet<GroupName>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for change in changes {
        let message = match (change.action, &change.object) {
            (Action::DeleteGroup, Object::Group { group }) if default_groups.contains(group) => {
                format!(
                    "Group `{group}` would be deleted, and everyone in the zone holds it: UAA makes it again."
                )
            }
            (Action::DeleteGroup, Object::Group { group })
                if shipped::is_group(group) || is_clusters(group) =>
            {
                format!("Group `{group}` would be deleted, and UAA or PKS itself works with it.")
            }
            (Action::DeleteClient, Object::Client { client_id }) if shipped::is_client(client_id) => {
                format!("Client `{client_id}` would be deleted, and the platform logs in with it.")
            }
            _ => continue,
        };
        findings.push(finding(Rail::BuiltIns, None, vec![change.id], message));
    }
    findings
}

/// Tells whether PKS gives access to clusters by this group.
fn is_clusters(group: &GroupName) -> bool {
    ClusterRole::ALL.iter().any(|role| role.group() == *group)
}
