//! Saved plans at the real UAA.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, names, rows, text};

const MANIFEST: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((password)), cluster_access: manage}
  - {username: bob, given_name: Bob, email: new@example.com}
  - {username: old, state: absent}
groups:
  - {name: team, description: The team, members: [alana, bob], external_groups: []}
clients:
  - {client_id: saved-ci, client_secret: ((password)), authorized_grant_types: [client_credentials], authorities: [clients.read]}
  - {client_id: saved-two, authorities: [b.read], name: Two}
";

fn prepared(world: &World) -> String {
    world.has_pks_groups();
    let (bob, old, eve) =
        (world.has_user("bob", "uaa"), world.has_user("old", "uaa"), world.has_user("eve", "uaa"));
    let team = world.has_group("team", &[&old, &eve]);
    let two = json!({"client_id": "saved-two", "client_secret": "x-initial-1", "authorized_grant_types": ["client_credentials"], "authorities": ["a.read"]});
    let (status, answer) = world.api("POST", "/oauth/clients", Some(two));
    assert_eq!(status, 201, "{answer}");
    world.file("pks.yml", MANIFEST);
    let ran = world.run(&["plan", "-f", "pks.yml", "--out", "pks.plan"]);
    assert!(matches!(ran.code, 0 | 3), "{ran:?}");
    assert!(!bob.is_empty());
    team
}

const APPLY: [&str; 7] =
    ["apply", "pks.plan", "--yes", "--allow", "removals:team", "--allow", "empties:team"];

fn outcomes(report: &Value) -> Vec<String> {
    rows(&report["changes"]).iter().map(|change| text(&change["outcome"])).collect()
}

on_each_uaa! {
    fn a_saved_plan_is_carried_out_and_a_second_time_all_is_so(world) {
        prepared(world);
        let ran = world.run(&APPLY);
        assert_eq!(ran.code, 0, "{ran:?}");
        world.expect_no_changes();
        assert_eq!(world.members("team"), names(&["uaa/alana", "uaa/bob"]));
        let again = world.run(&[&APPLY[..], &["--format", "json"]].concat());
        assert_eq!(again.code, 0, "{again:?}");
        let report: Value = serde_json::from_str(&again.stdout).expect("a report");
        assert!(outcomes(&report).iter().all(|outcome| outcome == "already_so"), "{report}");
    }

    fn a_plan_that_went_half_the_way_is_finished(world) {
        prepared(world);
        // What a killed run has made: only what creates and updates.
        let half = MANIFEST.replace("cluster_access: manage", "cluster_access: none").replace("authorities: [b.read]", "authorities: [a.read, b.read]");
        let half = half.replace("  - {username: old, state: absent}\n", "");
        let half = half.replace("name: team,", "name: team, additive: true,").replace(", external_groups: []", "");
        world.file("half.yml", &half);
        let ran = world.run(&["apply", "-f", "half.yml", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = world.run(&[&APPLY[..], &["--format", "json"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
        let told = outcomes(&report);
        assert!(told.contains(&"already_so".to_owned()) && told.contains(&"done".to_owned()), "{told:?}");
        world.expect_no_changes();
    }

    fn a_change_behind_its_back_refuses_it_and_one_elsewhere_does_not(world) {
        let team = prepared(world);
        let frank = world.has_user("frank", "uaa");
        let other = world.has_group("other", &[&frank]);
        world.has_member(&team, &frank, "USER", "uaa");
        let ran = world.run(&APPLY);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.stderr.contains("team/uaa/frank"), "{ran:?}");
        assert!(world.user("alana").is_none());
        let (status, _) = world.api("DELETE", &format!("/Groups/{team}/members/{frank}"), None);
        assert_eq!(status, 200);
        let (status, _) = world.api("DELETE", &format!("/Groups/{other}/members/{frank}"), None);
        assert_eq!(status, 200);
        let ran = world.run(&APPLY);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(world.members("team"), names(&["uaa/alana", "uaa/bob"]));
    }

    fn a_plan_of_a_snapshot_has_the_same_bytes(world) {
        prepared(world);
        let shown = MANIFEST.replace("name: Two}", "name: Two, show_on_home_page: false}");
        world.file("pks.yml", &shown);
        let plan = ["plan", "-f", "pks.yml", "--format", "json"];
        let online = world.run(&plan).stdout;
        assert_eq!(world.run(&["snapshot", "-O", "whole.json"]).code, 0);
        assert_eq!(world.run(&["snapshot", "-f", "pks.yml", "-O", "part.json"]).code, 0);
        for file in ["whole.json", "part.json"] {
            let mut offline = world.command(&[&plan[..], &["--snapshot", file]].concat());
            let offline = offline.env_remove("UAA_TARGET").env_remove("UAA_CLIENT_SECRET").output().expect("it starts");
            assert_eq!(String::from_utf8_lossy(&offline.stdout), online, "{file}: {offline:?}");
        }
    }
}
