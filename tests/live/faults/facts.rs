//! Who has what on a server, read by the lab's own client; and whether that is within what before and after allow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::story::OLD_NAME;
use crate::world::{World, rows, text};

/// By subject (a user, a nested group, an external group, a client) what it has.
pub(super) type Facts = BTreeMap<String, BTreeSet<String>>;

/// A server's state at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) facts: Facts,
    /// By `origin/username`.
    pub(super) users: BTreeMap<String, Value>,
    /// By name.
    pub(super) groups: BTreeMap<String, Value>,
    /// By id.
    pub(super) clients: BTreeMap<String, Value>,
}

impl Look {
    pub(super) fn at(world: &World) -> Self {
        let users: BTreeMap<String, Value> = world
            .users()
            .into_values()
            .map(|user| (format!("{}/{}", text(&user["origin"]), text(&user["userName"])), user))
            .collect();
        let groups: BTreeMap<String, Value> = rows(&world.get("/Groups?count=500&sortBy=id")["resources"])
            .into_iter()
            .map(|group| (text(&group["displayName"]), group))
            .collect();
        let clients: BTreeMap<String, Value> = rows(&world.get("/oauth/clients?count=500")["resources"])
            .into_iter()
            .map(|client| (text(&client["client_id"]), client))
            .collect();
        let mut look = Self { facts: Facts::new(), users, groups, clients };
        look.facts = look.facts(world.mappings());
        look
    }

    fn facts(&self, mappings: BTreeSet<String>) -> Facts {
        let mut facts = Facts::new();
        let mut add = |who: String, what: String| {
            facts.entry(who).or_default().insert(what);
        };
        for (name, user) in &self.users {
            add(subject(name), format!("is called {name}"));
            if user["active"] == true {
                add(subject(name), "may log in".to_owned());
            }
        }
        let users = self.users.iter().map(|(name, user)| (text(&user["id"]), subject(name)));
        let groups = self.groups.iter().map(|(name, group)| (text(&group["id"]), format!("group:{name}")));
        let names: BTreeMap<String, String> = users.chain(groups).collect();
        for (name, group) in &self.groups {
            add(format!("group:{name}"), "exists".to_owned());
            for row in rows(&group["members"]) {
                let id = text(&row["value"]);
                let who = names.get(&id).cloned().unwrap_or_else(|| format!("ghost:{id}"));
                add(who, format!("in {name}, by {}", text(&row["origin"])));
            }
        }
        for mapping in mappings {
            let (group, who) = mapping.split_once(" <- ").expect("it is made so");
            add(who.to_owned(), format!("mapped to {group}"));
        }
        for (id, client) in &self.clients {
            let who = format!("client:{id}");
            add(who.clone(), "exists".to_owned());
            for field in ["authorities", "scope", "authorized_grant_types", "autoapprove", "resource_ids"] {
                for value in rows(&client[field]) {
                    add(who.clone(), format!("{field} {}", text(&value)));
                }
            }
        }
        facts
    }
}

/// Who a user is, whichever name they have by now.
pub(super) fn subject(user: &str) -> String {
    user.trim_end_matches(OLD_NAME).to_owned()
}

/// All that is not as before and after allow: what neither has, what both have, and what was taken from somebody before
/// all was given that was to be.
pub(super) fn outside(before: &Facts, after: &Facts, now: &Facts) -> Vec<String> {
    let none = BTreeSet::new();
    let of = |facts: &Facts, who: &str| facts.get(who).unwrap_or(&none).clone();
    let everybody: BTreeSet<&String> = before.keys().chain(after.keys()).chain(now.keys()).collect();
    let mut wrong = Vec::new();
    for who in everybody {
        let (before, after, now) = (of(before, who), of(after, who), of(now, who));
        for what in now.iter().filter(|what| !before.contains(*what) && !after.contains(*what)) {
            wrong.push(format!("{who} has what neither before nor after allows: {what}"));
        }
        for what in before.intersection(&after).filter(|what| !now.contains(*what)) {
            wrong.push(format!("{who} lacks what it has before and after: {what}"));
        }
        let taken = before.difference(&now).find(|what| !after.contains(*what));
        let missing = after.difference(&now).next();
        if let (Some(taken), Some(missing)) = (taken, missing) {
            wrong.push(format!("{who} has lost `{taken}` before it was given `{missing}`"));
        }
    }
    wrong
}

#[test]
fn what_is_outside_is_told() {
    let facts = |all: &[(&str, &[&str])]| -> Facts {
        all.iter()
            .map(|(who, what)| ((*who).to_owned(), what.iter().map(|&what| what.to_owned()).collect()))
            .collect()
    };
    let before = facts(&[("ann", &["a", "b"]), ("bob", &["a"])]);
    let after = facts(&[("ann", &["b", "c"])]);
    for (now, wrong) in [
        (before.clone(), vec![]),
        (after.clone(), vec![]),
        (facts(&[("ann", &["a", "b", "c"])]), vec![]),
        (facts(&[("ann", &["a", "c"])]), vec!["ann lacks what it has before and after: b"]),
        (facts(&[("ann", &["b"])]), vec!["ann has lost `a` before it was given `c`"]),
        (
            facts(&[("ann", &["b", "c"]), ("cy", &["c"])]),
            vec!["cy has what neither before nor after allows: c"],
        ),
        (
            facts(&[("ann", &["b", "c"]), ("bob", &["b"])]),
            vec!["bob has what neither before nor after allows: b"],
        ),
    ] {
        assert_eq!(outside(&before, &after, &now), wrong);
    }
}
