//! The way back on a real UAA: an apply of all kinds, undone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, names, rows, text};

const MANIFEST: &str = "\
version: 1
target: {origins: [ldap]}
users:
  - {username: alana, given_name: Alana, email: new@example.com, active: false}
  - {username: new, email: new@example.com, password: ((password)), cluster_access: manage}
  - {username: erin, previously: erin.old}
  - {username: dana, state: absent}
groups:
  - name: team.one
    description: New words
    members: [alana, new, {group: team.two}]
    external_groups: [{origin: ldap, group: 'cn=new,dc=y'}]
  - {name: team.fresh, members: [erin]}
  - {name: team.old, state: absent}
clients:
  - {client_id: ci, authorities: [b, c], name: null}
  - {client_id: app, client_secret: ((password)), authorized_grant_types: [client_credentials], authorities: [x]}
  - {client_id: gone, state: absent}
";

fn has_client(world: &World, client: Value) {
    let (status, answer) = world.api("POST", "/oauth/clients", Some(client));
    assert_eq!(status, 201, "{answer}");
}

fn has_mapping(world: &World, group: &str, dn: &str) {
    let body = json!({"displayName": group, "externalGroup": dn, "origin": "ldap"});
    let (status, answer) = world.api("POST", "/Groups/External", Some(body));
    assert_eq!(status, 201, "{answer}");
}

/// All of it that a plan can speak about, ids aside.
fn state(world: &World) -> Value {
    let user = |user: Value| {
        let fields = ["userName", "origin", "name", "phoneNumbers", "active", "verified", "externalId"];
        let fields = fields.map(|field| user[field].clone());
        (
            format!("{}/{}", text(&user["origin"]), text(&user["userName"])),
            json!([fields, user["emails"][0]["value"]]),
        )
    };
    let users: BTreeMap<String, Value> = world.users().into_values().map(user).collect();
    let (status, groups) = world.api("GET", "/Groups?count=500&sortBy=displayName", None);
    assert_eq!(status, 200, "{groups}");
    let groups: BTreeMap<String, Value> = rows(&groups["resources"])
        .into_iter()
        .map(|group| {
            let name = text(&group["displayName"]);
            let members = world.members(&name);
            (name, json!([group["description"], members]))
        })
        .collect();
    let (status, clients) = world.api("GET", "/oauth/clients?count=500", None);
    assert_eq!(status, 200, "{clients}");
    let clients: BTreeMap<String, Value> = rows(&clients["resources"])
        .into_iter()
        .map(|client| {
            let id = text(&client["client_id"]);
            let (status, mut client) = world.api("GET", &format!("/oauth/clients/{id}"), None);
            assert_eq!(status, 200, "{client}");
            let fields = client.as_object_mut().expect("an object");
            fields.remove("lastModified");
            for list in fields.values_mut().filter_map(Value::as_array_mut) {
                list.sort_by_key(ToString::to_string);
            }
            (id, client)
        })
        .collect();
    json!([users, groups, world.mappings(), clients])
}

on_each_uaa! {
    fn an_apply_of_all_kinds_is_undone_and_the_server_is_as_before(world) {
        world.has_pks_groups();
        let (alana, dana) = (world.has_user("alana", "uaa"), world.has_user("dana", "uaa"));
        let (erin, cody) = (world.has_user("erin.old", "uaa"), world.has_user("cody", "ldap"));
        world.has_group("team.one", &[&dana, &erin, &cody]);
        world.has_group("team.two", &[&alana]);
        let old = world.has_group("team.old", &[&alana, &cody]);
        let outer = world.has_group("team.outer", &[]);
        world.has_member(&outer, &old, "GROUP", "uaa");
        has_mapping(world, "team.one", "cn=old,dc=y");
        has_mapping(world, "team.old", "cn=plain,dc=y");
        let client = |id: &str| json!({"client_id": id, "client_secret": "s", "authorized_grant_types": ["client_credentials"], "authorities": ["a", "b"], "name": "N", "team": "red"});
        has_client(world, client("ci"));
        let mut gone = client("gone");
        gone["authorized_grant_types"] = json!(["password", "refresh_token"]);
        gone["required_user_groups"] = json!(["team.one"]);
        gone["scope"] = json!(["team.one"]);
        has_client(world, gone);
        let before = state(world);
        world.file("pks.yml", MANIFEST);

        let keys = ["removals:team.one", "empties:team.one", "removals:user=2"].iter().flat_map(|key| ["--allow", key]);
        let args: Vec<&str> = ["apply", "-f", "pks.yml", "--yes", "--report", "report.json"].into_iter().chain(keys).collect();
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        let after = state(world);
        assert_ne!(before, after);

        let shown = world.run(&["undo", "report.json", "--dry-run", "--format", "json"]);
        assert!([0, 3].contains(&shown.code), "{shown:?}");
        let plan: Value = serde_json::from_str(&shown.stdout).expect("it is JSON");
        let found: Vec<String> = rows(&plan["findings"]).iter().filter_map(|finding| finding["key"].as_str().map(str::to_owned)).collect();
        assert!(changes(&plan).contains(&"create_client gone".to_owned()), "{:?}", changes(&plan));
        assert_eq!(state(world), after);
        let mut args = vec!["undo", "report.json", "--yes", "--report", "undone.json"];
        args.extend(found.iter().flat_map(|key| ["--allow", key]));
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("Cannot come back") && ran.stdout.contains("`uaapply password NAME`"), "{}", ran.stdout);
        assert_eq!(state(world), before);
        assert_eq!(world.members("team.one"), names(&["ldap/cody", "uaa/dana", "uaa/erin.old"]));
        let ran = world.run(&["undo", "report.json", "--yes"]);
        assert_eq!((ran.code, ran.stdout.contains("No changes.")), (0, true), "{ran:?}");
    }
}
