//! `uaapply undo` through the binary: what an apply did is taken back.

use serde_json::{Value, json};

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PEOPLE: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((alana)), cluster_access: manage}
  - {username: frank, given_name: Frank}
  - {username: olduser, state: absent}
groups:
  - {name: team, members: [alana, frank]}
  - {name: fresh, members: [frank]}
";
const APPLY: [&str; 6] = ["apply", "-f", "pks.yml", "--yes", "--report", "report.json"];
const UNDO: [&str; 3] = ["undo", "report.json", "--yes"];

/// A foundation on which olduser is still in the team, after the manifest was applied.
fn applied() -> Story {
    let uaa = FakeUaa::start();
    let (frank, old) = (uaa.user("frank"), uaa.user("olduser"));
    uaa.group("team", &[frank, old]);
    let story = Story::new().file("pks.yml", PEOPLE).server(uaa);
    let story = story.env("PKS_alana", SECRET).env("UAAPPLY_VARS_ENV", "PKS").env("UAAPPLY_CONCURRENCY", "1");
    story.run(&APPLY).exits(0);
    story
}

/// Users and who is in which group, by name.
fn foundation(story: &Story) -> (Vec<String>, Vec<String>) {
    let state = story.uaa().state();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let name = |id: &Value| {
        let user = state.users.iter().find(|user| user["id"] == *id);
        text(&user.expect("nobody is in a group who is not there")["userName"])
    };
    let mut users: Vec<String> = state
        .users
        .iter()
        .map(|user| {
            format!("{} {}", text(&user["userName"]), user["name"]["givenName"].as_str().unwrap_or("-"))
        })
        .collect();
    let mut groups: Vec<String> = state
        .groups
        .iter()
        .map(|group| {
            let mut members: Vec<String> =
                group["members"].as_array().expect("a list").iter().map(|row| name(&row["value"])).collect();
            members.sort();
            format!("{}: {}", text(&group["displayName"]), members.join(" "))
        })
        .collect();
    users.sort();
    groups.sort();
    (users, groups)
}

fn outcomes(report: &Value) -> Vec<&str> {
    let changes = report["changes"].as_array().expect("a list");
    changes.iter().map(|change| change["outcome"].as_str().expect("a word")).collect()
}

#[test]
fn what_an_apply_did_is_taken_back_and_back_again() {
    let story = applied();
    let after = foundation(&story);
    let writes = story.uaa().writes().len();
    insta::assert_snapshot!(
        "the way back is shown",
        story.run(&["undo", "report.json", "--dry-run"]).exits(0)
    );
    let pending = ["undo", "report.json", "--dry-run", "--detailed-exitcode", "--format", "json"];
    let plan = story.run(&pending).exits(2).json();
    assert!(plan["undoes"].is_string() && plan["lost"].is_array(), "{plan}");
    assert_eq!(story.uaa().writes().len(), writes);
    let undo = [&UNDO[..], &["--report", "undone.json"]].concat();
    insta::assert_snapshot!("an apply is undone", story.run(&undo).exits(0));
    assert_eq!(
        foundation(&story),
        (
            vec!["frank -".to_owned(), "olduser -".to_owned()],
            [
                "pks.clusters.admin.read: ",
                "pks.clusters.admin: ",
                "pks.clusters.manage: ",
                "team: frank olduser"
            ]
            .map(str::to_owned)
            .into()
        )
    );
    // Once more: nothing to do.
    let again = story.run(&UNDO).exits(0);
    assert!(
        again.stdout.contains("No changes. What the report says was done is as it was before"),
        "{again}"
    );
    // And the way back, back again.
    story.run(&["undo", "undone.json", "--yes"]).exits(0);
    assert_eq!(foundation(&story), after);
}

