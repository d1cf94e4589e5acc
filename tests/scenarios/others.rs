//! A second administrator, who changes something at random.

use fastrand::Rng;
use serde_json::{Value, json};
use uaapply_lab::model::State;

use crate::server::{DNS, Hand, TEAMS, client, one};

/// Makes one change; says which.
pub(crate) fn meddle(rng: &mut Rng, state: &mut State) -> String {
    let hand = Hand::new(state);
    let limited = std::mem::take(&mut state.limited);
    let told = change(rng, state, &hand);
    state.limited = limited;
    told
}

fn change(rng: &mut Rng, state: &mut State, hand: &Hand) -> String {
    let users: Vec<(String, String)> = state
        .users
        .iter()
        .map(|user| (user.id.clone(), format!("{}/{}", user.origin, user.user_name)))
        .collect();
    let groups: Vec<(String, String)> = state
        .groups
        .iter()
        .filter(|group| !state.default_groups.contains(&group.name))
        .map(|group| (group.id.clone(), group.name.clone()))
        .collect();
    let pick = |rng: &mut Rng, all: &[(String, String)]| {
        (!all.is_empty()).then(|| all[rng.usize(0..all.len())].clone())
    };
    let (Some((user, name)), Some((group, group_name))) = (pick(rng, &users), pick(rng, &groups)) else {
        return "nothing".to_owned();
    };
    match rng.u8(0..10) {
        0 | 1 => {
            let row = json!({"value": user, "type": "USER", "origin": "uaa"});
            hand.send(state, "POST", &format!("/Groups/{group}/members"), Some(&row));
            format!("{name} into {group_name}")
        }
        2 => {
            hand.send(state, "DELETE", &format!("/Groups/{group}/members/{user}"), None);
            format!("{name} out of {group_name}")
        }
        3 | 4 => {
            let path = format!("/Users/{user}");
            let mut body = hand.send(state, "GET", &path, None).unwrap_or_default();
            if let Some(body) = body.as_object_mut() {
                body.retain(|key, _| !["passwordLastModified", "meta"].contains(&key.as_str()));
            }
            match rng.u8(0..3) {
                0 => body["active"] = json!(rng.bool()),
                1 => body["name"] = json!({"givenName": "Theirs"}),
                _ => body["emails"] = json!([{"value": "theirs@example.com"}]),
            }
            hand.replace(state, &path, &body);
            format!("changes {name}")
        }
        5 => {
            hand.send(state, "DELETE", &format!("/Users/{user}"), None);
            format!("deletes {name}")
        }
        6 => {
            let body = json!({"displayName": one(rng, &TEAMS), "description": "theirs"});
            hand.send(state, "POST", "/Groups", Some(&body));
            format!("makes {}", body["displayName"])
        }
        7 => {
            let body = json!({"groupId": group, "externalGroup": one(rng, &DNS), "origin": "ldap"});
            hand.send(state, "POST", "/Groups/External", Some(&body));
            format!("maps {} to {group_name}", body["externalGroup"])
        }
        8 => {
            let body = json!({"userName": "zed", "origin": "uaa", "password": "theirs", "name": {},
                "emails": [{"value": "zed@example.com"}]});
            let made = hand.send(state, "POST", "/Users", Some(&body)).unwrap_or_default();
            let row = json!({"value": made["id"], "type": "USER", "origin": "uaa"});
            hand.send(state, "POST", &format!("/Groups/{group}/members"), Some(&row));
            format!("makes zed, into {group_name}")
        }
        _ => change_client(rng, state, hand),
    }
}

fn change_client(rng: &mut Rng, state: &mut State, hand: &Hand) -> String {
    let ids: Vec<String> = state.clients.keys().filter(|id| *id != "admin").cloned().collect();
    if ids.is_empty() {
        return "nothing".to_owned();
    }
    let id = &ids[rng.usize(0..ids.len())];
    if rng.u8(0..4) == 0 {
        hand.send(state, "DELETE", &format!("/oauth/clients/{id}"), None);
        return format!("deletes client {id}");
    }
    let read = hand.send(state, "GET", &format!("/oauth/clients/{id}"), None);
    let Some(Value::Object(mut body)) = read else { return "nothing".to_owned() };
    let other = client(rng);
    for key in ["authorities", "scope", "name"] {
        if let (true, Some(value)) = (rng.bool(), other.get(key)) {
            body.insert(key.to_owned(), value.clone());
        }
    }
    body.insert("action".to_owned(), json!("update"));
    hand.send(state, "POST", "/oauth/clients/tx/modify", Some(&json!([body])));
    format!("changes client {id}")
}
