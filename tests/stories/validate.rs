//! `uaapply validate`: offline, everything at once.

use crate::story::Story;

#[test]
fn a_valid_manifest_is_counted() {
    let story = Story::new()
        .file(
            "m/a.yml",
            "version: 1\nusers:\n  - {username: ann, email: a@example.com, cluster_access: read}\n",
        )
        .file("m/b.yaml", "version: 1\ngroups:\n  - {name: team, members: [ann]}\n")
        .file("m/c.txt", "not: [read\n");
    insta::assert_snapshot!(story.run(&["validate", "-f", "m"]).exits(0));
}

#[test]
fn every_mistake_is_shown_with_its_line() {
    let story = Story::new().file(
        "pks.yml",
        "version: 1\nusers:\n  - username: ann\n    pasword: x\n    groups: [tema]\n  - username: ann\n    cluster_access: mange\ngroups:\n  - name: team\n",
    );
    insta::assert_snapshot!(story.run(&["validate", "-f", "pks.yml"]).exits(1));
}

#[test]
fn a_manifest_can_come_from_standard_input() {
    let story = Story::new().stdin("version: 1\ngroups: [{name: ((team))}]\n");
    insta::assert_snapshot!(story.run(&["validate", "-f", "-", "-v", "team=x"]).exits(0));
}

#[test]
fn a_path_without_manifests_is_an_error() {
    let story = Story::new().file("empty/readme.txt", "");
    for path in ["nowhere.yml", "empty"] {
        let ended = story.run(&["validate", "-f", path]).exits(1);
        assert!(ended.stderr.contains(path), "{ended}");
    }
}

#[test]
fn a_secret_in_the_manifest_draws_a_warning_that_does_not_show_it() {
    let story = Story::new().file(
        "pks.yml",
        "version: 1\nusers:\n  - {username: ann, email: a@example.com, password: canary-s3cret}\n",
    );
    insta::assert_snapshot!(story.run(&["validate", "-f", "pks.yml"]).exits(0));
}
