//! `uaapply export` and `import` on the real UAA: what is exported comes back as it was, and its plan is empty.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{CANARY, Ran, World, rows, text};

/// Runs the binary with a value for each variable of a manifest.
fn run_with(world: &World, args: &[&str], manifest: &str, zone: bool) -> Ran {
    let mut command = world.command(args);
    for part in manifest.split("((").skip(1) {
        let name = part.split("))").next().unwrap_or_default();
        command.env(format!("T_{name}"), CANARY);
    }
    if !zone {
        command.env_remove("UAA_ZONE");
    }
    Ran::from(command.output().expect("the binary starts"))
}

/// Exports into pks.yml and returns its text.
fn export(world: &World, args: &[&str], zone: bool) -> String {
    let args: Vec<&str> = ["export", "-O", "pks.yml", "--force"].iter().chain(args).copied().collect();
    let ran = run_with(world, &args, "", zone);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let text = std::fs::read_to_string(world.path("pks.yml")).expect("it is written");
    assert!(!text.contains(world.foundation.admin_secret()), "a secret is in the export:\n{text}");
    text
}

/// A plan of pks.yml finds nothing to do.
fn expect_empty_plan(world: &World, manifest: &str, zone: bool) {
    let ran = run_with(world, &["plan", "-f", "pks.yml", "--detailed-exitcode"], manifest, zone);
    assert_eq!(
        ran.code, 0,
        "the plan of an export is not empty:\n{}\n{}\n{manifest}",
        ran.stdout, ran.stderr
    );
}

fn post(world: &World, path: &str, body: Value) -> Value {
    let (status, answer) = world.api("POST", path, Some(body));
    assert_eq!(status, 201, "POST {path}: {answer}");
    answer
}

/// Everything that a manifest can say about a zone, in UAA's words and without ids.
fn state(world: &World) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    for (_, user) in world.users() {
        let fields = ["userName", "origin", "externalId", "active", "verified"].map(|key| user[key].clone());
        let name = [&user["name"]["givenName"], &user["name"]["familyName"]];
        let rest = json!([fields, name, user["emails"][0]["value"], user["phoneNumbers"][0]["value"]]);
        state.insert(format!("user {} {}", text(&user["origin"]), text(&user["userName"])), rest);
    }
    let (_, groups) = world.api("GET", "/Groups?count=500", None);
    for group in rows(&groups["resources"]) {
        let name = text(&group["displayName"]);
        let members = world.members(&name);
        state.insert(format!("group {name}"), json!([text(&group["description"]), members]));
    }
    state.insert("mappings".to_owned(), json!(world.mappings()));
    let (_, clients) = world.api("GET", "/oauth/clients?count=500", None);
    for client in rows(&clients["resources"]) {
        let id = text(&client["client_id"]);
        let (status, mut client) = world.api("GET", &format!("/oauth/clients/{id}"), None);
        assert_eq!(status, 200, "{client}");
        let fields = client.as_object_mut().expect("an object");
        fields.remove("lastModified");
        // UAA keeps sets in any order.
        for items in fields.values_mut().filter_map(Value::as_array_mut) {
            items.sort_by_key(|item| item.to_string());
        }
        let (_, meta) = world.api("GET", &format!("/oauth/clients/{id}/meta"), None);
        state.insert(
            format!("client {id}"),
            json!([client, meta["appLaunchUrl"], meta["showOnHomePage"], meta["appIcon"]]),
        );
    }
    state
}

/// Deletes all users, mappings, clients, and the groups that UAA did not bring.
fn wipe(world: &World) {
    let delete = |path: String| {
        let (status, answer) = world.api("DELETE", &path, None);
        assert_eq!(status, 200, "DELETE {path}: {answer}");
    };
    let (_, groups) = world.api("GET", "/Groups?count=500", None);
    for group in rows(&groups["resources"]) {
        if text(&group["displayName"]).starts_with("team.") {
            delete(format!("/Groups/{}", text(&group["id"])));
        }
    }
    for id in world.users().keys() {
        delete(format!("/Users/{id}"));
    }
    let (_, clients) = world.api("GET", "/oauth/clients?count=500", None);
    for client in rows(&clients["resources"]) {
        delete(format!("/oauth/clients/{}", text(&client["client_id"])));
    }
}

