//! What is wrong with a command line is said before anything is read or sent, and is exit code 1: 2 means "changes
//! are pending".

use crate::story::Story;

fn story() -> Story {
    Story::new().file("pks.yml", "version: 1\n")
}

#[test]
fn a_mistyped_command_gets_a_tip() {
    let ended = story().run(&["aply"]).exits(1);
    assert!(ended.stderr.contains("tip: a similar subcommand exists: 'apply'"), "{ended}");
    assert_eq!(ended.stdout, "");
}

#[test]
fn an_unknown_option_is_no_pending_change() {
    let ended = story().run(&["plan", "--detailed-exit-code", "-f", "pks.yml"]).exits(1);
    assert!(ended.stderr.contains("--detailed-exitcode"), "{ended}");
}

#[test]
fn there_is_no_option_for_a_secret_and_its_value_is_not_repeated() {
    for args in [["plan", "--client-secret=canary-s3cret"], ["apply", "--client-secret=canary-s3cret"]] {
        let ended = story().run(&args).exits(1);
        assert!(ended.stderr.contains("--client-secret-file"), "{ended}");
    }
}

#[test]
fn the_version_is_on_standard_output() {
    for flag in ["--version", "-V"] {
        let ended = story().run(&[flag]).exits(0);
        assert_eq!(ended.stdout, concat!("uaapply ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn without_a_manifest_nothing_is_guessed() {
    for command in ["plan", "apply", "validate"] {
        story().run(&[command]).fails("error: no manifest\nhint: give one or more with -f PATH (a file, a directory, or - for standard input)\n");
    }
}

#[test]
fn without_a_target_both_ways_to_name_it_are_said() {
    for story in [story(), story().env("UAA_TARGET", "")] {
        story.run(&["plan", "-f", "pks.yml"]).fails("error: no target: which UAA?\nhint: give --target https://api.pks.example.com:8443, or set UAA_TARGET\n");
    }
}

#[test]
fn a_target_with_a_password_is_refused_and_not_repeated() {
    let ended =
        story().run(&["plan", "-f", "pks.yml", "-t", "https://admin:canary-s3cret@uaa.example.com"]).exits(1);
    assert!(ended.stderr.contains("user name or password"), "{ended}");
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let story = story().env("UAA_CLIENT_SECRET", "canary-s3cret");
    let ended = story.run(&["plan", "-f", "pks.yml", "-t", "http://uaa.example.com"]).exits(1);
    assert!(ended.stderr.contains("--allow-http"), "{ended}");
    let ended = story.run(&["plan", "-f", "pks.yml", "-t", "http://127.0.0.1:1"]).exits(1);
    assert!(ended.stderr.contains("refused") && !ended.stderr.contains("--allow-http"), "{ended}");
}

#[test]
fn standard_input_cannot_be_two_things() {
    let ended =
        story().stdin("version: 1\n").run(&["plan", "-f", "-", "--client-secret-stdin", "-t", "localhost"]);
    ended.fails(
        "error: standard input cannot be both the manifest (-f -) and the secret (--client-secret-stdin)\n\
         hint: give the secret by UAA_CLIENT_SECRET or --client-secret-file\n",
    );
}

#[test]
fn two_sources_of_the_secret_are_one_too_many() {
    let args =
        ["plan", "-f", "pks.yml", "-t", "localhost", "--client-secret-stdin", "--client-secret-file", "x"];
    let ended = story().run(&args).exits(1);
    assert!(ended.stderr.contains("cannot be used with"), "{ended}");
}

#[test]
fn a_misspelt_no_does_not_switch_certificates_off() {
    let ended = story().env("UAA_SKIP_SSL_VALIDATION", "flase").run(&["plan", "-f", "pks.yml"]).exits(1);
    assert!(ended.stderr.contains("expected true or false"), "{ended}");
}

#[test]
fn a_variable_without_a_value_is_not_repeated_unless_a_manifest_has_it() {
    let given = |manifest: &str, name: &str| {
        story().file("pks.yml", manifest).run(&["validate", "-f", "pks.yml", "-v", name]).exits(1).stderr
    };
    let said = given("version: 1\ngroups: []\n", "canary-s3cret");
    assert!(said.contains("-v takes NAME=VALUE") && !said.contains("canary"), "{said}");
    let said = given("version: 1\ngroups: [{name: ((team))}]\n", "team");
    assert!(said.contains("give it with -v team=VALUE") && said.contains("1 problem;"), "{said}");
}

#[test]
fn numbers_have_limits() {
    for (option, value) in [("--concurrency", "0"), ("--concurrency", "65"), ("--timeout", "0")] {
        let ended = story().run(&["plan", "-f", "pks.yml", option, value]).exits(1);
        assert!(ended.stderr.contains("is not in"), "{ended}");
    }
}

#[test]
fn colour_is_on_when_it_is_asked_for_and_never_otherwise() {
    let story = story();
    assert!(!story.run(&["plan"]).stderr.contains('\u{1b}'));
    assert!(story.run(&["plan", "--color", "always"]).stderr.contains('\u{1b}'));
}

#[test]
fn a_manifest_without_f_gets_a_tip() {
    let ended = story().run(&["plan", "pks.yml"]).exits(1);
    assert!(ended.stderr.contains("tip: did you mean '-f pks.yml'?"), "{ended}");
}
