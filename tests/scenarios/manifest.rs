//! A random manifest in YAML (JSON, which is YAML), over the names that servers have.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use uaapply::manifest::{Loaded, Sources, load};

use crate::server::{CANARY, CLIENTS, DNS, GROUPS, TEAMS, USERS, chance, client, one, secret, some};

/// A manifest and the secrets that it names.
pub(crate) struct Manifest {
    pub(crate) text: String,
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Manifest {
    /// Loads it; nothing where it contradicts itself.
    pub(crate) fn load(&self) -> Option<Loaded> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m.yml");
        std::fs::write(&path, &self.text).expect("the folder is ours");
        let secrets = self
            .secrets
            .iter()
            .map(|(name, value)| ("T".to_owned(), name.clone(), SecretString::from(value.clone())));
        let sources = Sources {
            paths: vec![path],
            vars_env_prefixes: vec!["T".to_owned()],
            vars_env: secrets.collect(),
            ..Sources::default()
        };
        load(&sources).ok()
    }
}

/// The manifest of a seed.
pub(crate) fn manifest(rng: &mut Rng) -> Manifest {
    let mut secrets = BTreeMap::new();
    let declared: BTreeSet<&str> = some(rng, &GROUPS, 5);
    let gone: BTreeSet<&str> =
        some(rng, &TEAMS, 2).into_iter().filter(|name| !declared.contains(name)).collect();
    let teams: Vec<&str> = TEAMS.into_iter().filter(|name| declared.contains(name)).collect();
    let mut users = Vec::new();
    let mut absent = BTreeSet::new();
    for (at, (origin, name)) in USERS.into_iter().enumerate() {
        match rng.u8(0..10) {
            0..2 => {}
            2 => {
                absent.insert((origin, name));
                users.push(json!({"username": name, "origin": origin, "state": "absent"}));
            }
            _ => users.push(user(rng, &mut secrets, origin, name, at, &teams)),
        }
    }
    if chance(rng, 2) {
        let renamed = users.iter_mut().find(|user| user["username"] == "cody" && user.get("state").is_none());
        if let Some(user) = renamed {
            user["username"] = json!("cody.new");
            user["previously"] = json!("cody");
        }
    }
    let renamed = users.iter().any(|user| user["username"] == "cody.new");
    let leaves = |user: &(&str, &str)| absent.contains(user) || (renamed && user.1 == "cody");
    let known: Vec<(&str, &str)> = USERS
        .into_iter()
        .filter(|user| {
            !leaves(user)
                && users.iter().any(|entry| entry["username"] == user.1 && entry["origin"] == user.0)
        })
        .collect();
    let mut groups = Vec::new();
    for name in &declared {
        groups.push(group(rng, name, &known, &teams));
    }
    groups.extend(gone.iter().map(|name| json!({"name": name, "state": "absent"})));
    let mut clients = Vec::new();
    for id in CLIENTS {
        match rng.u8(0..10) {
            0..3 => {}
            3 => clients.push(json!({"client_id": id, "state": "absent"})),
            _ => {
                let mut entry = client(rng);
                entry["client_id"] = json!(id);
                let variable = format!("secret_{}", id.replace('-', "_"));
                entry["client_secret"] = json!(format!("(({variable}))"));
                secrets.insert(variable, secret(rng, id));
                if chance(rng, 2) {
                    entry["extra"] = json!({"team": one(rng, &["blue", "red"])});
                }
                if chance(rng, 2) {
                    entry["show_on_home_page"] = json!(rng.bool());
                }
                clients.push(entry);
            }
        }
    }
    let mut document = Map::from_iter([("version".to_owned(), json!(1))]);
    for (key, entries) in [("users", users), ("groups", groups), ("clients", clients)] {
        if !entries.is_empty() {
            document.insert(key.to_owned(), Value::Array(entries));
        }
    }
    if chance(rng, 2) {
        let action = one(rng, &["delete", "deactivate"]);
        let prune = [
            ("users", json!({"origins": ["uaa"], "except": ["svc-*"], "action": action})),
            ("groups", json!(["team.*"])),
            ("clients", json!(["ci-*"])),
        ];
        let lines = prune.into_iter().filter(|_| rng.bool()).map(|(key, value)| (key.to_owned(), value));
        let lines: Map<String, Value> = lines.collect();
        if !lines.is_empty() {
            document.insert("prune".to_owned(), Value::Object(lines));
        }
    }
    Manifest { text: serde_json::to_string_pretty(&document).expect("JSON"), secrets }
}

fn user(
    rng: &mut Rng,
    secrets: &mut BTreeMap<String, String>,
    origin: &str,
    name: &str,
    at: usize,
    teams: &[&str],
) -> Value {
    let mut entry = json!({"username": name, "origin": origin});
    let email = if chance(rng, 1) { "other@example.com".to_owned() } else { format!("{name}@example.com") };
    entry["email"] = json!(if name.contains('@') { name.to_owned() } else { email });
    if origin == "uaa" {
        let variable = format!("password_{at}");
        entry["password"] = json!(format!("(({variable}))"));
        secrets.insert(variable, format!("{CANARY}new-{at}"));
    }
    for (key, value) in [
        ("given_name", json!(one(rng, &["", "Given"]))),
        ("family_name", json!(one(rng, &["Old", "New"]))),
        ("phone", json!(one(rng, &["", "123", "456"]))),
        ("external_id", json!(one(rng, &["ext", "other"]))),
        ("active", json!(chance(rng, 6))),
        ("verified", json!(chance(rng, 6))),
    ] {
        if chance(rng, 3) {
            entry[key] = value;
        }
    }
    if chance(rng, 5) {
        entry["cluster_access"] = json!(one(rng, &["admin", "manage", "read", "none"]));
    }
    let of = some(rng, teams, 3);
    if !of.is_empty() {
        entry["groups"] = json!(of);
    }
    entry
}

fn group(rng: &mut Rng, name: &str, users: &[(&str, &str)], teams: &[&str]) -> Value {
    let mut entry = json!({"name": name});
    if chance(rng, 3) {
        entry["description"] = json!(one(rng, &["old", "new", ""]));
    }
    let additive = chance(rng, 4);
    if additive {
        entry["additive"] = json!(true);
    }
    // What `cluster_access` says of these three could disagree.
    let mut members: Vec<Value> = Vec::new();
    let mut out: Vec<Value> = Vec::new();
    if !name.starts_with("pks.") {
        for (origin, name) in users {
            let member = json!({"username": name, "origin": origin});
            match rng.u8(0..6) {
                0..2 => members.push(member),
                2 if additive && name.len() % 2 == 0 => out.push(member),
                _ => {}
            }
        }
    }
    if let Some(team) = teams.iter().find(|team| **team > name).filter(|_| chance(rng, 3)) {
        members.push(json!({"group": team}));
    }
    if !members.is_empty() {
        entry["members"] = json!(members);
    }
    if !out.is_empty() {
        entry["absent_members"] = json!(out);
    }
    if chance(rng, 4) {
        let mapped = some(rng, &DNS, 4).into_iter().map(|dn| json!({"origin": "ldap", "group": dn}));
        entry["external_groups"] = json!(mapped.collect::<Vec<_>>());
    }
    entry
}
