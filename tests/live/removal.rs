//! What goes: said aloud, pruned, renamed.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, findings, kept, names, rows, text};

fn has_mapping(world: &World, group: &str, dn: &str) {
    let body = json!({"displayName": group, "externalGroup": dn, "origin": "ldap"});
    let (status, answer) = world.api("POST", "/Groups/External", Some(body));
    assert_eq!(status, 201, "{answer}");
}

fn groups(world: &World) -> Vec<String> {
    let (status, groups) = world.api("GET", "/Groups?count=500&sortBy=displayName", None);
    assert_eq!(status, 200, "{groups}");
    rows(&groups["resources"]).iter().map(|group| text(&group["displayName"])).collect()
}

fn risks(plan: &Value, place: usize) -> Vec<String> {
    rows(&plan["changes"][place]["risks"]).iter().map(text).collect()
}

on_each_uaa! {
    // Trap 14: UAA before 76.15 forgets rows of another origin than the user's, and 4.10.0 those that a login brought too.
    fn a_user_goes_and_leaves_no_membership_behind(world) {
        let (dana, cody) = (world.has_user("dana", "uaa"), world.has_user("cody", "ldap"));
        let ann = world.has_user("ann", "uaa");
        world.has_group("team.one", &[&dana, &cody, &ann]);
        let two = world.has_group("team.two", &[&cody]);
        world.has_member(&two, &dana, "USER", "ldap");
        let derived = world.has_group("team.ldap", &[]);
        world.has_member(&derived, &cody, "USER", "ldap");
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\nusers:\n  - {username: dana, state: absent}\n  - {username: cody, origin: ldap, state: absent}\n  - {username: gone, state: absent}\n  - {username: ann}\n");
        let plan = world.plan();
        assert_eq!(
            changes(&plan),
            [
                "remove_member team.ldap/ldap/cody",
                "remove_member team.one/ldap/cody",
                "remove_member team.one/uaa/dana",
                "remove_member team.two/ldap/cody",
                "remove_member team.two/uaa/dana",
                "delete_user ldap/cody",
                "delete_user uaa/dana",
            ]
        );
        assert_eq!(risks(&plan, 5), ["ends_sessions", "readmitted", "takes_along"]);
        let ran = world.apply(3);
        assert!(ran.stdout.contains("--allow 'removals:user=2'"), "{}", ran.stdout);
        let keys = ["removals:user=2", "removals:team.one"];
        let allow = keys.iter().flat_map(|key| ["--allow", key]);
        let args: Vec<&str> = ["apply", "-f", "pks.yml", "--yes"].into_iter().chain(allow).collect();
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        world.expect_no_changes();
        assert_eq!(world.members("team.one"), names(&["uaa/ann"]));
        assert_eq!(world.members("team.two"), names(&[]));
        assert_eq!(world.members("team.ldap"), names(&[]));
        assert_eq!((world.user("dana"), world.user("cody")), (None, None));
    }

    fn a_group_goes_with_its_members_its_mappings_and_its_place_in_other_groups(world) {
        let ann = world.has_user("ann", "uaa");
        let old = world.has_group("team.old", &[&ann]);
        let outer = world.has_group("team.outer", &[&ann]);
        world.has_member(&outer, &old, "GROUP", "uaa");
        has_mapping(world, "team.old", "cn=x,dc=y");
        has_mapping(world, "team.old", "cn=a/b,dc=y");
        world.file("pks.yml", "version: 1\ngroups:\n  - {name: Team.Old, state: absent}\n  - {name: team.outer, members: [ann]}\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), ["unmap_external_group Team.Old/ldap/cn=x,dc=y", "delete_group Team.Old"]);
        assert_eq!(risks(&plan, 1), ["ends_sessions", "takes_along"]);
        let note = text(&plan["changes"][1]["notes"][1]);
        assert!(note.contains("`uaa/ann`") && note.contains("`team.outer`") && note.contains("`ldap/cn=a/b,dc=y`"), "{note}");
        world.converge();
        assert!(!groups(world).contains(&"team.old".to_owned()));
        assert!(!world.mappings().iter().any(|mapping| mapping.starts_with("team.old")));
        assert_eq!(world.members("team.outer"), names(&["uaa/ann"]));
    }

    fn one_mapping_goes_and_the_others_stay(world) {
        world.has_group("team.map", &[]);
        has_mapping(world, "team.map", "cn=old,dc=y");
        has_mapping(world, "team.map", "cn=other,dc=y");
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: team.map\n    additive: true\n    external_groups: [{origin: ldap, group: 'CN=old,DC=y', state: absent}]\n");
        world.converge();
        assert_eq!(world.mappings().into_iter().filter(|mapping| mapping.starts_with("team.map")).collect::<Vec<_>>(), ["team.map <- ldap:cn=other,dc=y"]);
    }

    fn users_that_no_manifest_names_are_pruned_with_leave_and_privileged_ones_never(world) {
        for name in ["ann", "bob", "carl", "svc-x", "dora", "emil", "fay"] {
            world.has_user(name, "uaa");
        }
        let old = world.has_user("old", "uaa");
        world.has_user("old", "ldap");
        let root = world.has_user("root", "uaa");
        let admins = world.has_group("team.admins", &[&root]);
        let (_, found) = world.api("GET", "/Groups?filter=displayName+eq+%22scim.write%22", None);
        world.has_member(&text(&found["resources"][0]["id"]), &admins, "GROUP", "uaa");
        world.has_group("team.any", &[&old]);
        let file = |action: &str| {
            let users: String = ["ann", "bob", "carl", "dora", "emil", "fay"].iter().map(|name| format!("  - username: {name}\n")).collect();
            world.file("pks.yml", &format!("version: 1\nusers:\n{users}prune:\n  users: {{origins: [uaa], except: [svc-*], action: {action}}}\n"));
        };
        file("deactivate");
        let plan = world.plan();
        assert_eq!(changes(&plan), ["update_user uaa/old"]);
        assert_eq!((findings(&plan), kept(&plan, "privileged")), (vec!["prune:users".to_owned()], names(&["uaa/root"])));
        world.apply(3);
        let args = ["apply", "-f", "pks.yml", "--yes", "--allow", "prune:users"];
        assert_eq!(world.run(&args).code, 0);
        world.expect_no_changes();
        let user = world.users().remove(&old);
        assert_eq!(user.map(|user| user["active"].clone()), Some(json!(false)));
        file("delete");
        assert_eq!(changes(&world.plan()), ["remove_member team.any/uaa/old", "delete_user uaa/old"]);
        let keys = ["prune:users", "removals:team.any"].iter().flat_map(|key| ["--allow", key]);
        let args: Vec<&str> = ["apply", "-f", "pks.yml", "--yes"].into_iter().chain(keys).collect();
        let ran = world.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        world.expect_no_changes();
        let left = world.users().into_values().map(|user| text(&user["userName"]) + "/" + &text(&user["origin"]));
        let left: std::collections::BTreeSet<String> = left.collect();
        assert!(left.contains("old/ldap") && left.contains("svc-x/uaa") && left.contains("root/uaa") && !left.contains("old/uaa"), "{left:?}");
    }

    fn groups_are_pruned_by_pattern_and_those_of_the_server_never(world) {
        world.has_group("team.keep", &[]);
        world.has_group("team.drop", &[]);
        world.has_group("other", &[]);
        world.file("pks.yml", "version: 1\ngroups:\n  - {name: team.keep}\nprune: {groups: ['TEAM.*', '*.admin', 'openid', 'scim.*']}\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), ["delete_group team.drop"]);
        assert!(kept(&plan, "built_in").contains("scim.write"), "{plan}");
        let before = groups(world);
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "--allow", "prune:groups"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        world.expect_no_changes();
        let without: Vec<String> = before.into_iter().filter(|group| group != "team.drop").collect();
        assert_eq!(groups(world), without);
    }

    fn groups_that_uaa_brings_along_are_refused_by_name(world) {
        world.file("pks.yml", "version: 1\ngroups:\n  - {name: scim.write, state: absent}\n  - {name: openid, state: absent}\n");
        let ran = world.apply(3);
        assert!(ran.stdout.contains("built-ins:") && ran.stdout.contains("nothing can allow this"), "{}", ran.stdout);
    }

    fn a_user_is_renamed_and_keeps_its_id_and_its_memberships(world) {
        let groups = world.has_pks_groups();
        let erin = world.has_user("erin.old", "uaa");
        world.has_member(&groups["pks.clusters.admin"], &erin, "USER", "uaa");
        world.has_group("team.kept", &[&erin]);
        world.file("pks.yml", "version: 1\nusers:\n  - {username: erin, previously: Erin.Old, cluster_access: manage, phone: '1'}\n");
        let plan = world.plan();
        assert_eq!(
            changes(&plan),
            [
                "update_user uaa/erin.old",
                "add_member pks.clusters.manage/uaa/erin.old",
                "update_user uaa/erin.old",
                "remove_member pks.clusters.admin/uaa/erin.old",
            ]
        );
        world.apply(0);
        let users = world.users();
        assert_eq!(users[&erin]["userName"], "erin");
        assert_eq!(users[&erin]["phoneNumbers"][0]["value"], "1");
        assert_eq!(users.len(), 1);
        assert_eq!(world.members("pks.clusters.manage"), names(&["uaa/erin"]));
        assert_eq!(world.members("pks.clusters.admin"), names(&[]));
        assert_eq!(world.members("team.kept"), names(&["uaa/erin"]));
        world.expect_no_changes();
        assert_eq!(kept(&world.plan(), "renamed"), names(&["uaa/erin"]));
        // Both names taken: no account is touched.
        world.has_user("erin.old", "uaa");
        let ran = world.run(&["plan", "-f", "pks.yml"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("the server has both"), "{}", ran.stderr);
    }

    fn a_user_who_has_neither_name_is_created(world) {
        world.file("pks.yml", "version: 1\nusers:\n  - {username: erin@example.com, previously: erin.old, password: ((password))}\n");
        assert_eq!(changes(&world.plan()), ["create_user uaa/erin@example.com"]);
        world.converge();
    }

    fn clients_go_by_name_and_by_pattern_and_those_of_the_server_stay(world) {
        for id in ["ci-old", "ci-older", "ci-keep", "web"] {
            let body = json!({"client_id": id, "client_secret": "s", "authorized_grant_types": ["client_credentials"], "authorities": ["uaa.none"]});
            let (status, answer) = world.api("POST", "/oauth/clients", Some(body));
            assert_eq!(status, 201, "{answer}");
        }
        let clients = || -> Vec<String> {
            let (status, found) = world.api("GET", "/oauth/clients?count=500", None);
            assert_eq!(status, 200, "{found}");
            let mut ids: Vec<String> = rows(&found["resources"]).iter().map(|client| text(&client["client_id"])).collect();
            ids.sort();
            ids
        };
        world.file("pks.yml", "version: 1\nclients:\n  - {client_id: ci-old, state: absent}\n  - {client_id: gone, state: absent}\n  - {client_id: ci-keep}\n");
        assert_eq!(changes(&world.plan()), ["delete_client ci-old"]);
        world.converge();
        world.file("pks.yml", "version: 1\nclients:\n  - {client_id: ci-keep}\nprune: {clients: ['ci-*']}\n");
        let plan = world.plan();
        assert_eq!((changes(&plan), findings(&plan)), (vec!["delete_client ci-older".to_owned()], vec!["prune:clients".to_owned()]));
        world.apply(3);
        let before = clients();
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "--allow", "prune:clients"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        world.expect_no_changes();
        assert_eq!(clients(), before.into_iter().filter(|id| id != "ci-older").collect::<Vec<_>>());
    }
}
