//! What stands on disk of a run while it goes on, and after it was killed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::Story;

const MANIFEST: &str = "version: 1\ngroups: [{name: a}, {name: b}, {name: c}]\n";

/// A server that never answers about the second group.
fn story() -> Story {
    let uaa = FakeUaa::with(|seen, _| {
        let second = seen.is("POST", "/Groups") && seen.before == 1;
        second.then(|| ResponseTemplate::new(201).set_delay(Duration::from_secs(600)))
    });
    Story::new().file("pks.yml", MANIFEST).server(uaa)
}

/// Starts a run and kills it once `ready` holds.
fn killed(story: &Story, args: &[&str], ready: impl Fn() -> bool) {
    let mut child = start(story, args);
    wait(&mut child, ready);
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
}

fn start(story: &Story, args: &[&str]) -> Child {
    story.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts")
}

fn wait(child: &mut Child, ready: impl Fn() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(child.try_wait().expect("it is our child").is_none(), "it ended");
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came so far");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The report on disk, which must be one at all times.
fn report(story: &Story) -> Option<Value> {
    let text = std::fs::read_to_string(story.path("report.json")).ok()?;
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let schema = include_str!("../../docs/schema/report.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{report}");
    Some(report)
}

fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let changes = report["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| Some((change["key"].as_str()?, change["outcome"].as_str()?))).collect()
}

#[test]
fn killed_the_report_says_what_was_done_and_what_may_be() {
    let story = story();
    let args = ["apply", "-f", "pks.yml", "--yes", "--concurrency=1", "--report=report.json"];
    // The outcome of the first comes there although nothing else happens.
    killed(&story, &args, || {
        let first = report(&story).map(|report| report["changes"][0]["outcome"].clone());
        story.uaa().writes().len() == 2 && first == Some("done".into())
    });
    let told = report(&story).expect("there is one");
    assert_eq!(outcomes(&told), [("a", "done"), ("b", "unknown"), ("c", "not_tried")]);
    assert_eq!((&told["finished"], &told["converged"]), (&Value::Bool(false), &Value::Null));
    // The same command again finishes the work, and the report.
    story.run(&args).exits(0);
    let told = report(&story).expect("there is one");
    assert_eq!(outcomes(&told), [("b", "done"), ("c", "done")]);
    assert_eq!((&told["finished"], &told["converged"]), (&Value::Bool(true), &Value::Bool(true)));
}

#[test]
fn killed_the_report_of_a_saved_plan_is_of_all_of_it() {
    let story = story();
    story.run(&["plan", "-f", "pks.yml", "--out", "pks.plan"]).exits(0);
    story.uaa().group("a", &[]);
    let args = ["apply", "pks.plan", "--yes", "--concurrency=1", "--report=report.json"];
    killed(&story, &args, || {
        let first = report(&story).map(|report| report["changes"][1]["outcome"].clone());
        story.uaa().writes().len() == 2 && first == Some("done".into())
    });
    let told = report(&story).expect("there is one");
    assert_eq!(outcomes(&told), [("a", "already_so"), ("b", "done"), ("c", "unknown")]);
    assert_eq!(told["finished"], Value::Bool(false));
}

#[test]
fn a_report_that_cannot_be_kept_current_stops_nothing() {
    let uaa = FakeUaa::with(|seen, state| {
        let first = seen.is("POST", "/Groups") && seen.before == 0;
        first.then(|| {
            let group = serde_json::json!({"id": "slow", "displayName": "a", "zoneId": "uaa", "members": []});
            state.groups.push(group.clone());
            ResponseTemplate::new(201).set_body_json(group).set_delay(Duration::from_secs(1))
        })
    });
    let story = Story::new().file("pks.yml", MANIFEST).file("out/x", "").server(uaa);
    let args = ["apply", "-f", "pks.yml", "--yes", "--concurrency=1", "--report=out/report.json"];
    let mut child = story
        .command(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    wait(&mut child, || story.uaa().writes().len() == 1);
    std::fs::rename(story.path("out"), story.path("away")).expect("the folder is ours");
    let ended = story.ended(&args, &child.wait_with_output().expect("it ends")).exits(5);
    assert_eq!(story.uaa().writes().len(), 3, "{ended}");
    assert_eq!(ended.stderr.matches("is older than what is done by now").count(), 1, "{ended}");
    assert!(ended.stderr.contains("cannot write the report to out/report.json"), "{ended}");
    assert!(ended.stdout.contains("3 done"), "{ended}");
}
