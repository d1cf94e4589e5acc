//! What an administrator does at once, without a manifest: rotate, unlock, password, whoami.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::clients::{token, works};
use crate::on_each_uaa;
use crate::world::{Ran, World, rows, text};

/// The binary, in the default zone: where clients and users log in at this address.
fn command(world: &World, args: &[&str]) -> Command {
    let mut command = world.command(args);
    command.env_remove("UAA_ZONE").env("UAAPPLY_AUDIT_LOG", "audit.jsonl");
    command
}

/// What the audit log says was written, and what came of it.
fn audited(world: &World) -> Vec<String> {
    let log = std::fs::read_to_string(world.path("audit.jsonl")).expect("it is kept");
    let words = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line");
        format!("{} {}", text(&line["action"]), text(&line["outcome"]))
    };
    log.lines().map(words).collect()
}

fn run(world: &World, args: &[&str]) -> Ran {
    let ran = Ran::from(command(world, args).output().expect("the binary starts"));
    let audit = std::fs::read_to_string(world.path("audit.jsonl")).unwrap_or_default();
    for secret in [world.foundation.admin_secret(), "canary"] {
        assert!(!ran.stderr.contains(secret) && !audit.contains(secret), "{ran:?}\n{audit}");
    }
    ran
}

#[track_caller]
fn ends(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.stderr.contains(words), "`{words}` is not in\n{}", ran.stderr);
}

/// A user of the default zone, with a name of its own.
fn has_user(world: &World, password: &str) -> (String, String) {
    let name = format!("user-{}", world.zone.id);
    let body = json!({"userName": name, "password": password, "emails": [{"value": "a@example.com"}]});
    let (status, user) = world.foundation.request("POST", "/Users", Some(body)).expect("UAA answers");
    assert_eq!(status, 201, "{user}");
    // With any role `pks_cli` gives a token.
    let filter = "/Groups?filter=displayName+eq+%22pks.clusters.manage%22";
    let (_, groups) = world.foundation.request("GET", filter, None).expect("UAA answers");
    let group = text(&rows(&groups["resources"])[0]["id"]);
    let member = json!({"value": user["id"], "type": "USER", "origin": "uaa"});
    let made = world.foundation.request("POST", &format!("/Groups/{group}/members"), Some(member));
    assert_eq!(made.expect("UAA answers").0, 201);
    (name, text(&user["id"]))
}

/// What UAA says to a log-in; empty when it lets the user in.
fn log_in(world: &World, user: &str, password: &str) -> String {
    let (status, answer) = world.foundation.password_login(user, password).expect("UAA answers");
    if status == 200 { String::new() } else { text(&answer["error_description"]) }
}

