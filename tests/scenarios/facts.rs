//! What matters of a server, by names, and the bounds within which it must stay.

use std::collections::{BTreeMap, BTreeSet};

use uaapply_lab::model::State;

/// Sets such as a group's members, and single values such as whether a user is active.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) sets: BTreeMap<String, BTreeSet<String>>,
    pub(crate) values: BTreeMap<String, String>,
}

/// Names of users that were there before, as they are afterwards: a renamed one stays the same.
pub(crate) type Names = BTreeMap<String, String>;

/// The sets of a client that a run may hold in parts between before and after.
const CLIENT_SETS: [&str; 5] =
    ["scope", "authorities", "authorized_grant_types", "redirect_uri", "autoapprove"];

impl Facts {
    /// Takes down a state.
    pub(crate) fn of(state: &State, names: &Names) -> Self {
        let mut facts = Self::default();
        let user_name = |id: &str| {
            // Rows outlive accounts.
            let known = names.get(id).cloned();
            known.or_else(|| {
                state.user(id).map(|user| format!("{}/{}", user.origin, user.user_name.to_lowercase()))
            })
        };
        for user in &state.users {
            let name = user_name(&user.id).unwrap_or_default();
            facts.add("users", &name);
            for (what, value) in [
                ("active", user.active.to_string()),
                ("verified", user.verified.to_string()),
                ("username", user.user_name.clone()),
                ("email", user.email.clone()),
                ("given name", user.given_name.clone().unwrap_or_default()),
                ("family name", user.family_name.clone().unwrap_or_default()),
                ("phone", user.phone.clone().unwrap_or_default()),
                ("external id", user.external_id.clone().unwrap_or_default()),
                ("salt", user.salt.clone().unwrap_or_default()),
                ("password", user.password.clone()),
            ] {
                facts.values.insert(format!("{what} of {name}"), value);
            }
        }
        for group in &state.groups {
            facts.add("groups", &group.name);
            let description = group.description.clone().unwrap_or_default();
            facts.values.insert(format!("description of {}", group.name), description);
            for row in &group.members {
                let name = match row.is_group {
                    true => state.group(&row.member).map(|group| format!("group:{}", group.name)),
                    false => user_name(&row.member),
                };
                let name = name.unwrap_or_else(|| format!("ghost:{}", row.member));
                facts.add(&format!("members of {}", group.name), &name);
                // A row that outlived its account gives nobody anything: the account's next one has no part in it.
                let gone = !row.is_group && state.user(&row.member).is_none();
                let origin = if gone { "of nobody" } else { row.origin.as_str() };
                facts.values.insert(format!("origin of {name} in {}", group.name), origin.to_owned());
            }
        }
        for mapping in &state.mappings {
            let group = state.group(&mapping.group).map_or("?", |group| group.name.as_str());
            facts.add("mappings", &format!("{group} <- {}:{}", mapping.origin, mapping.external_group));
        }
        for (id, client) in &state.clients {
            facts.add("clients", id);
            for name in CLIENT_SETS {
                for item in client.set(name).iter().filter(|item| *item != "uaa.none") {
                    facts.add(&format!("{name} of {id}"), item);
                }
            }
            for (key, value) in client.fields.iter().filter(|(key, _)| !CLIENT_SETS.contains(&key.as_str())) {
                facts.values.insert(format!("{key} of client {id}"), value.to_string());
            }
            let secrets: Vec<&str> = client.secrets.iter().map(|secret| secret.text.as_str()).collect();
            facts.values.insert(format!("secrets of client {id}"), secrets.join(" "));
        }
        for (id, metadata) in &state.metadata {
            let shown = metadata.get("showOnHomePage").map(ToString::to_string).unwrap_or_default();
            facts.values.insert(format!("home page of client {id}"), shown);
        }
        facts
    }

    fn add(&mut self, set: &str, item: &str) {
        self.sets.entry(set.to_owned()).or_default().insert(item.to_owned());
    }

    fn set(&self, name: &str) -> BTreeSet<String> {
        self.sets.get(name).cloned().unwrap_or_default()
    }
}

