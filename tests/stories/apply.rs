//! `uaapply apply` through the binary: what is written, what is said, and the exit code.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fake_uaa::{FakeUaa, error};
use crate::story::{SECRET, Story};

const TWO: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((alana)), cluster_access: manage}
  - {username: cody, email: cody@example.com, password: ((cody)), cluster_access: admin}
";
const APPLY: [&str; 4] = ["apply", "-f", "pks.yml", "--yes"];

fn story(uaa: FakeUaa) -> Story {
    let story = Story::new().file("pks.yml", TWO).server(uaa);
    story
        .env("PKS_alana", SECRET)
        .env("PKS_cody", SECRET)
        .env("UAAPPLY_VARS_ENV", "PKS")
        .env("UAAPPLY_CONCURRENCY", "1")
}

fn apply<'a>(more: &[&'a str]) -> Vec<&'a str> {
    APPLY.iter().chain(more).copied().collect()
}

#[test]
fn it_makes_the_server_so_and_a_second_run_writes_nothing() {
    let story = story(FakeUaa::start());
    insta::assert_snapshot!("it makes the server so", story.run(&APPLY).exits(0));
    assert_eq!(story.uaa().writes().len(), 4);
    insta::assert_snapshot!("a second run writes nothing", story.run(&APPLY).exits(0));
    assert_eq!(story.uaa().writes().len(), 4);
}

