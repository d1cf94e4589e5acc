//! A login that `uaac` or `uaa-cli` has: real tokens of clients and users, in files as those programs write them.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{Ran, World, text};

/// The token of an answer.
fn token(answer: (u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    text(&answer.1["access_token"])
}

/// A file of `uaac` with this one login.
fn uaac(world: &World, context: &str, token: &str) {
    let address = world.foundation.uaa_url().to_lowercase();
    world.file(".uaac.yml", &format!("---\n{address}:\n  current: true\n  contexts:\n    {context}:\n      current: true\n      client_id: x\n      access_token: {token}\n      token_type: bearer\n"));
}

/// Runs without a secret, at home in the story's folder; the zone is `--zone`'s.
fn run(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.env_remove("UAA_CLIENT_SECRET").env_remove("UAA_ZONE").env("HOME", world.path(""));
    let ran = Ran::from(command.output().expect("runs"));
    for file in [".uaac.yml", ".uaa/config.json"] {
        let saved = std::fs::read_to_string(world.path(file)).unwrap_or_default();
        let tokens = saved.split(['"', ' ', '\n']).filter(|word| word.len() > 200);
        for token in tokens {
            assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token), "the token is printed");
        }
    }
    ran
}

on_each_uaa! {
    fn the_admin_clients_login_of_uaac_or_uaa_cli_takes_the_place_of_a_secret(world) {
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.saved\n");
        let token = token(world.foundation.token("admin", world.foundation.admin_secret(), &[("grant_type", "client_credentials")]).expect("UAA answers"));
        uaac(world, "admin", &token);
        let ran = run(world, &["apply", "-f", "pks.yml", "--yes", "-z", &world.zone.id]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("using uaac's login admin in ") && ran.stderr.contains("of client admin"), "{ran:?}");
        assert!(world.members("team.saved").is_empty());

        std::fs::remove_file(world.path(".uaac.yml")).expect("it is there");
        std::fs::create_dir(world.path(".uaa")).expect("ours");
        let name = "client:admin user: grant_type:client_credentials";
        let config = json!({"Targets": {"x": {"BaseUrl": world.foundation.uaa_url(), "ActiveContextName": name,
            "Contexts": {name: {"client_id": "admin", "Token": {"access_token": token}}}}}});
        world.file(".uaa/config.json", &config.to_string());
        let ran = run(world, &["plan", "-f", "pks.yml", "--detailed-exitcode", "-z", &world.zone.id]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("using uaa-cli's login client:admin"), "{ran:?}");
    }

    fn a_users_login_writes_protects_the_user_and_ends_when_it_is_revoked(world) {
        // Users of the default zone, whose names no other story has.
        let lab = world.foundation;
        let name = format!("saved-{}", world.zone.id);
        let ok = |answer: (u16, Value), status: u16| {
            assert_eq!(answer.0, status, "{}", answer.1);
            answer.1
        };
        let call = |method: &str, path: &str, body: Option<Value>| lab.request(method, path, body).expect("UAA answers");
        let client = json!({"client_id": name, "client_secret": "cli-secret", "authorized_grant_types": ["password"],
                            "scope": ["scim.read", "scim.write", "zones.read"], "authorities": ["uaa.none"]});
        ok(call("POST", "/oauth/clients", Some(client)), 201);
        let user = json!({"userName": name, "password": "initial-1", "emails": [{"value": "s@example.com"}], "name": {"givenName": "G", "familyName": "F"}});
        let user = text(&ok(call("POST", "/Users", Some(user)), 201)["id"]);
        let groups = ok(call("GET", "/Groups?count=500", None), 200);
        for scope in ["scim.read", "scim.write"] {
            let group = groups["resources"].as_array().into_iter().flatten().find(|group| group["displayName"] == scope).expect("UAA has it");
            ok(call("POST", &format!("/Groups/{}/members", text(&group["id"])), Some(json!({"value": user, "type": "USER", "origin": "uaa"}))), 201);
        }
        let form = [("grant_type", "password"), ("username", &*name), ("password", "initial-1")];
        uaac(world, &name, &token(lab.token(&name, "cli-secret", &form).expect("UAA answers")));

        world.file("own.yml", &format!("version: 1\nusers:\n  - {{username: {name}, active: false}}\n"));
        let ran = run(world, &["apply", "-f", "own.yml", "--yes"]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stdout.contains("The user that this run is logged in as would be suspended"), "{ran:?}");
        assert!(ran.stderr.contains(&format!("of user uaa/{name} by client {name}")), "{ran:?}");

        world.file("group.yml", &format!("version: 1\ngroups:\n  - name: team.{name}\n"));
        let ran = run(world, &["apply", "-f", "group.yml", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");

        // Another client's login is not what was asked for.
        let ran = run(world, &["plan", "-f", "group.yml", "--client-id", "ci"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("it is another client's than --client-id"), "{ran:?}");

        let revoked = call("GET", &format!("/oauth/token/revoke/user/{user}"), None);
        assert_eq!(revoked.0, 200, "{}", revoked.1);
        let ran = run(world, &["plan", "-f", "group.yml"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains(&format!("UAA takes uaac's login {name} in ")) && ran.stderr.contains("no longer"), "{ran:?}");

        let groups = ok(call("GET", "/Groups?count=500", None), 200);
        for group in groups["resources"].as_array().into_iter().flatten().filter(|group| group["displayName"] == format!("team.{name}")) {
            ok(call("DELETE", &format!("/Groups/{}", text(&group["id"])), None), 200);
        }
        ok(call("DELETE", &format!("/Users/{user}"), None), 200);
        ok(call("DELETE", &format!("/oauth/clients/{name}"), None), 200);
    }
}
