//! Who can reach what: shown, compared, judged by a manifest; from a server and from a snapshot.

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::{Ended, Story};

/// Ann in the open, Bob inactive and nested, somebody gone, a mapping, a client.
pub(crate) fn server() -> FakeUaa {
    let clients = json!([
        {"client_id": "admin", "authorized_grant_types": ["client_credentials"], "authorities": ["uaa.admin"], "lastModified": 1_700_000_000_000_u64},
        {"client_id": "ci", "authorized_grant_types": ["client_credentials"], "scope": ["uaa.none"], "authorities": ["pks.clusters.admin"], "lastModified": 1_700_000_000_000_u64},
        {"client_id": "pks_cli", "authorized_grant_types": ["password"], "scope": ["pks.clusters.*"], "authorities": ["uaa.none"]},
    ]);
    let uaa = FakeUaa::with(move |seen, _| {
        let page = json!({"resources": clients, "totalResults": 3, "startIndex": 1, "itemsPerPage": 3});
        if seen.path.starts_with("/oauth/clients/") {
            let id = seen.path.trim_start_matches("/oauth/clients/");
            let client =
                clients.as_array().into_iter().flatten().find(|client| client["client_id"] == *id)?;
            return Some(ResponseTemplate::new(200).set_body_json(client));
        }
        seen.is("GET", "/oauth/clients").then(|| ResponseTemplate::new(200).set_body_json(page))
    });
    let (ann, bob) = (uaa.user("ann"), uaa.user("bob"));
    uaa.authorities("scim.read clients.read zones.read idps.read");
    uaa.group("team", &[bob, "id-of-nobody".to_owned()]);
    let mut state = uaa.state();
    state.users[0]["lastLogonTime"] = 1_600_000_000_000_u64.into();
    state.users[0]["meta"]["created"] = "2020-01-02T03:04:05.678Z".into();
    state.users[1]["active"] = false.into();
    let admins = &mut state.groups[0]["members"];
    *admins = json!([{"value": ann, "type": "USER", "origin": "uaa"}, {"value": "id-team", "type": "GROUP", "origin": "uaa"}]);
    state.mappings.push(
        json!({"groupId": "id-team", "displayName": "team", "externalGroup": "cn=a,dc=b", "origin": "saml"}),
    );
    drop(state);
    uaa
}

fn story() -> Story {
    Story::new()
        .server(server())
        .file("pks.yml", "version: 1\nusers:\n  - {username: ann, cluster_access: admin}\n")
}

/// As it was, whatever time it is.
fn timeless(ended: &Ended) -> String {
    let mut shown = String::new();
    for line in ended.to_string().lines() {
        let line = match line.split_once(" (UAA 77.0.0), ") {
            Some((head, _)) => format!("{head} (UAA 77.0.0), [time]"),
            None => line.to_owned(),
        };
        let line = match line.split_once(", ").filter(|(_, rest)| rest.ends_with(" days ago")) {
            Some((head, _)) => format!("{head}, [n] days ago"),
            None => line,
        };
        shown += &line;
        shown.push('\n');
    }
    shown
}