fn has_person(world: &World, fields: Value) -> String {
    let mut body = json!({"password": "initial-1", "name": {}});
    for (key, value) in fields.as_object().expect("an object") {
        body[key] = value.clone();
    }
    text(&post(world, "/Users", body)["id"])
}

on_each_uaa! {
    fn the_plan_of_an_export_of_uaas_own_sample_data_is_empty(world) {
        let manifest = export(world, &["--users", "*", "--groups", "*", "--clients", "app", "dashboard", "cf", "login", "identity", "oauth_showcase*", "notifications"], false);
        for part in ["- username: marissa\n", "password: ((marissa_password))\n", "Left out: default groups", "- client_id: app\n", "  zone: uaa\n"] {
            assert!(manifest.contains(part), "{part} is not in\n{manifest}");
        }
        expect_empty_plan(world, &manifest, false);
        let manifest = export(world, &["--users", "*", "--groups", "*", "--clients", "admin", "cf", "pks_cli", "login", "--built-ins"], false);
        assert!(manifest.contains("- name: uaa.admin\n"), "{manifest}");
        expect_empty_plan(world, &manifest, false);
    }

    fn a_zone_is_exported_wiped_and_applied_and_all_is_back(world) {
        let ann = has_person(world, json!({"userName": "ann", "emails": [{"value": "ann@example.com"}], "externalId": "é 7",
            "name": {"givenName": "Ann \"A\"", "familyName": "O'Hara: #1"}, "phoneNumbers": [{"value": "+1 555"}], "active": false, "verified": false}));
        let bob = has_person(world, json!({"userName": "Bøb+1@example.com", "emails": [{"value": "Bøb+1@example.com"}]}));
        let gina = has_person(world, json!({"userName": "EX\\gina lee", "origin": "ldap", "emails": [{"value": "g@example.com"}]}));
        let group = |name: &str, description: &str| text(&post(world, "/Groups", json!({"displayName": name, "description": description}))["id"]);
        let outer = group("team.outer", "All \"of\" it,\nin two lines: #1");
        let inner = group("team.inner", "");
        world.has_member(&outer, &ann, "USER", "uaa");
        world.has_member(&outer, &inner, "GROUP", "uaa");
        world.has_member(&inner, &bob, "USER", "uaa");
        world.has_member(&inner, &gina, "USER", "uaa");
        post(world, "/Groups/External", json!({"displayName": "team.outer", "externalGroup": "cn=a b,ou=c\"d,dc=x", "origin": "ldap"}));
        post(world, "/oauth/clients", json!({"client_id": "web app", "client_secret": CANARY, "name": "The \"web\" app: #1",
            "authorized_grant_types": ["authorization_code"], "scope": ["openid", "team.outer"], "authorities": ["uaa.resource"],
            "redirect_uri": ["https://web.example.com/cb", "http://localhost:8080/**"], "autoapprove": ["openid"], "access_token_validity": 600,
            "refresh_token_validity": 7200, "allowedproviders": ["uaa", "ldap"], "required_user_groups": ["team.outer"], "team": {"name": "ops", "levels": [1, "x"]}, "word": "((x"}));
        post(world, "/oauth/clients", json!({"client_id": "ci", "client_secret": CANARY, "authorized_grant_types": ["client_credentials"], "authorities": ["team.inner"]}));
        post(world, "/oauth/clients", json!({"client_id": "js", "authorized_grant_types": ["implicit"], "scope": ["openid"], "autoapprove": true, "redirect_uri": ["https://js.example.com"]}));
        let meta = json!({"clientId": "web app", "showOnHomePage": false, "appLaunchUrl": "https://web.example.com", "appIcon": "aWNvbg=="});
        let (status, answer) = world.api("PUT", "/oauth/clients/web%20app/meta", Some(meta));
        assert_eq!(status, 200, "{answer}");
        let before = state(world);
        let manifest = export(world, &[], true);
        expect_empty_plan(world, &manifest, true);

        wipe(world);
        assert_ne!(state(world), before, "the wipe took nothing");
        let ran = run_with(world, &["apply", "-f", "pks.yml", "--yes"], &manifest, true);
        assert_eq!(ran.code, 0, "{}\n{}\n{manifest}", ran.stdout, ran.stderr);
        assert_eq!(state(world), before);
        assert_eq!(export(world, &[], true), manifest);
    }

    // What a manifest cannot say stays as it is, and is a comment.
    fn rows_and_names_that_a_manifest_cannot_say_are_left_alone(world) {
        let (ann, gina) = (world.has_user("ann", "uaa"), world.has_user("gina", "ldap"));
        let odd = has_person(world, json!({"userName": " odd ((x)) ", "origin": "ldap", "emails": [{"value": "o@example.com"}]}));
        let lost = has_person(world, json!({"userName": "lost", "origin": "an idp that is gone", "emails": [{"value": "l@example.com"}]}));
        let team = world.has_group("team.odd", &[&ann, &odd, &lost]);
        world.has_member(&team, &gina, "USER", "ldap");
        let two = world.has_group("team.a,team.b", &[&ann]);
        world.has_member(&team, &two, "GROUP", "uaa");
        let before = state(world);
        let manifest = export(world, &[], true);
        for part in ["team.a,team.b", "odd ((x))", "members by a login", "additive: true", "- an idp that is gone\n"] {
            assert!(manifest.contains(part), "{part} is not in\n{manifest}");
        }
        expect_empty_plan(world, &manifest, true);
        let ran = run_with(world, &["apply", "-f", "pks.yml", "--yes"], &manifest, true);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(state(world), before);
    }

    fn patterns_choose_what_is_exported(world) {
        let ann = world.has_user("ann", "uaa");
        world.has_user("bob", "uaa");
        world.has_group("team.x", &[&ann]);
        world.has_group("other.y", &[&ann]);
        let users = export(world, &["--users", "a*"], true);
        assert!(users.contains("username: ann\n") && !users.contains("bob"), "{users}");
        assert!(users.contains("    groups:\n      - other.y\n      - team.x\n"), "{users}");
        expect_empty_plan(world, &users, true);
        let groups = export(world, &["--groups", "team.*"], true);
        assert!(groups.contains("- name: team.x\n    members:\n      - ann\n") && !groups.contains("users:") && !groups.contains("other.y"), "{groups}");
        expect_empty_plan(world, &groups, true);
    }

    fn an_import_of_the_script_that_set_a_foundation_up_changes_nothing(world) {
        let ann = has_person(world, json!({"userName": "ann", "emails": [{"value": "ann@example.com"}], "name": {"givenName": "Ann", "familyName": "Lee"}}));
        world.has_group("team.x", &[&ann]);
        post(world, "/Groups/External", json!({"displayName": "team.x", "externalGroup": "cn=platform,dc=x", "origin": "ldap"}));
        world.file("access.sh", "uaac user add ann --emails ann@example.com --given_name Ann --family_name Lee -p canary-secret\nuaac group add team.x\nuaac member add team.x ann\nuaac group map --name team.x cn=platform,dc=x\n");
        let ran = world.run(&["import", "access.sh"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!format!("{ran:?}").contains("canary-secret"), "{ran:?}");
        world.file("pks.yml", &ran.stdout);
        expect_empty_plan(world, &ran.stdout, true);
        // Where nothing is there yet, it gives the same state.
        let before = state(world);
        wipe(world);
        let ran = run_with(world, &["apply", "-f", "pks.yml", "--yes"], &ran.stdout, true);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(state(world), before);
    }
}
