//! Somebody at a terminal is asked. util-linux's `script` plays the terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fake_uaa::FakeUaa;
use crate::story::{Ended, SECRET, Story};

fn story(uaa: FakeUaa) -> Story {
    Story::new().file("pks.yml", "version: 1\ngroups: [{name: team, members: [frank]}]\n").server(uaa)
}

fn foundation() -> FakeUaa {
    populated(FakeUaa::start())
}

fn populated(uaa: FakeUaa) -> FakeUaa {
    uaa.user("frank");
    uaa.group("team", &[]);
    uaa
}

/// Runs an apply on a terminal, and types each answer once its question is there.
fn typed(story: &Story, args: &[&str], conversation: &[(&str, &str)]) -> Ended {
    typed_into(story, "", args, conversation)
}

/// The same with its standard output redirected.
fn typed_into(story: &Story, redirected: &str, args: &[&str], conversation: &[(&str, &str)]) -> Ended {
    let inner = story.command(args);
    let mut line = format!("'{}'", inner.get_program().display());
    for arg in args {
        line += &format!(" '{arg}'");
    }
    line += &format!(" {redirected}");
    let shown = story.path("shown");
    let mut command = Command::new("script");
    command.args(["-qefc", &line]).arg(&shown).current_dir(story.path("")).env_clear().env("TERM", "xterm");
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("util-linux is there");
    let mut keyboard = child.stdin.take().expect("it is piped");
    let begun = Instant::now();
    let screen = || String::from_utf8_lossy(&std::fs::read(&shown).unwrap_or_default()).into_owned();
    let mut read = 0;
    for (question, answer) in conversation {
        loop {
            let screen = screen();
            if let Some(at) = screen.get(read..).and_then(|rest| rest.find(question)) {
                read += at + question.len();
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{question:?} is not asked:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
        // A prompt that hides what is typed throws away what came before it hid it: type slowly, and once more where
        // nothing happens (a busy machine).
        std::thread::sleep(Duration::from_millis(200));
        let before = screen().len();
        for _ in 0..3 {
            keyboard.write_all(answer.as_bytes()).expect("it listens");
            let typed = Instant::now();
            let mut heard = false;
            while !heard && typed.elapsed() < Duration::from_secs(8) {
                std::thread::sleep(Duration::from_millis(20));
                heard = screen().len() > before || child.try_wait().expect("it is our child").is_some();
            }
            if heard {
                break;
            }
        }
    }
    let status = child.wait().expect("it ends");
    drop(keyboard);
    story.ended(args, &std::process::Output { status, stdout: screen().into_bytes(), stderr: Vec::new() })
}

const APPLY: [&str; 3] = ["apply", "-f", "pks.yml"];
const QUESTION: &str = "(zone uaa)? [y/N] ";

#[test]
fn yes_applies_what_was_shown() {
    let story = story(foundation());
    let ended = typed(&story, &APPLY, &[(QUESTION, "y\r")]).exits(0);
    assert!(ended.stdout.contains("Apply this change to http://localhost:PORT (zone uaa)? [y/N]"), "{ended}");
    assert_eq!(story.uaa().writes(), ["POST /Groups/id-team/members"]);
}

#[test]
fn anything_else_writes_nothing() {
    for answer in ["n\r", "\r", "yess\r"] {
        let story = story(foundation());
        let ended = typed(&story, &APPLY, &[(QUESTION, answer)]).exits(1);
        assert!(ended.stdout.contains("Nothing was written."), "{ended}");
        assert_eq!(story.uaa().writes(), [""; 0]);
    }
}

#[test]
fn when_the_server_changes_while_somebody_thinks_the_new_plan_is_shown_and_asked_about() {
    let uaa = populated(FakeUaa::with(|seen, state| {
        // The second look comes after the answer; meanwhile a colleague has let somebody else in.
        if seen.is("GET", "/Groups") && seen.before == 1 && seen.path == "/Groups" {
            let team =
                state.groups.iter_mut().find(|group| group["displayName"] == "team").expect("it is there");
            team["members"] = json!([{"value": "id-newcomer", "type": "USER", "origin": "uaa"}]);
            state.users.push(json!({"id": "id-newcomer", "userName": "newcomer", "origin": "uaa", "active": true, "verified": true}));
        }
        None
    }));
    let story = story(uaa);
    let ended = typed(
        &story,
        &[&APPLY[..], &["--allow", "empties:team"]].concat(),
        &[(QUESTION, "y\r"), (QUESTION, "n\r")],
    )
    .exits(1);
    assert!(ended.stdout.contains("the server changed meanwhile"), "{ended}");
    assert!(ended.stdout.contains("team/uaa/newcomer"), "{ended}");
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn the_secret_is_asked_for_on_the_terminal_and_not_shown() {
    let story = story(foundation()).without("UAA_CLIENT_SECRET");
    // Standard output is a file: the plan goes there, and the question does not.
    let ended = typed_into(
        &story,
        "> out.txt",
        &["plan", "-f", "pks.yml"],
        &[("Secret of client admin", &format!("{SECRET}\r"))],
    )
    .exits(0);
    assert!(ended.stdout.contains("Secret of client admin") && !ended.stdout.contains("Plan:"), "{ended}");
    let out = std::fs::read(story.path("out.txt")).expect("the plan is there");
    let out = story.text(&out);
    assert!(out.contains("0 to create, 0 to update, 1 to grant") && !out.contains("Secret of"), "{out}");
    assert_eq!(story.uaa().logins(), 1);
}

#[test]
fn the_secret_and_then_the_plan_are_asked_about() {
    let story = story(foundation()).without("UAA_CLIENT_SECRET");
    let ended =
        typed(&story, &APPLY, &[("Secret of client admin", &format!("{SECRET}\r")), (QUESTION, "y\r")])
            .exits(0);
    assert!(ended.stdout.contains("A second look finds nothing left to do."), "{ended}");
    assert_eq!(story.uaa().writes(), ["POST /Groups/id-team/members"]);
}

#[test]
fn who_leaves_the_secrets_prompt_sends_nothing() {
    let story = story(foundation()).without("UAA_CLIENT_SECRET");
    let ended = typed(&story, &APPLY, &[("Secret of client admin", "\u{3}")]);
    assert_ne!(ended.code, Some(0), "{ended}");
    assert_eq!((story.uaa().logins(), story.uaa().writes()), (0, vec![]));
}

#[test]
fn a_secret_that_becomes_one_to_set_while_somebody_thinks_is_asked_about() {
    let uaa = populated(FakeUaa::with(|seen, _| {
        // Somebody takes the client's privilege away, and with it what keeps its secret.
        let authority = if seen.before == 0 { "uaa.admin" } else { "uaa.none" };
        seen.is("GET", "/oauth/clients").then(|| {
            let client = json!({"client_id": "ci", "authorities": [authority], "scope": ["uaa.none"],
                "authorized_grant_types": ["client_credentials"], "resource_ids": ["none"], "autoapprove": []});
            ResponseTemplate::new(200).set_body_json(json!({"resources": [client], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1}))
        })
    }));
    uaa.authorities("scim.read scim.write clients.read clients.admin clients.secret zones.read idps.read");
    let manifest = "version: 1\ngroups: [{name: team, members: [frank]}]\nclients:\n  - client_id: ci\n    client_secret: ((ci))\n";
    let story = Story::new().file("pks.yml", manifest).file("vars.yml", "ci: of-the-client\n").server(uaa);
    let args = [&APPLY[..], &["--var-file", "ci=vars.yml"]].concat();
    let ended = typed(&story, &args, &[(QUESTION, "y\r"), ("that do not work? [y/N] ", "n\r")]).exits(1);
    assert!(ended.stdout.contains("the server changed meanwhile"), "{ended}");
    assert_eq!(story.uaa().writes(), [""; 0]);
}
