//! Databases disagree about which names are equal: PostgreSQL and HSQLDB tell `josé` from `jose` and `App` from `app`,
//! MySQL's collations do not. Ours are the rules of the contract (design, identity): what a database takes for the
//! same is never changed in its place, and what it refuses is an error and not "no change".
//!
//! Each story asks the database first what it tells apart, so that it is true on whichever one runs.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{World, changes, findings, names, rows, text};

/// Whether this database holds both of two users.
fn tells_users_apart(world: &World, one: &str, other: &str) -> bool {
    world.has_user(one, "uaa");
    let user = json!({"userName": other, "password": "initial-1", "emails": [{"value": "o@example.com"}]});
    match world.api("POST", "/Users", Some(user)) {
        (201, _) => true,
        (409, _) => false,
        (status, answer) => panic!("{status} {answer}"),
    }
}

/// Whether this database holds both of two clients.
fn tells_clients_apart(world: &World, one: &str, other: &str) -> bool {
    let post = |id: &str| {
        let client = json!({"client_id": id, "client_secret": "first-1", "authorized_grant_types": ["client_credentials"],
                            "authorities": ["uaa.none"]});
        world.api("POST", "/oauth/clients", Some(client))
    };
    assert_eq!(post(one).0, 201);
    match post(other) {
        (201, _) => true,
        (409, _) => false,
        (status, answer) => panic!("{status} {answer}"),
    }
}

/// A client as UAA lists it.
fn listed(world: &World, id: &str) -> Option<Value> {
    let (status, list) = world.api("GET", "/oauth/clients?count=500", None);
    assert_eq!(status, 200, "{list}");
    rows(&list["resources"]).into_iter().find(|client| client["client_id"] == id)
}

/// The plan of pks.yml, which must be the same whichever way users are read.
fn planned(world: &World) -> Vec<String> {
    let [list, lookup] = ["list", "lookup"].map(|read| {
        let ran = world.run(&["plan", "-f", "pks.yml", "--format", "json", "--read", read]);
        assert_eq!(ran.code, 0, "{ran:?}");
        changes(&serde_json::from_str(&ran.stdout).expect("JSON"))
    });
    assert_eq!(list, lookup);
    list
}