#[test]
fn without_a_terminal_it_wants_yes() {
    let story = story(FakeUaa::start());
    let ended = story.run(&["apply", "-f", "pks.yml"]).exits(1);
    assert!(
        ended.stderr.ends_with(
            "error: nobody is at a terminal to answer \"Apply these 4 changes to http://localhost:PORT (zone uaa)?\"; nothing was written\n\
             hint: to answer yes beforehand, add --yes to the command\n"
        ),
        "{ended}"
    );
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn what_a_rail_refuses_is_not_written() {
    let uaa = FakeUaa::start();
    uaa.user("frank");
    uaa.group("uaa.admin", &[]);
    let story = story(uaa)
        .file("pks.yml", "version: 1\ngroups:\n  - {name: uaa.admin, additive: true, members: [frank]}\n");
    for format in ["text", "json"] {
        let ended = story.run(&apply(&["--format", format])).exits(3);
        let plan = if format == "json" { &ended.stderr } else { &ended.stdout };
        assert!(plan.contains("--allow 'escalates:uaa.admin/uaa/frank'"), "{ended}");
    }
    assert_eq!(story.uaa().writes(), [""; 0]);
    story.run(&apply(&["--allow", "escalates:uaa.admin/uaa/frank"])).exits(0);
}

#[test]
fn what_a_rail_refuses_is_reported_with_the_reason() {
    let uaa = FakeUaa::start();
    uaa.user("frank");
    uaa.group("uaa.admin", &[]);
    let escalates = "version: 1\ngroups:\n  - {name: uaa.admin, additive: true, members: [frank]}\n";
    let elsewhere = "version: 1\ntarget: {zone: other}\ngroups: []\n";
    let mut story = story(uaa);
    for (manifest, rail, outcomes) in [(escalates, "escalates", 1), (elsewhere, "target_pin", 0)] {
        story = story.file("pks.yml", manifest);
        let ended = story.run(&apply(&["--format", "json", "--report", "json.json"])).exits(3);
        let report = ended.json();
        assert_eq!(report["findings"][0]["rail"], rail, "{ended}");
        assert_eq!(report["findings"][0]["allowed"], false, "{ended}");
        assert_eq!(report["converged"], serde_json::Value::Null, "{ended}");
        let changes = report["changes"].as_array().expect("a list");
        assert_eq!(changes.len(), outcomes, "{ended}");
        assert!(changes.iter().all(|change| change["outcome"] == "not_tried"), "{ended}");
        let text = story.run(&apply(&["--report", "text.json"])).exits(3);
        assert!(text.stdout.contains("Refused:"), "{text}");
        for file in ["json.json", "text.json"] {
            let file = std::fs::read(story.path(file)).expect("there is a report");
            assert_eq!(story.text(&file), ended.stdout);
        }
    }
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn too_little_authority_is_said_before_the_first_write() {
    let uaa = FakeUaa::start();
    uaa.authorities("scim.read zones.read");
    let story = story(uaa);
    let ended = story.run(&APPLY).exits(1);
    assert!(
        ended.stderr.contains("uaac client update admin --authorities \"scim.read scim.write zones.read\"")
            || ended
                .stderr
                .contains("uaac client update admin --authorities \"scim.read zones.read scim.write\""),
        "{ended}"
    );
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn a_failure_after_the_first_write_is_partly_applied() {
    let uaa = FakeUaa::with(|seen, _| {
        seen.is("POST", "/Groups/id-pks.clusters.admin/members")
            .then(|| error(400, "invalid_member", "the database does not like this one"))
    });
    insta::assert_snapshot!(story(uaa).run(&APPLY).exits(5));
}

#[test]
fn when_nothing_could_be_written_it_is_an_error() {
    let uaa = FakeUaa::with(|seen, _| {
        seen.is("POST", "/Users").then(|| error(400, "invalid_password", "too short"))
    });
    insta::assert_snapshot!(story(uaa).run(&APPLY).exits(1));
}

#[test]
fn an_entry_that_uaa_stumbles_over_blocks_nobodys_offboarding() {
    for broken in [false, true] {
        let uaa = FakeUaa::with(move |seen, _| {
            let poison = seen.is("POST", "/Users");
            let all = broken && seen.is("GET", "/Groups") && seen.before > 0;
            (poison || all).then(|| error(500, "scim", "Unexpected error"))
        });
        let frank = uaa.user("frank");
        uaa.state().groups[0]["members"] =
            serde_json::json!([{"value": frank, "type": "USER", "origin": "uaa"}]);
        let poison = "version: 1\nusers:\n  - {username: alana, email: alana@example.com, password: ((alana))}\n  - {username: frank, cluster_access: none}\n";
        let story = story(uaa).file("pks.yml", poison).env("PKS_cody", "");
        let ended = story.run(&apply(&["--allow", "empties:pks.clusters.admin"]));
        let taken = story.uaa().writes().iter().any(|write| write.starts_with("DELETE /Groups/"));
        assert_eq!((ended.code, taken), if broken { (Some(1), false) } else { (Some(5), true) }, "{ended}");
    }
}

#[test]
fn a_server_that_forgets_is_not_converged() {
    let uaa = FakeUaa::with(|seen, _| {
        seen.is("POST", "/Groups/")
            .then(|| wiremock::ResponseTemplate::new(201).set_body_json(serde_json::json!({})))
    });
    insta::assert_snapshot!(story(uaa).run(&APPLY).exits(6));
}

#[test]
fn without_a_second_look_nobody_knows() {
    let uaa = FakeUaa::with(|seen, state| {
        let written = !state.users.is_empty();
        (written && seen.is("GET", "/Groups")).then(|| error(403, "insufficient_scope", "not any more"))
    });
    let ended = story(uaa).run(&APPLY).exits(5);
    assert!(ended.stderr.contains("the second look failed"), "{ended}");
}

#[test]
fn as_json_standard_output_is_the_report_and_the_file_has_the_same() {
    let story = story(FakeUaa::start());
    let ended = story.run(&apply(&["--format", "json", "--report", "report.json"])).exits(0);
    let report = ended.json();
    assert_eq!((&report["converged"], &report["changes"][0]["outcome"]), (&true.into(), &"done".into()));
    assert!(ended.stderr.contains("Plan: 2 to create"), "{ended}");
    let file = std::fs::read(story.path("report.json")).expect("there is a report");
    assert_eq!(story.text(&file), ended.stdout);
    // With nothing to do there is a report all the same.
    let again = story.run(&apply(&["--format", "json"])).exits(0);
    assert_eq!(again.json()["changes"], serde_json::json!([]));
}

#[test]
fn a_report_without_a_place_is_an_error_before_the_first_write() {
    let story = story(FakeUaa::start()).file("folder/x", "");
    for place in ["nowhere/report.json", "folder"] {
        let ended = story.run(&apply(&["--report", place])).exits(1);
        assert!(ended.stderr.contains("--report"), "{ended}");
    }
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn quiet_leaves_results_and_errors() {
    let ended = story(FakeUaa::start()).run(&apply(&["--quiet"])).exits(0);
    assert_eq!(ended.stderr, "", "{ended}");
    assert!(ended.stdout.contains("A second look finds nothing left to do."), "{ended}");
}

#[test]
fn a_busy_server_is_asked_again() {
    let uaa = FakeUaa::with(|seen, _| {
        (seen.is("GET", "/Users") && seen.before == 0).then(|| error(503, "unavailable", "starting"))
    });
    story(uaa).run(&APPLY).exits(0);
}

#[test]
fn the_plan_is_read_once_and_looked_at_once_more() {
    static READS: AtomicUsize = AtomicUsize::new(0);
    let uaa = FakeUaa::with(|seen, _| {
        READS.fetch_add(usize::from(seen.method == "GET" && seen.path == "/Groups"), Ordering::Relaxed);
        None
    });
    story(uaa).run(&APPLY).exits(0);
    assert_eq!(READS.load(Ordering::Relaxed), 2);
}
