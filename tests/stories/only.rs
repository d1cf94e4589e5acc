//! `--only` through the binary: one thing at two in the morning.

use serde_json::{Value, json};

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PEOPLE: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((alana)), cluster_access: manage}
  - {username: frank, cluster_access: none}
groups:
  - {name: team, members: [alana, frank]}
";

/// A foundation on which frank has too much, and olduser is still in the team.
fn story() -> Story {
    let uaa = FakeUaa::start();
    let (frank, old) = (uaa.user("frank"), uaa.user("olduser"));
    uaa.group("team", &[frank.clone(), old]);
    let row = json!({"value": frank, "type": "USER", "origin": "uaa"});
    uaa.state().groups[0]["members"].as_array_mut().expect("a list").push(row);
    Story::new().file("pks.yml", PEOPLE).server(uaa).env("PKS_alana", SECRET).env("UAAPPLY_VARS_ENV", "PKS")
}

fn keys(report: &Value) -> Vec<&str> {
    let changes = report["changes"].as_array().expect("a list");
    changes.iter().map(|change| change["key"].as_str().expect("a text")).collect()
}

#[test]
fn one_user_and_nothing_else() {
    let story = story();
    insta::assert_snapshot!(
        "a part is shown",
        story.run(&["plan", "-f", "pks.yml", "--only", "user/frank"]).exits(0)
    );
    let markdown = ["plan", "-f", "pks.yml", "--only", "user/frank", "--format", "markdown"];
    let markdown = story.run(&markdown).exits(0).stdout;
    assert!(
        markdown.contains("Only `user/uaa/frank`, and what that needs: 4 changes are left out."),
        "{markdown}"
    );
    let apply = ["apply", "-f", "pks.yml", "--yes", "--only", "user/frank"];
    insta::assert_snapshot!("a part is carried out", story.run(&apply).exits(0));
    assert_eq!(story.uaa().writes(), ["DELETE /Groups/id-pks.clusters.admin/members/id-frank"]);
    // Once more: nothing to do, and that is no mistake.
    let again = story.run(&apply).exits(0);
    assert!(
        again
            .stdout
            .contains("No changes.\nOnly user/uaa/frank, and what that needs: 4 changes are left out."),
        "{again}"
    );
}

#[test]
fn what_it_needs_comes_along_and_the_second_look_looks_at_no_more() {
    let story = story();
    let report = ["--only", "member/team/alana", "--only", "member/team/olduser", "--format", "json"];
    let ended = story.run(&[&["apply", "-f", "pks.yml", "--yes"][..], &report].concat()).exits(0).json();
    assert_eq!(keys(&ended), ["uaa/alana", "team/uaa/alana", "team/uaa/olduser"]);
    assert_eq!((&ended["converged"], &ended["only"]["left_out"]), (&json!(true), &json!(2)));
}

#[test]
fn a_name_that_nothing_answers_to_is_a_mistake() {
    let story = story();
    for command in ["plan", "apply"] {
        let ended = story.run(&[command, "-f", "pks.yml", "--only", "user/frnak"]).exits(1);
        assert_eq!(
            ended.stderr,
            "error: --only names what the manifest does not speak about, and the plan does not change\n  \
             because 'user/uaa/frnak'; did you mean 'user/uaa/frank'?\n\
             hint: the plan without --only shows each user's name\n"
        );
    }
    let ended = story.run(&["apply", "-f", "pks.yml", "--only", "frank"]).exits(1);
    assert!(ended.stderr.contains("no kind and name; write user/alana"), "{ended}");
    // A saved plan is all of it; `apply PLAN --only` takes a part.
    let ended = story.run(&["plan", "-f", "pks.yml", "--only", "user/frank", "--out", "x.plan"]).exits(1);
    assert!(ended.stderr.contains("cannot be used with"), "{ended}");
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn a_part_of_a_saved_plan() {
    let story = story();
    story.run(&["plan", "-f", "pks.yml", "--out", "pks.plan"]).exits(0);
    // What changed elsewhere is not this part's matter.
    story.uaa().user("alana");
    story.uaa().state().users[2]["emails"][0]["value"] = "other@example.com".into();
    story.run(&["apply", "pks.plan", "--yes"]).exits(4);
    let ended = story.run(&["apply", "pks.plan", "--yes", "--only", "user/frnak"]).exits(1);
    assert!(ended.stderr.contains("what the saved plan does not speak about"), "{ended}");
    let apply = ["apply", "pks.plan", "--yes", "--only", "user/frank", "--format", "json"];
    let report = story.run(&apply).exits(0).json();
    assert_eq!(keys(&report), ["pks.clusters.admin/uaa/frank"]);
    assert_eq!((&report["converged"], &report["only"]["left_out"]), (&json!(true), &json!(4)));
    assert_eq!(story.uaa().writes(), ["DELETE /Groups/id-pks.clusters.admin/members/id-frank"]);
}
