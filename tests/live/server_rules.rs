//! The surprises of UAA that the code works around, each pinned on the real server.

use serde_json::json;
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, kept, names, text};

on_each_uaa! {
    // Facts §2.5, traps 3 to 6: a PUT without them nulls the phone, re-activates and verifies.
    fn changing_one_field_of_a_user_leaves_the_others_as_they_were(world) {
        let body = json!({"userName": "ann", "emails": [{"value": "ann@example.com"}], "password": "initial-1", "externalId": "ext-7",
                          "name": {"givenName": "Ann", "familyName": "Old"}, "phoneNumbers": [{"value": "+1 555"}], "active": false, "verified": false});
        let (status, user) = world.api("POST", "/Users", Some(body));
        assert_eq!(status, 201, "{user}");
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann, family_name: New}\n");
        assert_eq!(changes(&world.plan()), ["update_user uaa/ann"]);
        world.converge();
        let ann = world.user("ann").expect("she is still there");
        assert_eq!(ann["name"], json!({"givenName": "Ann", "familyName": "New"}));
        assert_eq!((&ann["active"], &ann["verified"], &ann["externalId"]), (&json!(false), &json!(false), &json!("ext-7")));
        assert_eq!(ann["phoneNumbers"][0]["value"], "+1 555");
    }

    fn every_field_of_a_user_converges(world) {
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann, email: a@example.com, given_name: A, family_name: B, phone: '1', external_id: x, active: false, verified: false, password: ((password))}\n");
        world.converge();
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann, email: b@example.com, given_name: C, family_name: D, phone: '', external_id: '', active: true, verified: true}\n");
        world.converge();
        let ann = world.user("ann").expect("she is there");
        assert_eq!(ann["emails"][0]["value"], "b@example.com");
        assert_eq!((&ann["active"], &ann["verified"]), (&json!(true), &json!(true)));
        assert!(ann.get("phoneNumbers").is_none_or(|phones| phones.as_array().is_none_or(Vec::is_empty)), "{ann}");
    }

    // Trap 25 and correction 2: a PUT of a group without its members empties it.
    fn a_new_description_costs_no_member(world) {
        let (ann, gina) = (world.has_user("ann", "uaa"), world.has_user("gina", "ldap"));
        let group = world.has_group("team.words", &[&ann]);
        world.has_member(&group, &gina, "USER", "ldap");
        world.file("pks.yml", "version: 1\ngroups:\n  - {name: team.words, description: The team, members: [ann]}\n");
        assert_eq!(changes(&world.plan()), ["update_group team.words"]);
        world.converge();
        assert_eq!(world.description("team.words"), "The team");
        assert_eq!(world.members("team.words"), names(&["uaa/ann", "ldap/gina (ldap)"]));
    }

    fn a_new_group_has_its_description_and_members_at_once(world) {
        world.has_user("ann", "uaa");
        world.file("pks.yml", "version: 1\nusers:\n  - {username: bob@example.com, password: ((password)), groups: [team.new]}\ngroups:\n  - {name: team.new, description: New, members: [ann]}\n");
        world.converge();
        assert_eq!(world.members("team.new"), names(&["uaa/ann", "uaa/bob@example.com"]));
        assert_eq!(world.description("team.new"), "New");
    }

    // Trap 36: UAA stores mappings trimmed and lower-cased.
    fn a_mapping_in_any_spelling_is_the_same_mapping(world) {
        world.has_group("team.map", &[]);
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: team.map\n    additive: true\n    external_groups: [{origin: ldap, group: ' CN=A B,OU=Straße,DC=x '}]\n");
        world.converge();
        assert!(world.mappings().contains("team.map <- ldap:cn=a b,ou=straße,dc=x"), "{:?}", world.mappings());
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.map\n    additive: true\n    external_groups: []\n");
        world.converge();
        assert!(!world.mappings().iter().any(|mapping| mapping.starts_with("team.map")), "{:?}", world.mappings());
    }

    // Correction 11: the path of a DELETE with `/` in the DN is refused by the server's firewall.
    fn a_mapping_that_could_not_be_deleted_again_is_refused_and_an_existing_one_kept(world) {
        world.has_group("team.slash", &[]);
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: team.slash\n    additive: true\n    external_groups: [{origin: ldap, group: 'cn=a/b,dc=x'}]\n");
        world.apply(3);
        let (status, answer) = world.api("POST", "/Groups/External", Some(json!({"displayName": "team.slash", "externalGroup": "cn=a/b,dc=x", "origin": "ldap"})));
        assert_eq!(status, 201, "{answer}");
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.slash\n    additive: true\n    external_groups: []\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), Vec::<String>::new());
        assert_eq!(kept(&plan, "undeletable").len(), 1, "{plan}");
    }

    fn names_that_are_awkward_in_filters_are_found_again(world) {
        world.file("pks.yml", "version: 1\nusers:\n  - {username: \"o'brien\", email: o@example.com, password: ((password)), groups: [team.odd]}\n  - {username: Ünal+1!, email: u@example.com, password: ((password)), groups: [team.odd]}\ngroups:\n  - {name: team.odd}\n");
        world.converge();
        for read in ["list", "lookup"] {
            let ran = world.run(&["plan", "-f", "pks.yml", "--detailed-exitcode", "--read", read]);
            assert_eq!(ran.code, 0, "--read {read}: {ran:?}");
        }
        assert_eq!(world.members("team.odd"), names(&["uaa/o'brien", "uaa/Ünal+1!"]));
    }

    fn the_same_plan_comes_of_listing_and_of_looking_up(world) {
        let groups = world.has_pks_groups();
        for name in ["ann", "bob", "carl", "dora"] {
            let id = world.has_user(name, "uaa");
            world.has_member(&groups["pks.clusters.admin"], &id, "USER", "uaa");
        }
        // UAA cuts this name into two scopes.
        let odd = world.has_user("odd", "uaa");
        world.has_group("x, pks.clusters.admin", &[&odd]);
        world.has_user("ann", "ldap");
        world.file("pks.yml", "version: 1\nusers:\n  - {username: Ann, cluster_access: read}\n  - {username: new@example.com, password: ((password)), cluster_access: admin}\ngroups:\n  - {name: pks.clusters.manage, members: [bob]}\n");
        let [listed, looked_up] = ["list", "lookup"].map(|read| world.run(&["plan", "-f", "pks.yml", "--format", "json", "--read", read]));
        assert_eq!(listed.code, 0, "{listed:?}");
        assert_eq!(listed.stdout, looked_up.stdout);
        let plan: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
        assert_eq!(kept(&plan, "unaccounted_access"), names(&["pks.clusters.admin/uaa/bob", "pks.clusters.admin/uaa/carl", "pks.clusters.admin/uaa/dora", "x, pks.clusters.admin/uaa/odd"]));
        assert_eq!(kept(&plan, "spelling").len(), 1, "{}", text(&plan["kept"]));
    }
}
