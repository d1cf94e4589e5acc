//! Whether a report tells the truth: what it says is done is so on the server, what it says is not is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::facts::{Look, subject};
use super::story::SECRETS;
use crate::world::{World, rows, text};

/// Something on the server that a change sets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    kind: String,
    /// The key's parts; of a renamed user the ids by which it can be found.
    key: Vec<String>,
    /// Empty for whether it is there.
    field: String,
}

/// Who has written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    OneRun,
    Several,
}

/// All that is otherwise on the server than the report says.
pub(super) fn lies(world: &World, report: &Value, now: &Look, whose: Whose) -> Vec<String> {
    let mut slots: BTreeMap<Slot, BTreeSet<String>> = BTreeMap::new();
    for change in rows(&report["changes"]) {
        for (slot, before, after) in sets(&change) {
            let possible = slots.entry(slot).or_insert_with(|| [before.to_string()].into());
            match &*text(&change["outcome"]) {
                "done" | "already_so" => *possible = [after.to_string()].into(),
                "failed" | "held" | "not_tried" | "drifted" if whose == Whose::OneRun => {}
                // Somebody else may have made it.
                "failed" | "held" | "not_tried" | "drifted" | "unknown" => {
                    possible.insert(after.to_string());
                }
                other => panic!("there is no outcome {other}"),
            }
        }
    }
    slots
        .into_iter()
        .filter_map(|(slot, possible)| {
            let found = found(world, now, &slot)?.to_string();
            (!possible.contains(&found))
                .then(|| format!("{slot:?} is {found}, and the report says {possible:?}"))
        })
        .collect()
}

/// Exit codes and reports belong together (design.md §5).
pub(super) fn unlike(code: i32, report: &Value) -> Option<String> {
    let outcomes: BTreeSet<String> =
        rows(&report["changes"]).iter().map(|change| text(&change["outcome"])).collect();
    let any = |names: &[&str]| names.iter().any(|&name| outcomes.contains(name));
    let short = any(&["failed", "held", "not_tried", "drifted", "unknown"]);
    let wrote = any(&["done", "unknown"]);
    let right = match code {
        0 => !short && report["converged"] == true,
        1 => !wrote,
        5 => wrote && (short || report["converged"].is_null()),
        6 => !short && report["converged"] == false,
        _ => false,
    };
    (!right).then(|| {
        format!("exit code {code} with the outcomes {outcomes:?} and converged: {}", report["converged"])
    })
}

/// Whether this is a client's secret.
pub(super) fn has_secret(world: &World, client: &str, secret: &str) -> bool {
    world.zone.client_login(client, secret).expect("UAA answers").0 == 200
}

/// What a change sets: its value before and after.
fn sets(change: &Value) -> Vec<(Slot, Value, Value)> {
    let object = &change["object"];
    let part = |name: &str| text(&object[name]);
    let kind = text(&change["kind"]);
    let key = match &*kind {
        "user" => {
            let renamed = rows(&change["fields"]).into_iter().find(|field| field["name"] == "username");
            let names = renamed.map_or_else(
                || vec![part("username")],
                |field| vec![text(&field["before"]), text(&field["after"])],
            );
            names.into_iter().map(|name| format!("{}/{name}", part("origin"))).collect()
        }
        "group" => vec![part("group")],
        "member" if object.get("member_group").is_some() => {
            vec![part("group"), format!("group:{}", part("member_group"))]
        }
        "member" => vec![part("group"), subject(&format!("{}/{}", part("origin"), part("username")))],
        "external_group" => vec![part("group"), format!("{}:{}", part("origin"), part("external_group"))],
        "client" => vec![part("client_id")],
        other => panic!("there is no kind {other}"),
    };
    let slot = |field: &str| Slot { kind: kind.clone(), key: key.clone(), field: field.to_owned() };
    let action = text(&change["action"]);
    match &*action {
        "create_user" | "create_group" | "create_client" | "add_member" | "map_external_group" => {
            vec![(slot(""), json!(false), json!(true))]
        }
        "delete_user" | "delete_group" | "delete_client" | "remove_member" | "unmap_external_group" => {
            vec![(slot(""), json!(true), json!(false))]
        }
        "set_client_secret" => vec![(slot("client_secret"), json!("T_old"), json!("T_new"))],
        "update_user" | "update_group" | "update_client" => rows(&change["fields"])
            .iter()
            .map(|field| (slot(&text(&field["name"])), sorted(&field["before"]), sorted(&field["after"])))
            .collect(),
        other => panic!("there is no action {other}"),
    }
}

/// What is there; nothing where the object of a field is not.
fn found(world: &World, now: &Look, slot: &Slot) -> Option<Value> {
    let user = || slot.key.iter().find_map(|key| now.users.get(key));
    let has = |who: &str, what: &str| {
        now.facts.get(who).is_some_and(|facts| facts.iter().any(|fact| fact.starts_with(what)))
    };
    Some(match (&*slot.kind, &*slot.field) {
        ("user", "") => json!(user().is_some()),
        ("user", field) => {
            let user = user()?;
            match field {
                "username" => user["userName"].clone(),
                "email" => user["emails"][0]["value"].clone(),
                "given_name" => user["name"]["givenName"].clone(),
                "family_name" => user["name"]["familyName"].clone(),
                "phone" => user["phoneNumbers"][0]["value"].clone(),
                other => user[other].clone(),
            }
        }
        ("group", "") => json!(now.groups.contains_key(&slot.key[0])),
        ("group", field) => now.groups.get(&slot.key[0])?[field].clone(),
        ("member", _) => json!(has(&slot.key[1], &format!("in {}, by", slot.key[0]))),
        ("external_group", _) => json!(has(&slot.key[1], &format!("mapped to {}", slot.key[0]))),
        ("client", "") => json!(now.clients.contains_key(&slot.key[0])),
        ("client", "client_secret") => {
            let works = SECRETS.iter().find(|(_, secret)| has_secret(world, &slot.key[0], secret));
            works.map_or(Value::Null, |(name, _)| json!(name))
        }
        ("client", field) => sorted(&now.clients.get(&slot.key[0])?[field]),
        other => panic!("there is no such thing: {other:?}"),
    })
}

fn sorted(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let items: BTreeSet<String> = items.iter().map(text).collect();
    json!(items)
}
