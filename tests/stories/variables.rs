//! Where variables come from, through the binary: files, the store, what is generated into it and when.

use std::path::Path;

use wiremock::ResponseTemplate;

use crate::fake_uaa::{FakeUaa, error};
use crate::story::{SECRET, Story};

const GENERATED: &str = "\
version: 1
variables:
  - {name: alana_password, type: password}
  - {name: bob_password, type: password}
users:
  - {username: alana, email: alana@example.com, password: ((alana_password))}
  - {username: bob, email: bob@example.com, password: ((bob_password))}
";

/// A story whose server has bob, but not alana.
fn story(server: FakeUaa) -> Story {
    server.user("bob");
    Story::new().file("pks.yml", GENERATED).server(server)
}

/// The value of alana's password in a store that holds nothing else.
fn generated(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("there is a store");
    let value = text.strip_prefix("alana_password: ").and_then(|rest| rest.strip_suffix('\n'));
    value.filter(|value| value.len() == 32).unwrap_or_else(|| panic!("not one value:\n{text}")).to_owned()
}

#[test]
fn a_file_of_its_own_gives_a_password_that_is_never_shown() {
    let story = Story::new()
        .file("pks.yml", "version: 1\nusers: [{username: alana, email: a@example.com, password: ((pw))}]\n")
        .file("alana.txt", &format!("{SECRET}\n"))
        .server(FakeUaa::start());
    story.run(&["apply", "-f", "pks.yml", "--yes", "--var-file", "pw=alana.txt"]).exits(0);
    assert_eq!(story.uaa().state().users[0]["password"], SECRET);
    story
        .run(&["validate", "-f", "pks.yml", "--var-file", "pw"])
        .fails("error: --var-file takes NAME=PATH\nhint: write --var-file alana_password=alana.txt\n");
}

#[test]
fn plan_and_validate_say_what_will_be_generated_and_write_nothing() {
    let story = story(FakeUaa::start());
    for command in ["plan", "validate"] {
        let ended = story.run(&[command, "-f", "pks.yml", "--vars-store", "vars.yml"]).exits(0);
        let said = "Will be generated into vars.yml by apply: ((alana_password))\n";
        assert_eq!(ended.stderr.contains(said), command == "plan", "{ended}");
        assert!(!story.path("vars.yml").exists());
    }
    let plan = story.run(&["plan", "-f", "pks.yml", "--vars-store", "vars.yml", "--format", "json"]).json();
    let again = story.run(&["plan", "-f", "pks.yml", "--vars-store", "vars.yml", "--format", "json"]).json();
    assert_eq!(plan, again, "what was generated is in the plan");
}

#[test]
fn apply_keeps_what_it_sends_and_the_next_run_finds_it() {
    let story = story(FakeUaa::start());
    let apply = ["apply", "-f", "pks.yml", "--vars-store", "vars.yml", "--yes"];
    let ended = story.run(&apply).exits(0);
    let value = generated(&story.path("vars.yml"));
    let alana = story.uaa().state().users.iter().find(|user| user["userName"] == "alana").cloned();
    assert_eq!(alana.expect("she was made")["password"], value.as_str());
    assert!(!ended.stdout.contains(&value) && !ended.stderr.contains(&value), "{ended}");
    let ended = story.run(&apply).exits(0);
    assert!(!ended.stderr.contains("generated"), "{ended}");
    assert_eq!(generated(&story.path("vars.yml")), value, "bob's would be nobody's password");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = story.path("vars.yml").metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_store_that_cannot_be_written_is_an_error_before_the_first_write() {
    let story = story(FakeUaa::start());
    let ended = story.run(&["apply", "-f", "pks.yml", "--vars-store", "none/vars.yml", "--yes"]).exits(1);
    assert!(
        ended.stderr.contains("cannot write generated values to none/vars.yml (--vars-store)"),
        "{ended}"
    );
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
}

#[test]
fn the_value_is_kept_before_the_server_learns_it() {
    let story = story(FakeUaa::with(|seen, _| {
        seen.is("POST", "/Users").then(|| error(400, "invalid_scim_resource", "no"))
    }));
    let apply = ["apply", "-f", "pks.yml", "--vars-store", "vars.yml", "--yes"];
    story.run(&apply).exits(1);
    let value = generated(&story.path("vars.yml"));
    story.run(&apply).exits(1);
    assert_eq!(generated(&story.path("vars.yml")), value);
}

#[test]
fn a_value_that_another_run_generated_meanwhile_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("vars.yml");
    let path = store.clone();
    let story = story(FakeUaa::with(move |seen, _| {
        if seen.is("GET", "/Users") {
            std::fs::write(&path, "alana_password: of-another-run\n").expect("ours");
        }
        None::<ResponseTemplate>
    }));
    let store = store.to_str().expect("a text");
    let ended = story.run(&["apply", "-f", "pks.yml", "--vars-store", store, "--yes"]).exits(1);
    assert!(ended.stderr.contains("another run has given `alana_password` a value meanwhile"), "{ended}");
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(store).expect("ours"), "alana_password: of-another-run\n");
}

#[test]
fn an_ops_file_changes_the_manifest_and_is_named_in_plan_and_error() {
    let story = Story::new()
        .file("pks.yml", "version: 1\nusers: [{username: bob, email: bob@example.com}]\n")
        .file("ops.yml", "- type: replace\n  path: /users/username=bob/given_name?\n  value: ((name))\n")
        .file("wrong.yml", "- {type: remove, path: /users/username=bbo}\n")
        .server(FakeUaa::start());
    story.uaa().user("bob");
    let plan = ["plan", "-f", "pks.yml", "-o", "ops.yml", "-v", "name=Bob", "--format", "json"];
    let plan = story.run(&plan).exits(0).json();
    assert_eq!(plan["changes"][0]["because"], serde_json::json!({"file": "ops.yml", "line": 2}));
    assert_ne!(
        plan["manifest_digest"],
        story.run(&["plan", "-f", "pks.yml", "--format", "json"]).json()["manifest_digest"]
    );
    story.run(&["validate", "-f", "pks.yml", "-o", "wrong.yml"]).fails(
        "\
error[no-such-path]: there is nothing at `/users/username=bbo`: no item has `username` `bbo`
 --> wrong.yml:1:24
  |
1 | - {type: remove, path: /users/username=bbo}
  |                        ^^^^^^^^^^^^^^^^^^^ no item has `username` `bbo`
  |
 ::: pks.yml:2:8
  |
2 | users: [{username: bob, email: bob@example.com}]
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ looked for here
  |
  = help: the nearest one is `username=bob`

1 problem; nothing was sent to a server
",
    );
}