on_each_uaa! {
    fn a_user_whom_only_the_database_takes_for_another_is_not_that_one(world) {
        let apart = tells_users_apart(world, "pia", "pía");
        world.has_group("team.accent", &[]);
        let before = world.users().len();
        let jose = world.has_user("jose", "uaa");
        let old = world.user("jose");
        world.file("pks.yml", "version: 1\nusers:\n  - {username: josé, email: new@example.com, password: ((password)), groups: [team.accent]}\ngroups:\n  - name: team.accent\n");
        assert_eq!(planned(world), ["create_user uaa/josé", "add_member team.accent/uaa/josé"]);
        if apart {
            world.converge();
            assert_eq!(world.members("team.accent"), names(&["uaa/josé"]));
        } else {
            // MySQL: the POST is refused; nobody else becomes a member or gets the password.
            let ran = world.apply(1);
            assert!(ran.stdout.contains("409"), "{ran:?}");
            assert_eq!(world.members("team.accent"), names(&[]));
            assert_eq!(world.users().len(), before + 1);
        }
        assert_eq!(world.user("jose"), old, "{jose}");

        // MySQL finds jose by this name.
        world.file("pks.yml", "version: 1\nusers:\n  - {username: jösé, state: absent}\n");
        assert_eq!(planned(world), [""; 0]);
        let ran = world.run(&["unlock", "jösé"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("there is no user"), "{ran:?}");
        assert_eq!(world.user("jose"), old);
    }

    fn a_client_that_only_the_database_takes_for_another_is_not_that_one(world) {
        let apart = tells_clients_apart(world, "probe", "Probe");
        let client = json!({"client_id": "app", "client_secret": "first-1", "authorized_grant_types": ["client_credentials"],
                            "authorities": ["uaa.none"], "name": "old"});
        assert_eq!(world.api("POST", "/oauth/clients", Some(client)).0, 201);
        let old = listed(world, "app");
        world.file("pks.yml", "version: 1\nclients:\n  - {client_id: App, name: new, authorized_grant_types: [client_credentials], authorities: [uaa.none], client_secret: ((password)), required_user_groups: []}\n");
        assert_eq!(planned(world), ["create_client App"]);
        if apart {
            world.converge();
        } else {
            let ran = world.apply(1);
            assert!(ran.stdout.contains("409"), "{ran:?}");
            assert_eq!(listed(world, "App"), None);
        }
        assert_eq!(listed(world, "app"), old);

        // MySQL finds app by this id, also for a deletion and for a second secret.
        world.file("pks.yml", "version: 1\nclients:\n  - {client_id: APP, state: absent}\n");
        assert_eq!(planned(world), [""; 0]);
        let ran = world.run(&["rotate", "APP", "--print"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("there is no client"), "{ran:?}");
        let (status, answer) = world.api("PUT", "/oauth/clients/app/secret", Some(json!({"clientId": "app", "secret": "second-2", "changeMode": "ADD"})));
        assert_eq!(status, 200, "it has a second secret already: {answer}");
    }

    fn a_mapping_that_only_the_database_takes_for_another_is_not_that_one(world) {
        let map = |group: &str, dn: &str| {
            let mapping = json!({"displayName": group, "externalGroup": dn, "origin": "ldap"});
            assert_eq!(world.api("POST", "/Groups/External", Some(mapping)).0, 201);
        };
        world.has_group("team.probe", &[]);
        // 201 in any case; MySQL keeps the first only.
        map("team.probe", "cn=pia,dc=x");
        map("team.probe", "cn=pía,dc=x");
        let apart = world.mappings().contains("team.probe <- ldap:cn=pía,dc=x");
        world.has_group("team.map", &[]);
        map("team.map", "cn=jose,dc=x");
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: team.map\n    additive: true\n    external_groups: [{origin: ldap, group: 'cn=jose,dc=x'}, {origin: ldap, group: 'cn=josé,dc=x'}]\n");
        if apart {
            world.converge();
            assert!(world.mappings().contains("team.map <- ldap:cn=josé,dc=x"), "{:?}", world.mappings());
        } else {
            let ran = world.apply(1);
            assert!(ran.stdout.contains("takes it for"), "{ran:?}");
        }
        assert!(world.mappings().contains("team.map <- ldap:cn=jose,dc=x"), "{:?}", world.mappings());
    }

    // Facts §5: UAA looks a mapping up with LIKE, where PostgreSQL and MySQL take the backslash for an escape.
    fn a_mapping_with_a_backslash_is_made_whatever_uaa_says_of_it(world) {
        world.has_group("team.back", &[]);
        world.file("pks.yml", "version: 1\ntarget: {origins: [ldap]}\ngroups:\n  - name: team.back\n    additive: true\n    external_groups: [{origin: ldap, group: 'cn=doe\\, john,dc=x'}]\n");
        let refused = world.plan();
        let [key] = &findings(&refused)[..] else { panic!("{refused}") };
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "--allow", key]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(world.mappings().contains(r"team.back <- ldap:cn=doe\, john,dc=x"), "{:?}", world.mappings());
        world.expect_no_changes();
    }

    // MySQL's `utf8` has three bytes for a character; UAA 4 cannot run on its `utf8mb4`.
    fn a_character_that_the_database_cannot_hold_is_refused_and_nothing_else(world) {
        let held = world.holds_emoji();
        world.file("pks.yml", "version: 1\ngroups:\n  - {name: team.smile, description: 'all 🙂', additive: true}\n  - {name: team.plain, description: all, additive: true}\n");
        if held {
            world.converge();
            assert_eq!(world.description("team.smile"), "all 🙂");
        } else {
            let ran = world.apply(5);
            assert!(ran.stdout.contains("Incorrect string value"), "{ran:?}");
            assert_eq!(changes(&world.plan()), ["create_group team.smile"]);
        }
        assert_eq!(world.description("team.plain"), "all");
    }

    // Facts §3.2: pages follow each other by the last id of each, in whatever order the database sorts.
    fn pages_by_id_leave_nobody_out(world) {
        let made: std::collections::BTreeSet<String> = (0..11).map(|n| world.has_user(&format!("p{n}"), "uaa")).collect();
        let (mut seen, mut last) = (Vec::new(), String::new());
        loop {
            let filter = if last.is_empty() { "id%20pr".to_owned() } else { format!("id%20gt%20%22{last}%22") };
            let (status, page) = world.api("GET", &format!("/Users?sortBy=id&count=3&filter={filter}"), None);
            assert_eq!(status, 200, "{page}");
            let ids: Vec<String> = rows(&page["resources"]).iter().map(|user| text(&user["id"])).collect();
            let Some(next) = ids.last() else { break };
            last = next.clone();
            seen.extend(ids);
            assert!(seen.len() <= made.len(), "a page came twice: {seen:?}");
        }
        assert_eq!(seen.iter().cloned().collect::<std::collections::BTreeSet<_>>(), made);
        assert_eq!(seen.len(), made.len());
    }
}
