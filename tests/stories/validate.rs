//! `uaapply validate`: offline, everything at once.

use crate::story::{SECRET, Story};

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

#[test]
fn ten_mistakes_are_reported_each_at_its_line_and_no_secret_with_them() {
    let text = "\
version: 1
target: {isuer: https://uaa.example.com/oauth/token}
users:
  - username: alana
    pasword: canary-secret-1
    password: canary-secret-2
  - username: Alana
  - username: bob smith
  - username: carl
    groups: [team.blu]
    cluster_access: admn
  - username: dora
    active: perhaps
    password: ((missing_password))
groups:
  - name: team.blue
    members: [frank, frank]
  - name: Team.Blue
  - name: team.red
    members: [{group: team.red}]
    absent_members: [gina]
";
    let ran = Story::new().file("pks.yml", text).run(&["validate", "-f", "pks.yml"]).exits(1);
    assert_eq!(ran.stdout, "");
    let lines: std::collections::BTreeSet<u32> = ran
        .stderr
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--> pks.yml:")?.split(':').next()?.parse().ok())
        .collect();
    for line in [2, 5, 7, 8, 10, 11, 13, 14, 17, 18, 20, 21] {
        assert!(lines.contains(&line), "nothing is said about line {line}:\n{}", ran.stderr);
    }
    for hint in ["`issuer`", "`password`", "`team.blue`", "`admin`"] {
        assert!(ran.stderr.contains(hint), "no {hint} is suggested:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("canary-secret"), "{}", ran.stderr);
}

#[test]
fn a_value_from_the_environment_stays_a_secret() {
    let text = "version: 1\nusers:\n  - {username: alana, email: ((password)), password: ((password))}\n";
    let story = Story::new().file("pks.yml", text).env("PKS_password", SECRET);
    let ended = story.run(&["validate", "-f", "pks.yml", "--vars-env", "PKS"]).exits(1);
    assert!(ended.stderr.contains("pks.yml:3"), "{ended}");
}
