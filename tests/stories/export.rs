//! `uaapply export` through the binary; what a real UAA has is exported in tests/live.

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::{Ended, SECRET, Story};

/// A foundation with a bit of everything, a secret that a client shows among it.
fn story() -> Story {
    let clients = json!([
        {"client_id": "admin", "authorized_grant_types": ["client_credentials"], "authorities": ["uaa.admin"]},
        {"client_id": "ci", "authorized_grant_types": ["client_credentials"], "scope": ["uaa.none"], "authorities": ["pks.clusters.admin"],
         "resource_ids": ["none"], "autoapprove": [], "access_token_validity": 600, "token_salt": SECRET, "client_secret": SECRET, "team": {"name": "ops"}},
    ]);
    let uaa = FakeUaa::with(move |seen, _| {
        if seen.is("GET", "/oauth/clients/") {
            let id = seen.path.trim_start_matches("/oauth/clients/");
            let client =
                clients.as_array().into_iter().flatten().find(|client| client["client_id"] == *id)?;
            return Some(ResponseTemplate::new(200).set_body_json(client));
        }
        let page = json!({"resources": clients, "totalResults": 2, "startIndex": 1, "itemsPerPage": 2});
        seen.is("GET", "/oauth/clients").then(|| ResponseTemplate::new(200).set_body_json(page))
    });
    let (frank, old) = (uaa.user("frank"), uaa.user("old.user"));
    uaa.authorities("scim.read scim.write clients.read zones.read idps.read");
    uaa.group("team", &[frank.clone(), "id-of-nobody".to_owned()]);
    uaa.group("uaa.admin", std::slice::from_ref(&old));
    uaa.group("scim.read", &[]);
    uaa.group("openid", &[]);
    uaa.state().groups[0]["description"] = "All ((clusters)), \u{202e}of mine".into();
    uaa.state().mappings.push(
        json!({"groupId": "id-team", "displayName": "team", "externalGroup": "cn=a,dc=b", "origin": "ldap"}),
    );
    uaa.state().users[1]["active"] = false.into();
    Story::new().server(uaa)
}

/// A plan of what came out is empty.
fn is_as_the_server(story: Story, ended: &Ended) {
    let mut story = story.file("made.yml", &ended.stdout).env("UAAPPLY_VARS_ENV", "T");
    for part in ended.stdout.split("((").skip(1) {
        let name = part.split("))").next().unwrap_or_default();
        story = story.env(&format!("T_{name}"), "any-password");
    }
    story.run(&["plan", "-f", "made.yml", "--detailed-exitcode"]).exits(0);
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn all_that_the_server_has() {
    let story = story();
    let ended = story.run(&["export"]).exits(0);
    insta::assert_snapshot!(ended);
    is_as_the_server(story, &ended);
}

#[test]
fn with_what_uaa_brings_along() {
    let story = story();
    let ended = story.run(&["export", "--built-ins", "--quiet"]).exits(0);
    insta::assert_snapshot!(ended);
    is_as_the_server(story, &ended);
}

#[test]
fn what_patterns_mean() {
    let story = story();
    let ended = story.run(&["export", "--users", "FRANK", "uaa/old*", "--clients", "c*"]).exits(0);
    insta::assert_snapshot!(ended);
    is_as_the_server(story, &ended);
}

#[test]
fn users_whose_names_differ_only_in_case_are_said_and_their_group_revokes_nobody() {
    let uaa = FakeUaa::start();
    let (one, other) = (uaa.user("ann"), uaa.user("Ann"));
    uaa.group("team", &[one, other]);
    let story = Story::new().server(uaa);
    let ended = story.run(&["export", "--users", "*", "--groups", "*"]).exits(0);
    assert!(ended.stdout.contains("differ only in case: uaa/Ann"), "{ended}");
    is_as_the_server(story, &ended);
    let uaa = FakeUaa::start();
    let (one, other) = (uaa.user("ann"), uaa.user("Ann"));
    uaa.group("team", &[one, other]);
    let story = Story::new().server(uaa);
    let ended = story.run(&["export", "--groups", "team"]).exits(0);
    assert!(ended.stdout.contains("- name: team\n    additive: true\n"), "{ended}");
    is_as_the_server(story, &ended);
}

#[test]
fn a_file_is_not_written_over_and_uaa_is_not_asked_for_nothing() {
    let story = story().file("there.yml", "mine");
    let ended = story.run(&["export", "-O", "there.yml"]).exits(1);
    assert!(ended.stderr.contains("it exists\nhint: --force"), "{ended}");
    assert_eq!(story.uaa().logins(), 0);
    assert_eq!(std::fs::read_to_string(story.path("there.yml")).expect("it is there"), "mine");
    story.run(&["export", "-O", "there.yml", "--force"]).exits(0);
    assert!(std::fs::read_to_string(story.path("there.yml")).expect("it is there").contains("version: 1\n"));
}

#[test]
fn a_pattern_of_which_no_entry_comes_draws_a_warning() {
    let ended = story().run(&["export", "--users", "frnak", "frank", "--clients", "nosuch*"]).exits(0);
    for words in ["--users 'frnak': no entry", "--clients 'nosuch*': no entry"] {
        assert!(ended.stderr.contains(words), "{ended}");
    }
    assert!(!ended.stderr.contains("'frank':"), "{ended}");
}
