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
fn a_mistake_is_no_command_to_a_pipeline_that_reads_along() {
    let story = Story::new().file(
        "pks.yml",
        "version: 1\nusers:\n  - username: \"a##[error]x\\n::add-mask::y\"\n    groups: [\"::stop-commands::z##vso[t]\"]\n    pasword##[x: y\n::error::q: 1\n",
    );
    let ended = story.run(&["validate", "-f", "pks.yml"]).exits(1);
    for line in ended.stderr.lines() {
        assert!(!line.trim_start().starts_with("::"), "{ended}");
        assert!(!line.contains("##[") && !line.contains("##vso"), "{ended}");
    }
    assert!(ended.stderr.contains("::error::q"), "{ended}");
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
    given_name: ((missing_name))
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

#[test]
fn a_missing_secret_says_where_it_was_looked_for_and_names_no_others() {
    let text =
        "version: 1\nusers:\n  - {username: erin, email: e@example.com, password: ((erin_password))}\n";
    let story = Story::new()
        .file("pks.yml", text)
        .env("PKS_erik_password", SECRET)
        .env("PKS_cody_password", SECRET)
        .file("vars.yml", "erin_passwort: canary-s3cret\n");
    for (args, expected) in [
        (
            &["--vars-env", "PKS", "-l", "vars.yml"][..],
            &["not in the environment as `PKS_erin_password`, nor in a file of -l"][..],
        ),
        (
            &["--vars-env", "PSK"],
            &["`PSK_erin_password`", "no environment variable begins with the prefix `PSK` of --vars-env"],
        ),
        (
            &["--vars-env", "PKS", "--vars-env", "CI"],
            &["`PKS_erin_password`, `CI_erin_password`", "prefix `CI`"],
        ),
        (&[], &["set the environment variable PREFIX_erin_password and give --vars-env PREFIX"]),
    ] {
        let said = story.run(&[&["plan", "-t", "localhost", "-f", "pks.yml"], args].concat()).exits(1).stderr;
        for words in expected {
            assert!(said.contains(words), "{args:?} {words}:\n{said}");
        }
        for words in ["did you mean", "-v ", "erik", "cody", "erin_passwort"] {
            assert!(!said.contains(words), "{args:?} {words}:\n{said}");
        }
    }
}

#[test]
fn a_missing_plain_value_is_offered_the_command_line_and_no_name_of_the_environment() {
    let story = Story::new()
        .file("pks.yml", "version: 1\ngroups: [{name: ((team)), description: about ((taem2))}]\n")
        .file("vars.yml", "team2: x\n")
        .env("PKS_team1", SECRET);
    let said =
        story.run(&["validate", "-f", "pks.yml", "--vars-env", "PKS", "-l", "vars.yml"]).exits(1).stderr;
    assert!(said.contains("give it with -v team=VALUE, or in a file with -l FILE"), "{said}");
    assert!(said.contains("did you mean `team2`? or give it with -v taem2=VALUE"), "{said}");
    assert!(!said.contains("team1") && !said.contains("PKS_"), "{said}");
}

#[test]
fn secrets_need_no_value_to_be_validated_and_everything_is_counted() {
    let story = Story::new().file(
        "pks.yml",
        "\
version: 1
users:
  - {username: ann, email: a@example.com, password: ((ann_password))}
  - {username: dana, state: absent}
clients:
  - {client_id: ci, client_secret: ((ci_secret)), authorized_grant_types: [client_credentials]}
  - {client_id: old, state: absent}
",
    );
    let ended = story.run(&["validate", "-f", "pks.yml"]).exits(0);
    assert_eq!(
        ended.stdout,
        "Valid: 1 user, 0 groups and 1 client in 1 file; to be absent: 1 user, 1 client.\n"
    );
    assert_eq!(
        ended.stderr,
        "2 secret variables have no value here; plan and apply need them: ann_password, ci_secret\n"
    );
    let ended = story.run(&["plan", "-f", "pks.yml", "-t", "https://localhost:1"]).exits(1);
    assert!(ended.stderr.contains("the variable `ci_secret` has no value"), "{ended}");
}
