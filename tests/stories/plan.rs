//! `uaapply plan` through the binary.

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

const PEOPLE: &str = "\
version: 1
users:
  - username: alana
    email: alana@example.com
    password: ((alana))
    cluster_access: manage
  - username: frank
    cluster_access: none
groups:
  - name: team
    members: [frank]
";

/// A foundation on which frank manages clusters, and olduser does whom nobody knows any more.
fn story() -> Story {
    let uaa = FakeUaa::start();
    let (frank, old) = (uaa.user("frank"), uaa.user("olduser"));
    uaa.group("team", &[]);
    uaa.state().groups[1]["members"] = serde_json::json!([{"value": frank, "type": "USER", "origin": "uaa"}, {"value": old, "type": "USER", "origin": "uaa"}]);
    Story::new().file("pks.yml", PEOPLE).server(uaa).env("PKS_alana", SECRET).env("UAAPPLY_VARS_ENV", "PKS")
}

#[test]
fn it_shows_what_would_change_and_sends_nothing_but_reads() {
    let story = story();
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(0));
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn a_pipeline_can_ask_whether_something_would_change() {
    let story = story();
    story.run(&["plan", "-f", "pks.yml", "--detailed-exitcode"]).exits(2);
    let story = story.file("pks.yml", "version: 1\ngroups: [{name: team, additive: true}]\n");
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml", "--detailed-exitcode"]).exits(0));
}

#[test]
fn as_json_standard_output_is_the_plan_and_nothing_else() {
    let story = story();
    let ended =
        story.run(&["plan", "-f", "pks.yml", "--format", "json", "--allow", "escalates:nobody"]).exits(0);
    let plan = ended.json();
    assert_eq!((&plan["format"], &plan["summary"]["create"]), (&1.into(), &1.into()));
    assert_eq!(ended.stderr, "warning: --allow 'escalates:nobody' allows nothing: no finding has this key\n");
    // The same bytes at every run.
    assert_eq!(story.run(&["plan", "-f", "pks.yml", "--format", "json"]).stdout, ended.stdout);
}

#[test]
fn a_refused_plan_says_what_to_type() {
    let story = story();
    story.uaa().group("uaa.admin", &[]);
    let story = story
        .file("pks.yml", "version: 1\ngroups:\n  - {name: uaa.admin, additive: true, members: [frank]}\n");
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(3));
    story.run(&["plan", "-f", "pks.yml", "--allow", "escalates:uaa.admin/uaa/frank"]).exits(0);
    let warned = |key| story.run(&["plan", "-f", "pks.yml", "--allow", key]).exits(3).stderr;
    let several = warned("escalates:uaa.admin/uaa/frank,empties:team");
    assert!(several.contains("one --allow takes one key: repeat it for several"), "{several}");
    assert_eq!(
        warned("escalates:uaa.admin/frank"),
        "warning: --allow 'escalates:uaa.admin/frank' allows nothing: no finding has this key; \
         did you mean 'escalates:uaa.admin/uaa/frank'?\n"
    );
    assert!(warned("removals:team").ends_with("no finding has this key\n"));
}

#[test]
fn another_server_than_the_pinned_one_never_sees_the_secret() {
    let story = story().file(
        "pks.yml",
        "version: 1\ntarget: {issuer: 'https://prod.example.com/oauth/token'}\ngroups: []\n",
    );
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(3));
    assert_eq!(story.uaa().logins(), 0);
}

#[test]
fn an_entry_that_cannot_come_true_is_an_error_with_its_line() {
    let story = story().file(
        "pks.yml",
        "version: 1\nusers:\n  - {username: new, cluster_access: none}\n  - {username: cody, origin: ldpa, email: c@example.com}\n",
    );
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(1));
}

#[test]
fn the_line_of_such_an_entry_shows_no_secret() {
    let text =
        format!("version: 1\nusers:\n  - {{username: new, password: {SECRET}}} # password: {SECRET}\n");
    let ended = story().without("PKS_alana").file("pks.yml", &text).run(&["plan", "-f", "pks.yml"]).exits(1);
    assert!(ended.stderr.contains("\n3 |   - {username: new, password: ***} # password: ***\n"), "{ended}");
    assert!(ended.stderr.contains("error[cannot-come-true]: user `uaa/new` does not exist yet"), "{ended}");
    assert!(ended.stderr.contains(" --> pks.yml:3:5"), "{ended}");
}

#[test]
fn a_read_that_fails_is_an_error_and_no_empty_plan() {
    let story = Story::new().file("pks.yml", "version: 1\ngroups: []\n").server(FakeUaa::with(|seen, _| {
        seen.is("GET", "/Groups/External").then(|| crate::fake_uaa::error(403, "insufficient_scope", "no"))
    }));
    let ended = story.run(&["plan", "-f", "pks.yml"]).exits(1);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("/Groups/External"), "{ended}");
}

#[test]
fn the_members_of_a_group_whose_name_uaa_cuts_into_scopes_are_read_by_name() {
    let story = story();
    let frank = "id-frank".to_owned();
    story.uaa().group("x,pks.clusters.manage", &[frank, "id-olduser".to_owned()]);
    let plan = story.run(&["plan", "-f", "pks.yml", "--format", "json"]).exits(0).json();
    assert_eq!(
        plan["kept"][0]["items"],
        serde_json::json!([
            "pks.clusters.manage/uaa/olduser",
            "x,pks.clusters.manage/uaa/frank",
            "x,pks.clusters.manage/uaa/olduser"
        ])
    );
}

#[test]
fn an_origin_for_which_only_the_manifest_vouches_is_shown() {
    let manifest = "version: 1\ntarget: {origins: [ldap, saml]}\nusers:\n  - {username: a, origin: ldap, email: a@example.com}\n  - {username: b, origin: saml, email: b@example.com}\n";
    let story = Story::new().file("pks.yml", manifest).server(FakeUaa::start());
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(0));
}

#[test]
fn names_from_the_server_cannot_forge_output() {
    let story = story();
    let evil =
        story.uaa().user("x\u{1b}[2J\u{202e}\r\nPlan: nothing\n::error::y ##[add-mask]admin </details>");
    story.uaa().group("evil", &[evil]);
    let story = story.file("pks.yml", "version: 1\ngroups: [{name: evil}]\n");
    for format in ["text", "json", "markdown"] {
        let ended = story.run(&["plan", "-f", "pks.yml", "--format", format]).exits(3);
        assert!(!ended.stdout.contains(['\u{1b}', '\u{202e}', '\r']), "{ended}");
        assert!(!ended.stdout.lines().any(|line| line.starts_with("Plan: nothing")), "{ended}");
        assert!(!ended.stdout.contains("##[") && !ended.stdout.contains("\n::"), "{ended}");
    }
}
