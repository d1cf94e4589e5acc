//! Whose memberships are ours: exact and additive groups, origins of rows, nesting, rails.

use serde_json::json;
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, findings, kept, names, text};

on_each_uaa! {
    fn an_exact_group_has_exactly_the_members_the_manifest_gives_it(world) {
        let (ann, bob) = (world.has_user("ann", "uaa"), world.has_user("bob", "uaa"));
        let (carl, dora) = (world.has_user("carl", "uaa"), world.has_user("dora", "uaa"));
        world.has_group("team.blue", &[&ann, &bob, &carl, &dora]);
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.blue\n    members: [ann, bob, carl]\n");
        assert_eq!(changes(&world.plan()), ["remove_member team.blue/uaa/dora"]);
        world.converge();
        assert_eq!(world.members("team.blue"), names(&["uaa/ann", "uaa/bob", "uaa/carl"]));
    }

    fn an_additive_group_loses_only_whom_the_manifest_names(world) {
        let (ann, bob) = (world.has_user("ann", "uaa"), world.has_user("bob", "uaa"));
        world.has_user("new", "uaa");
        world.has_group("team.red", &[&ann, &bob]);
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.red\n    additive: true\n    members: [new]\n    absent_members: [ann]\n");
        world.converge();
        assert_eq!(world.members("team.red"), names(&["uaa/bob", "uaa/new"]));
    }

    fn a_membership_that_a_login_brought_is_shown_and_left_alone(world) {
        let gina = world.has_user("gina", "ldap");
        let hank = world.has_user("hank", "ldap");
        let group = world.has_group("team.ldap", &[]);
        world.has_member(&group, &gina, "USER", "ldap");
        world.has_member(&group, &hank, "USER", "ldap");
        world.file("pks.yml", "version: 1\ntarget: {origins: [uaa, ldap]}\ngroups:\n  - name: team.ldap\n    members: [{username: gina, origin: ldap}]\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), Vec::<String>::new());
        assert_eq!(kept(&plan, "derived_membership"), names(&["team.ldap/ldap/gina", "team.ldap/ldap/hank"]));
        world.apply(0);
        assert_eq!(world.members("team.ldap"), names(&["ldap/gina (ldap)", "ldap/hank (ldap)"]));
    }

    fn a_grant_to_a_user_of_ldap_survives_the_next_login_because_its_row_is_of_origin_uaa(world) {
        world.has_pks_groups();
        world.file("pks.yml", "version: 1\ntarget: {origins: [uaa, ldap]}\nusers:\n  - {username: gina, origin: ldap, email: gina@example.com, cluster_access: manage}\n");
        world.converge();
        assert_eq!(world.members("pks.clusters.manage"), names(&["ldap/gina"]));
    }

    fn default_groups_are_never_planned(world) {
        world.has_user("ann", "uaa");
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann, groups: [uaa.user]}\ngroups:\n  - {name: uaa.user, additive: true}\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), Vec::<String>::new());
        assert_eq!(kept(&plan, "default_group"), names(&["uaa.user/uaa/ann"]));
    }

    fn nesting_is_given_and_taken_by_name(world) {
        let ann = world.has_user("ann", "uaa");
        world.has_group("platform.admins", &[&ann]);
        world.has_group("team.outer", &[]);
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.outer\n    members: [{group: platform.admins}]\n");
        world.converge();
        assert_eq!(world.members("team.outer"), names(&["group:platform.admins"]));
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.outer\n    members: [ann]\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), ["add_member team.outer/uaa/ann", "remove_member team.outer/group:platform.admins"]);
        world.converge();
        assert_eq!(world.members("team.outer"), names(&["uaa/ann"]));
    }

    fn privilege_by_the_back_door_is_refused_until_it_is_allowed_by_name(world) {
        let ann = world.has_user("ann", "uaa");
        let inner = world.has_group("team.harmless", &[]);
        let (_, found) = world.api("GET", "/Groups?filter=displayName+eq+%22scim.write%22", None);
        let privileged = text(&found["resources"][0]["id"]);
        world.has_member(&privileged, &inner, "GROUP", "uaa");
        let _ = ann;
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.harmless\n    members: [ann]\n");
        let ran = world.apply(3);
        assert!(ran.stdout.contains("--allow") && ran.stdout.contains("escalates:scim.write/uaa/ann"), "{}", ran.stdout);
        assert_eq!(world.members("team.harmless"), names(&[]));
        assert_eq!(findings(&world.plan()), ["escalates:scim.write/uaa/ann"]);
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "--allow", "escalates:scim.write/uaa/ann"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(world.members("team.harmless"), names(&["uaa/ann"]));
    }

    fn mapping_an_ldap_group_to_a_privileged_scope_is_refused(world) {
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: uaa.admin\n    additive: true\n    external_groups: [{origin: ldap, group: 'cn=everyone,dc=example'}]\n");
        world.apply(3);
        assert_eq!(world.mappings().iter().filter(|mapping| mapping.contains("everyone")).count(), 0);
    }

    fn emptying_a_group_is_refused(world) {
        let (ann, bob) = (world.has_user("ann", "uaa"), world.has_user("bob", "uaa"));
        world.has_group("team.green", &[&ann, &bob]);
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.green\n    members: []\n");
        assert_eq!(findings(&world.plan()), ["empties:team.green"]);
        world.apply(3);
        assert_eq!(world.members("team.green"), names(&["uaa/ann", "uaa/bob"]));
    }

    fn a_row_that_outlived_its_user_is_shown_and_never_planned(world) {
        let ghost = world.has_user("ghost", "ldap");
        let ann = world.has_user("ann", "uaa");
        // UAA before 76.15 forgets rows of origin uaa when a user of another origin is deleted (facts §2.7).
        world.has_group("team.haunted", &[&ghost, &ann]);
        let (status, _) = world.api("DELETE", &format!("/Users/{ghost}"), None);
        assert_eq!(status, 200);
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.haunted\n    members: [ann]\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), Vec::<String>::new());
        assert_eq!(kept(&plan, "ghost").len(), 1, "{plan}");
    }

    fn suspending_a_user_of_another_origin_says_that_the_login_lets_it_in_again(world) {
        world.has_user("gina", "ldap");
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\nusers:\n  - {username: gina, origin: ldap, active: false}\n");
        let plan = world.plan();
        assert_eq!(changes(&plan), ["update_user ldap/gina"]);
        assert!(plan["changes"][0]["risks"].as_array().is_some_and(|risks| risks.contains(&json!("readmitted"))), "{plan}");
        world.converge();
        assert_eq!(world.user("gina").map(|user| user["active"].clone()), Some(json!(false)));
    }
}
