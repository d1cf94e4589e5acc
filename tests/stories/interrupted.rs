//! Ctrl-C and a pipeline's SIGTERM: what is under way is finished, nothing else is begun, and there is a report.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::{Ended, Story};

const ARGS: [&str; 5] = ["apply", "-f", "pks.yml", "--yes", "--concurrency=1"];

/// A server that takes its time for the second group.
fn story() -> Story {
    let uaa = FakeUaa::with(|seen, state| {
        (seen.is("POST", "/Groups") && seen.before == 1).then(|| {
            state
                .groups
                .push(serde_json::json!({"id": "slow", "displayName": "b", "zoneId": "uaa", "members": []}));
            ResponseTemplate::new(201)
                .set_body_json(serde_json::json!({"id": "slow", "displayName": "b"}))
                .set_delay(Duration::from_secs(2))
        })
    });
    Story::new().file("pks.yml", "version: 1\ngroups: [{name: a}, {name: b}, {name: c}]\n").server(uaa)
}

/// Starts an apply and sends these signals once the slow request is under way.
fn interrupted(story: &Story, signals: &[&str]) -> Ended {
    let mut command = story.command(&ARGS);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let begun = Instant::now();
    while story.uaa().writes().len() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the second write never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    for signal in signals {
        std::thread::sleep(Duration::from_millis(200));
        let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status().expect("kill runs");
        assert!(sent.success());
    }
    story.ended(&ARGS, &child.wait_with_output().expect("it ends"))
}

#[test]
fn the_first_finishes_what_is_under_way() {
    for signal in ["-INT", "-TERM"] {
        let story = story();
        let ended = interrupted(&story, &[signal]).exits(5);
        insta::allow_duplicates! { insta::assert_snapshot!("finishes what is under way", ended); }
        assert_eq!(story.uaa().writes().len(), 2);
        story.run(&ARGS).exits(0);
    }
}

#[test]
fn the_second_stops_at_once() {
    let ended = interrupted(&story(), &["-INT", "-INT"]).exits(5);
    assert!(ended.stdout.contains("unknown") && ended.stdout.contains("not tried"), "{ended}");
}
