//! Killed at any request, the next run converges, and in between nobody has what neither before nor after allows; what the
//! killed run left on disk is so at the server.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Proxy};

use crate::world::{World, names};

const BEFORE: &str = "version: 1\nusers:\n  - {username: cody, email: cody@example.com, password: ((password)), cluster_access: admin}\n";
const AFTER: &str = "version: 1\nusers:\n  - {username: cody, cluster_access: manage}\n  - {username: new@example.com, password: ((password)), cluster_access: read}\n";

/// Runs an apply that is killed (-9) while its `n`th request waits for an answer; false when it ended before that.
fn killed_at(world: &World, n: usize, action: Action) -> bool {
    let proxy =
        Proxy::start(world.foundation, move |seen| if seen.number == n { action } else { Action::Forward })
            .expect("the proxy starts");
    let mut child = world
        .command(&["apply", "-f", "pks.yml", "--yes", "--report=report.json", "--audit-log=audit.jsonl"])
        .env("UAA_TARGET", proxy.url())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    loop {
        if proxy.holding() {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            return true;
        }
        if child.try_wait().expect("it is our child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Tells whether the server has what a change of the move, or a line about it, is about.
fn is_made(world: &World, change: &Value) -> bool {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let object = &change["object"];
    let holds = || {
        let member = format!("{}/{}", text(&object["origin"]), text(&object["username"]));
        world.members(&text(&object["group"])).contains(&member)
    };
    match text(&change["action"]).as_str() {
        "create_user" => world.user(&text(&object["username"])).is_some(),
        "add_member" => holds(),
        "remove_member" => !holds(),
        other => panic!("the move has no {other}"),
    }
}

/// What a killed run left on disk says nothing of the server that is not so. Returns the report's outcomes.
fn record_agrees(world: &World, n: usize) -> Vec<String> {
    let Ok(report) = std::fs::read_to_string(world.path("report.json")) else {
        assert_eq!(std::fs::read_to_string(world.path("audit.jsonl")).unwrap_or_default(), "");
        return Vec::new();
    };
    let report: Value = serde_json::from_str(&report).expect("a report");
    assert_eq!((&report["finished"], &report["converged"]), (&Value::Bool(false), &Value::Null));
    let lines = std::fs::read_to_string(world.path("audit.jsonl")).expect("an audit log");
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a line is whole")).collect();
    let changes = report["changes"].as_array().expect("a list");
    for change in changes {
        let (made, outcome) = (is_made(world, change), change["outcome"].as_str().expect("a word"));
        let of_it: Vec<&str> = lines
            .iter()
            .filter(|line| line["action"] == change["action"] && line["key"] == change["key"])
            .filter_map(|line| line["outcome"].as_str())
            .collect();
        let agree = match (outcome, of_it.as_slice()) {
            ("done", ["started", "done"]) => made,
            ("not_tried", []) => !made,
            // Its outcome came, and the file was not replaced yet.
            ("unknown", ["started", "done"]) => made,
            ("unknown", ["started"]) => true,
            _ => false,
        };
        assert!(agree, "killed at {n}: {} is {outcome} and {of_it:?}, made: {made}", change["key"]);
    }
    changes.iter().filter_map(|change| change["outcome"].as_str()).map(str::to_owned).collect()
}

/// The whole move, killed at each request in turn, before UAA handles it and after.
fn killed_at_each_request(version: UaaVersion) {
    for action in [Action::Hold, Action::ForwardThenHold] {
        let mut seen = BTreeSet::new();
        for n in 1.. {
            let world = World::new(version);
            world.has_pks_groups();
            world.file("pks.yml", BEFORE);
            world.converge();
            world.file("pks.yml", AFTER);
            let killed = killed_at(&world, n, action);
            if killed {
                seen.extend(record_agrees(&world, n));
            }
            let (admin, manage) = (world.members("pks.clusters.admin"), world.members("pks.clusters.manage"));
            assert!(
                admin.contains("uaa/cody") || manage.contains("uaa/cody"),
                "killed at {n}: cody has no access at all"
            );
            assert!(
                admin.is_subset(&names(&["uaa/cody"])) && manage.is_subset(&names(&["uaa/cody"])),
                "killed at {n}: {admin:?} {manage:?}"
            );
            world.converge();
            assert_eq!(world.members("pks.clusters.admin"), names(&[]));
            assert_eq!(world.members("pks.clusters.manage"), names(&["uaa/cody"]));
            assert_eq!(world.members("pks.clusters.admin.read"), names(&["uaa/new@example.com"]));
            if !killed {
                assert!(n > 8, "the apply took {n} requests: too few to be what is tested");
                assert_eq!(seen, names(&["done", "not_tried", "unknown"]));
                break;
            }
        }
    }
}

#[test]
fn a_move_killed_at_any_request_converges_on_4_30_0() {
    killed_at_each_request(UaaVersion::V4_30_0);
}

#[test]
fn a_move_killed_at_any_request_converges_on_4_10_0() {
    killed_at_each_request(UaaVersion::V4_10_0);
}

#[test]
fn ctrl_c_finishes_what_is_under_way_and_reports() {
    let world = World::new(UaaVersion::V4_30_0);
    let users: String =
        (0..40).map(|n| format!("  - {{username: u{n}@example.com, password: ((password))}}\n")).collect();
    world.file("pks.yml", &format!("version: 1\nusers:\n{users}"));
    let proxy = Proxy::start(world.foundation, |seen| {
        if seen.method == "POST" && seen.path == "/Users" {
            Action::Delay(Duration::from_millis(200))
        } else {
            Action::Forward
        }
    })
    .expect("the proxy starts");
    let child = world
        .command(&["apply", "-f", "pks.yml", "--yes", "--concurrency", "2", "--report", "report.json"])
        .env("UAA_TARGET", proxy.url())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    while proxy.seen().iter().filter(|seen| seen.path == "/Users" && seen.method == "POST").count() < 4 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(world.path("report.json")).expect("a report"))
            .expect("JSON");
    let outcome = |name: &str| {
        report["changes"]
            .as_array()
            .map_or(0, |changes| changes.iter().filter(|change| change["outcome"] == name).count())
    };
    assert_eq!(outcome("done") + outcome("not_tried"), 40, "{report}");
    assert_eq!(world.users().len(), outcome("done"));
    assert!(outcome("done") < 40 && outcome("done") >= 3);
    world.converge();
}
