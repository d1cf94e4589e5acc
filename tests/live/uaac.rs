//! Every admin task of UAAC on users, groups, mappings and clients, as a manifest: a story for each of its commands.
//! Those that are no matter of a manifest (`user unlock`, `password set`, `secret change`, `me`) are told in `commands`.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, names, rows, text};

/// Writes pks.yml below its first line.
fn manifest(world: &World, body: &str) {
    world.file("pks.yml", &format!("version: 1\n{body}\n"));
}

/// Makes a client as `uaac client add` would.
fn has_client(world: &World, client: Value) {
    let (status, answer) = world.api("POST", "/oauth/clients", Some(client));
    assert_eq!(status, 201, "{answer}");
}

/// A client as UAA has it, lists sorted; nothing when there is none.
fn client(world: &World, id: &str) -> Option<Value> {
    let (status, mut client) = world.api("GET", &format!("/oauth/clients/{id}"), None);
    if status == 404 {
        return None;
    }
    assert_eq!(status, 200, "{client}");
    for (_, value) in client.as_object_mut().expect("a client is an object") {
        if let Value::Array(items) = value {
            items.sort_by_key(text);
        }
    }
    Some(client)
}

/// Whether a client can log in with this secret.
fn works(world: &World, id: &str, secret: &str) -> bool {
    world.zone.client_login(id, secret).expect("UAA answers").0 == 200
}

