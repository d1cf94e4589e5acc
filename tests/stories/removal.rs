//! What goes: said aloud, pruned, renamed, through the binary.

use serde_json::json;

use crate::fake_uaa::{FakeUaa, error};
use crate::story::Story;

/// A foundation with people who left, and a group that nobody needs any more.
fn uaa() -> FakeUaa {
    furnished(FakeUaa::start())
}

fn furnished(uaa: FakeUaa) -> FakeUaa {
    for name in ["ann", "bob", "carl"] {
        uaa.user(name);
    }
    let dana = uaa.user("dana");
    let erin = uaa.user("erin.old");
    uaa.group("team.old", &[dana.clone(), erin]);
    uaa.group("team.new", &[dana]);
    uaa.state().mappings.push(
        json!({"groupId": "id-team.old", "displayName": "team.old", "externalGroup": "cn=old", "origin": "ldap"}),
    );
    uaa
}

const GONE: &str = "\
version: 1
users:
  - {username: dana, state: absent}
  - {username: nobody, state: absent}
  - {username: erin, previously: erin.old}
  - username: ann
  - username: bob
  - username: carl
groups:
  - {name: team.old, state: absent}
  - {name: team.new, members: [ann]}
";

#[test]
fn what_goes_is_said_with_what_it_takes_along() {
    let story = Story::new().file("pks.yml", GONE).server(uaa());
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(0));
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn what_hangs_on_something_is_deleted_before_it() {
    let story = Story::new().file("pks.yml", GONE).server(uaa()).env("UAAPPLY_CONCURRENCY", "1");
    story.run(&["apply", "-f", "pks.yml", "--yes"]).exits(0);
    assert_eq!(
        story.uaa().writes(),
        [
            "POST /Groups/id-team.new/members",
            "PUT /Users/id-erin.old",
            "DELETE /Groups/id-team.new/members/id-dana",
            "DELETE /Groups/id-team.old/members/id-dana",
            "DELETE /Groups/External/groupId/id-team.old/externalGroup/cn%3Dold/origin/ldap",
            "DELETE /Users/id-dana",
            "DELETE /Groups/id-team.old",
        ]
    );
    let second = story.run(&["plan", "-f", "pks.yml", "--detailed-exitcode"]).exits(0);
    assert!(second.stdout.contains("has its new name already"), "{second}");
}

#[test]
fn a_user_whose_membership_stays_is_not_deleted() {
    let uaa = FakeUaa::with(|seen, _| {
        seen.is("DELETE", "/Groups/id-team.new/members")
            .then(|| error(400, "scim", "the database is in a mood"))
    });
    let story = Story::new().file("pks.yml", GONE).server(furnished(uaa)).env("UAAPPLY_CONCURRENCY", "1");
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes"]).exits(5);
    assert!(!story.uaa().writes().contains(&"DELETE /Users/id-dana".to_owned()), "{ended}");
    assert!(ended.stdout.contains("it needs removing team.new/uaa/dana"), "{ended}");
}

#[test]
fn pruning_takes_the_manifest_and_the_command_line() {
    let manifest = "\
version: 1
users: [{username: ann}, {username: bob}, {username: carl}, {username: dana}]
prune:
  users: {origins: [uaa], action: delete}
";
    let story = Story::new().file("pks.yml", manifest).server(uaa());
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(3));
    let keys = ["--allow", "prune:users", "--allow", "removals:team.old"];
    let args: Vec<&str> = ["apply", "-f", "pks.yml", "--yes"].into_iter().chain(keys).collect();
    story.run(&args).exits(0);
    assert_eq!(
        story.uaa().writes(),
        ["DELETE /Groups/id-team.old/members/id-erin.old", "DELETE /Users/id-erin.old"]
    );
}

#[test]
fn nothing_is_pruned_after_a_read_that_failed() {
    let uaa = FakeUaa::with(|seen, _| {
        seen.is("GET", "/Users").then(|| error(403, "insufficient_scope", "not for you"))
    });
    let story = Story::new()
        .file("pks.yml", "version: 1\nusers: [{username: ann}]\nprune: {users: {origins: [uaa]}}\n")
        .server(uaa);
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes", "--allow", "prune:users"]).exits(1);
    assert!(ended.stdout.is_empty(), "{ended}");
    assert_eq!(story.uaa().writes(), [""; 0]);
}

#[test]
fn two_accounts_do_not_become_one() {
    let uaa = uaa();
    uaa.user("erin");
    let story = Story::new().file("pks.yml", GONE).server(uaa);
    insta::assert_snapshot!(story.run(&["plan", "-f", "pks.yml"]).exits(1));
}