#[test]
fn what_changed_since_is_listed_and_nothing_is_written() {
    let story = applied();
    story.uaa().state().users[0]["name"]["givenName"] = "Other".into();
    story.uaa().user("eve");
    let row = json!({"value": "id-eve", "type": "USER", "origin": "uaa"});
    story.uaa().state().groups[4]["members"].as_array_mut().expect("a list").push(row);
    let writes = story.uaa().writes().len();
    let ended = story.run(&[&UNDO[..], &["--format", "json"]].concat()).exits(4);
    assert_eq!(
        ended.stderr,
        "error: the server is not as the report left it; nothing was written\n  \
         because user uaa/frank: `given_name` is \"Other\" instead of \"Frank\"\n  \
         because group fresh: uaa/eve is a member now\n\
         hint: --only KIND/NAME undoes what is still as it was left; what else is meant, a manifest says\n"
    );
    assert_eq!(outcomes(&ended.json()).iter().filter(|outcome| **outcome == "drifted").count(), 2);
    story.run(&["undo", "report.json", "--dry-run"]).exits(4);
    assert_eq!(story.uaa().writes().len(), writes);
    // What is still as it was left is undone by name.
    let only = [&UNDO[..], &["--only", "user/alana", "--format", "json"]].concat();
    let report = story.run(&only).exits(0).json();
    assert_eq!(report["converged"], true);
    assert!(!foundation(&story).0.iter().any(|user| user.starts_with("alana")));
}

#[test]
fn a_rail_refuses_to_give_back_what_is_privileged() {
    let uaa = FakeUaa::start();
    let frank = uaa.user("frank");
    uaa.group("uaa.admin", &[frank]);
    let manifest = "version: 1\ngroups: [{name: uaa.admin, additive: true, absent_members: [frank]}]\n";
    let story = Story::new().file("pks.yml", manifest).server(uaa);
    story.run(&APPLY).exits(0);
    let writes = story.uaa().writes().len();
    let refused = story.run(&UNDO).exits(3);
    let key = "escalates:uaa.admin/uaa/frank";
    assert!(refused.stdout.contains(&format!("--allow '{key}'")), "{refused}");
    assert_eq!(story.uaa().writes().len(), writes);
    story.run(&[&UNDO[..], &["--allow", key]].concat()).exits(0);
    assert_eq!(story.uaa().writes().len(), writes + 1);
}

#[test]
fn what_is_no_report_of_this_server_is_refused_before_a_secret_is_sent() {
    let story = applied();
    let logins = story.uaa().logins();
    story.run(&["plan", "-f", "pks.yml", "--out", "pks.plan"]).exits(0);
    let planned = story.uaa().logins();
    let whole = std::fs::read_to_string(story.path("report.json")).expect("it was written");
    let story = story
        .file("newer.json", &whole.replacen("\"format\": 1", "\"format\": 2", 1))
        .file("damaged.json", &whole[..whole.len() / 2])
        .file("other.json", &whole.replacen("http://localhost", "http://elsewhere", 1));
    for (file, part) in [
        ("pks.plan", "it is a plan, which says what would be done, not what was"),
        ("pks.yml", "is no report to undo"),
        ("newer.json", "it has format 2, which this version does not know"),
        ("damaged.json", "is no report to undo"),
        ("missing.json", "cannot read missing.json"),
        ("other.json", "the report is for another target; nothing was written"),
    ] {
        let ended = story.run(&["undo", file, "--yes"]).exits(1);
        assert!(ended.stderr.contains(part), "{ended}");
    }
    let ended = story.run(&[&UNDO[..], &["--report", "./report.json"]].concat()).exits(1);
    assert!(ended.stderr.contains("--report names the report that is to be undone"), "{ended}");
    let ended = story.run(&["undo", "report.json"]).exits(1);
    assert!(ended.stderr.contains("add --yes"), "{ended}");
    let ended = story.run(&[&UNDO[..], &["--only", "user/frnak"]].concat()).exits(1);
    assert!(ended.stderr.contains("what the report does not speak about"), "{ended}");
    // Only the last two logged in.
    assert_eq!((planned, story.uaa().logins()), (logins + 1, planned + 2));
}
