//! What pipelines and code hosts get: Markdown, annotations, metrics, drift.

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PEOPLE: &str = "\
version: 1
users:
  - username: frank
    cluster_access: none
groups:
  - name: uaa.admin
    additive: true
    members: [frank]
";

/// A foundation on which frank manages clusters.
fn story() -> Story {
    let uaa = FakeUaa::start();
    let frank = uaa.user("frank");
    uaa.group("uaa.admin", &[]);
    uaa.state().groups[1]["members"] = serde_json::json!([{"value": frank, "type": "USER", "origin": "uaa"}]);
    Story::new().file("pks.yml", PEOPLE).server(uaa)
}

const ALLOW: [&str; 2] = ["--allow", "escalates:uaa.admin/uaa/frank"];
const MARKDOWN: [&str; 5] = ["plan", "-f", "pks.yml", "--format", "markdown"];

#[test]
fn a_pull_request_gets_a_comment() {
    let story = story();
    insta::assert_snapshot!(story.run(&MARKDOWN).exits(3));
    let longest = story.run(&[&MARKDOWN[..], &["--max-length", "100"]].concat()).exits(1);
    assert!(longest.stderr.contains("--max-length"), "{longest}");
}

#[test]
fn an_apply_leaves_a_comment_and_shows_the_plan_beside_it() {
    let story = story();
    let apply = ["apply", "-f", "pks.yml", "--yes", "--format", "markdown"];
    let refused = story.run(&apply).exits(3);
    assert!(refused.stdout.starts_with("<!-- uaapply apply -->\n### uaapply apply: refused"), "{refused}");
    assert!(refused.stdout.contains("`--allow 'escalates:uaa.admin/uaa/frank'`"), "{refused}");
    insta::assert_snapshot!(story.run(&[&apply[..], &ALLOW].concat()).exits(0));
    let again = story.run(&apply).exits(0);
    assert!(again.stdout.contains("### uaapply apply: nothing to do\n"), "{again}");
}

#[test]
fn what_is_refused_stands_at_its_line() {
    let story = story();
    let plan = ["plan", "-f", "pks.yml", "--format", "json", "--annotations"];
    let refused = story.run(&[&plan[..], &["github"]].concat()).exits(3);
    let line = "::error file=pks.yml,line=8,title=uaapply%3A escalates::";
    assert!(refused.stderr.lines().any(|said| said.starts_with(line)), "{refused}");
    refused.json();
    let to_file = ["github", "--annotations-file", "notes"];
    let allowed = story.run(&[&plan[..], &to_file, &ALLOW].concat()).exits(0);
    let notes = std::fs::read_to_string(story.path("notes")).expect("it is written");
    assert!(notes.starts_with("::notice file=pks.yml,line=8,"), "{notes}");
    assert_eq!(allowed.stderr, "");

    // GitLab reads a file.
    let needs = story.run(&[&plan[..], &["gitlab"]].concat()).exits(1);
    assert!(needs.stderr.contains("--annotations-file <FILE>"), "{needs}");
    let to_file = ["gitlab", "--annotations-file", "quality.json"];
    story.run(&[&plan[..], &to_file].concat()).exits(3);
    let read = || -> serde_json::Value {
        let text = std::fs::read_to_string(story.path("quality.json")).expect("it is written");
        serde_json::from_str(&text).expect("JSON")
    };
    assert_eq!(read()[0]["location"], serde_json::json!({"path": "pks.yml", "lines": {"begin": 8}}));
    // What no longer is, is no longer said.
    let quiet = story.file("pks.yml", "version: 1\n");
    quiet
        .run(&["validate", "-f", "pks.yml", "--annotations", "gitlab", "--annotations-file", "quality.json"])
        .exits(0);
    let text = std::fs::read_to_string(quiet.path("quality.json")).expect("it is written");
    assert!(!text.contains("escalates"), "{text}");
}

