//! A random server: users, groups, mappings and clients, few names of each, so that manifests meet them.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};
use uaapply_lab::model::{Ask, State};

/// Users that a server or manifest can have, by origin.
pub(crate) const USERS: [(&str, &str); 7] = [
    ("uaa", "alana"),
    ("uaa", "bea@example.com"),
    ("uaa", "cody"),
    ("uaa", "dana"),
    ("uaa", "svc-ci"),
    ("ldap", "erin"),
    ("ldap", "alana"),
];

pub(crate) const GROUPS: [&str; 7] = [
    "pks.clusters.admin",
    "pks.clusters.manage",
    "pks.clusters.admin.read",
    "team.a",
    "team.b",
    "team.c",
    "scim.write",
];

/// Those that a manifest may rename or remove freely.
pub(crate) const TEAMS: [&str; 3] = ["team.a", "team.b", "team.c"];

pub(crate) const DNS: [&str; 4] = ["cn=a,dc=x", "cn=b,dc=x", "cn=a_b,dc=x", "devs"];

pub(crate) const CLIENTS: [&str; 3] = ["ci-one", "ci-two", "web"];

/// The secret of the client that runs log in as.
pub(crate) const SECRET: &str = "canary-admin-s3cret";

/// Everything secret begins so; no text may hold it.
pub(crate) const CANARY: &str = "canary-";

/// Somebody with a token.
pub(crate) struct Hand {
    token: String,
}

impl Hand {
    pub(crate) fn new(state: &mut State) -> Self {
        let form = format!("grant_type=client_credentials&client_id=admin&client_secret={SECRET}");
        let login = Ask { body: form.into_bytes(), ..Ask::new("POST", "/oauth/token", None) };
        let answer = state.handle(&login).body.unwrap_or_default();
        Self { token: answer["access_token"].as_str().unwrap_or_default().to_owned() }
    }

    /// Sends a request; the answer's body where all went well.
    pub(crate) fn send(
        &self,
        state: &mut State,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Value> {
        let ask = Ask { bearer: Some(self.token.clone()), ..Ask::new(method, path, body) };
        let reply = state.handle(&ask);
        reply.is_ok().then(|| reply.body.unwrap_or_default())
    }

    /// A PUT of what was just read.
    pub(crate) fn replace(&self, state: &mut State, path: &str, body: &Value) {
        let ask = Ask {
            bearer: Some(self.token.clone()),
            if_match: Some("*".to_owned()),
            ..Ask::new("PUT", path, Some(body))
        };
        state.handle(&ask);
    }
}

pub(crate) fn one<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())]
}

/// With a chance of so many in ten.
pub(crate) fn chance(rng: &mut Rng, tenths: u8) -> bool {
    rng.u8(0..10) < tenths
}

/// Some of these.
pub(crate) fn some<T: Copy + Ord>(rng: &mut Rng, all: &[T], tenths: u8) -> BTreeSet<T> {
    all.iter().copied().filter(|_| chance(rng, tenths)).collect()
}