on_each_uaa! {
    fn a_rotation_keeps_tokens_until_the_old_secret_goes(world) {
        let (client, old) = world.foundation.has_client("rotate", &["uaa.none"]);
        let issued = token(world, &client, &old).expect("it works");
        let mut waiting = command(world, &["rotate", &client, "--out-file", "new", "--wait", "60"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let patience = Instant::now() + Duration::from_secs(30);
        let new = loop {
            let new = std::fs::read_to_string(world.path("new")).unwrap_or_default();
            if !new.is_empty() && token(world, &client, &new).is_some() {
                break new;
            }
            assert!(Instant::now() < patience, "no new secret");
            std::thread::sleep(Duration::from_millis(100));
        };
        // Killed while both work.
        waiting.kill().expect("it runs");
        waiting.wait().expect("it ended");
        assert!(works(world, &issued), "a token was revoked before its time");
        assert!(token(world, &client, &old).is_some());
        ends(&run(world, &["rotate", &client, "--out-file", "new"]), 1, "exists already");
        ends(&run(world, &["rotate", &client, "--out-file", "other"]), 1, "has two secrets already");
        assert!(!world.path("other").exists());
        let ran = run(world, &["rotate", &client, "--new-secret-file", "new"]);
        ends(&ran, 0, "has the new secret alone");
        assert!(ran.stdout.is_empty() && !ran.stderr.contains(&new), "{ran:?}");
        assert!(token(world, &client, &old).is_none() && token(world, &client, &new).is_some());
        assert!(!works(world, &issued));
        // Once more is nothing.
        ends(&run(world, &["rotate", &client, "--new-secret-file", "new"]), 0, "alone, as it had");
        assert!(token(world, &client, &new).is_some());
        let log = std::fs::read_to_string(world.path("audit.jsonl")).expect("it is kept");
        assert!(!log.contains(&new) && !log.contains(&old), "{log}");
        assert_eq!(
            audited(world),
            [
                "add_client_secret started",
                "add_client_secret done",
                "add_client_secret started",
                "add_client_secret failed",
                "drop_client_secret started",
                "drop_client_secret done",
                "drop_client_secret started",
                "drop_client_secret already_so",
            ]
        );
    }

    fn a_rotation_by_the_wrong_one_of_two_secrets_loses_none(world) {
        let (client, old) = world.foundation.has_client("rotate", &["uaa.none"]);
        world.file("old", &old).file("new", "another-secret-1");
        let add = json!({"clientId": client, "secret": "another-secret-1", "changeMode": "ADD"});
        let added = world.foundation.request("PUT", &format!("/oauth/clients/{client}/secret"), Some(add));
        assert_eq!(added.expect("UAA answers").0, 200);
        ends(&run(world, &["rotate", &client, "--new-secret-file", "old"]), 5, "older of the two");
        let put_back = ["drop_client_secret started", "drop_client_secret done", "add_client_secret started", "add_client_secret done"];
        assert_eq!(audited(world), put_back);
        assert!(token(world, &client, &old).is_some() && token(world, &client, "another-secret-1").is_some());
    }

    fn a_rotation_begins_nothing_without_a_place_for_the_secret(world) {
        let (client, old) = world.foundation.has_client("rotate", &["uaa.none"]);
        ends(&run(world, &["rotate", &client]), 1, "--out-file");
        ends(&run(world, &["rotate", "admin", "--print"]), 1, "--self");
        let ran = run(world, &["rotate", "nobody-here", "--out-file", "new"]);
        ends(&ran, 1, "there is no client nobody-here");
        assert!(!world.path("new").exists());
        let (status, _) = world.foundation.request("PUT", "/oauth/clients/pks_cli/meta", Some(json!({"clientId": "pks_cli"}))).expect("UAA answers");
        assert_eq!(status, 200);
        ends(&run(world, &["rotate", "pks_cli", "--print"]), 1, "public client");
        assert!(token(world, &client, &old).is_some());
        let ran = run(world, &["rotate", &client, "--print", "--length", "16", "-q"]);
        ends(&ran, 0, "");
        assert!(token(world, &client, ran.stdout.trim_end()).is_some() && ran.stdout.len() == 17, "{}", ran.code);
    }

    /// `uaac secret change`.
    fn the_own_client_rotates_itself(world) {
        for authorities in [&["clients.secret"][..], &["clients.admin", "clients.secret"]] {
            let (client, old) = world.foundation.has_client("self", authorities);
            let file = format!("new-{client}");
            let mut command = command(world, &["rotate", "--self", "--client-id", &client, "--out-file", &file]);
            let ran = Ran::from(command.env("UAA_CLIENT_SECRET", &old).output().expect("it starts"));
            ends(&ran, 0, "has the new secret alone");
            let new = std::fs::read_to_string(world.path(&file)).expect("it is there");
            assert!(token(world, &client, &old).is_none() && token(world, &client, &new).is_some());
        }
    }

    fn a_self_rotation_with_the_older_of_two_locks_nobody_out(world) {
        for authorities in [&["clients.secret"][..], &["clients.admin", "clients.secret"]] {
            let (client, older) = world.foundation.has_client("older", authorities);
            world.file("older", &older);
            let newer = format!("newer-{client}");
            let add = json!({"clientId": client, "secret": newer, "changeMode": "ADD"});
            let (status, answer) = world.foundation.request("PUT", &format!("/oauth/clients/{client}/secret"), Some(add)).expect("UAA answers");
            assert_eq!(status, 200, "{answer}");
            let rotate = |login: &str, new: &str| {
                let mut command = command(world, &["rotate", "--self", "--client-id", &client, "--new-secret-file", new]);
                Ran::from(command.env("UAA_CLIENT_SECRET", login).output().expect("it starts"))
            };
            ends(&rotate(&older, "older"), 1, "is logged in with the new secret");
            assert!(token(world, &client, &older).is_some() && token(world, &client, &newer).is_some());
            ends(&rotate(&newer, "older"), 5, "it was dropped and added again");
            assert!(token(world, &client, &older).is_some() && token(world, &client, &newer).is_some());
            // Now it is the newer one, and a rotation that was interrupted goes on.
            ends(&rotate(&newer, "older"), 0, "has the new secret alone");
            assert!(token(world, &client, &older).is_some() && token(world, &client, &newer).is_none());
        }
    }

    fn a_client_of_another_zone_is_rotated_there(world) {
        let body = json!({"client_id": "zoned", "client_secret": "zoned-secret", "authorized_grant_types": ["client_credentials"]});
        assert_eq!(world.api("POST", "/oauth/clients", Some(body)).0, 201);
        let ran = world.run(&["rotate", "zoned", "--out-file", "new"]);
        ends(&ran, 0, "has the new secret alone");
        world.file("wrong", "not-this-one");
        ends(&world.run(&["rotate", "zoned", "--new-secret-file", "new"]), 0, "alone, as it had");
        // One of the name of ours there is not ours.
        let body = json!({"client_id": "admin", "client_secret": "zoned-secret", "authorized_grant_types": ["client_credentials"]});
        assert_eq!(world.api("POST", "/oauth/clients", Some(body)).0, 201);
        ends(&world.run(&["rotate", "admin", "--out-file", "of-admin"]), 0, "has the new secret alone");
    }

    /// `uaac user unlock`.
    fn a_user_whom_wrong_passwords_locked_out_is_let_in_again(world) {
        let (user, _) = has_user(world, "right-1");
        for _ in 0..6 {
            log_in(world, &user, "wrong");
        }
        assert!(log_in(world, &user, "right-1").contains("locked"));
        ends(&run(world, &["unlock", &user.to_uppercase()]), 0, "is not locked");
        assert_eq!(log_in(world, &user, "right-1"), "");
        ends(&run(world, &["unlock", "nobody"]), 1, "there is no user uaa/nobody");
        // In a zone of its own, by the header.
        world.has_user("ann", "uaa");
        ends(&world.run(&["unlock", "ann"]), 0, "is not locked");
        world.has_user("ann", "ldap");
        ends(&world.run(&["unlock", "ann", "--origin", "ldap"]), 1, "internal user store");
    }

    /// `uaac password set`.
    fn a_password_is_set_and_must_be_changed_when_that_is_asked(world) {
        let (user, _) = has_user(world, "first-1");
        world.file("password", "second-canary-2\n");
        let ran = run(world, &["password", &user, "--password-file", "password"]);
        ends(&ran, 0, "has the new password");
        assert!(!format!("{ran:?}").contains("canary"));
        assert_eq!((log_in(world, &user, "second-canary-2"), log_in(world, &user, "first-1").is_empty()), (String::new(), false));
        ends(&run(world, &["password", &user, "--password-file", "password"]), 0, "has this password already");
        ends(&run(world, &["password", &user, "--generate"]), 1, "--out-file");
        ends(&run(world, &["password", &user, "--generate", "--out-file", "new", "--must-change"]), 0, "another has to be chosen");
        let new = std::fs::read_to_string(world.path("new")).expect("it is there");
        assert!(log_in(world, &user, &new).contains("password change required"), "{}", log_in(world, &user, &new));
        ends(&run(world, &["password", &user]), 1, "nobody can be asked");
        ends(&run(world, &["password", "nobody", "--generate", "--out-file", "other"]), 1, "there is no user");
        assert!(!world.path("other").exists());
        ends(&world.run(&["password", "ann", "--password-file", "password"]), 1, "--zone");
        let (weak, secret) = world.foundation.has_client("weak", &["uaa.admin"]);
        let mut weak = command(world, &["password", &user, "--client-id", &weak, "--password-file", "password"]);
        let ran = Ran::from(weak.env("UAA_CLIENT_SECRET", &secret).output().expect("it starts"));
        ends(&ran, 1, "lacks the authority");
        assert!(ran.stderr.contains("password.write"), "{ran:?}");
    }

    /// `uaac me`, `uaac contexts`, `uaac token decode`.
    fn whoami_tells_the_client_and_what_it_lacks(world) {
        let (client, secret) = world.foundation.has_client("who", &["scim.read", "clients.read"]);
        let who = |args: &[&str]| {
            let args: Vec<&str> = ["whoami", "--client-id", &client].iter().chain(args).copied().collect();
            Ran::from(command(world, &args).env("UAA_CLIENT_SECRET", &secret).output().expect("it starts"))
        };
        let ran = who(&[]);
        ends(&ran, 0, "");
        for words in [&client, "scim.read", "in 11 h 59 min", &world.foundation.uaa_url()[8..]] {
            assert!(ran.stdout.contains(words), "`{words}` is not in\n{}", ran.stdout);
        }
        world.file("pks.yml", &format!("version: 1\ngroups: [{{name: team.{}}}]\n", world.zone.id));
        let ran = who(&["-f", "pks.yml", "--format", "json"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!((&told["client_id"], &told["zone"], &told["scopes"]), (&json!(client), &json!("uaa"), &json!(["clients.read", "scim.read"])));
        let lack = |what: &str| json!({"needed_for": what, "any_of": ["scim.write", "uaa.admin"]});
        assert_eq!(told["missing"], json!([lack("create, change and delete groups"), lack("add and remove members")]));
        assert_eq!(told["held"], json!([{"needed_for": "read users and groups", "any_of": ["scim.read", "uaa.admin"]}]));
        assert!(told["expires_in"].as_u64().is_some_and(|seconds| seconds > 3600), "{told}");
        // One that may do nothing is somebody too.
        let (client, secret) = world.foundation.has_client("nobody", &["uaa.none"]);
        let mut nobody = command(world, &["whoami", "--client-id", &client]);
        let ran = Ran::from(nobody.env("UAA_CLIENT_SECRET", &secret).output().expect("it starts"));
        ends(&ran, 0, "");
        assert!(ran.stdout.contains("uaa.none"), "{ran:?}");
        // What it may not read is in the report, beside who it is.
        let mut nobody = command(world, &["whoami", "--client-id", &client, "-f", "pks.yml"]);
        let ran = Ran::from(nobody.env("UAA_CLIENT_SECRET", &secret).output().expect("it starts"));
        assert_eq!(ran.code, 1, "{ran:?}");
        for words in ["client    nobody", "missing   scim.read or uaa.admin, to read users and groups", "to create, change and delete groups"] {
            assert!(ran.stdout.contains(words), "`{words}` is not in\n{}", ran.stdout);
        }
        ends(&run(world, &["whoami", "-f", "pks.yml"]), 0, "");
    }
}
