//! What stands on disk of a run while it goes on, and after it was killed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

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

/// Reads JSON that must be as its schema says and hold no secret.
fn valid(text: &str, schema: &str) -> Value {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new(), "{value}");
    assert!(!text.contains(SECRET), "{text}");
    value
}

/// The report on disk, which must be one at all times.
fn report(story: &Story) -> Option<Value> {
    let text = std::fs::read_to_string(story.path("report.json")).ok()?;
    Some(valid(&text, include_str!("../../docs/schema/report.schema.json")))
}

/// The audit log's lines.
fn audit(story: &Story) -> Vec<Value> {
    let text = std::fs::read_to_string(story.path("audit.jsonl")).expect("there is one");
    text.lines().map(|line| valid(line, include_str!("../../docs/schema/audit.schema.json"))).collect()
}

/// What became of what, in an audit log.
fn told(lines: &[Value]) -> Vec<String> {
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .map(|line| {
            format!(
                "{} {} {} {}",
                line["write"],
                text(line, "action"),
                text(line, "key"),
                text(line, "outcome")
            )
        })
        .collect()
}

fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let changes = report["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| Some((change["key"].as_str()?, change["outcome"].as_str()?))).collect()
}

#[test]
fn killed_the_report_says_what_was_done_and_what_may_be() {
    let story = story();
    let story = story.env("UAAPPLY_AUDIT_LOG", "audit.jsonl");
    let args = ["apply", "-f", "pks.yml", "--yes", "--concurrency=1", "--report=report.json"];
    // The outcome of the first comes there although nothing else happens.
    killed(&story, &args, || {
        let first = report(&story).map(|report| report["changes"][0]["outcome"].clone());
        story.uaa().writes().len() == 2 && first == Some("done".into())
    });
    let told = report(&story).expect("there is one");
    assert_eq!(outcomes(&told), [("a", "done"), ("b", "unknown"), ("c", "not_tried")]);
    assert_eq!((&told["finished"], &told["converged"]), (&Value::Bool(false), &Value::Null));
    let lines = ["1 create_group a started", "1 create_group a done", "2 create_group b started"];
    assert_eq!(self::told(&audit(&story)), lines);
    // The same command again finishes the work, and the report.
    story.run(&args).exits(0);
    let again = [
        "1 create_group b started",
        "1 create_group b done",
        "2 create_group c started",
        "2 create_group c done",
    ];
    assert_eq!(self::told(&audit(&story)), [&lines[..], &again].concat());
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

#[test]
fn each_write_is_in_the_audit_log_with_who_and_why_and_no_secret() {
    let uaa = FakeUaa::with(|seen, _| {
        let refused = seen.is("POST", "/Groups/id-pks.clusters.manage/members");
        let words = format!("no, and your password is {SECRET}");
        refused.then(|| crate::fake_uaa::error(400, "invalid_member", &words))
    });
    let story = Story::new()
        .file(
            "pks.yml",
            "version: 1\nusers:\n  - {username: alana, email: a@example.com, password: ((pw)), cluster_access: manage}\n",
        )
        .env("PKS_pw", SECRET)
        .server(uaa);
    let apply = |more: &[&str]| {
        let args = ["apply", "-f", "pks.yml", "--vars-env=PKS", "--audit-log=audit.jsonl"];
        story.run(&[&args, more].concat())
    };
    // Nobody is asked, so nothing is written; nor is a plan that a rule refuses.
    apply(&[]).exits(1);
    assert_eq!(audit(&story), [Value::Null; 0]);
    apply(&["--yes"]).exits(5);
    let lines = audit(&story);
    assert_eq!(
        told(&lines),
        [
            "1 create_user uaa/alana started",
            "1 create_user uaa/alana done",
            "2 add_member pks.clusters.manage/uaa/alana started",
            "2 add_member pks.clusters.manage/uaa/alana failed",
        ]
    );
    let first = &lines[0];
    assert_eq!(first["client"], serde_json::json!({"client_id": "admin"}));
    assert_eq!(first["target"], serde_json::json!({"url": story.uaa().url(), "zone": "uaa"}));
    assert_eq!(first["because"], serde_json::json!({"file": "pks.yml", "line": 3}));
    let fields = first["fields"].as_array().expect("a list");
    let password = fields.iter().find(|field| field["name"] == "password").expect("it is set");
    assert_eq!(password["after"], serde_json::json!({"variable": "pw"}));
    assert!(first["plan_digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")));
    assert!(lines.iter().all(|line| line["run"] == first["run"]));
    assert!(lines[3]["error"].as_str().is_some_and(|error| error.contains("((redacted))")), "{}", lines[3]);
}