/// What stands in an export, as the values of YAML's JSON subset would be too much to ask: the text.
fn exported(world: &World, args: &[&str]) -> String {
    let ran = world.run(&[&["export"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout
}

on_each_uaa! {
    /// `uaac user add`.
    fn user_add(world) {
        manifest(world, "users:\n  - {username: ann, email: ann@example.com, given_name: Ann, family_name: Lee, phone: '+1 555', password: ((password))}\n  - {username: gina, origin: ldap, email: gina@example.com}\ntarget: {origins: [ldap]}");
        world.converge();
        let ann = world.user("ann").expect("she is there");
        assert_eq!(ann["name"], json!({"givenName": "Ann", "familyName": "Lee"}));
        assert_eq!((text(&ann["phoneNumbers"][0]["value"]), text(&ann["origin"])), ("+1 555".to_owned(), "uaa".to_owned()));
        assert_eq!(world.user("gina").expect("he is there")["origin"], "ldap");
    }

    /// `uaac user update`.
    fn user_update(world) {
        let id = world.has_user("ann", "uaa");
        manifest(world, "users:\n  - {username: ann, email: new@example.com, family_name: New}");
        assert_eq!(changes(&world.plan()), ["update_user uaa/ann", "update_user uaa/ann"], "an address ends sessions, a name does not");
        world.converge();
        let ann = world.user("ann").expect("she is there");
        assert_eq!((text(&ann["id"]), text(&ann["emails"][0]["value"])), (id, "new@example.com".to_owned()));
        assert_eq!(ann["name"], json!({"givenName": "G", "familyName": "New"}), "what is not named stays");
    }

    /// `uaac user update` with another name, which UAAC cannot do but by hand.
    fn user_rename(world) {
        let id = world.has_user("erin.old", "uaa");
        world.has_group("team.a", &[&id]);
        manifest(world, "users:\n  - {username: erin, previously: erin.old}");
        world.converge();
        assert_eq!(text(&world.user("erin").expect("renamed")["id"]), id);
        assert!(world.user("erin.old").is_none());
        assert_eq!(world.members("team.a"), names(&["uaa/erin"]));
    }

    /// `uaac user delete`.
    fn user_delete(world) {
        let id = world.has_user("ann", "uaa");
        world.has_user("bob", "uaa");
        world.has_group("team.a", &[&id]);
        manifest(world, "users:\n  - {username: ann, state: absent}");
        let plan = world.plan();
        assert!(changes(&plan).contains(&"delete_user uaa/ann".to_owned()), "{plan}");
        world.converge();
        assert!(world.user("ann").is_none() && world.user("bob").is_some());
        assert_eq!(world.members("team.a"), names(&[]));
    }

    /// `uaac user deactivate`, `uaac user activate`.
    fn user_activate_and_deactivate(world) {
        world.has_user("ann", "uaa");
        manifest(world, "users:\n  - {username: ann, active: false}");
        world.converge();
        let ann = world.user("ann").expect("she is there");
        assert_eq!((&ann["active"], &ann["verified"]), (&json!(false), &json!(true)), "UAAC's PATCH would verify as well");
        manifest(world, "users:\n  - {username: ann, active: true}");
        world.converge();
        assert_eq!(world.user("ann").expect("she is there")["active"], true);
    }

    /// `uaac users`, `uaac user get`.
    fn users_are_listed(world) {
        world.has_user("ann", "uaa");
        world.has_user("bob", "uaa");
        let all = exported(world, &[]);
        assert!(all.contains("ann@example.com") && all.contains("bob@example.com"), "{all}");
        let one = exported(world, &["--users", "ann"]);
        assert!(one.contains("ann@example.com") && !one.contains("bob@example.com"), "{one}");
    }

    /// `uaac group add`.
    fn group_add(world) {
        manifest(world, "groups:\n  - {name: team.a, description: The team}");
        world.converge();
        assert_eq!(world.description("team.a"), "The team");
    }

    /// `uaac group delete`.
    fn group_delete(world) {
        world.has_group("team.a", &[]);
        world.has_group("team.b", &[]);
        manifest(world, "groups:\n  - {name: team.a, state: absent}");
        world.converge();
        let (_, groups) = world.api("GET", "/Groups?count=500", None);
        let left: Vec<String> = rows(&groups["resources"]).iter().map(|group| text(&group["displayName"])).collect();
        assert!(left.contains(&"team.b".to_owned()) && !left.contains(&"team.a".to_owned()), "{left:?}");
    }

    /// `uaac groups`, `uaac group get`.
    fn groups_are_listed(world) {
        let id = world.has_user("ann", "uaa");
        world.has_group("team.a", &[&id]);
        let one = exported(world, &["--groups", "team.*"]);
        assert!(one.contains("team.a") && one.contains("ann"), "{one}");
    }

    /// `uaac member add`, `uaac member delete`.
    fn member_add_and_member_delete(world) {
        let (ann, bob) = (world.has_user("ann", "uaa"), world.has_user("bob", "uaa"));
        world.has_group("team.a", &[&ann]);
        world.has_group("team.b", &[&bob]);
        manifest(world, "groups:\n  - {name: team.a, additive: true, members: [bob], absent_members: [ann]}\n  - {name: team.b, additive: true, members: [{group: team.a}]}");
        world.converge();
        assert_eq!(world.members("team.a"), names(&["uaa/bob"]));
        assert_eq!(world.members("team.b"), names(&["uaa/bob", "group:team.a"]));
    }

    /// `uaac group map`, `uaac group unmap`, `uaac group mappings`.
    fn group_map_and_group_unmap(world) {
        world.has_group("team.a", &[]);
        manifest(world, "target: {origins: [ldap]}\ngroups:\n  - {name: team.a, additive: true, external_groups: [{origin: ldap, group: 'cn=a,dc=x'}, {origin: ldap, group: 'cn=b,dc=x'}]}");
        world.converge();
        assert!(world.mappings().contains("team.a <- ldap:cn=a,dc=x"), "{:?}", world.mappings());
        let listed = exported(world, &["--groups", "team.*"]);
        assert!(listed.contains("cn=a,dc=x"), "{listed}");
        manifest(world, "target: {origins: [ldap]}\ngroups:\n  - {name: team.a, additive: true, external_groups: [{origin: ldap, group: 'cn=a,dc=x', state: absent}, {origin: ldap, group: 'cn=b,dc=x'}]}");
        world.converge();
        let mappings: Vec<String> = world.mappings().into_iter().filter(|mapping| mapping.starts_with("team.a ")).collect();
        assert_eq!(mappings, ["team.a <- ldap:cn=b,dc=x"]);
    }

    /// `uaac client add`.
    fn client_add(world) {
        manifest(world, "clients:\n  - {client_id: ci, client_secret: ((password)), name: CI, authorized_grant_types: [client_credentials], cluster_access: manage, access_token_validity: 3600}\n  - {client_id: cli, client_secret: '', authorized_grant_types: [password, refresh_token], scope: [pks.clusters.manage], allowedproviders: [uaa], required_user_groups: [], extra: {team: {name: t, size: 3}}}");
        world.converge();
        let ci = client(world, "ci").expect("it is there");
        assert_eq!((&ci["name"], &ci["authorities"], &ci["access_token_validity"]), (&json!("CI"), &json!(["pks.clusters.manage"]), &json!(3600)));
        assert!(works(world, "ci", crate::world::CANARY));
        let cli = client(world, "cli").expect("it is there");
        assert_eq!((&cli["scope"], &cli["allowedproviders"], &cli["team"]), (&json!(["pks.clusters.manage"]), &json!(["uaa"]), &json!({"name": "t", "size": 3})));
    }

    /// `uaac client update`; what it cannot do is clear a field.
    fn client_update(world) {
        has_client(world, json!({"client_id": "web", "client_secret": "old-Secret1", "name": "Web", "authorized_grant_types": ["authorization_code", "refresh_token"],
            "scope": ["openid", "team.a", "team.b"], "authorities": ["uaa.resource"], "redirect_uri": ["https://a.example.com/cb", "https://b.example.com/cb"],
            "autoapprove": ["openid"], "access_token_validity": 60, "refresh_token_validity": 120, "allowedproviders": ["uaa"], "required_user_groups": ["uaa.user"], "team": "x"}));
        let before = client(world, "web").expect("it is there");
        manifest(world, "clients:\n  - {client_id: web, scope: [openid, team.a], access_token_validity: null, allowedproviders: null, redirect_uri: ['https://a.example.com/cb']}");
        world.converge();
        let after = client(world, "web").expect("it is there");
        let mut expected = before.clone();
        expected["scope"] = json!(["openid", "team.a"]);
        expected["redirect_uri"] = json!(["https://a.example.com/cb"]);
        for gone in ["access_token_validity", "allowedproviders"] {
            expected.as_object_mut().expect("an object").remove(gone);
        }
        expected["lastModified"] = after["lastModified"].clone();
        assert_eq!(after, expected, "nothing else has changed");
        assert!(works(world, "web", "old-Secret1"), "its secret stays");
    }

    /// `uaac client delete`.
    fn client_delete(world) {
        has_client(world, json!({"client_id": "ci", "client_secret": "s-Secret1", "authorized_grant_types": ["client_credentials"]}));
        manifest(world, "clients:\n  - {client_id: ci, state: absent}");
        assert_eq!(changes(&world.plan()), ["delete_client ci"]);
        world.converge();
        assert_eq!(client(world, "ci"), None);
    }

    /// `uaac clients`, `uaac client get`.
    fn clients_are_listed(world) {
        has_client(world, json!({"client_id": "ci", "client_secret": "s-Secret1", "authorized_grant_types": ["client_credentials"], "authorities": ["pks.clusters.admin"]}));
        let one = exported(world, &["--clients", "c*"]);
        assert!(one.contains("client_id: ci") && one.contains("((ci_client_secret))") || one.contains("client_secret: (("), "{one}");
        assert!(!one.contains("s-Secret1"));
    }

    /// `uaac secret set`.
    fn secret_set(world) {
        has_client(world, json!({"client_id": "ci", "client_secret": "old-Secret1", "authorized_grant_types": ["client_credentials"]}));
        manifest(world, "clients:\n  - {client_id: ci, client_secret: ((password))}");
        world.apply(0);
        assert!(works(world, "ci", crate::world::CANARY) && !works(world, "ci", "old-Secret1"));
        let again = world.run(&["apply", "-f", "pks.yml", "--yes", "--format", "json"]);
        let report: Value = serde_json::from_str(&again.stdout).unwrap_or_else(|error| panic!("{error}: {again:?}"));
        assert_eq!(report["changes"], json!([]), "a secret that works is left alone");
    }
}