/// Between which states a server must stay, and what others did to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    pub(crate) before: Facts,
    pub(crate) after: Facts,
    touched: BTreeSet<(String, String)>,
    touched_values: BTreeSet<String>,
}

impl Bounds {
    pub(crate) fn new(before: Facts, after: Facts) -> Self {
        Self { before, after, ..Self::default() }
    }

    /// Takes in what somebody else changed.
    pub(crate) fn touched(&mut self, from: &Facts, to: &Facts) {
        for name in from.sets.keys().chain(to.sets.keys()) {
            let changed = from.set(name).symmetric_difference(&to.set(name)).cloned().collect::<Vec<_>>();
            self.touched.extend(changed.into_iter().map(|item| (name.clone(), item)));
        }
        for name in from.values.keys().chain(to.values.keys()) {
            if from.values.get(name) != to.values.get(name) {
                self.touched_values.insert(name.clone());
            }
        }
    }

    /// Says what is out of bounds.
    pub(crate) fn broken(&self, now: &Facts) -> Vec<String> {
        let mut broken = Vec::new();
        let names: BTreeSet<&String> =
            [&self.before, &self.after, now].iter().flat_map(|facts| facts.sets.keys()).collect();
        for name in names {
            let (before, after, now) = (self.before.set(name), self.after.set(name), now.set(name));
            let theirs = |item: &String| self.touched.contains(&(name.clone(), item.clone()));
            let widest: BTreeSet<&String> = before.union(&after).collect();
            for item in now.iter().filter(|item| !widest.contains(item) && !theirs(item)) {
                broken.push(format!("{name}: {item} is there, and neither before nor after has it"));
            }
            for item in before.intersection(&after).filter(|item| !now.contains(*item) && !theirs(item)) {
                broken.push(format!("{name}: {item} is missing, and both before and after have it"));
            }
        }
        for (name, value) in &now.values {
            let is = |facts: &Facts| facts.values.get(name) == Some(value);
            if !is(&self.before) && !is(&self.after) && !self.touched_values.contains(name) {
                let (before, after) = (self.before.values.get(name), self.after.values.get(name));
                broken.push(format!("{name} is {value}, before {before:?}, after {after:?}"));
            }
        }
        broken
    }

    /// Whether anybody else changed anything.
    pub(crate) fn is_touched(&self) -> bool {
        !self.touched.is_empty() || !self.touched_values.is_empty()
    }
}

/// Where two states differ, in a few words.
pub(crate) fn difference(one: &Facts, other: &Facts) -> Vec<String> {
    let mut told = Vec::new();
    for name in one.sets.keys().chain(other.sets.keys()).collect::<BTreeSet<_>>() {
        if one.set(name) != other.set(name) {
            told.push(format!("{name}: {:?}, expected {:?}", one.set(name), other.set(name)));
        }
    }
    for name in one.values.keys().chain(other.values.keys()).collect::<BTreeSet<_>>() {
        if one.values.get(name) != other.values.get(name) {
            told.push(format!("{name}: {:?}, expected {:?}", one.values.get(name), other.values.get(name)));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(members: &[&str], active: bool) -> Facts {
        let mut facts = Facts::default();
        members.iter().for_each(|member| facts.add("members of g", member));
        facts.values.insert("active of a".to_owned(), active.to_string());
        facts
    }

    #[test]
    fn a_server_is_out_of_bounds_with_what_neither_allows_and_without_what_both_give() {
        let mut bounds = Bounds::new(facts(&["a", "b"], false), facts(&["a", "c"], false));
        for (members, active, broken) in [
            (&["a", "b"][..], false, 0),
            (&["a", "b", "c"], false, 0),
            (&["a"], false, 0),
            (&["b", "c"], false, 1),
            (&["a", "d"], false, 1),
            (&["a"], true, 1),
        ] {
            assert_eq!(bounds.broken(&facts(members, active)).len(), broken, "{members:?} {active}");
        }
        // What others did is theirs.
        bounds.touched(&facts(&["a", "b"], false), &facts(&["b", "d"], true));
        assert_eq!(bounds.broken(&facts(&["d"], true)), Vec::<String>::new());
    }
}
