//! `uaapply import` through the binary, on the sample files of tests/import.

use std::path::Path;

use crate::story::{Ended, SECRET, Story};

/// A story with a sample file in its folder.
fn story(name: &str) -> Story {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name);
    let text = std::fs::read_to_string(path).expect("it is committed");
    assert!(text.contains(SECRET) || name == "users.csv", "a sample without a secret proves nothing");
    Story::new().file(name, &text)
}

/// What came out loads, with a value for each variable.
fn loads(ended: &Ended) {
    let mut story = Story::new().file("made.yml", &ended.stdout).env("UAAPPLY_VARS_ENV", "T");
    for part in ended.stdout.split("((").skip(1) {
        let name = part.split("))").next().unwrap_or_default();
        story = story.env(&format!("T_{name}"), "any-password");
    }
    story.run(&["validate", "-f", "made.yml"]).exits(0);
}

#[test]
fn a_script_of_uaac_commands() {
    let ended = story("access.sh").run(&["import", "access.sh"]).exits(0);
    loads(&ended);
    insta::assert_snapshot!(ended);
}

#[test]
fn a_bosh_manifest() {
    let ended = story("cf.yml").run(&["import", "cf.yml"]).exits(0);
    loads(&ended);
    insta::assert_snapshot!(ended);
}

#[test]
fn a_uaa_yml() {
    let ended = story("uaa.yml").run(&["import", "--from", "uaa-yml", "uaa.yml"]).exits(0);
    loads(&ended);
    insta::assert_snapshot!(ended);
}

#[test]
fn a_csv_list_of_users() {
    let ended = story("users.csv").run(&["import", "users.csv"]).exits(0);
    loads(&ended);
    insta::assert_snapshot!(ended);
}

#[test]
fn several_sources_are_one_manifest_and_standard_input_is_one() {
    let ended = Story::new()
        .file("a.csv", "username;groups\nalana;team.a team.b\n")
        .stdin("uaac user add alana --emails a@example.com -p x\nuaac member add team.c alana\n")
        .run(&["import", "a.csv", "-", "--quiet"])
        .exits(0);
    loads(&ended);
    insta::assert_snapshot!(ended);
}

#[test]
fn a_file_is_written_once_and_over_only_when_told() {
    let story = story("access.sh").file("there.yml", "mine");
    story
        .run(&["import", "access.sh", "-O", "there.yml"])
        .fails("error: cannot write there.yml (-O)\n  because it exists\nhint: --force writes over it\n");
    assert_eq!(std::fs::read_to_string(story.path("there.yml")).expect("it is there"), "mine");
    for (args, file) in [(&["-O", "new.yml"][..], "new.yml"), (&["-O", "there.yml", "--force"], "there.yml")]
    {
        let args: Vec<&str> = ["import", "access.sh", "--quiet"].iter().chain(args).copied().collect();
        assert_eq!(story.run(&args).exits(0).stdout, "");
        let text = std::fs::read_to_string(story.path(file)).expect("it is written");
        assert!(text.contains("version: 1\n") && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn what_cannot_be_understood_is_an_error_without_its_text() {
    let story = Story::new()
        .file("a.csv", "name,password\nx,canary-s3cret\n")
        .file("b.yml", "scim: [canary-s3cret\n");
    insta::assert_snapshot!("no_username", story.run(&["import", "a.csv"]).exits(1));
    insta::assert_snapshot!("no_yaml", story.run(&["import", "b.yml"]).exits(1));
    story.run(&["import", "c.yml"]).exits(1);
}

#[test]
fn a_manifest_and_an_empty_standard_input_are_told_as_such() {
    let story = Story::new().file("client.yml", "version: 1\nclients:\n  - client_id: ci\n");
    story.run(&["import", "client.yml"]).fails(
        "error: client.yml is a manifest of uaapply already\n\
         hint: use it as it is: uaapply validate -f FILE, uaapply plan -f FILE\n",
    );
    Story::new().stdin("").run(&["import", "-"]).fails(
        "error: nothing came on standard input\n\
         hint: pipe what is to be imported into it, or name a file: uaapply import grant-access.sh\n",
    );
}

#[test]
fn a_mistyped_command_is_told_the_near_one() {
    let story = Story::new().file("a.sh", "uaac user add ann --emails a@example.com\nuaac usr add typo\n");
    let ended = story.run(&["import", "a.sh"]).exits(0);
    assert!(ended.stderr.contains("did you mean `uaac user add`?"), "{ended}");
}

#[test]
fn the_secret_of_somebody_who_is_to_be_absent_is_no_variable() {
    let script = "uaac user add frank --emails f@example.com -p canary-s3cret\nuaac user delete frank\n";
    let ended = Story::new().file("a.sh", script).run(&["import", "a.sh"]).exits(0);
    assert!(ended.stderr.contains("stands in the source\n"), "{ended}");
    assert!(!ended.stderr.contains("frank_password"), "{ended}");
    assert!(ended.stdout.contains("state: absent"), "{ended}");
}
