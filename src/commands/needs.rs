//! What a manifest takes of a token: to be read against a server, and to come about, whatever the server has today.
//!
//! Decides by the kinds that the manifest manages (facts §1.2, §7.1). What one plan takes, `plan` says.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::desired::{Desired, SecretSource};

/// Something that takes an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Needed {
    /// What for.
    needed_for: &'static str,
    /// Any one of these would do; the first is the one to ask for.
    any_of: Vec<String>,
    /// Whether the token has one of them.
    #[serde(skip)]
    pub(super) held: bool,
}

impl std::fmt::Display for Needed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, to {}", self.any_of.join(" or "), self.needed_for)
    }
}

/// Returns what a manifest needs; `zone`: the one that is reached by a header, where only that zone's scopes count.
pub(super) fn of(desired: &Desired, held: &BTreeSet<String>, zone: Option<&str>) -> Vec<Needed> {
    let (absent, prune) = (&desired.absent, &desired.prune);
    let users = !desired.users.is_empty() || !absent.users.is_empty() || prune.users.is_some();
    let groups = !desired.groups.is_empty() || !absent.groups.is_empty() || prune.groups.is_some();
    let members = !desired.memberships.is_empty() || groups;
    let mappings =
        !absent.mappings.is_empty() || desired.groups.values().any(|group| group.external_groups.is_some());
    let clients = !desired.clients.is_empty();
    let clients_go = !absent.clients.is_empty() || prune.clients.is_some();
    let secrets = desired
        .clients
        .values()
        .filter_map(|client| client.secret.as_ref())
        .any(|secret| secret.value != SecretSource::Empty);
    let all: [(bool, &'static str, &[&str]); 9] = [
        (true, "read users and groups", &["scim.read"]),
        (clients || clients_go, "read clients", &["clients.read", "clients.admin"]),
        (users, "create, change and delete users", &["scim.write"]),
        (groups, "create, change and delete groups", &["scim.write"]),
        (members, "add and remove members", &["scim.write"]),
        (mappings, "map external groups", &["scim.write"]),
        (clients, "create and change clients", &["clients.admin"]),
        (secrets, "set client secrets", &["clients.admin"]),
        (clients_go, "delete clients", &["clients.write", "clients.admin"]),
    ];
    let needed = all.into_iter().filter(|(needed, ..)| *needed).map(|(_, needed_for, scopes)| {
        let mut any_of: Vec<String> = match zone {
            None => scopes.iter().map(|&scope| scope.to_owned()).collect(),
            Some(zone) => {
                scopes.iter().chain(&["admin"]).map(|scope| format!("zones.{zone}.{scope}")).collect()
            }
        };
        any_of.push("uaa.admin".to_owned());
        let held = any_of.iter().any(|scope| held.contains(scope));
        Needed { needed_for, any_of, held }
    });
    needed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::{Because, Said};
    use crate::model::{ClientId, GroupName};

    fn because() -> Because {
        Because { file: "m.yml".to_owned(), line: 1 }
    }

    fn lacks(desired: &Desired, held: &[&str], zone: Option<&str>) -> Vec<String> {
        let held = held.iter().map(|&scope| scope.to_owned()).collect();
        of(desired, &held, zone).iter().filter(|need| !need.held).map(Needed::to_string).collect()
    }

    #[test]
    fn what_is_managed_decides_what_is_needed() {
        let mut desired = Desired::default();
        assert_eq!(lacks(&desired, &[], None), ["scim.read or uaa.admin, to read users and groups"]);
        assert_eq!(lacks(&desired, &["scim.read"], None), [""; 0]);
        desired.absent.groups.insert(GroupName::new("team"), because());
        desired.prune.clients = Some(Said { value: vec!["ci-*".to_owned()], because: because() });
        assert_eq!(
            lacks(&desired, &["scim.read", "clients.read"], None),
            [
                "scim.write or uaa.admin, to create, change and delete groups",
                "scim.write or uaa.admin, to add and remove members",
                "clients.write or clients.admin or uaa.admin, to delete clients",
            ]
        );
        assert_eq!(lacks(&desired, &["scim.read", "scim.write", "clients.admin"], None), [""; 0]);
        assert_eq!(lacks(&desired, &["uaa.admin"], None), [""; 0]);
    }

    #[test]
    fn by_the_header_of_another_zone_only_its_scopes_count() {
        let mut desired = Desired::default();
        desired.absent.clients.insert(ClientId::new("ci"), because());
        assert_eq!(lacks(&desired, &["zones.z1.admin"], Some("z1")), [""; 0]);
        assert_eq!(
            lacks(&desired, &["zones.z1.scim.read", "clients.admin"], Some("z1")),
            [
                "zones.z1.clients.read or zones.z1.clients.admin or zones.z1.admin or uaa.admin, to read clients",
                "zones.z1.clients.write or zones.z1.clients.admin or zones.z1.admin or uaa.admin, to delete clients",
            ]
        );
    }
}