/// The server of a seed.
pub(crate) fn server(rng: &mut Rng) -> State {
    let mut state = State::new("uaa", SECRET);
    state.default_groups = ["openid", "uaa.user"].map(str::to_owned).into();
    let hand = Hand::new(&mut state);
    for name in ["openid", "uaa.user", "uaa.admin"] {
        hand.send(&mut state, "POST", "/Groups", Some(&json!({"displayName": name})));
    }
    let mut users = Vec::new();
    for (origin, name) in USERS {
        if chance(rng, 6) {
            users.extend(make_user(rng, &mut state, &hand, origin, name));
        }
    }
    let gone = make_user(rng, &mut state, &hand, "ldap", "gone");
    let mut groups = Vec::new();
    for name in GROUPS {
        if name.starts_with("team") && chance(rng, 3) {
            continue;
        }
        let mut body = json!({"displayName": name});
        if chance(rng, 3) {
            body["description"] = json!(one(rng, &["old", "new"]));
        }
        let group = hand.send(&mut state, "POST", "/Groups", Some(&body));
        groups.extend(group.and_then(|group| group["id"].as_str().map(str::to_owned)));
    }
    for group in &groups {
        for user in users.iter().chain(&gone) {
            if chance(rng, 3) {
                let origin = if chance(rng, 2) { "ldap" } else { "uaa" };
                let row = json!({"value": user, "type": "USER", "origin": origin});
                hand.send(&mut state, "POST", &format!("/Groups/{group}/members"), Some(&row));
            }
        }
        if chance(rng, 1) {
            let row = json!({"value": groups[rng.usize(0..groups.len())], "type": "GROUP", "origin": "uaa"});
            hand.send(&mut state, "POST", &format!("/Groups/{group}/members"), Some(&row));
        }
        for dn in some(rng, &DNS, 2) {
            let mapping = json!({"groupId": group, "externalGroup": dn, "origin": "ldap"});
            hand.send(&mut state, "POST", "/Groups/External", Some(&mapping));
        }
    }
    // Rows of another origin outlive it.
    if let Some(id) = gone {
        hand.send(&mut state, "DELETE", &format!("/Users/{id}"), None);
    }
    for id in CLIENTS {
        if chance(rng, 6) {
            let mut body = client(rng);
            body["client_id"] = json!(id);
            body["client_secret"] = json!(secret(rng, id));
            hand.send(&mut state, "POST", "/oauth/clients", Some(&body));
        }
    }
    state
}

fn make_user(rng: &mut Rng, state: &mut State, hand: &Hand, origin: &str, name: &str) -> Option<String> {
    let email = if name.contains('@') { name.to_owned() } else { format!("{name}@example.com") };
    let mut body = json!({"userName": name, "origin": origin, "name": {"familyName": "Old"}, "emails": [{"value": email}],
        "password": format!("{CANARY}of-{name}"), "active": chance(rng, 8), "verified": chance(rng, 7)});
    if chance(rng, 5) {
        body["phoneNumbers"] = json!([{"value": "123"}]);
        body["externalId"] = json!("ext");
        body["salt"] = json!("salt");
    }
    let made = hand.send(state, "POST", "/Users", Some(&body))?;
    made["id"].as_str().map(str::to_owned)
}

/// One of two secrets that a client can have.
pub(crate) fn secret(rng: &mut Rng, id: &str) -> String {
    format!("{CANARY}{id}-{}", rng.u8(0..2))
}

/// The properties of a client, without id and secret.
pub(crate) fn client(rng: &mut Rng) -> Value {
    let scopes = ["openid", "pks.clusters.admin", "pks.clusters.manage", "team.a"];
    let list = |rng: &mut Rng, all: &[&str]| json!(some(rng, all, 4));
    let mut body = json!({"authorized_grant_types": ["client_credentials"]});
    if chance(rng, 4) {
        body["authorized_grant_types"] = json!(["client_credentials", "authorization_code", "refresh_token"]);
    }
    body["redirect_uri"] = json!(["https://a.example.com/cb"]);
    if chance(rng, 4) {
        body["redirect_uri"] = json!(["https://a.example.com/cb", "https://b.example.com/**"]);
    }
    body["scope"] = list(rng, &scopes);
    body["authorities"] =
        list(rng, &["clients.read", "scim.read", "scim.write", "pks.clusters.admin", "pks.clusters.manage"]);
    body["autoapprove"] = list(rng, &scopes);
    if chance(rng, 4) {
        body["access_token_validity"] = json!(one(rng, &[300, 600, 1200]));
    }
    if chance(rng, 3) {
        body["allowedproviders"] = json!(["uaa"]);
    }
    if chance(rng, 3) {
        body["required_user_groups"] = json!(["team.a"]);
    }
    if chance(rng, 3) {
        body["name"] = json!(one(rng, &["One", "Two"]));
    }
    body
}