#[test]
fn without_a_place_for_the_audit_log_nothing_begins() {
    for args in [
        &["apply", "-f", "pks.yml", "--yes"][..],
        &["apply", "pks.plan", "--yes"],
        &["rotate", "ci", "--print"],
        &["password", "alana", "--generate", "--print"],
        &["unlock", "alana"],
    ] {
        let story = Story::new().file("pks.yml", MANIFEST).file("pks.plan", "{}").server(FakeUaa::start());
        let ended = story.run(&[args, &["--audit-log=pks.yml"]].concat()).exits(1);
        assert!(ended.stderr.contains("it is no audit log") && ended.stdout.is_empty(), "{ended}");
        assert_eq!((story.uaa().logins(), story.uaa().writes().len()), (0, 0));
        assert_eq!(std::fs::read_to_string(story.path("pks.yml")).expect("it is there"), MANIFEST);
    }
}

/// Runs the binary where no file may grow beyond so many bytes.
#[cfg(target_os = "linux")]
fn with_files_of_at_most(story: &Story, bytes: usize, args: &[&str]) -> crate::story::Ended {
    let mut command = std::process::Command::new("prlimit");
    let whole = story.command(args);
    command.arg(format!("--fsize={bytes}")).arg("env").arg("--ignore-signal=XFSZ").arg(whole.get_program());
    command.args(args).current_dir(story.path("")).env_clear().stdin(Stdio::null());
    for (name, value) in whole.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    story.ended(args, &command.env("PATH", "/usr/bin:/bin").output().expect("prlimit starts"))
}

#[cfg(target_os = "linux")]
#[test]
fn when_the_audit_log_is_full_nothing_more_is_written() {
    let args = ["apply", "-f", "pks.yml", "--yes", "--concurrency=1", "--audit-log=audit.jsonl"];
    let story = || Story::new().file("pks.yml", MANIFEST).server(FakeUaa::start());
    let whole = story();
    whole.run(&args).exits(0);
    let text = std::fs::read_to_string(whole.path("audit.jsonl")).expect("it is there");
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), 6);
    for (lines, writes, code) in [(0, 0, 1), (1, 1, 5), (2, 1, 5), (3, 2, 5), (4, 2, 5), (5, 3, 5)] {
        let story = story();
        // Half a line more fits.
        let bytes = if lines == 0 { 100 } else { ends[lines - 1] + 100 };
        let ended = with_files_of_at_most(&story, bytes, &args).exits(code);
        assert_eq!(story.uaa().writes().len(), writes, "{lines}: {ended}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("cannot append to the audit log audit.jsonl (--audit-log)"), "{ended}");
        // The next run finishes it, on lines of its own.
        story.run(&args).exits(0);
        let text = std::fs::read_to_string(story.path("audit.jsonl")).expect("it is there");
        let torn = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
        assert_eq!(torn, 1, "{text}");
        assert_eq!(story.uaa().writes().len(), 3);
    }
}

#[test]
fn what_is_done_at_once_is_in_the_audit_log_too() {
    let uaa = FakeUaa::with(|seen, _| {
        let ok = seen.method == "PUT" && seen.path == "/Users/id-alana/password"
            || seen.method == "PATCH" && seen.path == "/Users/id-alana/status" && seen.before == 0;
        if seen.method == "PATCH" && !ok {
            return Some(crate::fake_uaa::error(403, "access_denied", "no"));
        }
        ok.then(|| ResponseTemplate::new(200).set_body_json(serde_json::json!({"status": "ok"})))
    });
    uaa.user("alana");
    uaa.authorities("scim.read scim.write password.write uaa.admin");
    let story = Story::new().server(uaa).env("UAAPPLY_AUDIT_LOG", "audit.jsonl").file("pw", SECRET);
    story.run(&["password", "alana", "--password-file=pw", "--must-change"]).exits(0);
    story.run(&["unlock", "alana"]).exits(1);
    let lines = audit(&story);
    assert_eq!(
        told(&lines),
        [
            "1 set_password uaa/alana started",
            "1 set_password uaa/alana done",
            "2 require_password_change uaa/alana started",
            "2 require_password_change uaa/alana done",
            "1 unlock_user uaa/alana started",
            "1 unlock_user uaa/alana failed",
        ]
    );
    assert_eq!(lines[0]["expects"], serde_json::json!({"id": "id-alana", "fields": {}}));
    assert_eq!(lines[0]["because"], Value::Null);
    assert_eq!(lines[0]["target"]["zone"], Value::Null);
    assert!(lines[5]["error"].as_str().is_some_and(|error| error.contains("403")), "{}", lines[5]);
}
