//! Where the client's secret comes from.

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PLAN: [&str; 3] = ["plan", "-f", "pks.yml"];

/// A story whose environment has no secret.
fn story() -> Story {
    Story::new()
        .file("pks.yml", "version: 1\ngroups: []\n")
        .server(FakeUaa::start())
        .without("UAA_CLIENT_SECRET")
        .env("PATH", "/usr/bin:/bin")
}

fn plan<'a>(more: &[&'a str]) -> Vec<&'a str> {
    PLAN.iter().chain(more).copied().collect()
}

#[test]
fn it_comes_from_a_file_standard_input_a_command_or_the_environment() {
    let line = format!("{SECRET}\r\n");
    story().env("UAA_CLIENT_SECRET", SECRET).run(&plan(&[])).exits(0);
    story().file("secret", &line).run(&plan(&["--client-secret-file", "secret"])).exits(0);
    story().stdin(&line).run(&plan(&["--client-secret-stdin"])).exits(0);
    story().file("a b", &line).run(&plan(&["--client-secret-command", "cat 'a b'"])).exits(0);
}

#[test]
fn an_option_goes_before_the_environment() {
    let story = story().env("UAA_CLIENT_SECRET", "an old one").file("secret", SECRET);
    story.run(&plan(&[])).exits(1);
    story.run(&plan(&["--client-secret-file", "secret"])).exits(0);
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let story = story();
    story.run(&plan(&[])).fails(
        "error: the secret of client `admin` is missing\n\
         hint: set UAA_CLIENT_SECRET, or give --client-secret-file PATH, --client-secret-stdin or --client-secret-command 'om credentials …'\n",
    );
    assert_eq!(story.uaa().logins(), 0);
}

#[test]
fn an_empty_secret_is_a_mistake_of_its_source() {
    for (story, args) in [
        (story().file("secret", "\n"), vec!["--client-secret-file", "secret"]),
        (story(), vec!["--client-secret-stdin"]),
        (story(), vec!["--client-secret-command", "true"]),
        (story().env("UAA_CLIENT_SECRET", ""), vec![]),
    ] {
        let ended = story.run(&plan(&args)).exits(1);
        assert!(ended.stderr.contains("empty"), "{ended}");
        assert_eq!(story.uaa().logins(), 0);
    }
}

#[test]
fn a_command_runs_without_a_shell_and_its_failure_is_ours() {
    let story = story();
    for command in ["false", "nowhere-to-be-found", "cat 'unclosed"] {
        let ended = story.run(&plan(&["--client-secret-command", command])).exits(1);
        assert!(ended.stderr.contains("--client-secret-command"), "{ended}");
    }
    story.run(&plan(&["--client-secret-command", "printf x > made-by-a-shell"])).exits(1);
    assert!(!story.path("made-by-a-shell").exists());
}

#[test]
fn what_a_shell_would_understand_gets_a_hint() {
    let story = story().file("secret", SECRET);
    let said = |command: &str| story.run(&plan(&["--client-secret-command", command])).stderr;
    for (command, sign) in [
        ("printf x | cat", "|"),
        ("cat secret && true", "&&"),
        ("echo $(cat secret)", "$("),
        ("echo $SECRET", "$"),
        ("cat secret 2>/dev/null", ">"),
        ("cat ~/secret", "~/"),
    ] {
        let said = said(command);
        assert_eq!(said.matches("sh -c '…'").count(), 1, "{command}: {said}");
        assert!(said.contains(&format!("warning: the command of --client-secret-command runs without a shell, so `{sign}` means nothing in it")), "{command}: {said}");
    }
    for command in ["X=1 cat secret", "false"] {
        let said = said(command);
        assert!(
            said.contains("hint: it runs without a shell; ") && !said.contains("warning"),
            "{command}: {said}"
        );
    }
    assert!(!said("sh -c 'exit 1'").contains("it runs without a shell"));
    for command in ["cat secret", "sh -c 'cat secret | cat'", "bash -c 'echo $(cat secret)'"] {
        assert_eq!(said(command), "", "{command}");
    }
}

#[test]
fn a_wrong_secret_is_not_repeated() {
    let ended =
        story().env("UAA_CLIENT_SECRET", "wrong-s3cret").run(&plan(&["--log-level", "trace"])).exits(1);
    assert!(!ended.stderr.contains("wrong-s3cret"), "{ended}");
}
