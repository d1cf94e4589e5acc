//! What to write into a manifest about access that it does not account for: one entry for each user, nested group or
//! mapping, to take the access or to keep it.
//!
//! Knows a plan's keys only. Whether an entry stands there already it does not know.

use std::collections::BTreeMap;

use crate::model::{ClusterRole, GroupName};
use crate::plan::Kind;
use crate::visible::{ends_marker, is_invisible, quoted};

/// One line of YAML that takes access, and the keys that keep it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The list that it belongs to: `users` or `groups`.
    pub(super) under: &'static str,
    /// The entry that takes.
    pub(super) takes: String,
    /// What to write in place of its last key.
    pub(super) keeps: String,
}

/// Returns the entries for kept items of one kind; those of other groups than the three need none of ours.
pub(super) fn entries(kind: Kind, items: &[String]) -> Vec<Entry> {
    let mut users: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    let mut nested: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut mapped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in items {
        let parts: Vec<&str> = item.split('/').collect();
        let Some(role) = parts.first().and_then(|group| role(&decoded(group))) else { continue };
        match (kind, &parts[..]) {
            (Kind::Member, [_, origin, username]) => {
                users.entry((decoded(origin), decoded(username))).or_default().push(level(role));
            }
            (Kind::Member, [group, member]) => {
                if let Some(member) = member.strip_prefix("group:") {
                    nested
                        .entry(decoded(group))
                        .or_default()
                        .push(format!("{{group: {}}}", yaml(&decoded(member))));
                }
            }
            (Kind::ExternalGroup, [group, origin, name]) => {
                let mapping =
                    format!("{{origin: {}, group: {}}}", yaml(&decoded(origin)), yaml(&decoded(name)));
                mapped.entry(decoded(group)).or_default().push(mapping);
            }
            (Kind::Member | Kind::ExternalGroup | Kind::User | Kind::Group | Kind::Client, _) => {}
        }
    }
    let users = users.into_iter().map(|((origin, username), levels)| {
        let origin = if origin == "uaa" { String::new() } else { format!("origin: {}, ", yaml(&origin)) };
        let levels =
            if let [one] = &levels[..] { (*one).to_owned() } else { format!("[{}]", levels.join(", ")) };
        Entry {
            under: "users",
            takes: format!("- {{username: {}, {origin}cluster_access: none}}", yaml(&username)),
            keeps: format!("cluster_access: {levels}"),
        }
    });
    let nested = nested.into_iter().map(|(group, members)| {
        let (group, members) = (yaml(&group), members.join(", "));
        Entry {
            under: "groups",
            takes: format!("- {{name: {group}, additive: true, absent_members: [{members}]}}"),
            keeps: format!("members: [{members}]"),
        }
    });
    let mapped = mapped.into_iter().map(|(group, mappings)| Entry {
        under: "groups",
        takes: format!("- {{name: {}, additive: true, external_groups: []}}", yaml(&group)),
        keeps: format!("external_groups: [{}]", mappings.join(", ")),
    });
    users.chain(nested).chain(mapped).collect()
}

fn role(group: &str) -> Option<ClusterRole> {
    ClusterRole::ALL.into_iter().find(|role| role.group() == GroupName::new(group))
}

fn level(role: ClusterRole) -> &'static str {
    match role {
        ClusterRole::Admin => "admin",
        ClusterRole::Manage => "manage",
        ClusterRole::Read => "read",
    }
}

/// Takes back what `KeyPart` encodes.
fn decoded(part: &str) -> String {
    part.replace("%2F", "/").replace("%25", "%")
}

/// Returns a text as YAML that reads as this text, and shows all it has.
fn yaml(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        return text.to_owned();
    }
    let mut shown = String::from('"');
    for (at, c) in text.char_indices() {
        if is_invisible(c) || ends_marker(text, at) {
            shown += &format!("\\U{:08X}", u32::from(c));
        } else {
            let one = quoted(c.encode_utf8(&mut [0; 4]));
            shown += &one[1..one.len() - 1];
        }
    }
    shown.push('"');
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::KeyPart;

    #[test]
    fn each_holder_gets_one_entry_and_what_keeps_it() {
        let items = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let members = items(&[
            "pks.clusters.admin/group:platform",
            "pks.clusters.admin/ldap/cody",
            "pks.clusters.admin/uaa/old",
            "pks.clusters.manage/uaa/old",
            "team/uaa/no-cluster-access",
        ]);
        let lines = |kind, items: &[String]| {
            let entries = entries(kind, items).into_iter();
            entries
                .map(|entry| format!("{}: {} # {}", entry.under, entry.takes, entry.keeps))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            lines(Kind::Member, &members),
            [
                "users: - {username: cody, origin: ldap, cluster_access: none} # cluster_access: admin",
                "users: - {username: old, cluster_access: none} # cluster_access: [admin, manage]",
                "groups: - {name: pks.clusters.admin, additive: true, absent_members: [{group: platform}]} # members: [{group: platform}]",
            ]
        );
        assert_eq!(
            lines(Kind::ExternalGroup, &items(&["pks.clusters.manage/ldap/cn=dev,dc=example"])),
            [
                "groups: - {name: pks.clusters.manage, additive: true, external_groups: []} # external_groups: [{origin: ldap, group: \"cn=dev,dc=example\"}]"
            ]
        );
    }

    proptest! {
        #[test]
        fn an_entry_reads_as_the_name_that_was_kept(name in "\\PC{1,12}|[a-z%/\"\\\\:#\u{202e}\u{e0041}-]{1,8}") {
            let item = format!("pks.clusters.admin/uaa/{}", KeyPart(&name));
            let entry = entries(Kind::Member, &[item]).remove(0);
            prop_assert!(!entry.takes.chars().any(is_invisible));
            let read: Vec<BTreeMap<String, String>> = serde_saphyr::from_str(&entry.takes).expect("it is YAML");
            prop_assert_eq!(&read[0]["username"], &name);
        }
    }
}