#[test]
fn who_can_reach_the_clusters_and_what_the_manifest_knows_of_it() {
    let story = story();
    let ended = story.run(&["access", "-f", "pks.yml"]).exits(0);
    insta::assert_snapshot!(timeless(&ended));
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn each_form_has_all_that_the_others_have() {
    let story = story();
    let json = story.run(&["access", "--format", "json"]).exits(0).json();
    assert_eq!((&json["format"], &json["summary"]["users"]), (&json!(1), &json!(2)));
    let holders = json["holders"].as_array().expect("a list");
    assert_eq!(holders[0]["who"]["times"]["last_logon"], "2020-09-13T12:26:40Z");
    assert_eq!(holders[0]["ways"][0]["manifest"], json!(null));
    let csv = story.run(&["access", "--format", "csv"]).exits(0).stdout;
    let ways: usize = holders.iter().filter_map(|holder| holder["ways"].as_array()).map(Vec::len).sum();
    assert_eq!(csv.lines().count(), 1 + ways, "{csv}");
    let markdown = story.run(&["access", "--format", "markdown"]).exits(0).stdout;
    for holder in holders {
        let name =
            holder["who"]["username"].as_str().or(holder["who"]["client_id"].as_str()).unwrap_or_default();
        assert!(markdown.contains(name) && csv.contains(name), "{name} is not in\n{markdown}\n{csv}");
    }
}

#[test]
fn filters_leave_out_the_rest_and_a_misspelt_name_draws_a_warning() {
    let story = story();
    let ended = story.run(&["access", "-f", "pks.yml", "--unknown", "--inactive"]).exits(0);
    assert!(ended.stdout.contains("uaa/bob") && !ended.stdout.contains("uaa/ann"), "{ended}");
    let ended = story.run(&["access", "--scopes", "*", "--users", "ANN"]).exits(0);
    assert!(
        ended.stdout.contains("openid: everyone, by default") && !ended.stdout.contains("uaa/bob"),
        "{ended}"
    );
    let ended = story.run(&["access", "--scopes", "tema*", "--origins", "sam"]).exits(0);
    for words in ["--scopes 'tema*': there is no such scope", "--origins 'sam': the zone has no such"] {
        assert!(ended.stderr.contains(words), "{ended}");
    }
    let ended = story.run(&["access", "--unknown"]).exits(1);
    assert!(ended.stderr.contains("--file"), "{ended}");
}

#[test]
fn a_later_review_says_what_changed() {
    let story = story();
    let earlier = story.run(&["access", "--format", "json"]).exits(0).stdout;
    let story = story.file("q1.json", &earlier);
    let ended = story.run(&["access", "--compare", "q1.json"]).exits(0);
    assert!(ended.stdout.contains("(0):"), "{ended}");
    story.uaa().state().groups[0]["members"] = json!([{"value": "id-bob", "type": "USER", "origin": "uaa"}]);
    let ended = story.run(&["access", "--compare", "q1.json"]).exits(0);
    for line in [
        "- pks.clusters.admin user/uaa/ann  lost: direct\n",
        "+ pks.clusters.admin user/uaa/bob  another way: direct\n",
        "- pks.clusters.admin user/uaa/bob  a way less: nested team > pks.clusters.admin\n",
        "- pks.clusters.admin external_group/saml/cn=a,dc=b  lost: mapping team > pks.clusters.admin\n",
    ] {
        assert!(ended.stdout.contains(line), "{line} is not in {ended}");
    }
    let ended = story.run(&["access", "--compare", "q1.json", "--scopes", "team"]).exits(1);
    assert!(
        ended.stderr.contains("q1.json cannot be compared") && ended.stderr.contains("other scopes"),
        "{ended}"
    );
    let ended = story.run(&["access", "--compare", "pks.yml"]).exits(1);
    assert!(ended.stderr.contains("pks.yml is no report to compare with"), "{ended}");
}

#[test]
fn a_snapshot_says_the_same_without_a_server() {
    let story = story();
    let snapshot = story.run(&["snapshot"]).exits(0).stdout;
    let live = story.run(&["access", "-f", "pks.yml"]).exits(0);
    let offline = Story::new()
        .file("foundation.json", &snapshot)
        .file("pks.yml", "version: 1\nusers:\n  - {username: ann, cluster_access: admin}\n");
    let ended = offline.run(&["access", "-f", "pks.yml", "--snapshot", "foundation.json"]).exits(0);
    let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(&ended.stdout), body(&live.stdout));
    // One that an earlier version took has no times.
    let mut old: serde_json::Value = serde_json::from_str(&snapshot).expect("it is JSON");
    old.as_object_mut().expect("an object").remove("history");
    let offline = offline.file("old.json", &old.to_string());
    let ended = offline.run(&["access", "--snapshot", "old.json"]).exits(0);
    assert!(
        ended.stdout.contains("last logon not known") && ended.stdout.contains("take a new one"),
        "{ended}"
    );
    // One of a manifest has not everybody.
    let part = story.run(&["snapshot", "-f", "pks.yml"]).exits(0).stdout;
    let ended = offline.file("part.json", &part).run(&["access", "--snapshot", "part.json"]).exits(1);
    assert!(ended.stderr.contains("lacks all users") && ended.stderr.contains("take a whole one"), "{ended}");
}

#[test]
fn a_manifest_for_another_server_says_nothing_of_this_one() {
    let story =
        story().file("other.yml", "version: 1\ntarget: {issuer: https://other/oauth/token}\nusers: []\n");
    let ended = story.run(&["access", "-f", "other.yml"]).exits(1);
    assert!(ended.stderr.contains("the manifest is for another target"), "{ended}");
    assert_eq!(story.uaa().logins(), 0);
}
