//! What a policy file decides, through the binary.

use crate::fake_uaa::FakeUaa;
use crate::story::Story;

const TEAM: &str = "\
version: 1
users:
  - {username: ann, cluster_access: manage}
groups:
  - {name: team, additive: true, absent_members: [bob]}
";

fn story(policy: &str) -> Story {
    let uaa = FakeUaa::start();
    uaa.user("ann");
    let bob = uaa.user("bob");
    uaa.group("team", &[bob]);
    Story::new().file("team.yml", TEAM).file("policy.yml", policy).server(uaa)
}

const STRICT: &str = "\
privileged: {add: [pks.clusters.manage]}
protected: [group/team]
members: {team: {minimum: 1, required: [bob]}}
owners: {platform.yml: ['group/pks.*']}
";

#[test]
fn a_policy_refuses_what_the_defaults_let_through_and_each_key_allows_its_own() {
    let story = story(STRICT);
    story.run(&["plan", "-f", "team.yml"]).exits(0);
    insta::assert_snapshot!(story.run(&["plan", "-f", "team.yml", "--policy", "policy.yml"]).exits(3));
    let story = story.env("UAAPPLY_POLICY", "policy.yml");
    story.run(&["apply", "-f", "team.yml", "--yes"]).exits(3);
    assert_eq!(story.uaa().writes(), [""; 0]);
    let keys = [
        "escalates:pks.clusters.manage/uaa/ann",
        "protected:group/team",
        "members:team",
        "owner:team.yml/group/pks.clusters.manage",
    ];
    for left_out in 0..keys.len() {
        let mut args = vec!["plan", "-f", "team.yml"];
        for (_, key) in keys.iter().enumerate().filter(|(place, _)| *place != left_out) {
            args.extend(["--allow", *key]);
        }
        let ended = story.run(&args).exits(3);
        assert!(ended.stdout.contains(keys[left_out]), "{ended}");
    }
    let all: Vec<&str> = keys.iter().flat_map(|key| ["--allow", *key]).collect();
    story.run(&[&["apply", "-f", "team.yml", "--yes"][..], &all].concat()).exits(0);
    assert_eq!(story.uaa().writes().len(), 2);
}

#[test]
fn a_policy_that_is_not_valid_or_not_there_stops_everything() {
    let story = story("protcted: [group/team]\nmembers: {team: {minimum: -1}}\n");
    insta::assert_snapshot!(story.run(&["plan", "-f", "team.yml", "--policy", "policy.yml"]).exits(1));
    let missing = story.run(&["apply", "-f", "team.yml", "--yes", "--policy", "none.yml"]).exits(1);
    assert!(missing.stderr.contains("check the path given to --policy"), "{missing}");
    assert_eq!(story.uaa().writes(), [""; 0]);
}
