//! The documented PKS day: people, two scopes, one LDAP mapping.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, kept, names, text};

const DAY: &str = r#"
version: 1
users:
  - {username: alana, email: alana@example.com, given_name: Alana, family_name: Smith, password: ((password)), cluster_access: manage}
  - {username: cody, email: cody@example.com, password: ((password)), cluster_access: admin}
  - {username: dana@example.com, password: ((password)), cluster_access: none}
groups:
  - name: pks.clusters.admin
    additive: true
    external_groups:
      - {origin: ldap, group: "CN=Platform,OU=Groups,DC=example,DC=com"}
"#;

/// What the product's page tells an administrator to type, as the requests that `uaac` sends for it.
fn by_hand(world: &World, groups: &std::collections::BTreeMap<String, String>) {
    let add = |username: &str, email: &str, name: Value| {
        let body = json!({"userName": username, "emails": [{"value": email}], "name": name, "password": "by-hand-1"});
        let (status, user) = world.api("POST", "/Users", Some(body));
        assert_eq!(status, 201, "{user}");
        text(&user["id"])
    };
    let alana = add("alana", "alana@example.com", json!({"givenName": "Alana", "familyName": "Smith"}));
    let cody = add("cody", "cody@example.com", json!({}));
    add("dana@example.com", "dana@example.com", json!({}));
    world.has_member(&groups["pks.clusters.manage"], &alana, "USER", "uaa");
    world.has_member(&groups["pks.clusters.admin"], &cody, "USER", "uaa");
    let mapping = json!({"displayName": "pks.clusters.admin", "externalGroup": "CN=Platform,OU=Groups,DC=example,DC=com", "origin": "ldap"});
    let (status, answer) = world.api("POST", "/Groups/External", Some(mapping));
    assert_eq!(status, 201, "{answer}");
}

/// Users without what UAA makes up itself.
fn people(world: &World) -> Vec<Value> {
    let mut people: Vec<Value> = world
        .users()
        .into_values()
        .map(|user| json!({"userName": user["userName"], "origin": user["origin"], "emails": user["emails"], "name": user["name"],
                           "active": user["active"], "verified": user["verified"], "phoneNumbers": user["phoneNumbers"], "externalId": user["externalId"]}))
        .collect();
    people.sort_by_key(|user| text(&user["userName"]));
    people
}

on_each_uaa! {
    fn from_a_manifest_the_day_ends_as_by_the_documented_commands(world) {
        world.has_pks_groups();
        world.file("pks.yml", DAY);
        let planned = world.plan();
        assert_eq!(changes(&planned), [
            "create_user uaa/alana", "create_user uaa/cody", "create_user uaa/dana@example.com",
            "add_member pks.clusters.admin/uaa/cody", "add_member pks.clusters.manage/uaa/alana",
            "map_external_group pks.clusters.admin/ldap/cn=platform,ou=groups,dc=example,dc=com",
        ]);
        world.converge();

        let other = World::new(world.foundation.version());
        by_hand(&other, &other.has_pks_groups());
        assert_eq!(people(world), people(&other));
        for group in ["pks.clusters.admin", "pks.clusters.manage", "pks.clusters.admin.read"] {
            assert_eq!(world.members(group), other.members(group), "{group}");
        }
        assert_eq!(world.mappings(), other.mappings());
    }

    fn a_line_removed_from_the_manifest_never_hides(world) {
        world.has_pks_groups();
        world.file("pks.yml", DAY);
        world.converge();
        let without_cody: String = DAY.lines().filter(|line| !line.contains("cody")).map(|line| format!("{line}\n")).collect();
        world.file("pks.yml", &without_cody);
        let plan = world.plan();
        assert_eq!(changes(&plan), Vec::<String>::new());
        assert_eq!(kept(&plan, "unaccounted_access"), names(&["pks.clusters.admin/uaa/cody"]));
        let shown = world.run(&["plan", "-f", "pks.yml"]).stdout;
        assert!(shown.contains("pks.clusters.admin/uaa/cody"), "{shown}");
    }

    fn a_move_from_admin_to_manage_gives_before_it_takes(world) {
        world.has_pks_groups();
        world.file("pks.yml", DAY);
        world.converge();
        world.file("pks.yml", &DAY.replace("cluster_access: admin", "cluster_access: manage"));
        assert_eq!(changes(&world.plan()), ["add_member pks.clusters.manage/uaa/cody", "remove_member pks.clusters.admin/uaa/cody"]);
        world.converge();
        assert_eq!(world.members("pks.clusters.manage"), names(&["uaa/alana", "uaa/cody"]));
        assert_eq!(world.members("pks.clusters.admin"), names(&[]));
    }

    fn a_missing_scope_that_is_granted_is_an_error_that_shows_the_entry_to_add(world) {
        world.file("pks.yml", "version: 1\nusers:\n  - {username: cody, email: cody@example.com, password: ((password)), cluster_access: admin}\n");
        let ran = world.run(&["plan", "-f", "pks.yml"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("pks.clusters.admin") && ran.stderr.contains("- {name: pks.clusters.admin, additive: true") && ran.stderr.contains("pks.yml:3"), "{}", ran.stderr);
    }
}
