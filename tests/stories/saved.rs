//! `plan --out` and `apply PLAN` through the binary: a plan that is reviewed here and carried out there.

use serde_json::{Value, json};

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PEOPLE: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((alana)), cluster_access: manage}
groups:
  - {name: team, members: [alana, frank]}
";
const PLAN: [&str; 5] = ["plan", "-f", "pks.yml", "--out", "pks.plan"];

/// A foundation on which olduser is still in the team.
fn story() -> Story {
    let uaa = FakeUaa::start();
    let (frank, old) = (uaa.user("frank"), uaa.user("olduser"));
    uaa.group("team", &[frank, old]);
    Story::new().file("pks.yml", PEOPLE).server(uaa).env("PKS_alana", SECRET).env("UAAPPLY_VARS_ENV", "PKS")
}

fn saved(story: &Story) -> Value {
    let text = std::fs::read_to_string(story.path("pks.plan")).expect("it was saved");
    assert!(!text.contains(SECRET));
    serde_json::from_str(&text).expect("it is JSON")
}

fn outcomes(report: &Value) -> Vec<&str> {
    let changes = report["changes"].as_array().expect("a list");
    changes.iter().map(|change| change["outcome"].as_str().expect("a word")).collect()
}

#[test]
fn a_saved_plan_is_carried_out_without_its_manifest() {
    let story = story();
    // The server's port is part of what is digested.
    let told = |text: String, digest: &str| text.replace(digest, "DIGEST");
    let planned = story.run(&PLAN).exits(0);
    assert_eq!(story.uaa().writes(), [""; 0]);
    let digest = saved(&story)["plan_digest"].as_str().expect("a text").to_owned();
    insta::assert_snapshot!("a plan is saved", told(planned.to_string(), &digest));
    std::fs::remove_file(story.path("pks.yml")).expect("it was there");
    let applied = story.run(&["apply", "pks.plan", "--yes", "--expect-plan", &digest]).exits(0);
    insta::assert_snapshot!("a saved plan is carried out", told(applied.to_string(), &digest));
    let writes = story.uaa().writes().len();
    // Once more: all of it is so.
    let again = story.run(&["apply", "pks.plan", "--yes", "--format", "json"]).exits(0);
    assert_eq!(outcomes(&again.json()), ["already_so"; 4]);
    assert_eq!((&again.json()["converged"], story.uaa().writes().len()), (&true.into(), writes));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let story = story();
    story.run(&PLAN).exits(0);
    let mode = std::fs::metadata(story.path("pks.plan")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_changed_meanwhile_is_listed_and_nothing_is_written() {
    let story = story();
    story.run(&PLAN).exits(0);
    story.uaa().user("eve");
    story.uaa().state().groups[3]["members"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"value": "id-eve", "type": "USER", "origin": "uaa"}));
    let stale = story.run(&["apply", "pks.plan", "--yes", "--report", "report.json"]).exits(4);
    insta::assert_snapshot!("a stale plan", stale);
    assert_eq!(story.uaa().writes(), [""; 0]);
    let report = std::fs::read_to_string(story.path("report.json")).expect("it was written");
    let report: Value = serde_json::from_str(&report).expect("it is JSON");
    assert_eq!(outcomes(&report), ["not_tried", "not_tried", "drifted", "drifted"]);
}

#[test]
fn a_run_that_was_cut_short_is_finished_by_the_same_plan() {
    let story = story();
    story.run(&PLAN).exits(0);
    // As a killed run leaves it: the user is there, and in one of the two groups.
    story.uaa().user("alana");
    let row = json!({"value": "id-alana", "type": "USER", "origin": "uaa"});
    story.uaa().state().groups[3]["members"].as_array_mut().expect("a list").push(row);
    let ended = story.run(&["apply", "pks.plan", "--yes", "--format", "json"]).exits(0);
    let report = ended.json();
    assert_eq!(outcomes(&report), ["already_so", "done", "already_so", "done"]);
    assert_eq!(report["plan_digest"], saved(&story)["plan_digest"]);
    assert_eq!(story.uaa().writes().len(), 2);
}