#[test]
fn mistakes_of_a_manifest_stand_at_their_lines_and_show_no_secret() {
    let text = format!(
        "version: 1\nusers:\n  - username: ann\n    pasword: {SECRET}\n    groups: [tema]\ngroups: [{{name: team}}]\n"
    );
    let story = Story::new().file("m/a,b.yml", &text);
    let ended = story.run(&["validate", "-f", "m", "--annotations", "github"]).exits(1);
    let said: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("::")).collect();
    insta::assert_snapshot!(said.join("\n"));
    // An entry that cannot come true is one too.
    let story = story
        .server(FakeUaa::start())
        .file("pks.yml", "version: 1\nusers:\n  - {username: new, cluster_access: none}\n");
    let ended = story.run(&["plan", "-f", "pks.yml", "--annotations", "github"]).exits(1);
    assert!(
        ended.stderr.contains("\n::error file=pks.yml,line=3,title=uaapply%3A cannot-come-true::user "),
        "{ended}"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let story = story();
    for options in
        [&["--annotations", "github", "--annotations-file", "no/notes"][..], &["--metrics-file", "no/m"]]
    {
        let ended = story.run(&[&["plan", "-f", "pks.yml"][..], options].concat()).exits(1);
        assert!(ended.stderr.starts_with("error: cannot write no/"), "{ended}");
    }
    assert_eq!(story.uaa().logins(), 0);
}

#[test]
fn a_schedule_fails_on_drift_and_tells_it_from_a_run_that_could_not_look() {
    let story = story();
    let plan = |more: &[&str]| story.run(&[&["plan", "-f", "pks.yml", "--fail-on-drift"][..], more].concat());
    plan(&[]).exits(3);
    let drifted = plan(&ALLOW).exits(1);
    assert_eq!(
        drifted.stderr,
        "error: the server is not as the manifest says: 2 changes are pending (--fail-on-drift)\n\
         hint: `uaapply apply` with the same manifest makes it so; or write into the manifest what is meant\n"
    );
    assert!(drifted.stdout.contains("Plan: "), "{drifted}");
    plan(&[&ALLOW[..], &["--detailed-exitcode"]].concat()).exits(2);
    let story = story.file("pks.yml", "version: 1\ngroups: [{name: uaa.admin, additive: true}]\n");
    let same = story.run(&["plan", "-f", "pks.yml", "--fail-on-drift", "--detailed-exitcode"]).exits(0);
    assert_eq!(same.stderr, "");
}

#[test]
fn metrics_count_what_is_pending_and_outlive_a_run_that_fails() {
    let story = story();
    let plan = ["plan", "-f", "pks.yml", "--metrics-file", "uaapply.prom"];
    let read = |story: &Story| std::fs::read_to_string(story.path("uaapply.prom")).expect("it is written");
    let value = |text: &str, metric: &str| -> Option<f64> {
        let line = text.lines().find(|line| line.starts_with(metric))?;
        line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok())
    };
    story.run(&plan).exits(3);
    let first = read(&story);
    assert_eq!(value(&first, "uaapply_plan_success{target=\"http://"), Some(1.0), "{first}");
    assert!(first.contains("kind=\"member\"} 2\n") && first.contains("kind=\"user\"} 0\n"), "{first}");
    assert!(first.contains("rail=\"escalates\",allowed=\"false\"} 1\n"), "{first}");
    let succeeded = value(&first, "uaapply_plan_last_success_timestamp_seconds{").expect("it did");
    assert!(succeeded > 1_600_000_000.0, "{first}");
    // Nobody is there any more.
    let story = story.without("UAA_TARGET").env("UAA_TARGET", "http://127.0.0.1:9");
    story.run(&plan).exits(1);
    let second = read(&story);
    assert_eq!(value(&second, "uaapply_plan_success{"), Some(0.0), "{second}");
    assert_eq!(value(&second, "uaapply_plan_last_success_timestamp_seconds{"), Some(succeeded), "{second}");
    assert!(!second.contains("pending") && !second.contains("findings"), "{second}");
    assert_eq!(
        std::fs::read_dir(story.path(""))
            .expect("a folder")
            .filter(|entry| entry
                .as_ref()
                .is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")))
            .count(),
        0
    );
}