#[test]
fn rails_are_asked_again_and_what_the_file_says_of_them_is_not_heard() {
    let story = story().file(
        "pks.yml",
        "version: 1\nusers: [{username: frank}]\ngroups: [{name: uaa.admin, additive: true, members: [frank]}]\n",
    );
    story.uaa().group("uaa.admin", &[]);
    let key = "escalates:uaa.admin/uaa/frank";
    // Saved although it is refused.
    story.run(&PLAN).exits(3);
    story.run(&["apply", "pks.plan", "--yes"]).exits(3);
    // Saved with a consent that this run does not give.
    story.run(&[&PLAN[..], &["--allow", key]].concat()).exits(0);
    assert_eq!(saved(&story)["findings"][0]["allowed"], true);
    let refused = story.run(&["apply", "pks.plan", "--yes"]).exits(3);
    assert!(refused.stdout.contains(&format!("--allow '{key}'")), "{refused}");
    assert_eq!(story.uaa().writes(), [""; 0]);
    story.run(&["apply", "pks.plan", "--yes", "--allow", key]).exits(0);
    assert_eq!(story.uaa().writes().len(), 1);
}

#[test]
fn a_file_that_is_not_the_approved_plan_for_this_server_is_an_error() {
    let story = story();
    story.run(&PLAN).exits(0);
    let apply = ["apply", "pks.plan", "--yes"];
    let whole = std::fs::read_to_string(story.path("pks.plan")).expect("it was saved");
    let said = |story: &Story, more: &[&str]| story.run(&[&apply[..], more].concat()).exits(1).stderr;

    let other = said(&story, &["--expect-plan", "sha256:0"]);
    assert!(
        other.starts_with("error: this is another plan than --expect-plan names; nothing was written\n"),
        "{other}"
    );
    let mut story = story;
    for (from, to, why) in [
        ("\"format\": 1", "\"format\": 2", "it has format 2, which this version does not know"),
        ("\"username\": \"olduser\"", "\"username\": \"frank\"", "it is damaged"),
        ("\"saved\":", "\"save\":", "it is a plan that --format json printed"),
    ] {
        assert!(whole.contains(from), "{from}");
        story = story.file("pks.plan", &whole.replace(from, to));
        let stderr = said(&story, &[]);
        assert!(
            stderr.starts_with("error: pks.plan is no plan to apply\n") && stderr.contains(why),
            "{stderr}"
        );
    }
    story = story.file("pks.plan", &whole);
    let elsewhere = FakeUaa::start();
    let stderr = said(&story, &["--target", &elsewhere.url()]);
    assert!(
        stderr.starts_with("error: the saved plan is for another target; nothing was written\n"),
        "{stderr}"
    );
    assert_eq!(elsewhere.logins(), 0);
    let story = story.without("PKS_alana");
    let stderr = said(&story, &[]);
    assert!(
        stderr.contains("the variable `alana` of the plan has no value") && stderr.contains("PKS_alana"),
        "{stderr}"
    );
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn a_secret_in_the_manifest_is_not_saved() {
    let story = story().file("pks.yml", &PEOPLE.replace("((alana))", "hunter2hunter2"));
    let ended = story.run(&PLAN).exits(1);
    assert!(ended.stderr.contains("it would have to hold the password of user `uaa/alana`"), "{ended}");
    assert!(!story.path("pks.plan").exists());
}

#[test]
fn a_snapshot_takes_the_place_of_the_server() {
    let story = story();
    let plan = ["plan", "-f", "pks.yml", "--format", "json"];
    let online = story.run(&plan).exits(0).stdout;
    story.run(&["snapshot", "-O", "whole.json"]).exits(0);
    story.run(&["snapshot", "-f", "pks.yml", "-O", "part.json"]).exits(0);
    let logins = story.uaa().logins();
    let story = story.without("UAA_TARGET").without("UAA_CLIENT_SECRET");
    for snapshot in ["whole.json", "part.json"] {
        let text = std::fs::read_to_string(story.path(snapshot)).expect("it was written");
        assert!(!text.contains(SECRET));
        let offline = story.run(&[&plan[..], &["--snapshot", snapshot]].concat()).exits(0);
        assert_eq!(offline.stdout, online, "{snapshot}");
    }
    assert_eq!(story.uaa().logins(), logins);
    // What was not looked at is not absent.
    let story = story.file("pks.yml", "version: 1\nusers: [{username: other, state: absent}]\n");
    let ended = story.run(&[&plan[..], &["--snapshot", "part.json"]].concat());
    ended.fails(
        "error: part.json is no snapshot to plan from\n  because it was taken for another manifest, and lacks user `uaa/other`\n\
         hint: take one with this manifest (-f), or a whole one without\n",
    );
    story.run(&[&plan[..], &["--snapshot", "whole.json"]].concat()).exits(0);
}

#[test]
fn a_plan_of_a_snapshot_can_be_saved_and_applied() {
    let story = story();
    story.run(&["snapshot", "-O", "whole.json"]).exits(0);
    story.run(&[&PLAN[..], &["--snapshot", "whole.json"]].concat()).exits(0);
    story.run(&["apply", "pks.plan", "--yes"]).exits(0);
}
